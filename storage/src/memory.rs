//! A store in memory, for tests: the same answers as a real one, nothing kept after the process.
//!
//! One mutex around ordered maps. Leaves out everything about speed, and never answers busy.

use crate::compare_and_set::{Stored, admit_erase, admit_fence, admit_restore, admit_save};
use crate::{
    Activation, ContactRow, CustomerKey, CustomerStore, DecisionLog, DecisionRow, DueIndex, DueRow, Erasure,
    EvidenceStore, Fence, Page, PlaybookRow, PlaybookStore, Save, ShardEvidence, StoreError, StoreFuture,
    StoredCustomer, StoredDictionary, TotalLease, TotalStore, WalkPage, WalkPlace, grantable,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Remembers in memory.
#[derive(Default)]
pub struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    customers: BTreeMap<Arc<str>, Customer>,
    /// The fence under which a customer with this hash was last erased.
    erased: BTreeMap<u64, Fence>,
    playbooks: BTreeMap<String, PlaybookRow>,
    activations: Vec<Activation>,
    dictionary: Option<StoredDictionary>,
    totals: BTreeMap<String, u64>,
    evidence: BTreeMap<u32, ShardEvidence>,
    evidence_tables: BTreeMap<String, Arc<[u8]>>,
    due: BTreeSet<DueRow>,
}

struct Customer {
    stored: StoredCustomer,
    contacts: Rows,
    decisions: Rows,
}

/// Rows by (at_ms, id).
type Rows = BTreeMap<(i64, String), Arc<[u8]>>;

impl Memory {
    /// An empty store.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// A panic elsewhere cannot leave a half-made change: every change is made after its last check.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn stored(&self, customer: &CustomerKey) -> Stored {
        match (self.customers.get(&customer.id), self.erased.get(&customer.hash)) {
            (Some(kept), _) => Stored::Customer { fence: kept.stored.fence, revision: kept.stored.revision },
            (None, Some(fence)) => Stored::Erased(*fence),
            (None, None) => Stored::Nothing,
        }
    }

    fn save(&mut self, save: Save) -> Result<(), StoreError> {
        admit_save(self.stored(&save.customer), save.fence, save.revision)?;
        self.put(save);
        Ok(())
    }

    fn restore(&mut self, save: Save) -> Result<(), StoreError> {
        admit_restore(self.stored(&save.customer), save.fence, save.revision)?;
        self.put(save);
        Ok(())
    }

    fn put(&mut self, save: Save) {
        let stored = StoredCustomer { fence: save.fence, revision: save.revision, snapshot: save.snapshot };
        let kept = self.customers.entry(save.customer.id).or_insert_with(|| Customer {
            stored: stored.clone(),
            contacts: Rows::new(),
            decisions: Rows::new(),
        });
        kept.stored = stored;
        for row in save.contacts {
            upsert(&mut kept.contacts, row.at_ms, row.contact_id, row.body);
        }
        for row in save.decisions {
            kept.decisions.insert((row.at_ms, row.decision_id), row.body);
        }
    }

    fn erase(&mut self, customer: &CustomerKey, fence: Fence, revision: u64) -> Result<Erasure, StoreError> {
        admit_erase(self.stored(customer), fence, revision)?;
        let erased = self.erased.entry(customer.hash).or_insert(fence);
        *erased = fence.max(*erased);
        let gone = self.customers.remove(&customer.id);
        Ok(gone.map_or(Erasure::default(), |gone| Erasure {
            snapshots: 1,
            contacts: gone.contacts.len() as u64,
            decisions: gone.decisions.len() as u64,
        }))
    }

    fn put_evidence(&mut self, evidence: ShardEvidence) -> Result<(), StoreError> {
        if let Some(stored) = self.evidence.get(&evidence.shard) {
            admit_fence(stored.fence, evidence.fence)?;
        }
        self.evidence.insert(evidence.shard, evidence);
        Ok(())
    }

    fn put_dictionary(&mut self, dictionary: StoredDictionary) -> Result<(), StoreError> {
        let stored = self.dictionary.as_ref().map_or(0, |d| d.version);
        if dictionary.version.checked_sub(1) != Some(stored) {
            return Err(StoreError::Conflict { stored, expected: dictionary.version.saturating_sub(1) });
        }
        self.dictionary = Some(dictionary);
        Ok(())
    }
}

