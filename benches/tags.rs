//! What does a customer's tag vector cost?
//!
//! Size: 600 tags out of a dictionary of 90,000, each with its time and source. The typical mix: 30 % small whole
//! numbers, 30 % numbers (scores, amounts, megabytes), 20 % yes or no, 15 % enums, 3 % times, 2 % short texts; 560 tags come
//! from five nightly loads, each of which fills a stretch of the dictionary at one time, and 40 from events, each at its own
//! millisecond. The hard mix: the same values, but every tag from any of five sources at its own second.
//!
//! Baseline in the same run: the same tags as a plain MessagePack map (rmp-serde), read and written as a whole.
//! Budget: at most 3.5 bytes a tag in the typical mix, time and source included; a look-up under 50 ns; reading all 600
//! at least twice as fast as the map.

use actors::Timestamp;
use actors::customer::section::{Form, SectionBytes};
use actors::customer::tags::TagVector;
use actors::playbook::{TagNumber, TagValue};
use criterion::{Criterion, criterion_group, criterion_main};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

const TAGS: usize = 600;
const DICTIONARY: u64 = 90_000;
/// 2026-11-10T00:00:00Z.
const MIDNIGHT_MS: i64 = 1_794_268_800_000;
const DAY_MS: i64 = 86_400_000;

/// The same draws in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

struct Known {
    number: u32,
    value: TagValue,
    as_of: Timestamp,
    source: usize,
}

fn number_value(draws: &mut Draws) -> f64 {
    match draws.below(3) {
        0 => draws.below(101) as f64 / 100.0,
        1 => draws.below(300_000) as f64 / 100.0,
        _ => draws.below(20_000) as f64 / 10.0,
    }
}

fn value(draws: &mut Draws) -> TagValue {
    match draws.below(100) {
        0..30 => TagValue::Int(draws.below(100) as i64),
        30..60 => TagValue::Number(number_value(draws)),
        60..80 => TagValue::Bool(draws.below(2) == 1),
        80..95 => TagValue::Enum(draws.below(12) as u16),
        95..98 => TagValue::Time(Timestamp::from_ms(MIDNIGHT_MS - draws.below(900 * 86_400) as i64 * 1_000)),
        _ => TagValue::Text("postpaid-xl-2026"[..6 + draws.below(10) as usize].into()),
    }
}

fn numbers(draws: &mut Draws) -> Vec<u32> {
    let mut numbers = std::collections::BTreeSet::new();
    while numbers.len() < TAGS {
        numbers.insert(draws.below(DICTIONARY) as u32);
    }
    numbers.into_iter().collect()
}

fn typical() -> Vec<Known> {
    let mut draws = Draws(7);
    let tag = |(ix, number): (usize, u32)| {
        let load = (u64::from(number) * 5 / DICTIONARY) as usize;
        let event_ms = MIDNIGHT_MS + draws.below(30 * DAY_MS as u64) as i64 - 30 * DAY_MS;
        let (as_of, source) = match ix % 15 {
            0 => (event_ms, 5),
            _ => (MIDNIGHT_MS - load as i64 * DAY_MS, load),
        };
        Known { number, value: value(&mut draws), as_of: Timestamp::from_ms(as_of), source }
    };
    numbers(&mut Draws(3)).into_iter().enumerate().map(tag).collect()
}

fn hard() -> Vec<Known> {
    let mut draws = Draws(11);
    let apart = |known: Known| {
        let as_of = Timestamp::from_ms(MIDNIGHT_MS - draws.below(30 * 86_400) as i64 * 1_000);
        Known { as_of, source: draws.below(5) as usize, ..known }
    };
    typical().into_iter().map(apart).collect()
}

fn vector(known: &[Known]) -> TagVector {
    let mut tags = TagVector::default();
    for one in known {
        let source = format!("lake-{}", one.source).as_str().into();
        tags.put(TagNumber(one.number), one.value.clone(), one.as_of, &source);
    }
    tags
}

fn bytes_of(tags: &TagVector) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4_096);
    tags.write_form(&mut bytes);
    bytes
}

type PlainMap = BTreeMap<u32, (TagValue, i64, u16)>;

fn plain(known: &[Known]) -> PlainMap {
    let tag = |one: &Known| (one.number, (one.value.clone(), one.as_of.ms(), one.source as u16));
    known.iter().map(tag).collect()
}

fn read_all(bytes: &SectionBytes) -> TagVector {
    let tags = TagVector::read_form(bytes).expect("readable");
    tags.check_form().expect("whole");
    tags
}

fn tags(criterion: &mut Criterion) {
    for (mix, known) in [("typical", typical()), ("hard", hard())] {
        let tags = vector(&known);
        let bytes: Arc<[u8]> = bytes_of(&tags).into();
        let map = plain(&known);
        let packed = rmp_serde::to_vec(&map).expect("plain data");
        eprintln!(
            "{mix} mix: {} bytes, {:.2} a tag; plain map {} bytes, {:.2} a tag",
            bytes.len(),
            bytes.len() as f64 / TAGS as f64,
            packed.len(),
            packed.len() as f64 / TAGS as f64
        );
        let section = SectionBytes::new(&bytes, 0..bytes.len());
        assert_eq!(read_all(&section), tags);
        criterion.bench_function(&format!("{mix}: read all"), |b| b.iter(|| read_all(black_box(&section))));
        criterion.bench_function(&format!("{mix}: baseline, read a plain map"), |b| {
            b.iter(|| rmp_serde::from_slice::<PlainMap>(black_box(&packed)).expect("readable"));
        });
        criterion.bench_function(&format!("{mix}: write all"), |b| b.iter(|| bytes_of(black_box(&tags))));
        criterion.bench_function(&format!("{mix}: baseline, write a plain map"), |b| {
            b.iter(|| rmp_serde::to_vec(black_box(&map)).expect("plain data"));
        });
        criterion.bench_function(&format!("{mix}: change one tag of stored bytes and write"), |b| {
            b.iter(|| {
                let mut tags = TagVector::read_form(black_box(&section)).expect("readable");
                let one = &known[TAGS / 2];
                tags.put(TagNumber(one.number), TagValue::Int(9), one.as_of, &"lake-1".into());
                bytes_of(&tags)
            });
        });
    }
    look_ups(criterion);
}

/// All of 600 tags, and as many that are not there, in an order that no cache expects.
fn look_ups(criterion: &mut Criterion) {
    let known = typical();
    let (tags, map) = (vector(&known), plain(&known));
    let mut draws = Draws(5);
    let asked: Vec<u32> = (0..1_024)
        .map(|ix| match ix % 2 {
            0 => known[draws.below(TAGS as u64) as usize].number,
            _ => draws.below(DICTIONARY) as u32,
        })
        .collect();
    criterion.bench_function("1,024 look-ups", |b| {
        b.iter(|| asked.iter().filter(|number| tags.get(TagNumber(**number)).is_some()).count());
    });
    criterion.bench_function("1,024 look-ups: baseline, a BTreeMap", |b| {
        b.iter(|| asked.iter().filter(|number| map.contains_key(*number)).count());
    });
}

criterion_group!(benches, tags);
criterion_main!(benches);
