//! The `rapport` binary: where it is, and what a command of it says.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    /// 0 done, 1 failed, 2 wrong usage.
    pub exit_code: i32,
    /// Data.
    pub stdout: String,
    /// Talk.
    pub stderr: String,
}

impl Said {
    /// The data as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The same, after a command that had to succeed.
    pub fn done(self) -> Self {
        assert_eq!(self.exit_code, 0, "{self:?}");
        self
    }
}

/// Runs `rapport` with these words to its end.
pub fn rapport(words: &[&str]) -> Said {
    let output = command().args(words).stdin(Stdio::null()).output().expect("rapport runs");
    Said {
        exit_code: output.status.code().unwrap_or_else(|| panic!("rapport {words:?} ended by a signal")),
        stdout: String::from_utf8(output.stdout).expect("stdout is text"),
        stderr: String::from_utf8(output.stderr).expect("stderr is text"),
    }
}

/// `rapport`, without the `RAPPORT_` variables that whoever runs the tests may have set.
pub fn command() -> Command {
    let mut command = Command::new(path());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RAPPORT_")) {
        command.env_remove(name);
    }
    command
}

/// `RAPPORT_BIN`, else beside the directory of this test's executable, where cargo puts it.
fn path() -> PathBuf {
    let path = std::env::var_os("RAPPORT_BIN").map_or_else(beside_this_test, PathBuf::from);
    assert!(
        path.is_file(),
        "no rapport binary at {}; build it with `cargo build -p ops` (with the same profile as the tests), or name it \
         with RAPPORT_BIN",
        path.display()
    );
    path
}

fn beside_this_test() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let profile_dir = test.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps/it");
    profile_dir.join(format!("rapport{}", std::env::consts::EXE_SUFFIX))
}
