//! The walk over all customers: everybody once, page by page.

use super::samples::{customer, save};
use crate::{Store, WalkPlace};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Walks the whole store by pages of `rows_max`; answers the ids met, in order.
async fn walked(store: &Arc<dyn Store>, rows_max: usize) -> Vec<String> {
    let mut met = Vec::new();
    let mut after: Option<WalkPlace> = None;
    loop {
        let page = store.walk(after, rows_max).await.expect("a page");
        assert!(page.customers.len() <= rows_max, "{} rows", page.customers.len());
        met.extend(page.customers.iter().map(|(id, _)| id.to_string()));
        let Some(next) = page.next else { return met };
        after = Some(next);
    }
}

pub async fn a_walk_meets_every_customer_once(store: Arc<dyn Store>) {
    assert!(walked(&store, 10).await.is_empty());
    let all: Vec<_> = (0..53).map(customer).collect();
    for one in &all {
        store.save(save(one, 1, 1)).await.expect("saved");
    }
    let ids: BTreeSet<String> = all.iter().map(|one| one.id.to_string()).collect();
    for rows_max in [1, 7, 53, 1000] {
        let met = walked(&store, rows_max).await;
        assert_eq!(met.len(), ids.len(), "pages of {rows_max}");
        assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), ids, "pages of {rows_max}");
    }
}

pub async fn a_walk_shows_what_a_load_shows(store: Arc<dyn Store>) {
    let (ann, bob) = (customer(1), customer(2));
    store.save(save(&ann, 1, 1)).await.expect("saved");
    store.save(save(&ann, 1, 2)).await.expect("saved");
    store.save(save(&bob, 1, 1)).await.expect("saved");
    store.erase(&bob, crate::Fence(1), 1).await.expect("erased");
    let page = store.walk(None, 10).await.expect("a page");
    let loaded = store.load(&ann).await.expect("read").expect("there");
    assert_eq!(page.customers, [(ann.id, loaded)], "the erased are not met");
}

pub async fn a_walk_goes_on_while_customers_come_and_go(store: Arc<dyn Store>) {
    for n in 0..20 {
        store.save(save(&customer(n), 1, 1)).await.expect("saved");
    }
    let mut met = Vec::new();
    let mut after: Option<WalkPlace> = None;
    let mut n = 0;
    loop {
        let page = store.walk(after, 3).await.expect("a page");
        met.extend(page.customers.iter().map(|(id, _)| id.to_string()));
        store.save(save(&customer(1_000 + n), 1, 1)).await.expect("saved");
        n += 1;
        let Some(next) = page.next.filter(|_| n < 500) else { break };
        after = Some(next);
    }
    for n in 0..20 {
        let id = customer(n).id;
        assert_eq!(met.iter().filter(|other| **other == *id).count(), 1, "{id}");
    }
}
