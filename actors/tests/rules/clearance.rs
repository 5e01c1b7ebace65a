//! Before a contact leaves, everything that may have changed since its decision is asked again (I5).

use crate::fixture::{Subject, at, playbook, playbook_with, response};
use actors::call::{Command, ConsentRecord, ConsentState, Direction, Reply, Response, ResponseKind};
use actors::decision::clearance::Objection;
use actors::timestamp::{DAY_MS, HOUR_MS};
use actors::value::Value;
use proptest::prelude::*;

fn reserved(subject: &mut Subject) -> String {
    let mut question = crate::fixture::request("sms", Direction::Outbound);
    question.purpose = Some("marketing".into());
    subject.ask(question).items[0].contact_id.clone().expect("reserved")
}

fn objections(subject: &mut Subject, contact: &str) -> Vec<Objection> {
    let outcome = subject.apply(&Command::Clearance(contact.into()));
    assert!(!outcome.changed, "asking changes nothing");
    match outcome.reply {
        Reply::Clearance(objections) => objections,
        other => panic!("{other:?}"),
    }
}

fn codes(subject: &mut Subject, contact: &str) -> Vec<&'static str> {
    objections(subject, contact).into_iter().map(|one| one.code).collect()
}

#[test]
fn what_was_decided_may_leave_while_nothing_changes() {
    let mut ann = Subject::consenting(playbook());
    let contacts: Vec<String> = (0..4).map(|_| reserved(&mut ann)).collect();
    for contact in &contacts {
        assert_eq!(objections(&mut ann, contact), [], "the cap's four places are theirs");
    }
}

#[test]
fn a_consent_withdrawn_between_decision_and_dispatch_stops_the_contact() {
    let mut ann = Subject::consenting(playbook());
    let contact = reserved(&mut ann);
    ann.wait(HOUR_MS);
    ann.consent("marketing", "email", ConsentState::Withdrawn);
    assert_eq!(codes(&mut ann, &contact), [""; 0], "another channel is not meant");
    ann.consent("marketing", "any", ConsentState::Withdrawn);
    assert_eq!(codes(&mut ann, &contact), ["consent"]);
    ann.wait(HOUR_MS);
    ann.consent("marketing", "sms", ConsentState::Granted);
    assert_eq!(codes(&mut ann, &contact), [""; 0]);
}

#[test]
fn the_night_a_refusal_and_the_end_of_its_time_stop_a_contact() {
    let mut ann = Subject::consenting(playbook());
    let contact = reserved(&mut ann);
    ann.now = at("2026-11-10T20:30:00Z");
    let night = objections(&mut ann, &contact);
    assert_eq!((night[0].code, night[0].until), ("quiet_hours", Some(at("2026-11-11T07:00:00Z"))));
    ann.now = at("2026-11-11T08:00:00Z");
    assert_eq!(codes(&mut ann, &contact), [""; 0]);
    let decision_id = Some(ann.decide("app", Direction::Inbound).decision_id);
    let no = Response { decision_id, offer: Some("coupon".into()), ..response(ResponseKind::Rejected) };
    ann.respond(no);
    assert_eq!(codes(&mut ann, &contact), ["refused"]);
    ann.now = at("2026-11-11T12:00:00Z");
    assert_eq!(codes(&mut ann, &contact), ["expired", "refused"]);
}

#[test]
fn what_was_sent_or_given_up_is_not_sent_again() {
    for kind in [ResponseKind::Sent, ResponseKind::Cancelled, ResponseKind::Seen] {
        let mut ann = Subject::consenting(playbook());
        let contact = reserved(&mut ann);
        ann.receipt(&contact, kind);
        assert_eq!(codes(&mut ann, &contact), ["not_reserved"], "{kind:?}");
    }
}

#[test]
fn a_lowered_cap_lets_the_first_ones_pass() {
    let mut ann = Subject::consenting(playbook());
    let contacts: Vec<String> = (0..4).map(|_| reserved(&mut ann)).collect();
    ann.active.playbook = playbook_with(&[("limit: 4", "limit: 2")]);
    let found: Vec<_> = contacts.iter().map(|contact| codes(&mut ann, contact)).collect();
    assert_eq!(found, [vec![], vec![], vec!["cap"], vec!["cap"]]);
    ann.receipt(&contacts[3], ResponseKind::Sent);
    assert_eq!(codes(&mut ann, &contacts[1]), ["cap"], "the fourth took the place");
}

#[test]
fn another_campaign_that_has_the_customer_to_itself_stops_a_contact_until_it_ends() {
    let mut ann = Subject::consenting(playbook());
    let contact = reserved(&mut ann);
    let entry = "family_max: 3\ncalendar: [{id: fair, from: 2026-11-01, to: 2026-11-10, exclusive: true}]";
    ann.active.playbook = playbook_with(&[("family_max: 3", entry)]);
    let found = objections(&mut ann, &contact);
    assert_eq!((found[0].code, found[0].until), ("calendar", Some(at("2026-11-10T23:00:00Z"))));
    ann.now = at("2026-11-11T08:00:00Z");
    assert_eq!(objections(&mut ann, &contact), []);
}

