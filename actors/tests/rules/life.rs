//! Where customers are: in which fence, in which stage of their life, and what rests while something is wrong.

use crate::fixture::{Subject, at, map, playbook_with, request};
use actors::call::{Command, ConsentState, Direction, Event, EventOutcome, Refusal, Reply, TagPatch};
use actors::playbook::Playbook;
use actors::timestamp::{HOUR_MS, MINUTE_MS};
use actors::value::Value;
use std::sync::Arc;

fn playbook() -> Arc<Playbook> {
    playbook_with(&[
        (
            "  - {id: zone, type: string}\n",
            "  - {id: zone, type: string}
  - {id: shop, type: string}
  - {id: shop_since, type: time}
  - {id: stadium_minutes, type: int}
  - {id: care_cases, type: int}
  - {id: stage, type: enum, values: [new, active, leaving]}
fences:
  - {id: alex, lat: 52.5219, lon: 13.4132, radius_m: 100, group: shops}
  - {id: arena, lat: 52.5147, lon: 13.2395, radius_m: 300, group: stadiums}
lifecycle:
  tag: stage
  stages: [new, active, leaving]
  moves:
    - {from: new, to: active, when: \"has(t.calls) && t.calls >= 2\"}
    - {from: any, to: leaving, on: left, when: \"data.sure\"}
    - {from: leaving, to: active, on: stayed}
pauses:
  - {id: complaint, when: \"has(t.open_complaints) && t.open_complaints > 0\"}
  - {id: care-case, when: \"has(t.care_cases) && t.care_cases > 0\", purposes: [marketing]}
",
        ),
        (
            "events:\n",
            "events:
  - type: seen
    data: {lat: number, lon: number}
    updates:
      - {tag: shop, dwell: 10m, lat: data.lat, lon: data.lon, fences: shops}
      - {tag: shop_since, dwell: 10m, lat: data.lat, lon: data.lon, fences: shops}
      - {tag: stadium_minutes, dwell: 1m, lat: data.lat, lon: data.lon, fences: stadiums}
  - {type: left, data: {sure: bool}}
  - {type: stayed}
  - {type: complaint.opened, updates: [{tag: open_complaints, add: \"1\"}]}
  - {type: complaint.closed, updates: [{tag: open_complaints, take: \"1\"}]}
  - {type: case.opened, updates: [{tag: care_cases, add: \"1\"}]}
  - {type: case.closed, updates: [{tag: care_cases, take: \"1\"}]}
",
        ),
        (
            "offers:\n",
            "offers:
  - {id: welcome, kind: service, purpose: service, family: welcome, value: {clv: \"50\", cash: \"1\"}, prior: {default: 0.9}, rules: {eligible: \"t.stage == 'new'\"}}
",
        ),
    ])
}

fn tag(subject: &mut Subject, id: &str) -> Option<Value> {
    let Reply::View(view) = subject.apply(&Command::View).reply else { panic!("a view") };
    view.tags.into_iter().find(|tag| &*tag.id == id).map(|tag| tag.value)
}

fn seen(subject: &mut Subject, lat: f64, lon: f64) {
    let data = [("lat", Value::Number(lat)), ("lon", Value::Number(lon))];
    assert_eq!(subject.event("seen", &data), EventOutcome::Accepted);
}

const ALEX: (f64, f64) = (52.5219, 13.4132);
/// A hundred and forty metres north: outside, and not yet gone.
const NEXT_DOOR: (f64, f64) = (52.52316, 13.4132);
const ELSEWHERE: (f64, f64) = (52.53, 13.40);

#[test]
fn a_stay_in_a_fence_is_told_with_its_beginning() {
    let mut ann = Subject::consenting(playbook());
    let begun = ann.now;
    seen(&mut ann, ALEX.0, ALEX.1);
    assert_eq!(tag(&mut ann, "shop"), None, "it has not lasted ten minutes");
    ann.wait(6 * MINUTE_MS);
    seen(&mut ann, NEXT_DOOR.0, NEXT_DOOR.1);
    ann.wait(6 * MINUTE_MS);
    seen(&mut ann, ALEX.0, ALEX.1);
    assert_eq!(tag(&mut ann, "shop"), Some(Value::Text("alex".into())));
    assert_eq!(tag(&mut ann, "shop_since"), Some(Value::Text(begun.to_string())));
    assert_eq!(tag(&mut ann, "stadium_minutes"), None, "fences of another kind play no part");
    ann.wait(MINUTE_MS);
    seen(&mut ann, ELSEWHERE.0, ELSEWHERE.1);
    assert_eq!((tag(&mut ann, "shop"), tag(&mut ann, "shop_since")), (None, None));
    seen(&mut ann, 52.5147, 13.2395);
    ann.wait(45 * MINUTE_MS);
    seen(&mut ann, 52.5147, 13.2395);
    assert_eq!(tag(&mut ann, "stadium_minutes"), Some(Value::Int(45)));
    ann.wait(7 * HOUR_MS);
    assert_eq!(tag(&mut ann, "stadium_minutes"), None, "silence ends a stay");
}

#[test]
fn without_consent_to_location_nothing_is_noted_and_what_was_is_forgotten() {
    let mut ann = Subject::new(playbook());
    let stay = |ann: &mut Subject| {
        seen(ann, ALEX.0, ALEX.1);
        ann.wait(10 * MINUTE_MS);
        seen(ann, ALEX.0, ALEX.1);
        tag(ann, "shop")
    };
    assert_eq!(stay(&mut ann), None);
    ann.consent("location", "any", ConsentState::Granted);
    assert!(stay(&mut ann).is_some());
    ann.wait(MINUTE_MS);
    ann.consent("location", "any", ConsentState::Withdrawn);
    assert_eq!(tag(&mut ann, "shop"), None);
    let text = String::from_utf8_lossy(&ann.snapshot).into_owned();
    assert!(!text.contains("alex"), "the fence is in the snapshot still");
    seen(&mut ann, 91.0, 13.0);
    assert_eq!(stay(&mut ann), None);
}

fn stage(subject: &mut Subject) -> (String, String) {
    let Reply::View(view) = subject.apply(&Command::View).reply else { panic!("a view") };
    let stage = view.tags.into_iter().find(|tag| &*tag.id == "stage").expect("a stage");
    assert_eq!(&*stage.source, "lifecycle");
    let Value::Text(name) = stage.value else { panic!("{:?}", stage.value) };
    (name, stage.as_of.to_string())
}

fn usage(subject: &mut Subject) {
    assert_eq!(subject.event("usage", &[("mb", Value::Int(1))]), EventOutcome::Accepted);
}

#[test]
fn events_and_conditions_move_a_customer_through_its_life() {
    let mut ann = Subject::consenting(playbook());
    let check = |ann: &mut Subject, expected: &str, since: &str| {
        assert_eq!(stage(ann), (expected.to_owned(), since.to_owned()));
        ann.wait(HOUR_MS);
    };
    usage(&mut ann);
    assert_eq!(ann.number_one("app"), "welcome", "actions of a stage");
    check(&mut ann, "new", "2026-11-10T12:00:00Z");
    usage(&mut ann);
    check(&mut ann, "active", "2026-11-10T13:00:00Z");
    assert_ne!(ann.number_one("app"), "welcome");
    ann.event("stayed", &[]);
    check(&mut ann, "active", "2026-11-10T13:00:00Z");
    ann.event("left", &[("sure", Value::Bool(false))]);
    check(&mut ann, "active", "2026-11-10T13:00:00Z");
    ann.event("left", &[("sure", Value::Bool(true))]);
    check(&mut ann, "leaving", "2026-11-10T16:00:00Z");
    let late = |id: &str, kind: &str, at_text: &str, data: &[(&str, Value)]| Event {
        id: id.into(),
        source: "/late".into(),
        kind: kind.into(),
        at: Some(at(at_text)),
        data: map(data),
    };
    // She stayed before she left: that changes nothing. She left again before she stayed: neither does that.
    ann.hear(late("1", "stayed", "2026-11-10T15:30:00Z", &[]));
    assert_eq!(stage(&mut ann).0, "leaving");
    ann.hear(late("2", "stayed", "2026-11-10T16:30:00Z", &[]));
    ann.hear(late("3", "left", "2026-11-10T16:20:00Z", &[("sure", Value::Bool(true))]));
    check(&mut ann, "active", "2026-11-10T16:30:00Z");
}

#[test]
fn a_stage_is_loaded_like_a_tag_and_never_removed() {
    let mut ann = Subject::new(playbook());
    ann.tag("stage", Value::Text("leaving".into()));
    assert_eq!(stage(&mut ann).0, "leaving");
    ann.wait(HOUR_MS);
    ann.event("stayed", &[]);
    assert_eq!(stage(&mut ann).0, "active");
    ann.wait(-HOUR_MS / 2);
    ann.tag("stage", Value::Text("new".into()));
    ann.wait(HOUR_MS);
    assert_eq!(stage(&mut ann).0, "new", "nobody stays who was not leaving");
    let unset = Command::PatchTags(TagPatch {
        source: "crm".into(),
        as_of: None,
        set: vec![],
        unset: vec!["stage".into()],
    });
    let Reply::Refused(Refusal { code, .. }) = ann.apply(&unset).reply else { panic!("removed") };
    assert_eq!(code, "derived_tag");
}

#[test]
fn while_a_complaint_or_case_is_open_sales_rest_and_service_goes_on() {
    let mut ann = Subject::consenting(playbook());
    ann.tag("age", Value::Int(40));
    usage(&mut ann);
    usage(&mut ann);
    let purposes = |ann: &mut Subject, channel: &str, direction| {
        let decision = ann.ask(request(channel, direction));
        let sells =
            decision.items.iter().any(|item| &*item.offer != "bill-help" && &*item.offer != "welcome");
        let serves = decision.items.iter().any(|item| &*item.offer == "bill-help");
        let paused = decision.withheld.iter().any(|withheld| &*withheld.code == "paused");
        (sells, serves, paused)
    };
    let mut check = |event: &str, expected| {
        ann.event(event, &[]);
        ann.wait(MINUTE_MS);
        for (channel, direction) in [("app", Direction::Inbound), ("sms", Direction::Outbound)] {
            assert_eq!(purposes(&mut ann, channel, direction), expected, "after {event} in {channel}");
        }
        ann.wait(MINUTE_MS);
    };
    check("stayed", (true, true, false));
    check("complaint.opened", (false, true, true));
    check("case.opened", (false, true, true));
    check("complaint.closed", (false, true, true));
    check("case.closed", (true, true, false));
    check("case.closed", (true, true, false));
    check("case.opened", (false, true, true));
    // Not to be profiled does not mean to be sold to while something is wrong.
    ann.consent("profiling", "any", ConsentState::Withdrawn);
    let blind = purposes(&mut ann, "app", Direction::Inbound);
    assert!(!blind.0 && blind.1 && blind.2, "{blind:?}");
}
