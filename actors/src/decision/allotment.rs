//! Who is held out and who explores: pure functions of salts, customers and decision ids.
//!
//! I8: arms and holdouts never flip. The same salt and customer give the same bucket on every node, for ever.

use crate::playbook::{Experiment, ExperimentArm, Explore, Holdout};
use crate::timestamp::Timestamp;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Buckets that customers are dealt into.
pub const BUCKETS: u64 = 10_000;

/// Keeps draws for different questions apart.
mod seed {
    pub const BUCKET: u64 = 1;
    pub const EXPLORE: u64 = 2;
    pub const PICK: u64 = 3;
    pub const TIE: u64 = 4;
    pub const RAMP: u64 = 5;
}

/// The customer's bucket under a salt, 0 to 9,999: `hash(salt, customer) mod 10000`.
#[must_use]
pub fn bucket(salt: &str, customer: &str) -> u64 {
    draw(salt, customer, seed::BUCKET)
}

fn draw(salt: &str, customer: &str, seed: u64) -> u64 {
    xxh3_64_with_seed(customer.as_bytes(), xxh3_64_with_seed(salt.as_bytes(), seed)) % BUCKETS
}

/// The first control group the customer is in.
#[must_use]
pub fn held_out<'a>(holdouts: &'a [Holdout], customer: &str) -> Option<&'a Holdout> {
    holdouts.iter().find(|holdout| bucket(&holdout.salt, customer) < u64::from(holdout.buckets))
}

/// An experiment a customer takes part in, and the arm dealt to them.
#[derive(Clone, Copy, Debug)]
pub struct Dealt<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// The customer's arm.
    pub arm: &'a ExperimentArm,
}

/// The first experiment that the customer takes part in. Who takes part and in which arm are two draws: a larger ramp lets
/// more customers in and moves nobody to another arm. Control groups come first: who is held out takes part in nothing.
#[must_use]
pub fn dealt<'a>(experiments: &'a [Experiment], customer: &str) -> Option<Dealt<'a>> {
    let takes_part = |experiment: &&Experiment| {
        experiment.enabled && draw(&experiment.salt, customer, seed::RAMP) < experiment.ramp_buckets
    };
    let experiment = experiments.iter().find(takes_part)?;
    let bucket = bucket(&experiment.salt, customer);
    let arm = experiment.arms.iter().find(|arm| bucket < arm.upto_bucket)?;
    Some(Dealt { experiment, arm })
}

/// The share of exploring decisions at `now`: a straight line from `start` to `steady` over the ramp.
#[must_use]
pub fn explore_share(explore: Explore, learning_since: Timestamp, now: Timestamp) -> f64 {
    let elapsed = now.since_ms(learning_since).max(0) as f64;
    let done = if explore.ramp_ms > 0 { (elapsed / explore.ramp_ms as f64).min(1.0) } else { 1.0 };
    explore.start + (explore.steady - explore.start) * done
}

/// The place (counted from 0) of the candidate that an exploring decision puts first; `None` when this decision does not
/// explore. Drawn from the decision's id, evenly over `pool` candidates.
#[must_use]
pub fn explored(decision_id: &str, share: f64, pool: usize) -> Option<usize> {
    if pool == 0 || unit(decision_id, seed::EXPLORE) >= share {
        return None;
    }
    Some(((unit(decision_id, seed::PICK) * pool as f64) as usize).min(pool - 1))
}

/// The probability with which the candidate at place `best` of the best list (counted from 0) is shown at place `shown`,
/// over all decision ids: with probability `share` a candidate drawn evenly from `pool` moves to the front.
#[must_use]
pub fn shown_probability(best: usize, shown: usize, share: f64, pool: usize) -> f64 {
    if pool == 0 {
        return 1.0;
    }
    let draws = if shown == 0 {
        1.0
    } else if best == shown {
        best as f64
    } else {
        // One further back because a later one moved to the front.
        (pool.saturating_sub(best + 1)) as f64
    };
    let explored = share * draws / pool as f64;
    if best == shown { (1.0 - share) + explored } else { explored }
}

/// Breaks ties of priority: the order is total and equal on every node.
#[must_use]
pub fn tie_break(offer: &str, customer: &str) -> u64 {
    xxh3_64_with_seed(customer.as_bytes(), xxh3_64_with_seed(offer.as_bytes(), seed::TIE))
}

