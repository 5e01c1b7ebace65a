//! What a decision answers: the items, the reasons, and what was held back.
//!
//! These types are logged as they are: a change of their shape changes the format of the decision log.

use crate::call::Direction;
use crate::decision::allotment::Dealt;
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};
use serde::{Deserialize, Serialize};

/// A decision as answered and as logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Unique.
    pub decision_id: String,
    /// When it was taken.
    pub at: Timestamp,
    /// Until when it stands.
    pub expires_at: Timestamp,
    /// The playbook it was taken with.
    pub playbook: Name,
    /// Where it is shown or sent.
    pub channel: Name,
    /// Who began.
    pub direction: Direction,
    /// Which group the customer is in.
    pub arm: Arm,
    /// What it was based on.
    pub basis: Basis,
    /// The items, best first, at most [`ITEMS_MAX`](crate::decision::ITEMS_MAX).
    pub items: Vec<Item>,
    /// Why other offers were held back: one entry a reason (and cap).
    pub withheld: Vec<Withheld>,
    /// When the first offer that only a cap or quiet hours held back becomes possible.
    pub next_free_at: Option<Timestamp>,
    /// The decision whose number one this one repeats.
    pub lineage: Option<Lineage>,
    /// For customers in a control group: the offer they would have got.
    pub ghost: Option<Name>,
    /// The line it is for.
    #[serde(default)]
    pub line: Option<Name>,
    /// The experiment the customer takes part in.
    #[serde(default)]
    pub experiment: Option<Treatment>,
}

/// An experiment and the arm a customer was dealt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// The experiment's id.
    pub experiment: Name,
    /// The arm's id.
    pub arm: Name,
}

impl Treatment {
    /// What was dealt.
    #[must_use]
    pub fn of(dealt: &Dealt<'_>) -> Self {
        Treatment { experiment: Name::clone(&dealt.experiment.id), arm: Name::clone(&dealt.arm.id) }
    }
}

/// Which group a customer was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arm {
    /// The best list.
    Optimised,
    /// An exploring list.
    Test,
    /// Held out of marketing.
    Control,
}

impl Arm {
    /// The word used in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Arm::Optimised => "optimised",
            Arm::Test => "test",
            Arm::Control => "control",
        }
    }
}

/// What a decision was based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// Everything known of the customer.
    Full,
    /// Channel, place, time and owned products only: no consent to profiling.
    ContextOnly,
}

impl Basis {
    /// The word used in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Basis::Full => "full",
            Basis::ContextOnly => "context_only",
        }
    }
}

/// One chosen offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// 1 is the best.
    pub rank: usize,
    /// The offer's id.
    pub offer: Name,
    /// offer, service, retention, info or survey.
    pub kind: Name,
    /// What the channel does with it: show, say or send.
    pub action: Name,
    /// The reserved contact, for item 1 of an outbound decision.
    pub contact_id: Option<String>,
    /// P, a probability.
    pub propensity: f64,
    /// C, a factor.
    pub context_weight: f64,
    /// V, in units of the active KPI.
    pub value: f64,
    /// L, a factor.
    pub lever: f64,
    /// P x C x V x L.
    pub priority: f64,
    /// The probability with which this item was put at this rank, given the customer's state.
    pub shown_probability: f64,
    /// In the tenant's currency.
    pub price: Option<f64>,
    /// Content for the channel.
    pub content: Value,
    /// What an agent can say.
    pub script: String,
    /// The strongest reasons in plain words, at most three.
    pub reasons: Vec<Reason>,
    /// What the partner pays for it, in the tenant's currency; `None` for an offer of our own.
    #[serde(default)]
    pub partner_pays: Option<f64>,
}

/// A reason in plain words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// For an agent or the customer.
    pub text: String,
    /// The tag behind it.
    pub tag: Option<Name>,
    /// Its share of the log-odds (natural logarithm).
    pub contribution: f64,
}

/// Why some offers were held back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withheld {
    /// The reason's code.
    pub code: Name,
    /// How many offers it held back.
    pub offers: usize,
    /// The cap, for code `cap`.
    pub cap: Option<CapUse>,
    /// When it ends, if it does by itself.
    pub next_free_at: Option<Timestamp>,
}

/// How far a cap is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapUse {
    /// The cap's id.
    pub id: Name,
    /// Contacts that count.
    pub used: u32,
    /// How many may.
    pub limit: u32,
    /// When the next one becomes possible; `None`: now.
    pub next_free_at: Option<Timestamp>,
}

/// Where a repeated number one comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The first decision that put this offer first.
    pub decision_id: String,
    /// When.
    pub at: Timestamp,
    /// In which channel.
    pub channel: Name,
    /// When and by which channel the customer was told already.
    pub told: Option<(Name, Timestamp)>,
}
