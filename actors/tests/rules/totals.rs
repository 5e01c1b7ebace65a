//! Totals as one customer sees them: a contact takes a unit, and gives it back when it is not sent.

use crate::fixture::{Subject, at, playbook_with, request, response};
use actors::call::{Command, Direction, Response, ResponseKind};
use actors::decision::totals::{UnitMoves, UnitsLeft};
use actors::decision::{Arm, Decision};
use actors::timestamp::{DAY_MS, HOUR_MS};

/// A total over all contacts with the coupon.
fn with_total(window: &str, counts: &str) -> Subject {
    let cap = format!(
        "caps:\n  - {{id: stock, match: \"c.offer == 'coupon'\", subject: offer_total, limit: 9{window}, counts: {counts}}}"
    );
    Subject::consenting(playbook_with(&[("caps:", &cap), ("limit: 4", "limit: 99")]))
}

fn outbound(subject: &mut Subject) -> (Decision, UnitMoves) {
    let mut question = request("sms", Direction::Outbound);
    question.purpose = Some("marketing".into());
    let outcome = subject.apply(&Command::Decide(Box::new(question)));
    ((*outcome.decisions[0].decision).clone(), outcome.units)
}

fn told(subject: &mut Subject, contact: &str, kind: ResponseKind) -> UnitMoves {
    let about = Response { contact_id: Some(contact.into()), at: Some(subject.now), ..response(kind) };
    subject.apply(&Command::Respond(about)).units
}

#[test]
fn a_contact_takes_one_unit_and_failure_gives_it_back_once() {
    let mut ann = with_total("", "reserved");
    let (decision, moves) = outbound(&mut ann);
    assert_eq!(
        moves.taken.iter().map(|taking| (taking.unit.name().to_string(), taking.limit)).collect::<Vec<_>>(),
        [("stock@".to_owned(), 9)]
    );
    let contact = decision.items[0].contact_id.clone().expect("reserved");
    let check = |ann: &mut Subject, kind: ResponseKind, given_back: usize, owed: usize| {
        let moves = told(ann, &contact, kind);
        assert_eq!((moves.given_back.len(), moves.owed.len()), (given_back, owed), "{kind:?}");
        assert!(moves.taken.is_empty());
    };
    check(&mut ann, ResponseKind::Sent, 0, 0);
    check(&mut ann, ResponseKind::Failed, 1, 0);
    check(&mut ann, ResponseKind::Failed, 0, 0);
    check(&mut ann, ResponseKind::Expired, 0, 0);
    check(&mut ann, ResponseKind::Delivered, 0, 1);
    check(&mut ann, ResponseKind::Cancelled, 0, 0);
}

#[test]
fn a_contact_holds_a_unit_of_each_month_it_may_be_sent_in_until_it_is_sent() {
    let mut ann = with_total(", window: {calendar: month}", "reserved");
    ann.now = at("2026-11-30T18:00:00Z");
    let (decision, moves) = outbound(&mut ann);
    assert_eq!(moves.taken.len(), 2);
    let contact = decision.items[0].contact_id.clone().expect("reserved");
    let moves = told(&mut ann, &contact, ResponseKind::Sent);
    let months: Vec<_> = moves.given_back.iter().map(|unit| unit.from).collect();
    assert_eq!(months, [Some(at("2026-11-30T23:00:00Z"))], "it left in November");
}

#[test]
fn an_empty_total_holds_back_its_offers_and_says_until_when() {
    for (window, free_at) in [("", None), (", window: {calendar: month}", Some(at("2026-11-30T23:00:00Z")))] {
        let mut ann = with_total(window, "reserved");
        let (_, moves) = outbound(&mut ann);
        ann.left = vec![UnitsLeft { name: moves.taken[0].unit.name(), units: 0 }];
        let (decision, moves) = outbound(&mut ann);
        assert!(decision.items.is_empty() && moves.taken.is_empty());
        let cap =
            decision.withheld.iter().find_map(|withheld| withheld.cap.as_ref()).expect("the cap is named");
        assert_eq!((&*cap.id, cap.used, cap.limit, cap.next_free_at), ("stock", 9, 9, free_at));
        assert_eq!(decision.next_free_at, free_at);
    }
}

#[test]
fn a_decision_replays_with_what_it_was_told_of_totals() {
    let mut ann = with_total("", "reserved");
    for units in [0, 1, 0] {
        ann.left = vec![UnitsLeft { name: "stock@".into(), units }];
        outbound(&mut ann);
    }
    ann.left.clear();
    for logged in &ann.logged {
        let playbook = &ann.active.playbook;
        let explained = logged.explain(&ann.id, playbook, &ann.active.priors).expect("a readable log");
        assert!(explained.replay_matches, "{:?}", logged.left);
        let mut forgetful = logged.clone();
        forgetful.left.clear();
        let explained = forgetful.explain(&ann.id, playbook, &ann.active.priors).expect("a readable log");
        assert_eq!(explained.replay_matches, logged.left[0].units > 0, "the check sees what was not logged");
    }
}

#[test]
fn a_list_takes_no_more_units_than_there_are() {
    let cap = "caps:\n  - {id: stock, match: \"c.purpose == 'marketing'\", subject: offer_total, limit: 9, counts: shown}";
    for units in [0usize, 1, 2, 9] {
        let mut ann = Subject::consenting(playbook_with(&[("caps:", cap), ("limit: 4", "limit: 99")]));
        ann.tag("age", actors::Value::Int(40));
        ann.left = vec![UnitsLeft { name: "stock@".into(), units: units as u32 }];
        let outcome = ann.apply(&Command::Decide(Box::new(request("app", Direction::Inbound))));
        assert_eq!(outcome.units.taken.len(), units.min(3), "data-s, coupon and phone could be shown");
    }
}

#[test]
fn what_is_shown_takes_no_unit_unless_the_total_says_so() {
    let mut ann = with_total("", "reserved");
    let outcome = ann.apply(&Command::Decide(Box::new(request("app", Direction::Inbound))));
    assert_eq!(outcome.units, UnitMoves::default());
}

#[test]
fn ghosts_of_the_control_group_are_logged_and_take_no_unit() {
    let cap = "caps:\n  - {id: stock, match: \"true\", subject: offer_total, limit: 9, counts: shown}";
    let everybody = ("holdouts: []", "holdouts: [{id: all, share: 1.0, salt: s}]");
    let mut ann = Subject::consenting(playbook_with(&[("caps:", cap), everybody]));
    let (decision, moves) = outbound(&mut ann);
    assert_eq!((decision.arm, decision.ghost.as_deref()), (Arm::Control, Some("coupon")));
    assert_eq!(moves, UnitMoves::default());
}

#[test]
fn a_silent_contact_keeps_its_unit() {
    let mut ann = with_total("", "reserved");
    let (decision, _) = outbound(&mut ann);
    let contact = decision.items[0].contact_id.clone().expect("reserved");
    ann.wait(40 * DAY_MS + HOUR_MS);
    assert_eq!(told(&mut ann, &contact, ResponseKind::Seen), UnitMoves::default());
}
