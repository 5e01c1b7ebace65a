//! A decision explained: the answer again, and what became of every offer.

use crate::wire::decision::DecisionAnswer;
use crate::wire::time::Time;
use crate::wire::value;
use actors::Name;
use actors::call::{CustomerId, DecisionRequest};
use actors::decision::CapUse;
use actors::decision::explanation::{Explanation, Fate, Score, Stage};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

/// A decision, replayed from the log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExplanationAnswer {
    /// The decision as it was answered.
    #[serde(flatten)]
    pub decision: DecisionAnswer,
    /// The place within the channel.
    pub placement: Option<Name>,
    /// The context it was taken in.
    pub context: Json,
    /// The models that gave probabilities, and the evidence that had moved their priors.
    pub models: Vec<String>,
    /// Whether the replay gave the same bytes as the log. False is an alarm.
    pub replay_matches: bool,
    /// For a customer in a control group: the offer that would have been first.
    pub ghost: Option<Name>,
    /// Every offer of the playbook (or the one asked for), those shown first, then by how far they came.
    pub candidates: Vec<Candidate>,
}

/// What became of one offer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Candidate {
    /// The offer's id.
    pub offer: Name,
    /// The stage at which it left, or `shown`.
    pub stage: &'static str,
    /// The reason's code.
    pub code: &'static str,
    /// The failing predicate as its author wrote it.
    pub needed: Option<String>,
    /// What was found instead.
    pub actual: Option<String>,
    /// The cap that held it back.
    pub cap: Option<CapAnswer>,
    /// Every cap that is about it, and how far each is used.
    pub caps: Vec<CapAnswer>,
    /// When it becomes possible by itself.
    pub next_free_at: Option<Time>,
    /// Its score, when it came that far.
    pub score: Option<ScoreAnswer>,
    /// Its place in the list.
    pub rank: Option<usize>,
}

/// How far a cap is used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CapAnswer {
    /// The cap's id.
    pub id: Name,
    /// Contacts that count.
    pub used: u32,
    /// How many may.
    pub limit: u32,
    /// When the next one becomes possible; null: now.
    pub next_free_at: Option<Time>,
}

/// P x C x V x L, and what P is made of.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScoreAnswer {
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
    /// Each tag's share of the log-odds; with `prior_logit` they add up to logit P.
    pub contributions: Vec<Contribution>,
}

/// A tag's share of the log-odds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Contribution {
    /// The tag; `private` for a private one.
    pub tag: Name,
    /// Natural logarithm.
    pub contribution: f64,
}

impl ExplanationAnswer {
    /// For the wire; with `offer`, only what became of that one, `None` when the playbook has no such offer.
    #[must_use]
    pub fn of(
        customer: &CustomerId,
        request: &DecisionRequest,
        explanation: &Explanation,
        offer: Option<&str>,
    ) -> Option<Self> {
        let asked = |fate: &&Fate| offer.is_none_or(|offer| *fate.offer == *offer);
        let candidates: Vec<_> = explanation.fates.iter().filter(asked).map(Candidate::of).collect();
        (offer.is_none() || !candidates.is_empty()).then(|| ExplanationAnswer {
            decision: DecisionAnswer::of(customer, &explanation.decision),
            placement: request.placement.clone(),
            context: value::to_json(&request.context),
            models: explanation.models.clone(),
            replay_matches: explanation.replay_matches,
            ghost: explanation.decision.ghost.clone(),
            candidates,
        })
    }
}

impl Candidate {
    fn of(fate: &Fate) -> Self {
        Candidate {
            offer: fate.offer.clone(),
            stage: stage_word(fate.stage),
            code: fate.code,
            needed: fate.needed.clone(),
            actual: fate.actual.clone(),
            cap: fate.cap.as_ref().map(CapAnswer::of),
            caps: fate.caps.iter().map(CapAnswer::of).collect(),
            next_free_at: fate.next_free_at.map(Time),
            score: fate.score.as_ref().map(ScoreAnswer::of),
            rank: fate.rank,
        }
    }
}

impl CapAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(cap: &CapUse) -> Self {
        CapAnswer {
            id: cap.id.clone(),
            used: cap.used,
            limit: cap.limit,
            next_free_at: cap.next_free_at.map(Time),
        }
    }
}

impl ScoreAnswer {
    fn of(score: &Score) -> Self {
        let contribution = |(tag, contribution): &(Name, f64)| Contribution {
            tag: tag.clone(),
            contribution: *contribution,
        };
        ScoreAnswer {
            propensity: score.propensity,
            context_weight: score.context_weight,
            value: score.value,
            lever: score.lever,
            priority: score.priority,
            prior_logit: score.prior_logit,
            contributions: score.contributions.iter().map(contribution).collect(),
        }
    }
}

fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Validity => "validity",
        Stage::Consent => "consent",
        Stage::Calendar => "calendar",
        Stage::Eligible => "eligible",
        Stage::Applicable => "applicable",
        Stage::Suitable => "suitable",
        Stage::Refusal => "refusal",
        Stage::Caps => "caps",
        Stage::QuietHours => "quiet_hours",
        Stage::Holdout => "holdout",
        Stage::Score => "score",
        Stage::Diversity => "diversity",
        Stage::Top => "top",
        Stage::Shown => "shown",
    }
}
