//! The file's layout: tables, version, and the settings of every connection.
//!
//! A customer's row is keyed by its hash, so that a snapshot sits in one leaf of the tree, found by one descent. The
//! low three bits of the key number the customers that share the rest of the hash. Contacts and decisions are keyed
//! by customer and time: a page of history is one stretch of leaves. Leaves out what the rows mean.

use crate::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// The layout this program writes: one step after the other. An older file takes the steps it lacks when it is opened; one with more
/// comes from a newer program and is refused.
const VERSION: i64 = STEPS.len() as i64;

/// "Rapp" in ASCII, to tell our files from other people's.
const APPLICATION_ID: i64 = 0x5261_7070;

/// 8 KiB: three snapshots of 2.5 KB in a leaf, and a third more updates per second than with 4 KiB.
pub(super) const PAGE_BYTES: u64 = 8192;

/// Readers drop their cache with every commit they see, so more than one query's pages would be wasted.
const READER_CACHE_BYTES: usize = 2 << 20;

/// The writer and the checkpoints take turns by themselves; this is for an operator's own `sqlite3` session.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// From nothing to layout 1, from 1 to 2, and so on. A step is never changed once files have taken it.
const STEPS: [&str; 2] = [CUSTOMERS_AND_PLAYBOOKS, EVIDENCE_TOTALS_AND_TIMERS];

const CUSTOMERS_AND_PLAYBOOKS: &str = "
create table customers(
    key integer primary key, id text not null, fence integer not null, revision integer not null,
    snapshot blob not null) strict;
create table contacts(
    customer integer not null, at_ms integer not null, id text not null, body blob not null,
    primary key(customer, at_ms, id)) strict, without rowid;
create unique index contacts_by_id on contacts(customer, id);
create table decisions(
    customer integer not null, at_ms integer not null, id text not null, body blob not null,
    primary key(customer, at_ms, id)) strict, without rowid;
create table tombstones(hash integer primary key, fence integer not null, revision integer not null) strict;
create table playbooks(id text not null unique, stored_at_ms integer not null, body blob not null) strict;
create table activations(number integer primary key, playbook_id text not null, at_ms integer not null) strict;
create table dictionary(
    one integer primary key check(one = 1), version integer not null, body blob not null) strict;
";

const EVIDENCE_TOTALS_AND_TIMERS: &str = "
create table evidence(shard integer primary key, fence integer not null, body blob not null) strict;
create table due(
    shard integer not null, at_ms integer not null, customer text not null, key text not null,
    primary key(shard, at_ms, customer, key)) strict, without rowid;
create table totals(name text primary key, granted integer not null) strict, without rowid;
create table evidence_tables(id text not null unique, body blob not null) strict;
";

/// How many customers can share a hash (all but its low three bits). Even two are not expected in a lifetime.
const SLOTS: i64 = 8;

/// The keys a customer with this hash may have, first and last.
pub(super) fn slots(hash: u64) -> (i64, i64) {
    let first = (hash as i64) & !(SLOTS - 1);
    (first, first + SLOTS - 1)
}

/// Opens the connection that creates, migrates and writes.
pub(super) fn connect_writer(file: &Path, cache_bytes: usize) -> Result<Connection, StoreError> {
    let conn = connect(file, cache_bytes).map_err(|error| unusable(file, &error))?;
    prepare(&conn, file)?;
    Ok(conn)
}

/// Opens a connection that only reads.
pub(super) fn connect_reader(file: &Path) -> Result<Connection, StoreError> {
    let conn = connect(file, READER_CACHE_BYTES).map_err(|error| unusable(file, &error))?;
    conn.pragma_update(None, "query_only", true).map_err(|error| unusable(file, &error))?;
    Ok(conn)
}

/// Opens the connection that checkpoints.
pub(super) fn connect_checkpointer(file: &Path) -> Result<Connection, StoreError> {
    connect(file, READER_CACHE_BYTES).map_err(|error| unusable(file, &error))
}

fn connect(file: &Path, cache_bytes: usize) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "page_size", PAGE_BYTES as i64)?;
    conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    conn.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    // Statement journals hold copies of pages: in memory, an erased id cannot stay behind in a temporary file.
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.pragma_update(None, "cache_size", -((cache_bytes / 1024) as i64))?;
    conn.pragma_update(None, "trusted_schema", false)?;
    Ok(conn)
}

