//! Snapshots of every version ever written stay readable, with all that was in them.
//!
//! A golden file is made when its version is the one written. From the release of that version on it stays as it is: it
//! stands for the customers that are in stores out there. Version 2 is not released yet, so whoever adds a section to it
//! writes its file anew, with something in the new section: extend `with_a_past` and `check_past`, then
//! `cargo test -p actors --test rules -- --ignored write_the_golden`. The file of version 1 stays as it is.

use crate::fixture::{Subject, at, id, map, playbook, response};
use actors::call::identity::IdentityStep;
use actors::call::{
    Command, ConsentState, CustomerId, Direction, Event, EventOutcome, Reply, ResponseKind, TagPatch,
};
use actors::customer::Customer;
use actors::customer::snapshot::{Snapshot, VERSION};
use actors::customer::view::CustomerView;
use actors::timestamp::DAY_MS;
use actors::value::Value;
use proptest::prelude::*;
use std::path::PathBuf;

/// The version whose golden file may still be written anew.
const UNRELEASED: u8 = 2;

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
    let alias = IdentityStep::NoteAlias { alias: id("msisdn:1"), line: Some("mobile".into()) };
    ann.apply(&Command::Identity(Box::new(alias)));
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

/// What version 1 did not have.
fn check_what_is_new(snapshot: &[u8]) {
    let customer = Customer::decode(&id("ann"), snapshot).expect("readable");
    let links: Vec<_> =
        customer.identity.links(&id("ann")).map(|link| (link.alias, link.pointer.line)).collect();
    assert_eq!(links, [(id("msisdn:1"), Some("mobile".into()))]);
}

fn expected_tags() -> usize {
    10
}

#[test]
fn snapshots_of_every_version_are_readable() {
    let files = std::fs::read_dir(golden(0).parent().expect("a folder")).expect("golden files").count();
    assert_eq!(files, usize::from(VERSION), "one golden file for each version written so far");
    for version in 1..=VERSION {
        let snapshot = std::fs::read(golden(version)).expect("a golden file");
        if version > 1 {
            check_what_is_new(&snapshot);
        }
        check_past(snapshot);
    }
}

#[test]
fn what_is_written_today_is_read_the_same() {
    check_what_is_new(&with_a_past().snapshot);
    check_past(with_a_past().snapshot);
}

/// What a turn changed and what it left alone make the same customer as encoding everything anew.
#[test]
fn sections_left_alone_are_copied_as_they_were() {
    let ann = with_a_past();
    assert_eq!(Customer::decode(&id("ann"), &ann.snapshot).expect("readable").encode(), ann.snapshot);
    let checked = Snapshot::check(ann.snapshot.clone().into()).expect("whole");
    assert_eq!(checked.open(&id("ann")), ann.customer());
    assert_eq!(checked.open(&id("ann")).encode(), ann.snapshot);
}

#[test]
fn a_snapshot_of_version_1_is_saved_as_one_of_today() {
    let old = std::fs::read(golden(1)).expect("a golden file");
    let new = Customer::decode(&id("ann"), &old).expect("readable").encode();
    assert_eq!(new[0], VERSION);
    check_past(new);
}

#[test]
fn a_snapshot_of_a_newer_version_is_refused() {
    let mut newer = with_a_past().snapshot;
    newer[0] = VERSION + 1;
    let refused = Customer::decode(&id("ann"), &newer).expect_err("newer");
    assert!(refused.to_string().contains("upgrade this node"), "{refused}");
}

#[test]
fn a_section_of_a_newer_version_is_refused_by_its_number() {
    let mut newer = with_a_past().snapshot;
    newer[2] = 0;
    let refused = Customer::decode(&id("ann"), &sealed(newer)).expect_err("newer");
    assert!(refused.to_string().contains("section 0 is of a newer version; upgrade this node"), "{refused}");
}

#[test]
fn damage_anywhere_is_found_before_anything_is_used() {
    let ann: CustomerId = id("ann");
    let whole = with_a_past().snapshot;
    for cut in 0..whole.len() {
        assert!(Customer::decode(&ann, &whole[..cut]).is_err(), "cut at {cut}");
    }
    for place in 1..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[place] ^= 1 << bit;
            let refused = Customer::decode(&ann, &damaged).expect_err("damaged");
            assert!(refused.to_string().contains("checksum"), "{refused}");
        }
    }
}

/// The same with a checksum that is right: what the checksum guards is not trusted either.
#[test]
fn a_snapshot_that_is_wrong_inside_never_panics() {
    let ann: CustomerId = id("ann");
    let whole = with_a_past().snapshot;
    for cut in 2..whole.len() {
        try_all(&ann, sealed(whole[..cut].to_vec()));
    }
    for place in 1..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xc1, 0xdd, 0xdf, 0xff, whole[place] ^ 1] {
            let mut damaged = whole.clone();
            damaged[place] = value;
            try_all(&ann, sealed(damaged));
        }
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_snapshot_never_panic(
        version in 0..4u8, bytes in proptest::collection::vec(any::<u8>(), 0..300)
    ) {
        let mut snapshot = vec![version];
        snapshot.extend(bytes);
        let _ = Customer::decode(&id("ann"), &snapshot);
        snapshot.extend([0; 8]);
        try_all(&id("ann"), sealed(snapshot));
    }
}

/// What is accepted can be used: looked at, changed and written.
fn try_all(ann: &CustomerId, snapshot: Vec<u8>) {
    if let Ok(checked) = Snapshot::check(snapshot.into()) {
        let customer = checked.open(ann);
        let again = Customer::decode(ann, &customer.encode()).expect("what we write we read");
        assert_eq!(format!("{again:?}"), format!("{customer:?}"));
    }
}

/// With the checksum put right.
fn sealed(mut snapshot: Vec<u8>) -> Vec<u8> {
    let end = snapshot.len().saturating_sub(8);
    snapshot.truncate(end);
    let sum = xxhash_rust::xxh3::xxh3_64(&snapshot);
    snapshot.extend(sum.to_le_bytes());
    snapshot
}

/// How to use it: see the top of this file.
#[test]
#[ignore = "writes the golden file of a version that is not released yet"]
fn write_the_golden_file_of_this_version() {
    let file = golden(VERSION);
    assert!(VERSION == UNRELEASED || !file.exists(), "{} stays as it is", file.display());
    std::fs::write(file, with_a_past().snapshot).expect("written");
}
