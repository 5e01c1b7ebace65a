//! Question: what does the embedded store's way to disk (queue, checks, group, answers, checkpoints) cost over bare
//! SQLite transactions of the same size and durability?
//!
//! Size: 20,000 customers with incompressible snapshots of 2.5 KB, about 60 MB, random keys; 1, 16, 128 and 512
//! callers at once against as many updates per transaction. Every commit is on disk before it returns.
//! Budget: two minutes. The store should reach half of the bare rate with one caller, where two thread switches are
//! added to each flush, and three quarters of it from 16 callers on.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{CustomerKey, CustomerStore, Embedded, EmbeddedOptions, Fence, Save};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const CUSTOMERS: u64 = 20_000;
const SNAPSHOT_BYTES: usize = 2500;
const CALLERS: [u64; 4] = [1, 16, 128, 512];

/// SplitMix64: spreads numbers over all 64 bits.
fn spread(n: u64) -> u64 {
    let z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn snapshot(seed: u64) -> Arc<[u8]> {
    (0..SNAPSHOT_BYTES as u64 / 8 + 1)
        .flat_map(|i| spread(seed ^ (i << 40)).to_le_bytes())
        .take(SNAPSHOT_BYTES)
        .collect()
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// The store and the revision each customer is at.
struct Ours {
    store: Arc<Embedded>,
    revisions: Vec<u64>,
    runtime: Runtime,
    /// Which customer is next: a walk through all of them in an order that looks random to the tree.
    turn: u64,
}

impl Ours {
    fn filled(dir: &Path) -> Ours {
        let store = Embedded::open(dir, EmbeddedOptions::default()).expect("an empty directory");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("threads");
        let mut ours =
            Ours { store: Arc::new(store), revisions: vec![0; CUSTOMERS as usize], runtime, turn: 0 };
        ours.save(CUSTOMERS / 500, 500);
        ours
    }

    /// `rounds` turns for each of `callers`, who wait only for their own saves.
    fn save(&mut self, rounds: u64, callers: u64) -> Duration {
        let mut tasks: Vec<Vec<Save>> = (0..callers).map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for task in &mut tasks {
                task.push(self.next_save());
            }
        }
        let store = &self.store;
        self.runtime.block_on(async {
            let start = now();
            let mut running = JoinSet::new();
            for saves in tasks {
                let store = store.clone();
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

    /// Callers never share a customer within a round, and a customer comes round again only after all others.
    fn next_save(&mut self) -> Save {
        let n = self.turn % CUSTOMERS;
        self.turn += 1;
        self.revisions[n as usize] += 1;
        let revision = self.revisions[n as usize];
        Save {
            customer: CustomerKey { hash: spread(n), id: format!("customer-{n}").into() },
            fence: Fence(1),
            revision,
            snapshot: snapshot(n ^ (revision << 32)),
            before: None,
            contacts: Vec::new(),
            decisions: Vec::new(),
        }
    }
}

/// Key, customer number, snapshot.
type Row = (i64, u64, Arc<[u8]>);

/// Bare SQLite with our page size and durability, and its own checkpoints: it has no thread for them.
struct Bare {
    conn: Connection,
    turn: u64,
}

impl Bare {
    fn filled(dir: &Path) -> Bare {
        let conn = Connection::open(dir.join("bare.db")).expect("an empty directory");
        let settings = "pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = full;
            pragma secure_delete = on; pragma cache_size = -65536; pragma wal_autocheckpoint = 4096;
            create table customers(key integer primary key, id text not null, fence integer not null,
                revision integer not null, snapshot blob not null) strict;";
        conn.execute_batch(settings).expect("settings");
        let mut bare = Bare { conn, turn: 0 };
        bare.save(CUSTOMERS / 500, 500);
        bare
    }

    /// `rounds` transactions of `batch` customers each, in the order of their keys.
    fn save(&mut self, rounds: u64, batch: u64) -> Duration {
        let batches: Vec<Vec<Row>> = (0..rounds).map(|_| self.next_batch(batch)).collect();
        let sql = "insert into customers(key, id, fence, revision, snapshot) values(?1, ?2, 1, 1, ?3)
            on conflict(key) do update set revision = revision + 1, snapshot = excluded.snapshot";
        let mut put = self.conn.prepare(sql).expect("a statement");
        let start = now();
        for batch in batches {
            self.conn.execute_batch("begin immediate").expect("begin");
            for (key, n, snapshot) in batch {
                put.execute(params![key, format!("customer-{n}"), &snapshot[..]]).expect("an update");
            }
            self.conn.execute_batch("commit").expect("commit");
        }
        start.elapsed()
    }

    fn next_batch(&mut self, batch: u64) -> Vec<Row> {
        let turns = self.turn..self.turn + batch;
        self.turn += batch;
        let row = |turn: u64| (spread(turn % CUSTOMERS) as i64, turn % CUSTOMERS, snapshot(turn));
        let mut rows: Vec<_> = turns.map(row).collect();
        rows.sort_by_key(|(key, ..)| *key);
        rows
    }
}

fn group_commit(criterion: &mut Criterion) {
    // Under target, not the system's temporary directory: that may be memory, where a flush costs nothing.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory under target");
    let mut ours = Ours::filled(&dir.path().join("ours"));
    let mut bare = Bare::filled(dir.path());
    let mut group = criterion.benchmark_group("group_commit");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(6));
    for callers in CALLERS {
        group.throughput(Throughput::Elements(callers));
        group.bench_function(BenchmarkId::new("bare", callers), |bencher| {
            bencher.iter_custom(|rounds| bare.save(rounds, callers));
        });
        group.bench_function(BenchmarkId::new("store", callers), |bencher| {
            bencher.iter_custom(|rounds| ours.save(rounds, callers));
        });
    }
    group.finish();
}

criterion_group!(benches, group_commit);
criterion_main!(benches);
