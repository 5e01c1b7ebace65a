//! What came together in each of the last billing months: one of them, or the mean of several complete ones.

use super::calendar::Calendar;
use crate::playbook::MonthPick;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Months of a ring at most: two years.
pub const MONTHS_MAX: i64 = 24;

/// Sums by month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Months {
    /// The month of the first event ever heard: before it nothing is known.
    first: i64,
    /// (month, sum), sorted.
    sums: Vec<(i64, f64)>,
    newest: Timestamp,
}

impl Months {
    /// Nothing yet.
    #[must_use]
    pub fn new(at: Timestamp, calendar: &Calendar) -> Self {
        Months { first: calendar.month(at), sums: Vec::new(), newest: at }
    }

    /// Adds an amount to the month of that time.
    pub fn hear(&mut self, amount: f64, at: Timestamp, calendar: &Calendar) {
        let month = calendar.month(at);
        self.first = self.first.min(month);
        self.newest = self.newest.max(at);
        match self.sums.binary_search_by_key(&month, |(month, _)| *month) {
            Ok(ix) => self.sums[ix].1 += amount,
            Err(ix) => self.sums.insert(ix, (month, amount)),
        }
    }

    /// The month asked for, or the mean of those complete since the first event; `None` when none is.
    #[must_use]
    pub fn value(&self, pick: MonthPick, now: Timestamp, calendar: &Calendar) -> Option<f64> {
        let current = calendar.month(now);
        let sum_of = |month: i64| {
            let found = self.sums.binary_search_by_key(&month, |(month, _)| *month);
            found.map_or(0.0, |ix| self.sums[ix].1)
        };
        match pick {
            MonthPick::Back(back) => {
                let month = current - i64::from(back);
                (month >= self.first).then(|| sum_of(month))
            }
            MonthPick::MeanOf(count) => {
                let from = self.first.max(current - i64::from(count));
                let complete = current - from;
                (complete > 0).then(|| (from..current).map(sum_of).sum::<f64>() / complete as f64)
            }
        }
    }

    /// The time of the newest event heard.
    #[must_use]
    pub fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Drops months that nobody asks for any more.
    pub fn forget_old(&mut self, pick: MonthPick, now: Timestamp, calendar: &Calendar) {
        let reach = match pick {
            MonthPick::Back(months) | MonthPick::MeanOf(months) => i64::from(months),
        };
        let oldest = calendar.month(now) - reach;
        self.sums.retain(|(month, _)| *month >= oldest);
    }

    /// Drops the months before that of `at`.
    pub fn begin(&mut self, at: Timestamp, calendar: &Calendar) {
        let month = calendar.month(at);
        self.first = self.first.max(month);
        self.sums.retain(|(other, _)| *other >= month);
    }
}
