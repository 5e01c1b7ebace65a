//! In which fence a customer is, and since when.
//!
//! Who was seen inside stays inside until seen well outside: positions jitter. Sightings may come late and in any order;
//! the newest [`SIGHTINGS_MAX`] are replayed. Nothing is kept of where somebody is but the fences around.

use super::ordered::{Ordered, Step};
use crate::timestamp::{HOUR_MS, Timestamp};
use crate::value::Name;
use serde::{Deserialize, Serialize};

/// Sightings that stay in order: one may come behind 16 newer ones and still find its place.
pub const SIGHTINGS_MAX: usize = 16;
/// Fences noted of one sighting at most, the nearest.
pub const FENCES_MAX: usize = 4;
/// Without a sighting for so long it is not known whether somebody is still there: 6 hours.
const SILENCE_MS: i64 = 6 * HOUR_MS;

/// The fences around a customer at a moment, nearest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// Inside these.
    pub inside: Vec<Name>,
    /// Near these, though not inside.
    pub near: Vec<Name>,
}

/// Where a customer stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    /// In which fence.
    pub fence: Name,
    /// First seen inside.
    pub since: Timestamp,
    /// Last seen there.
    pub seen_at: Timestamp,
}

impl Step<Option<Stay>> for Sighting {
    fn apply(&self, state: &mut Option<Stay>, at: Timestamp) {
        if let Some(stay) = state
            && at.since_ms(stay.seen_at) <= SILENCE_MS
            && (self.inside.contains(&stay.fence) || self.near.contains(&stay.fence))
        {
            stay.seen_at = at;
            return;
        }
        *state = self.inside.first().map(|fence| Stay { fence: Name::clone(fence), since: at, seen_at: at });
    }
}

/// Where a customer is, with the newest sightings in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dwell(Ordered<Option<Stay>, Sighting>);

impl Dwell {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Dwell(Ordered::new(None, None))
    }

    /// Notes a sighting. `false` when it comes too late to find its place.
    pub fn hear(&mut self, sighting: Sighting, at: Timestamp) -> bool {
        self.0.hear(at, sighting, SIGHTINGS_MAX)
    }

    /// The stay, once it has lasted `stay_ms` from the first sighting to the last, and while it is not too long ago.
    #[must_use]
    pub fn value(&self, stay_ms: i64, now: Timestamp) -> Option<Stay> {
        let stay = self.0.state()?;
        let lasted = stay.seen_at.since_ms(stay.since) >= stay_ms;
        (lasted && now.since_ms(stay.seen_at) <= SILENCE_MS).then_some(stay)
    }

    /// The time of the newest sighting.
    #[must_use]
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.0.newest_at()
    }
}

impl Default for Dwell {
    fn default() -> Self {
        Dwell::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::MINUTE_MS;
    use proptest::prelude::*;

    fn minute(minutes: i64) -> Timestamp {
        Timestamp::from_ms(minutes * MINUTE_MS)
    }

    /// `i` inside the shop, `n` near it, `o` out of sight, `b` inside the bar next door and near the shop.
    fn sighting(sign: char) -> Sighting {
        let names = |names: &[&str]| names.iter().map(|name| Name::from(*name)).collect();
        let (inside, near) = match sign {
            'i' => (names(&["shop"]), names(&["bar"])),
            'n' => (names(&[]), names(&["shop"])),
            'b' => (names(&["bar"]), names(&["shop"])),
            _ => (names(&[]), names(&[])),
        };
        Sighting { inside, near }
    }

    fn stay(seen: &[(i64, char)], stay_ms: i64, now: i64) -> Option<(String, i64)> {
        let mut dwell = Dwell::new();
        for (minutes, sign) in seen {
            dwell.hear(sighting(*sign), minute(*minutes));
        }
        let stay = dwell.value(stay_ms, minute(now))?;
        Some((stay.fence.to_string(), stay.since.ms() / MINUTE_MS))
    }

    #[test]
    fn who_was_seen_inside_stays_inside_until_seen_well_outside() {
        let check = |signs: &str, expected: Option<(&str, i64)>| {
            let seen: Vec<(i64, char)> = (0..).zip(signs.chars()).collect();
            let found = stay(&seen, 0, signs.len() as i64);
            assert_eq!(found, expected.map(|(fence, since)| (fence.to_owned(), since)), "{signs}");
        };
        check("", None);
        check("n", None);
        check("oi", Some(("shop", 1)));
        check("oinin", Some(("shop", 1)));
        check("ino", None);
        check("inoi", Some(("shop", 3)));
        check("ib", Some(("shop", 0)));
        check("iob", Some(("bar", 2)));
    }

    #[test]
    fn a_stay_counts_once_it_has_lasted_and_ends_with_silence() {
        let check = |seen: &[(i64, char)], now: i64, expected: bool| {
            assert_eq!(stay(seen, 10 * MINUTE_MS, now).is_some(), expected, "{seen:?} at {now}");
        };
        check(&[(0, 'i'), (9, 'i')], 9, false);
        check(&[(0, 'i'), (10, 'i')], 10, true);
        check(&[(0, 'i'), (10, 'i')], 10 + 6 * 60, true);
        check(&[(0, 'i'), (10, 'i')], 11 + 6 * 60, false);
        check(&[(0, 'i'), (7 * 60, 'i')], 7 * 60, false);
    }

    proptest! {
        #[test]
        fn late_sightings_find_their_place(
            signs in proptest::collection::vec(prop_oneof![Just('i'), Just('n'), Just('o'), Just('b')], 1..=SIGHTINGS_MAX),
            seed in any::<u64>(),
        ) {
            let in_time: Vec<(i64, char)> = (0..).map(|n| n * 7).zip(signs).collect();
            let mut late = in_time.clone();
            late.sort_by_key(|(n, _)| xxhash_rust::xxh3::xxh3_64_with_seed(&n.to_le_bytes(), seed));
            let now = in_time.len() as i64 * 7;
            prop_assert_eq!(stay(&in_time, 0, now), stay(&late, 0, now));
        }
    }
}
