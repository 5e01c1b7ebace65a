//! The contract for looking back: a customer's contacts and decisions, newest first, in pages.
//!
//! Rows are written by [`CustomerStore::save`](crate::CustomerStore::save), in the same atomic write as their
//! customer; here they are only read.

use crate::{ContactRow, CustomerKey, DecisionRow, StoreFuture};

/// Which rows to read, newest first.
#[derive(Clone, Debug)]
pub struct Page {
    /// Only rows at or after this, milliseconds since 1970 in UTC.
    pub from_ms: i64,
    /// Only rows before this.
    pub to_ms: i64,
    /// Only rows that sort after this one: `(at_ms, id)` of the last row of the page before.
    pub after: Option<(i64, String)>,
    /// At most this many rows.
    pub rows_max: usize,
}

/// Reads a customer's past.
pub trait DecisionLog: Send + Sync {
    /// Contacts, newest first; equal times by descending id.
    fn contacts<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<ContactRow>>;

    /// Decisions, newest first; equal times by descending id.
    fn decisions<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<DecisionRow>>;

    /// One decision of a customer.
    fn decision<'a>(
        &'a self,
        customer: &'a CustomerKey,
        decision_id: &'a str,
    ) -> StoreFuture<'a, Option<DecisionRow>>;
}
