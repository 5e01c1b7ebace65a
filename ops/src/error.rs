//! Why a command ended without doing its work, sorted by what the operator does next.

use crate::client::CallError;

/// A command that did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The operator changes the command line or the file it names, and runs it again.
    #[error("{0}")]
    Usage(String),
    /// The command was right; the world was not. The text says what to look at.
    #[error("{0}")]
    Failed(String),
    /// A call to the node did not succeed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Everything there is to say has been printed already.
    #[error("failed")]
    Told,
}

impl Failure {
    /// What the process ends with: 1 failed, 2 wrong usage.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Failed(_) | Failure::Call(_) | Failure::Told => 1,
        }
    }
}

/// A file that can't be read or written, with its name.
pub fn file_trouble(what: &str, path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("can't {what} {}: {error}", path.display()))
}
