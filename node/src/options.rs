//! How a node is set up: one flat list of keys, the same in the config file, the environment and the command line.
//!
//! Flags override the environment, the environment overrides the file, the file overrides the defaults. The text
//! above each field is what the sample config file says of it ([`NodeOptions::sample`]).

mod file;
mod keys;

use crate::error::NodeError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Options of a node. Every bound is here, with its unit in its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodeOptions {
    /// This node's name, unique in the cluster: 1 to 64 letters, digits, dots, dashes or underscores.
    /// The data directory remembers it. Default n1.
    pub node_id: String,
    /// Where this node keeps what it must not forget; made when missing. One process at a time. Default data.
    pub data_dir: PathBuf,
    /// Where the HTTP API listens, as host:port; port 0 takes a free one. Default 127.0.0.1:8080: nobody outside
    /// reaches a node by accident.
    pub http: String,
    /// Where customers are remembered. `embedded` is SQLite in the data directory and needs nothing else; `scylla` is a
    /// ScyllaDB or Cassandra cluster, prepared with `rapport store migrate`. Default embedded.
    pub store: StoreKind,
    /// Servers of the scylla store to begin with, as host:port, separated by commas. Default 127.0.0.1:9042.
    pub scylla: String,
    /// The keyspace of the scylla store. Default rapport.
    pub keyspace: String,
    /// The role to log in as at the scylla store. Default none.
    pub scylla_user: Option<String>,
    /// Its password; better given as RAPPORT_SCYLLA_PASSWORD than in a file. Default none.
    pub scylla_password: Option<String>,
    /// The data centre whose servers are asked and whose quorum counts. Default that of the first server.
    pub scylla_datacenter: Option<String>,
    /// A playbook's directory. When given, the node stores it and puts it in force at every start. Default none:
    /// what was in force when the node stopped, and before the first playbook the node is not ready.
    #[serde(rename = "playbook")]
    pub playbook_dir: Option<PathBuf>,
    /// Into how many shards the customers are cut, a power of two up to 65,536, fixed when the data directory is
    /// made. Default 16384: enough for hundreds of nodes to share evenly.
    pub shard_count: u32,
    /// Threads that serve customers, and as many again that speak HTTP. Default 2.
    pub thread_count: usize,
    /// Bytes of idle customers kept in memory; beyond that the longest idle are passivated. Default 1073741824
    /// (1 GiB): about 400,000 customers of 2.5 KB.
    pub resident_bytes_max: u64,
    /// Largest request body in bytes, except for playbooks, and for streams, which are read line by line. Default
    /// 16777216 (16 MiB): a batch of some 50,000 events.
    pub body_bytes_max: usize,
    /// Largest playbook that is accepted over HTTP, in bytes. Default 134217728 (128 MiB): 40,000 offers as long as
    /// those of the sample playbook (1.3 KB each) fit twice.
    pub playbook_bytes_max: usize,
    /// Longest line of a stream in bytes. Default 262144 (256 KiB): far above any event, and a few hundred streams
    /// of such lines still fit in memory.
    pub line_bytes_max: usize,
    /// Calls that the node has in hand at most; beyond that callers get 429. Bulk input is refused first, then
    /// events, then decisions, the care desk last. Default 4096: at 5,000 calls a second the last waits under a
    /// second.
    pub in_flight_max: usize,
    /// How long a call may take in milliseconds before it is given up. Default 5000: nobody in a shop waits longer.
    pub deadline_ms: u64,
    /// How long a stop waits for calls in hand, in milliseconds. Default 15000: three deadlines, and half of what
    /// a container is given before it is killed.
    pub drain_ms: u64,
    /// When a refused caller is asked to come back, in seconds. Default 1: the queue that refused holds about a
    /// second of work.
    pub retry_after_s: u64,
    /// What is logged: a level (error, warn, info, debug, trace), or levels by module as in
    /// `info,storage=debug`. Default info.
    pub log: String,
    /// How log lines are written to stderr: `text` for people, `json` for collectors. Default text.
    pub log_format: LogFormat,
}

