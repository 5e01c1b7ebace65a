//! Events and tags: what is heard is seen by the very next decision, once, and all or nothing.

use crate::fixture::{Subject, at, map, playbook};
use actors::call::{Command, Event, EventOutcome, Refusal, Reply, TagPatch};
use actors::timestamp::{DAY_MS, HOUR_MS};
use actors::value::Value;

fn code(outcome: &EventOutcome) -> &'static str {
    match outcome {
        EventOutcome::Rejected(Refusal { code, .. }) => code,
        EventOutcome::Accepted => "accepted",
        EventOutcome::Duplicate => "duplicate",
    }
}

fn tags(subject: &mut Subject) -> Vec<(String, Value)> {
    match subject.apply(&Command::View).reply {
        Reply::View(view) => view.tags.into_iter().map(|tag| (tag.id.to_string(), tag.value)).collect(),
        other => panic!("{other:?}"),
    }
}

fn tag(subject: &mut Subject, id: &str) -> Option<Value> {
    tags(subject).into_iter().find(|(tag, _)| tag == id).map(|(_, value)| value)
}

#[test]
fn the_same_event_has_one_effect() {
    let mut ann = Subject::new(playbook());
    let event = Event {
        id: "1".into(),
        source: "/pcrf".into(),
        kind: "usage".into(),
        at: Some(ann.now),
        data: map(&[("mb", Value::Number(100.0))]),
    };
    let heard: Vec<_> = (0..3).map(|_| code(&ann.hear(event.clone()))).collect();
    assert_eq!(heard, ["accepted", "duplicate", "duplicate"]);
    let within_one_turn = ann.apply(&Command::Events(vec![
        Event { id: "2".into(), ..event.clone() },
        Event { id: "2".into(), ..event.clone() },
        Event { source: "/other".into(), ..event },
    ]));
    let Reply::Events(outcomes) = within_one_turn.reply else { panic!("events") };
    assert_eq!(outcomes.iter().map(code).collect::<Vec<_>>(), ["accepted", "duplicate", "accepted"]);
    assert_eq!(tag(&mut ann, "usage_mb_30d"), Some(Value::Number(300.0)));
    assert_eq!(tag(&mut ann, "calls"), Some(Value::Int(3)));
}

#[test]
fn updates_follow_their_declaration() {
    let mut ann = Subject::new(playbook());
    ann.event("usage", &[("mb", Value::Int(50)), ("roaming", Value::Bool(true))]);
    let first_at = ann.now;
    ann.wait(HOUR_MS);
    ann.event("usage", &[("mb", Value::Number(20.5)), ("roaming", Value::Bool(false))]);
    ann.event("usage", &[("mb", Value::Number(1.0))]);
    assert_eq!(tag(&mut ann, "usage_mb_30d"), Some(Value::Number(71.5)));
    assert_eq!(tag(&mut ann, "largest_mb"), Some(Value::Number(50.0)));
    assert_eq!(tag(&mut ann, "last_seen_at"), Some(Value::Text(first_at.to_string())));
    ann.wait(40 * DAY_MS);
    assert_eq!(tag(&mut ann, "usage_mb_30d"), Some(Value::Number(0.0)), "the window moves with time alone");
    assert_eq!(tag(&mut ann, "calls"), Some(Value::Int(3)));
}

#[test]
fn a_rejected_event_leaves_no_trace_and_may_come_again() {
    let mut ann = Subject::new(playbook());
    let now = ann.now;
    let event = |kind: &str, at, data: &[(&str, Value)]| Event {
        id: "1".into(),
        source: "/s".into(),
        kind: kind.into(),
        at: Some(at),
        data: map(data),
    };
    let mb = |value| [("mb", value)];
    let mut check = |event: Event, expected: &str| {
        let before = ann.snapshot.clone();
        assert_eq!(code(&ann.hear(event.clone())), expected, "{event:?}");
        if expected != "accepted" {
            assert_eq!(ann.snapshot, before);
        }
    };
    check(event("unheard-of", now, &[]), "unknown_event_type");
    check(event("usage", now, &[]), "bad_event_data");
    check(event("usage", now, &mb(Value::Text("7".into()))), "bad_event_data");
    check(event("usage", now, &mb(Value::Null)), "bad_event_data");
    check(event("usage", now, &mb(Value::Number(f64::NAN))), "bad_event_data");
    check(event("contract.changed", now, &[("to", Value::Int(1))]), "bad_event_data");
    check(event("usage", now.plus_ms(HOUR_MS), &mb(Value::Int(1))), "time_in_future");
    check(event("usage", at("1999-01-01T00:00:00Z"), &mb(Value::Int(1))), "time_too_old");
    check(event("contract.changed", now, &[("to", Value::Text("gold".into()))]), "bad_event_data");
    check(event("purchase", now, &[("offer", Value::Text("x".repeat(257)))]), "bad_event_data");
    check(event("contract.changed", now, &[("to", Value::Text("prepaid".into()))]), "accepted");
}

