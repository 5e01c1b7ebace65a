//! The writer's statements: each write checked against what is stored, then made.
//!
//! Every check comes before the first change, so a refused write leaves nothing to undo inside the transaction it
//! shares with others. Leaves out transactions.

use super::schema::slots;
use super::writer::{Done, Write};
use crate::compare_and_set::{Stored, admit_erase, admit_fence, admit_restore, admit_save};
use crate::{
    Activation, CustomerKey, DueRow, Erasure, Fence, PlaybookRow, Save, ShardEvidence, StoreError,
    StoredDictionary, TotalLease, grantable,
};
use rusqlite::{Connection, OptionalExtension, Result, Statement, params};

/// Prepared once per connection.
pub(super) struct Rows<'c> {
    find: Statement<'c>,
    find_tombstone: Statement<'c>,
    insert: Statement<'c>,
    update: Statement<'c>,
    put_contact: Statement<'c>,
    put_decision: Statement<'c>,
    delete: Statement<'c>,
    delete_contacts: Statement<'c>,
    delete_decisions: Statement<'c>,
    put_tombstone: Statement<'c>,
    put_playbook: Statement<'c>,
    activate: Statement<'c>,
    find_dictionary: Statement<'c>,
    put_dictionary: Statement<'c>,
    find_total: Statement<'c>,
    put_total: Statement<'c>,
    give_back_total: Statement<'c>,
    find_evidence: Statement<'c>,
    put_evidence: Statement<'c>,
    put_evidence_table: Statement<'c>,
    put_due: Statement<'c>,
    remove_due: Statement<'c>,
}

/// Whether a snapshot of this fence and revision may follow what is stored.
type Admit = fn(Stored, Fence, u64) -> std::result::Result<(), StoreError>;

/// Where a customer is, or would go.
struct Place {
    /// `None` when nobody is there and every key of the hash is taken.
    key: Option<i64>,
    stored: Stored,
}

