//! How many different things there were in a window: exact while they are few, estimated beyond.
//!
//! Up to [`EXACT_MAX`] hashes are kept with the bucket in which each was seen last. More become a HyperLogLog of 256
//! registers (standard error 6.5 %) in which every register remembers, newest first, the ranks that no newer bucket
//! exceeds, so that old ones leave with the window. What is kept does not depend on the order of the events.
//! Source: Flajolet and others, "HyperLogLog", 2007; for small counts linear counting, as proposed there.

use super::window::{bucket_ms, first_bucket};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Different things that are counted exactly.
pub const EXACT_MAX: usize = 128;
const REGISTER_BITS: u32 = 8;
const REGISTERS: usize = 1 << REGISTER_BITS;

/// Different things seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distinct {
    bucket_ms: i64,
    newest: Timestamp,
    seen: Seen,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Seen {
    /// (hash, bucket in which it was seen last), sorted by hash.
    Exact(Vec<(u64, i64)>),
    /// For each register (bucket, rank), newest first and ranks growing.
    Sketch(Vec<Vec<(i64, u8)>>),
}

/// Over which time things are told apart; without a window there is one endless bucket.
fn bucket_length(window_ms: Option<i64>) -> i64 {
    window_ms.map_or(i64::MAX, bucket_ms)
}

impl Distinct {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(window_ms: Option<i64>, at: Timestamp) -> Self {
        Distinct { bucket_ms: bucket_length(window_ms), newest: at, seen: Seen::Exact(Vec::new()) }
    }

    /// Sees the thing with this hash.
    pub fn hear(&mut self, hash: u64, at: Timestamp, window_ms: Option<i64>, now: Timestamp) {
        if self.bucket_ms != bucket_length(window_ms) {
            self.cut_anew(bucket_length(window_ms));
        }
        let bucket = at.ms().div_euclid(self.bucket_ms);
        self.newest = self.newest.max(at);
        match &mut self.seen {
            Seen::Exact(items) => match items.binary_search_by_key(&hash, |(hash, _)| *hash) {
                Ok(ix) => items[ix].1 = items[ix].1.max(bucket),
                Err(ix) => items.insert(ix, (hash, bucket)),
            },
            Seen::Sketch(registers) => see(registers, hash, bucket),
        }
        self.forget_old(window_ms, now);
        if let Seen::Exact(items) = &self.seen
            && items.len() > EXACT_MAX
        {
            let mut registers = vec![Vec::new(); REGISTERS];
            items.iter().for_each(|(hash, bucket)| see(&mut registers, *hash, *bucket));
            self.seen = Seen::Sketch(registers);
        }
    }

    /// How many different things the window holds.
    #[must_use]
    pub fn value(&self, window_ms: Option<i64>, now: Timestamp) -> f64 {
        let first = self.first(window_ms, now);
        match &self.seen {
            Seen::Exact(items) => items.iter().filter(|(_, bucket)| *bucket >= first).count() as f64,
            Seen::Sketch(registers) => estimate(registers, first),
        }
    }

    /// The time of the newest event heard.
    #[must_use]
    pub fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Drops what has left the window.
    pub fn forget_old(&mut self, window_ms: Option<i64>, now: Timestamp) {
        self.keep_from(self.first(window_ms, now));
    }

    /// Drops what happened before `at`, in whole buckets.
    pub fn begin(&mut self, at: Timestamp) {
        self.keep_from(at.ms().div_euclid(self.bucket_ms));
    }

    fn keep_from(&mut self, first: i64) {
        match &mut self.seen {
            Seen::Exact(items) => items.retain(|(_, bucket)| *bucket >= first),
            Seen::Sketch(registers) => {
                registers.iter_mut().for_each(|ranks| ranks.retain(|(bucket, _)| *bucket >= first));
            }
        }
    }

    fn first(&self, window_ms: Option<i64>, now: Timestamp) -> i64 {
        window_ms.map_or(i64::MIN, |window_ms| first_bucket(window_ms, self.bucket_ms, now))
    }

    fn cut_anew(&mut self, bucket_ms: i64) {
        let old_ms = self.bucket_ms;
        let moved = |bucket: i64| bucket.saturating_mul(old_ms).div_euclid(bucket_ms);
        match &mut self.seen {
            Seen::Exact(items) => items.iter_mut().for_each(|(_, bucket)| *bucket = moved(*bucket)),
            Seen::Sketch(registers) => {
                registers.iter_mut().flatten().for_each(|(bucket, _)| *bucket = moved(*bucket));
            }
        }
        self.bucket_ms = bucket_ms;
    }
}

