//! A decision as remembered: the answer, and everything that led to it.

use crate::call::{CustomerId, DecisionRequest};
use crate::decision::Decision;
use crate::decision::explanation::Explanation;
use crate::playbook::Playbook;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything needed to take a decision again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedDecision {
    /// The answer.
    pub decision: Decision,
    /// The question.
    pub request: DecisionRequest,
    /// The customer as encoded before the decision.
    #[serde(with = "serde_bytes")]
    pub snapshot: Vec<u8>,
    /// When learning began; places the decision on the exploration schedule.
    pub learning_since: Timestamp,
}
