//! The terms of an offer's log-odds: what about a customer speaks for it, and how strongly.
//!
//! A term is a weight times a strength. Leaves out how terms become a probability ([`crate::decision::propensity`]).

use crate::playbook::{TagNumber, TagValue};

/// Probabilities are held within this and one minus this.
pub const PROBABILITY_MIN: f64 = 1e-6;

/// One term of the log-odds: RULES "First rung of P".
#[derive(Debug)]
pub enum Affinity {
    /// `weight * (clamp((x - center) / scale, -4, 4) - mean_logit)`, natural logarithm.
    Number {
        /// Which tag.
        tag: TagNumber,
        /// Log-odds per unit.
        weight: f64,
        /// Where the term is zero.
        center: f64,
        /// One unit, never 0.
        scale: f64,
        /// logit of the mean affinity, 0 for a mean of one half.
        mean_logit: f64,
    },
    /// `weight` when the tag equals the value, else 0.
    Equals {
        /// Which tag.
        tag: TagNumber,
        /// Log-odds shift.
        weight: f64,
        /// The value, of the tag's type.
        value: TagValue,
    },
}

/// The strength of a curve for a value: `clamp((x - center) / scale, -4, 4) - mean_logit`; `None`: the value is no number.
#[must_use]
pub fn strength(value: &TagValue, center: f64, scale: f64, mean_logit: f64) -> Option<f64> {
    Some(((number(value)? - center) / scale).clamp(-4.0, 4.0) - mean_logit)
}

/// A value as a number, if it is one. Whole numbers beyond 2^53 are rounded.
#[must_use]
pub fn number(value: &TagValue) -> Option<f64> {
    match value {
        TagValue::Int(int) => Some(*int as f64),
        TagValue::Number(number) => Some(*number),
        _ => None,
    }
}

/// Log-odds of a probability, natural logarithm.
#[must_use]
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
    (p / (1.0 - p)).ln()
}