/// Where customers are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// SQLite in the data directory.
    Embedded,
    /// A ScyllaDB or Cassandra cluster.
    Scylla,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors, one object a line.
    Json,
}

impl Default for NodeOptions {
    fn default() -> Self {
        NodeOptions {
            node_id: "n1".into(),
            data_dir: "data".into(),
            http: "127.0.0.1:8080".into(),
            store: StoreKind::Embedded,
            scylla: "127.0.0.1:9042".into(),
            keyspace: "rapport".into(),
            scylla_user: None,
            scylla_password: None,
            scylla_datacenter: None,
            playbook_dir: None,
            shard_count: 16_384,
            thread_count: 2,
            resident_bytes_max: 1 << 30,
            body_bytes_max: 16 << 20,
            playbook_bytes_max: 128 << 20,
            line_bytes_max: 256 << 10,
            in_flight_max: 4096,
            deadline_ms: 5000,
            drain_ms: 15_000,
            retry_after_s: 1,
            log: "info".into(),
            log_format: LogFormat::Text,
        }
    }
}

/// Before the key in the environment: `RAPPORT_NODE_ID`.
pub const ENVIRONMENT_PREFIX: &str = "RAPPORT_";

impl NodeOptions {
    /// The defaults, overridden by a YAML file.
    ///
    /// # Errors
    /// [`NodeError::Options`] naming file, line and key.
    pub fn from_file(path: &Path) -> Result<NodeOptions, NodeError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| NodeError::Options(format!("{}: {error}", path.display())))?;
        NodeOptions::default().with_yaml(&text, &path.display().to_string())
    }

    /// These options, overridden by a YAML text. `name` is what errors call it.
    ///
    /// # Errors
    /// [`NodeError::Options`] naming `name`, line and key.
    pub fn with_yaml(self, text: &str, name: &str) -> Result<NodeOptions, NodeError> {
        file::read(text)
            .and_then(|entries| {
                entries.into_iter().try_fold(self, |options, entry| {
                    keys::set(&options, &entry.key, entry.value)
                        .map_err(|what| file::Wrong { line: entry.line, what })
                })
            })
            .map_err(|wrong| NodeError::Options(format!("{name}:{}: {}", wrong.line, wrong.what)))
    }

    /// These options, overridden by `RAPPORT_*` variables. Other variables are not ours and left alone.
    ///
    /// # Errors
    /// [`NodeError::Options`] naming the variable.
    pub fn with_environment(
        self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<NodeOptions, NodeError> {
        variables.into_iter().try_fold(self, |options, (name, text)| {
            let key = name.strip_prefix(ENVIRONMENT_PREFIX).map(str::to_ascii_lowercase);
            match key.filter(|key| keys::known().contains(key)) {
                Some(key) => keys::set_text(&options, &key, &text)
                    .map_err(|what| NodeError::Options(format!("{name}: {what}"))),
                None => Ok(options),
            }
        })
    }

    /// A config file with every key at its default, commented out, and what it is for.
    #[must_use]
    pub fn sample() -> String {
        keys::sample()
    }

    /// Refuses options under which nothing could ever be served, before anything is started.
    ///
    /// # Errors
    /// [`NodeError::Options`] naming the option and what to do.
    pub fn check(&self) -> Result<(), NodeError> {
        let wrong = |what: &str| Err(NodeError::Options(what.to_string()));
        if cluster::NodeId::new(&self.node_id).is_none() {
            return wrong("node_id must be 1 to 64 letters, digits, dots, dashes or underscores");
        }
        if self.store == StoreKind::Scylla
            && let Err(error) = self.scylla_options().check()
        {
            return wrong(&error.to_string());
        }
        if cluster::ShardCount::new(self.shard_count).is_none() {
            return wrong("shard_count must be a power of two up to 65536");
        }
        let counts = [
            ("thread_count", self.thread_count as u64),
            ("resident_bytes_max", self.resident_bytes_max),
            ("body_bytes_max", self.body_bytes_max as u64),
            ("playbook_bytes_max", self.playbook_bytes_max as u64),
            ("line_bytes_max", self.line_bytes_max as u64),
            ("in_flight_max", self.in_flight_max as u64),
            ("deadline_ms", self.deadline_ms),
        ];
        match counts.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => wrong(&format!("{name} must be at least 1")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_overrides_defaults_and_the_environment_overrides_the_file() {
        let file = "node_id: n7\nhttp: 0.0.0.0:9000\nplaybook: /etc/rapport/playbook\nlog_format: json\n";
        let options = NodeOptions::default().with_yaml(file, "rapport.yaml").unwrap();
        let variables =
            [("RAPPORT_HTTP", "[::1]:80"), ("RAPPORT_DEADLINE_MS", "250"), ("RAPPORT_SERVER", "x")];
        let variables = variables.map(|(name, text)| (name.to_string(), text.to_string()));
        let options = options.with_environment(variables).unwrap();
        let expected = NodeOptions {
            node_id: "n7".into(),
            http: "[::1]:80".into(),
            playbook_dir: Some("/etc/rapport/playbook".into()),
            deadline_ms: 250,
            log_format: LogFormat::Json,
            ..NodeOptions::default()
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn a_mistake_in_the_file_is_found_by_file_line_and_key() {
        let check = |text: &str, expected: &str| {
            let error = NodeOptions::default().with_yaml(text, "r.yaml").unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        };
        check("node_id: n1\nhtpp: a:1\n", "r.yaml:2: unknown key htpp; did you mean http?");
        check("node_id: n1\nzzzzzz: 1\n", "r.yaml:2: unknown key zzzzzz");
        check("\n\nshard_count: many\n", "r.yaml:3: shard_count: ");
        check("deadline_ms: -1\n", "r.yaml:1: deadline_ms: ");
        check("store: redis\n", "r.yaml:1: store: ");
        check("deadline_ms: 1.5\n", "r.yaml:1: deadline_ms: ");
        check("http: [a, b]\n", "r.yaml:1: http: ");
        check("node_id: n1\nnode_id: n2\n", "r.yaml:2: ");
        check("node_id: 'n1\n", "r.yaml:");
        check("- node_id\n", "r.yaml:1: ");
    }

    #[test]
    fn a_mistake_in_the_environment_is_found_by_its_variable() {
        let variables = [("RAPPORT_THREAD_COUNT".to_string(), "two".to_string())];
        let error = NodeOptions::default().with_environment(variables).unwrap_err().to_string();
        assert!(error.contains("RAPPORT_THREAD_COUNT"), "{error}");
    }

    #[test]
    fn options_that_could_serve_nothing_are_refused_by_name() {
        let defaults = NodeOptions::default;
        defaults().check().unwrap();
        for (options, name) in [
            (NodeOptions { node_id: "a b".into(), ..defaults() }, "node_id"),
            (NodeOptions { store: StoreKind::Scylla, keyspace: "A b".into(), ..defaults() }, "keyspace"),
            (NodeOptions { store: StoreKind::Scylla, scylla: "nowhere".into(), ..defaults() }, "host:port"),
            (NodeOptions { shard_count: 100, ..defaults() }, "shard_count"),
            (NodeOptions { in_flight_max: 0, ..defaults() }, "in_flight_max"),
        ] {
            let error = options.check().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn the_sample_names_every_key_and_changes_nothing() {
        let sample = NodeOptions::sample();
        assert_eq!(NodeOptions::default().with_yaml(&sample, "sample").unwrap(), NodeOptions::default());
        let uncommented: String = sample
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' '))
            .fold(String::new(), |text, line| text + line + "\n");
        assert_eq!(uncommented.lines().count(), keys::known().len());
        assert_eq!(NodeOptions::default().with_yaml(&uncommented, "sample").unwrap(), NodeOptions::default());
    }
}
