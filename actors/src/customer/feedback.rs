//! What agents said of offers, kept apart from what the customer said.
//!
//! An agent's word may suppress like the customer's (a rule can ask whose word it was); here it stays visible as the agent's.

use crate::call::ResponseKind;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};

/// Words of agents kept for one customer: the newest 64.
pub const FEEDBACK_MAX: usize = 64;

/// One word of an agent about an offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentFeedback {
    /// The offer.
    pub offer: Name,
    /// What the agent said became of it.
    pub kind: ResponseKind,
    /// Why, as a code or in words.
    pub reason: Option<Name>,
    /// When.
    pub at: Timestamp,
}

/// What agents said, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Feedback(Vec<AgentFeedback>);

impl Feedback {
    /// Notes one word at its place in time.
    pub fn note(&mut self, word: AgentFeedback) {
        let place = self.0.partition_point(|other| other.at <= word.at);
        self.0.insert(place, word);
        if self.0.len() > FEEDBACK_MAX {
            self.0.remove(0);
        }
    }

    /// All words, oldest first.
    #[must_use]
    pub fn all(&self) -> &[AgentFeedback] {
        &self.0
    }
}
