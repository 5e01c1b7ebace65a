//! Consent: nothing without it, and without profiling nothing personal.

use crate::fixture::{Subject, playbook, request};
use actors::call::{ConsentState, Direction};
use actors::decision::Basis;
use actors::timestamp::HOUR_MS;
use actors::value::Value;
use proptest::prelude::*;

#[test]
fn without_consent_only_service_remains() {
    let mut ann = Subject::new(playbook());
    ann.tag("age", Value::Int(40));
    for direction in [Direction::Inbound, Direction::Outbound] {
        let decision = ann.decide("sms", direction);
        assert_eq!(decision.items.iter().map(|item| &*item.offer).collect::<Vec<_>>(), ["bill-help"]);
        assert!(decision.withheld.iter().any(|withheld| &*withheld.code == "consent"));
    }
}

#[test]
fn a_withdrawal_counts_at_the_very_next_decision() {
    let mut ann = Subject::consenting(playbook());
    assert_eq!(ann.number_one("sms"), "coupon");
    ann.wait(HOUR_MS);
    ann.consent("marketing", "sms", ConsentState::Withdrawn);
    assert_eq!(ann.number_one("sms"), "bill-help");
    let by_app = ann.decide("app", Direction::Inbound);
    assert!(by_app.items.iter().any(|item| &*item.offer == "coupon"), "the other channels are not meant");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn without_profiling_no_personal_tag_changes_the_answer(
        age in 0..99i64, mb in 0.0..50_000.0f64, complaints in 0..3i64, prepaid: bool
    ) {
        let mut plain = Subject::new(playbook());
        let mut known = Subject::new(playbook());
        for subject in [&mut plain, &mut known] {
            subject.consent("marketing", "any", ConsentState::Granted);
        }
        known.tag("age", Value::Int(age));
        known.tag("usage_mb_30d", Value::Number(mb));
        known.tag("open_complaints", Value::Int(complaints));
        known.tag("contract", Value::Text(if prepaid { "prepaid" } else { "postpaid" }.into()));
        let (one, other) = (plain.decide("app", Direction::Inbound), known.decide("app", Direction::Inbound));
        prop_assert_eq!(one.basis, Basis::ContextOnly);
        prop_assert_eq!(&one, &other);
        prop_assert!(!one.items.is_empty());
        known.consent("profiling", "any", ConsentState::Granted);
        let full = known.ask(request("app", Direction::Inbound));
        prop_assert_eq!(full.basis, Basis::Full);
        prop_assert!(age < 18 || full.items.len() > one.items.len());
    }
}

#[test]
fn what_tags_chose_does_not_stand_where_tags_may_not_be_used() {
    let mut ann = Subject::new(playbook());
    ann.consent("marketing", "any", ConsentState::Granted);
    ann.consent("profiling", "app", ConsentState::Granted);
    ann.tag("age", Value::Int(40));
    ann.tag("open_complaints", Value::Int(0));
    assert_eq!(ann.number_one("app"), "data-xl");
    let on_the_web = ann.decide("web", Direction::Inbound);
    assert_eq!((on_the_web.basis, on_the_web.lineage), (Basis::ContextOnly, None));
}

#[test]
fn a_no_is_noted_however_much_was_noted_before() {
    let mut ann = Subject::new(playbook());
    for _ in 0..520 {
        ann.wait(HOUR_MS);
        ann.consent("marketing", "any", ConsentState::Granted);
    }
    assert_eq!(ann.number_one("sms"), "coupon");
    ann.wait(HOUR_MS);
    ann.consent("marketing", "any", ConsentState::Withdrawn);
    assert_eq!(ann.number_one("sms"), "bill-help");
}
