//! The contract for playbooks: every version ever accepted, which was active when, and the tag dictionary.
//!
//! A playbook is bytes under an id that its author computed. Old ones stay: decisions are replayed with them.

use crate::StoreFuture;
use std::sync::Arc;

/// One accepted playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaybookRow {
    /// SHA-256 of the canonical form, hexadecimal.
    pub id: String,
    /// When it was first stored, milliseconds since 1970 in UTC.
    pub stored_at_ms: i64,
    /// The canonical form.
    pub body: Arc<[u8]>,
}

/// From `at_ms` on, `playbook_id` was the active playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Which playbook.
    pub playbook_id: String,
    /// Since when, milliseconds since 1970 in UTC.
    pub at_ms: i64,
}

/// The numbering of tags, which only ever grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDictionary {
    /// Counts the changes; the first one stored is version 1.
    pub version: u64,
    /// The encoded dictionary.
    pub body: Arc<[u8]>,
}

/// Remembers playbooks and the tag dictionary.
pub trait PlaybookStore: Send + Sync {
    /// Stores a playbook. Storing the same id again changes nothing.
    fn put_playbook(&self, row: PlaybookRow) -> StoreFuture<'_, ()>;

    /// One playbook.
    fn playbook<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<PlaybookRow>>;

    /// All playbooks as (id, stored_at_ms), oldest first.
    fn playbooks(&self) -> StoreFuture<'_, Vec<(String, i64)>>;

    /// Notes that a stored playbook became active.
    fn activate(&self, activation: Activation) -> StoreFuture<'_, ()>;

    /// All activations in the order they were noted.
    fn activations(&self) -> StoreFuture<'_, Vec<Activation>>;

    /// Replaces the dictionary of version `dictionary.version - 1`;
    /// [`Conflict`](crate::StoreError::Conflict) when another version is stored.
    fn put_dictionary(&self, dictionary: StoredDictionary) -> StoreFuture<'_, ()>;

    /// The dictionary, `None` before the first.
    fn dictionary(&self) -> StoreFuture<'_, Option<StoredDictionary>>;
}
