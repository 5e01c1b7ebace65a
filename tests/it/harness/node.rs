//! A node in a process of its own, and the directory it lives in.
//!
//! A [`Home`] outlives its nodes: what one of them acknowledged, the next has to know.

use super::binary;
use super::client::Client;
use super::wait::{Deadline, until};
use serde_json::Value as Json;
use std::cell::Cell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// Lines of a node's log that are shown when a test fails.
const LOG_LINES_SHOWN: usize = 40;

/// A data directory and the logs of the nodes that used it.
pub struct Home {
    dir: TempDir,
    starts: Cell<u32>,
    settings: Vec<(&'static str, String)>,
}

impl Home {
    /// An empty one.
    pub fn new() -> Self {
        Home::with(&[])
    }

    /// An empty one whose nodes run with these `RAPPORT_` variables.
    pub fn with(settings: &[(&'static str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Home { dir, starts: Cell::new(0), settings }
    }

    /// A place for the test's own files.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a node here and waits until it is ready. The playbook of the tests is in force.
    pub fn start(&self) -> Node {
        let start = self.starts.replace(self.starts.get() + 1);
        let log = self.dir.path().join(format!("node-{start}.log"));
        let child = binary::command()
            .args(["node", "--node-id", "n1", "--http", "127.0.0.1:0", "--data-dir"])
            .arg(self.dir.path().join("data"))
            .arg("--playbook")
            .arg(playbook_dir())
            .env("RAPPORT_LOG_FORMAT", "json")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log file"))
            .spawn()
            .expect("rapport starts");
        let mut node = Node { child, log, client: Client::new("http://nowhere") };
        node.client = Client::new(&format!("http://{}", node.reported_address()));
        until("the node to be ready", || {
            node.assert_running();
            node.client.try_get("/readyz").ok().filter(|reply| reply.status == 200)
        });
        node
    }
}

/// The playbook of these tests.
pub fn playbook_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it/playbook")
}

/// A running node. Killed when dropped.
pub struct Node {
    child: Child,
    log: PathBuf,
    client: Client,
}

impl Node {
    /// Asks this node. To be cloned by threads.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where it listens, such as `http://127.0.0.1:4711`.
    pub fn server(&self) -> &str {
        self.client.server()
    }

    /// SIGKILL: no time to finish anything.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM: asks it to stop, and says how it ended.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success(), "SIGTERM reached {pid}");
        let deadline = Deadline::after_s(60);
        loop {
            match self.child.try_wait().expect("our own child") {
                Some(status) => return status,
                None => deadline.pause("the node to stop after SIGTERM"),
            }
        }
    }

    /// The node's log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Port 0 was asked for; the log says which it became.
    fn reported_address(&mut self) -> String {
        until("the node to say where it listens", || {
            self.assert_running();
            let started = |line: &str| {
                let line: Json = serde_json::from_str(line).ok()?;
                (line["message"] == "started").then(|| line["address"].as_str().map(str::to_owned))?
            };
            self.log().lines().find_map(started)
        })
    }

    fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("our own child") {
            panic!("the node ended by itself, {status}");
        }
    }

    fn end(&mut self) {
        // An error means that it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
            eprintln!("the node's log ends:\n{}", last.join("\n"));
        }
    }
}
