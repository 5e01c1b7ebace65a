//! Customers: one read to load, one request to save, whatever the turn wrote.
//!
//! What a save writes: the whole snapshot when the epoch is new to the customer, when an earlier write of it is in doubt,
//! and every sixteenth time; else the change, into the ring. Beside it the rows, all under one mark. When writes under
//! older marks may still be on their way, the save also declares dead what lies between the mark it builds on and its
//! own: rows that turn up there belong to a turn that never was.

use super::cell;
use super::mark::{Attempt, Mark};
use super::statements::SLOTS;
use super::{Scylla, outcome};
use crate::{
    CustomerKey, CustomerStore, Erasure, Fence, Save, StoreError, StoreFuture, StoredCustomer, WalkPage,
    WalkPlace,
};
use scylla::serialize::value::SerializeValue;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};

/// Rows beside a customer, as the column `kind` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Where a decision stands in time, by its id.
    DecisionPlace = 1,
    Decision = 2,
    Contact = 3,
}

impl Kind {
    pub fn code(self) -> i8 {
        self as i8
    }
}

/// What one request writes: statements of one partition, all under one mark.
struct Writes<'a> {
    batch: Batch,
    values: Vec<Vec<Value<'a>>>,
    bytes: usize,
}

/// Rows that one request puts back: at a few kilobytes each far below what servers take.
const RESTORED_AT_ONCE: usize = 100;

fn without_rows(save: &Save) -> Save {
    Save { contacts: Vec::new(), decisions: Vec::new(), ..save.clone() }
}

/// A value on its way to the server, borrowed where it is large.
type Value<'a> = Box<dyn SerializeValue + Send + Sync + 'a>;

impl<'a> Writes<'a> {
    fn new() -> Writes<'a> {
        Writes { batch: Batch::new(BatchType::Unlogged), values: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, statement: &PreparedStatement, values: Vec<Value<'a>>, bytes: usize) {
        self.batch.append_statement(statement.clone());
        self.values.push(values);
        self.bytes += bytes;
    }
}

/// What is known of a customer at the server before a write.
#[derive(Clone, Copy)]
struct Ground {
    /// The mark the write builds on.
    mark: Mark,
    /// A former owner wrote it last, or a write of ours is in doubt: nothing may be built on it but a whole snapshot.
    unsure: bool,
}

impl Scylla {
    pub(super) async fn load_customer(
        &self,
        customer: &CustomerKey,
    ) -> Result<Option<(StoredCustomer, Mark)>, StoreError> {
        let rows = self.link.read(&self.statements.load, (&*customer.id,)).await?;
        let row = rows.maybe_first_row::<Row>().map_err(|error| outcome::of_shape(&error))?;
        let found = match &row {
            Some(row) => customer_of(&row.columns[1..])?,
            None => None,
        };
        self.marks.read(key_of(customer), found.as_ref().map_or(Mark::NEVER, |(_, mark)| *mark));
        Ok(found)
    }

    async fn save_turn(&self, save: &Save) -> Result<(), StoreError> {
        if save.revision == 0 {
            return Err(StoreError::Unavailable("a save makes revision 1 or a later one, never 0".into()));
        }
        let ground = match self.ground(save) {
            Some(ground) => ground,
            None => self.look(save).await?,
        };
        let attempt = self.marks.attempt(key_of(&save.customer), save.fence)?;
        let (id, mark) = (&*save.customer.id, attempt.mark);
        let mut writes = Writes::new();
        match self.change(save, ground, mark) {
            Some((slot, change)) => {
                self.put(&mut writes, &self.statements.put_change[slot], id, mark, change);
            }
            None => {
                let state = cell::whole(mark, save.revision, &save.snapshot);
                self.put(&mut writes, &self.statements.put_state, id, mark, state);
            }
        }
        if ground.unsure {
            self.put_dead(&mut writes, id, ground.mark, mark);
        }
        self.put_rows(&mut writes, save, mark);
        self.send(attempt, writes).await
    }

    /// What the write builds on, when that is known without asking the server; it is, but for the first save of an epoch
    /// or after doubt when the read before it was long ago.
    fn ground(&self, save: &Save) -> Option<Ground> {
        let key = key_of(&save.customer);
        let doubtful = self.marks.in_doubt(key);
        match self.marks.known(key) {
            Some(mark) => Some(Ground { mark, unsure: doubtful || mark.fence() < save.fence }),
            None if save.revision == 1 => Some(Ground { mark: Mark::NEVER, unsure: true }),
            None if doubtful => None,
            None => {
                let ours = save.before.as_ref().is_some_and(|before| before.fence == save.fence);
                ours.then_some(Ground { mark: Mark(save.fence.0 << 30), unsure: false })
            }
        }
    }

