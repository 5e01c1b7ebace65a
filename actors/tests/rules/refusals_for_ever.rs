//! Refusals for ever: no time, no channel, no other answer and no new offer of the same kind brings back what was refused.

use crate::fixture::{Subject, playbook_with, request, response};
use actors::call::{Direction, Response, ResponseKind};
use actors::playbook::SuppressScope;
use actors::timestamp::DAY_MS;
use actors::value::Value;
use proptest::prelude::*;

const OFFERS: [(&str, &str, &str, &str); 5] = [
    ("bill-help", "help", "service", "own"),
    ("coupon", "coupons", "partner", "partner:cafe"),
    ("data-s", "data", "growth", "own"),
    ("data-xl", "data", "growth", "own"),
    ("phone", "devices", "devices", "own"),
];

fn covers(scope: SuppressScope, refused: usize, other: usize) -> bool {
    let (refused, other) = (OFFERS[refused], OFFERS[other]);
    match scope {
        SuppressScope::Offer => refused.0 == other.0,
        SuppressScope::Family => refused.1 == other.1,
        SuppressScope::Group => refused.2 == other.2,
        SuppressScope::Partner => refused.3 == other.3,
        SuppressScope::All => true,
    }
}

fn refusing(scope: SuppressScope, channels: &str) -> Subject {
    let rule = format!(
        "suppress:\n  - {{on: rejected, count: 1, scope: {}, {channels}then: forever}}",
        scope.word()
    );
    let mut ann = Subject::consenting(playbook_with(&[
        ("\n  - {on: rejected, count: 1, scope: offer, then: forever}", ""),
        ("\n  - {on: rejected, count: 2, within: 90d, scope: family, then: 60d}", ""),
        ("suppress:", &rule),
        ("limit: 4", "limit: 999"),
        ("21:00-08:00", "02:00-02:01"),
    ]));
    ann.tag("age", Value::Int(40));
    ann.tag("open_complaints", Value::Int(0));
    ann
}

fn offered(subject: &mut Subject, channel: &str, direction: Direction) -> Vec<String> {
    subject.ask(request(channel, direction)).items.iter().map(|item| item.offer.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_refusal_for_ever_holds_for_years_in_every_channel_at_its_scope(
        refused in 0..OFFERS.len(),
        scope in proptest::sample::select(vec![
            SuppressScope::Offer, SuppressScope::Family, SuppressScope::Group, SuppressScope::Partner, SuppressScope::All,
        ]),
        waits in proptest::collection::vec(1..900 * DAY_MS, 1..7),
        answers in proptest::collection::vec((0..OFFERS.len(), proptest::sample::select(vec![
            ResponseKind::Clicked, ResponseKind::Accepted, ResponseKind::Ignored, ResponseKind::Seen,
        ])), 1..7),
    ) {
        let mut ann = refusing(scope, "");
        let no = ann.decide("app", Direction::Inbound).decision_id;
        let about = |decision_id: &str, offer: usize, kind| Response {
            decision_id: Some(decision_id.into()), offer: Some(OFFERS[offer].0.into()), ..response(kind)
        };
        ann.respond(about(&no, refused, ResponseKind::Rejected));
        for (wait, (offer, kind)) in waits.into_iter().zip(answers.into_iter().cycle()) {
            ann.wait(wait);
            let mut seen = Vec::new();
            for channel in ["app", "sms", "web", "desk", "email"] {
                for direction in [Direction::Inbound, Direction::Outbound] {
                    seen.extend(offered(&mut ann, channel, direction));
                }
            }
            for (ix, (id, ..)) in OFFERS.iter().enumerate() {
                let expected = !covers(scope, refused, ix);
                prop_assert_eq!(seen.iter().any(|one| one == id), expected, "{} with {:?} of {:?}", id, scope, OFFERS[refused]);
            }
            let later = ann.decide("app", Direction::Inbound).decision_id;
            ann.respond(about(&later, offer, kind));
        }
    }
}

#[test]
fn a_refusal_of_a_channel_is_one_of_that_channel_for_ever() {
    let mut ann = refusing(SuppressScope::All, "channels: [sms], ");
    let decision_id = Some(ann.decide("app", Direction::Inbound).decision_id);
    let no = Response { decision_id, offer: Some("coupon".into()), ..response(ResponseKind::Rejected) };
    ann.respond(no);
    for _ in 0..6 {
        ann.wait(700 * DAY_MS);
        assert_eq!(offered(&mut ann, "sms", Direction::Outbound), [""; 0]);
        assert!(offered(&mut ann, "email", Direction::Outbound).contains(&"coupon".to_owned()));
    }
}