/// A row replaces the one with the same id, whatever its time.
fn upsert(rows: &mut Rows, at_ms: i64, id: String, body: Arc<[u8]>) {
    rows.retain(|(_, kept), _| *kept != id);
    rows.insert((at_ms, id), body);
}

fn page_of<R>(rows: &Rows, page: &Page, row: impl Fn(i64, &str, &Arc<[u8]>) -> R) -> Vec<R> {
    let wanted = |at_ms: i64, id: &str| {
        at_ms >= page.from_ms
            && at_ms < page.to_ms
            && page.after.as_ref().is_none_or(|(after_ms, after)| (at_ms, id) < (*after_ms, after.as_str()))
    };
    let newest_first = rows.iter().rev().filter(|((at_ms, id), _)| wanted(*at_ms, id));
    newest_first.take(page.rows_max).map(|((at_ms, id), body)| row(*at_ms, id, body)).collect()
}

fn contact_row(at_ms: i64, id: &str, body: &Arc<[u8]>) -> ContactRow {
    ContactRow { contact_id: id.to_owned(), at_ms, body: body.clone() }
}

fn decision_row(at_ms: i64, id: &str, body: &Arc<[u8]>) -> DecisionRow {
    DecisionRow { decision_id: id.to_owned(), at_ms, body: body.clone() }
}

impl CustomerStore for Memory {
    fn walk(&self, after: Option<WalkPlace>, rows_max: usize) -> StoreFuture<'_, WalkPage> {
        Box::pin(async move {
            let from = after.map_or(Bound::Unbounded, |WalkPlace(id)| Bound::Excluded(Arc::from(id)));
            let kept = self.kept();
            let rows = kept.customers.range::<Arc<str>, _>((from, Bound::Unbounded)).take(rows_max);
            let customers: Vec<_> = rows.map(|(id, kept)| (Arc::clone(id), kept.stored.clone())).collect();
            let full = customers.len() == rows_max;
            let next = customers.last().filter(|_| full).map(|(id, _)| WalkPlace(id.to_string()));
            Ok(WalkPage { customers, next })
        })
    }

    fn load<'a>(&'a self, customer: &'a CustomerKey) -> StoreFuture<'a, Option<StoredCustomer>> {
        Box::pin(async { Ok(self.kept().customers.get(&customer.id).map(|kept| kept.stored.clone())) })
    }

    fn save(&self, save: Save) -> StoreFuture<'_, ()> {
        Box::pin(async { self.kept().save(save) })
    }

    fn restore(&self, save: Save) -> StoreFuture<'_, ()> {
        Box::pin(async { self.kept().restore(save) })
    }

    fn erase<'a>(
        &'a self,
        customer: &'a CustomerKey,
        fence: Fence,
        revision: u64,
    ) -> StoreFuture<'a, Erasure> {
        Box::pin(async move { self.kept().erase(customer, fence, revision) })
    }
}

impl DecisionLog for Memory {
    fn contacts<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<ContactRow>> {
        Box::pin(async move {
            let kept = self.kept();
            Ok(kept
                .customers
                .get(&customer.id)
                .map_or(Vec::new(), |c| page_of(&c.contacts, &page, contact_row)))
        })
    }

    fn decisions<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<DecisionRow>> {
        Box::pin(async move {
            let kept = self.kept();
            Ok(kept
                .customers
                .get(&customer.id)
                .map_or(Vec::new(), |c| page_of(&c.decisions, &page, decision_row)))
        })
    }

    fn decision<'a>(
        &'a self,
        customer: &'a CustomerKey,
        decision_id: &'a str,
    ) -> StoreFuture<'a, Option<DecisionRow>> {
        Box::pin(async move {
            let kept = self.kept();
            let found = kept.customers.get(&customer.id).and_then(|kept| {
                let rows = kept.decisions.iter();
                rows.rev().find(|((_, id), _)| id == decision_id)
            });
            Ok(found.map(|((at_ms, id), body)| decision_row(*at_ms, id, body)))
        })
    }
}

