//! Random histories of a few customers: every store answers as the plainest model of the contract does.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::contract::scratch;
use storage::{
    ContactRow, CustomerKey, DecisionRow, EmbeddedOptions, Erasure, Fence, Memory, Page, Save, Store,
    StoreError,
};

/// One step of a history. Revisions are relative to what the model has, so that most steps are nearly right.
#[derive(Clone, Debug)]
enum Step {
    Save { customer: u64, fence: u64, ahead: u64, contact: u8, decision: bool, bytes: usize },
    Erase { customer: u64, fence: u64, behind: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let fence = prop_oneof![8 => Just(3u64), 1 => Just(2), 1 => Just(4)];
    let ahead = prop_oneof![8 => Just(1u64), 1 => Just(0), 1 => Just(2)];
    let behind = prop_oneof![3 => Just(0u64), 1 => Just(1)];
    let save = (0..5u64, fence.clone(), ahead, 0..4u8, any::<bool>(), 0..6000usize);
    prop_oneof![
        9 => save.prop_map(|(customer, fence, ahead, contact, decision, bytes)| {
            Step::Save { customer, fence, ahead, contact, decision, bytes }
        }),
        1 => (0..5u64, fence, behind).prop_map(|(customer, fence, behind)| Step::Erase { customer, fence, behind }),
    ]
}

/// Customers 0 to 2 share a hash in all but its low bits, 3 and 4 share nothing.
fn key(customer: u64) -> CustomerKey {
    let hash = if customer < 3 { 0x70 + customer } else { customer << 60 };
    CustomerKey { hash, id: format!("c{customer}").into() }
}

/// The contract, as plainly as it can be put.
#[derive(Default)]
struct Model {
    customers: BTreeMap<u64, Kept>,
}

#[derive(Default)]
struct Kept {
    fence: u64,
    revision: u64,
    snapshot: Vec<u8>,
    contacts: BTreeMap<String, i64>,
    decisions: Vec<(i64, String)>,
}

impl Model {
    fn save(&mut self, customer: u64, save: &Save) -> Result<(), StoreError> {
        let kept = self.customers.entry(customer).or_default();
        if save.fence.0 < kept.fence {
            return Err(StoreError::Fenced { stored: Fence(kept.fence), ours: save.fence });
        }
        if save.revision != kept.revision + 1 {
            return Err(StoreError::Conflict { stored: kept.revision, expected: save.revision - 1 });
        }
        (kept.fence, kept.revision, kept.snapshot) = (save.fence.0, save.revision, save.snapshot.to_vec());
        kept.contacts.extend(save.contacts.iter().map(|row| (row.contact_id.clone(), row.at_ms)));
        kept.decisions.extend(save.decisions.iter().map(|row| (row.at_ms, row.decision_id.clone())));
        Ok(())
    }

    fn erase(&mut self, customer: u64, fence: u64, revision: u64) -> Result<Erasure, StoreError> {
        let kept = self.customers.entry(customer).or_default();
        if fence < kept.fence {
            return Err(StoreError::Fenced { stored: Fence(kept.fence), ours: Fence(fence) });
        }
        if kept.revision > 0 && revision != kept.revision {
            return Err(StoreError::Conflict { stored: kept.revision, expected: revision });
        }
        let gone = std::mem::replace(kept, Kept { fence, ..Kept::default() });
        Ok(Erasure {
            snapshots: u64::from(gone.revision > 0),
            contacts: gone.contacts.len() as u64,
            decisions: gone.decisions.len() as u64,
        })
    }

