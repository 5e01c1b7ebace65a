//! Steps replayed in the order in which they happened: one that comes late takes its place among those after it.
//!
//! Keeps the newest steps, and of all before them only what they came to. Costs no more than that many steps an event.

use crate::options::LATE_MAX_MS;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened, and what it makes of a state.
pub trait Step<S> {
    /// Takes the state on.
    fn apply(&self, state: &mut S, at: Timestamp);
}

/// A state, with its newest steps still in order. Of two steps at the same time the later arrival is the later one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ordered<S, T> {
    settled: S,
    settled_at: Option<Timestamp>,
    recent: Vec<(Timestamp, T)>,
}

impl<S: Clone, T: Step<S>> Ordered<S, T> {
    /// A state that holds since `at`, if since anything.
    pub fn new(state: S, at: Option<Timestamp>) -> Self {
        Ordered { settled: state, settled_at: at, recent: Vec::new() }
    }

    /// Puts a step in its place; at most `recent_max` stay in order. `false`, and nothing is done, when it is too late:
    /// the steps around it are settled.
    pub fn hear(&mut self, at: Timestamp, step: T, recent_max: usize) -> bool {
        if self.settled_at.is_some_and(|settled_at| at < settled_at) {
            return false;
        }
        let place = self.recent.partition_point(|(other, _)| *other <= at);
        self.recent.insert(place, (at, step));
        let newest = self.recent[self.recent.len() - 1].0;
        let late = self.recent.partition_point(|(other, _)| newest.since_ms(*other) > LATE_MAX_MS);
        let settling = late.max(self.recent.len().saturating_sub(recent_max));
        for (at, step) in self.recent.drain(..settling) {
            step.apply(&mut self.settled, at);
            self.settled_at = Some(at);
        }
        true
    }

    /// What all steps came to.
    pub fn state(&self) -> S {
        let mut state = self.settled.clone();
        for (at, step) in &self.recent {
            step.apply(&mut state, *at);
        }
        state
    }

    /// What the settled steps came to, for a change whose place among them does not matter.
    pub fn settled_mut(&mut self) -> &mut S {
        &mut self.settled
    }

    /// When the newest step happened.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.recent.last().map(|(at, _)| *at).or(self.settled_at)
    }

    /// The steps that are still in order.
    pub fn recent(&self) -> &[(Timestamp, T)] {
        &self.recent
    }
}
