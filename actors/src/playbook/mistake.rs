//! What is wrong with a playbook, said so that its author can mend it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One finding in a playbook's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// Whether the playbook can be used all the same.
    pub severity: Severity,
    /// The file, as named by its author.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, naming the thing.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// Whether a finding stops the playbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The playbook can't become active.
    Error,
    /// The playbook works, perhaps not as meant.
    Warning,
}

/// `offers.yaml:12: offer data-xl: unknown tag t.agee; did you mean t.age?`
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(f, "{}:{}: {mark}{}; {}", self.file, self.line, self.what, self.fix)
    }
}
