//! Load, save and erase, one caller at a time.

use super::samples::{contact, customer, decision, save};
use crate::{CustomerKey, Erasure, Fence, Page, Save, Store, StoredCustomer};
use std::sync::Arc;

type Shared = Arc<dyn Store>;

const ALL: Page = Page { from_ms: i64::MIN, to_ms: i64::MAX, after: None, rows_max: 1000 };

/// The next save of a customer, as a caller makes it: it reads first, and says what it replaces.
async fn following(store: &Shared, customer: &CustomerKey, fence: u64, revision: u64) -> Save {
    let before = store.load(customer).await.unwrap_or_else(|error| panic!("{error}"));
    Save { before, ..save(customer, fence, revision) }
}

pub(super) async fn saved_up_to(store: &Shared, customer: &CustomerKey, fence: u64, revision: u64) {
    for revision in 1..=revision {
        assert_eq!(store.save(save(customer, fence, revision)).await, Ok(()));
    }
}

/// Asserts that exactly this save is what the store answers.
pub(super) async fn check_stored(store: &Shared, customer: &CustomerKey, fence: u64, revision: u64) {
    let expected = save(customer, fence, revision);
    let stored = store.load(customer).await.unwrap_or_else(|error| panic!("{error}"));
    let Some(stored) = stored else { panic!("{customer:?} is not there") };
    assert_eq!((stored.fence, stored.revision), (Fence(fence), revision));
    assert_eq!(stored.snapshot, expected.snapshot);
}

pub(super) async fn a_save_is_read_back_whole(store: Shared) {
    let customer = customer(1);
    let mut first = save(&customer, 3, 1);
    first.contacts = vec![contact("c1", 10, "one"), contact("c2", 20, "two")];
    first.decisions = vec![decision("d1", 15)];
    assert_eq!(store.save(first.clone()).await, Ok(()));
    check_stored(&store, &customer, 3, 1).await;
    assert_eq!(
        store.contacts(&customer, ALL).await,
        Ok(vec![contact("c2", 20, "two"), contact("c1", 10, "one")])
    );
    assert_eq!(store.decisions(&customer, ALL).await, Ok(first.decisions));
}

pub(super) async fn an_unknown_customer_is_nobody(store: Shared) {
    saved_up_to(&store, &customer(1), 1, 1).await;
    assert_eq!(store.load(&customer(2)).await, Ok(None));
    assert_eq!(store.contacts(&customer(2), ALL).await, Ok(vec![]));
    assert_eq!(store.decisions(&customer(2), ALL).await, Ok(vec![]));
    assert_eq!(store.decision(&customer(2), "d").await, Ok(None));
}

pub(super) async fn a_save_replaces_the_one_before_it(store: Shared) {
    let customer = customer(1);
    for revision in 1..=4 {
        assert_eq!(store.save(following(&store, &customer, 1, revision).await).await, Ok(()));
        check_stored(&store, &customer, 1, revision).await;
    }
}

/// Whatever a former owner is told, what its successor wrote stays, and stays what everybody reads.
pub(super) async fn a_lower_fence_never_wins(store: Shared) {
    let customer = customer(1);
    saved_up_to(&store, &customer, 5, 3).await;
    for revision in [3, 4, 9] {
        let mut late = save(&customer, 4, revision);
        late.contacts = vec![contact("c1", 1, "late")];
        late.decisions = vec![decision("d1", 1)];
        let _told = store.save(late).await;
        check_stored(&store, &customer, 5, 3).await;
    }
    assert_eq!(store.contacts(&customer, ALL).await, Ok(vec![]));
    assert_eq!(store.decision(&customer, "d1").await, Ok(None));
    assert_eq!(store.save(following(&store, &customer, 5, 4).await).await, Ok(()));
    check_stored(&store, &customer, 5, 4).await;
}

pub(super) async fn a_higher_fence_takes_over(store: Shared) {
    let customer = customer(1);
    saved_up_to(&store, &customer, 5, 2).await;
    assert_eq!(store.save(following(&store, &customer, 6, 3).await).await, Ok(()));
    let _told = store.save(save(&customer, 5, 4)).await;
    check_stored(&store, &customer, 6, 3).await;
}

pub(super) async fn a_customer_taken_over_is_the_same_customer(store: Shared) {
    let customer = customer(1);
    let mut first = save(&customer, 5, 1);
    first.contacts = vec![contact("c1", 10, "kept")];
    assert_eq!(store.save(first.clone()).await, Ok(()));
    let found = store.load(&customer).await.unwrap_or_else(|error| panic!("{error}"));
    let Some(found) = found else { panic!("{customer:?} is not there") };
    assert_eq!(store.take_over(&customer, Fence(6), &found).await, Ok(()));
    let again = store.load(&customer).await.map(|again| again.map(|again| (again.revision, again.snapshot)));
    assert_eq!(again, Ok(Some((1, first.snapshot))));
    assert_eq!(store.contacts(&customer, ALL).await, Ok(first.contacts));
    assert_eq!(store.save(following(&store, &customer, 6, 2).await).await, Ok(()));
    check_stored(&store, &customer, 6, 2).await;
}

