//! For how long a node may act as an owner, on the monotonic clock.
//!
//! Leaves out the clock: `now_ms` comes in as an argument, counted from the start of the process.

use std::sync::atomic::{AtomicU64, Ordering};

/// A node's leave to own shards until a moment.
///
/// The owner stops a drift margin before the moment that others wait for: clocks run at different speeds.
#[derive(Debug)]
pub struct Lease {
    until_ms: AtomicU64,
    drift_margin_ms: u64,
}

impl Lease {
    /// A lease that has to be renewed before `until_ms`.
    #[must_use]
    pub fn until(until_ms: u64, drift_margin_ms: u64) -> Self {
        Lease { until_ms: AtomicU64::new(until_ms), drift_margin_ms }
    }

    /// The lease of a node that shares its shards with nobody: nobody waits for it to end.
    #[must_use]
    pub fn unshared() -> Self {
        Lease::until(u64::MAX, 0)
    }

    /// Whether the node may still act as an owner.
    #[must_use]
    pub fn held_at(&self, now_ms: u64) -> bool {
        now_ms.saturating_add(self.drift_margin_ms) < self.until_ms.load(Ordering::Acquire)
    }

    /// Moves the end to a later moment; never to an earlier one.
    pub fn renew(&self, until_ms: u64) {
        self.until_ms.fetch_max(until_ms, Ordering::AcqRel);
    }

    /// Ends the lease at once: the node stops acting as an owner.
    pub fn give_up(&self) {
        self.until_ms.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_stops_a_margin_before_its_lease_ends() {
        let lease = Lease::until(1_000, 100);
        let check = |now_ms: u64, expected: bool| assert_eq!(lease.held_at(now_ms), expected, "at {now_ms}");
        check(0, true);
        check(899, true);
        check(900, false);
        check(2_000, false);
    }

    #[test]
    fn a_renewal_never_shortens_and_giving_up_ends_it() {
        let lease = Lease::until(1_000, 0);
        lease.renew(500);
        assert!(lease.held_at(999));
        lease.renew(2_000);
        assert!(lease.held_at(1_999));
        lease.give_up();
        assert!(!lease.held_at(0));
    }
}