    /// Asks the server what is there, and refuses what does not follow it.
    async fn look(&self, save: &Save) -> Result<Ground, StoreError> {
        let expected = save.revision - 1;
        let found = self.load_customer(&save.customer).await?;
        let (stored, mark) = found.map_or((0, Mark::NEVER), |(stored, mark)| (stored.revision, mark));
        if mark.fence() > save.fence {
            return Err(StoreError::Fenced { stored: mark.fence(), ours: save.fence });
        }
        match stored == expected {
            true => Ok(Ground { mark, unsure: true }),
            false => Err(StoreError::Conflict { stored, expected }),
        }
    }

    /// The change to write, if one will do.
    fn change(&self, save: &Save, ground: Ground, mark: Mark) -> Option<(usize, Vec<u8>)> {
        let before = save.before.as_ref().filter(|before| before.revision + 1 == save.revision);
        let before = before.filter(|_| !ground.unsure)?;
        cell::change(mark, save.revision, &before.snapshot, &save.snapshot)
    }

    fn put<'a>(
        &self,
        writes: &mut Writes<'a>,
        statement: &PreparedStatement,
        id: &'a str,
        mark: Mark,
        cell: Vec<u8>,
    ) {
        let bytes = cell.len();
        writes.push(statement, vec![Box::new(mark.timestamp()), Box::new(cell), Box::new(id)], bytes);
    }

    fn put_dead<'a>(&self, writes: &mut Writes<'a>, id: &'a str, from: Mark, to: Mark) {
        let ttl_s = self.options.contact_row_ttl_s.max(self.options.decision_row_ttl_s);
        let (from, at) = (from.timestamp(), to.timestamp());
        let values: Vec<Value<'a>> =
            vec![Box::new(at), Box::new(ttl_s), Box::new(from), Box::new(at), Box::new(id)];
        writes.push(&self.statements.put_dead, values, 16);
    }

    /// Puts a customer where nobody is: its rows in lots, its state last.
    async fn put_back(&self, save: &Save) -> Result<(), StoreError> {
        let key = key_of(&save.customer);
        if let Some((stored, _)) = self.load_customer(&save.customer).await? {
            return match stored.revision == save.revision && stored.snapshot == save.snapshot {
                true => Ok(()),
                false => Err(StoreError::Conflict { stored: stored.revision, expected: 0 }),
            };
        }
        for contacts in save.contacts.chunks(RESTORED_AT_ONCE) {
            self.put_lot(save, Save { contacts: contacts.to_vec(), ..without_rows(save) }).await?;
        }
        for decisions in save.decisions.chunks(RESTORED_AT_ONCE) {
            self.put_lot(save, Save { decisions: decisions.to_vec(), ..without_rows(save) }).await?;
        }
        let attempt = self.marks.attempt(key, save.fence)?;
        let mut writes = Writes::new();
        let state = cell::whole(attempt.mark, save.revision, &save.snapshot);
        self.put(&mut writes, &self.statements.put_state, &save.customer.id, attempt.mark, state);
        self.send(attempt, writes).await
    }

    async fn put_lot(&self, save: &Save, lot: Save) -> Result<(), StoreError> {
        let attempt = self.marks.attempt(key_of(&save.customer), save.fence)?;
        let mut writes = Writes::new();
        self.put_rows(&mut writes, &lot, attempt.mark);
        self.send(attempt, writes).await
    }

    fn put_rows<'a>(&self, writes: &mut Writes<'a>, save: &'a Save, mark: Mark) {
        let (id, at) = (&*save.customer.id, mark.timestamp());
        let mut row = |kind: Kind, ttl_s: i32, at_ms: i64, key: &'a str, bytes: usize, body: Value<'a>| {
            let values: Vec<Value<'a>> = vec![
                Box::new(at),
                Box::new(ttl_s),
                body,
                Box::new(id),
                Box::new(kind.code()),
                Box::new(at_ms),
                Box::new(key),
            ];
            writes.push(&self.statements.put_row, values, bytes);
        };
        for contact in &save.contacts {
            let (key, ttl_s) = (&*contact.contact_id, self.options.contact_row_ttl_s);
            row(Kind::Contact, ttl_s, contact.at_ms, key, contact.body.len(), Box::new(&contact.body[..]));
        }
        for decision in &save.decisions {
            let (key, ttl_s) = (&*decision.decision_id, self.options.decision_row_ttl_s);
            let place = decision.at_ms.to_le_bytes().to_vec();
            row(Kind::DecisionPlace, ttl_s, 0, key, place.len(), Box::new(place));
            row(
                Kind::Decision,
                ttl_s,
                decision.at_ms,
                key,
                decision.body.len(),
                Box::new(&decision.body[..]),
            );
        }
    }

    /// Sends one request. Dropped on the way, it leaves the customer in doubt.
    async fn send(&self, attempt: Attempt<'_>, writes: Writes<'_>) -> Result<(), StoreError> {
        if writes.bytes > self.options.write_bytes_max {
            attempt.not_applied();
            return Err(StoreError::Unavailable(format!(
                "one turn would write {} bytes, at most {} are sent to the server: raise write_bytes_max, and half of the \
                 servers' commitlog_segment_size above it",
                writes.bytes, self.options.write_bytes_max
            )));
        }
        let permit = match self.link.permit().await {
            Ok(permit) => permit,
            Err(busy) => {
                attempt.not_applied();
                return Err(busy);
            }
        };
        let sent = self.link.write_all(&writes.batch, &writes.values).await;
        drop(permit);
        match &sent {
            Ok(()) => attempt.applied(),
            Err(StoreError::MaybeApplied(_)) => drop(attempt),
            Err(_) => attempt.not_applied(),
        }
        sent
    }

    async fn write_back(
        &self,
        customer: &CustomerKey,
        fence: Fence,
        stored: &StoredCustomer,
    ) -> Result<(), StoreError> {
        let key = key_of(customer);
        if self.marks.known(key).is_none() {
            self.load_customer(customer).await?;
        }
        let from = self.marks.known(key).unwrap_or(Mark::NEVER);
        let attempt = self.marks.attempt(key, fence)?;
        let mark = attempt.mark;
        let mut writes = Writes::new();
        let state = cell::whole(mark, stored.revision, &stored.snapshot);
        self.put(&mut writes, &self.statements.put_state, &customer.id, mark, state);
        self.put_dead(&mut writes, &customer.id, from, mark);
        self.send(attempt, writes).await
    }

    async fn erase_all(
        &self,
        customer: &CustomerKey,
        fence: Fence,
        revision: u64,
    ) -> Result<Erasure, StoreError> {
        let stored = self.load_customer(customer).await?;
        if let Some((stored, mark)) = &stored {
            if mark.fence() > fence {
                return Err(StoreError::Fenced { stored: mark.fence(), ours: fence });
            }
            if stored.revision != revision {
                return Err(StoreError::Conflict { stored: stored.revision, expected: revision });
            }
        }
        let erasure = Erasure {
            snapshots: u64::from(stored.is_some()),
            contacts: self.count(customer, Kind::Contact).await?,
            decisions: self.count(customer, Kind::Decision).await?,
        };
        let attempt = self.marks.attempt(key_of(customer), fence)?;
        let mut writes = Writes::new();
        let values: Vec<Value<'_>> = vec![Box::new(attempt.mark.timestamp()), Box::new(&*customer.id)];
        writes.push(&self.statements.erase, values, 0);
        self.send(attempt, writes).await?;
        Ok(erasure)
    }

    async fn count(&self, customer: &CustomerKey, kind: Kind) -> Result<u64, StoreError> {
        let rows = self.link.read(&self.statements.count_rows, (&*customer.id, kind.code())).await?;
        let (count,) = rows.first_row::<(i64,)>().map_err(|error| outcome::of_shape(&error))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// The customer that a row's cells make. Rows without a state are what a write left behind that never became part of the
/// customer.
pub(super) fn customer_of(cells: &[Option<CqlValue>]) -> Result<Option<(StoredCustomer, Mark)>, StoreError> {
    let mut cells = cells.iter().map(|cell| match cell {
        Some(CqlValue::Blob(bytes)) => Some(&bytes[..]),
        _ => None,
    });
    match cells.next().flatten() {
        Some(state) => cell::assemble(state, &cells.collect::<Vec<_>>()).map(Some),
        None => Ok(None),
    }
}

/// What marks are remembered by: two customers with one hash have different ones.
fn key_of(customer: &CustomerKey) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(customer.id.as_bytes(), 0x6d61_726b)
}

impl CustomerStore for Scylla {
    fn load<'a>(&'a self, customer: &'a CustomerKey) -> StoreFuture<'a, Option<StoredCustomer>> {
        Box::pin(async { Ok(self.load_customer(customer).await?.map(|(stored, _)| stored)) })
    }

    fn save(&self, save: Save) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.save_turn(&save).await })
    }

    fn walk(&self, after: Option<WalkPlace>, rows_max: usize) -> StoreFuture<'_, WalkPage> {
        Box::pin(self.walk_page(after, rows_max))
    }

    fn restore(&self, save: Save) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.put_back(&save).await })
    }

    fn take_over<'a>(
        &'a self,
        customer: &'a CustomerKey,
        fence: Fence,
        stored: &'a StoredCustomer,
    ) -> StoreFuture<'a, ()> {
        Box::pin(self.write_back(customer, fence, stored))
    }

    fn erase<'a>(
        &'a self,
        customer: &'a CustomerKey,
        fence: Fence,
        revision: u64,
    ) -> StoreFuture<'a, Erasure> {
        Box::pin(self.erase_all(customer, fence, revision))
    }
}

const _: () = assert!(SLOTS as u64 + 1 == cell::SNAPSHOT_EVERY);
