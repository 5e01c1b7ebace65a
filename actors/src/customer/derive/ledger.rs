//! A number that is both set and counted on: what counts is the order in which things happened, so they are replayed.

use super::ordered::{Ordered, Step};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Entries that stay in order: a change of the tag may come behind 32 newer ones and still find its place.
pub const ENTRIES_MAX: usize = 32;

/// One change of the number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Entry {
    /// It is this.
    Set(f64),
    /// It is not there.
    Unset,
    /// It grows by this.
    Add(f64),
    /// It is at least this.
    Max(f64),
    /// It is at most this.
    Min(f64),
    /// It shrinks by this, not below zero.
    Take(f64),
}

impl Entry {
    /// The number after the entry; one that would be beyond all numbers leaves it as it is.
    #[must_use]
    pub fn after(self, old: Option<f64>) -> Option<f64> {
        let new = match (self, old) {
            (Entry::Set(value), _) => value,
            (Entry::Unset, _) | (Entry::Take(_), None) => return None,
            (Entry::Add(amount) | Entry::Max(amount) | Entry::Min(amount), None) => amount,
            (Entry::Add(amount), Some(old)) => old + amount,
            (Entry::Max(amount), Some(old)) => old.max(amount),
            (Entry::Min(amount), Some(old)) => old.min(amount),
            (Entry::Take(amount), Some(old)) => (old - amount).max(0.0),
        };
        if new.is_finite() { Some(new) } else { old }
    }
}

impl Step<Option<f64>> for Entry {
    fn apply(&self, state: &mut Option<f64>, _at: Timestamp) {
        *state = self.after(*state);
    }
}

/// The number and its newest changes in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger(Ordered<Option<f64>, Entry>);

impl Ledger {
    /// Begins with what is known of the number.
    #[must_use]
    pub fn new(known: Option<(f64, Timestamp)>) -> Self {
        Ledger(Ordered::new(known.map(|(value, _)| value), known.map(|(_, at)| at)))
    }

    /// Hears a change. One that is too late for its place still counts when it adds, and is dropped when it sets or
    /// removes. Whether it counted; the same value set at the same time again does not.
    pub fn hear(&mut self, entry: Entry, at: Timestamp) -> bool {
        let sets = matches!(entry, Entry::Set(_) | Entry::Unset);
        if sets && self.0.recent().contains(&(at, entry)) {
            return false;
        }
        if self.0.hear(at, entry, ENTRIES_MAX) {
            return true;
        }
        if !sets {
            let settled = self.0.settled_mut();
            *settled = entry.after(*settled);
        }
        !sets
    }

    /// The number, unless it was removed.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.0.state()
    }

    /// When it changed last.
    #[must_use]
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.0.newest_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::LATE_MAX_MS;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let amount = -50..50i32;
        prop_oneof![
            amount.clone().prop_map(|n| Entry::Set(f64::from(n))),
            Just(Entry::Unset),
            amount.clone().prop_map(|n| Entry::Add(f64::from(n))),
            amount.clone().prop_map(|n| Entry::Max(f64::from(n))),
            amount.prop_map(|n| Entry::Min(f64::from(n))),
            (0..50i32).prop_map(|n| Entry::Take(f64::from(n))),
        ]
    }

    proptest! {
        #[test]
        fn entries_count_in_the_order_in_which_they_happened(
            entries in proptest::collection::vec(entry(), 1..=ENTRIES_MAX),
            step_ms in 1..LATE_MAX_MS / ENTRIES_MAX as i64,
            seed in any::<u64>(),
        ) {
            let expected = entries.iter().fold(None, |value, entry| entry.after(value));
            let mut heard: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
            heard.sort_by_key(|(n, _)| xxhash_rust::xxh3::xxh3_64_with_seed(&n.to_le_bytes(), seed));
            let mut ledger = Ledger::new(None);
            for (n, entry) in heard {
                ledger.hear(entry, Timestamp::from_ms(n as i64 * step_ms));
            }
            prop_assert_eq!(ledger.value(), expected);
        }
    }

    #[test]
    fn a_ledger_stays_small_and_an_addition_that_is_too_late_still_counts() {
        let mut ledger = Ledger::new(Some((100.0, Timestamp::from_ms(0))));
        for n in 1..=1000 {
            ledger.hear(Entry::Add(1.0), Timestamp::from_ms(n));
        }
        assert_eq!((ledger.value(), ledger.0.recent().len()), (Some(1100.0), ENTRIES_MAX));
        let late = Timestamp::from_ms(5);
        assert!(ledger.hear(Entry::Add(1.0), late) && !ledger.hear(Entry::Set(7.0), late));
        assert_eq!(ledger.value(), Some(1101.0));
    }
}
