//! Who is held out and who explores: pure functions of salts, customers and decision ids.
//!
//! I8: arms and holdouts never flip. The same salt and customer give the same bucket on every node, for ever.

use crate::playbook::{Explore, Holdout};
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
}

/// The customer's bucket under a salt, 0 to 9,999: `hash(salt, customer) mod 10000`.
#[must_use]
pub fn bucket(salt: &str, customer: &str) -> u64 {
    xxh3_64_with_seed(customer.as_bytes(), xxh3_64_with_seed(salt.as_bytes(), seed::BUCKET)) % BUCKETS
}

/// The first control group the customer is in.
#[must_use]
pub fn held_out<'a>(holdouts: &'a [Holdout], customer: &str) -> Option<&'a Holdout> {
    holdouts.iter().find(|holdout| bucket(&holdout.salt, customer) < u64::from(holdout.buckets))
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

    #[test]
    fn the_share_falls_in_a_straight_line() {
        let explore = Explore { start: 0.5, steady: 0.1, ramp_ms: 60 * DAY_MS };
        for (days, expected) in [(-1, 0.5), (0, 0.5), (30, 0.3), (60, 0.1), (600, 0.1)] {
            let share = explore_share(explore, Timestamp::from_ms(0), Timestamp::from_ms(days * DAY_MS));
            assert!((share - expected).abs() < 1e-12, "day {days}: {share}");
        }
    }
}
