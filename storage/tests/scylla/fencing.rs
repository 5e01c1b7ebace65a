//! Two owners of one customer, one of them former: whatever arrives when, the later owner's word stands, whole.

use crate::server::{connect, keyspace, server};
use std::sync::Arc;
use storage::contract::{customer, save};
use storage::{
    ContactRow, CustomerStore, DecisionLog, DecisionRow, Fence, Page, Save, Scylla, ScyllaOptions,
    StoredCustomer,
};

const ALL: Page = Page { from_ms: i64::MIN, to_ms: i64::MAX, after: None, rows_max: 1000 };

/// A turn whose snapshot is long enough for changes, and whose rows name their author.
fn turn(author: &str, fence: u64, revision: u64, before: Option<StoredCustomer>) -> Save {
    let snapshot: Vec<u8> = (0..1000_u64).map(|at| (at / 10 % 200) as u8).collect();
    let snapshot: Arc<[u8]> = [&snapshot[..], author.as_bytes(), &revision.to_le_bytes()].concat().into();
    let body: Arc<[u8]> = Arc::from(author.as_bytes());
    Save {
        snapshot,
        before,
        contacts: vec![ContactRow {
            contact_id: format!("{author} {revision}"),
            at_ms: 1,
            body: body.clone(),
        }],
        decisions: vec![DecisionRow { decision_id: format!("{author} {revision}"), at_ms: 1, body }],
        ..save(&customer(1), fence, revision)
    }
}

fn stored(turn: &Save) -> StoredCustomer {
    StoredCustomer { fence: turn.fence, revision: turn.revision, snapshot: Arc::clone(&turn.snapshot) }
}

/// Saves the revisions as one owner, each on top of the one before; what is stored then.
async fn live(
    store: &Scylla,
    author: &str,
    fence: u64,
    revisions: std::ops::RangeInclusive<u64>,
) -> Option<StoredCustomer> {
    let mut before = store.load(&customer(1)).await.unwrap();
    for revision in revisions {
        let turn = turn(author, fence, revision, before);
        let now = stored(&turn);
        store.save(turn).await.unwrap();
        before = Some(now);
    }
    before
}

async fn contacts(store: &Scylla) -> Vec<String> {
    let mut ids: Vec<_> =
        store.contacts(&customer(1), ALL).await.unwrap().into_iter().map(|row| row.contact_id).collect();
    ids.sort();
    ids
}

/// Everything another process would read.
async fn seen(options: &ScyllaOptions) -> (Option<StoredCustomer>, Vec<String>) {
    let reader = connect(options).await;
    (reader.load(&customer(1)).await.unwrap(), contacts(&reader).await)
}

