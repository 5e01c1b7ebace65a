//! What does a turn cost without the store?
//!
//! Size: a customer with 60 and with 600 tags who heard an event a day for 40 days. One event turn is: open the snapshot,
//! apply an event with five updates, encode; its parts are measured apart as well, and so is checking a snapshot that comes
//! from the store. One decision turn is: open, decide over the catalogue, encode, and the log row. Baseline in the same
//! run: decoding and encoding the same tags as a plain MessagePack map, which is what a turn would cost at least with a
//! generic encoding. Budget: an event turn on 600 tags takes at most 10 microseconds, and less than the baseline.

use actors::call::{Command, CustomerId, DecisionRequest, Direction, Event, TagPatch};
use actors::customer::snapshot::Snapshot;
use actors::customer::{Customer, Turn};
use actors::playbook::active::Active;
use actors::playbook::compile::compile;
use actors::playbook::{Dictionary, Playbook};
use actors::timestamp::DAY_MS;
use actors::{Timestamp, Value};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-10T12:00:00Z").expect("a time")
}

/// `tags` number tags, one event with five updates, `offers` offers with three predicates and six affinities each.
fn playbook(tags: usize, offers: usize) -> Arc<Playbook> {
    let mut text = String::from("tags:\n");
    for n in 0..tags {
        writeln!(text, "  - {{id: t{n}, type: number}}").expect("text");
    }
    text.push_str("  - {id: sum, type: number}\n  - {id: calls, type: int}\n  - {id: most, type: number}\n");
    text.push_str("  - {id: warm, type: number}\n  - {id: seen_at, type: time}\n");
    text.push_str("events:\n  - type: usage\n    data: {mb: number}\n    updates:\n");
    text.push_str("      - {tag: sum, sum: data.mb, window: 30d}\n      - {tag: calls, count: true}\n");
    text.push_str("      - {tag: most, max: data.mb}\n      - {tag: warm, ewma: data.mb, half_life: 7d}\n");
    text.push_str("      - {tag: seen_at, set: event.time}\noffers:\n");
    for n in 0..offers {
        let tag = |k: usize| (n * 7 + k * 13) % tags;
        let affinity: Vec<String> = (0..6)
            .map(|k| format!("{{tag: t{}, weight: 0.{}, center: 50, scale: 20}}", tag(k), k + 1))
            .collect();
        writeln!(
            text,
            "  - {{id: o{n}, family: f{}, purpose: service, value: {{clv: \"{}\"}}, prior: {{default: 0.03}}, \
             rules: {{eligible: \"t.t{} >= {} && t.t{} < 95\", applicable: \"t.t{} != 1\"}}, affinity: [{}]}}",
            n / 4,
            10 + n % 90,
            tag(7),
            n % 60,
            tag(8),
            tag(9),
            affinity.join(", ")
        )
        .expect("text");
    }
    match compile(&[("bench.yaml".to_owned(), text)], &Dictionary::default()) {
        Ok(compiled) => Arc::new(compiled.playbook),
        Err(mistakes) => panic!("{}", mistakes[0]),
    }
}

fn customer(id: &CustomerId, active: &Active, tags: usize) -> Snapshot {
    let mut customer = Customer::new(id);
    let patch = TagPatch {
        source: "lake".into(),
        as_of: Some(now()),
        set: (0..tags).map(|n| (format!("t{n}"), Value::Number(((n * 37) % 100) as f64 + 0.5))).collect(),
        unset: vec![],
    };
    let turn = Turn { active, now: now(), before: &[], left: &[] };
    let outcome = customer.apply(&Command::PatchTags(patch), turn);
    assert!(outcome.changed);
    for day in 1..=40 {
        let then = now().plus_ms((day - 41) * DAY_MS);
        let heard =
            customer.apply(&event_command(day, then), Turn { active, now: then, before: &[], left: &[] });
        assert!(heard.changed);
    }
    customer.snapshot()
}

fn event_command(day: i64, at: Timestamp) -> Command {
    Command::Events(vec![Event {
        id: format!("e{day}"),
        source: "/pcrf".into(),
        kind: "usage".into(),
        at: Some(at),
        data: Value::Map(BTreeMap::from([("mb".to_owned(), Value::Number(120.0))])),
    }])
}

fn decide_command() -> Command {
    Command::Decide(Box::new(DecisionRequest {
        channel: "app".into(),
        placement: None,
        direction: Direction::Inbound,
        purpose: None,
        context: Value::Map(BTreeMap::new()),
        limit: 13,
        request_id: None,
        line: None,
    }))
}

fn turn(criterion: &mut Criterion, name: &str, active: &Active, snapshot: &Snapshot, command: &Command) {
    let id = CustomerId::new("ann").expect("an id");
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let mut customer = black_box(snapshot).open(&id);
            let outcome =
                customer.apply(command, Turn { active, now: now(), before: snapshot.bytes(), left: &[] });
            let rows: Vec<Vec<u8>> = outcome.decisions.iter().map(|logged| logged.encode()).collect();
            (customer.snapshot(), rows)
        });
    });
}

/// What an event turn is made of.
fn parts(criterion: &mut Criterion, name: &str, active: &Active, snapshot: &Snapshot) {
    let id = CustomerId::new("ann").expect("an id");
    let command = event_command(0, now());
    let applied = || {
        let mut customer = snapshot.open(&id);
        let _ = customer.apply(&command, Turn { active, now: now(), before: snapshot.bytes(), left: &[] });
        customer
    };
    criterion.bench_function(&format!("{name}: check what the store gave"), |bencher| {
        bencher.iter(|| Snapshot::check(Arc::clone(black_box(snapshot.bytes()))).expect("whole"));
    });
    criterion
        .bench_function(&format!("{name}: open"), |bencher| bencher.iter(|| black_box(snapshot).open(&id)));
    criterion.bench_function(&format!("{name}: open and apply"), |bencher| bencher.iter(applied));
    criterion.bench_function(&format!("{name}: encode"), |bencher| {
        bencher.iter_batched_ref(applied, |customer| customer.snapshot(), BatchSize::SmallInput);
    });
}

fn turns(criterion: &mut Criterion) {
    let id = CustomerId::new("ann").expect("an id");
    for tags in [60, 600] {
        let active = Active::new(playbook(tags, 10), now());
        let snapshot = customer(&id, &active, tags);
        eprintln!("{tags} tags: a snapshot of {} bytes", snapshot.len());
        turn(criterion, &format!("event turn, {tags} tags"), &active, &snapshot, &event_command(0, now()));
        parts(criterion, &format!("event turn, {tags} tags"), &active, &snapshot);
        let plain: BTreeMap<u32, (f64, i64)> =
            (0..tags as u32).map(|n| (n, (f64::from((n * 37) % 100) + 0.5, now().ms()))).collect();
        let bytes = rmp_serde::to_vec(&plain).expect("plain data");
        criterion.bench_function(
            &format!("baseline: plain map of {tags} tags, {} bytes", bytes.len()),
            |bencher| {
                bencher.iter_batched(
                    || bytes.clone(),
                    |bytes| {
                        let map: BTreeMap<u32, (f64, i64)> = rmp_serde::from_slice(&bytes).expect("readable");
                        rmp_serde::to_vec(&map).expect("plain data")
                    },
                    BatchSize::SmallInput,
                );
            },
        );
    }
    for offers in [240, 2_400] {
        let active = Active::new(playbook(60, offers), now());
        let snapshot = customer(&id, &active, 60);
        turn(criterion, &format!("decision turn, {offers} offers"), &active, &snapshot, &decide_command());
    }
}

criterion_group!(benches, turns);
criterion_main!(benches);
