//! The same offer everywhere: a number one stands until something that matters changes.
//!
//! I7. What matters: a change of a tag that some rule or weight reads, of an owned product, a consent, a response
//! (the customer drops the standing then), another playbook, the end of the decision's time, or a moment that
//! weighs offers differently (the customer walked into a shop).

use crate::decision::Arm;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};

/// A number one that stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The first decision that put it first.
    pub decision_id: String,
    /// The offer.
    pub offer: Name,
    /// When it was taken.
    pub at: Timestamp,
    /// Until when it stands.
    pub expires_at: Timestamp,
    /// The channel it was first given in.
    pub channel: Name,
    /// The playbook it was taken with.
    pub playbook: Name,
    /// The purpose that was asked for: questions for another purpose have a number one of their own.
    pub asked_purpose: Option<Name>,
    /// The moment, as [`moment_mark`](crate::decision::arbitration::moment_mark) saw it.
    pub moment_mark: u64,
    /// How it came to be first.
    pub arm: Arm,
    /// With which probability it was put first.
    pub shown_probability: f64,
}

/// What a new question has to share with a standing number one.
#[derive(Clone, Debug, PartialEq)]
pub struct Question<'a> {
    /// The active playbook.
    pub playbook: &'a Name,
    /// The purpose asked for.
    pub purpose: Option<&'a Name>,
    /// The moment's mark.
    pub moment_mark: u64,
    /// Now.
    pub now: Timestamp,
}

impl Standing {
    /// Whether it answers the question.
    #[must_use]
    pub fn answers(&self, question: &Question<'_>) -> bool {
        self.playbook == *question.playbook
            && self.asked_purpose.as_ref() == question.purpose
            && self.moment_mark == question.moment_mark
            && self.at <= question.now
            && question.now < self.expires_at
    }
}
