//! Sums, counts, means and extremes over a window, and sums that fade.
//!
//! A window is kept in buckets of a thirtieth of its length (at least a minute): an event leaves the window with its
//! bucket, so a window reaches back between its length and a thirtieth less. Events may come in any order.

use crate::playbook::WindowFold;
use crate::timestamp::{MINUTE_MS, Timestamp};
use serde::{Deserialize, Serialize};

/// Buckets beyond which a window is swept while it hears: twice what one holds.
const BUCKETS_MAX: usize = 64;

/// How long a bucket of a window is, milliseconds.
#[must_use]
pub fn bucket_ms(window_ms: i64) -> i64 {
    (window_ms / 30).max(MINUTE_MS)
}

/// The first bucket that lies within the window as a whole.
#[must_use]
pub fn first_bucket(window_ms: i64, bucket_ms: i64, now: Timestamp) -> i64 {
    now.ms().saturating_sub(window_ms).div_euclid(bucket_ms) + 1
}

/// A window that ends now.
#[derive(Clone, Copy, Debug)]
pub struct Over {
    /// Its length.
    pub window_ms: i64,
    /// Its end.
    pub now: Timestamp,
}

/// One number for each bucket of the last so many milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    bucket_ms: i64,
    /// (number of the bucket since 1970, what its events came to), sorted.
    buckets: Vec<(i64, f64)>,
    newest: Timestamp,
}

impl Window {
    /// Nothing yet.
    #[must_use]
    pub fn new(window_ms: i64, at: Timestamp) -> Self {
        Window { bucket_ms: bucket_ms(window_ms), buckets: Vec::new(), newest: at }
    }

    /// Hears a number of that time. Buckets are cut anew when the window has got another length.
    pub fn hear(&mut self, number: f64, at: Timestamp, over: Over, fold: WindowFold) {
        let window_ms = over.window_ms;
        if self.bucket_ms != bucket_ms(window_ms) {
            let old = std::mem::replace(self, Window::new(window_ms, self.newest));
            for (bucket, number) in old.buckets {
                self.put(number, Timestamp::from_ms(bucket.saturating_mul(old.bucket_ms)), fold);
            }
        }
        self.put(number, at, fold);
        self.newest = self.newest.max(at);
        if self.buckets.len() > BUCKETS_MAX {
            self.forget_old(window_ms, over.now);
        }
    }

    /// What the window's events come to; `None` when there are none in it.
    #[must_use]
    pub fn value(&self, window_ms: i64, fold: WindowFold, now: Timestamp) -> Option<f64> {
        let first = first_bucket(window_ms, self.bucket_ms, now);
        let inside = self.buckets.iter().filter(|(bucket, _)| *bucket >= first);
        inside.map(|(_, number)| *number).reduce(|all, number| folded(fold, all, number))
    }

    /// The time of the newest event heard.
    #[must_use]
    pub fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Drops buckets that have left the window.
    pub fn forget_old(&mut self, window_ms: i64, now: Timestamp) {
        let first = first_bucket(window_ms, self.bucket_ms, now);
        self.buckets.retain(|(bucket, _)| *bucket >= first);
    }

    /// Drops what happened before `at`, in whole buckets: the bucket around `at` stays.
    pub fn begin(&mut self, at: Timestamp) {
        let first = at.ms().div_euclid(self.bucket_ms);
        self.buckets.retain(|(bucket, _)| *bucket >= first);
    }

    fn put(&mut self, number: f64, at: Timestamp, fold: WindowFold) {
        let bucket = at.ms().div_euclid(self.bucket_ms);
        match self.buckets.binary_search_by_key(&bucket, |(number, _)| *number) {
            Ok(ix) => self.buckets[ix].1 = folded(fold, self.buckets[ix].1, number),
            Err(ix) => self.buckets.insert(ix, (bucket, number)),
        }
    }
}

fn folded(fold: WindowFold, one: f64, other: f64) -> f64 {
    match fold {
        WindowFold::Sum => one + other,
        WindowFold::Least => one.min(other),
        WindowFold::Largest => one.max(other),
    }
}

/// The mean over a window: what its events add up to, and how many they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    sum: Window,
    count: Window,
}

impl Mean {
    /// Nothing yet.
    #[must_use]
    pub fn new(window_ms: i64, at: Timestamp) -> Self {
        Mean { sum: Window::new(window_ms, at), count: Window::new(window_ms, at) }
    }

    /// Hears a number of that time.
    pub fn hear(&mut self, number: f64, at: Timestamp, over: Over) {
        self.sum.hear(number, at, over, WindowFold::Sum);
        self.count.hear(1.0, at, over, WindowFold::Sum);
    }

    /// The mean of the window's events; `None` when there are none in it.
    #[must_use]
    pub fn value(&self, window_ms: i64, now: Timestamp) -> Option<f64> {
        let sum = self.sum.value(window_ms, WindowFold::Sum, now)?;
        Some(sum / self.count.value(window_ms, WindowFold::Sum, now)?)
    }

    /// The time of the newest event heard.
    #[must_use]
    pub fn newest(&self) -> Timestamp {
        self.sum.newest()
    }

    /// Drops buckets that have left the window.
    pub fn forget_old(&mut self, window_ms: i64, now: Timestamp) {
        self.sum.forget_old(window_ms, now);
        self.count.forget_old(window_ms, now);
    }

    /// Drops what happened before `at`, in whole buckets.
    pub fn begin(&mut self, at: Timestamp) {
        self.sum.begin(at);
        self.count.begin(at);
    }
}

/// A sum of which half is left after each half-life.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FadingSum {
    sum: f64,
    at: Timestamp,
}

impl FadingSum {
    /// Nothing yet.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        FadingSum { sum: 0.0, at }
    }

    /// Adds what happened then; a late amount has faded meanwhile.
    pub fn hear(&mut self, amount: f64, at: Timestamp, half_life_ms: i64) {
        if at >= self.at {
            self.sum = self.value(at, half_life_ms) + amount;
            self.at = at;
        } else {
            self.sum += amount * left_after(self.at.since_ms(at), half_life_ms);
        }
    }

    /// What is left now.
    #[must_use]
    pub fn value(&self, now: Timestamp, half_life_ms: i64) -> f64 {
        self.sum * left_after(now.since_ms(self.at).max(0), half_life_ms)
    }

    /// The time of the newest event heard.
    #[must_use]
    pub fn newest(&self) -> Timestamp {
        self.at
    }
}

fn left_after(elapsed_ms: i64, half_life_ms: i64) -> f64 {
    (-(elapsed_ms as f64) / half_life_ms as f64).exp2()
}
