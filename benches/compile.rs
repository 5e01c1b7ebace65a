//! How long does it take from files to a compiled playbook, and what does an offer take in memory?
//!
//! Size: 40,000 offers with three rules of one to three comparisons, six affinities, two priors, two values and texts for two channels, over a
//! dictionary of 2,000 tags, in files of 2,500 offers. Baseline in the same run: the YAML reader's events alone, nothing kept.
//! Budget: 40,000 offers in under two seconds, under 1 KB an offer.

use actors::playbook::compile::{compile, from_canonical};
use actors::playbook::{Dictionary, Playbook};
use criterion::{Criterion, criterion_group, criterion_main};
use std::fmt::Write;
use std::hint::black_box;

const TAGS: usize = 2_000;
const OFFERS_PER_FILE: usize = 2_500;

/// A catalogue as an author (or an export) writes it.
fn files(offers: usize) -> Vec<(String, String)> {
    let mut tags = String::from("kpi: {active: clv}\ntags:\n");
    for n in 0..TAGS {
        match n % 8 {
            0 => writeln!(tags, "  - {{id: e{n}, type: enum, values: [a, b, c, d, e]}}"),
            1 => writeln!(tags, "  - {{id: b{n}, type: bool}}"),
            _ => writeln!(tags, "  - {{id: n{n}, type: number}}"),
        }
        .expect("text");
    }
    let mut files = vec![("tags.yaml".to_owned(), tags)];
    for first in (0..offers).step_by(OFFERS_PER_FILE) {
        let mut text = String::from("offers:\n");
        for n in first..offers.min(first + OFFERS_PER_FILE) {
            offer(n, &mut text);
        }
        files.push((format!("offers-{first:06}.yaml"), text));
    }
    files
}

fn offer(n: usize, text: &mut String) {
    let tag = |k: usize| {
        let ix = (n * 7 + k * 131) % TAGS;
        if ix % 8 < 2 { ix + 2 } else { ix }
    };
    let flag = (n * 8 + 1) % TAGS;
    let choice = (n * 8) % TAGS;
    let affinity = (0..6)
        .map(|k| {
            format!("      - {{tag: n{}, weight: 0.{}, center: {}, scale: 20}}\n", tag(k), k + 1, n % 97)
        })
        .collect::<String>();
    write!(
        text,
        "  - id: offer-{n:06}
    title: Offer {n}
    owner: own
    family: family-{}
    group: group-{}
    kind: offer
    purpose: marketing
    valid: {{from: 2026-01-01, to: 2027-12-31}}
    price: {}.9
    value: {{clv: \"{}\", cash_flow: \"{}.9 * 12\"}}
    prior: {{default: 0.0{}, sms: 0.02}}
    affinity:
{affinity}    rules:
      eligible: \"t.n{} >= {} && t.e{choice} in ['a', 'b']\"
      applicable: \"!t.b{flag} && !owns('product-{}')\"
      suitable: \"t.n{} < {}\"
    channels: [sms, app, desk]
    content: {{app: {{title: \"Offer {n} for you\"}}, desk: {{script: \"You use {{{{ t.n{} }}}} a month\"}}}}
",
        n % 3_000,
        n % 40,
        n % 50,
        n % 400,
        n % 50,
        n % 9 + 1,
        tag(0),
        n % 83,
        n % 500,
        tag(1),
        n % 79,
        tag(2),
    )
    .expect("text");
}

/// What one more copy of the playbook adds to this process: the copies before it leave room for what compiling needs
/// on its way.
fn held_bytes(playbook: &Playbook) -> u64 {
    let copy = || from_canonical(&playbook.canonical, &playbook.dictionary).expect("sound");
    let _first = [copy(), copy()];
    let before = resident_bytes();
    let _more = [copy(), copy(), copy(), copy()];
    resident_bytes().saturating_sub(before) / 4
}

/// Bytes of this process in memory.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

fn compiling(criterion: &mut Criterion) {
    // `--test` runs everything once: a small catalogue is enough then.
    let offers = if std::env::args().any(|arg| arg == "--test") { 500 } else { 40_000 };
    let files = files(offers);
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let compiled = compile(&files, &Dictionary::default()).expect("a sound playbook").playbook;
    eprintln!(
        "{offers} offers: {} MB of text, {} bytes an offer in canonical form, {} bytes an offer in memory",
        bytes >> 20,
        compiled.canonical.len() / offers,
        held_bytes(&compiled) / offers as u64
    );
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    group.bench_function(format!("{offers} offers from files"), |bencher| {
        bencher.iter(|| {
            compile(black_box(&files), &Dictionary::default()).expect("sound").playbook.offers.len()
        });
    });
    group.bench_function(format!("{offers} offers from the canonical form"), |bencher| {
        bencher.iter(|| {
            from_canonical(black_box(&compiled.canonical), &Dictionary::default())
                .expect("sound")
                .offers
                .len()
        });
    });
    group.finish();
}

criterion_group!(benches, compiling);
criterion_main!(benches);
