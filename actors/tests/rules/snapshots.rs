//! Snapshots of every version ever written stay readable, with all that was in them.
//!
//! A golden file is made once, when its version is the one written, and never again: it stands for the customers that
//! are in stores out there.

use crate::fixture::{Subject, at, id, map, playbook, response};
use actors::call::{
    Command, ConsentState, CustomerId, Direction, Event, EventOutcome, Reply, ResponseKind, TagPatch,
};
use actors::customer::Customer;
use actors::customer::snapshot::VERSION;
use actors::customer::view::CustomerView;
use actors::timestamp::DAY_MS;
use actors::value::Value;
use std::path::PathBuf;

/// A customer with something in every part of the snapshot.
fn with_a_past() -> Subject {
    let mut ann = Subject::consenting(playbook());
    ann.apply(&Command::PatchTags(TagPatch {
        source: "crm".into(),
        as_of: Some(ann.now),
        set: vec![
            ("age".into(), Value::Int(34)),
            ("contract".into(), Value::Text("postpaid".into())),
            ("income".into(), Value::Number(3120.55)),
            ("open_complaints".into(), Value::Int(0)),
            ("zone".into(), Value::Text("Asia/Kolkata".into())),
        ],
        unset: vec![],
    }));
    ann.event("usage", &[("mb", Value::Number(120.25)), ("roaming", Value::Bool(true))]);
    ann.wait(DAY_MS);
    ann.event("usage", &[("mb", Value::Int(80))]);
    ann.event("purchase", &[("offer", Value::Text("phone-case".into()))]);
    let first = ann.decide("sms", Direction::Outbound);
    let contact = first.items[0].contact_id.clone().expect("a contact");
    ann.receipt(&contact, ResponseKind::Delivered);
    ann.receipt(&contact, ResponseKind::Rejected);
    ann.consent("marketing", "email", ConsentState::Withdrawn);
    ann.respond(actors::call::Response {
        decision_id: Some(first.decision_id),
        offer: Some("data-s".into()),
        response_id: Some("r-1".into()),
        ..response(ResponseKind::Ignored)
    });
    ann.decide("app", Direction::Inbound);
    ann
}

fn golden(version: u8) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/customer-v{version}.bin"))
}

fn view(subject: &mut Subject) -> CustomerView {
    match subject.apply(&Command::View).reply {
        Reply::View(view) => *view,
        other => panic!("{other:?}"),
    }
}

/// Everything of the customer with a past, told apart from how it is encoded.
fn check_past(snapshot: Vec<u8>) {
    let mut ann = Subject::new(playbook());
    ann.wait(DAY_MS);
    ann.snapshot = snapshot;
    let seen = view(&mut ann);
    let tag = |id: &str| seen.tags.iter().find(|tag| &*tag.id == id).map(|tag| tag.value.clone());
    let expected = [
        ("age", Value::Int(34)),
        ("contract", Value::Text("postpaid".into())),
        ("income", Value::Number(3120.55)),
        ("open_complaints", Value::Int(0)),
        ("zone", Value::Text("Asia/Kolkata".into())),
        ("usage_mb_30d", Value::Number(200.25)),
        ("calls", Value::Int(2)),
        ("largest_mb", Value::Number(120.25)),
        ("last_seen_at", Value::Text("2026-11-10T12:00:00Z".into())),
    ];
    for (id, value) in expected {
        assert_eq!(tag(id), Some(value), "{id}");
    }
    assert_eq!(seen.tags.len(), expected_tags());
    let crm = seen.tags.iter().find(|tag| &*tag.id == "age").expect("there");
    assert_eq!((&*crm.source, crm.as_of), ("crm", at("2026-11-10T12:00:00Z")));
    assert_eq!(seen.products, ["phone-case".into()]);
    assert_eq!(seen.consent_history.len(), 4);
    let [contact] = &seen.contacts[..] else { panic!("{:?}", seen.contacts) };
    assert_eq!((&*contact.offer, contact.state), ("data-s", "seen"));
    assert_eq!((seen.caps[0].used, seen.caps[0].limit), (1, 4));
    assert!(seen.refusals.iter().any(|one| &*one.id == "data-s" && one.until.is_none()));
    assert_eq!(seen.open_decisions.len(), 1);
    let again = Event {
        id: "e1".into(),
        source: "/test".into(),
        kind: "usage".into(),
        at: None,
        data: map(&[("mb", Value::Int(1))]),
    };
    assert_eq!(ann.hear(again), EventOutcome::Duplicate, "ids heard are remembered");
    assert_eq!(ann.customer().decision_count, 2);
}

fn expected_tags() -> usize {
    10
}

#[test]
fn snapshots_of_every_version_are_readable() {
    let files = std::fs::read_dir(golden(0).parent().expect("a folder")).expect("golden files").count();
    assert_eq!(files, usize::from(VERSION), "one golden file for each version written so far");
    for version in 1..=VERSION {
        check_past(std::fs::read(golden(version)).expect("a golden file"));
    }
}

#[test]
fn what_is_written_today_is_read_the_same() {
    check_past(with_a_past().snapshot);
}

#[test]
fn a_snapshot_of_a_newer_version_is_refused() {
    let mut newer = with_a_past().snapshot;
    newer[0] = VERSION + 1;
    let refused = Customer::decode(&id("ann"), &newer).expect_err("newer");
    assert!(refused.to_string().contains("upgrade this node"), "{refused}");
}

#[test]
fn a_damaged_snapshot_never_panics() {
    let ann: CustomerId = id("ann");
    let whole = with_a_past().snapshot;
    for cut in 0..whole.len() {
        assert!(Customer::decode(&ann, &whole[..cut]).is_err(), "cut at {cut}");
    }
    for place in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xc1, 0xdd, 0xdf, 0xff, whole[place] ^ 1] {
            let mut damaged = whole.clone();
            damaged[place] = value;
            let _ = Customer::decode(&ann, &damaged);
        }
    }
}

/// Run it once when a version is new: `cargo test -p actors --test rules -- --ignored write_the_golden`.
#[test]
#[ignore = "writes the golden file of a new version, never of one that is there"]
fn write_the_golden_file_of_this_version() {
    let file = golden(VERSION);
    assert!(!file.exists(), "{} is there already, and stays as it is", file.display());
    std::fs::write(file, with_a_past().snapshot).expect("written");
}