impl PlaybookStore for Memory {
    fn put_playbook(&self, row: PlaybookRow) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.kept().playbooks.entry(row.id.clone()).or_insert(row);
            Ok(())
        })
    }

    fn playbook<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<PlaybookRow>> {
        Box::pin(async move { Ok(self.kept().playbooks.get(id).cloned()) })
    }

    fn playbooks(&self) -> StoreFuture<'_, Vec<(String, i64)>> {
        Box::pin(async {
            let kept = self.kept();
            let mut all: Vec<_> =
                kept.playbooks.values().map(|row| (row.id.clone(), row.stored_at_ms)).collect();
            all.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
            Ok(all)
        })
    }

    fn activate(&self, activation: Activation) -> StoreFuture<'_, ()> {
        Box::pin(async {
            let mut kept = self.kept();
            if !kept.playbooks.contains_key(&activation.playbook_id) {
                return Err(StoreError::Unavailable("only a stored playbook can become active".into()));
            }
            kept.activations.push(activation);
            Ok(())
        })
    }

    fn activations(&self) -> StoreFuture<'_, Vec<Activation>> {
        Box::pin(async { Ok(self.kept().activations.clone()) })
    }

    fn put_dictionary(&self, dictionary: StoredDictionary) -> StoreFuture<'_, ()> {
        Box::pin(async { self.kept().put_dictionary(dictionary) })
    }

    fn dictionary(&self) -> StoreFuture<'_, Option<StoredDictionary>> {
        Box::pin(async { Ok(self.kept().dictionary.clone()) })
    }
}

impl EvidenceStore for Memory {
    fn put_evidence(&self, evidence: ShardEvidence) -> StoreFuture<'_, ()> {
        Box::pin(async { self.kept().put_evidence(evidence) })
    }

    fn evidence(&self, shard: u32) -> StoreFuture<'_, Option<ShardEvidence>> {
        Box::pin(async move { Ok(self.kept().evidence.get(&shard).cloned()) })
    }

    fn all_evidence(&self) -> StoreFuture<'_, Vec<ShardEvidence>> {
        Box::pin(async { Ok(self.kept().evidence.values().cloned().collect()) })
    }

    fn put_evidence_table<'a>(&'a self, id: &'a str, body: Arc<[u8]>) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.kept().evidence_tables.entry(id.to_owned()).or_insert(body);
            Ok(())
        })
    }

    fn evidence_tables(&self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(async { Ok(self.kept().evidence_tables.keys().cloned().collect()) })
    }

    fn evidence_table<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<Arc<[u8]>>> {
        Box::pin(async move { Ok(self.kept().evidence_tables.get(id).cloned()) })
    }
}

impl DueIndex for Memory {
    fn put_due(&self, _fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.kept().due.extend(rows);
            Ok(())
        })
    }

    fn remove_due(&self, _fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut kept = self.kept();
            for row in &rows {
                kept.due.remove(row);
            }
            Ok(())
        })
    }

    fn due(&self, shard: u32, until_ms: i64, rows_max: usize) -> StoreFuture<'_, Vec<DueRow>> {
        Box::pin(async move {
            let kept = self.kept();
            let due = kept.due.iter().filter(|row| row.shard == shard && row.at_ms < until_ms);
            Ok(due.take(rows_max).cloned().collect())
        })
    }
}

impl TotalStore for Memory {
    fn lease_total(&self, lease: TotalLease) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut kept = self.kept();
            let granted = kept.totals.entry(lease.name.clone()).or_default();
            let units = grantable(*granted, &lease);
            *granted += units;
            Ok(units)
        })
    }

    fn give_back_total<'a>(&'a self, name: &'a str, units: u64) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            if let Some(granted) = self.kept().totals.get_mut(name) {
                *granted = granted.saturating_sub(units);
            }
            Ok(())
        })
    }

    fn granted_total<'a>(&'a self, name: &'a str) -> StoreFuture<'a, u64> {
        Box::pin(async move { Ok(self.kept().totals.get(name).copied().unwrap_or(0)) })
    }
}
