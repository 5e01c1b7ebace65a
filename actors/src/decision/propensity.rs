//! P: the probability that this customer takes this offer in this channel.
//!
//! First rung (RULES "Arbitration"): `logit P = logit p0(offer, channel) + sum of w * (logit affinity - logit mean)`,
//! natural logarithms, missing tags add nothing. Every term is one tag's contribution, so the explanation adds up.

use crate::playbook::{Affinity, Facts, Offer, TagNumber, TagValue};

/// Probabilities are held within this and one minus this.
pub const PROBABILITY_MIN: f64 = 1e-6;

/// Gives probabilities. Other models stand in the same place.
pub trait PropensityModel {
    /// The log-odds of the prior for this channel (natural logarithm).
    fn prior_logit(&self, offer: &Offer, channel: &str) -> f64;

    /// Calls `each` with every tag's contribution to the log-odds.
    fn contributions(&self, offer: &Offer, facts: &impl Facts, each: impl FnMut(TagNumber, f64));

    /// The probability, within [1e-6, 1 - 1e-6]. Not a number only if the playbook's weights overflow.
    fn propensity(&self, offer: &Offer, channel: &str, facts: &impl Facts) -> f64 {
        let mut logit = self.prior_logit(offer, channel);
        self.contributions(offer, facts, |_, contribution| logit += contribution);
        probability(logit)
    }
}

/// The first rung: affinities moved onto the prior's log-odds.
#[derive(Clone, Copy, Debug, Default)]
pub struct AffinityModel;

impl PropensityModel for AffinityModel {
    fn prior_logit(&self, offer: &Offer, channel: &str) -> f64 {
        logit(offer.prior.get(channel).copied().unwrap_or(offer.prior_default))
    }

    fn contributions(&self, offer: &Offer, facts: &impl Facts, mut each: impl FnMut(TagNumber, f64)) {
        for affinity in &offer.affinity {
            match affinity {
                Affinity::Number { tag, weight, center, scale, mean_logit } => {
                    if let Some(x) = facts.tag(*tag).and_then(number) {
                        each(*tag, weight * (((x - center) / scale).clamp(-4.0, 4.0) - mean_logit));
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
}

/// Log-odds of a probability, natural logarithm.
#[must_use]
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
    (p / (1.0 - p)).ln()
}

/// The probability of log-odds, within [1e-6, 1 - 1e-6].
#[must_use]
pub fn probability(logit: f64) -> f64 {
    (1.0 / (1.0 + (-logit).exp())).clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)
}

fn number(value: &TagValue) -> Option<f64> {
    match value {
        TagValue::Int(int) => Some(*int as f64),
        TagValue::Number(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_odds_and_probabilities_are_each_others_inverse() {
        for p in [1e-6, 0.01, 0.03, 0.5, 0.9, 1.0 - 1e-6] {
            assert!((probability(logit(p)) - p).abs() < 1e-12, "{p}");
        }
    }

    #[test]
    fn a_probability_is_never_certain() {
        let check = |logit: f64, expected: f64| assert_eq!(probability(logit), expected);
        check(1e9, 1.0 - PROBABILITY_MIN);
        check(-1e9, PROBABILITY_MIN);
        assert!(probability(f64::NAN).is_nan());
    }
}
