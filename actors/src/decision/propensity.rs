//! P: the probability that this customer takes this offer in this channel.
//!
//! A model says what it starts from and what each part of what it sees adds to the log-odds (natural logarithm); the
//! probability is their sum, so an explanation adds up whatever the model. First rung (RULES "Arbitration"):
//! `logit P = logit p0(offer, channel) + sum of w * (logit affinity - logit mean)`, missing tags add nothing.

use crate::learning::PriorTable;
use crate::playbook::affinity::strength;
pub use crate::playbook::affinity::{PROBABILITY_MIN, logit};
use crate::playbook::{Affinity, Facts, Offer, TagNumber};

/// The natural logarithm of the smallest probability, rounded down.
pub const PROPENSITY_LOGARITHM_MIN: f32 = -13.82;

/// One offer for one customer at one moment, as a model sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a, F> {
    /// The offer.
    pub offer: &'a Offer,
    /// Its place in the playbook.
    pub offer_ix: usize,
    /// Where it would be shown.
    pub channel: &'a str,
    /// What may be known of customer and moment.
    pub facts: &'a F,
    /// Seeds the draws of models that draw: the decision's id, so that a draw replays.
    pub seed: &'a str,
}

/// A part of the log-odds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// One tag's.
    Tag(TagNumber),
    /// Something that is no single tag's: an interaction, a draw. Named for people.
    Named(&'static str),
}

/// Gives probabilities. The first rung, a linear model, trees or a bandit stand in the same place.
pub trait PropensityModel {
    /// Names the model and its version in explanations.
    fn id(&self) -> String;

    /// The log-odds it starts from.
    fn prior_logit(&self, seen: &Seen<'_, impl Facts>) -> f64;

    /// Calls `each` with every part of the log-odds beyond the prior's.
    fn contributions(&self, seen: &Seen<'_, impl Facts>, each: impl FnMut(Term, f64));

    /// The probability, within [1e-6, 1 - 1e-6]. Not a number only if weights overflow.
    fn propensity(&self, seen: &Seen<'_, impl Facts>) -> f64 {
        let mut logit = self.prior_logit(seen);
        self.contributions(seen, |_, contribution| logit += contribution);
        probability(logit)
    }
}

/// The first rung: affinities moved onto the prior's log-odds.
#[derive(Clone, Copy, Debug)]
pub struct AffinityModel<'a> {
    /// The priors it starts from.
    pub priors: &'a PriorTable,
}

impl PropensityModel for AffinityModel<'_> {
    fn id(&self) -> String {
        "affinity-1".to_owned()
    }

    fn prior_logit(&self, seen: &Seen<'_, impl Facts>) -> f64 {
        self.priors.prior_logit(seen.offer_ix, seen.channel)
    }

    fn contributions(&self, seen: &Seen<'_, impl Facts>, mut each: impl FnMut(Term, f64)) {
        affinities(seen.offer, seen.facts, |tag, contribution| each(Term::Tag(tag), contribution));
    }
}

/// Calls `each` with what each of an offer's affinities adds to the log-odds.
pub fn affinities(offer: &Offer, facts: &impl Facts, mut each: impl FnMut(TagNumber, f64)) {
    for affinity in &offer.affinity {
        match affinity {
            Affinity::Number { tag, weight, center, scale, mean_logit } => {
                let value = facts.tag(*tag);
                let strength = value.and_then(|value| strength(value, *center, *scale, *mean_logit));
                if let Some(strength) = strength {
                    each(*tag, weight * strength);
                }
            }
            Affinity::Equals { tag, weight, value } => {
                if facts.tag(*tag) == Some(value) {
                    each(*tag, *weight);
                }
            }
        }
    }
}

/// The probability of log-odds, within [1e-6, 1 - 1e-6].
#[must_use]
pub fn probability(logit: f64) -> f64 {
    (1.0 / (1.0 + (-logit).exp())).clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)
}

#[cfg(test)]
mod tests;
