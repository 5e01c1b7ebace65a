//! A store that fails on demand, for the tests of those who have to live with failures.
//!
//! Wraps any store. Faults are scripted per operation and used up in order, or decided by a closure, so that a test
//! says exactly which call fails and how. Without faults every call passes through. Leaves out chance: a test that
//! wants random faults draws them from its own seed.

use crate::{
    Activation, ContactRow, CustomerKey, CustomerStore, DecisionLog, DecisionRow, DueIndex, DueRow, Erasure,
    EvidenceStore, Fence, Page, PlaybookRow, PlaybookStore, Save, ShardEvidence, Store, StoreError,
    StoreFuture, StoredCustomer, StoredDictionary, TotalLease, TotalStore, WalkPage, WalkPlace,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// What a store can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the method of the same name")]
pub enum Operation {
    Load,
    Save,
    Restore,
    TakeOver,
    Walk,
    Erase,
    Contacts,
    Decisions,
    Decision,
    PutPlaybook,
    Playbook,
    Playbooks,
    Activate,
    Activations,
    PutDictionary,
    Dictionary,
    LeaseTotal,
    GiveBackTotal,
    GrantedTotal,
    PutEvidence,
    Evidence,
    AllEvidence,
    PutEvidenceTable,
    EvidenceTable,
    EvidenceTables,
    PutDue,
    RemoveDue,
    Due,
}

/// One call, as the closure of [`Faulty::decide_by`] sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What is asked.
    pub operation: Operation,
    /// Of whom; `None` for playbooks and the dictionary.
    pub customer: Option<&'a CustomerKey>,
    /// The fence of a save or an erasure.
    pub fence: Option<Fence>,
}

/// What goes wrong with one call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing goes wrong: lets a script skip calls.
    Pass,
    /// Fails with this error, not applied.
    FailBefore(StoreError),
    /// Applied, then answered with [`StoreError::MaybeApplied`]. A refused write stays refused but the caller
    /// does not learn of it.
    ApplyThenUnknown,
    /// Not applied, and answered with [`StoreError::MaybeApplied`]: the other half of not knowing.
    SkipThenUnknown,
    /// Refused as busy.
    Busy,
    /// Waits at the gate, then is applied.
    HoldBefore(Gate),
    /// Is applied, then waits at the gate with its answer.
    HoldAfter(Gate),
}

/// Where held calls wait until the test lets them go.
#[derive(Clone, Debug)]
pub struct Gate {
    arrived: Arc<Semaphore>,
    passes: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Gate { arrived: Arc::new(Semaphore::new(0)), passes: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Gate {
        Gate::default()
    }

    /// Waits until one more call has come to the gate. Does not let it go.
    pub async fn arrival(&self) {
        if let Ok(arrival) = self.arrived.acquire().await {
            arrival.forget();
        }
    }

    /// Lets one call go, the one waiting longest or the next to come.
    pub fn release(&self) {
        self.passes.add_permits(1);
    }

    /// Lets every call go, now and later.
    pub fn open(&self) {
        self.passes.close();
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        if let Ok(pass) = self.passes.acquire().await {
            pass.forget();
        }
    }
}

type Decide = dyn FnMut(&Call<'_>) -> Fault + Send;

/// Wraps a store and fails on demand.
pub struct Faulty {
    inner: Arc<dyn Store>,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    queued: BTreeMap<Operation, VecDeque<Fault>>,
    decide: Option<Box<Decide>>,
    seen: BTreeMap<Operation, u64>,
}

impl Faulty {
    /// Wraps `inner`; nothing fails until asked for.
    pub fn new(inner: Arc<dyn Store>) -> Faulty {
        Faulty { inner, script: Mutex::default() }
    }

    /// The next call of `operation` that has no fault queued yet suffers `fault`.
    pub fn queue(&self, operation: Operation, fault: Fault) {
        self.script().queued.entry(operation).or_default().push_back(fault);
    }

    /// Calls without a queued fault suffer what `decide` says, from now on.
    pub fn decide_by(&self, decide: impl FnMut(&Call<'_>) -> Fault + Send + 'static) {
        self.script().decide = Some(Box::new(decide));
    }

    /// Forgets every fault not yet used.
    pub fn heal(&self) {
        let mut script = self.script();
        script.queued.clear();
        script.decide = None;
    }

    /// How many calls of `operation` came, whatever became of them.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.script().seen.get(&operation).copied().unwrap_or(0)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, call: &Call<'_>) -> Fault {
        let mut script = self.script();
        *script.seen.entry(call.operation).or_default() += 1;
        if let Some(fault) = script.queued.get_mut(&call.operation).and_then(VecDeque::pop_front) {
            return fault;
        }
        script.decide.as_mut().map_or(Fault::Pass, |decide| decide(call))
    }

    fn suffer<'a, T: Send + 'a>(&'a self, call: Call<'a>, inner: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        Box::pin(async move {
            match self.fault(&call) {
                Fault::Pass => inner.await,
                Fault::FailBefore(error) => Err(error),
                Fault::ApplyThenUnknown => {
                    let _unseen = inner.await;
                    Err(StoreError::MaybeApplied("scripted fault".into()))
                }
                Fault::SkipThenUnknown => Err(StoreError::MaybeApplied("scripted fault".into())),
                Fault::Busy => Err(StoreError::Busy { waiting_max: 0 }),
                Fault::HoldBefore(gate) => {
                    gate.pass().await;
                    inner.await
                }
                Fault::HoldAfter(gate) => {
                    let answer = inner.await;
                    gate.pass().await;
                    answer
                }
            }
        })
    }
}

fn of(operation: Operation, customer: &CustomerKey) -> Call<'_> {
    Call { operation, customer: Some(customer), fence: None }
}

fn of_all(operation: Operation) -> Call<'static> {
    Call { operation, customer: None, fence: None }
}

