//! The contracts, call by call: into a queue, and the answer back.
//!
//! Leaves out what is done with a call (see `writer` and `readers`).

use super::Embedded;
use super::queue::Refused;
use super::readers::Reader;
use super::schema::not_applied;
use super::writer::{Done, Waiting, Write};
use crate::{
    Activation, ContactRow, CustomerKey, CustomerStore, DecisionLog, DecisionRow, DueIndex, DueRow, Erasure,
    EvidenceStore, Fence, Page, PlaybookRow, PlaybookStore, Save, ShardEvidence, StoreError, StoreFuture,
    StoredCustomer, StoredDictionary, TotalLease, TotalStore, WalkPage, WalkPlace, metrics,
};
use std::sync::Arc;
use tokio::sync::oneshot;

impl Embedded {
    async fn write(&self, write: Write) -> Result<Done, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.writes
            .put(Waiting { write, answer })
            .map_err(|refused| refusal(&refused, self.writes.waiting_max()))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::MaybeApplied("the writer has ended".into())))
    }

    /// A caller that has gone away is not read for.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let call = move |reader: &mut Reader<'_>| {
            if !answer.is_closed() {
                let _ = answer.send(read(reader).map_err(|error| not_applied(&error)));
            }
        };
        self.reads.put(Box::new(call)).map_err(|refused| refusal(&refused, self.reads.waiting_max()))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("a reader has ended".into())))
    }
}

fn refusal(refused: &Refused, waiting_max: usize) -> StoreError {
    match refused {
        Refused::Full => {
            metrics::busy();
            StoreError::Busy { waiting_max }
        }
        Refused::Closed => StoreError::Unavailable("the store is closed".into()),
    }
}

impl CustomerStore for Embedded {
    fn walk(&self, after: Option<WalkPlace>, rows_max: usize) -> StoreFuture<'_, WalkPage> {
        Box::pin(async move {
            let after = after.map(|WalkPlace(key)| key.parse::<i64>()).transpose();
            let after = after.map_err(|_| StoreError::Unavailable("no place of this store".into()))?;
            self.read(move |reader| reader.walk(after, rows_max)).await
        })
    }

    fn load<'a>(&'a self, customer: &'a CustomerKey) -> StoreFuture<'a, Option<StoredCustomer>> {
        let customer = customer.clone();
        Box::pin(self.read(move |reader| reader.load(&customer)))
    }

    fn save(&self, save: Save) -> StoreFuture<'_, ()> {
        Box::pin(async { self.write(Write::Save(save)).await.map(drop) })
    }

    fn restore(&self, save: Save) -> StoreFuture<'_, ()> {
        Box::pin(async { self.write(Write::Restore(save)).await.map(drop) })
    }

    fn erase<'a>(
        &'a self,
        customer: &'a CustomerKey,
        fence: Fence,
        revision: u64,
    ) -> StoreFuture<'a, Erasure> {
        let customer = customer.clone();
        Box::pin(async move {
            match self.write(Write::Erase { customer, fence, revision }).await? {
                Done::Erased(erasure) => Ok(erasure),
                Done::Written | Done::Leased(_) => Ok(Erasure::default()),
            }
        })
    }
}

impl DecisionLog for Embedded {
    fn contacts<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<ContactRow>> {
        let customer = customer.clone();
        Box::pin(self.read(move |reader| reader.contacts(&customer, &page)))
    }

    fn decisions<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<DecisionRow>> {
        let customer = customer.clone();
        Box::pin(self.read(move |reader| reader.decisions(&customer, &page)))
    }

    fn decision<'a>(
        &'a self,
        customer: &'a CustomerKey,
        decision_id: &'a str,
    ) -> StoreFuture<'a, Option<DecisionRow>> {
        let (customer, decision_id) = (customer.clone(), decision_id.to_owned());
        Box::pin(self.read(move |reader| reader.decision(&customer, &decision_id)))
    }
}

