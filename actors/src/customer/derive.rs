//! Tags that move with time: sums over a window, and sums that fade.
//!
//! A window is kept in buckets of a thirtieth of its length (at least a minute): an event leaves the window with its
//! bucket, so a window reaches back between its length and a thirtieth less. Events may come in any order.

use crate::playbook::{Derived, TagNumber};
use crate::timestamp::{MINUTE_MS, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What derived tags are derived of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Derivations {
    windows: BTreeMap<TagNumber, WindowSum>,
    fading: BTreeMap<TagNumber, FadingSum>,
}

/// A sum over the last so many milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WindowSum {
    bucket_ms: i64,
    /// (number of the bucket since 1970, sum), sorted.
    buckets: Vec<(i64, f64)>,
    newest: Timestamp,
}

/// A sum of which half is left after each half-life.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct FadingSum {
    sum: f64,
    at: Timestamp,
}

impl Derivations {
    /// Adds an amount to the tag at a time.
    pub fn add(&mut self, tag: TagNumber, derived: Derived, amount: f64, at: Timestamp) {
        match derived {
            Derived::Window { window_ms } => self.window(tag, window_ms, at).add(amount, at),
            Derived::Ewma { half_life_ms } => {
                let fading = self.fading.entry(tag).or_insert(FadingSum { sum: 0.0, at });
                fading.add(amount, at, half_life_ms);
            }
        }
    }

    /// Begins the tag anew: at `at` it was `amount`.
    pub fn restart(&mut self, tag: TagNumber, derived: Derived, amount: f64, at: Timestamp) {
        self.windows.remove(&tag);
        self.fading.remove(&tag);
        self.add(tag, derived, amount, at);
    }

    /// Forgets the tag.
    pub fn remove(&mut self, tag: TagNumber) {
        self.windows.remove(&tag);
        self.fading.remove(&tag);
    }

    /// The tag's value now and the time of the newest event in it; `None` before the first.
    #[must_use]
    pub fn value(&self, tag: TagNumber, derived: Derived, now: Timestamp) -> Option<(f64, Timestamp)> {
        match derived {
            Derived::Window { window_ms } => {
                let window = self.windows.get(&tag)?;
                Some((window.value(window_ms, now), window.newest))
            }
            Derived::Ewma { half_life_ms } => {
                let fading = self.fading.get(&tag)?;
                Some((fading.value(now, half_life_ms), fading.at))
            }
        }
    }

    /// The tags that are derived of something, each once or twice.
    #[must_use]
    pub fn tags(&self) -> Vec<TagNumber> {
        self.windows.keys().chain(self.fading.keys()).copied().collect()
    }

    /// Drops buckets that have left their windows.
    pub fn forget_old(&mut self, window_ms_of: impl Fn(TagNumber) -> Option<i64>, now: Timestamp) {
        for (tag, window) in &mut self.windows {
            if let Some(window_ms) = window_ms_of(*tag) {
                let first = window.first_bucket(window_ms, now);
                window.buckets.retain(|(bucket, _)| *bucket >= first);
            }
        }
    }

    /// The tag's window, cut into buckets that fit its present length.
    fn window(&mut self, tag: TagNumber, window_ms: i64, at: Timestamp) -> &mut WindowSum {
        let bucket_ms = (window_ms / 30).max(MINUTE_MS);
        let window =
            self.windows.entry(tag).or_insert(WindowSum { bucket_ms, buckets: Vec::new(), newest: at });
        if window.bucket_ms != bucket_ms {
            let old = std::mem::replace(window, WindowSum { bucket_ms, buckets: Vec::new(), newest: at });
            for (bucket, sum) in old.buckets {
                window.add(sum, Timestamp::from_ms(bucket.saturating_mul(old.bucket_ms)));
            }
            window.newest = old.newest;
        }
        window
    }
}

impl WindowSum {
    fn add(&mut self, amount: f64, at: Timestamp) {
        let bucket = at.ms().div_euclid(self.bucket_ms);
        match self.buckets.binary_search_by_key(&bucket, |(number, _)| *number) {
            Ok(ix) => self.buckets[ix].1 += amount,
            Err(ix) => self.buckets.insert(ix, (bucket, amount)),
        }
        self.newest = self.newest.max(at);
    }

