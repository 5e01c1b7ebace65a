//! The contract for customers: load a snapshot, save the next one, erase.
//!
//! A save is all or nothing: the snapshot and the rows of the same turn appear together or not at all. Leaves out
//! what a snapshot means.
//!
//! Stores keep former owners out in one of two ways, and callers work with either. A store that compares (memory,
//! embedded) looks before it writes and refuses: [`Fenced`](crate::StoreError::Fenced),
//! [`Conflict`](crate::StoreError::Conflict). A store that orders (Scylla) writes without looking, under a mark made of the
//! fence, and the highest mark wins: a former owner's write is taken and never seen. There the refusals come only where
//! the store happens to know better, and what a caller must do for its part is to call
//! [`take_over`](CustomerStore::take_over) before it shows what it has read, and to look at its lease after a save and before
//! it answers.

use crate::StoreFuture;
use std::sync::Arc;

/// Where a customer is kept: the hash places it, the id tells it from another customer with the same hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomerKey {
    /// Stable 64-bit hash of the id.
    pub hash: u64,
    /// The customer's id as the outside names it, 1 to 128 bytes.
    pub id: Arc<str>,
}

/// The epoch as storage sees it.
///
/// A write that carries a smaller fence than the customer was last written with comes from a former owner and is
/// refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// A customer as last saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCustomer {
    /// The fence of the last save.
    pub fence: Fence,
    /// How many turns have been saved; the first save makes revision 1.
    pub revision: u64,
    /// The encoded customer.
    pub snapshot: Arc<[u8]>,
}

/// One turn's writes.
#[derive(Clone, Debug)]
pub struct Save {
    /// Whose turn it was.
    pub customer: CustomerKey,
    /// The owner's epoch.
    pub fence: Fence,
    /// The revision this save makes. It replaces `revision - 1` and nothing else; 1 means "not there before".
    pub revision: u64,
    /// The encoded customer after the turn.
    pub snapshot: Arc<[u8]>,
    /// What this save replaces, as the caller read or saved it. A store that writes changes needs it; `None` costs such
    /// a store a whole snapshot and perhaps a read, and is never wrong.
    pub before: Option<StoredCustomer>,
    /// Contacts that the turn made or changed; a row replaces the one with the same `contact_id`.
    pub contacts: Vec<ContactRow>,
    /// Decisions that the turn took.
    pub decisions: Vec<DecisionRow>,
}

/// A contact as remembered beside its customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRow {
    /// Unique within the customer.
    pub contact_id: String,
    /// When it was reserved, milliseconds since 1970 in UTC. Never another time for the same contact.
    pub at_ms: i64,
    /// The encoded contact.
    pub body: Arc<[u8]>,
}

/// A decision as remembered beside its customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// Unique within the customer.
    pub decision_id: String,
    /// When it was taken, milliseconds since 1970 in UTC.
    pub at_ms: i64,
    /// The encoded decision with everything needed to replay it.
    pub body: Arc<[u8]>,
}

/// What an erasure removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Erasure {
    /// Snapshots removed, 0 or 1.
    pub snapshots: u64,
    /// Contact rows removed.
    pub contacts: u64,
    /// Decision rows removed.
    pub decisions: u64,
}

/// A place in a walk over all customers. What is inside is the store's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkPlace(pub(crate) String);

/// Some of all customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkPage {
    /// Ids and what is stored under them. May be empty before the end.
    pub customers: Vec<(Arc<str>, StoredCustomer)>,
    /// Where to go on; `None`: this was the last page.
    pub next: Option<WalkPlace>,
}

/// Remembers customers.
pub trait CustomerStore: Send + Sync {
    /// Reads the customer, `None` when there is none (never saved, or erased).
    fn load<'a>(&'a self, customer: &'a CustomerKey) -> StoreFuture<'a, Option<StoredCustomer>>;

    /// Makes one turn durable, all or nothing. When it answers `Ok`, the turn survives the loss of the process and of
    /// power, unless a newer owner has written: see the module's text for what stores promise then.
    ///
    /// Errors: [`Fenced`](crate::StoreError::Fenced) when a newer owner has written,
    /// [`Conflict`](crate::StoreError::Conflict) when the stored revision is not `revision - 1`,
    /// [`MaybeApplied`](crate::StoreError::MaybeApplied) when the outcome is unknown.
    fn save(&self, save: Save) -> StoreFuture<'_, ()>;

    /// Makes what was read under an older fence this owner's, so that nothing a former owner still has on its way can
    /// change it. Called before anything of `stored` is shown, unless the same turn saves: that takes over as well. A
    /// store that compares has nothing to do.
    ///
    /// Errors: as [`save`](Self::save).
    fn take_over<'a>(
        &'a self,
        customer: &'a CustomerKey,
        fence: Fence,
        stored: &'a StoredCustomer,
    ) -> StoreFuture<'a, ()> {
        let _nothing_to_do = (customer, fence, stored);
        Box::pin(async { Ok(()) })
    }

    /// Puts a customer with its rows as another store had it, at whatever revision, where nobody is. Repeating it changes
    /// nothing. For stores that nobody serves from.
    ///
    /// Errors: [`Conflict`](crate::StoreError::Conflict) when somebody else is there; as [`save`](Self::save).
    fn restore(&self, save: Save) -> StoreFuture<'_, ()>;

    /// Removes the customer and every row of it. The same fencing as [`save`](Self::save): `revision` is the one
    /// the caller read. Afterwards no read finds anything of the customer; a store says itself what may be left in its
    /// files until they are compacted. Erasing a customer that is not there is `Ok` with zero counts. A former owner
    /// can neither bring the customer back nor erase its successor.
    fn erase<'a>(
        &'a self,
        customer: &'a CustomerKey,
        fence: Fence,
        revision: u64,
    ) -> StoreFuture<'a, Erasure>;

    /// Some of all customers, in an order of the store's own, from a place that an earlier page named (`None`: from the
    /// beginning), at most `rows_max` of them. A walk to the end meets every customer that was there all the time exactly
    /// once; one that comes or goes meanwhile may be met or not. A store that can't be walked refuses.
    fn walk(&self, after: Option<WalkPlace>, rows_max: usize) -> StoreFuture<'_, WalkPage> {
        let _not_by_this_store = (after, rows_max);
        Box::pin(async {
            Err(crate::StoreError::Unavailable("this store can't be walked by pages of customers".into()))
        })
    }
}
