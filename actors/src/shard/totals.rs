//! A shard's slices of totals: units leased from the store and not yet used.
//!
//! A decision is taken as if there were units; what it takes is taken from the slices in the same breath. Where they fall
//! short, a slice is leased and the decision taken again, told how much there is. So a unit is only ever leased for somebody
//! who wants it. A slice lives in memory: a crash loses what was left of it, at most [`SLICE_MAX`] units and never more than
//! a quarter of a total over all shards; a stop gives it back.

use crate::call::CustomerCall;
use crate::customer::Outcome;
use crate::customer::entry::After;
use crate::decision::totals::{Taking, Unit, UnitMoves, UnitsLeft};
use crate::error::TurnError;
use crate::shard::Shard;
use crate::shard::turn::{Active, patiently};
use crate::timestamp::{DAY_MS, Timestamp};
use crate::value::Name;
use std::collections::{BTreeMap, BTreeSet};
use storage::TotalLease;
use tokio::time::Instant;

/// Units leased beyond those needed, at most: they save a store's answer for each.
const SLICE_MAX: u64 = 1_024;
/// All slices together hold at most one part in so many of a total idle.
const IDLE_SHARE: u64 = 4;
/// A total found empty is not asked for again before this, in milliseconds: somebody may give units back.
const EMPTY_FOR_MS: u64 = 10_000;
/// A store that failed is not asked again before this, in milliseconds.
const FAILED_FOR_MS: u64 = 1_000;
/// Slices of windows that ended this long ago are let go, in milliseconds: no clock is as wrong.
const ENDED_KEPT_MS: i64 = 14 * DAY_MS;

/// What a shard holds of totals, by their names.
#[derive(Debug, Default)]
pub(crate) struct Slices(BTreeMap<Name, Slice>);

#[derive(Debug, Default)]
struct Slice {
    /// Below zero: owed by contacts that arrived after they were given up.
    units: i64,
    /// Not worth asking before this moment of the node's uptime.
    quiet_until_ms: u64,
    /// Units that may lie idle here.
    idle_max: u64,
    /// When its window ends.
    to: Option<Timestamp>,
}

/// Units that a turn needs and the shard has not got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    name: Name,
    to: Option<Timestamp>,
    missing: u64,
    limit: u64,
}

impl Slices {
    /// What a decision is told: how much is left of the totals that can't be counted on.
    pub fn left(&self, asked: &BTreeSet<Name>, uptime_ms: u64) -> Vec<UnitsLeft> {
        let counted = self.0.iter().filter(|(name, slice)| {
            asked.contains(*name) || (slice.units <= 0 && uptime_ms < slice.quiet_until_ms)
        });
        let left = |(name, slice): (&Name, &Slice)| UnitsLeft {
            name: Name::clone(name),
            units: u32::try_from(slice.units.max(0)).unwrap_or(u32::MAX),
        };
        counted.map(left).collect()
    }

    /// Takes all units, or none of them and says what is short.
    pub fn take(&mut self, taken: &[Taking]) -> Vec<Short> {
        let mut needs: BTreeMap<Name, (i64, &Taking)> = BTreeMap::new();
        for taking in taken {
            needs.entry(taking.unit.name()).or_insert((0, taking)).0 += 1;
        }
        let short: Vec<Short> = needs
            .iter()
            .filter_map(|(name, (needed, taking))| {
                let missing = needed - self.0.get(name).map_or(0, |slice| slice.units);
                let (name, to, limit) = (Name::clone(name), taking.unit.to, u64::from(taking.limit));
                (missing > 0).then_some(Short { name, to, missing: missing as u64, limit })
            })
            .collect();
        if short.is_empty() {
            for (name, (needed, _)) in needs {
                if let Some(slice) = self.0.get_mut(&name) {
                    slice.units -= needed;
                }
            }
        }
        short
    }

    /// Adds units: leased, given back, or (below zero) owed.
    pub fn add(&mut self, name: &Name, to: Option<Timestamp>, units: i64) {
        let slice = self.0.entry(Name::clone(name)).or_default();
        (slice.units, slice.to) = (slice.units + units, to);
    }

    fn may_hold(&mut self, name: &Name, idle_max: u64) {
        self.0.entry(Name::clone(name)).or_default().idle_max = idle_max;
    }

    fn keep_quiet(&mut self, name: &Name, until_ms: u64) {
        self.0.entry(Name::clone(name)).or_default().quiet_until_ms = until_ms;
    }

    /// Units beyond the slice that may lie idle here.
    fn take_spare(&mut self, name: &Name) -> u64 {
        let Some(slice) = self.0.get_mut(name) else { return 0 };
        let spare = u64::try_from(slice.units).unwrap_or(0).saturating_sub(slice.idle_max);
        slice.units -= spare as i64;
        spare
    }

    fn forget_ended(&mut self, now: Timestamp) {
        self.0.retain(|_, slice| slice.to.is_none_or(|to| now.since_ms(to) < ENDED_KEPT_MS));
    }

    /// Everything that is left, which is then no longer here.
    fn take_all(&mut self) -> Vec<(Name, u64)> {
        let left = std::mem::take(&mut self.0).into_iter();
        left.filter_map(|(name, slice)| {
            Some((name, u64::try_from(slice.units).ok().filter(|units| *units > 0)?))
        })
        .collect()
    }
}

