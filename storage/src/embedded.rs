//! The store of one machine: SQLite in a directory of its own, every acknowledged write on disk.
//!
//! Callers are async and never touch the database: they put calls into bounded queues. One thread writes, in groups
//! that share a flush (`writer`); a few read (`readers`); one moves the log into the main file
//! (`checkpoint`). Only one process may have the directory open. Leaves out replication: losing the disk loses
//! the data.
//!
//! SQLite's `secure_delete` zeroes what it deletes, but not the stale copies that rebuilding a page leaves in the
//! page's unused space. An erased customer can leave such a copy until the page is rebuilt or the store is
//! compacted ([`Embedded::compact`]).

mod directory;
mod schema;
mod queue;
mod writer;
mod rows;
mod readers;
mod checkpoint;
mod calls;

use crate::{EmbeddedOptions, StoreError};
use checkpoint::Checkpoints;
use directory::Directory;
use queue::Queue;
use readers::{Read, Reader};
use rows::Rows;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use writer::Waiting;

/// Remembers in SQLite, in one directory.
///
/// Dropping it closes it: waiting writes are finished first.
pub struct Embedded {
    writes: Arc<Queue<Waiting>>,
    reads: Arc<Queue<Read>>,
    checkpoints: Arc<Checkpoints>,
    threads: Mutex<Option<Threads>>,
}

/// What compacting did to the store's main file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Its size before, bytes.
    pub before_bytes: u64,
    /// Its size after, bytes.
    pub after_bytes: u64,
}

/// Pages kept in memory while the file is written anew: 64 MiB.
const COMPACTING_CACHE_BYTES: usize = 64 << 20;

struct Threads {
    writer: JoinHandle<()>,
    readers: Vec<JoinHandle<()>>,
    checkpoint: JoinHandle<Result<(), StoreError>>,
    /// Let go of last.
    _directory: Directory,
}

impl Embedded {
    /// Opens the store in `dir`, creating it if need be.
    ///
    /// Errors: [`Unavailable`](StoreError::Unavailable) when the directory cannot be used or another process has
    /// it open; [`Corrupt`](StoreError::Corrupt) when what is there is no store of ours or comes from a newer
    /// program. Both name the directory.
    pub fn open(dir: &Path, options: EmbeddedOptions) -> Result<Embedded, StoreError> {
        options.check()?;
        let directory = Directory::hold(dir)?;
        let file = directory.file();
        let writer = schema::connect_writer(&file, options.cache_bytes)?;
        sweep(&writer).map_err(|error| schema::not_applied(&error))?;
        Rows::prepare(&writer).map_err(|error| schema::not_applied(&error))?;
        let readers = (0..options.reader_count).map(|_| reader(&file)).collect::<Result<Vec<_>, _>>()?;
        let checkpointer = schema::connect_checkpointer(&file)?;
        Embedded::start(directory, writer, readers, checkpointer, &options)
    }

    /// Writes the closed store in `dir` anew, without the space of what was deleted: afterwards nothing of an erased
    /// customer is left in its files. Takes as much free disk as the store is large, and its time grows with it. Being
    /// interrupted loses nothing.
    ///
    /// Errors: as [`open`](Self::open); [`Unavailable`](StoreError::Unavailable) too when there is no store, or the
    /// disk is full.
    pub fn compact(dir: &Path) -> Result<Compacted, StoreError> {
        let nothing = || StoreError::Unavailable(format!("{}: there is no store", dir.display()));
        if !dir.join(directory::FILE).is_file() {
            return Err(nothing());
        }
        let directory = Directory::hold(dir)?;
        let file = directory.file();
        let size = || std::fs::metadata(&file).map(|found| found.len()).map_err(|_| nothing());
        let before_bytes = size()?;
        let conn = schema::connect_writer(&file, COMPACTING_CACHE_BYTES)?;
        conn.execute_batch("vacuum; pragma wal_checkpoint(truncate)")
            .map_err(|error| schema::not_applied(&error))?;
        conn.close().map_err(|(_, error)| schema::not_applied(&error))?;
        Ok(Compacted { before_bytes, after_bytes: size()? })
    }

    fn start(
        directory: Directory,
        writer: Connection,
        readers: Vec<Connection>,
        checkpointer: Connection,
        options: &EmbeddedOptions,
    ) -> Result<Embedded, StoreError> {
        let store = Embedded {
            writes: Arc::new(Queue::new(options.waiting_writes_max)),
            reads: Arc::new(Queue::new(options.waiting_reads_max)),
            checkpoints: Arc::new(Checkpoints::new(options)),
            threads: Mutex::new(None),
        };
        // A thread that cannot be started takes those before it along.
        let threads = store.spawn_all(directory, writer, readers, checkpointer, options.group_max);
        let threads = threads.inspect_err(|_| store.end_threads())?;
        *store.threads.lock().unwrap_or_else(PoisonError::into_inner) = Some(threads);
        Ok(store)
    }

    fn spawn_all(
        &self,
        directory: Directory,
        writer: Connection,
        readers: Vec<Connection>,
        checkpointer: Connection,
        group_max: usize,
    ) -> Result<Threads, StoreError> {
        let (writes, checkpoints) = (self.writes.clone(), self.checkpoints.clone());
        let writer = spawn("storage-writer", move || writer::run(&writer, &writes, &checkpoints, group_max))?;
        let checkpoints = self.checkpoints.clone();
        let checkpoint = spawn("storage-checkpoint", move || checkpoint::run(&checkpointer, &checkpoints))?;
        let serve = |conn: Connection| {
            let reads = self.reads.clone();
            spawn("storage-reader", move || readers::run(&conn, &reads))
        };
        let readers = readers.into_iter().map(serve).collect::<Result<_, _>>()?;
        Ok(Threads { writer, readers, checkpoint, _directory: directory })
    }

    fn end_threads(&self) {
        self.writes.close();
        self.reads.close();
        self.checkpoints.close();
    }

    /// Finishes every waiting call, empties the write-ahead log, ends the threads and lets go of the directory.
    /// Later calls are answered as unavailable; closing again does nothing. Blocks: not for an async task.
    ///
    /// Errors: the log could not be emptied. Nothing acknowledged is lost, the next opening finishes the work.
    pub fn close(&self) -> Result<(), StoreError> {
        let Some(threads) = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        let died = |_| StoreError::Unavailable("a thread of the store had panicked".into());
        self.writes.close();
        let writer = threads.writer.join().map_err(died);
        self.reads.close();
        let readers: Result<Vec<()>, _> =
            threads.readers.into_iter().map(|r| r.join().map_err(died)).collect();
        self.checkpoints.close();
        let checkpoint = threads.checkpoint.join().map_err(died);
        writer.and(readers.map(drop)).and(checkpoint?)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "closing the store");
        }
    }
}

/// Tombstones end here: the directory is ours alone, so no former owner is left to be refused. Emptying the log
/// finishes an erasure that a crash cut short.
fn sweep(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute("delete from tombstones", [])?;
    conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
}

fn reader(file: &Path) -> Result<Connection, StoreError> {
    let conn = schema::connect_reader(file)?;
    Reader::prepare(&conn).map_err(|error| schema::not_applied(&error))?;
    Ok(conn)
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StoreError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(work);
    thread.map_err(|error| StoreError::Unavailable(format!("cannot start thread {name}: {error}")))
}
