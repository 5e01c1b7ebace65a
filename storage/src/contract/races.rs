//! Many callers at once.

use super::samples::{customer, save};
use crate::{Store, StoreError};
use std::sync::Arc;
use tokio::task::JoinSet;

type Shared = Arc<dyn Store>;

pub(super) async fn many_customers_are_saved_at_once(store: Shared) {
    const CUSTOMERS: u64 = 300;
    for revision in 1..=2 {
        let mut saves = JoinSet::new();
        for n in 0..CUSTOMERS {
            let store = store.clone();
            saves.spawn(async move { store.save(save(&customer(n), 1, revision)).await });
        }
        assert!(saves.join_all().await.iter().all(Result::is_ok));
    }
    for n in 0..CUSTOMERS {
        let stored = store.load(&customer(n)).await;
        let snapshot = stored.map(|found| found.map(|found| found.snapshot));
        assert_eq!(snapshot, Ok(Some(save(&customer(n), 1, 2).snapshot)));
    }
}

pub(super) async fn one_of_many_racers_wins(store: Shared) {
    const RACERS: u64 = 40;
    for revision in 1..=5 {
        let mut saves = JoinSet::new();
        for racer in 0..RACERS {
            let (store, mut turn) = (store.clone(), save(&customer(1), 1, revision));
            turn.snapshot = Arc::from(racer.to_be_bytes());
            saves.spawn(async move { (turn.snapshot.clone(), store.save(turn).await) });
        }
        let outcomes = saves.join_all().await;
        let lost = Err(StoreError::Conflict { stored: revision, expected: revision - 1 });
        assert_eq!(outcomes.iter().filter(|(_, outcome)| *outcome == lost).count() as u64, RACERS - 1);
        let won: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).collect();
        assert_eq!(won.len(), 1);
        let stored = store.load(&customer(1)).await;
        assert_eq!(stored.map(|found| found.map(|found| found.snapshot)), Ok(Some(won[0].0.clone())));
    }
}

/// Asked for in order without waiting in between: a store that groups writes must not reorder a customer's.
pub(super) async fn turns_of_one_customer_keep_their_order(store: Shared) {
    const TURNS: u64 = 50;
    let turns = (1..=TURNS).map(|revision| store.save(save(&customer(1), 1, revision)));
    let turns: Vec<_> = turns.map(tokio::task::unconstrained).collect();
    for outcome in in_order(turns).await {
        assert_eq!(outcome, Ok(()));
    }
    let stored = store.load(&customer(1)).await;
    assert_eq!(stored.map(|found| found.map(|found| found.revision)), Ok(Some(TURNS)));
}

/// Starts all before it waits for any, in their order.
async fn in_order<F: Future + Unpin>(mut futures: Vec<F>) -> Vec<F::Output> {
    let mut outcomes: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, outcome) in futures.iter_mut().zip(&mut outcomes) {
            if outcome.is_none()
                && let std::task::Poll::Ready(value) = std::pin::Pin::new(future).poll(cx)
            {
                *outcome = Some(value);
            }
        }
        match outcomes.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}