    fn revision(&self, customer: u64) -> u64 {
        self.customers.get(&customer).map_or(0, |kept| kept.revision)
    }
}

fn save_of(model: &Model, step_number: usize, step: &Step) -> Option<(u64, Save)> {
    let Step::Save { customer, fence, ahead, contact, decision, bytes } = *step else { return None };
    let body: Arc<[u8]> = Arc::from(step_number.to_be_bytes());
    let at_ms = (step_number % 7) as i64;
    let contact =
        (contact > 0).then(|| ContactRow { contact_id: format!("k{contact}"), at_ms, body: body.clone() });
    let decision = decision.then(|| DecisionRow { decision_id: format!("d{step_number:04}"), at_ms, body });
    let save = Save {
        customer: key(customer),
        fence: Fence(fence),
        revision: (model.revision(customer) + ahead).max(1),
        snapshot: Arc::from(vec![step_number as u8; bytes]),
        before: None,
        contacts: contact.into_iter().collect(),
        decisions: decision.into_iter().collect(),
    };
    Some((customer, save))
}

/// Runs of saves are asked for at once, in order, so that a grouping store groups them.
async fn check(store: &dyn Store, steps: &[Step]) {
    let mut model = Model::default();
    let mut asked = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        match (save_of(&model, number, step), step) {
            (Some((customer, save)), _) => {
                let expected = model.save(customer, &save);
                asked.push((expected, save));
            }
            (None, Step::Erase { customer, fence, behind }) => {
                check_group(store, std::mem::take(&mut asked)).await;
                let revision = model.revision(*customer).saturating_sub(*behind);
                let expected = model.erase(*customer, *fence, revision);
                assert_eq!(
                    store.erase(&key(*customer), Fence(*fence), revision).await,
                    expected,
                    "step {number}"
                );
            }
            (None, Step::Save { .. }) => unreachable!("a save step makes a save"),
        }
    }
    check_group(store, asked).await;
    check_all_kept(store, &model).await;
}

async fn check_group(store: &dyn Store, asked: Vec<(Result<(), StoreError>, Save)>) {
    let (expected, saves): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let answers = futures_in_order(saves.into_iter().map(|save| store.save(save)).collect()).await;
    assert_eq!(answers, expected);
}

async fn futures_in_order<T>(mut futures: Vec<storage::StoreFuture<'_, T>>) -> Vec<Result<T, StoreError>> {
    let mut answers: Vec<_> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, answer) in futures.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            if let std::task::Poll::Ready(ready) = future.as_mut().poll(cx) {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

async fn check_all_kept(store: &dyn Store, model: &Model) {
    const ALL: Page = Page { from_ms: i64::MIN, to_ms: i64::MAX, after: None, rows_max: 1000 };
    for customer in 0..5 {
        let nobody = Kept::default();
        let kept = model.customers.get(&customer).unwrap_or(&nobody);
        let stored = store.load(&key(customer)).await.unwrap();
        let stored = stored.map_or((0, vec![]), |stored| (stored.revision, stored.snapshot.to_vec()));
        assert_eq!(stored, (kept.revision, kept.snapshot.clone()));
        let mut contacts: Vec<_> = kept.contacts.iter().map(|(id, at_ms)| (*at_ms, id.clone())).collect();
        contacts.sort();
        contacts.reverse();
        let rows = store.contacts(&key(customer), ALL).await.unwrap();
        assert_eq!(rows.into_iter().map(|row| (row.at_ms, row.contact_id)).collect::<Vec<_>>(), contacts);
        let mut decisions = kept.decisions.clone();
        decisions.sort();
        decisions.reverse();
        let rows = store.decisions(&key(customer), ALL).await.unwrap();
        assert_eq!(rows.into_iter().map(|row| (row.at_ms, row.decision_id)).collect::<Vec<_>>(), decisions);
    }
}

fn run(store: &dyn Store, steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(check(store, steps));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_embedded_store_answers_as_the_model(steps in prop::collection::vec(step(), 1..120)) {
        let (_dir, store) = scratch(EmbeddedOptions::default()).unwrap();
        run(&store, &steps);
    }

    #[test]
    fn the_memory_store_answers_as_the_model(steps in prop::collection::vec(step(), 1..120)) {
        run(&Memory::new(), &steps);
    }
}
