//! The first rung by hand, and other models behind the same trait.

use super::*;
use crate::learning::{Change, Counts, EvidenceTable, Outcomes};
use crate::playbook::TagValue;
use crate::playbook::affinity::number;
use crate::playbook::compile::compile;
use crate::playbook::rules::facts_map::FactsMap;
use crate::playbook::{Dictionary, Playbook};
use crate::timestamp::Timestamp;
use proptest::prelude::*;

const PLAYBOOK: &str = r#"
tags: [{id: usage, type: number}, {id: prepaid, type: bool}]
offers:
  - id: a
    value: {clv: "1"}
    prior: {default: 0.03, sms: 0.02}
    affinity:
      - {tag: usage, weight: 0.8, center: 8000, scale: 4000}
      - {tag: prepaid, equals: true, weight: -0.6}
learning: {enabled: true, strength: 100}
"#;

fn playbook_of(text: &str) -> Playbook {
    let files = [("p.yaml".to_owned(), text.to_owned())];
    compile(&files, &Dictionary::default()).expect("a sound playbook").playbook
}

fn playbook() -> Playbook {
    playbook_of(PLAYBOOK)
}

fn evidence(channel: &str, shown: i64, accepted: i64) -> EvidenceTable {
    let mut counts = Counts::default();
    let outcomes = Outcomes::new(shown, 0, accepted);
    counts.add(&Change { offer: "a".into(), channel: channel.into(), outcomes });
    counts.add(&Change { offer: "gone".into(), channel: channel.into(), outcomes });
    EvidenceTable::freeze(counts)
}

fn number_tag(playbook: &Playbook, id: &str) -> TagNumber {
    playbook.tag(id).expect("declared").number
}

fn seen<'a>(playbook: &'a Playbook, channel: &'a str, facts: &'a FactsMap) -> Seen<'a, FactsMap> {
    Seen { offer: &playbook.offers[0], offer_ix: 0, channel, facts, seed: "d-1" }
}

fn facts(playbook: &Playbook, usage: Option<f64>, prepaid: Option<bool>) -> FactsMap {
    let mut facts = FactsMap::at(Timestamp::from_ms(0));
    if let Some(usage) = usage {
        facts.tags.insert(number_tag(playbook, "usage"), TagValue::Number(usage));
    }
    if let Some(prepaid) = prepaid {
        facts.tags.insert(number_tag(playbook, "prepaid"), TagValue::Bool(prepaid));
    }
    facts
}

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

/// By hand. Usage 12,000 lies one scale above the centre: +0.8. So 0.03 / 0.97 x e^0.8 = 0.0688312, and
/// 0.0688312 / 1.0688312 = 0.0643985. Prepaid takes 0.6 away: 0.03 / 0.97 x e^0.2 = 0.0377753 -> 0.0364003.
#[test]
fn golden_numbers_of_the_first_rung() {
    let playbook = playbook();
    let check = |channel: &str, usage, prepaid, priors: &PriorTable, expected: f64| {
        let facts = facts(&playbook, usage, prepaid);
        let p = AffinityModel { priors }.propensity(&seen(&playbook, channel, &facts));
        assert!((p - expected).abs() < 5e-7, "{p} for {expected}");
    };
    let written = PriorTable::written(&playbook);
    check("app", None, None, &written, 0.03);
    check("sms", None, None, &written, 0.02);
    check("app", Some(12_000.0), None, &written, 0.064_398_5);
    check("app", Some(12_000.0), Some(true), &written, 0.036_400_3);
    check("app", Some(12_000.0), Some(false), &written, 0.064_398_5);
    check("app", Some(1e9), None, &written, 0.431_410_5);
    // (3 + 10) / (100 + 100) = 0.065 in app alone; sms stays. 0.065 / 0.935 x e^0.8 = 0.1547167 -> 0.1339868.
    let learned = PriorTable::learned(&playbook, &evidence("app", 100, 10));
    check("app", None, None, &learned, 0.065);
    check("sms", None, None, &learned, 0.02);
    check("web", None, None, &learned, 0.03);
    check("app", Some(12_000.0), None, &learned, 0.133_986_8);
}

#[test]
fn frozen_priors_hear_no_evidence() {
    let playbook = playbook_of(&PLAYBOOK.replace("enabled: true", "enabled: false"));
    let learned = PriorTable::learned(&playbook, &evidence("app", 100, 10));
    assert_eq!(learned, PriorTable::written(&playbook));
    assert_eq!(learned.evidence(), None);
}