#[test]
fn a_complaint_opened_after_the_decision_stops_a_contact_until_it_is_closed() {
    let pauses = "family_max: 3\npauses: [{id: complaint, when: \"t.open_complaints > 0\"}]";
    let mut ann = Subject::consenting(playbook_with(&[("family_max: 3", pauses)]));
    let contact = reserved(&mut ann);
    ann.tag("open_complaints", Value::Int(1));
    assert_eq!(codes(&mut ann, &contact), ["paused"]);
    ann.consent("profiling", "any", ConsentState::Withdrawn);
    assert_eq!(codes(&mut ann, &contact), ["paused"], "what protects reads tags all the same");
    ann.wait(HOUR_MS);
    ann.tag("open_complaints", Value::Int(0));
    assert_eq!(codes(&mut ann, &contact), [""; 0]);
}

#[test]
fn a_contact_nobody_knows_is_refused_by_name() {
    let mut ann = Subject::consenting(playbook());
    match ann.apply(&Command::Clearance("c-9".into())).reply {
        Reply::Refused(refusal) => assert_eq!(refusal.code, "unknown_contact"),
        other => panic!("{other:?}"),
    }
}

fn any_record() -> impl Strategy<Value = ConsentRecord> {
    use ConsentState::{Denied, Granted, Unknown, Withdrawn};
    let state = proptest::sample::select(vec![Granted, Granted, Denied, Withdrawn, Unknown]);
    let purpose = proptest::sample::select(vec!["marketing", "telesales", "location", "profiling"]);
    let channel = proptest::sample::select(vec!["any", "sms", "desk"]);
    (purpose, channel, state, 0..6i64, proptest::option::of(1..12i64)).prop_map(
        |(purpose, channel, state, day, lasts)| {
            let at = at("2026-11-01T00:00:00Z").plus_ms(day * DAY_MS);
            ConsentRecord {
                purpose: purpose.into(),
                channel: channel.into(),
                state,
                basis: None,
                source: None,
                text_version: None,
                at,
                expires_at: lasts.map(|days| at.plus_ms(days * DAY_MS)),
            }
        },
    )
}

/// Slow and obvious: of all records about it the one with the latest `at` counts; of several the least permissive.
fn granted(records: &[ConsentRecord], purpose: &str, channel: &str, now: actors::Timestamp) -> bool {
    let about = |record: &&ConsentRecord| {
        &*record.purpose == purpose && (&*record.channel == channel || &*record.channel == "any")
    };
    let Some(latest) = records.iter().filter(about).map(|record| record.at).max() else { return false };
    records
        .iter()
        .filter(about)
        .filter(|record| record.at == latest)
        .all(|record| record.state == ConsentState::Granted && record.expires_at.is_none_or(|end| now < end))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn the_latest_word_counts_in_whatever_order_words_arrive_and_of_two_at_once_the_no(
        records in proptest::collection::vec(any_record(), 0..12), seed: u64
    ) {
        let mut shuffled = records.clone();
        shuffled.sort_by_key(|record| (record.at.ms() as u64).wrapping_mul(seed | 1) ^ record.state as u64 ^ seed);
        for order in [&records, &shuffled] {
            let mut ann = Subject::new(playbook());
            for record in order {
                ann.apply(&Command::PutConsents(vec![record.clone()]));
            }
            let (customer, now) = (ann.customer(), ann.now);
            for purpose in ["marketing", "telesales", "location"] {
                for channel in ["sms", "desk"] {
                    let expected = granted(&records, purpose, channel, now);
                    prop_assert_eq!(customer.consents.permits(purpose, channel, now), expected, "{} {}", purpose, channel);
                }
            }
            let expected = granted(&records, "profiling", "sms", now);
            prop_assert_eq!(customer.consents.permits_profiling("sms", now), expected);
        }
    }

    #[test]
    fn no_contact_leaves_without_a_consent_in_force(records in proptest::collection::vec(any_record(), 0..8)) {
        let mut ann = Subject::consenting(playbook());
        let contact = reserved(&mut ann);
        let (first, began) = (at("2026-11-01T00:00:00Z"), ann.now);
        // Days become hours: all of it is said between the decision and the dispatch.
        let shifted = |time: actors::Timestamp| began.plus_ms(time.since_ms(first) / 24);
        let said: Vec<ConsentRecord> = records
            .into_iter()
            .map(|record| ConsentRecord {
                at: shifted(record.at),
                expires_at: record.expires_at.map(shifted),
                ..record
            })
            .collect();
        ann.wait(10 * HOUR_MS);
        let mut all: Vec<ConsentRecord> = ann.customer().consents.history().to_vec();
        ann.apply(&Command::PutConsents(said.clone()));
        all.extend(said);
        let expected = granted(&all, "marketing", "sms", ann.now);
        prop_assert_eq!(!codes(&mut ann, &contact).contains(&"consent"), expected);
    }
}