impl Shard {
    /// Applies the command; the units that it takes are taken from the slices before anybody else can. Each round asks for
    /// slices of totals not yet asked for, so there are at most as many rounds as totals.
    pub(super) async fn apply_within_totals(
        &self,
        call: &CustomerCall,
        active: &Active,
    ) -> Result<(Outcome, After), TurnError> {
        let mut asked: BTreeSet<Name> = BTreeSet::new();
        loop {
            let left = self.slices.borrow().left(&asked, self.shared.uptime_ms());
            let (outcome, after) = self.apply(call, active, &left)?;
            let short = self.slices.borrow_mut().take(&outcome.units.taken);
            if short.is_empty() {
                return Ok((outcome, after));
            }
            for one in short {
                self.lease(&one, call.deadline).await;
                asked.insert(one.name);
            }
        }
    }

    /// What the saved turn gave back or owes. Units that the shard did not lease to have in hand go on to the store, for
    /// other shards.
    pub(super) async fn settle(&self, moves: &UnitMoves, deadline: Instant) {
        self.move_units(&moves.given_back, 1);
        self.move_units(&moves.owed, -1);
        for unit in &moves.given_back {
            let spare = self.slices.borrow_mut().take_spare(&unit.name());
            self.hand_back(&unit.name(), spare, deadline).await;
        }
    }

    /// What the turn moved that may or may not have been saved: it owes, and gives nothing back.
    pub(super) fn settle_doubtful(&self, moves: &UnitMoves) {
        self.move_units(&moves.owed, -1);
    }

    /// The turn was certainly not saved: what it took is there for others.
    pub(super) fn untake(&self, moves: &UnitMoves) {
        let units: Vec<Unit> = moves.taken.iter().map(|taking| taking.unit.clone()).collect();
        self.move_units(&units, 1);
    }

    /// Gives everything left back to the store, for other shards or the next owner of this one.
    pub(super) async fn give_back(&self, deadline: Instant) {
        let left = self.slices.borrow_mut().take_all();
        for (name, units) in left {
            self.hand_back(&name, units, deadline).await;
        }
    }

    async fn hand_back(&self, name: &Name, units: u64, deadline: Instant) {
        if units == 0 {
            return;
        }
        let given = patiently(deadline, self.shared.store.give_back_total(name, units)).await;
        if !matches!(given, Some(Ok(()))) {
            tracing::warn!(total = %name, units, "units of a total were lost");
        }
    }

    fn move_units(&self, units: &[Unit], each: i64) {
        let mut slices = self.slices.borrow_mut();
        units.iter().for_each(|unit| slices.add(&unit.name(), unit.to, each));
    }

    /// Leases what is short and a slice beyond it. Whatever goes wrong, the shard has no more than it was told it has.
    async fn lease(&self, short: &Short, deadline: Instant) {
        let shards = u64::from(self.shared.ownership.shard_count().get());
        let slice = (short.limit / (IDLE_SHARE * shards)).min(SLICE_MAX);
        let units = short.missing + slice;
        let lease = TotalLease { name: short.name.to_string(), units, limit: short.limit };
        let leased = patiently(deadline, self.shared.store.lease_total(lease)).await;
        let mut slices = self.slices.borrow_mut();
        slices.forget_ended((self.shared.clock)());
        let uptime_ms = self.shared.uptime_ms();
        match leased {
            Some(Ok(granted)) => {
                slices.add(&short.name, short.to, granted as i64);
                slices.may_hold(&short.name, slice);
                if granted < units {
                    slices.keep_quiet(&short.name, uptime_ms + EMPTY_FOR_MS);
                }
            }
            Some(Err(_)) | None => {
                slices.add(&short.name, short.to, 0);
                slices.keep_quiet(&short.name, uptime_ms + FAILED_FOR_MS);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taking(cap: &str) -> Taking {
        Taking { unit: Unit { cap: cap.into(), from: None, to: None }, limit: 9 }
    }

    #[test]
    fn all_units_of_a_turn_are_taken_or_none() {
        let mut slices = Slices::default();
        slices.add(&"a@".into(), None, 1);
        let short = slices.take(&[taking("a"), taking("b")]);
        assert_eq!(short.iter().map(|one| (&*one.name, one.missing)).collect::<Vec<_>>(), [("b@", 1)]);
        slices.add(&"b@".into(), None, 2);
        assert_eq!(slices.take(&[taking("a"), taking("b")]), []);
        assert_eq!(slices.take_all(), [("b@".into(), 1)]);
    }

    #[test]
    fn what_is_owed_is_leased_before_anything_is_taken() {
        let mut slices = Slices::default();
        slices.add(&"a@".into(), None, -2);
        assert_eq!(slices.take(&[taking("a")])[0].missing, 3);
        assert_eq!(slices.left(&BTreeSet::from(["a@".into()]), 0)[0].units, 0);
        assert_eq!(slices.take_all(), []);
    }

    #[test]
    fn a_total_found_empty_is_told_of_until_it_is_worth_asking_again() {
        let mut slices = Slices::default();
        slices.add(&"a@".into(), None, 0);
        slices.keep_quiet(&"a@".into(), 500);
        assert_eq!(slices.left(&BTreeSet::new(), 499).len(), 1);
        assert_eq!(slices.left(&BTreeSet::new(), 500).len(), 0);
        slices.add(&"a@".into(), None, 1);
        assert_eq!(slices.left(&BTreeSet::new(), 0).len(), 0, "a unit came back");
    }
}
