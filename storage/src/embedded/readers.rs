//! The threads that read, each with a connection and prepared statements of its own.
//!
//! One statement answers one call, so each answer is of one moment. Leaves out every write.

use super::queue::{AbandonAtEnd, Queue};
use super::schema::slots;
use crate::{
    Activation, ContactRow, CustomerKey, DecisionRow, DueRow, Fence, Page, PlaybookRow, ShardEvidence,
    StoredCustomer, StoredDictionary, WalkPage, WalkPlace,
};
use rusqlite::{Connection, OptionalExtension, Result, Row, Statement, params};
use std::sync::Arc;
use tracing::error;

/// One call, with its answer's way back inside.
pub(super) type Read = Box<dyn for<'c> FnOnce(&mut Reader<'c>) + Send>;

/// Serves reads until the queue is closed and empty.
pub(super) fn run(conn: &Connection, queue: &Queue<Read>) {
    let _abandon = AbandonAtEnd(queue);
    let mut reader = match Reader::prepare(conn) {
        Ok(reader) => reader,
        Err(error) => return error!(%error, "a reader could not start"),
    };
    while let Some((reads, _)) = queue.take(1) {
        for read in reads {
            read(&mut reader);
        }
    }
}

/// Prepared once per connection.
pub(super) struct Reader<'c> {
    load: Statement<'c>,
    walk: Statement<'c>,
    contacts: Statement<'c>,
    decisions: Statement<'c>,
    decision: Statement<'c>,
    playbook: Statement<'c>,
    playbooks: Statement<'c>,
    activations: Statement<'c>,
    dictionary: Statement<'c>,
    granted_total: Statement<'c>,
    evidence: Statement<'c>,
    evidence_table: Statement<'c>,
    evidence_tables: Statement<'c>,
    due: Statement<'c>,
}

/// A page of `contacts` or `decisions`; the row value after `<` lets the primary key do the paging.
fn page_sql(table: &str) -> String {
    format!(
        "select at_ms, id, body from {table}
         where customer = (select key from customers where key between ?1 and ?2 and id = ?3)
           and at_ms >= ?4 and (at_ms, id) < (?5, ?6)
         order by at_ms desc, id desc limit ?7"
    )
}

impl<'c> Reader<'c> {
    pub(super) fn prepare(conn: &'c Connection) -> Result<Reader<'c>> {
        Ok(Reader {
            load: conn
                .prepare("select fence, revision, snapshot from customers where key between ?1 and ?2 and id = ?3")?,
            walk: conn.prepare(
                "select key, id, fence, revision, snapshot from customers where key >= ?1 order by key limit ?2",
            )?,
            contacts: conn.prepare(&page_sql("contacts"))?,
            decisions: conn.prepare(&page_sql("decisions"))?,
            // Walks one customer's keys, newest first: an index by id would cost every decision a page more.
            decision: conn.prepare(
                "select at_ms, id, body from decisions
                 where customer = (select key from customers where key between ?1 and ?2 and id = ?3) and id = ?4
                 order by at_ms desc, id desc limit 1",
            )?,
            playbook: conn.prepare("select id, stored_at_ms, body from playbooks where id = ?1")?,
            playbooks: conn.prepare("select id, stored_at_ms from playbooks order by stored_at_ms, id")?,
            activations: conn.prepare("select playbook_id, at_ms from activations order by number")?,
            dictionary: conn.prepare("select version, body from dictionary")?,
            granted_total: conn.prepare("select granted from totals where name = ?1")?,
            evidence: conn
                .prepare("select shard, fence, body from evidence where shard between ?1 and ?2 order by shard")?,
            evidence_table: conn.prepare("select body from evidence_tables where id = ?1")?,
            due: conn.prepare(
                "select at_ms, customer, key from due where shard = ?1 and at_ms < ?2
                 order by at_ms, customer, key limit ?3",
            )?,
            evidence_tables: conn.prepare("select id from evidence_tables order by id")?,
        })
    }

    pub(super) fn load(&mut self, customer: &CustomerKey) -> Result<Option<StoredCustomer>> {
        let (first, last) = slots(customer.hash);
        let row = |row: &Row<'_>| {
            Ok(StoredCustomer {
                fence: Fence(row.get::<_, i64>(0)? as u64),
                revision: row.get::<_, i64>(1)? as u64,
                snapshot: bytes(row, 2)?,
            })
        };
        self.load.query_row(params![first, last, &*customer.id], row).optional()
    }

