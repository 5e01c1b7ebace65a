//! Waiting for something that will happen, but not for ever.
//!
//! Nothing here measures: a slow machine waits longer and passes all the same.

use std::time::{Duration, Instant};

/// How often is looked again.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The end of all patience: far beyond what a loaded machine needs, and short enough to be told of before lunch.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So many seconds from now.
    #[allow(clippy::disallowed_methods, reason = "patience is about real time; nothing is measured by it")]
    pub fn after_s(seconds: u64) -> Self {
        Deadline(Instant::now() + Duration::from_secs(seconds))
    }

    /// Lets a moment pass; panics with `what` was waited for when the patience is over.
    #[allow(clippy::disallowed_methods, reason = "patience is about real time; nothing is measured by it")]
    pub fn pause(self, what: &str) {
        assert!(Instant::now() < self.0, "waited in vain for {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Looks until there is something to see.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after_s(60);
    loop {
        match look() {
            Some(seen) => return seen,
            None => deadline.pause(what),
        }
    }
}