fn see(registers: &mut [Vec<(i64, u8)>], hash: u64, bucket: i64) {
    let ranks = &mut registers[(hash >> (64 - REGISTER_BITS)) as usize];
    let rank = ((hash << REGISTER_BITS).leading_zeros().min(64 - REGISTER_BITS) + 1) as u8;
    if ranks.iter().any(|(other, higher)| *other >= bucket && *higher >= rank) {
        return;
    }
    ranks.retain(|(other, lower)| *other > bucket || *lower > rank);
    let place = ranks.partition_point(|(other, _)| *other > bucket);
    ranks.insert(place, (bucket, rank));
}

fn estimate(registers: &[Vec<(i64, u8)>], first: i64) -> f64 {
    let count = REGISTERS as f64;
    let (mut sum, mut empty) = (0.0, 0);
    for ranks in registers {
        // Ranks grow with age: the oldest inside the window is the highest.
        let rank = ranks.iter().rev().find(|(bucket, _)| *bucket >= first).map_or(0, |(_, rank)| *rank);
        sum += (-f64::from(rank)).exp2();
        empty += i32::from(rank == 0);
    }
    let raw = 0.7213 / (1.0 + 1.079 / count) * count * count / sum;
    match empty {
        1.. if raw <= 2.5 * count => (count * (count / f64::from(empty)).ln()).round(),
        _ => raw.round(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::DAY_MS;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const WEEK: Option<i64> = Some(7 * DAY_MS);

    fn hash(thing: u32) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&thing.to_le_bytes())
    }

    proptest! {
        #[test]
        fn few_things_are_counted_exactly_in_any_order(
            mut seen in proptest::collection::vec((0..60u32, 0..20 * DAY_MS), 0..200), now in 0..20 * DAY_MS
        ) {
            let first = first_bucket(7 * DAY_MS, bucket_ms(7 * DAY_MS), Timestamp::from_ms(now));
            let inside = |at: i64| at.div_euclid(bucket_ms(7 * DAY_MS)) >= first;
            let expected = seen.iter().filter(|(_, at)| inside(*at)).map(|(thing, _)| thing).collect::<HashSet<_>>().len();
            for _ in 0..2 {
                let mut distinct = Distinct::new(WEEK, Timestamp::from_ms(0));
                for (thing, at) in &seen {
                    distinct.hear(hash(*thing), Timestamp::from_ms(*at), WEEK, Timestamp::from_ms(now));
                }
                prop_assert_eq!(distinct.value(WEEK, Timestamp::from_ms(now)), expected as f64);
                seen.reverse();
            }
        }
    }

    #[test]
    fn many_things_are_estimated_and_leave_with_the_window() {
        let check = |count: u32| {
            let mut distinct = Distinct::new(WEEK, Timestamp::from_ms(0));
            let mut turned = distinct.clone();
            let at = |n: u32| Timestamp::from_ms(i64::from(n) * 7 * DAY_MS / i64::from(count));
            let now = at(count);
            (0..count).for_each(|n| distinct.hear(hash(n), at(n), WEEK, now));
            (0..count).rev().for_each(|n| turned.hear(hash(n), at(n), WEEK, now));
            let estimated = distinct.value(WEEK, now);
            // Three and a half standard errors, for what the window still holds.
            assert!((estimated / f64::from(count) - 1.0).abs() < 0.23 + 1.0 / 30.0, "{count}: {estimated}");
            assert_eq!(turned.value(WEEK, now), estimated, "the order plays no part");
            let half = distinct.value(WEEK, now.plus_ms(7 * DAY_MS / 2));
            assert!((half / f64::from(count) - 0.5).abs() < 0.15, "{count}: {half}");
            assert_eq!(distinct.value(WEEK, now.plus_ms(8 * DAY_MS)), 0.0);
            let Seen::Sketch(registers) = &distinct.seen else { panic!("a sketch") };
            assert!(registers.iter().map(Vec::len).sum::<usize>() < REGISTERS * 8);
        };
        check(500);
        check(20_000);
    }
}
