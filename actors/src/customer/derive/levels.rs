//! Which thresholds an amount has crossed in the present day, week, month or quarter: each is crossed once a period.
//!
//! Amounts only add up within a period, so that the order of events plays no part: an amount below zero counts nothing.

use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Amounts by period, and the thresholds they crossed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    periods: Vec<Period>,
    newest: Timestamp,
}

/// One period: its number, what came together in it, and the thresholds that it crossed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Period {
    number: i64,
    sum: f64,
    crossed: Vec<f64>,
}

/// What thresholds are measured in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// The amount itself.
    Amount,
    /// Percents of this; while it is not known nothing is crossed, and the next event looks again.
    PercentOf(Option<f64>),
}

impl Levels {
    /// Nothing yet.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Levels { periods: Vec::new(), newest: at }
    }

    /// Adds an amount to its period and notes what it crosses.
    pub fn hear(&mut self, amount: f64, measure: Measure, at: Timestamp, period: i64, thresholds: &[f64]) {
        self.newest = self.newest.max(at);
        let ix = self.periods.partition_point(|other| other.number < period);
        if self.periods.get(ix).is_none_or(|other| other.number != period) {
            self.periods.insert(ix, Period { number: period, sum: 0.0, crossed: Vec::new() });
        }
        let period = &mut self.periods[ix];
        period.sum += amount.max(0.0);
        let reached = match measure {
            Measure::Amount => Some(period.sum),
            Measure::PercentOf(full) => full.filter(|full| *full > 0.0).map(|full| period.sum / full * 100.0),
        };
        for threshold in thresholds {
            if reached.is_some_and(|reached| reached >= *threshold) && !period.crossed.contains(threshold) {
                period.crossed.push(*threshold);
            }
        }
    }

    /// The highest threshold crossed in this period; 0 when none is.
    #[must_use]
    pub fn value(&self, period: i64) -> f64 {
        let found = self.periods.iter().find(|other| other.number == period);
        found.map_or(0.0, |period| period.crossed.iter().copied().fold(0.0, f64::max))
    }

    /// The time of the newest event heard.
    #[must_use]
    pub fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Drops the periods before this one.
    pub fn keep_from(&mut self, period: i64) {
        self.periods.retain(|other| other.number >= period);
    }
}