impl CustomerStore for Faulty {
    fn walk(&self, after: Option<WalkPlace>, rows_max: usize) -> StoreFuture<'_, WalkPage> {
        let call = Call { operation: Operation::Walk, customer: None, fence: None };
        self.suffer(call, self.inner.walk(after, rows_max))
    }

    fn load<'a>(&'a self, customer: &'a CustomerKey) -> StoreFuture<'a, Option<StoredCustomer>> {
        self.suffer(of(Operation::Load, customer), self.inner.load(customer))
    }

    fn save(&self, save: Save) -> StoreFuture<'_, ()> {
        let (customer, fence) = (save.customer.clone(), save.fence);
        Box::pin(async move {
            let call = Call { operation: Operation::Save, customer: Some(&customer), fence: Some(fence) };
            self.suffer(call, self.inner.save(save)).await
        })
    }

    fn restore(&self, save: Save) -> StoreFuture<'_, ()> {
        let (customer, fence) = (save.customer.clone(), save.fence);
        Box::pin(async move {
            let call = Call { operation: Operation::Restore, customer: Some(&customer), fence: Some(fence) };
            self.suffer(call, self.inner.restore(save)).await
        })
    }

    fn take_over<'a>(
        &'a self,
        customer: &'a CustomerKey,
        fence: Fence,
        stored: &'a StoredCustomer,
    ) -> StoreFuture<'a, ()> {
        let call = Call { operation: Operation::TakeOver, customer: Some(customer), fence: Some(fence) };
        self.suffer(call, self.inner.take_over(customer, fence, stored))
    }

    fn erase<'a>(
        &'a self,
        customer: &'a CustomerKey,
        fence: Fence,
        revision: u64,
    ) -> StoreFuture<'a, Erasure> {
        let call = Call { operation: Operation::Erase, customer: Some(customer), fence: Some(fence) };
        self.suffer(call, self.inner.erase(customer, fence, revision))
    }
}

impl DecisionLog for Faulty {
    fn contacts<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<ContactRow>> {
        self.suffer(of(Operation::Contacts, customer), self.inner.contacts(customer, page))
    }

    fn decisions<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<DecisionRow>> {
        self.suffer(of(Operation::Decisions, customer), self.inner.decisions(customer, page))
    }

    fn decision<'a>(
        &'a self,
        customer: &'a CustomerKey,
        decision_id: &'a str,
    ) -> StoreFuture<'a, Option<DecisionRow>> {
        self.suffer(of(Operation::Decision, customer), self.inner.decision(customer, decision_id))
    }
}

impl PlaybookStore for Faulty {
    fn put_playbook(&self, row: PlaybookRow) -> StoreFuture<'_, ()> {
        self.suffer(of_all(Operation::PutPlaybook), self.inner.put_playbook(row))
    }

    fn playbook<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<PlaybookRow>> {
        self.suffer(of_all(Operation::Playbook), self.inner.playbook(id))
    }

    fn playbooks(&self) -> StoreFuture<'_, Vec<(String, i64)>> {
        self.suffer(of_all(Operation::Playbooks), self.inner.playbooks())
    }

    fn activate(&self, activation: Activation) -> StoreFuture<'_, ()> {
        self.suffer(of_all(Operation::Activate), self.inner.activate(activation))
    }

    fn activations(&self) -> StoreFuture<'_, Vec<Activation>> {
        self.suffer(of_all(Operation::Activations), self.inner.activations())
    }

    fn put_dictionary(&self, dictionary: StoredDictionary) -> StoreFuture<'_, ()> {
        self.suffer(of_all(Operation::PutDictionary), self.inner.put_dictionary(dictionary))
    }

    fn dictionary(&self) -> StoreFuture<'_, Option<StoredDictionary>> {
        self.suffer(of_all(Operation::Dictionary), self.inner.dictionary())
    }
}