fn named(author: &str, revisions: std::ops::RangeInclusive<u64>) -> impl Iterator<Item = String> {
    revisions.map(move |revision| format!("{author} {revision}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_a_former_owner_delivered_after_the_takeover_never_show() {
    let Some(server) = server() else { return };
    // The former owner's late writes are a change, the last before a snapshot, and a whole snapshot.
    for last in [3, 14, 15] {
        let options = keyspace(&server).await;
        let (former, successor) = (connect(&options).await, connect(&options).await);
        let before = live(&former, "former", 4, 1..=last).await;
        live(&successor, "successor", 5, last + 1..=last + 1).await;
        // It does not know yet, and is not told: it has to look at its lease.
        former.save(turn("late", 4, last + 1, before.clone())).await.unwrap();
        let _told = former.save(turn("late", 4, last + 2, None)).await;
        let expected = turn("successor", 5, last + 1, None);
        let rows: Vec<_> = named("former", 1..=last).chain(named("successor", last + 1..=last + 1)).collect();
        let mut rows = rows.clone();
        rows.sort();
        assert_eq!(seen(&options).await, (Some(stored(&expected)), rows));
        assert_eq!(successor.decision(&customer(1), &format!("late {}", last + 1)).await, Ok(None));
        // The ring goes on as if nothing had been there.
        live(&successor, "successor", 5, last + 2..=last + 20).await;
        let expected = turn("successor", 5, last + 20, None);
        assert_eq!(seen(&options).await.0, Some(stored(&expected)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_only_looked_at_is_safe_from_the_former_owner_too() {
    let Some(server) = server() else { return };
    let options = keyspace(&server).await;
    let (former, successor) = (connect(&options).await, connect(&options).await);
    let before = live(&former, "former", 4, 1..=3).await;
    let found = successor.load(&customer(1)).await.unwrap().unwrap();
    successor.take_over(&customer(1), Fence(5), &found).await.unwrap();
    former.save(turn("late", 4, 4, before)).await.unwrap();
    let _told = former.erase(&customer(1), Fence(4), 3).await;
    let (now, rows) = seen(&options).await;
    let expected = StoredCustomer { fence: Fence(5), ..stored(&turn("former", 4, 3, None)) };
    assert_eq!((now, rows), (Some(expected), named("former", 1..=3).collect()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_owners_erasure_and_creation_come_too_late() {
    let Some(server) = server() else { return };
    let options = keyspace(&server).await;
    let (former, successor) = (connect(&options).await, connect(&options).await);
    live(&former, "former", 4, 1..=2).await;
    let found = successor.load(&customer(1)).await.unwrap().unwrap();
    successor.erase(&customer(1), Fence(5), found.revision).await.unwrap();
    former.save(turn("late", 4, 3, None)).await.unwrap();
    assert_eq!(seen(&options).await, (None, vec![]));
    live(&successor, "successor", 5, 1..=2).await;
    let found = former.load(&customer(1)).await.unwrap().unwrap();
    assert!(former.erase(&customer(1), Fence(4), found.revision).await.is_err());
    let expected = turn("successor", 5, 2, None);
    assert_eq!(seen(&options).await, (Some(stored(&expected)), named("successor", 1..=2).collect()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_that_was_interrupted_is_taken_over_in_turn() {
    let Some(server) = server() else { return };
    let options = keyspace(&server).await;
    let former = connect(&options).await;
    let before = live(&former, "former", 4, 1..=5).await;
    // One successor reads and dies; the next writes back and dies; the third goes on.
    connect(&options).await.load(&customer(1)).await.unwrap().unwrap();
    let second = connect(&options).await;
    let found = second.load(&customer(1)).await.unwrap().unwrap();
    second.take_over(&customer(1), Fence(6), &found).await.unwrap();
    let third = connect(&options).await;
    live(&third, "third", 7, 6..=8).await;
    let _told = second.save(turn("second", 6, 6, Some(stored(&turn("former", 6, 5, None))))).await;
    let _told = former.save(turn("late", 4, 6, before)).await;
    let rows = named("former", 1..=5).chain(named("third", 6..=8)).collect();
    assert_eq!(seen(&options).await, (Some(stored(&turn("third", 7, 8, None))), rows));
}

/// This must not happen: two processes under one epoch. Even then nobody ever reads half of one and half of the other.
#[tokio::test(flavor = "multi_thread")]
async fn writes_with_equal_marks_are_one_or_the_other_and_never_mixed() {
    let Some(server) = server() else { return };
    for last in [1, 2, 15, 16, 17] {
        let options = keyspace(&server).await;
        let (one, other) = (connect(&options).await, connect(&options).await);
        let (mut before_one, mut before_other) = (None, None);
        for revision in 1..=last {
            let (a, b) = (turn("one", 4, revision, before_one), turn("other", 4, revision, before_other));
            (before_one, before_other) = (Some(stored(&a)), Some(stored(&b)));
            one.save(a).await.unwrap();
            other.save(b).await.unwrap();
        }
        match connect(&options).await.load(&customer(1)).await {
            Ok(found) => {
                let found = found.unwrap();
                let of = |author: &str| found.snapshot == turn(author, 4, found.revision, None).snapshot;
                assert!(of("one") || of("other"), "a mixture at revision {}", found.revision);
            }
            Err(error) => assert!(matches!(error, storage::StoreError::Corrupt(_)), "{error}"),
        }
    }
}