pub(super) async fn an_erased_customer_is_gone_with_every_row(store: Shared) {
    let (gone, other) = (customer(1), customer(2));
    for customer in [&gone, &other] {
        let mut first = save(customer, 1, 1);
        first.contacts = vec![contact("c1", 1, "one"), contact("c2", 2, "two")];
        first.decisions = vec![decision("d1", 1), decision("d2", 2), decision("d3", 3)];
        assert_eq!(store.save(first).await, Ok(()));
    }
    let expected = Erasure { snapshots: 1, contacts: 2, decisions: 3 };
    assert_eq!(store.erase(&gone, Fence(1), 1).await, Ok(expected));
    assert_eq!(store.load(&gone).await, Ok(None));
    assert_eq!(store.contacts(&gone, ALL).await, Ok(vec![]));
    assert_eq!(store.decision(&gone, "d1").await, Ok(None));
    assert_eq!(store.contacts(&other, ALL).await.map(|rows| rows.len()), Ok(2));
    assert_eq!(store.save(save(&gone, 1, 1)).await, Ok(()));
    check_stored(&store, &gone, 1, 1).await;
    assert_eq!(store.decisions(&gone, ALL).await, Ok(vec![]));
}

pub(super) async fn a_former_owner_never_brings_back_the_erased(store: Shared) {
    let customer = customer(1);
    saved_up_to(&store, &customer, 4, 2).await;
    assert_eq!(store.erase(&customer, Fence(5), 2).await.map(|erasure| erasure.snapshots), Ok(1));
    for revision in [3, 1] {
        let mut late = save(&customer, 4, revision);
        late.contacts = vec![contact("c1", 1, "late")];
        let _told = store.save(late).await;
        assert_eq!(store.load(&customer).await, Ok(None));
        assert_eq!(store.contacts(&customer, ALL).await, Ok(vec![]));
    }
    assert_eq!(store.save(save(&customer, 5, 1)).await, Ok(()));
    let _told = store.save(save(&customer, 4, 2)).await;
    check_stored(&store, &customer, 5, 1).await;
}

pub(super) async fn a_former_owner_never_erases_its_successors_customer(store: Shared) {
    let customer = customer(1);
    saved_up_to(&store, &customer, 5, 2).await;
    let _told = store.erase(&customer, Fence(4), 2).await;
    check_stored(&store, &customer, 5, 2).await;
}

pub(super) async fn erasing_nobody_counts_nothing(store: Shared) {
    let customer = customer(1);
    for _ in 0..2 {
        assert_eq!(store.erase(&customer, Fence(3), 0).await, Ok(Erasure::default()));
    }
    assert_eq!(store.save(save(&customer, 3, 1)).await, Ok(()));
    check_stored(&store, &customer, 3, 1).await;
}

/// Saves that say what they replace, as callers do, over several rounds of whatever a store writes between snapshots.
pub(super) async fn long_lives_are_read_back_at_every_revision(store: Shared) {
    let customer = customer(1);
    let snapshot = |revision: u64| -> Arc<[u8]> {
        let changed = |at: u64| at / 20 == revision * 7 % 60 || (revision.is_multiple_of(9) && at > 600);
        (0..1200 + revision % 5).map(|at| if changed(at) { revision as u8 } else { at as u8 }).collect()
    };
    let mut before = None;
    for revision in 1..=70 {
        let fence = 1 + revision / 40;
        let turn = Save { snapshot: snapshot(revision), before, ..save(&customer, fence, revision) };
        assert_eq!(store.save(turn).await, Ok(()));
        let stored = StoredCustomer { fence: Fence(fence), revision, snapshot: snapshot(revision) };
        assert_eq!(store.load(&customer).await, Ok(Some(stored.clone())));
        before = Some(stored);
    }
}

pub(super) async fn customers_with_one_hash_are_told_apart(store: Shared) {
    let alike = |n: u64| CustomerKey { hash: 0xdead_beef_0000_0040 + n % 3, id: format!("alike-{n}").into() };
    for n in 0..4 {
        let mut first = save(&alike(n), 1, 1);
        first.contacts = vec![contact("c", 1, &format!("of {n}"))];
        assert_eq!(store.save(first).await, Ok(()));
        assert_eq!(store.load(&alike(n + 1)).await, Ok(None));
    }
    saved_up_to(&store, &customer(9), 1, 2).await;
    assert_eq!(store.erase(&alike(1), Fence(1), 1).await.map(|erasure| erasure.contacts), Ok(1));
    assert_eq!(store.load(&alike(1)).await, Ok(None));
    for n in [0, 2, 3] {
        check_stored(&store, &alike(n), 1, 1).await;
        assert_eq!(store.save(save(&alike(n), 1, 2)).await, Ok(()));
        assert_eq!(store.contacts(&alike(n), ALL).await, Ok(vec![contact("c", 1, &format!("of {n}"))]));
    }
    assert_eq!(store.save(save(&alike(1), 1, 1)).await, Ok(()));
    assert_eq!(store.contacts(&alike(1), ALL).await, Ok(vec![]));
}

pub(super) async fn empty_and_large_snapshots_are_kept(store: Shared) {
    for (revision, bytes) in [(1, 0), (2, 1 << 20), (3, 9000), (4, 1)] {
        let mut turn = save(&customer(1), 1, revision);
        turn.snapshot = (0..bytes).map(|i| (i % 251) as u8).collect();
        assert_eq!(store.save(turn.clone()).await, Ok(()));
        let stored = store.load(&customer(1)).await;
        assert_eq!(stored.map(|found| found.map(|found| found.snapshot)), Ok(Some(turn.snapshot)));
    }
}