impl PlaybookStore for Embedded {
    fn put_playbook(&self, row: PlaybookRow) -> StoreFuture<'_, ()> {
        Box::pin(async { self.write(Write::PutPlaybook(row)).await.map(drop) })
    }

    fn playbook<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<PlaybookRow>> {
        let id = id.to_owned();
        Box::pin(self.read(move |reader| reader.playbook(&id)))
    }

    fn playbooks(&self) -> StoreFuture<'_, Vec<(String, i64)>> {
        Box::pin(self.read(|reader| reader.playbooks()))
    }

    fn activate(&self, activation: Activation) -> StoreFuture<'_, ()> {
        Box::pin(async { self.write(Write::Activate(activation)).await.map(drop) })
    }

    fn activations(&self) -> StoreFuture<'_, Vec<Activation>> {
        Box::pin(self.read(|reader| reader.activations()))
    }

    fn put_dictionary(&self, dictionary: StoredDictionary) -> StoreFuture<'_, ()> {
        Box::pin(async { self.write(Write::PutDictionary(dictionary)).await.map(drop) })
    }

    fn dictionary(&self) -> StoreFuture<'_, Option<StoredDictionary>> {
        Box::pin(self.read(|reader| reader.dictionary()))
    }
}

impl EvidenceStore for Embedded {
    fn put_evidence(&self, evidence: ShardEvidence) -> StoreFuture<'_, ()> {
        Box::pin(async { self.write(Write::PutEvidence(evidence)).await.map(drop) })
    }

    fn evidence(&self, shard: u32) -> StoreFuture<'_, Option<ShardEvidence>> {
        Box::pin(async move { Ok(self.read(move |reader| reader.evidence(shard, shard)).await?.pop()) })
    }

    fn all_evidence(&self) -> StoreFuture<'_, Vec<ShardEvidence>> {
        Box::pin(self.read(|reader| reader.evidence(0, u32::MAX)))
    }

    fn put_evidence_table<'a>(&'a self, id: &'a str, body: Arc<[u8]>) -> StoreFuture<'a, ()> {
        let id = id.to_owned();
        Box::pin(async move { self.write(Write::PutEvidenceTable { id, body }).await.map(drop) })
    }

    fn evidence_tables(&self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(self.read(|reader| reader.evidence_tables()))
    }

    fn evidence_table<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<Arc<[u8]>>> {
        let id = id.to_owned();
        Box::pin(self.read(move |reader| reader.evidence_table(&id)))
    }
}

impl DueIndex for Embedded {
    fn put_due(&self, _fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()> {
        Box::pin(async { self.write(Write::PutDue(rows)).await.map(drop) })
    }

    fn remove_due(&self, _fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()> {
        Box::pin(async { self.write(Write::RemoveDue(rows)).await.map(drop) })
    }

    fn due(&self, shard: u32, until_ms: i64, rows_max: usize) -> StoreFuture<'_, Vec<DueRow>> {
        Box::pin(self.read(move |reader| reader.due(shard, until_ms, rows_max)))
    }
}

impl TotalStore for Embedded {
    fn lease_total(&self, lease: TotalLease) -> StoreFuture<'_, u64> {
        Box::pin(async {
            match self.write(Write::LeaseTotal(lease)).await? {
                Done::Leased(units) => Ok(units),
                Done::Written | Done::Erased(_) => Ok(0),
            }
        })
    }

    fn give_back_total<'a>(&'a self, name: &'a str, units: u64) -> StoreFuture<'a, ()> {
        let write = Write::GiveBackTotal { name: name.to_owned(), units };
        Box::pin(async { self.write(write).await.map(drop) })
    }

    fn granted_total<'a>(&'a self, name: &'a str) -> StoreFuture<'a, u64> {
        let name = name.to_owned();
        Box::pin(self.read(move |reader| reader.granted_total(&name)))
    }
}
