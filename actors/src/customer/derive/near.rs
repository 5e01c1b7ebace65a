//! How many events of one kind fell near an event of another kind, in whichever order the two come.
//!
//! A dropped call near a fault of the same cell, say. One that has found its cause is counted in a window; those that
//! may yet find one wait as long as an event may be late, the newest [`WAITING_MAX`] of each kind.

use super::window::{Over, Window};
use crate::options::LATE_MAX_MS;
use crate::playbook::WindowFold;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Events of each kind that wait for one of the other: the newest 64.
pub const WAITING_MAX: usize = 64;

/// Which of the two kinds an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It is counted.
    Counted,
    /// It is what counted ones must be near to.
    Cause,
}

/// How near is near, and how long counted events stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Between the two events at most, either way.
    pub within_ms: i64,
    /// Over which counted events are counted.
    pub window_ms: i64,
}

/// Counted events and causes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Near {
    found: Window,
    /// (when, hash of what both must have in common), sorted.
    lonely: Vec<(Timestamp, u64)>,
    causes: Vec<(Timestamp, u64)>,
    newest: Timestamp,
}

impl Near {
    /// Nothing yet.
    #[must_use]
    pub fn new(reach: Reach, at: Timestamp) -> Self {
        let found = Window::new(reach.window_ms, at);
        Near { found, lonely: Vec::new(), causes: Vec::new(), newest: at }
    }

    /// Hears an event of either kind.
    pub fn hear(&mut self, side: Side, key: u64, at: Timestamp, reach: Reach, now: Timestamp) {
        let over = Over { window_ms: reach.window_ms, now };
        self.newest = self.newest.max(at);
        let near = |other: &(Timestamp, u64)| other.1 == key && other.0.since_ms(at).abs() <= reach.within_ms;
        match side {
            Side::Counted if self.causes.iter().any(near) => self.count(at, over),
            Side::Counted => wait(&mut self.lonely, at, key),
            Side::Cause => {
                let found: Vec<(Timestamp, u64)> = self.lonely.extract_if(.., |other| near(other)).collect();
                found.into_iter().for_each(|(at, _)| self.count(at, over));
                wait(&mut self.causes, at, key);
            }
        }
    }

    /// Counted events near a cause, in the window.
    #[must_use]
    pub fn value(&self, reach: Reach, now: Timestamp) -> f64 {
        self.found.value(reach.window_ms, WindowFold::Sum, now).unwrap_or(0.0)
    }

    /// The time of the newest event heard.
    #[must_use]
    pub fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Drops what has left the window and what can find nothing any more.
    pub fn forget_old(&mut self, reach: Reach, now: Timestamp) {
        self.found.forget_old(reach.window_ms, now);
        let waits_ms = LATE_MAX_MS + reach.within_ms;
        self.lonely.retain(|(at, _)| now.since_ms(*at) <= waits_ms);
        self.causes.retain(|(at, _)| now.since_ms(*at) <= waits_ms);
    }

    /// Drops what was counted before `at`, in whole buckets, and what waits from before it.
    pub fn begin(&mut self, at: Timestamp) {
        self.found.begin(at);
        self.lonely.retain(|(other, _)| *other >= at);
    }

    fn count(&mut self, at: Timestamp, over: Over) {
        self.found.hear(1.0, at, over, WindowFold::Sum);
    }
}

fn wait(waiting: &mut Vec<(Timestamp, u64)>, at: Timestamp, key: u64) {
    let place = waiting.partition_point(|(other, _)| *other <= at);
    waiting.insert(place, (at, key));
    if waiting.len() > WAITING_MAX {
        waiting.remove(0);
    }
}
