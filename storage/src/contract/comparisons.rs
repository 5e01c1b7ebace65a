//! What stores refuse that look before they write.

use super::customers::{check_stored, saved_up_to};
use super::samples::{contact, customer, decision, save};
use crate::{Erasure, Fence, Page, Store, StoreError};
use std::sync::Arc;

type Shared = Arc<dyn Store>;

const ALL: Page = Page { from_ms: i64::MIN, to_ms: i64::MAX, after: None, rows_max: 1000 };

fn fenced<T>(stored: u64, ours: u64) -> Result<T, StoreError> {
    Err(StoreError::Fenced { stored: Fence(stored), ours: Fence(ours) })
}

fn conflict<T>(stored: u64, expected: u64) -> Result<T, StoreError> {
    Err(StoreError::Conflict { stored, expected })
}

pub(super) async fn a_save_replaces_the_revision_before_it_and_nothing_else(store: Shared) {
    let customer = customer(1);
    assert_eq!(store.save(save(&customer, 1, 2)).await, conflict(0, 1));
    saved_up_to(&store, &customer, 1, 3).await;
    for (revision, expected) in [(1, 0), (3, 2), (5, 4)] {
        assert_eq!(store.save(save(&customer, 1, revision)).await, conflict(3, expected));
    }
    check_stored(&store, &customer, 1, 3).await;
    assert_eq!(store.save(save(&customer, 1, 4)).await, Ok(()));
}

pub(super) async fn a_refused_save_changes_nothing(store: Shared) {
    let customer = customer(1);
    let mut kept = save(&customer, 5, 1);
    kept.contacts = vec![contact("c1", 10, "kept")];
    assert_eq!(store.save(kept).await, Ok(()));
    for (fence, revision) in [(4, 2), (5, 1), (5, 7)] {
        let mut refused = save(&customer, fence, revision);
        refused.contacts = vec![contact("c1", 10, "changed"), contact("c2", 11, "new")];
        refused.decisions = vec![decision("d1", 12)];
        assert!(store.save(refused).await.is_err());
    }
    check_stored(&store, &customer, 5, 1).await;
    assert_eq!(store.contacts(&customer, ALL).await, Ok(vec![contact("c1", 10, "kept")]));
    assert_eq!(store.decisions(&customer, ALL).await, Ok(vec![]));
}

pub(super) async fn a_lower_fence_is_refused(store: Shared) {
    let customer = customer(1);
    saved_up_to(&store, &customer, 5, 1).await;
    assert_eq!(store.save(save(&customer, 4, 2)).await, fenced(5, 4));
    assert_eq!(store.save(save(&customer, 4, 9)).await, fenced(5, 4));
    check_stored(&store, &customer, 5, 1).await;
}

pub(super) async fn a_former_owner_is_refused_after_an_erasure(store: Shared) {
    let customer = customer(1);
    saved_up_to(&store, &customer, 4, 2).await;
    assert_eq!(store.erase(&customer, Fence(5), 2).await.map(|erasure| erasure.snapshots), Ok(1));
    assert_eq!(store.save(save(&customer, 4, 3)).await, fenced(5, 4));
    assert_eq!(store.save(save(&customer, 4, 1)).await, fenced(5, 4));
    assert_eq!(store.load(&customer).await, Ok(None));
    assert_eq!(store.save(save(&customer, 5, 1)).await, Ok(()));
    assert_eq!(store.save(save(&customer, 4, 2)).await, fenced(5, 4));
    check_stored(&store, &customer, 5, 1).await;
}

pub(super) async fn a_former_owner_cannot_erase_its_successors_customer(store: Shared) {
    let customer = customer(1);
    saved_up_to(&store, &customer, 5, 2).await;
    assert_eq!(store.erase(&customer, Fence(4), 2).await, fenced(5, 4));
    check_stored(&store, &customer, 5, 2).await;
}

pub(super) async fn erasing_nobody_keeps_former_owners_out(store: Shared) {
    let customer = customer(1);
    assert_eq!(store.erase(&customer, Fence(3), 0).await, Ok(Erasure::default()));
    assert_eq!(store.erase(&customer, Fence(3), 0).await, Ok(Erasure::default()));
    assert_eq!(store.save(save(&customer, 2, 1)).await, fenced(3, 2));
    assert_eq!(store.save(save(&customer, 3, 1)).await, Ok(()));
}

pub(super) async fn an_erasure_needs_the_revision_that_was_read(store: Shared) {
    let customer = customer(1);
    saved_up_to(&store, &customer, 1, 1).await;
    assert_eq!(store.erase(&customer, Fence(1), 7).await, conflict(1, 7));
    assert_eq!(store.erase(&customer, Fence(1), 1).await.map(|erasure| erasure.snapshots), Ok(1));
    assert_eq!(store.save(save(&customer, 1, 2)).await, conflict(0, 1));
    assert_eq!(store.save(save(&customer, 1, 1)).await, Ok(()));
}

pub(super) async fn a_contacts_row_moves_with_its_time(store: Shared) {
    let mut turn = save(&customer(1), 1, 1);
    turn.contacts = vec![contact("c1", 20, "reserved")];
    assert_eq!(store.save(turn).await, Ok(()));
    let mut turn = save(&customer(1), 1, 2);
    turn.contacts = vec![contact("c1", 5, "moved")];
    assert_eq!(store.save(turn).await, Ok(()));
    assert_eq!(store.contacts(&customer(1), ALL).await, Ok(vec![contact("c1", 5, "moved")]));
}
