//! What can go wrong, sorted by what the caller may do.

use crate::Fence;

/// Why a store did not answer `Ok`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Certainly not applied: a newer owner has written. The caller no longer owns the customer and stops.
    #[error("fenced: written under epoch {} by a newer owner, refused epoch {}", stored.0, ours.0)]
    Fenced {
        /// The fence found in the store.
        stored: Fence,
        /// The fence of the refused write.
        ours: Fence,
    },
    /// Certainly not applied: the stored revision is not the one the write builds on. The caller reads again.
    #[error("conflict: revision {stored} is stored, the write expected {expected}")]
    Conflict {
        /// The revision found in the store, 0 when there is none.
        stored: u64,
        /// The revision the write builds on.
        expected: u64,
    },
    /// Certainly not applied: the store's queue is full. The caller may try again later.
    #[error("the store is busy: {waiting_max} calls wait already")]
    Busy {
        /// The bound of the queue.
        waiting_max: usize,
    },
    /// May or may not be applied. The caller reads before it writes again.
    #[error("the outcome is unknown: {0}")]
    MaybeApplied(String),
    /// Certainly not applied: the store cannot be reached or refused the request. The caller may try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What is stored cannot be understood. Trying again will not help; an operator has to look.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
}