impl<'c> Rows<'c> {
    pub(super) fn prepare(conn: &'c Connection) -> Result<Rows<'c>> {
        Ok(Rows {
            find: conn
                .prepare("select key, id, fence, revision from customers where key between ?1 and ?2")?,
            find_tombstone: conn.prepare("select fence from tombstones where hash = ?1")?,
            insert: conn.prepare(
                "insert into customers(key, id, fence, revision, snapshot) values(?1,?2,?3,?4,?5)",
            )?,
            update: conn
                .prepare("update customers set fence = ?2, revision = ?3, snapshot = ?4 where key = ?1")?,
            put_contact: conn
                .prepare("insert or replace into contacts(customer, at_ms, id, body) values(?1,?2,?3,?4)")?,
            put_decision: conn
                .prepare("insert or replace into decisions(customer, at_ms, id, body) values(?1,?2,?3,?4)")?,
            delete: conn.prepare("delete from customers where key = ?1")?,
            delete_contacts: conn.prepare("delete from contacts where customer = ?1")?,
            delete_decisions: conn.prepare("delete from decisions where customer = ?1")?,
            put_tombstone: conn
                .prepare("insert or replace into tombstones(hash, fence, revision) values(?1,?2,?3)")?,
            put_playbook: conn
                .prepare("insert or ignore into playbooks(id, stored_at_ms, body) values(?1,?2,?3)")?,
            activate: conn.prepare(
                "insert into activations(playbook_id, at_ms) select id, ?2 from playbooks where id = ?1",
            )?,
            find_dictionary: conn.prepare("select version from dictionary")?,
            put_dictionary: conn
                .prepare("insert or replace into dictionary(one, version, body) values(1,?1,?2)")?,
            find_total: conn.prepare("select granted from totals where name = ?1")?,
            put_total: conn.prepare("insert or replace into totals(name, granted) values(?1,?2)")?,
            give_back_total: conn
                .prepare("update totals set granted = max(0, granted - ?2) where name = ?1")?,
            find_evidence: conn.prepare("select fence from evidence where shard = ?1")?,
            put_evidence: conn
                .prepare("insert or replace into evidence(shard, fence, body) values(?1,?2,?3)")?,
            put_due: conn
                .prepare("insert or ignore into due(shard, at_ms, customer, key) values(?1,?2,?3,?4)")?,
            remove_due: conn
                .prepare("delete from due where shard = ?1 and at_ms = ?2 and customer = ?3 and key = ?4")?,
            put_evidence_table: conn
                .prepare("insert or ignore into evidence_tables(id, body) values(?1,?2)")?,
        })
    }

    /// Outer error: SQLite's, the transaction is to be given up. Inner error: the refusal of this write alone.
    pub(super) fn apply(&mut self, write: &Write) -> Result<Result<Done, StoreError>> {
        match write {
            Write::Save(save) => self.save(save, admit_save),
            Write::Restore(save) => self.save(save, admit_restore),
            Write::Erase { customer, fence, revision } => self.erase(customer, *fence, *revision),
            Write::PutPlaybook(row) => self.put_playbook(row),
            Write::Activate(activation) => self.activate(activation),
            Write::PutDictionary(dictionary) => self.put_dictionary(dictionary),
            Write::LeaseTotal(lease) => self.lease_total(lease),
            Write::GiveBackTotal { name, units } => {
                let units = i64::try_from(*units).unwrap_or(i64::MAX);
                self.give_back_total.execute(params![name, units])?;
                Ok(Ok(Done::Written))
            }
            Write::PutEvidence(evidence) => self.put_evidence(evidence),
            Write::PutDue(rows) => change_due(&mut self.put_due, rows),
            Write::RemoveDue(rows) => change_due(&mut self.remove_due, rows),
            Write::PutEvidenceTable { id, body } => {
                self.put_evidence_table.execute(params![id, &body[..]])?;
                Ok(Ok(Done::Written))
            }
        }
    }

    fn save(&mut self, save: &Save, admit: Admit) -> Result<Result<Done, StoreError>> {
        let place = self.find(&save.customer)?;
        if let Err(refusal) = admit(place.stored, save.fence, save.revision) {
            return Ok(Err(refusal));
        }
        let Some(key) = place.key else {
            return Ok(Err(StoreError::Unavailable("too many customers share one hash".into())));
        };
        let (fence, revision) = (save.fence.0 as i64, save.revision as i64);
        match place.stored {
            Stored::Customer { .. } => {
                self.update.execute(params![key, fence, revision, &save.snapshot[..]])?
            }
            Stored::Nothing | Stored::Erased(_) => {
                self.insert.execute(params![key, &*save.customer.id, fence, revision, &save.snapshot[..]])?
            }
        };
        for row in &save.contacts {
            self.put_contact.execute(params![key, row.at_ms, row.contact_id, &row.body[..]])?;
        }
        for row in &save.decisions {
            self.put_decision.execute(params![key, row.at_ms, row.decision_id, &row.body[..]])?;
        }
        Ok(Ok(Done::Written))
    }

    /// Leaves a tombstone even where nobody was: a former owner may still have its first save under way.
    fn erase(
        &mut self,
        customer: &CustomerKey,
        fence: Fence,
        revision: u64,
    ) -> Result<Result<Done, StoreError>> {
        let place = self.find(customer)?;
        if let Err(refusal) = admit_erase(place.stored, fence, revision) {
            return Ok(Err(refusal));
        }
        self.put_tombstone.execute(params![customer.hash as i64, fence.0 as i64, revision as i64])?;
        let (Stored::Customer { .. }, Some(key)) = (place.stored, place.key) else {
            return Ok(Ok(Done::Erased(Erasure::default())));
        };
        Ok(Ok(Done::Erased(Erasure {
            contacts: self.delete_contacts.execute([key])? as u64,
            decisions: self.delete_decisions.execute([key])? as u64,
            snapshots: self.delete.execute([key])? as u64,
        })))
    }

    /// A tombstone speaks for every customer with its hash that is not there: the same hash is in the same hands,
    /// so their fences grow together.
    fn find(&mut self, customer: &CustomerKey) -> Result<Place> {
        let (first, last) = slots(customer.hash);
        let mut free = first;
        let mut rows = self.find.query([first, last])?;
        while let Some(row) = rows.next()? {
            let key: i64 = row.get(0)?;
            if row.get_ref(1)?.as_bytes()? == customer.id.as_bytes() {
                let fence = Fence(row.get::<_, i64>(2)? as u64);
                let revision = row.get::<_, i64>(3)? as u64;
                return Ok(Place { key: Some(key), stored: Stored::Customer { fence, revision } });
            }
            free += i64::from(key == free);
        }
        drop(rows);
        let erased =
            self.find_tombstone.query_row([customer.hash as i64], |row| row.get::<_, i64>(0)).optional()?;
        let stored = erased.map_or(Stored::Nothing, |fence| Stored::Erased(Fence(fence as u64)));
        Ok(Place { key: (free <= last).then_some(free), stored })
    }

    fn put_playbook(&mut self, row: &PlaybookRow) -> Result<Result<Done, StoreError>> {
        self.put_playbook.execute(params![row.id, row.stored_at_ms, &row.body[..]])?;
        Ok(Ok(Done::Written))
    }

    fn activate(&mut self, activation: &Activation) -> Result<Result<Done, StoreError>> {
        match self.activate.execute(params![activation.playbook_id, activation.at_ms])? {
            0 => Ok(Err(StoreError::Unavailable("only a stored playbook can become active".into()))),
            _ => Ok(Ok(Done::Written)),
        }
    }

    fn put_evidence(&mut self, evidence: &ShardEvidence) -> Result<Result<Done, StoreError>> {
        let shard = i64::from(evidence.shard);
        let stored = self.find_evidence.query_row([shard], |row| row.get::<_, i64>(0)).optional()?;
        if let Some(stored) = stored
            && let Err(refusal) = admit_fence(Fence(stored as u64), evidence.fence)
        {
            return Ok(Err(refusal));
        }
        self.put_evidence.execute(params![shard, evidence.fence.0 as i64, &evidence.body[..]])?;
        Ok(Ok(Done::Written))
    }

    fn put_dictionary(&mut self, dictionary: &StoredDictionary) -> Result<Result<Done, StoreError>> {
        let stored = self.find_dictionary.query_row([], |row| row.get::<_, i64>(0)).optional()?;
        let stored = stored.map_or(0, |version| version as u64);
        if dictionary.version.checked_sub(1) != Some(stored) {
            let expected = dictionary.version.saturating_sub(1);
            return Ok(Err(StoreError::Conflict { stored, expected }));
        }
        self.put_dictionary.execute(params![dictionary.version as i64, &dictionary.body[..]])?;
        Ok(Ok(Done::Written))
    }

    fn lease_total(&mut self, lease: &TotalLease) -> Result<Result<Done, StoreError>> {
        let granted = self.find_total.query_row([&lease.name], |row| row.get::<_, i64>(0)).optional()?;
        let granted = granted.map_or(0, |granted| granted as u64);
        // What the file can't count is more than anybody has.
        let lease = TotalLease { limit: lease.limit.min(i64::MAX as u64), ..lease.clone() };
        let units = grantable(granted, &lease);
        if units > 0 {
            self.put_total.execute(params![lease.name, (granted + units) as i64])?;
        }
        Ok(Ok(Done::Leased(units)))
    }
}

/// One owner has the file, so there is no fence to compare.
fn change_due(change: &mut Statement<'_>, rows: &[DueRow]) -> Result<Result<Done, StoreError>> {
    for row in rows {
        change.execute(params![row.shard, row.at_ms, &*row.customer, row.key])?;
    }
    Ok(Ok(Done::Written))
}
