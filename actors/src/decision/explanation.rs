//! What became of every offer in a decision, and why: taken from the log and replayed.

use crate::decision::{CapUse, Decision};
use crate::timestamp::Timestamp;
use crate::value::Name;

/// A logged decision, replayed with the fate of each offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The decision as logged.
    pub decision: Decision,
    /// Whether the replay gave the same bytes as the log. False is an alarm.
    pub replay_matches: bool,
    /// Every offer of the playbook, sorted by rank, then by how far it came, then by id.
    pub fates: Vec<Fate>,
}

/// What became of one offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Fate {
    /// The offer's id.
    pub offer: Name,
    /// The stage at which it left, or `shown`.
    pub stage: Stage,
    /// The reason's code; `shown` when it was.
    pub code: &'static str,
    /// The failing predicate as its author wrote it.
    pub needed: Option<String>,
    /// What was found instead.
    pub actual: Option<String>,
    /// The cap that held it back.
    pub cap: Option<CapUse>,
    /// When it becomes possible by itself.
    pub next_free_at: Option<Timestamp>,
    /// Its score, when it came that far.
    pub score: Option<Score>,
    /// Its place in the list.
    pub rank: Option<usize>,
}

/// P x C x V x L, and what P is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// P.
    pub propensity: f64,
    /// C.
    pub context_weight: f64,
    /// V.
    pub value: f64,
    /// L.
    pub lever: f64,
    /// P x C x V x L.
    pub priority: f64,
    /// Log-odds of the prior.
    pub prior_logit: f64,
    /// Each tag's share of the log-odds; with `prior_logit` they add up to logit P. Private tags are named
    /// `private`.
    pub contributions: Vec<(Name, f64)>,
}

/// The stages of a decision, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Dates, channel, direction and purpose.
    Validity,
    /// Consent for purpose and channel.
    Consent,
    /// The campaign calendar.
    Calendar,
    /// May have it.
    Eligible,
    /// Makes sense now.
    Applicable,
    /// Right for them.
    Suitable,
    /// Refusals and suppression.
    Refusal,
    /// Frequency caps.
    Caps,
    /// Quiet hours.
    QuietHours,
    /// Control groups.
    Holdout,
    /// Value and priority.
    Score,
    /// At most so many of a family.
    Diversity,
    /// The best of the rest.
    Top,
    /// In the list.
    Shown,
}
