//! The contract for totals: how much was granted of what there is only so much of.
//!
//! A total is one counter for all customers (a stock, a budget, a sender's quota). It is not asked for every contact: shards
//! lease slices of it and use them up by themselves. What a shard loses with its slice is lost to everybody, so a total may
//! be undershot and is never overshot. Leaves out what a unit is, and when a total begins anew: that is another name.

use crate::StoreFuture;

/// A slice that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalLease {
    /// Which total.
    pub name: String,
    /// Units asked for.
    pub units: u64,
    /// Units that may be granted in all. Given with each lease: it may change while the total is in use.
    pub limit: u64,
}

/// Counts what was granted.
pub trait TotalStore: Send + Sync {
    /// Grants as many of the units as the limit leaves, in one step that no other lease can come between, and says how many:
    /// perhaps none. An answer of `Ok` survives the loss of the process and of power.
    ///
    /// Errors: after any of them the caller takes nothing. What [`MaybeApplied`](crate::StoreError::MaybeApplied) may have
    /// granted is lost, which is the safe side.
    fn lease_total(&self, lease: TotalLease) -> StoreFuture<'_, u64>;

    /// Takes units back that were granted and not used.
    ///
    /// Errors: the caller does not repeat it after [`MaybeApplied`](crate::StoreError::MaybeApplied): a unit given back twice
    /// would be granted twice.
    fn give_back_total<'a>(&'a self, name: &'a str, units: u64) -> StoreFuture<'a, ()>;

    /// Units granted and not given back; 0 for a total never heard of.
    fn granted_total<'a>(&'a self, name: &'a str) -> StoreFuture<'a, u64>;
}

/// How many of the units can be granted: the one rule, for every store that compares before it sets.
#[must_use]
pub fn grantable(granted: u64, lease: &TotalLease) -> u64 {
    lease.units.min(lease.limit.saturating_sub(granted))
}
