//! The thread that moves the write-ahead log into the main file, so that commits need not.
//!
//! Beside the writer as long as it can; with the writer waiting only when the log would outgrow its bound, after an
//! erasure, when nothing else is going on, and at the end. An erasure is answered here, once the log that still held
//! the erased bytes is empty.

use super::schema::PAGE_BYTES;
use super::writer::{Answer, Done};
use crate::metrics::{self, Stopwatch};
use crate::{EmbeddedOptions, Erasure, StoreError};
use rusqlite::Connection;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::error;

/// How much of the log is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Log {
    /// Bytes in use, whether or not they are in the main file already.
    used_bytes: u64,
    /// Bytes in use that only the log holds.
    pending_bytes: u64,
}

/// What one round of the thread has to do, ordered by how much it asks of the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Checkpoint {
    /// Copies what it can while the writer goes on.
    Beside,
    /// Copies everything while the writer waits; the log starts again from its beginning.
    Restart,
    /// As `Restart`, and cuts the log's file to nothing: no old byte is left in it.
    Empty,
}

impl Checkpoint {
    fn sql(self) -> &'static str {
        match self {
            Checkpoint::Beside => "pragma wal_checkpoint(passive)",
            Checkpoint::Restart => "pragma wal_checkpoint(restart)",
            Checkpoint::Empty => "pragma wal_checkpoint(truncate)",
        }
    }
}

/// What the log's size asks for after a commit.
fn plan(log: Log, pending_bytes_max: u64, used_bytes_max: u64) -> Option<Checkpoint> {
    if log.used_bytes >= used_bytes_max {
        Some(Checkpoint::Restart)
    } else if log.pending_bytes >= pending_bytes_max {
        Some(Checkpoint::Beside)
    } else {
        None
    }
}

/// What the writer and the checkpoint thread tell each other.
pub(super) struct Checkpoints {
    state: Mutex<State>,
    changed: Condvar,
    pending_bytes_max: u64,
    used_bytes_max: u64,
    idle_after: Duration,
}

#[derive(Default)]
struct State {
    wanted: Option<Checkpoint>,
    erased: Vec<(oneshot::Sender<Answer>, Erasure)>,
    commits: u64,
    /// The writer is in a transaction.
    is_writing: bool,
    /// The checkpoint thread wants the writer to wait.
    is_exclusive: bool,
    closed: bool,
    ended: bool,
}

struct Round {
    checkpoint: Option<Checkpoint>,
    erased: Vec<(oneshot::Sender<Answer>, Erasure)>,
    is_last: bool,
}

/// While held, no checkpoint makes the writer wait inside its transaction.
pub(super) struct WritersTurn<'a>(&'a Checkpoints);

impl Drop for WritersTurn<'_> {
    fn drop(&mut self) {
        self.0.state().is_writing = false;
        self.0.changed.notify_all();
    }
}

struct ExclusiveTurn<'a>(&'a Checkpoints);

impl Drop for ExclusiveTurn<'_> {
    fn drop(&mut self) {
        self.0.state().is_exclusive = false;
        self.0.changed.notify_all();
    }
}

impl Checkpoints {
    pub(super) fn new(options: &EmbeddedOptions) -> Checkpoints {
        Checkpoints {
            state: Mutex::default(),
            changed: Condvar::new(),
            pending_bytes_max: options.checkpoint_bytes,
            used_bytes_max: options.wal_bytes_max,
            idle_after: Duration::from_millis(options.idle_after_ms),
        }
    }

    /// Waits until no checkpoint needs the writer to wait. Left to SQLite's own locks, a busy writer would keep
    /// the checkpoint out for ever.
    pub(super) fn writing(&self) -> WritersTurn<'_> {
        let mut state = self.state();
        while state.is_exclusive {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_writing = true;
        WritersTurn(self)
    }

    /// Notes a commit, and asks for a checkpoint when the log has grown enough.
    pub(super) fn committed(&self, conn: &Connection) {
        let log = match log_of(conn) {
            Ok(log) => log,
            Err(error) => return error!(%error, "the log's size is unknown"),
        };
        metrics::wal(log.used_bytes);
        let wanted = plan(log, self.pending_bytes_max, self.used_bytes_max);
        let mut state = self.state();
        state.commits += 1;
        let is_news = wanted > state.wanted;
        state.wanted = state.wanted.max(wanted);
        drop(state);
        if is_news {
            self.changed.notify_all();
        }
    }

