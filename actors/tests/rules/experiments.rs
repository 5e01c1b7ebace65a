//! Experiments: who takes part, what an arm changes, and that every decision says so.

use crate::fixture::{Subject, playbook_with};
use actors::call::{Direction, Response, ResponseKind};
use actors::decision::{Arm, Decision, Treatment};
use actors::playbook::Playbook;
use actors::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const ARMS: &str = "experiments:
  - id: lists
    salt: lists-2026
    arms:
      - {id: engine, share: 0.5}
      - {id: marketer, share: 0.3, list: [phone, coupon, data-s]}
      - {id: curious, share: 0.2, explore: 1}
";

fn playbook(holdouts: &str, experiments: &str) -> Arc<Playbook> {
    let changed = format!("holdouts: {holdouts}\n{experiments}");
    playbook_with(&[("holdouts: []", &changed)])
}

fn subject(name: &str, playbook: &Arc<Playbook>) -> Subject {
    let mut subject = Subject::named(name, Arc::clone(playbook));
    subject.consent_all();
    subject.tag("age", Value::Int(40));
    subject.tag("open_complaints", Value::Int(0));
    subject
}

fn arm(decision: &Decision) -> String {
    decision.experiment.as_ref().map_or_else(|| "none".to_owned(), |treatment| treatment.arm.to_string())
}

/// The first customer of each arm.
fn one_of_each(playbook: &Arc<Playbook>) -> BTreeMap<String, Subject> {
    let mut found = BTreeMap::new();
    for n in 0..40 {
        let mut subject = subject(&format!("customer {n}"), playbook);
        let decision = subject.decide("sms", Direction::Inbound);
        found.entry(arm(&decision)).or_insert(subject);
    }
    found
}

fn replays(subject: &Subject) {
    for logged in &subject.logged {
        let explained = logged.explain(&subject.id, &subject.active.playbook, &subject.active.priors);
        assert!(explained.expect("readable").replay_matches);
    }
}

#[test]
fn an_arm_decides_its_own_way_and_every_decision_says_which() {
    let playbook = playbook("[]", ARMS);
    let mut arms = one_of_each(&playbook);
    assert_eq!(arms.keys().collect::<Vec<_>>(), ["curious", "engine", "marketer"]);
    let mut check = |arm: &str, group: Arm, first: &[&str]| {
        let subject = arms.get_mut(arm).expect("somebody");
        let decision = subject.logged.last().expect("logged").decision.clone();
        let expected = Treatment { experiment: "lists".into(), arm: arm.into() };
        assert_eq!((decision.experiment.clone(), decision.arm), (Some(expected), group), "{arm}");
        assert!(first.contains(&&*decision.items[0].offer), "{arm}: {}", decision.items[0].offer);
        replays(subject);
    };
    check("engine", Arm::Optimised, &["data-xl"]);
    // The phone is first in the list and not for this channel, so the coupon leads.
    check("marketer", Arm::Optimised, &["coupon"]);
    check("curious", Arm::Test, &["data-xl", "data-s", "coupon", "bill-help"]);
}

#[test]
fn a_marketers_list_skips_no_rule() {
    let playbook = playbook("[]", ARMS);
    let mut arms = one_of_each(&playbook);
    let subject = arms.get_mut("marketer").expect("somebody");
    let decision = subject.logged.last().expect("logged").decision.clone();
    let refused = Response {
        decision_id: Some(decision.decision_id.clone()),
        offer: Some("coupon".into()),
        ..crate::fixture::response(ResponseKind::Rejected)
    };
    assert!(subject.respond(refused).applied);
    assert_eq!(subject.number_one("sms"), "data-s", "the next of the list");
    subject.tag("age", Value::Int(12));
    assert_eq!(subject.number_one("sms"), "bill-help", "nothing of the list is left");
    replays(subject);
}

#[test]
fn a_control_group_takes_part_in_nothing() {
    let playbook = playbook("[{id: universal, share: 0.5, salt: u}]", ARMS);
    let mut controls = 0;
    for n in 0..40 {
        let mut subject = subject(&format!("customer {n}"), &playbook);
        let decision = subject.decide("sms", Direction::Inbound);
        assert_eq!(decision.arm == Arm::Control, decision.experiment.is_none());
        if decision.arm == Arm::Control {
            controls += 1;
            assert!(decision.ghost.is_some(), "what they would have got is logged");
            assert_eq!(&*decision.items[0].offer, "bill-help");
        }
    }
    assert!((8..=32).contains(&controls), "{controls}");
}

#[test]
fn a_switched_off_experiment_touches_nobody() {
    let off = playbook("[]", &ARMS.replace("salt: lists-2026", "salt: lists-2026\n    enabled: false"));
    assert_eq!(one_of_each(&off).keys().collect::<Vec<_>>(), ["none"]);
    let closed = playbook("[]", &ARMS.replace("salt: lists-2026", "salt: lists-2026\n    ramp: 0"));
    assert_eq!(one_of_each(&closed).keys().collect::<Vec<_>>(), ["none"]);
}