proptest! {
    #[test]
    fn p_is_a_probability_and_grows_with_affinity_and_with_acceptances(
        usage in -1e6..1e6f64, more in 0.0..1e5f64, shown in 0..1000i64, rate in 0.0..1.0f64,
    ) {
        let playbook = playbook();
        let accepted = (shown as f64 * rate) as i64;
        let p = |usage: f64, shown: i64, accepted: i64| {
            let facts = facts(&playbook, Some(usage), None);
            let priors = PriorTable::learned(&playbook, &evidence("app", shown, accepted));
            AffinityModel { priors: &priors }.propensity(&seen(&playbook, "app", &facts))
        };
        let now = p(usage, shown, accepted);
        prop_assert!((PROBABILITY_MIN..=1.0 - PROBABILITY_MIN).contains(&now));
        prop_assert!(p(usage + more, shown, accepted) >= now);
        prop_assert!(p(usage, shown + 1, accepted + 1) > now);
        prop_assert!(p(usage, shown + 1, accepted) < now);
    }
}

/// A linear model: a bias and a weight a tag.
struct Linear {
    bias: f64,
    weights: Vec<(TagNumber, f64)>,
}

impl PropensityModel for Linear {
    fn id(&self) -> String {
        "linear".into()
    }

    fn prior_logit(&self, _seen: &Seen<'_, impl Facts>) -> f64 {
        self.bias
    }

    fn contributions(&self, seen: &Seen<'_, impl Facts>, mut each: impl FnMut(Term, f64)) {
        for (tag, weight) in &self.weights {
            if let Some(x) = seen.facts.tag(*tag).and_then(number) {
                each(Term::Tag(*tag), weight * x);
            }
        }
    }
}

/// Boosted trees of depth two: a split on usage, below it one on prepaid. What a path adds at each split is that tag's.
struct Trees {
    base: f64,
    usage: TagNumber,
    prepaid: TagNumber,
    threshold: f64,
}

impl PropensityModel for Trees {
    fn id(&self) -> String {
        "trees".into()
    }

    fn prior_logit(&self, _seen: &Seen<'_, impl Facts>) -> f64 {
        self.base
    }

    fn contributions(&self, seen: &Seen<'_, impl Facts>, mut each: impl FnMut(Term, f64)) {
        let heavy = seen.facts.tag(self.usage).and_then(number).is_some_and(|x| x > self.threshold);
        each(Term::Tag(self.usage), if heavy { 0.7 } else { -0.2 });
        let prepaid = seen.facts.tag(self.prepaid) == Some(&TagValue::Bool(true));
        if heavy && prepaid {
            each(Term::Named("usage with prepaid"), -0.9);
        } else {
            each(Term::Tag(self.prepaid), if prepaid { -0.1 } else { 0.1 });
        }
    }
}

/// A bandit in the first rung's place: the same prior, and a draw around it that replays with the decision.
struct Bandit<'a> {
    priors: &'a PriorTable,
    width: f64,
}

impl PropensityModel for Bandit<'_> {
    fn id(&self) -> String {
        "bandit".into()
    }

    fn prior_logit(&self, seen: &Seen<'_, impl Facts>) -> f64 {
        self.priors.prior_logit(seen.offer_ix, seen.channel)
    }

    fn contributions(&self, seen: &Seen<'_, impl Facts>, mut each: impl FnMut(Term, f64)) {
        let draw = crate::decision::allotment::tie_break(&seen.offer.id, seen.seed) as f64 / u64::MAX as f64;
        each(Term::Named("draw"), (draw - 0.5) * self.width);
    }
}

#[test]
fn every_model_adds_up() {
    fn check(model: &impl PropensityModel, seen: &Seen<'_, FactsMap>) {
        let mut sum = model.prior_logit(seen);
        model.contributions(seen, |_, contribution| sum += contribution);
        let p = model.propensity(seen);
        assert!((sum - logit(p)).abs() < 1e-6, "{}: {sum} for {}", model.id(), logit(p));
        assert_eq!(p, model.propensity(seen), "{} replays", model.id());
    }
    let playbook = playbook();
    let (usage, prepaid) = (number_tag(&playbook, "usage"), number_tag(&playbook, "prepaid"));
    let priors = PriorTable::learned(&playbook, &evidence("app", 100, 10));
    for (mb, is_prepaid) in [(None, None), (Some(0.0), Some(true)), (Some(9_000.0), Some(true))] {
        let facts = facts(&playbook, mb, is_prepaid);
        let seen = seen(&playbook, "app", &facts);
        check(&AffinityModel { priors: &priors }, &seen);
        check(&Linear { bias: -3.0, weights: vec![(usage, 1e-4)] }, &seen);
        check(&Trees { base: -3.0, usage, prepaid, threshold: 8_000.0 }, &seen);
        check(&Bandit { priors: &priors, width: 0.5 }, &seen);
        let other = Seen { seed: "d-2", ..seen };
        assert_ne!(
            Bandit { priors: &priors, width: 0.5 }.propensity(&seen),
            Bandit { priors: &priors, width: 0.5 }.propensity(&other)
        );
    }
}
