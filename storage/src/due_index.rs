//! The contract for what is due when: rows by shard and time, read only when their time has come.
//!
//! A row is written before the save that needs it and removed after what it was for is done, so being woken twice, or for
//! nothing, has to be harmless. Leaves out what is due: a row names a customer and a key of the customer's own.

use crate::{Fence, StoreFuture};
use std::sync::Arc;

/// Something that is due. The whole row is its name: the same row noted again is one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueRow {
    /// The customer's shard.
    pub shard: u32,
    /// When it is due, milliseconds since 1970 in UTC.
    pub at_ms: i64,
    /// The customer's id.
    pub customer: Arc<str>,
    /// Tells what is due for one customer at one time apart.
    pub key: String,
}

/// Remembers what is due.
pub trait DueIndex: Send + Sync {
    /// Notes rows of one shard.
    fn put_due(&self, fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()>;

    /// Removes rows of one shard. Those that are not there are no error. A former owner's removal never removes what a later
    /// owner has noted.
    fn remove_due(&self, fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()>;

    /// What is due in a shard before `until_ms`, the oldest first, at most `rows_max`.
    fn due(&self, shard: u32, until_ms: i64, rows_max: usize) -> StoreFuture<'_, Vec<DueRow>>;
}
