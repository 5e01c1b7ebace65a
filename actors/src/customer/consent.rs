//! Consent: what a customer said to each purpose and channel, with proof.
//!
//! Fails closed: what was not asked is not allowed, except for service and regulatory messages, which need no consent.

use crate::call::{ConsentRecord, ConsentState};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The channel that stands for all channels.
pub const ANY_CHANNEL: &str = "any";

/// Consent to be known as a person: denied, only the moment itself is used to decide.
pub const PROFILING: &str = "profiling";

/// Consent to be seen in places.
pub const LOCATION: &str = "location";

/// Records kept for one customer at most: proof of several hundred changes of mind is a loop somewhere.
pub const RECORDS_MAX: usize = 512;

/// Every consent ever recorded, in the order of `at`. Nothing is ever removed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Consents {
    records: Vec<ConsentRecord>,
}

impl Consents {
    /// Whether messages of this purpose may go by this channel now.
    #[must_use]
    pub fn permits(&self, purpose: &str, channel: &str, now: Timestamp) -> bool {
        !needs_consent(purpose) || self.granted(purpose, channel, now)
    }

    /// Whether tags may be used to decide.
    #[must_use]
    pub fn permits_profiling(&self, channel: &str, now: Timestamp) -> bool {
        self.granted(PROFILING, channel, now)
    }

    /// Whether it may be noted where the customer is.
    #[must_use]
    pub fn permits_location(&self, now: Timestamp) -> bool {
        self.granted(LOCATION, ANY_CHANNEL, now)
    }

    /// All records, oldest first.
    #[must_use]
    pub fn history(&self) -> &[ConsentRecord] {
        &self.records
    }

    /// The record in force for each purpose and channel named so far, as recorded.
    #[must_use]
    pub fn current(&self) -> Vec<ConsentRecord> {
        let mut current: Vec<ConsentRecord> = Vec::new();
        for record in &self.records {
            current.retain(|other| (&other.purpose, &other.channel) != (&record.purpose, &record.channel));
            current.push(record.clone());
        }
        current.sort_by(|a, b| (&a.purpose, &a.channel).cmp(&(&b.purpose, &b.channel)));
        current
    }

    /// Whether a record adds something: one that is there already does not.
    #[must_use]
    pub fn is_news(&self, record: &ConsentRecord) -> bool {
        !self.records.contains(record)
    }

    /// Adds a record at its place in time. The latest `at` counts, not the latest arrival; of several with the same `at`
    /// the one that permits least, so that the order of arrival plays no part.
    pub fn add(&mut self, record: ConsentRecord) {
        let place = self.records.partition_point(|other| weight(other) <= weight(&record));
        self.records.insert(place, record);
    }

    /// A denial counts at once, even when the clock of whoever recorded it runs ahead.
    fn granted(&self, purpose: &str, channel: &str, now: Timestamp) -> bool {
        self.records
            .iter()
            .filter(|record| {
                &*record.purpose == purpose
                    && (&*record.channel == channel || &*record.channel == ANY_CHANNEL)
                    && (record.at <= now || record.state != ConsentState::Granted)
            })
            .max_by_key(|record| weight(record))
            .is_some_and(|record| {
                record.state == ConsentState::Granted && record.expires_at.is_none_or(|end| now < end)
            })
    }
}

/// Orders records by time, and those of one moment by how little they permit: a yes that ends sooner permits less.
fn weight(record: &ConsentRecord) -> (Timestamp, u8, Reverse<Timestamp>) {
    let no = match record.state {
        ConsentState::Granted => 0,
        ConsentState::Unknown => 1,
        ConsentState::Denied => 2,
        ConsentState::Withdrawn => 3,
    };
    (record.at, no, Reverse(record.expires_at.unwrap_or(Timestamp::from_ms(i64::MAX))))
}

/// Service and regulatory messages need no consent; every other purpose does.
#[must_use]
pub fn needs_consent(purpose: &str) -> bool {
    !matches!(purpose, "service" | "regulatory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(channel: &str, state: ConsentState, at: i64, expires_at: Option<i64>) -> ConsentRecord {
        ConsentRecord {
            purpose: "marketing".into(),
            channel: channel.into(),
            state,
            basis: None,
            source: None,
            text_version: None,
            at: Timestamp::from_ms(at),
            expires_at: expires_at.map(Timestamp::from_ms),
        }
    }

    fn check(records: &[ConsentRecord], now: i64, expected: bool) {
        let mut consents = Consents::default();
        for record in records {
            consents.add(record.clone());
        }
        let now = Timestamp::from_ms(now);
        assert_eq!(consents.permits("marketing", "sms", now), expected, "{records:?}");
    }

    #[test]
    fn what_was_not_asked_is_not_allowed() {
        check(&[], 10, false);
        check(&[record("sms", ConsentState::Unknown, 1, None)], 10, false);
        check(&[record("email", ConsentState::Granted, 1, None)], 10, false);
    }

    #[test]
    fn the_latest_word_counts_whenever_it_arrives() {
        use ConsentState::{Denied, Granted, Withdrawn};
        check(&[record("sms", Granted, 1, None)], 10, true);
        check(&[record("sms", Withdrawn, 5, None), record("sms", Granted, 1, None)], 10, false);
        check(&[record("sms", Denied, 1, None), record("sms", Granted, 5, None)], 10, true);
        check(&[record("any", Granted, 1, None)], 10, true);
        check(&[record("sms", Granted, 1, None), record("any", Withdrawn, 5, None)], 10, false);
    }

    #[test]
    fn a_consent_ends_when_it_expires_and_begins_when_it_was_given() {
        check(&[record("sms", ConsentState::Granted, 1, Some(10))], 9, true);
        check(&[record("sms", ConsentState::Granted, 1, Some(10))], 10, false);
        check(&[record("sms", ConsentState::Granted, 20, None)], 10, false);
        let fast_clock = record("sms", ConsentState::Withdrawn, 12, None);
        check(&[record("sms", ConsentState::Granted, 1, None), fast_clock], 10, false);
    }

    #[test]
    fn service_messages_need_no_consent() {
        let none = Consents::default();
        for (purpose, expected) in [
            ("service", true),
            ("regulatory", true),
            ("telesales", false),
            ("location", false),
            ("new", false),
        ] {
            assert_eq!(none.permits(purpose, "sms", Timestamp::from_ms(0)), expected, "{purpose}");
        }
    }
}