#[test]
fn a_patch_is_written_as_a_whole_or_not_at_all() {
    let mut ann = Subject::new(playbook());
    let now = ann.now;
    let mut check = |set: &[(&str, Value)], unset: &[&str], expected: &str| {
        let before = ann.snapshot.clone();
        let reply = ann
            .apply(&Command::PatchTags(TagPatch {
                source: "crm".into(),
                as_of: Some(now),
                set: set.iter().map(|(id, value)| ((*id).to_owned(), value.clone())).collect(),
                unset: unset.iter().map(|id| (*id).to_owned()).collect(),
            }))
            .reply;
        match reply {
            Reply::Refused(refusal) => {
                assert_eq!(refusal.code, expected, "{}", refusal.detail);
                assert_eq!(ann.snapshot, before);
            }
            Reply::Tags(outcome) => assert_eq!(format!("{}+{}", outcome.changed, outcome.kept), expected),
            other => panic!("{other:?}"),
        }
    };
    let text = |text: &str| Value::Text(text.into());
    check(&[("age", Value::Int(40)), ("nope", Value::Int(1))], &[], "unknown_tag");
    check(&[("age", Value::Int(40))], &["nope"], "unknown_tag");
    check(&[("age", Value::Number(40.5))], &[], "bad_tag_value");
    check(&[("age", Value::Number(18_446_744_073_709_551_615.0))], &[], "bad_tag_value");
    check(&[("contract", text("gold"))], &[], "bad_tag_value");
    check(&[("zone", text(&"x".repeat(257)))], &[], "bad_tag_value");
    check(&[("last_seen_at", text("yesterday"))], &[], "bad_tag_value");
    check(&[("income", Value::Number(f64::INFINITY))], &[], "bad_tag_value");
    check(&[("age", Value::Int(40)), ("contract", text("prepaid"))], &[], "2+0");
    check(&[("age", Value::Int(40)), ("contract", text("prepaid"))], &[], "0+2");
    check(&[], &["contract", "nps"], "1+1");
}

#[test]
fn an_older_batch_never_overwrites_a_newer_value() {
    let mut ann = Subject::new(playbook());
    ann.tag("age", Value::Int(41));
    ann.wait(-DAY_MS);
    ann.tag("age", Value::Int(40));
    ann.wait(DAY_MS);
    assert_eq!(tag(&mut ann, "age"), Some(Value::Int(41)));
}

#[test]
fn a_batch_value_of_a_window_ages_out_like_events() {
    let mut ann = Subject::new(playbook());
    ann.tag("usage_mb_30d", Value::Int(9000));
    ann.event("usage", &[("mb", Value::Int(100))]);
    assert_eq!(tag(&mut ann, "usage_mb_30d"), Some(Value::Number(9100.0)));
    ann.wait(31 * DAY_MS);
    assert_eq!(tag(&mut ann, "usage_mb_30d"), Some(Value::Number(0.0)));
}

#[test]
fn a_large_batch_repeated_as_a_whole_has_one_effect() {
    let mut ann = Subject::new(playbook());
    let now = ann.now;
    let batch: Vec<Event> = (0..2_000)
        .map(|n| Event {
            id: format!("{n}"),
            source: "/pcrf".into(),
            kind: "usage".into(),
            at: Some(now),
            data: map(&[("mb", Value::Int(1))]),
        })
        .collect();
    for _ in 0..3 {
        for lot in batch.chunks(256) {
            ann.apply(&Command::Events(lot.to_vec()));
        }
    }
    assert_eq!(tag(&mut ann, "calls"), Some(Value::Int(2_000)));
}
