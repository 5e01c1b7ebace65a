//! The contract for evidence: what each shard has counted of responses, and the frozen tables that decisions name.
//!
//! A shard's counts are cumulative and overwritten whole, under its owner's fence. A table is bytes under an id that its
//! author computed from them; it stays, because decisions are replayed with it. Leaves out what is counted.

use crate::{Fence, StoreFuture};
use std::sync::Arc;

/// What a shard has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardEvidence {
    /// Which shard.
    pub shard: u32,
    /// The epoch of the owner that wrote them.
    pub fence: Fence,
    /// The encoded counts.
    pub body: Arc<[u8]>,
}

/// Remembers evidence.
pub trait EvidenceStore: Send + Sync {
    /// Replaces a shard's counts.
    ///
    /// Errors: [`Fenced`](crate::StoreError::Fenced) when a newer owner has written.
    fn put_evidence(&self, evidence: ShardEvidence) -> StoreFuture<'_, ()>;

    /// One shard's counts, `None` before the first.
    fn evidence(&self, shard: u32) -> StoreFuture<'_, Option<ShardEvidence>>;

    /// The counts of every shard that has any, by shard.
    fn all_evidence(&self) -> StoreFuture<'_, Vec<ShardEvidence>>;

    /// Stores a table. Storing the same id again changes nothing.
    fn put_evidence_table<'a>(&'a self, id: &'a str, body: Arc<[u8]>) -> StoreFuture<'a, ()>;

    /// The ids of all tables, in no order. Not for serving.
    fn evidence_tables(&self) -> StoreFuture<'_, Vec<String>>;

    /// One table.
    fn evidence_table<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<Arc<[u8]>>>;
}
