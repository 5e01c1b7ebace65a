//! Totals: granted up to their limit, however many ask at once, and what is given back is granted again.

use crate::{Store, StoreError, TotalLease};
use std::sync::Arc;

type Shared = Arc<dyn Store>;

fn lease(name: &str, units: u64, limit: u64) -> TotalLease {
    TotalLease { name: name.into(), units, limit }
}

async fn check(store: &Shared, asked: TotalLease, expected: u64) {
    assert_eq!(store.lease_total(asked.clone()).await, Ok(expected), "{asked:?}");
}

pub(super) async fn a_total_is_granted_up_to_its_limit(store: Shared) {
    assert_eq!(store.granted_total("phones").await, Ok(0));
    check(&store, lease("phones", 4, 10), 4).await;
    check(&store, lease("phones", 0, 10), 0).await;
    check(&store, lease("phones", 4, 10), 4).await;
    check(&store, lease("phones", 4, 10), 2).await;
    check(&store, lease("phones", 4, 10), 0).await;
    assert_eq!(store.granted_total("phones").await, Ok(10));
}

pub(super) async fn units_given_back_are_granted_again(store: Shared) {
    check(&store, lease("phones", 10, 10), 10).await;
    assert_eq!(store.give_back_total("phones", 3).await, Ok(()));
    assert_eq!(store.granted_total("phones").await, Ok(7));
    check(&store, lease("phones", 5, 10), 3).await;
    assert_eq!(store.give_back_total("phones", 99).await, Ok(()), "never below nothing");
    assert_eq!(store.granted_total("phones").await, Ok(0));
    assert_eq!(store.give_back_total("unheard of", 1).await, Ok(()));
    assert_eq!(store.granted_total("unheard of").await, Ok(0));
}

pub(super) async fn totals_are_told_apart_by_their_names(store: Shared) {
    check(&store, lease("phones", 9, 10), 9).await;
    check(&store, lease("phones of may", 9, 10), 9).await;
    check(&store, lease("phones", 9, 10), 1).await;
}

pub(super) async fn a_limit_may_change_while_a_total_is_in_use(store: Shared) {
    check(&store, lease("budget", 8, 10), 8).await;
    check(&store, lease("budget", 8, 5), 0).await;
    check(&store, lease("budget", 8, 20), 8).await;
    assert_eq!(store.granted_total("budget").await, Ok(16));
}

pub(super) async fn leases_at_once_never_grant_more_than_there_is(store: Shared) {
    let asking = (0..64).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.lease_total(lease("phones", 1 + n % 3, 50)).await })
    });
    let mut granted = 0;
    for asked in asking.collect::<Vec<_>>() {
        match asked.await.expect("a lease does not panic") {
            Ok(units) => granted += units,
            Err(StoreError::Busy { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(granted <= 50, "{granted} granted");
    assert_eq!(store.granted_total("phones").await, Ok(granted));
}
