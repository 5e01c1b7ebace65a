//! Caps and quiet hours: never a fifth marketing contact in a month, whatever happens to the first four.

use crate::fixture::{Subject, at, playbook, playbook_with, response};
use actors::Timestamp;
use actors::call::{Direction, Response, ResponseKind};
use actors::timestamp::{DAY_MS, HOUR_MS};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::collections::BTreeMap;

const BERLIN: &str = "Europe/Berlin";

fn month(at: Timestamp) -> (i16, i8) {
    let date = TimeZone::get(BERLIN).expect("a zone").to_datetime(at.to_jiff()).date();
    (date.year(), date.month())
}

/// Only the coupon is left to send: it needs no tags.
fn outbound(subject: &mut Subject) -> Option<String> {
    let mut request = crate::fixture::request("sms", Direction::Outbound);
    request.purpose = Some("marketing".into());
    subject.ask(request).items.first().and_then(|item| item.contact_id.clone())
}

#[test]
fn the_fifth_contact_of_a_month_is_refused_with_the_time_it_becomes_possible() {
    let mut ann = Subject::consenting(playbook());
    for sent in 0..4 {
        let contact = outbound(&mut ann).unwrap_or_else(|| panic!("contact {sent} was possible"));
        ann.receipt(&contact, ResponseKind::Sent);
        ann.wait(HOUR_MS);
    }
    let mut request = crate::fixture::request("sms", Direction::Outbound);
    request.purpose = Some("marketing".into());
    let refused = ann.ask(request);
    assert!(refused.items.is_empty());
    let cap = refused.withheld.iter().find(|withheld| &*withheld.code == "cap").expect("the cap is named");
    let used = cap.cap.as_ref().expect("with its use");
    assert_eq!((&*used.id, used.used, used.limit), ("month4", 4, 4));
    let december = at("2026-11-30T23:00:00Z");
    assert_eq!(refused.next_free_at, Some(december));
    ann.now = december.plus_ms(9 * HOUR_MS);
    assert!(outbound(&mut ann).is_some(), "a new month");
}

#[test]
fn a_service_message_goes_out_when_the_marketing_cap_is_full() {
    let mut ann = Subject::consenting(playbook());
    while outbound(&mut ann).is_some() {}
    let decision = ann.decide("sms", Direction::Outbound);
    assert_eq!(decision.items.iter().map(|item| &*item.offer).collect::<Vec<_>>(), ["bill-help"]);
}

#[test]
fn a_failed_contact_gives_its_slot_back_and_a_late_delivery_takes_it_again() {
    let mut ann = Subject::consenting(playbook());
    let contacts: Vec<_> = std::iter::from_fn(|| outbound(&mut ann)).collect();
    assert_eq!(contacts.len(), 4);
    for kind in [ResponseKind::Failed, ResponseKind::Failed] {
        ann.receipt(&contacts[0], kind);
    }
    let fifth = outbound(&mut ann).expect("one slot is free");
    assert!(outbound(&mut ann).is_none(), "only one");
    ann.receipt(&fifth, ResponseKind::Cancelled);
    ann.receipt(&contacts[0], ResponseKind::Delivered);
    assert!(outbound(&mut ann).is_none(), "it had arrived after all");
}

#[test]
fn a_contact_that_may_yet_be_sent_next_month_counts_there_too() {
    let mut ann = Subject::consenting(playbook());
    ann.now = at("2026-11-30T18:00:00Z");
    let contacts: Vec<_> = std::iter::from_fn(|| outbound(&mut ann)).collect();
    assert_eq!(contacts.len(), 4);
    ann.now = at("2026-12-01T12:00:00Z");
    assert!(outbound(&mut ann).is_none(), "all four may yet be sent in December");
    ann.now = at("2026-11-30T18:30:00Z");
    ann.receipt(&contacts[0], ResponseKind::Sent);
    ann.now = at("2026-12-01T12:00:00Z");
    assert!(outbound(&mut ann).is_some(), "the first left in November");
    assert!(outbound(&mut ann).is_none());
}