/// Creates the tables in a new file, or those that an older program did not know; refuses a file that is not ours or newer
/// than this program.
fn prepare(conn: &Connection, file: &Path) -> Result<(), StoreError> {
    let read = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, application) = read("user_version")
        .and_then(|version| Ok((version, read("application_id")?)))
        .map_err(|error| unusable(file, &error))?;
    let is_empty = table_count(conn).map_err(|error| unusable(file, &error))? == 0;
    if is_empty && version == 0 {
        return take_steps(conn, 0).map_err(|error| unusable(file, &error));
    }
    if application != APPLICATION_ID {
        return Err(StoreError::Corrupt(format!("{} is a database of another program", file.display())));
    }
    if !(1..=VERSION).contains(&version) {
        return Err(StoreError::Corrupt(format!(
            "{} has schema version {version}, this program knows {VERSION}: use the program that wrote it",
            file.display()
        )));
    }
    take_steps(conn, version).map_err(|error| unusable(file, &error))
}

fn table_count(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))
}

/// In one transaction: a crash leaves the layout before or the one after.
fn take_steps(conn: &Connection, from: i64) -> rusqlite::Result<()> {
    if from == VERSION {
        return Ok(());
    }
    let steps = STEPS[from as usize..].concat();
    conn.execute_batch(&format!(
        "begin immediate; {steps} pragma application_id = {APPLICATION_ID}; pragma user_version = {VERSION}; commit;"
    ))
}

/// Why a file cannot be opened, with the file's name.
fn unusable(file: &Path, error: &rusqlite::Error) -> StoreError {
    match not_applied(error) {
        StoreError::Corrupt(text) => StoreError::Corrupt(format!("{}: {text}", file.display())),
        other => StoreError::Unavailable(format!("{}: {other}", file.display())),
    }
}

/// An error of SQLite before anything was committed.
pub(super) fn not_applied(error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    match (error, error.sqlite_error_code()) {
        (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => {
            StoreError::Corrupt(error.to_string())
        }
        (FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..), _) => {
            StoreError::Corrupt(error.to_string())
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(spoil: &str, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("store.db");
        drop(connect_writer(&file, 1 << 20).unwrap());
        Connection::open(&file).unwrap().execute_batch(spoil).unwrap();
        let Err(StoreError::Corrupt(text)) = connect_writer(&file, 1 << 20) else {
            panic!("opened: {expected}")
        };
        assert!(text.contains(expected) && text.contains("store.db"), "{text}");
    }

    #[test]
    fn a_file_of_a_newer_program_or_another_one_is_refused_by_name() {
        check_refused("pragma user_version = 3", "schema version 3, this program knows 2");
        check_refused("pragma application_id = 77", "another program");
    }

    #[test]
    fn a_file_of_an_older_program_takes_the_steps_it_lacks() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old.db"), dir.path().join("new.db"));
        let first = connect(&old, 1 << 20).unwrap();
        first
            .execute_batch(&format!(
                "{CUSTOMERS_AND_PLAYBOOKS} pragma application_id = {APPLICATION_ID}; pragma user_version = 1;
                 insert into playbooks values('p', 1, x'01');"
            ))
            .unwrap();
        drop(first);
        let tables = |file: &Path| -> Vec<String> {
            let conn = connect_writer(file, 1 << 20).unwrap();
            let mut all =
                conn.prepare("select sql from sqlite_schema where sql is not null order by 1").unwrap();
            all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(tables(&old), tables(&new));
        assert_eq!(tables(&old), tables(&old), "opened again, there is nothing to do");
        let kept = Connection::open(&old).unwrap();
        let kept: i64 = kept.query_row("select count(*) from playbooks", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1);
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("store.db");
        std::fs::write(&file, "not a database, surely, and longer than any header".repeat(99)).unwrap();
        let Err(StoreError::Corrupt(text)) = connect_writer(&file, 1 << 20) else { panic!("opened") };
        assert!(text.contains("not a database") && text.contains("store.db"), "{text}");
    }

    #[test]
    fn slots_keep_the_hash_but_for_its_low_bits() {
        for hash in [0, 7, 8, u64::MAX, 1 << 63, 0x1234_5678_9abc_def0] {
            let (first, last) = slots(hash);
            assert_eq!((first as u64) & !7, hash & !7);
            assert_eq!(last - first, 7);
            assert!(first <= hash as i64 && hash as i64 <= last);
        }
    }
}
