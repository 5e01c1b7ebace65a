//! Question: what does the store over CQL cost over the driver itself writing the same bytes in as many statements, and how
//! many bytes does an event write?
//!
//! Size: 2,000 customers, snapshots of 2.5 KB that change as a whole (incompressible) or as a turn changes them (real
//! snapshots of 600 tags, one event with five updates); 1 and 64 callers at once. The server is the one that RAPPORT_TEST_CQL
//! names; without it nothing is measured. Baseline in the same run, against the same server: the prepared insert of one
//! cell. Budget: three minutes; the store reaches 0.8 of the baseline, and an event writes a quarter of a snapshot.

use actors::call::{Command, CustomerId, Event, TagPatch};
use actors::customer::{Customer, Turn};
use actors::playbook::Dictionary;
use actors::playbook::active::Active;
use actors::playbook::compile::compile;
use actors::{Timestamp, Value};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::statement::Consistency;
use scylla::statement::prepared::PreparedStatement;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use storage::scylla::migrate;
use storage::{CustomerKey, CustomerStore, Fence, Save, Scylla, ScyllaOptions, StoredCustomer};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const CUSTOMERS: u64 = 2000;
const SNAPSHOT_BYTES: usize = 2500;
const CALLERS: [u64; 2] = [1, 64];
/// Events of the count of bytes: four rounds of the ring.
const EVENTS: u64 = 64;

/// SplitMix64: spreads numbers over all 64 bits.
fn spread(n: u64) -> u64 {
    let z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn incompressible(seed: u64) -> Arc<[u8]> {
    (0..SNAPSHOT_BYTES as u64 / 8 + 1)
        .flat_map(|i| spread(seed ^ (i << 40)).to_le_bytes())
        .take(SNAPSHOT_BYTES)
        .collect()
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn key(n: u64) -> CustomerKey {
    CustomerKey { hash: spread(n), id: format!("customer-{n}").into() }
}

/// The store, the driver, and where each customer is.
struct Bench {
    runtime: Runtime,
    store: Arc<Scylla>,
    session: Arc<Session>,
    insert: PreparedStatement,
    customers: Vec<Option<StoredCustomer>>,
    turn: u64,
}

impl Bench {
    fn over(server: &str) -> Bench {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads");
        let options = ScyllaOptions {
            hosts: vec![server.to_owned()],
            keyspace: format!("bench{}", std::process::id()),
            request_timeout_ms: 30_000,
            connect_timeout_ms: 30_000,
            ..ScyllaOptions::default()
        };
        let (store, session, insert) = runtime.block_on(async {
            migrate(&options, 1).await.expect("migrated");
            let session = SessionBuilder::new().known_node(server).build().await.expect("connected");
            let table = format!("{}.plain", options.keyspace);
            let create = format!(
                "CREATE TABLE IF NOT EXISTS {table} (id text PRIMARY KEY, body blob) \
                 WITH compaction = {{'class': 'LeveledCompactionStrategy'}}"
            );
            session.query_unpaged(create, ()).await.expect("a table");
            let insert = format!("INSERT INTO {table} (id, body) VALUES (?, ?)");
            let mut insert = session.prepare(insert).await.expect("prepared");
            insert.set_consistency(Consistency::LocalQuorum);
            (Scylla::connect(options.clone()).await.expect("connected"), session, insert)
        });
        let customers = vec![None; CUSTOMERS as usize];
        Bench { runtime, store: Arc::new(store), session: Arc::new(session), insert, customers, turn: 0 }
    }

    /// `rounds` turns for each of `callers` through the store; `change` makes the next snapshot.
    fn save(
        &mut self,
        rounds: u64,
        callers: u64,
        change: impl Fn(u64, &Option<StoredCustomer>) -> Arc<[u8]>,
    ) -> Duration {
        let mut tasks: Vec<Vec<Save>> = (0..callers).map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for task in &mut tasks {
                let n = self.turn % CUSTOMERS;
                self.turn += 1;
                let before = self.customers[n as usize].take();
                let snapshot = change(self.turn, &before);
                let revision = before.as_ref().map_or(0, |before| before.revision) + 1;
                let stored = StoredCustomer { fence: Fence(1), revision, snapshot: Arc::clone(&snapshot) };
                self.customers[n as usize] = Some(stored);
                task.push(Save {
                    customer: key(n),
                    fence: Fence(1),
                    revision,
                    snapshot,
                    before,
                    contacts: vec![],
                    decisions: vec![],
                });
            }
        }
        let store = &self.store;
        self.runtime.block_on(async {
            let start = now();
            let mut running = JoinSet::new();
            for saves in tasks {
                let store = Arc::clone(store);
                running.spawn(async move {
                    for save in saves {
                        store.save(save).await.expect("a save");
                    }
                });
            }
            running.join_all().await;
            start.elapsed()
        })
    }

    /// As many inserts of as many bytes by the driver alone.
    fn insert(&mut self, rounds: u64, callers: u64) -> Duration {
        let mut tasks: Vec<Vec<(String, Arc<[u8]>)>> = (0..callers).map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for task in &mut tasks {
                self.turn += 1;
                task.push((format!("customer-{}", self.turn % CUSTOMERS), incompressible(self.turn)));
            }
        }
        let (session, insert) = (&self.session, &self.insert);
        self.runtime.block_on(async {
            let start = now();
            let mut running = JoinSet::new();
            for rows in tasks {
                let (session, insert) = (Arc::clone(session), insert.clone());
                running.spawn(async move {
                    for (id, body) in rows {
                        session.execute_unpaged(&insert, (id, &body[..])).await.expect("an insert");
                    }
                });
            }
            running.join_all().await;
            start.elapsed()
        })
    }
}