#[test]
fn nothing_goes_out_in_the_quiet_hours_and_the_answer_says_when() {
    let mut ann = Subject::consenting(playbook());
    ann.now = at("2026-11-10T21:30:00Z");
    let decision = ann.decide("sms", Direction::Outbound);
    assert_eq!(decision.items.iter().map(|item| &*item.offer).collect::<Vec<_>>(), ["bill-help"]);
    assert_eq!(decision.next_free_at, Some(at("2026-11-11T07:00:00Z")));
    assert_ne!(ann.number_one("app"), "", "the customer who comes to us is answered");
}

#[test]
fn the_customers_own_zone_counts_before_the_tenants() {
    let mut ann = Subject::consenting(playbook());
    ann.now = at("2026-11-10T12:00:00Z");
    ann.tag("zone", actors::Value::Text("Asia/Tokyo".into()));
    assert_eq!(outbound(&mut ann), None, "it is nine in the evening in Tokyo");
}

#[test]
fn what_is_shown_counts_only_for_caps_that_say_so() {
    let shown = ("counts: reserved}", "counts: shown}");
    for (changes, slots) in [(&[][..], [0, 0, 0]), (&[shown][..], [3, 1, 0])] {
        let mut ann = Subject::consenting(playbook_with(changes));
        ann.tag("age", actors::Value::Int(40));
        for expected in slots {
            let decision = ann.decide("app", Direction::Inbound);
            let taken = decision.items.iter().filter(|item| item.contact_id.is_some()).count();
            assert_eq!(taken, expected, "{changes:?}");
        }
    }
}

