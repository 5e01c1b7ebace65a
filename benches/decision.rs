//! What does a whole decision cost over tens of thousands of offers, beside plain walks over them?
//!
//! Size: 20,000 offers with 30 affinities and 3 predicates each, customers with 600 tags, one core. Four catalogues: the tags that
//! offers weigh are drawn evenly or by Zipf's law, and rules are wide (about a quarter of the offers passes) or narrow (under a
//! hundredth). "Whole" is everything that a turn does for a decision: decode the customer, decide, explain 13 offers.
//! Baselines in the same run, on a customer decoded before and explaining nothing: the plain walk that asks the rules first
//! and scores what passes with hash look-ups, and the one that scores all and asks then. Budget: whole decisions 20 (even, wide), 7
//! (Zipf, wide) and 4 times (narrow) faster than rules first; 40,000 offers at most twice 20,000; the curve follows what customers
//! match. Medians are of interleaved rounds: judge the ratios, times on shared machines mean little.
//! Each way runs on the caches that the one before it left: "whole" follows the baselines and finds them cold, those after it warm.

#[path = "decision/catalogue.rs"]
mod catalogue;
#[path = "decision/plain.rs"]
mod plain;

use actors::customer::Customer;
use actors::decision::kernel::{Form, Kernel};
use actors::decision::walk::Walk;
use actors::decision::{Moment, decide, decide_by};
use catalogue::{Catalogue, RuleWidth, TagLaw};
use criterion::{BenchmarkId, Criterion};
use std::hint::black_box;
use std::time::{Duration, Instant};

const WORKLOADS: [(&str, TagLaw, RuleWidth); 4] = [
    ("even tags, wide rules", TagLaw::Even, RuleWidth::Wide),
    ("even tags, narrow rules", TagLaw::Even, RuleWidth::Narrow),
    ("Zipf tags, wide rules", TagLaw::Zipf, RuleWidth::Wide),
    ("Zipf tags, narrow rules", TagLaw::Zipf, RuleWidth::Narrow),
];

fn main() {
    let quick = std::env::args().any(|argument| argument == "--test");
    let offers = if quick { 400 } else { 20_000 };
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for (name, law, width) in WORKLOADS {
        workload(&mut criterion, name, &Catalogue::of(offers, law, width), quick);
    }
    curve(if quick { &[100, 400] } else { &[1_000, 5_000, 20_000, 40_000, 100_000] }, quick);
    criterion.final_summary();
}

fn whole(catalogue: &Catalogue, who: usize) {
    let mut customer = Customer::decode(&catalogue.id, &catalogue.snapshots[who]).expect("readable");
    customer.refresh(&catalogue.playbook, catalogue.moment.now);
    black_box(decide(&customer, &catalogue.playbook, &catalogue.request, &catalogue.moment));
}

fn formed(catalogue: &Catalogue, customer: &Customer, form: Form) {
    let Catalogue { playbook, request, moment, .. } = catalogue;
    black_box(decide_by(&mut Kernel::of_form(form), customer, playbook, request, moment));
}

fn workload(criterion: &mut Criterion, name: &str, catalogue: &Catalogue, quick: bool) {
    let customers: Vec<Customer> = catalogue.customers();
    let known: Vec<plain::Known<'_>> =
        customers.iter().map(|customer| plain::Known::of(customer, catalogue)).collect();
    let ways: [(&str, &dyn Fn(usize)); 6] = [
        ("baseline: rules first", &|who| drop(black_box(plain::rules_first(&known[who])))),
        ("baseline: score all", &|who| drop(black_box(plain::score_all(&known[who])))),
        ("whole decision", &|who| whole(catalogue, who)),
        ("decide alone", &|who| formed(catalogue, &customers[who], Form::Cheaper)),
        ("decide from rows", &|who| formed(catalogue, &customers[who], Form::Rows)),
        ("decide from postings", &|who| formed(catalogue, &customers[who], Form::Postings)),
    ];
    let mut group = criterion.benchmark_group(name);
    for (way, run) in ways.iter().take(3) {
        let mut who = 0;
        group.bench_function(BenchmarkId::from_parameter(way), |bencher| {
            bencher.iter(|| {
                who = (who + 1) % customers.len();
                run(who);
            });
        });
    }
    group.finish();
    let moment: &Moment = &catalogue.moment;
    let passing = customers.iter().map(|customer| {
        let walked = decide_by(&mut Walk, customer, &catalogue.playbook, &catalogue.request, moment);
        catalogue.playbook.offers.len() - walked.decision.withheld.iter().map(|it| it.offers).sum::<usize>()
    });
    let passing = passing.sum::<usize>() as f64 / customers.len() as f64;
    let medians = interleaved(&ways.map(|(_, run)| run), customers.len(), if quick { 1 } else { 24 });
    println!(
        "{name}: {:.1} % of {} offers pass; compiled index {} bytes an offer",
        passing / catalogue.playbook.offers.len() as f64 * 100.0,
        catalogue.playbook.offers.len(),
        catalogue.playbook.index.bytes() / catalogue.playbook.offers.len()
    );
    for ((way, _), median) in ways.iter().zip(&medians) {
        let micros = median.as_secs_f64() * 1e6;
        let times = |base: usize| medians[base].as_secs_f64() / medians[2].as_secs_f64();
        let told = match *way {
            "whole decision" => format!("{:.1} x rules first, {:.1} x score all", times(0), times(1)),
            _ => String::new(),
        };
        println!("  {way:<24} {micros:>9.1} us  {told}");
    }
}

/// Whole decisions over catalogues of growing size.
fn curve(sizes: &[usize], quick: bool) {
    println!("{:<26} {:>10} {:>12} {:>14} {:>12}", "curve", "offers", "whole us", "rules first us", "ratio");
    for (name, law, width) in WORKLOADS {
        for offers in sizes {
            let catalogue = Catalogue::of(*offers, law, width);
            let customers = catalogue.customers();
            let known: Vec<plain::Known<'_>> =
                customers.iter().map(|customer| plain::Known::of(customer, &catalogue)).collect();
            let ways: [&dyn Fn(usize); 2] = [&|who| whole(&catalogue, who), &|who| {
                drop(black_box(plain::rules_first(&known[who])));
            }];
            let medians = interleaved(&ways, customers.len(), if quick { 1 } else { 12 });
            let [whole, first] = [0, 1].map(|way| medians[way].as_secs_f64() * 1e6);
            println!("{name:<26} {offers:>10} {whole:>12.1} {first:>14.1} {:>12.1}", first / whole);
        }
    }
}

/// The median time of each way, all of them taken in turns so that whatever slows the machine slows all.
fn interleaved(ways: &[&dyn Fn(usize)], customers: usize, rounds: usize) -> Vec<Duration> {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); ways.len()];
    for round in 0..rounds {
        for who in 0..customers {
            for (way, run) in ways.iter().enumerate() {
                let began = now();
                run((who + round) % customers);
                times[way].push(began.elapsed());
            }
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        })
        .collect()
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