/// A number in [0, 1) drawn from a text.
fn unit(text: &str, seed: u64) -> f64 {
    (xxh3_64_with_seed(text.as_bytes(), seed) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::DAY_MS;
    use crate::value::Name;

    const PROMISED: [&str; 6] = ["arm 0", "arm 1", "arm 1", "arm 1", "arm 0", "arm 2"];

    #[test]
    fn buckets_are_even_and_never_flip() {
        let mut counts = [0u32; 10];
        for n in 0..100_000 {
            counts[(bucket("u-2026", &format!("customer {n}")) / 1000) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        // Written down: these are promises to customers already dealt.
        for (salt, customer, expected) in
            [("u-2026", "wa-00001", 7854), ("u-2026", "wa-00002", 9543), ("x", "wa-00001", 2721)]
        {
            assert_eq!(bucket(salt, customer), expected, "{salt} {customer}");
        }
    }

    #[test]
    fn about_the_stated_share_explores_and_evenly() {
        let mut first = [0u32; 4];
        let mut exploring = 0;
        for n in 0..40_000 {
            if let Some(place) = explored(&format!("d-{n}"), 0.1, 4) {
                first[place] += 1;
                exploring += 1;
            }
        }
        assert!((3_700..4_300).contains(&exploring), "{exploring}");
        assert!(first.iter().all(|count| (850..1150).contains(count)), "{first:?}");
    }

    #[test]
    fn shown_probabilities_equal_a_recount_of_all_draws() {
        let (share, pool) = (0.25, 5);
        for best in 0..pool {
            for shown in 0..pool {
                let counted: f64 = (0..pool)
                    .map(|drawn| {
                        let place = if best == drawn {
                            0
                        } else if best < drawn {
                            best + 1
                        } else {
                            best
                        };
                        f64::from(place == shown)
                    })
                    .sum::<f64>()
                    * share
                    / pool as f64
                    + if best == shown { 1.0 - share } else { 0.0 };
                if counted > 0.0 {
                    let said = shown_probability(best, shown, share, pool);
                    assert!((said - counted).abs() < 1e-12, "{best} at {shown}: {said} for {counted}");
                }
            }
        }
    }

    fn experiment(shares: &[f64], ramp_buckets: u64) -> Experiment {
        let mut upto = 0.0;
        let arm = |(n, share): (usize, &f64)| {
            upto += share;
            let upto_bucket = (upto * BUCKETS as f64).round() as u64;
            ExperimentArm { id: format!("arm {n}").into(), upto_bucket, explore: None, list: vec![] }
        };
        let arms = shares.iter().enumerate().map(arm).collect();
        Experiment { id: "x".into(), salt: "x-2026".into(), ramp_buckets, enabled: true, arms }
    }

    fn arm_of(experiments: &[Experiment], n: usize) -> Option<Name> {
        dealt(experiments, &format!("customer {n}")).map(|dealt| Name::clone(&dealt.arm.id))
    }

    /// Chi-square of what was dealt against the shares, two degrees of freedom: below 13.82 in 999 of 1,000 fair deals,
    /// and far above when a twentieth of one arm goes to another.
    #[test]
    fn arms_are_dealt_by_their_shares_and_never_flip() {
        let shares = [0.5, 0.3, 0.2];
        let chi_square = |experiments: &[Experiment]| {
            let mut counts = [0.0f64; 3];
            for n in 0..100_000 {
                let arm = arm_of(experiments, n).expect("everybody takes part");
                assert_eq!(arm_of(experiments, n), Some(Name::clone(&arm)), "sticky");
                let place = experiments[0].arms.iter().position(|one| one.id == arm).expect("an arm");
                counts[place] += 1.0;
            }
            let expected = shares.map(|share| share * 100_000.0);
            counts.iter().zip(expected).map(|(seen, due)| (seen - due).powi(2) / due).sum::<f64>()
        };
        assert!(chi_square(&[experiment(&shares, BUCKETS)]) < 13.82);
        assert!(chi_square(&[experiment(&[0.475, 0.325, 0.2], BUCKETS)]) > 100.0, "a lopsided deal is seen");
        // Written down: these are promises to customers already dealt.
        let fixed = [experiment(&shares, BUCKETS)];
        let arms: Vec<_> = (0..6).filter_map(|n| arm_of(&fixed, n)).collect();
        assert_eq!(arms.iter().map(|arm| &**arm).collect::<Vec<_>>(), PROMISED);
    }

    #[test]
    fn a_larger_ramp_lets_more_in_and_moves_nobody() {
        let mut before: Vec<Option<Name>> = vec![None; 5_000];
        for percent in [0, 1, 2, 10, 50, 100] {
            let experiments = [experiment(&[0.5, 0.5], percent * BUCKETS / 100)];
            let mut inside = 0;
            for (n, arm) in before.iter_mut().enumerate() {
                let now = arm_of(&experiments, n);
                assert!(arm.is_none() || *arm == now, "customer {n} was moved at {percent} %");
                inside += usize::from(now.is_some());
                *arm = now;
            }
            let due = percent as usize * 50;
            assert!(inside.abs_diff(due) <= 120, "{inside} at {percent} %");
        }
        let off = Experiment { enabled: false, ..experiment(&[1.0], BUCKETS) };
        assert!((0..1_000).all(|n| arm_of(std::slice::from_ref(&off), n).is_none()), "switched off");
    }

    #[test]
    fn a_customer_takes_part_in_the_first_experiment_with_a_place_and_salts_are_apart() {
        let other = Experiment { id: "y".into(), salt: "y-2026".into(), ..experiment(&[1.0], BUCKETS) };
        let experiments = [experiment(&[1.0], BUCKETS / 2), other];
        let in_first = (0..10_000)
            .filter(|n| &*dealt(&experiments, &format!("customer {n}")).expect("dealt").experiment.id == "x");
        assert!((4_700..5_300).contains(&in_first.count()));
    }

    #[test]
    fn the_first_places_shown_probabilities_add_up_to_one() {
        for share in [0.0, 0.1, 0.5, 1.0] {
            for pool in 1..=13 {
                let sum: f64 = (0..pool).map(|best| shown_probability(best, 0, share, pool)).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{sum} of {pool} with {share}");
            }
        }
    }

    #[test]
    fn the_share_falls_in_a_straight_line() {
        let explore = Explore { start: 0.5, steady: 0.1, ramp_ms: 60 * DAY_MS };
        for (days, expected) in [(-1, 0.5), (0, 0.5), (30, 0.3), (60, 0.1), (600, 0.1)] {
            let share = explore_share(explore, Timestamp::from_ms(0), Timestamp::from_ms(days * DAY_MS));
            assert!((share - expected).abs() < 1e-12, "day {days}: {share}");
        }
    }
}
