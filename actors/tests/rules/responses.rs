//! Responses: heard once, in any order; what was refused never returns.

use crate::fixture::{Subject, playbook, playbook_with, response};
use actors::call::{Command, Direction, Reply, Response, ResponseBy, ResponseKind};
use actors::timestamp::DAY_MS;
use actors::value::Value;
use proptest::prelude::*;

fn reject(subject: &mut Subject, offer: &str) {
    let decision = subject.decide("app", Direction::Inbound);
    subject.respond(Response {
        decision_id: Some(decision.decision_id),
        offer: Some(offer.into()),
        ..response(ResponseKind::Rejected)
    });
}

fn offered(subject: &mut Subject, channel: &str, direction: Direction) -> Vec<String> {
    subject.decide(channel, direction).items.iter().map(|item| item.offer.to_string()).collect()
}

fn adult() -> Subject {
    let mut ann = Subject::consenting(playbook());
    ann.tag("age", Value::Int(40));
    ann.tag("open_complaints", Value::Int(0));
    ann
}

#[test]
fn after_a_rejection_the_next_answer_is_another_offer() {
    let mut ann = adult();
    let first = ann.number_one("app");
    reject(&mut ann, &first);
    let next = ann.number_one("app");
    assert_ne!(next, first);
    assert_ne!(next, "");
}

#[test]
fn two_rejections_in_a_family_rest_the_family_for_its_time() {
    let mut ann = adult();
    reject(&mut ann, "data-xl");
    assert!(offered(&mut ann, "app", Direction::Inbound).contains(&"data-s".into()));
    // The family's second offer is refused for good, so the rest of the family shows in the explanation only.
    reject(&mut ann, "data-s");
    let view = match ann.apply(&Command::View).reply {
        Reply::View(view) => view,
        other => panic!("{other:?}"),
    };
    let mut refusals: Vec<_> =
        view.refusals.iter().map(|one| (one.scope.word(), &*one.id, one.until.is_none())).collect();
    refusals.sort_unstable();
    assert_eq!(refusals, [("family", "data", false), ("offer", "data-s", true), ("offer", "data-xl", true)]);
    ann.wait(61 * DAY_MS);
    assert_eq!(offered(&mut ann, "app", Direction::Inbound), ["coupon", "phone", "bill-help"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_refused_offer_never_returns(
        refused in 0..3usize, waits in proptest::collection::vec(0..400 * DAY_MS, 1..6),
        channel in prop_oneof![Just("app"), Just("sms"), Just("web"), Just("desk")], outbound: bool
    ) {
        let offer = ["data-xl", "coupon", "phone"][refused];
        let mut ann = adult();
        reject(&mut ann, offer);
        for wait in waits {
            ann.wait(wait);
            let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
            prop_assert!(!offered(&mut ann, channel, direction).contains(&offer.to_owned()));
        }
    }
}

#[test]
fn a_receipt_is_heard_once() {
    let mut ann = adult();
    let contact = ann.decide("sms", Direction::Outbound).items[0].contact_id.clone().expect("reserved");
    assert!(ann.receipt(&contact, ResponseKind::Delivered).applied);
    assert!(!ann.receipt(&contact, ResponseKind::Delivered).applied);
    let late_sent = ann.receipt(&contact, ResponseKind::Sent);
    assert!(late_sent.applied);
    assert_eq!(late_sent.contact_state, Some("delivered"));
    let named = Response {
        response_id: Some("r1".into()),
        contact_id: Some(contact),
        ..response(ResponseKind::Rejected)
    };
    assert!(ann.respond(named.clone()).applied);
    assert!(!ann.respond(named).applied);
}

#[test]
fn a_response_about_nothing_known_is_refused_by_name() {
    let mut ann = adult();
    let decision_id = Some(ann.decide("app", Direction::Inbound).decision_id);
    let mut check = |about: Response, expected: &str| match ann.apply(&Command::Respond(about)).reply {
        Reply::Refused(refusal) => assert_eq!(refusal.code, expected),
        other => panic!("{expected}: {other:?}"),
    };
    let no = || response(ResponseKind::Rejected);
    check(no(), "nothing_named");
    check(Response { contact_id: Some("c-9".into()), ..no() }, "unknown_contact");
    check(Response { decision_id: Some("d-9".into()), ..no() }, "offer_needed");
    check(Response { decision_id, offer: Some("no-such".into()), ..no() }, "unknown_offer");
}

#[test]
fn the_same_word_about_the_same_offer_of_a_decision_counts_once() {
    let mut ann = adult();
    let decision = ann.decide("app", Direction::Inbound);
    let ignored = Response {
        decision_id: Some(decision.decision_id),
        offer: Some("data-xl".into()),
        ..response(ResponseKind::Ignored)
    };
    assert!(ann.respond(ignored.clone()).applied);
    for _ in 0..3 {
        assert!(!ann.respond(ignored.clone()).applied);
    }
}

#[test]
fn an_agents_word_is_kept_apart_and_suppresses_by_its_own_rules() {
    let mut ann = Subject::consenting(playbook_with(&[(
        "  - {on: rejected, count: 1, scope: offer, then: forever}\n",
        "  - {on: rejected, by: customer, count: 1, scope: offer, then: forever}
  - {on: rejected, by: agent, count: 1, scope: offer, then: 30d}\n",
    )]));
    ann.tag("age", Value::Int(40));
    ann.tag("open_complaints", Value::Int(0));
    let says = |ann: &mut Subject, offer: &str, by: ResponseBy| {
        let decision = ann.decide("desk", Direction::Inbound);
        ann.respond(Response {
            decision_id: Some(decision.decision_id),
            offer: Some(offer.into()),
            reason: Some("not_relevant".into()),
            by,
            ..response(ResponseKind::Rejected)
        })
    };
    assert_eq!(says(&mut ann, "coupon", ResponseBy::Agent).suppressed, ["offer:coupon"]);
    assert_eq!(says(&mut ann, "phone", ResponseBy::Customer).suppressed, ["offer:phone"]);
    let Reply::View(view) = ann.apply(&Command::View).reply else { panic!("a view") };
    let [word] = &view.feedback[..] else { panic!("{:?}", view.feedback) };
    assert_eq!(
        (&*word.offer, word.kind, word.reason.as_deref()),
        ("coupon", ResponseKind::Rejected, Some("not_relevant"))
    );
    let kept: Vec<(&str, bool)> = view.refusals.iter().map(|one| (&*one.id, one.until.is_none())).collect();
    assert_eq!(kept, [("coupon", false), ("phone", true)]);
    ann.wait(31 * DAY_MS);
    let back = offered(&mut ann, "desk", Direction::Inbound);
    assert!(back.contains(&"coupon".to_owned()) && !back.contains(&"phone".to_owned()), "{back:?}");
}
