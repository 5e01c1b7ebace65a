//! What the embedded store counts, and the one clock it looks at: to measure, never to decide.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;

const COMMITS: &str = "storage_commits_total";
const GROUP: &str = "storage_group_writes";
const COMMIT: &str = "storage_commit_seconds";
const WAITING: &str = "storage_waiting_writes";
const BUSY: &str = "storage_busy_total";
const CHECKPOINT: &str = "storage_checkpoint_seconds";
const WAL: &str = "storage_wal_bytes";

/// Says to the installed recorder what each metric means. Call once, after installing it.
pub fn describe() {
    describe_counter!(COMMITS, "commits of the embedded store, each one flush to disk");
    describe_histogram!(GROUP, "writes that shared a commit");
    describe_histogram!(COMMIT, Unit::Seconds, "one group: applied, committed and on disk");
    describe_gauge!(WAITING, "writes waiting for the writer");
    describe_counter!(BUSY, "calls refused because a queue was full");
    describe_histogram!(CHECKPOINT, Unit::Seconds, "one checkpoint");
    describe_gauge!(WAL, Unit::Bytes, "the part of the write-ahead log in use");
}

pub(crate) fn committed(group: usize, took: Duration) {
    counter!(COMMITS).increment(1);
    histogram!(GROUP).record(group as f64);
    histogram!(COMMIT).record(took);
}

pub(crate) fn waiting(writes: usize) {
    gauge!(WAITING).set(writes as f64);
}

pub(crate) fn busy() {
    counter!(BUSY).increment(1);
}

pub(crate) fn checkpointed(took: Duration) {
    histogram!(CHECKPOINT).record(took);
}

pub(crate) fn wal(bytes: u64) {
    gauge!(WAL).set(bytes as f64);
}

/// Measures how long something took.
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "only measured: no decision of the store depends on it")]
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
