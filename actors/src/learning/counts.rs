//! What became of number ones, counted by offer and channel.
//!
//! Counts add up in any order: they are a commutative group, and the counts of a shard are cumulative, so the same word
//! of a shard heard twice counts once. Leaves out which response counts as what (the customer).

use crate::error::Unreadable;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Pairs of offer and channel that one shard counts at most: 65,536, more than a catalogue of 40,000 offers meets among
/// the customers of one shard. What comes beyond is not counted.
pub const PAIRS_MAX: usize = 1 << 16;

/// How often something was shown as the number one, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    shown: i64,
    clicked: i64,
    accepted: i64,
}

impl Outcomes {
    /// Counts as they are added up: a contact that was sent and then failed takes its one back.
    #[must_use]
    pub fn new(shown: i64, clicked: i64, accepted: i64) -> Self {
        Outcomes { shown, clicked, accepted }
    }

    /// Shown as the number one.
    #[must_use]
    pub fn shown(self) -> u64 {
        self.shown.max(0) as u64
    }

    /// Of those, followed; never more than were shown.
    #[must_use]
    pub fn clicked(self) -> u64 {
        self.clicked.clamp(0, self.shown.max(0)) as u64
    }

    /// Of those, accepted; never more than were shown.
    #[must_use]
    pub fn accepted(self) -> u64 {
        self.accepted.clamp(0, self.shown.max(0)) as u64
    }

    /// What was added since `before`.
    #[must_use]
    pub fn since(self, before: Outcomes) -> Outcomes {
        let negated = Outcomes::new(
            before.shown.wrapping_neg(),
            before.clicked.wrapping_neg(),
            before.accepted.wrapping_neg(),
        );
        self.plus(negated)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Outcomes::default()
    }

    /// Wraps where no count ever comes, so that the order of adding never matters.
    fn plus(self, other: Outcomes) -> Outcomes {
        Outcomes {
            shown: self.shown.wrapping_add(other.shown),
            clicked: self.clicked.wrapping_add(other.clicked),
            accepted: self.accepted.wrapping_add(other.accepted),
        }
    }
}

/// What one turn adds to the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of which offer.
    pub offer: Name,
    /// In which channel.
    pub channel: Name,
    /// What is added; negative where something is taken back.
    pub outcomes: Outcomes,
}

/// Outcomes by offer and channel, and how many changes made them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Only grows: of two states of a shard's counts the one with more changes is the later one.
    changes: u64,
    pairs: BTreeMap<(Name, Name), Outcomes>,
}

impl Counts {
    /// Adds one change; false when there is no room for another pair.
    pub fn add(&mut self, change: &Change) -> bool {
        let key = (Name::clone(&change.offer), Name::clone(&change.channel));
        if self.pairs.len() >= PAIRS_MAX && !self.pairs.contains_key(&key) {
            return false;
        }
        self.changes = self.changes.wrapping_add(1);
        self.add_at(key, change.outcomes);
        true
    }

    /// Adds all of another's.
    pub fn merge(&mut self, other: &Counts) {
        self.changes = self.changes.wrapping_add(other.changes);
        for (key, outcomes) in &other.pairs {
            self.add_at(key.clone(), *outcomes);
        }
    }

    /// What is counted of an offer in a channel.
    #[must_use]
    pub fn of(&self, offer: &str, channel: &str) -> Outcomes {
        self.pairs.get(&(offer.into(), channel.into())).copied().unwrap_or_default()
    }

    /// All pairs, sorted by offer and channel.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Name, Outcomes)> {
        self.pairs.iter().map(|((offer, channel), outcomes)| (offer, channel, *outcomes))
    }

    /// Pairs counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Changes counted, ever.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The counts as bytes; equal counts have equal bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let rows: Vec<(&Name, &Name, &Outcomes)> =
            self.pairs.iter().map(|((offer, channel), outcomes)| (offer, channel, outcomes)).collect();
        rmp_serde::to_vec(&(self.changes, rows)).expect("counts are plain data")
    }

    /// Reads counts.
    ///
    /// # Errors
    /// [`Unreadable`] when the bytes are damaged or of a newer version.
    pub fn decode(bytes: &[u8]) -> Result<Counts, Unreadable> {
        let (changes, rows): (u64, Vec<(Name, Name, Outcomes)>) =
            rmp_serde::from_slice(bytes).map_err(|error| Unreadable::new("evidence counts", error))?;
        let mut counts = Counts { changes, ..Counts::default() };
        for (offer, channel, outcomes) in rows {
            counts.add_at((offer, channel), outcomes);
        }
        Ok(counts)
    }

    /// A pair that comes back to nothing is not kept: equal counts are equal however they came to be.
    fn add_at(&mut self, key: (Name, Name), outcomes: Outcomes) {
        let sum = self.pairs.get(&key).copied().unwrap_or_default().plus(outcomes);
        if sum.is_zero() {
            self.pairs.remove(&key);
        } else {
            self.pairs.insert(key, sum);
        }
    }
}