fn saves(criterion: &mut Criterion, server: &str) {
    let mut bench = Bench::over(server);
    // The server compiles what it does often while it does it; both sides get the same start.
    bench.save(40, 64, |turn, _| incompressible(turn));
    bench.insert(40, 64);
    for callers in CALLERS {
        let mut group = criterion.benchmark_group(format!("{callers} callers"));
        group.throughput(Throughput::Elements(callers));
        group.bench_function(BenchmarkId::from_parameter("the driver inserts 2.5 KB"), |bencher| {
            bencher.iter_custom(|rounds| bench.insert(rounds, callers));
        });
        group.bench_function(
            BenchmarkId::from_parameter("the store saves 2.5 KB, all of it new"),
            |bencher| {
                bencher.iter_custom(|rounds| bench.save(rounds, callers, |turn, _| incompressible(turn)));
            },
        );
        group.bench_function(
            BenchmarkId::from_parameter("the store saves 200 new bytes of 2.5 KB"),
            |bencher| {
                bencher.iter_custom(|rounds| {
                    bench.save(rounds, callers, |turn, before| {
                        let mut bytes = before
                            .as_ref()
                            .map_or_else(|| incompressible(turn), |before| before.snapshot.clone())
                            .to_vec();
                        let at = turn as usize * 97 % (SNAPSHOT_BYTES - 200);
                        bytes[at..at + 200].copy_from_slice(&incompressible(turn)[..200]);
                        bytes.into()
                    })
                });
            },
        );
        group.finish();
        paired(&mut bench, callers);
    }
}