/// What may happen to a customer's contacts.
#[derive(Clone, Debug)]
enum Step {
    Decide,
    Wait(i64),
    Receipt(usize, ResponseKind),
    ClockBack(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    use ResponseKind::{Cancelled, Clicked, Delivered, Expired, Failed, Seen, Sent};
    let kind = prop_oneof![
        Just(Sent),
        Just(Sent),
        Just(Delivered),
        Just(Seen),
        Just(Clicked),
        Just(Failed),
        Just(Expired),
        Just(Cancelled)
    ];
    prop_oneof![
        4 => Just(Step::Decide),
        3 => (0..12 * DAY_MS).prop_map(Step::Wait),
        1 => (0..2 * HOUR_MS).prop_map(Step::ClockBack),
        4 => (0..20usize, kind).prop_map(|(contact, kind)| Step::Receipt(contact, kind)),
    ]
}

/// What really happened to a contact: when it left, and whether it came back.
#[derive(Clone, Copy)]
struct Truth {
    reserved_at: Timestamp,
    sent_at: Option<Timestamp>,
    given_back: bool,
}

/// Slow and obvious: by month, the contacts that left in it, or may have, for all we heard.
fn busiest_month(contacts: &[Truth]) -> usize {
    let mut months: BTreeMap<(i16, i8), usize> = BTreeMap::new();
    for contact in contacts.iter().filter(|contact| !contact.given_back) {
        match contact.sent_at {
            Some(sent_at) => *months.entry(month(sent_at)).or_default() += 1,
            None => *months.entry(month(contact.reserved_at)).or_default() += 1,
        }
    }
    months.values().copied().max().unwrap_or(0)
}

fn play(steps: &[Step], limit_seen: usize) -> Result<(), TestCaseError> {
    let mut ann = Subject::consenting(playbook_with(&[(
        "c.purpose == 'marketing'\", local",
        "c.purpose == 'telesales'\", local",
    )]));
    let mut ids: Vec<String> = Vec::new();
    let mut truth: Vec<Truth> = Vec::new();
    for step in steps {
        match step {
            Step::Wait(ms) => ann.wait(*ms),
            Step::ClockBack(ms) => ann.wait(-ms),
            Step::Decide => {
                if let Some(id) = outbound(&mut ann) {
                    ids.push(id);
                    truth.push(Truth { reserved_at: ann.now, sent_at: None, given_back: false });
                }
            }
            Step::Receipt(contact, kind) => {
                let Some(known) = truth.get_mut(*contact) else { continue };
                // Contacts leave the customer after a quarter; receipts come sooner.
                if ann.now.since_ms(known.reserved_at) > 90 * DAY_MS {
                    continue;
                }
                let in_time = ann.now >= known.reserved_at && ann.now.since_ms(known.reserved_at) < DAY_MS;
                let gives_back =
                    matches!(kind, ResponseKind::Failed | ResponseKind::Expired | ResponseKind::Cancelled);
                // A gateway sends at most once and in time, and does not fail what it said it had delivered.
                if (gives_back && known.sent_at.is_some()) || (!gives_back && (known.given_back || !in_time))
                {
                    continue;
                }
                known.given_back |= gives_back;
                if !gives_back && known.sent_at.is_none() {
                    known.sent_at = Some(ann.now);
                }
                ann.receipt(&ids[*contact], *kind);
            }
        }
        let most = busiest_month(&truth);
        prop_assert!(most <= limit_seen, "{most} contacts in a month after {step:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_history_leads_to_a_fifth_contact_in_a_month(steps in proptest::collection::vec(any_step(), 1..60)) {
        play(&steps, 4)?;
    }
}

#[test]
fn the_check_sees_a_broken_cap() {
    let steps: Vec<Step> = (0..8).map(|_| Step::Decide).collect();
    assert!(play(&steps, 4).is_ok());
    assert!(play(&steps, 3).is_err(), "four contacts are seen as more than three");
}

#[test]
fn a_gateways_slow_clock_moves_no_contact_into_another_month() {
    let mut ann = Subject::consenting(playbook());
    ann.now = at("2026-12-01T12:00:00Z");
    let contacts: Vec<_> = std::iter::from_fn(|| outbound(&mut ann)).collect();
    for contact in &contacts {
        let sent = Response {
            contact_id: Some(contact.clone()),
            at: Some(at("2026-11-30T12:00:00Z")),
            ..response(ResponseKind::Sent)
        };
        assert!(ann.respond(sent).applied);
    }
    assert!(outbound(&mut ann).is_none(), "all four were reserved in December");
}

#[test]
fn a_silent_contact_fills_a_quarter_cap_to_its_end() {
    let mut ann = Subject::consenting(playbook_with(&[(
        "limit: 4, window: {calendar: month}",
        "limit: 1, window: {calendar: quarter}",
    )]));
    ann.now = at("2026-10-01T08:00:00Z");
    ann.consent_all();
    assert!(outbound(&mut ann).is_some());
    for later in ["2026-11-20T12:00:00Z", "2026-12-31T18:30:00Z"] {
        ann.now = at(later);
        assert!(outbound(&mut ann).is_none(), "{later}");
    }
    ann.now = at("2027-01-01T12:00:00Z");
    assert!(outbound(&mut ann).is_some());
}

#[test]
fn every_full_cap_is_named_and_the_last_to_end_says_when() {
    let two = "caps:\n  - {id: sms-week, match: \"c.channel == 'sms'\", subject: customer, limit: 2, window: {rolling: 7d}, counts: reserved}";
    let mut ann = Subject::consenting(playbook_with(&[("caps:", two), ("limit: 4", "limit: 2")]));
    ann.now = at("2026-11-28T12:00:00Z");
    while let Some(contact) = outbound(&mut ann) {
        ann.receipt(&contact, ResponseKind::Sent);
    }
    let mut request = crate::fixture::request("sms", Direction::Outbound);
    request.purpose = Some("marketing".into());
    let refused = ann.ask(request);
    let mut caps: Vec<&str> =
        refused.withheld.iter().filter_map(|withheld| withheld.cap.as_ref()).map(|cap| &*cap.id).collect();
    caps.sort_unstable();
    assert_eq!(caps, ["month4", "sms-week"]);
    assert_eq!(refused.next_free_at, Some(at("2026-12-05T12:00:00Z")), "the month ends before the week does");
}

#[test]
fn a_cap_on_a_placement_fills() {
    let banner = "caps:\n  - {id: banner, match: \"c.placement == 'home_banner'\", subject: customer, limit: 2, window: {calendar: day}, counts: shown}";
    let mut ann = Subject::consenting(playbook_with(&[("caps:", banner)]));
    let mut shown = |placement: &str| {
        let mut request = crate::fixture::request("app", Direction::Inbound);
        request.placement = Some(placement.into());
        ann.ask(request).items.len()
    };
    assert_eq!((shown("home_banner"), shown("home_banner"), shown("inbox")), (2, 0, 3));
    ann.wait(DAY_MS);
    let mut request = crate::fixture::request("app", Direction::Inbound);
    request.placement = Some("home_banner".into());
    assert_eq!(ann.ask(request).items.len(), 2, "what was shown yesterday was shown yesterday");
}
