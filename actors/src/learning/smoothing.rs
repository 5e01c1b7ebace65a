//! How far evidence moves a prior.
//!
//! The prior stands for `strength` earlier showings, of which `prior x strength` were accepted (a Beta distribution
//! with that mean); what was counted is added to them:
//!
//! ```text
//! p0 = (prior x strength + accepted) / (strength + shown)
//! ```
//!
//! Without evidence p0 is the prior; with much of it p0 is the rate that was seen.

use crate::learning::Outcomes;

/// Earlier showings that a prior stands for when the playbook does not say: 200, so that a prior of 3 % has moved half
/// way to what is seen after 200 showings.
pub const STRENGTH_DEFAULT: f64 = 200.0;

/// The prior, moved by what was seen. `prior` within (0, 1) and `strength` above 0 give a probability.
#[must_use]
pub fn smoothed(prior: f64, strength: f64, seen: Outcomes) -> f64 {
    (prior * strength + seen.accepted() as f64) / (strength + seen.shown() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(prior: f64, strength: f64, shown: i64, accepted: i64, expected: f64) {
        let p = smoothed(prior, strength, Outcomes::new(shown, 0, accepted));
        assert!((p - expected).abs() < 1e-12, "{p} for {expected}");
    }

    /// Worked out by hand: (0.03 x 100 + 10) / (100 + 100) = 13 / 200, and so on.
    #[test]
    fn golden_numbers() {
        check(0.03, 100.0, 0, 0, 0.03);
        check(0.03, 100.0, 100, 10, 0.065);
        check(0.03, 100.0, 900, 0, 0.003);
        check(0.5, 2.0, 8, 8, 0.9);
        check(0.2, 10.0, 1, 1, 3.0 / 11.0);
    }

    proptest! {
        #[test]
        fn a_moved_prior_is_a_probability_between_the_prior_and_what_was_seen(
            prior in 1e-6..0.999_999f64, strength in 1.0..1e6f64, shown in 0..100_000i64, rate in 0.0..=1.0f64,
        ) {
            let accepted = (shown as f64 * rate) as i64;
            let p = smoothed(prior, strength, Outcomes::new(shown, 0, accepted));
            let seen = if shown > 0 { accepted as f64 / shown as f64 } else { prior };
            prop_assert!(p > 0.0 && p < 1.0);
            prop_assert!(p >= prior.min(seen) - 1e-12 && p <= prior.max(seen) + 1e-12);
        }

        #[test]
        fn an_acceptance_raises_and_a_silence_lowers(
            prior in 1e-6..0.999_999f64, strength in 1.0..1e6f64, shown in 0..100_000i64, rate in 0.0..=1.0f64,
        ) {
            let accepted = (shown as f64 * rate) as i64;
            let p = smoothed(prior, strength, Outcomes::new(shown, 0, accepted));
            prop_assert!(smoothed(prior, strength, Outcomes::new(shown + 1, 0, accepted + 1)) > p);
            prop_assert!(smoothed(prior, strength, Outcomes::new(shown + 1, 0, accepted)) < p);
        }
    }
}
