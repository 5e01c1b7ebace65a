//! What was learned from responses.

use actors::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pairs in one answer at most.
pub const PAIRS_MAX: usize = 10_000;

/// Which pairs to show.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct LearningQuery {
    /// Only this offer.
    pub offer: Option<String>,
    /// Only this channel.
    pub channel: Option<String>,
    /// At most so many pairs, 1 to 10,000; 1,000 when left out.
    pub limit: Option<usize>,
}

/// What decisions know from responses.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LearningAnswer {
    /// Whether the playbook in force lets evidence move its priors.
    pub enabled: bool,
    /// Earlier showings that a prior stands for.
    pub strength: Option<f64>,
    /// The table of evidence that decisions are taken with; null: priors are as written.
    pub evidence: Option<Name>,
    /// Outcomes counted, ever.
    pub counted: u64,
    /// Of those, how many are not in the table yet.
    pub waiting: u64,
    /// Offers of the playbook in channels in which something was counted, by offer and channel.
    pub items: Vec<LearnedAnswer>,
    /// Whether there are more than are shown.
    pub truncated: bool,
}

/// One offer in one channel.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LearnedAnswer {
    /// The offer's id.
    pub offer: Name,
    /// The channel.
    pub channel: Name,
    /// The prior as written.
    pub prior: f64,
    /// Shown as the number one.
    pub shown: u64,
    /// Of those, followed.
    pub clicked: u64,
    /// Of those, accepted.
    pub accepted: u64,
    /// The prior as decisions use it.
    pub learned: f64,
}
