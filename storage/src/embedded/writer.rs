//! The one thread that writes: whatever waits shares one transaction and one flush to disk.
//!
//! While a group is on its way to disk the next one gathers, so throughput grows with the load and a lone caller
//! waits for nobody. Leaves out when the log is checkpointed (see `checkpoint`).

use super::checkpoint::Checkpoints;
use super::queue::{AbandonAtEnd, Queue};
use super::rows::Rows;
use super::schema::not_applied;
use crate::metrics::{self, Stopwatch};
use crate::{
    Activation, CustomerKey, DueRow, Erasure, Fence, PlaybookRow, Save, ShardEvidence, StoreError,
    StoredDictionary, TotalLease,
};
use rusqlite::{Connection, ErrorCode};
use std::sync::Arc;
use tokio::sync::oneshot;
use tracing::error;

/// One thing to make durable.
pub(super) enum Write {
    Save(Save),
    Restore(Save),
    Erase { customer: CustomerKey, fence: Fence, revision: u64 },
    PutPlaybook(PlaybookRow),
    Activate(Activation),
    PutDictionary(StoredDictionary),
    LeaseTotal(TotalLease),
    GiveBackTotal { name: String, units: u64 },
    PutEvidence(ShardEvidence),
    PutDue(Vec<DueRow>),
    RemoveDue(Vec<DueRow>),
    PutEvidenceTable { id: String, body: Arc<[u8]> },
}

impl Write {
    /// Neighbours in the tree are written one after the other; writes of one customer keep their order.
    fn place(&self) -> i64 {
        match self {
            Write::Save(save) | Write::Restore(save) => save.customer.hash as i64,
            Write::Erase { customer, .. } => customer.hash as i64,
            Write::PutPlaybook(_)
            | Write::Activate(_)
            | Write::PutDictionary(_)
            | Write::PutEvidence(_)
            | Write::PutDue(_)
            | Write::RemoveDue(_)
            | Write::LeaseTotal(_)
            | Write::GiveBackTotal { .. }
            | Write::PutEvidenceTable { .. } => i64::MIN,
        }
    }
}

/// What became of a write that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Written,
    Erased(Erasure),
    Leased(u64),
}

pub(super) type Answer = Result<Done, StoreError>;

/// A write and the caller who waits for it.
pub(super) struct Waiting {
    pub(super) write: Write,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Runs until the queue is closed and empty. If it ends early, nobody is left waiting.
pub(super) fn run(conn: &Connection, queue: &Queue<Waiting>, checkpoints: &Checkpoints, group_max: usize) {
    let _abandon = AbandonAtEnd(queue);
    let mut rows = match Rows::prepare(conn) {
        Ok(rows) => rows,
        Err(error) => return error!(%error, "the writer could not start"),
    };
    while let Some((group, left)) = queue.take(group_max) {
        metrics::waiting(left);
        serve(conn, &mut rows, group, checkpoints);
    }
}

fn serve(conn: &Connection, rows: &mut Rows<'_>, mut group: Vec<Waiting>, checkpoints: &Checkpoints) {
    group.retain(|waiting| !waiting.answer.is_closed());
    group.sort_by_key(|waiting| waiting.write.place());
    let writes: Vec<&Write> = group.iter().map(|waiting| &waiting.write).collect();
    let turn = checkpoints.writing();
    let watch = Stopwatch::start();
    let answers = commit_group(conn, rows, &writes);
    metrics::committed(writes.len(), watch.elapsed());
    drop(turn);
    for (waiting, answer) in group.into_iter().zip(answers) {
        match answer {
            Ok(Done::Erased(erasure)) => checkpoints.erased(waiting.answer, erasure),
            answer => drop(waiting.answer.send(answer)),
        }
    }
    checkpoints.committed(conn);
}

/// Commits the group in one transaction and says what became of each write.
///
/// When something fails before the commit that is not the disk's fault, each write gets a transaction of its own, so
/// that one damaged page stops only the customer on it.
fn commit_group(conn: &Connection, rows: &mut Rows<'_>, group: &[&Write]) -> Vec<Answer> {
    match try_commit(conn, rows, group) {
        Ok(answers) => answers,
        Err(Failed::AtCommit(error)) => {
            error!(%error, "a commit failed");
            let unknown = StoreError::MaybeApplied(format!("the commit failed: {error}"));
            group.iter().map(|_| Err(unknown.clone())).collect()
        }
        Err(Failed::Before(error)) if group.len() > 1 && !is_environment(&error) => {
            group.iter().flat_map(|write| commit_group(conn, rows, &[write])).collect()
        }
        Err(Failed::Before(error)) => {
            error!(%error, "a group of writes was given up");
            group.iter().map(|_| Err(not_applied(&error))).collect()
        }
    }
}

enum Failed {
    /// Nothing of the group is stored.
    Before(rusqlite::Error),
    /// The log may or may not hold the group.
    AtCommit(rusqlite::Error),
}

fn try_commit(conn: &Connection, rows: &mut Rows<'_>, group: &[&Write]) -> Result<Vec<Answer>, Failed> {
    let _rollback = RollbackUnlessCommitted(conn);
    conn.execute_batch("begin immediate").map_err(Failed::Before)?;
    let answers =
        group.iter().map(|write| rows.apply(write)).collect::<Result<_, _>>().map_err(Failed::Before)?;
    conn.execute_batch("commit").map_err(Failed::AtCommit)?;
    Ok(answers)
}

/// Would every other write fail the same way?
fn is_environment(error: &rusqlite::Error) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DiskFull, NotADatabase, OutOfMemory, ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(CannotOpen | DatabaseBusy | DiskFull | NotADatabase | OutOfMemory | ReadOnly | SystemIoFailure)
    )
}

