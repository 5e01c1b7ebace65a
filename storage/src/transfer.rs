//! Everything one store remembers, put into another: a pilot moves to a cluster, or back.
//!
//! Nobody may serve from either store meanwhile. What is copied stands under fence 0, so the first owner of the target can take it
//! over. Every step can be repeated: what is there already, and the same, is left alone; what is there and different is
//! an error. Leaves out how the two stores are opened and who makes sure that nobody serves.

use crate::{
    ContactRow, CustomerKey, DecisionRow, Fence, Page, Save, ShardEvidence, Store, StoreError,
    StoredCustomer, StoredDictionary,
};
use std::sync::Arc;

/// Customers read at once: a few megabytes.
const CUSTOMERS_AT_ONCE: usize = 256;
/// Rows of a customer read at once.
const ROWS_AT_ONCE: usize = 200;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Customers, aliases among them.
    pub customers: u64,
    /// Contacts of all of them.
    pub contacts: u64,
    /// Decisions of all of them.
    pub decisions: u64,
    /// Bytes of their snapshots.
    pub snapshot_bytes: u64,
    /// Playbooks.
    pub playbooks: u64,
    /// Shards with evidence, and tables of it.
    pub evidence: u64,
}

/// Copies `from` into `to`. `hash_of` says where a customer's id is kept; `told` hears of every lot.
///
/// Errors: those of either store. [`Conflict`](StoreError::Conflict) when `to` holds something else in the same place.
pub async fn copy(
    from: &dyn Store,
    to: &dyn Store,
    hash_of: impl Fn(&str) -> u64,
    mut told: impl FnMut(&Copied),
) -> Result<Copied, StoreError> {
    let mut copied = Copied::default();
    copy_playbooks(from, to, &mut copied).await?;
    copy_dictionary(from, to).await?;
    copy_evidence(from, to, &mut copied).await?;
    let mut after = None;
    loop {
        let page = from.walk(after, CUSTOMERS_AT_ONCE).await?;
        for (id, stored) in page.customers {
            let customer = CustomerKey { hash: hash_of(&id), id };
            copy_customer(from, to, customer, stored, &mut copied).await?;
        }
        told(&copied);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(copied),
        }
    }
}

async fn copy_customer(
    from: &dyn Store,
    to: &dyn Store,
    customer: CustomerKey,
    stored: StoredCustomer,
    copied: &mut Copied,
) -> Result<(), StoreError> {
    let contacts = all_contacts(from, &customer).await?;
    let decisions = all_decisions(from, &customer).await?;
    copied.customers += 1;
    copied.contacts += contacts.len() as u64;
    copied.decisions += decisions.len() as u64;
    copied.snapshot_bytes += stored.snapshot.len() as u64;
    let StoredCustomer { revision, snapshot, .. } = stored;
    to.restore(Save { customer, fence: Fence(0), revision, snapshot, before: None, contacts, decisions })
        .await
}

async fn all_contacts(from: &dyn Store, customer: &CustomerKey) -> Result<Vec<ContactRow>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let rows = from.contacts(customer, page(after)).await?;
        let last = rows.last().map(|row| (row.at_ms, row.contact_id.clone()));
        all.extend(rows);
        match last {
            Some(last) => after = Some(last),
            None => return Ok(all),
        }
    }
}

async fn all_decisions(from: &dyn Store, customer: &CustomerKey) -> Result<Vec<DecisionRow>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let rows = from.decisions(customer, page(after)).await?;
        let last = rows.last().map(|row| (row.at_ms, row.decision_id.clone()));
        all.extend(rows);
        match last {
            Some(last) => after = Some(last),
            None => return Ok(all),
        }
    }
}

fn page(after: Option<(i64, String)>) -> Page {
    Page { from_ms: i64::MIN, to_ms: i64::MAX, after, rows_max: ROWS_AT_ONCE }
}

async fn copy_playbooks(from: &dyn Store, to: &dyn Store, copied: &mut Copied) -> Result<(), StoreError> {
    for (id, _) in from.playbooks().await? {
        let missing = || StoreError::Corrupt(format!("playbook {id} is listed and not there"));
        let row = from.playbook(&id).await?.ok_or_else(missing)?;
        to.put_playbook(row).await?;
        copied.playbooks += 1;
    }
    let (theirs, ours) = (from.activations().await?, to.activations().await?);
    if theirs.get(..ours.len()) != Some(&ours[..]) {
        return Err(StoreError::Conflict { stored: ours.len() as u64, expected: 0 });
    }
    for activation in theirs.into_iter().skip(ours.len()) {
        to.activate(activation).await?;
    }
    Ok(())
}

/// The dictionary only grows by one version at a time: the last one is written under each number up to its own.
async fn copy_dictionary(from: &dyn Store, to: &dyn Store) -> Result<(), StoreError> {
    let Some(theirs) = from.dictionary().await? else { return Ok(()) };
    let ours = to.dictionary().await?;
    let stored = ours.as_ref().map_or(0, |ours| ours.version);
    if stored > theirs.version || ours.is_some_and(|ours| ours.body != theirs.body) {
        return Err(StoreError::Conflict { stored, expected: theirs.version });
    }
    for version in stored + 1..=theirs.version {
        to.put_dictionary(StoredDictionary { version, body: Arc::clone(&theirs.body) }).await?;
    }
    Ok(())
}

async fn copy_evidence(from: &dyn Store, to: &dyn Store, copied: &mut Copied) -> Result<(), StoreError> {
    for evidence in from.all_evidence().await? {
        to.put_evidence(ShardEvidence { fence: Fence(0), ..evidence }).await?;
        copied.evidence += 1;
    }
    for id in from.evidence_tables().await? {
        let missing = || StoreError::Corrupt(format!("evidence table {id} is listed and not there"));
        let body = from.evidence_table(&id).await?.ok_or_else(missing)?;
        to.put_evidence_table(&id, body).await?;
        copied.evidence += 1;
    }
    Ok(())
}
