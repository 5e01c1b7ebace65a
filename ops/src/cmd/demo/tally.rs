//! What was counted while the demo played.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Counts of one worker, or of all of them added up.
pub struct Tally {
    /// Events sent and taken.
    pub events: u64,
    /// Events the node did not take, by code. None are expected.
    pub rejected: BTreeMap<String, u64>,
    /// Consents recorded.
    pub consents: u64,
    /// Customers whose tags were set.
    pub tagged: u64,
    /// By channel.
    pub channels: BTreeMap<&'static str, Channel>,
    /// How often an offer was number one.
    pub firsts: BTreeMap<String, u64>,
    /// Decisions whose list held something back for this reason.
    pub withheld: BTreeMap<String, u64>,
    /// Decisions by arm.
    pub arms: BTreeMap<String, u64>,
    /// Decisions taken without profiling.
    pub context_only: u64,
    /// Responses sent.
    pub responses: u64,
    /// How long a decision took as its caller saw it, in microseconds.
    pub decision_us: Histogram<u64>,
    /// The first answer that was not as expected.
    pub surprise: Option<String>,
}

/// What went through one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// Decisions asked for.
    pub decisions: u64,
    /// Decisions with at least one offer.
    pub with_offer: u64,
    /// Contacts reserved.
    pub contacts: u64,
    /// Accepted.
    pub accepted: u64,
    /// Rejected.
    pub rejected: u64,
}

/// No decision takes a minute; longer ones count as one.
const DECISION_US_MAX: u64 = 60_000_000;

impl Tally {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Tally {
            events: 0,
            rejected: BTreeMap::new(),
            consents: 0,
            tagged: 0,
            channels: BTreeMap::new(),
            firsts: BTreeMap::new(),
            withheld: BTreeMap::new(),
            arms: BTreeMap::new(),
            context_only: 0,
            responses: 0,
            decision_us: Histogram::new_with_bounds(1, DECISION_US_MAX, 3).unwrap_or_else(|_| {
                unreachable!("1 to a minute with three digits are bounds a histogram takes")
            }),
            surprise: None,
        }
    }

    /// Notes how long a decision took.
    pub fn took(&mut self, elapsed: std::time::Duration) {
        let us = u64::try_from(elapsed.as_micros()).unwrap_or(DECISION_US_MAX);
        self.decision_us.saturating_record(us.clamp(1, DECISION_US_MAX));
    }

    /// Adds what another worker counted.
    pub fn add(&mut self, other: &Tally) {
        self.events += other.events;
        self.consents += other.consents;
        self.tagged += other.tagged;
        self.context_only += other.context_only;
        self.responses += other.responses;
        for (into, from) in [
            (&mut self.rejected, &other.rejected),
            (&mut self.firsts, &other.firsts),
            (&mut self.withheld, &other.withheld),
            (&mut self.arms, &other.arms),
        ] {
            for (key, count) in from {
                *into.entry(key.clone()).or_default() += count;
            }
        }
        for (name, channel) in &other.channels {
            let into = self.channels.entry(name).or_default();
            into.decisions += channel.decisions;
            into.with_offer += channel.with_offer;
            into.contacts += channel.contacts;
            into.accepted += channel.accepted;
            into.rejected += channel.rejected;
        }
        // Both have the same bounds, so this can't fail; if it did, only the percentiles would miss some.
        let _ = self.decision_us.add(&other.decision_us);
        self.surprise = self.surprise.take().or_else(|| other.surprise.clone());
    }

    /// Decisions in all channels.
    pub fn decisions(&self) -> u64 {
        self.channels.values().map(|channel| channel.decisions).sum()
    }
}