    /// Answers an erasure once the log is empty.
    pub(super) fn erased(&self, answer: oneshot::Sender<Answer>, erasure: Erasure) {
        let mut state = self.state();
        if state.ended {
            return drop(answer.send(Err(bytes_left("the checkpoint thread has ended"))));
        }
        state.erased.push((answer, erasure));
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    fn exclusive(&self) -> ExclusiveTurn<'_> {
        let mut state = self.state();
        state.is_exclusive = true;
        while state.is_writing {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        ExclusiveTurn(self)
    }

    /// Waits for something to do. `emptied_at` is the count of commits when the log was last emptied.
    fn next(&self, emptied_at: u64) -> Round {
        let mut state = self.state();
        let mut commits_before = state.commits;
        while state.wanted.is_none() && state.erased.is_empty() && !state.closed {
            let (woken, timeout) =
                self.changed.wait_timeout(state, self.idle_after).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            let is_quiet = timeout.timed_out() && state.commits == commits_before;
            if is_quiet && state.commits > emptied_at {
                state.wanted = Some(Checkpoint::Empty);
            }
            commits_before = state.commits;
        }
        let erased = std::mem::take(&mut state.erased);
        let must_empty = state.closed || !erased.is_empty();
        let wanted = state.wanted.take();
        Round {
            checkpoint: if must_empty { Some(Checkpoint::Empty) } else { wanted },
            erased,
            is_last: state.closed,
        }
    }

    fn commits(&self) -> u64 {
        self.state().commits
    }

    /// Nothing that can panic runs under the lock, so a poisoned state is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until closed. The answer is that of the last checkpoint: was the log emptied at the end?
pub(super) fn run(conn: &Connection, checkpoints: &Checkpoints) -> Result<(), StoreError> {
    let _answer_all = AnswerAllAtEnd(checkpoints);
    let mut emptied_at = 0;
    loop {
        let round = checkpoints.next(emptied_at);
        let commits = checkpoints.commits();
        let outcome = round.checkpoint.map_or(Ok(()), |kind| checkpoint(conn, checkpoints, kind));
        if let Err(error) = &outcome {
            error!(%error, "a checkpoint failed");
        }
        if round.checkpoint == Some(Checkpoint::Empty) {
            emptied_at = commits;
        }
        for (answer, erasure) in round.erased {
            let _ = answer.send(outcome.clone().map(|()| Done::Erased(erasure)).map_err(bytes_left));
        }
        if round.is_last {
            return outcome;
        }
    }
}

/// First beside the writer, so that it waits for little: what was committed in the meantime.
fn checkpoint(conn: &Connection, checkpoints: &Checkpoints, kind: Checkpoint) -> Result<(), StoreError> {
    let watch = Stopwatch::start();
    let outcome = pragma(conn, Checkpoint::Beside).and_then(|_as_far_as_it_came| {
        if kind == Checkpoint::Beside {
            return Ok(true);
        }
        let _writer_waits = checkpoints.exclusive();
        pragma(conn, kind)
    });
    metrics::checkpointed(watch.elapsed());
    match outcome {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(StoreError::Unavailable("a reader kept the write-ahead log from being emptied".into()))
        }
        Err(error) => Err(StoreError::Unavailable(format!("checkpoint: {error}"))),
    }
}

/// False when somebody's lock kept the checkpoint from finishing.
fn pragma(conn: &Connection, kind: Checkpoint) -> rusqlite::Result<bool> {
    conn.query_row(kind.sql(), [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}

fn log_of(conn: &Connection) -> rusqlite::Result<Log> {
    conn.query_row("pragma wal_checkpoint(noop)", [], |row| {
        let frames = |column| row.get::<_, i64>(column).map(|count| count.max(0) as u64);
        let (used, copied) = (frames(1)?, frames(2)?);
        Ok(Log { used_bytes: used * PAGE_BYTES, pending_bytes: used.saturating_sub(copied) * PAGE_BYTES })
    })
}

fn bytes_left(why: impl std::fmt::Display) -> StoreError {
    StoreError::MaybeApplied(format!("erased, but older copies may be left in the write-ahead log: {why}"))
}

struct AnswerAllAtEnd<'a>(&'a Checkpoints);

impl Drop for AnswerAllAtEnd<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ended = true;
        let left = std::mem::take(&mut state.erased);
        drop(state);
        for (answer, _) in left {
            let _ = answer.send(Err(bytes_left("the checkpoint thread has ended")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_asked_for_by_what_is_pending_and_forced_by_what_is_used() {
        let check = |pending_bytes, used_bytes, expected| {
            assert_eq!(plan(Log { used_bytes, pending_bytes }, 32, 256), expected);
        };
        check(0, 0, None);
        check(31, 255, None);
        check(32, 32, Some(Checkpoint::Beside));
        check(0, 256, Some(Checkpoint::Restart));
        check(256, 256, Some(Checkpoint::Restart));
    }
}
