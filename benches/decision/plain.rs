//! The baselines: plain walks over all offers, with the customer's tags in a hash map.
//!
//! They know rules and scores and nothing else: no consent, no caps, no families, no reasons.

use super::catalogue::Catalogue;
use actors::Timestamp;
use actors::customer::Customer;
use actors::decision::propensity::{affinities, probability};
use actors::playbook::{Facts, Offer, Playbook, Scalar, TagNumber, TagValue};
use std::collections::HashMap;

/// What the walks know.
pub struct Known<'a> {
    playbook: &'a Playbook,
    priors: &'a [f64],
    tags: HashMap<TagNumber, &'a TagValue>,
    now: Timestamp,
}

impl<'a> Known<'a> {
    pub fn of(customer: &'a Customer, catalogue: &'a Catalogue) -> Self {
        Known {
            playbook: &catalogue.playbook,
            priors: catalogue.moment.priors.column("app"),
            tags: customer.tags.iter().map(|entry| (entry.number, &entry.value)).collect(),
            now: catalogue.moment.now,
        }
    }
}

impl Facts for Known<'_> {
    fn tag(&self, tag: TagNumber) -> Option<&TagValue> {
        self.tags.get(&tag).copied()
    }

    fn context(&self, _path: &str) -> Option<Scalar<'_>> {
        None
    }

    fn owns(&self, _product: &str) -> bool {
        false
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

/// Asks the rule, scores what passes, keeps the best 13.
pub fn rules_first(known: &Known<'_>) -> Vec<(f64, usize)> {
    let offers = known.playbook.offers.iter().enumerate();
    best(offers.filter(|(_, offer)| passes(known, offer)).map(|(ix, offer)| (score(known, ix, offer), ix)))
}

/// Scores everything, asks the rule then, keeps the best 13.
pub fn score_all(known: &Known<'_>) -> Vec<(f64, usize)> {
    let scored: Vec<(f64, usize)> =
        known.playbook.offers.iter().enumerate().map(|(ix, offer)| (score(known, ix, offer), ix)).collect();
    best(scored.into_iter().filter(|(_, ix)| passes(known, &known.playbook.offers[*ix])))
}

fn passes(known: &Known<'_>, offer: &Offer) -> bool {
    let rules = [&offer.eligible, &offer.applicable, &offer.suitable];
    rules.into_iter().flatten().all(|rule| rule.holds(known) == Some(true))
}

fn score(known: &Known<'_>, ix: usize, offer: &Offer) -> f64 {
    let mut logit = known.priors[ix];
    affinities(offer, known, |_, contribution| logit += contribution);
    let value = offer.value.as_ref().and_then(|value| value.value(known)).unwrap_or(0.0);
    probability(logit) * value * offer.lever_factor()
}

fn best(scored: impl Iterator<Item = (f64, usize)>) -> Vec<(f64, usize)> {
    let mut best: Vec<(f64, usize)> = scored.collect();
    let place = best.len().min(13);
    if best.len() > 13 {
        best.select_nth_unstable_by(13, |a, b| b.0.total_cmp(&a.0));
    }
    best.truncate(place);
    best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    best
}