struct RollbackUnlessCommitted<'c>(&'c Connection);

impl Drop for RollbackUnlessCommitted<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit()
            && let Err(error) = self.0.execute_batch("rollback")
        {
            error!(%error, "a rollback failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::schema::connect_writer;

    fn save(id: &str, revision: u64, bytes: usize) -> Write {
        Write::Save(Save {
            customer: CustomerKey { hash: 8 * id.len() as u64, id: id.into() },
            fence: Fence(1),
            revision,
            snapshot: Arc::from(vec![7; bytes]),
            before: None,
            contacts: vec![],
            decisions: vec![],
        })
    }

    /// What a group is answered, and how many customers are stored afterwards.
    fn answers_after(spoil: &str, group: &[Write]) -> (Vec<Answer>, i64) {
        let dir = tempfile::tempdir().unwrap();
        let conn = connect_writer(&dir.path().join("store.db"), 1 << 20).unwrap();
        conn.execute_batch(spoil).unwrap();
        let mut rows = Rows::prepare(&conn).unwrap();
        let answers = commit_group(&conn, &mut rows, &group.iter().collect::<Vec<_>>());
        drop(rows);
        (answers, conn.query_row("select count(*) from customers", [], |row| row.get(0)).unwrap())
    }

    #[test]
    fn a_refused_save_leaves_its_group_intact() {
        let (answers, stored) = answers_after("", &[save("a", 1, 9), save("bb", 5, 9), save("ccc", 1, 9)]);
        let refused = Err(StoreError::Conflict { stored: 0, expected: 4 });
        assert_eq!(answers, [Ok(Done::Written), refused, Ok(Done::Written)]);
        assert_eq!(stored, 2);
    }

    #[test]
    fn a_full_disk_before_the_commit_applies_nothing_and_says_so() {
        let (answers, stored) =
            answers_after("pragma max_page_count = 20", &[save("a", 1, 9), save("bb", 1, 1 << 20)]);
        assert!(
            answers.iter().all(|a| matches!(a, Err(StoreError::Unavailable(text)) if text.contains("full")))
        );
        assert_eq!(stored, 0);
    }

    #[test]
    fn a_failed_commit_leaves_every_caller_unsure() {
        // A deferred foreign key is checked by COMMIT itself, which is how a test can make it fail.
        let spoil = "create table missing(id text primary key);
            create table doubts(id text references missing(id) deferrable initially deferred);
            create trigger doubt after insert on customers begin insert into doubts values(new.id); end;
            pragma foreign_keys = on; pragma trusted_schema = on;";
        let (answers, stored) = answers_after(spoil, &[save("a", 1, 9), save("bb", 5, 9)]);
        assert!(
            answers.iter().all(|answer| matches!(answer, Err(StoreError::MaybeApplied(_)))),
            "{answers:?}"
        );
        assert_eq!(stored, 0);
    }

    #[test]
    fn one_write_that_cannot_be_made_stops_only_itself() {
        let spoil = "create trigger damage before insert on customers when new.id = 'bb'
            begin select raise(fail, 'damaged'); end;";
        let (answers, stored) = answers_after(spoil, &[save("a", 1, 9), save("bb", 1, 9), save("ccc", 1, 9)]);
        assert!(matches!(&answers[..], [Ok(_), Err(StoreError::Unavailable(_)), Ok(_)]), "{answers:?}");
        assert_eq!(stored, 2);
    }
}
