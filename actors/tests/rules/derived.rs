//! Derived tags as a playbook declares them: late events leave the customer that events in time would have left.

use crate::fixture::{Subject, at, map};
use actors::Timestamp;
use actors::call::{Command, Event, EventOutcome, Refusal, Reply, TagPatch};
use actors::customer::section::Form;
use actors::options::LATE_MAX_MS;
use actors::playbook::Dictionary;
use actors::playbook::Playbook;
use actors::playbook::compile::compile;
use actors::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use actors::value::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const PLAYBOOK: &str = "tenant: {zone: Europe/Berlin, bill_day_tag: bill_day}
tags:
  - {id: bill_day, type: int}
  - {id: plan, type: string}
  - {id: mb_30d, type: number}
  - {id: mb_mean_30d, type: number}
  - {id: mb_least_30d, type: number}
  - {id: mb_largest_30d, type: number}
  - {id: mb_recent, type: number}
  - {id: mb_ever, type: number}
  - {id: mb_month, type: number}
  - {id: mb_month_1, type: number}
  - {id: mb_mean_3m, type: number}
  - {id: mb_level, type: int}
  - {id: cells_30d, type: int}
  - {id: drops_near_fault_30d, type: int}
  - {id: cases, type: int}
  - {id: allowance, type: number}