/// Short runs of both in turn: whatever else the machine does meets both alike.
fn paired(bench: &mut Bench, callers: u64) {
    let (rounds, pairs) = (2048 / callers, 9);
    let mut ratios: Vec<f64> = (0..pairs)
        .map(|_| {
            let plain = bench.insert(rounds, callers).as_secs_f64();
            plain / bench.save(rounds, callers, |turn, _| incompressible(turn)).as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    eprintln!(
        "{callers} callers: the store's rate is {:.2} of the driver's (median of {pairs} pairs, {:.2} to {:.2})",
        ratios[pairs / 2],
        ratios[0],
        ratios[pairs - 1]
    );
}

/// A playbook of `tags` number tags and one event with five updates.
fn active(tags: usize) -> Active {
    let mut text = String::from("tags:\n");
    for n in 0..tags {
        text.push_str(&format!("  - {{id: t{n}, type: number}}\n"));
    }
    text.push_str("  - {id: sum, type: number}\n  - {id: calls, type: int}\n  - {id: most, type: number}\n");
    text.push_str("  - {id: warm, type: number}\n  - {id: seen_at, type: time}\n");
    text.push_str("events:\n  - type: usage\n    data: {mb: number}\n    updates:\n");
    text.push_str("      - {tag: sum, sum: data.mb, window: 30d}\n      - {tag: calls, count: true}\n");
    text.push_str("      - {tag: most, max: data.mb}\n      - {tag: warm, ewma: data.mb, half_life: 7d}\n");
    text.push_str("      - {tag: seen_at, set: event.time}\n");
    text.push_str(
        "offers:\n  - {id: o, family: f, purpose: service, value: {clv: \"1\"}, prior: {default: 0.03}}\n",
    );
    match compile(&[("bench.yaml".to_owned(), text)], &Dictionary::default()) {
        Ok(compiled) => Active::new(Arc::new(compiled.playbook), at(0)),
        Err(mistakes) => panic!("{}", mistakes[0]),
    }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_ms(1_794_312_000_000 + minutes * 60_000)
}

/// The snapshots of a customer of 600 tags that hears an event every seven minutes.
fn life() -> Vec<Arc<[u8]>> {
    let (id, active) = (CustomerId::new("ann").expect("an id"), active(600));
    let mut customer = Customer::new(&id);
    let set = (0..600).map(|n| (format!("t{n}"), Value::Number(((n * 37) % 100) as f64 + 0.5))).collect();
    let patch = TagPatch { source: "lake".into(), as_of: Some(at(0)), set, unset: vec![] };
    assert!(
        customer
            .apply(&Command::PatchTags(patch), Turn { active: &active, now: at(0), before: &[], left: &[] })
            .changed
    );
    let mut snapshots: Vec<Arc<[u8]>> = vec![customer.encode().into()];
    for n in 1..=EVENTS as i64 {
        let before = Arc::clone(&snapshots[snapshots.len() - 1]);
        let mut customer = Customer::decode(&id, &before).expect("readable");
        let event = Event {
            id: format!("e{n}"),
            source: "/pcrf".into(),
            kind: "usage".into(),
            at: Some(at(7 * n)),
            data: Value::Map(BTreeMap::from([("mb".to_owned(), Value::Number(n as f64 * 3.7))])),
        };
        let turn = Turn { active: &active, now: at(7 * n), before: &before, left: &[] };
        assert!(customer.apply(&Command::Events(vec![event]), turn).changed);
        snapshots.push(customer.encode().into());
    }
    snapshots
}

/// Counts what goes to the server over its connections.
fn counting(server: &str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (address, count) = (listener.local_addr().expect("bound").to_string(), Arc::new(AtomicU64::new(0)));
    let (server, counted) = (server.to_owned(), Arc::clone(&count));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let upstream = TcpStream::connect(&server).expect("the server");
            carry(
                client.try_clone().expect("a socket"),
                upstream.try_clone().expect("a socket"),
                Some(Arc::clone(&counted)),
            );
            carry(upstream, client, None);
        }
    });
    (address, count)
}

fn carry(mut from: TcpStream, mut to: TcpStream, count: Option<Arc<AtomicU64>>) {
    std::thread::spawn(move || {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if let Some(count) = &count {
                count.fetch_add(read as u64, Ordering::AcqRel);
            }
            if to.write_all(&bytes[..read]).is_err() {
                return;
            }
        }
    });
}

/// What an event sends, whole snapshots and changes, over the same wire.
fn bytes_an_event(server: &str) {
    let (wire, count) = counting(server);
    let bench = Bench::over(&wire);
    let snapshots = life();
    let sent = |says_what_it_replaces: bool, n: u64| {
        bench.runtime.block_on(async {
            let mut before = None;
            let mut first = 0;
            for (revision, snapshot) in (1..).zip(&snapshots) {
                let stored = StoredCustomer { fence: Fence(1), revision, snapshot: Arc::clone(snapshot) };
                let save = Save {
                    customer: key(n),
                    fence: Fence(1),
                    revision,
                    snapshot: Arc::clone(snapshot),
                    before: before.filter(|_| says_what_it_replaces),
                    contacts: vec![],
                    decisions: vec![],
                };
                bench.store.save(save).await.expect("a save");
                before = Some(stored);
                if revision == 1 {
                    first = count.load(Ordering::Acquire);
                }
            }
            (count.load(Ordering::Acquire) - first) / EVENTS
        })
    };
    let (whole, changes) = (sent(false, 1), sent(true, 2));
    eprintln!(
        "an event on a snapshot of {} bytes sends {whole} bytes whole, {changes} as changes: {:.1} times fewer",
        snapshots[EVENTS as usize].len(),
        whole as f64 / changes as f64
    );
}

fn all(criterion: &mut Criterion) {
    let Ok(server) = std::env::var("RAPPORT_TEST_CQL") else {
        eprintln!("skipped: RAPPORT_TEST_CQL names no CQL server");
        return;
    };
    bytes_an_event(&server);
    saves(criterion, &server);
}

criterion_group! {
    name = scylla_store;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(6));
    targets = all
}
criterion_main!(scylla_store);