impl EvidenceStore for Faulty {
    fn put_evidence(&self, evidence: ShardEvidence) -> StoreFuture<'_, ()> {
        let call = Call { operation: Operation::PutEvidence, customer: None, fence: Some(evidence.fence) };
        self.suffer(call, self.inner.put_evidence(evidence))
    }

    fn evidence(&self, shard: u32) -> StoreFuture<'_, Option<ShardEvidence>> {
        self.suffer(of_all(Operation::Evidence), self.inner.evidence(shard))
    }

    fn all_evidence(&self) -> StoreFuture<'_, Vec<ShardEvidence>> {
        self.suffer(of_all(Operation::AllEvidence), self.inner.all_evidence())
    }

    fn put_evidence_table<'a>(&'a self, id: &'a str, body: Arc<[u8]>) -> StoreFuture<'a, ()> {
        self.suffer(of_all(Operation::PutEvidenceTable), self.inner.put_evidence_table(id, body))
    }

    fn evidence_tables(&self) -> StoreFuture<'_, Vec<String>> {
        self.suffer(of_all(Operation::EvidenceTables), self.inner.evidence_tables())
    }

    fn evidence_table<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<Arc<[u8]>>> {
        self.suffer(of_all(Operation::EvidenceTable), self.inner.evidence_table(id))
    }
}

impl DueIndex for Faulty {
    fn put_due(&self, fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()> {
        let call = Call { operation: Operation::PutDue, customer: None, fence: Some(fence) };
        self.suffer(call, self.inner.put_due(fence, rows))
    }

    fn remove_due(&self, fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()> {
        let call = Call { operation: Operation::RemoveDue, customer: None, fence: Some(fence) };
        self.suffer(call, self.inner.remove_due(fence, rows))
    }

    fn due(&self, shard: u32, until_ms: i64, rows_max: usize) -> StoreFuture<'_, Vec<DueRow>> {
        self.suffer(of_all(Operation::Due), self.inner.due(shard, until_ms, rows_max))
    }
}

impl TotalStore for Faulty {
    fn lease_total(&self, lease: TotalLease) -> StoreFuture<'_, u64> {
        self.suffer(of_all(Operation::LeaseTotal), self.inner.lease_total(lease))
    }

    fn give_back_total<'a>(&'a self, name: &'a str, units: u64) -> StoreFuture<'a, ()> {
        self.suffer(of_all(Operation::GiveBackTotal), self.inner.give_back_total(name, units))
    }

    fn granted_total<'a>(&'a self, name: &'a str) -> StoreFuture<'a, u64> {
        self.suffer(of_all(Operation::GrantedTotal), self.inner.granted_total(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn customer() -> CustomerKey {
        CustomerKey { hash: 7, id: "c-7".into() }
    }

    fn save(revision: u64) -> Save {
        let snapshot = Arc::from(&b"s"[..]);
        Save {
            customer: customer(),
            fence: Fence(1),
            revision,
            snapshot,
            before: None,
            contacts: vec![],
            decisions: vec![],
        }
    }

    async fn stored_revision(store: &Faulty) -> u64 {
        store.load(&customer()).await.unwrap().map_or(0, |s| s.revision)
    }

    #[tokio::test]
    async fn each_fault_hits_one_call_and_leaves_what_it_says() {
        let store = Faulty::new(Arc::new(Memory::new()));
        for (fault, applied) in [
            (Fault::FailBefore(StoreError::Unavailable("no".into())), false),
            (Fault::Busy, false),
            (Fault::SkipThenUnknown, false),
            (Fault::ApplyThenUnknown, true),
        ] {
            let before = stored_revision(&store).await;
            store.queue(Operation::Save, fault.clone());
            assert!(store.save(save(before + 1)).await.is_err(), "{fault:?}");
            assert_eq!(stored_revision(&store).await, before + u64::from(applied), "{fault:?}");
        }
        assert_eq!(store.save(save(2)).await, Ok(()));
        assert_eq!(store.calls(Operation::Save), 5);
    }

    #[tokio::test]
    async fn a_held_call_goes_when_the_gate_lets_it() {
        let store = Arc::new(Faulty::new(Arc::new(Memory::new())));
        let (before, after) = (Gate::new(), Gate::new());
        store.queue(Operation::Save, Fault::HoldBefore(before.clone()));
        store.queue(Operation::Save, Fault::HoldAfter(after.clone()));
        for (gate, revision, seen_while_held) in [(before, 1, 0), (after, 2, 2)] {
            let saver = store.clone();
            let held = tokio::spawn(async move { saver.save(save(revision)).await });
            gate.arrival().await;
            assert_eq!(stored_revision(&store).await, seen_while_held);
            assert!(!held.is_finished());
            gate.release();
            assert_eq!(held.await.unwrap(), Ok(()));
        }
    }

    #[tokio::test]
    async fn a_closure_chooses_by_call_until_healed() {
        let store = Faulty::new(Arc::new(Memory::new()));
        store.decide_by(|call| match call.fence {
            Some(Fence(1)) => Fault::Busy,
            _ => Fault::Pass,
        });
        assert!(store.save(save(1)).await.is_err());
        assert_eq!(store.save(Save { fence: Fence(2), ..save(1) }).await, Ok(()));
        store.heal();
        assert!(matches!(store.save(save(2)).await, Err(StoreError::Fenced { .. })));
    }
}