events:
  - type: used
    data: {mb: number, cell: int}
    updates:
      - {tag: mb_30d, sum: data.mb, window: 30d}
      - {tag: mb_mean_30d, avg: data.mb, window: 30d}
      - {tag: mb_least_30d, min: data.mb, window: 30d}
      - {tag: mb_largest_30d, max: data.mb, window: 30d}
      - {tag: mb_recent, ewma: data.mb, half_life: 7d}
      - {tag: mb_ever, add: data.mb}
      - {tag: mb_month, sum: data.mb, month: 0}
      - {tag: mb_month_1, sum: data.mb, month: 1}
      - {tag: mb_mean_3m, sum: data.mb, months: 3}
      - {tag: mb_level, crosses: data.mb, at: [50, 80, 100], per: month, of: \"20000\"}
      - {tag: cells_30d, distinct: data.cell, window: 30d}
  - type: dropped
    data: {cell: int}
    updates:
      - {tag: drops_near_fault_30d, near: fault, within: 6h, on: data.cell, window: 30d}
  - type: fault
    data: {cell: int}
  - type: case.opened
    updates: [{tag: cases, add: \"1\"}]
  - type: case.closed
    updates: [{tag: cases, take: \"1\"}]
  - type: cases.counted
    data: {cases: int}
    updates: [{tag: cases, set: data.cases}]
  - type: plan.chosen
    data: {plan: string}
    updates:
      - {tag: plan, last: data.plan}
      - {own: data.plan}
  - type: plan.left
    data: {plan: string}
    updates:
      - {tag: plan, unset: true}
      - {disown: data.plan}
offers: [{id: bare}]
";

fn playbook() -> Arc<Playbook> {
    match compile(&[("playbook.yaml".to_owned(), PLAYBOOK.to_owned())], &Dictionary::default()) {
        Ok(compiled) => Arc::new(compiled.playbook),
        Err(mistakes) => panic!("{}", mistakes.iter().map(|m| format!("{m}\n")).collect::<String>()),
    }
}

/// Something that happens to a customer.
#[derive(Clone, Debug)]
enum Happening {
    Used(u16, u8),
    Dropped(u8),
    Fault(u8),
    Opened,
    Closed,
    Counted(u8),
    Chosen(u8),
    Left(u8),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0..5000u16, 0..9u8).prop_map(|(mb, cell)| Happening::Used(mb, cell)),
        2 => (0..3u8).prop_map(Happening::Dropped),
        1 => (0..3u8).prop_map(Happening::Fault),
        1 => Just(Happening::Opened),
        1 => Just(Happening::Closed),
        1 => (0..4u8).prop_map(Happening::Counted),
        2 => (0..3u8).prop_map(Happening::Chosen),
        2 => (0..3u8).prop_map(Happening::Left),
    ]
}

fn event(n: usize, happening: &Happening, at: Timestamp) -> Event {
    let int = |value: u8| Value::Int(i64::from(value));
    let plan = |plan: u8| Value::Text(format!("plan-{plan}"));
    let (kind, data) = match happening {
        Happening::Used(mb, cell) => {
            ("used", vec![("mb", Value::Number(f64::from(*mb) / 8.0)), ("cell", int(*cell))])
        }
        Happening::Dropped(cell) => ("dropped", vec![("cell", int(*cell))]),
        Happening::Fault(cell) => ("fault", vec![("cell", int(*cell))]),
        Happening::Opened => ("case.opened", vec![]),
        Happening::Closed => ("case.closed", vec![]),
        Happening::Counted(cases) => ("cases.counted", vec![("cases", int(*cases))]),
        Happening::Chosen(n) => ("plan.chosen", vec![("plan", plan(*n))]),
        Happening::Left(n) => ("plan.left", vec![("plan", plan(*n))]),
    };
    Event { id: format!("e{n}"), source: "/test".into(), kind: kind.into(), at: Some(at), data: map(&data) }
}

/// What is known after the events were heard in this order, all of them within the bound of lateness.
fn known(events: &[Event], now: Timestamp) -> (BTreeMap<String, Value>, Vec<String>) {
    let mut ann = Subject::new(playbook());
    ann.now = now.plus_ms(-HOUR_MS);
    ann.tag("bill_day", Value::Int(12));
    for (n, event) in events.iter().enumerate() {
        // Time goes by between events, and some come twice.
        ann.now = now.plus_ms((n as i64 - events.len() as i64) * 1000);
        assert_eq!(ann.hear(event.clone()), EventOutcome::Accepted);
        if n % 3 == 0 {
            assert_eq!(ann.hear(event.clone()), EventOutcome::Duplicate);
        }
    }
    ann.now = now;
    let Reply::View(view) = ann.apply(&Command::View).reply else { panic!("a view") };
    let tags = view.tags.into_iter().map(|tag| (tag.id.to_string(), tag.value)).collect();
    (tags, view.products.iter().map(ToString::to_string).collect())
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => (one - other).abs() <= 1e-9 * one.abs().max(1.0),
        (one, other) => one == other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn late_events_leave_the_customer_that_events_in_time_leave(
        happenings in proptest::collection::vec(happening(), 1..40), seed in any::<u64>()
    ) {
        let now = at("2026-11-20T12:00:00Z");
        let step_ms = (LATE_MAX_MS - DAY_MS) / happenings.len() as i64;
        let begin = now.plus_ms(-LATE_MAX_MS + HOUR_MS);
        let in_time: Vec<Event> = happenings
            .iter()
            .enumerate()
            .map(|(n, happening)| event(n, happening, begin.plus_ms(n as i64 * step_ms)))
            .collect();
        let mut shuffled: Vec<(u64, Event)> = in_time
            .iter()
            .map(|event| (seed.rotate_left(7).wrapping_mul(event.at.map_or(1, |at| at.ms() as u64 | 1)), event.clone()))
            .collect();
        shuffled.sort_by_key(|(place, _)| *place);
        let shuffled: Vec<Event> = shuffled.into_iter().map(|(_, event)| event).collect();
        let (expected, products) = known(&in_time, now);
        let (found, found_products) = known(&shuffled, now);
        prop_assert_eq!(products, found_products);
        prop_assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
        for (tag, value) in &expected {
            prop_assert!(same(value, &found[tag]), "{}: {:?} in time, {:?} late", tag, value, found[tag]);
        }
    }
}

fn tag(subject: &mut Subject, id: &str) -> Option<Value> {
    let Reply::View(view) = subject.apply(&Command::View).reply else { panic!("a view") };
    view.tags.into_iter().find(|tag| &*tag.id == id).map(|tag| tag.value)
}

#[test]
fn what_was_removed_does_not_come_back_with_a_late_event() {
    let mut ann = Subject::new(playbook());
    let now = ann.now;
    let mut n = 0;
    let mut hear = |ann: &mut Subject, happening: Happening, ago_ms: i64| {
        n += 1;
        ann.hear(event(n, &happening, now.plus_ms(-ago_ms)));
    };
    hear(&mut ann, Happening::Left(1), MINUTE_MS);
    hear(&mut ann, Happening::Chosen(1), HOUR_MS);
    assert_eq!((tag(&mut ann, "plan"), ann.customer().products.len()), (None, 0));
    hear(&mut ann, Happening::Chosen(2), 0);
    hear(&mut ann, Happening::Left(2), DAY_MS);
    assert_eq!(tag(&mut ann, "plan"), Some(Value::Text("plan-2".into())));
    assert_eq!(ann.customer().products.len(), 1);
    let patch = |set: Vec<(String, Value)>, unset: Vec<String>, ago_ms: i64| {
        Command::PatchTags(TagPatch { source: "crm".into(), as_of: Some(now.plus_ms(-ago_ms)), set, unset })
    };
    ann.apply(&patch(vec![], vec!["allowance".into()], MINUTE_MS));
    ann.apply(&patch(vec![("allowance".into(), Value::Int(5))], vec![], HOUR_MS));
    assert_eq!(tag(&mut ann, "allowance"), None);
    ann.apply(&patch(vec![("allowance".into(), Value::Int(6))], vec![], 0));
    assert_eq!(tag(&mut ann, "allowance"), Some(Value::Number(6.0)));
}

#[test]
fn a_batch_repeated_changes_nothing_and_is_counted_so() {
    let mut ann = Subject::new(playbook());
    let now = ann.now;
    let patch = Command::PatchTags(TagPatch {
        source: "dwh".into(),
        as_of: Some(now.plus_ms(-DAY_MS)),
        set: ["mb_30d", "mb_recent", "mb_ever", "mb_month", "mb_mean_30d", "allowance", "cases"]
            .map(|id| (id.to_owned(), Value::Int(3)))
            .to_vec(),
        unset: vec!["plan".into(), "mb_least_30d".into()],
    });
    let first = ann.apply(&patch);
    assert!(first.changed);
    let snapshot = ann.snapshot.clone();
    let again = ann.apply(&patch);
    let Reply::Tags(outcome) = again.reply else { panic!("{:?}", again.reply) };
    assert_eq!((outcome.changed, again.changed), (0, false));
    assert_eq!(ann.snapshot, snapshot);
}

#[test]
fn a_batch_value_counts_for_all_that_was_before_it() {
    let mut ann = Subject::new(playbook());
    let now = ann.now;
    ann.tag("mb_ever", Value::Int(1000));
    ann.tag("cases", Value::Int(2));
    for (n, happening) in [Happening::Used(800, 1), Happening::Opened].iter().enumerate() {
        ann.hear(event(n, happening, now.plus_ms(-HOUR_MS)));
    }
    assert_eq!(tag(&mut ann, "mb_ever"), Some(Value::Number(1000.0)));
    assert_eq!(tag(&mut ann, "cases"), Some(Value::Int(2)));
    ann.hear(event(9, &Happening::Used(800, 1), now.plus_ms(1)));
    assert_eq!(tag(&mut ann, "mb_ever"), Some(Value::Number(1100.0)));
}

#[test]
fn a_tag_made_of_events_is_not_set_from_outside() {
    let mut ann = Subject::new(playbook());
    for id in ["mb_level", "cells_30d", "drops_near_fault_30d"] {
        let Reply::Refused(Refusal { code, .. }) = ann.tag(id, Value::Int(3)) else { panic!("{id} was set") };
        assert_eq!(code, "derived_tag");
    }
    assert!(ann.snapshot.is_empty());
}

#[test]
fn a_state_does_not_grow_with_the_history() {
    let mut ann = Subject::new(playbook());
    let mut sizes = Vec::new();
    for round in 0..6 {
        for n in 0..300usize {
            ann.wait(HOUR_MS);
            let happening = match n % 6 {
                0 => Happening::Dropped((n % 3) as u8),
                1 => Happening::Fault((n % 5) as u8),
                2 => Happening::Opened,
                3 => Happening::Closed,
                4 => Happening::Chosen((n % 3) as u8),
                _ => Happening::Used(100, (n % 200) as u8),
            };
            ann.hear(event(round * 1000 + n, &happening, ann.now));
        }
        let mut bytes = Vec::new();
        ann.customer().derivations.write_form(&mut bytes);
        sizes.push(bytes.len());
    }
    let (early, late) = (sizes[3], sizes[5]);
    assert!(late < early + early / 10, "{sizes:?}");
}
