//! Why a call got no answer, sorted by what the caller may do.

/// Why a turn did not happen, or may not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnError {
    /// Certainly not applied: too much waits already. Try again after the given time.
    #[error("overloaded: {what}; try again in {retry_after_ms} ms")]
    Overloaded {
        /// Which queue is full.
        what: &'static str,
        /// When to come back.
        retry_after_ms: u64,
    },
    /// Certainly not applied: the deadline passed before the turn began. Try again with more time.
    #[error("the deadline passed before the turn began")]
    DeadlinePassed,
    /// Certainly not applied here: this node does not own the shard. Ask the owner.
    #[error("not the owner of shard {shard}")]
    NotOwner {
        /// The customer's shard.
        shard: u32,
    },
    /// May or may not be applied. The caller repeats the call with the same ids, or reads before it writes again.
    #[error("may or may not be applied: {0}")]
    MaybeApplied(String),
    /// Certainly not applied: the store did not take it. Try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The stored customer can't be read. Trying again won't help; an operator has to look.
    #[error("the customer can't be read: {0}")]
    Corrupt(String),
}

/// Remembered bytes that can't be understood: written by a newer version, or damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {detail}")]
pub struct Unreadable {
    /// What was to be read.
    pub what: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

impl Unreadable {
    pub(crate) fn new(what: &'static str, detail: impl std::fmt::Display) -> Self {
        Unreadable { what, detail: detail.to_string() }
    }
}