    fn value(&self, window_ms: i64, now: Timestamp) -> f64 {
        let first = self.first_bucket(window_ms, now);
        // The sum of nothing is written as plain zero (an empty float sum is -0).
        self.buckets.iter().filter(|(bucket, _)| *bucket >= first).fold(0.0, |sum, (_, amount)| sum + amount)
    }

    /// The first bucket that lies within the window as a whole.
    fn first_bucket(&self, window_ms: i64, now: Timestamp) -> i64 {
        now.ms().saturating_sub(window_ms).div_euclid(self.bucket_ms) + 1
    }
}

impl FadingSum {
    fn add(&mut self, amount: f64, at: Timestamp, half_life_ms: i64) {
        if at >= self.at {
            self.sum = self.value(at, half_life_ms) + amount;
            self.at = at;
        } else {
            self.sum += amount * left_after(self.at.since_ms(at), half_life_ms);
        }
    }

    fn value(&self, now: Timestamp, half_life_ms: i64) -> f64 {
        self.sum * left_after(now.since_ms(self.at).max(0), half_life_ms)
    }
}

fn left_after(elapsed_ms: i64, half_life_ms: i64) -> f64 {
    (-(elapsed_ms as f64) / half_life_ms as f64).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::{DAY_MS, HOUR_MS};
    use proptest::prelude::*;

    const TAG: TagNumber = TagNumber(1);
    const MONTH: Derived = Derived::Window { window_ms: 30 * DAY_MS };

    proptest! {
        #[test]
        fn a_window_equals_a_recount_in_any_order(
            mut events in proptest::collection::vec((0..90i64 * 24, 0..1000u32), 0..80), now_hour in 0..90i64 * 24
        ) {
            let now = Timestamp::from_ms(now_hour * HOUR_MS);
            let expected: f64 = events
                .iter()
                .filter(|(hour, _)| hour * HOUR_MS >= (now.ms() - 30 * DAY_MS).div_euclid(DAY_MS) * DAY_MS + DAY_MS)
                .map(|(_, amount)| f64::from(*amount))
                .sum();
            for turn in 0..2 {
                let mut derivations = Derivations::default();
                for (hour, amount) in &events {
                    derivations.add(TAG, MONTH, f64::from(*amount), Timestamp::from_ms(hour * HOUR_MS));
                }
                let value = derivations.value(TAG, MONTH, now).map_or(0.0, |(value, _)| value);
                prop_assert_eq!(value, expected, "turn {}", turn);
                events.reverse();
            }
        }
    }

    #[test]
    fn a_fading_sum_halves_each_half_life_and_takes_late_events() {
        let half_life = Derived::Ewma { half_life_ms: DAY_MS };
        let day = |days: i64| Timestamp::from_ms(days * DAY_MS);
        let mut derivations = Derivations::default();
        derivations.add(TAG, half_life, 8.0, day(10));
        derivations.add(TAG, half_life, 8.0, day(8));
        let check = |now: i64, expected: f64| {
            let (value, _) = derivations.value(TAG, half_life, day(now)).expect("there");
            assert!((value - expected).abs() < 1e-9, "day {now}: {value}");
        };
        check(10, 10.0);
        check(11, 5.0);
        check(13, 1.25);
    }

    #[test]
    fn a_window_of_another_length_keeps_what_it_held() {
        let mut derivations = Derivations::default();
        derivations.add(TAG, MONTH, 5.0, Timestamp::from_ms(20 * DAY_MS));
        let quarter = Derived::Window { window_ms: 90 * DAY_MS };
        derivations.add(TAG, quarter, 2.0, Timestamp::from_ms(21 * DAY_MS));
        let value = derivations.value(TAG, quarter, Timestamp::from_ms(60 * DAY_MS));
        assert_eq!(value.map(|(value, _)| value), Some(7.0));
    }
}