    /// Customers in the order of their keys, after one of them.
    pub(super) fn walk(&mut self, after: Option<i64>, rows_max: usize) -> Result<WalkPage> {
        let Some(from) = after.map_or(Some(i64::MIN), |key| key.checked_add(1)) else {
            return Ok(WalkPage { customers: Vec::new(), next: None });
        };
        let row = |row: &Row<'_>| {
            let stored = StoredCustomer {
                fence: Fence(row.get::<_, i64>(2)? as u64),
                revision: row.get::<_, i64>(3)? as u64,
                snapshot: bytes(row, 4)?,
            };
            Ok((row.get::<_, i64>(0)?, Arc::<str>::from(row.get_ref(1)?.as_str()?), stored))
        };
        let rows = self.walk.query_map(params![from, i64::try_from(rows_max).unwrap_or(i64::MAX)], row)?;
        let rows: Vec<_> = rows.collect::<Result<_>>()?;
        let last = rows.last().filter(|_| rows.len() == rows_max);
        let next = last.map(|(key, ..)| WalkPlace(key.to_string()));
        Ok(WalkPage { customers: rows.into_iter().map(|(_, id, stored)| (id, stored)).collect(), next })
    }

    pub(super) fn contacts(&mut self, customer: &CustomerKey, page: &Page) -> Result<Vec<ContactRow>> {
        rows_of(&mut self.contacts, customer, page, |at_ms, contact_id, body| ContactRow {
            contact_id,
            at_ms,
            body,
        })
    }

    pub(super) fn decisions(&mut self, customer: &CustomerKey, page: &Page) -> Result<Vec<DecisionRow>> {
        rows_of(&mut self.decisions, customer, page, |at_ms, decision_id, body| DecisionRow {
            decision_id,
            at_ms,
            body,
        })
    }

    pub(super) fn decision(
        &mut self,
        customer: &CustomerKey,
        decision_id: &str,
    ) -> Result<Option<DecisionRow>> {
        let (first, last) = slots(customer.hash);
        let row = |row: &Row<'_>| {
            Ok(DecisionRow { at_ms: row.get(0)?, decision_id: row.get(1)?, body: bytes(row, 2)? })
        };
        self.decision.query_row(params![first, last, &*customer.id, decision_id], row).optional()
    }

    pub(super) fn playbook(&mut self, id: &str) -> Result<Option<PlaybookRow>> {
        let row = |row: &Row<'_>| {
            Ok(PlaybookRow { id: row.get(0)?, stored_at_ms: row.get(1)?, body: bytes(row, 2)? })
        };
        self.playbook.query_row([id], row).optional()
    }

    pub(super) fn playbooks(&mut self) -> Result<Vec<(String, i64)>> {
        self.playbooks.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    pub(super) fn activations(&mut self) -> Result<Vec<Activation>> {
        let row = |row: &Row<'_>| Ok(Activation { playbook_id: row.get(0)?, at_ms: row.get(1)? });
        self.activations.query_map([], row)?.collect()
    }

    /// The evidence of the shards from `first` to `last`.
    pub(super) fn evidence(&mut self, first: u32, last: u32) -> Result<Vec<ShardEvidence>> {
        let row = |row: &Row<'_>| {
            Ok(ShardEvidence {
                shard: row.get(0)?,
                fence: Fence(row.get::<_, i64>(1)? as u64),
                body: bytes(row, 2)?,
            })
        };
        self.evidence.query_map([first, last], row)?.collect()
    }

    pub(super) fn due(&mut self, shard: u32, until_ms: i64, rows_max: usize) -> Result<Vec<DueRow>> {
        let row = |row: &Row<'_>| {
            let customer = Arc::from(row.get_ref(1)?.as_str()?);
            Ok(DueRow { shard, at_ms: row.get(0)?, customer, key: row.get(2)? })
        };
        let limit = i64::try_from(rows_max).unwrap_or(i64::MAX);
        self.due.query_map(params![shard, until_ms, limit], row)?.collect()
    }

    pub(super) fn evidence_tables(&mut self) -> Result<Vec<String>> {
        self.evidence_tables.query_map([], |row| row.get(0))?.collect()
    }

    pub(super) fn evidence_table(&mut self, id: &str) -> Result<Option<Arc<[u8]>>> {
        self.evidence_table.query_row([id], |row| bytes(row, 0)).optional()
    }

    pub(super) fn granted_total(&mut self, name: &str) -> Result<u64> {
        let granted = self.granted_total.query_row([name], |row| row.get::<_, i64>(0)).optional()?;
        Ok(granted.map_or(0, |granted| granted as u64))
    }

    pub(super) fn dictionary(&mut self) -> Result<Option<StoredDictionary>> {
        let row = |row: &Row<'_>| {
            Ok(StoredDictionary { version: row.get::<_, i64>(0)? as u64, body: bytes(row, 1)? })
        };
        self.dictionary.query_row([], row).optional()
    }
}

/// One page: starts before `to_ms` or after the cursor, whichever is older.
fn rows_of<R>(
    statement: &mut Statement<'_>,
    customer: &CustomerKey,
    page: &Page,
    make: impl Fn(i64, String, Arc<[u8]>) -> R,
) -> Result<Vec<R>> {
    let (first, last) = slots(customer.hash);
    // No id is smaller than the empty one: (to_ms, "") lies before every row at to_ms.
    let start = (page.to_ms, "");
    let start = page.after.as_ref().map_or(start, |(at_ms, id)| start.min((*at_ms, id.as_str())));
    let rows_max = i64::try_from(page.rows_max).unwrap_or(i64::MAX);
    let arguments = params![first, last, &*customer.id, page.from_ms, start.0, start.1, rows_max];
    let rows = statement.query_map(arguments, |row| Ok(make(row.get(0)?, row.get(1)?, bytes(row, 2)?)))?;
    rows.collect()
}

fn bytes(row: &Row<'_>, column: usize) -> Result<Arc<[u8]>> {
    Ok(Arc::from(row.get_ref(column)?.as_blob()?))
}