/// The cumulative counts of each shard, by the epoch of the owner that counted them.
///
/// A later word of a shard replaces the one before, so hearing a shard again, in any order, never counts twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardCounts(BTreeMap<u32, (u64, Counts)>);

impl ShardCounts {
    /// Hears a shard's counts. An earlier word never replaces a later one: a word of an earlier owner, or of the same
    /// owner with fewer changes.
    pub fn hear(&mut self, shard: u32, epoch: u64, counts: Counts) {
        let later = |known: &(u64, Counts)| (known.0, known.1.changes) > (epoch, counts.changes);
        if !self.0.get(&shard).is_some_and(later) {
            self.0.insert(shard, (epoch, counts));
        }
    }

    /// All shards together.
    #[must_use]
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for (_, counts) in self.0.values() {
            total.merge(counts);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change(offer: u8, channel: u8, shown: i64, accepted: i64) -> Change {
        Change {
            offer: format!("o{offer}").into(),
            channel: format!("c{channel}").into(),
            outcomes: Outcomes::new(shown, 0, accepted),
        }
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let one = (0..4u8, 0..3u8, -1..3i64, 0..2i64);
        proptest::collection::vec(one.prop_map(|(o, c, s, a)| change(o, c, s, a)), 0..40)
    }

    fn counted<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Counts {
        let mut counts = Counts::default();
        for change in changes {
            assert!(counts.add(change));
        }
        counts
    }

    proptest! {
        #[test]
        fn counts_add_up_in_any_order_and_any_grouping(changes in changes(), cut in 0..40usize) {
            let whole = counted(&changes);
            prop_assert_eq!(&counted(changes.iter().rev()), &whole);
            let (one, two) = changes.split_at(cut.min(changes.len()));
            let (mut ab, mut ba) = (counted(one), counted(two));
            ab.merge(&counted(two));
            ba.merge(&counted(one));
            prop_assert_eq!(&ab, &whole);
            prop_assert_eq!(&ba, &whole);
            let mut with_nothing = whole.clone();
            with_nothing.merge(&Counts::default());
            prop_assert_eq!(&with_nothing, &whole);
            prop_assert_eq!(ab.encode(), ba.encode());
            prop_assert_eq!(Counts::decode(&whole.encode()), Ok(whole));
        }

        #[test]
        fn a_shard_heard_again_counts_once(words in proptest::collection::vec((0..4u32, 1..3u64, 1..20usize), 1..12)) {
            // The later an owner and the longer it counts, the more changes there are.
            let counts = |epoch: u64, length: usize| {
                counted(&vec![change(0, 0, 1, 1); epoch as usize * 100 + length])
            };
            let heard = |order: &[(u32, u64, usize)]| {
                let mut shards = ShardCounts::default();
                for (shard, epoch, length) in order {
                    shards.hear(*shard, *epoch, counts(*epoch, *length));
                }
                shards
            };
            let once = heard(&words);
            let twice: Vec<_> = words.iter().rev().chain(&words).copied().collect();
            prop_assert_eq!(heard(&twice).total(), once.total());
            let mut latest: BTreeMap<u32, (u64, usize)> = BTreeMap::new();
            for (shard, epoch, length) in &words {
                let entry = latest.entry(*shard).or_default();
                *entry = (*entry).max((*epoch, *length));
            }
            let expected: u64 = latest.values().map(|(epoch, length)| epoch * 100 + *length as u64).sum();
            prop_assert_eq!(once.total().of("o0", "c0").shown(), expected);
        }
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        assert!(counted(&[change(1, 1, 1, 0), change(1, 1, -1, 0)]).is_empty());
    }

    #[test]
    fn reads_stay_sound_when_a_crash_lost_the_first_half() {
        let counts = counted(&[change(1, 1, -1, 1)]);
        let outcomes = counts.of("o1", "c1");
        assert_eq!((outcomes.shown(), outcomes.accepted()), (0, 0));
    }

    #[test]
    fn a_shard_counts_so_many_pairs_and_no_more() {
        let mut counts = Counts::default();
        for n in 0..PAIRS_MAX {
            let offer = format!("o{n}").into();
            assert!(counts.add(&Change { offer, ..change(0, 0, 1, 0) }));
        }
        assert!(!counts.add(&Change { offer: "new".into(), ..change(0, 0, 1, 0) }));
        assert!(counts.add(&change(1, 0, 1, 0)), "a known pair goes on");
        assert_eq!(counts.len(), PAIRS_MAX);
    }
}
