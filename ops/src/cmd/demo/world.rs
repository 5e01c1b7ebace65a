//! When and where the demo plays.
//!
//! Marketing rests at night, in the customer's own zone. So that the demo has something to show at any hour, most of its
//! subscribers live where it is day at the start, and a few where it is night: those show the quiet hours.

use super::chance::Chance;
use actors::timestamp::{HOUR_MS, Timestamp};

/// One run of the demo.
#[derive(Clone, Debug)]
pub struct World {
    /// Names the world.
    pub seed: u64,
    /// How many subscribers.
    pub customers: u32,
    /// When the demo began: the day it plays ended then.
    pub start: Timestamp,
    /// Where most subscribers live.
    pub day_zone: &'static str,
    /// Where the others live.
    pub night_zone: &'static str,
}

/// Zones around the world with their hours from UTC in winter; an hour more or less does not matter here.
const ZONES: [(&str, i64); 12] = [
    ("Europe/Berlin", 1),
    ("Europe/Istanbul", 3),
    ("Asia/Karachi", 5),
    ("Asia/Bangkok", 7),
    ("Asia/Tokyo", 9),
    ("Australia/Sydney", 10),
    ("Pacific/Auckland", 12),
    ("Pacific/Honolulu", -10),
    ("America/Los_Angeles", -8),
    ("America/Chicago", -6),
    ("America/Sao_Paulo", -3),
    ("Atlantic/Azores", -1),
];

impl World {
    /// The world named `seed` at `start`.
    pub fn new(seed: u64, customers: u32, start: Timestamp) -> Self {
        let home = local_hour(start, 1);
        let day_zone = if (9..19).contains(&home) { "Europe/Berlin" } else { zone_nearest(start, 13) };
        World { seed, customers, start, day_zone, night_zone: zone_nearest(start, 2) }
    }

    /// Draws for one subscriber and one purpose.
    pub fn chance(&self, subscriber: u32, purpose: u64) -> Chance {
        Chance::new(self.seed, u64::from(subscriber) << 8 | purpose)
    }

    /// Tells the events of this run from those of another over the same customers.
    pub fn run_id(&self) -> String {
        format!("{}-{:x}", self.seed, self.start.ms())
    }
}

fn local_hour(at: Timestamp, offset: i64) -> i64 {
    (at.ms() / HOUR_MS + offset).rem_euclid(24)
}

fn zone_nearest(at: Timestamp, hour: i64) -> &'static str {
    let distance = |offset: i64| {
        let apart = (local_hour(at, offset) - hour).rem_euclid(24);
        apart.min(24 - apart)
    };
    ZONES.iter().min_by_key(|(_, offset)| distance(*offset)).map_or("UTC", |(zone, _)| zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_any_hour_most_subscribers_have_day_and_some_have_night() {
        let offset_of = |zone: &str| ZONES.iter().find(|(name, _)| *name == zone).expect("known").1;
        for hour in 0..24 {
            let start = Timestamp::from_ms(20_000 * 24 * HOUR_MS + hour * HOUR_MS);
            let world = World::new(7, 200, start);
            let day = local_hour(start, offset_of(world.day_zone));
            let night = local_hour(start, offset_of(world.night_zone));
            assert!((9..=19).contains(&day), "{hour}: {} {day}", world.day_zone);
            assert!((0..=5).contains(&night), "{hour}: {} {night}", world.night_zone);
        }
    }
}
