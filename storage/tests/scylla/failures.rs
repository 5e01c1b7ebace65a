//! A wire that fails: nothing acknowledged is lost, nothing unknown is called done, and it comes back by itself.

use crate::proxy::Proxy;
use crate::server::{connect, keyspace, server};
use std::sync::Arc;
use std::time::Duration;
use storage::contract::{customer, save};
use storage::{
    ContactRow, CustomerStore, DecisionLog, Fence, Page, Save, Scylla, ScyllaOptions, StoreError,
    StoredCustomer,
};
use tokio::time::{Instant, sleep, timeout};

const ALL: Page = Page { from_ms: i64::MIN, to_ms: i64::MAX, after: None, rows_max: 1000 };
const TIMEOUT_MS: u64 = 1500;

/// A keyspace behind a wire, and a store that loses patience soon.
async fn behind_a_wire(server: &str) -> (Proxy, ScyllaOptions, Scylla) {
    let direct = keyspace(server).await;
    let proxy = Proxy::to(server).await;
    let wired = ScyllaOptions {
        hosts: vec![proxy.address.clone()],
        request_timeout_ms: TIMEOUT_MS,
        keepalive_ms: TIMEOUT_MS,
        ..direct.clone()
    };
    let store = connect(&wired).await;
    (proxy, direct, store)
}

fn turn(revision: u64, author: u64, before: Option<StoredCustomer>) -> Save {
    let snapshot: Vec<u8> = (0..1200_u64).map(|at| (at / 7 % 250) as u8).collect();
    let snapshot: Arc<[u8]> = [&snapshot[..], &author.to_le_bytes(), &revision.to_le_bytes()].concat().into();
    let contact = ContactRow { contact_id: format!("c{author:05}"), at_ms: 1, body: Arc::from([1]) };
    Save { snapshot, before, contacts: vec![contact], ..save(&customer(1), 3, revision) }
}

/// Polls until the store answers again.
async fn back(store: &Scylla) -> Option<StoredCustomer> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match store.load(&customer(1)).await {
            Ok(found) => return found,
            Err(error) => assert!(Instant::now() < until, "it does not come back: {error}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_is_one_request_and_so_is_a_save() {
    let Some(server) = server() else { return };
    let (proxy, _, store) = behind_a_wire(&server).await;
    let mut before = None;
    for revision in 1..=20 {
        let mut turn = turn(revision, revision, before);
        let row = &turn.contacts[0];
        turn.decisions = vec![storage::DecisionRow {
            decision_id: row.contact_id.clone(),
            at_ms: row.at_ms,
            body: row.body.clone(),
        }];
        before = Some(StoredCustomer { fence: turn.fence, revision, snapshot: turn.snapshot.clone() });
        let asked = proxy.requests();
        store.save(turn).await.unwrap();
        assert_eq!(proxy.requests() - asked, 1, "revision {revision}");
        let asked = proxy.requests();
        assert_eq!(store.load(&customer(1)).await.unwrap(), before);
        assert_eq!(proxy.requests() - asked, 1);
    }
}

/// Turns of one customer, as an owner takes them, while the wire fails in every way it can. Afterwards what was
/// acknowledged is there, in order, and no row belongs to a turn that is not.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_however_the_wire_fails() {
    let Some(server) = server() else { return };
    let (proxy, direct, store) = behind_a_wire(&server).await;
    let (mut author, mut unknown, mut refused) = (0, 0, 0);
    // Which author's turn made each revision that anybody was told of.
    let mut acknowledged: Vec<(u64, u64)> = Vec::new();
    for round in 0..12 {
        let mut before = back(&store).await;
        for step in 0..6 {
            author += 1;
            let revision = before.as_ref().map_or(0, |before| before.revision) + 1;
            let next = turn(revision, author, before.clone());
            let saved = StoredCustomer { fence: next.fence, revision, snapshot: next.snapshot.clone() };
            match (step, round % 4) {
                (3, 0) => proxy.deafen(true),
                (3, 1) => proxy.gone(true),
                (3, 2) => proxy.delay(2 * TIMEOUT_MS),
                _ => {}
            }
            let saving = store.save(next);
            let outcome = if (step, round % 4) == (3, 3) {
                let both = async { tokio::join!(saving, async { proxy.cut() }).0 };
                both.await
            } else {
                saving.await
            };
            match outcome {
                Ok(()) => {
                    acknowledged.push((revision, author));
                    before = Some(saved);
                }
                Err(StoreError::MaybeApplied(_)) => unknown += 1,
                Err(StoreError::Unavailable(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
            if step == 3 {
                proxy.deafen(false);
                proxy.gone(false);
                proxy.delay(0);
                before = back(&store).await;
            }
        }
    }
    assert!(unknown > 0, "no outcome was ever unknown ({refused} refused)");
    let reader = connect(&direct).await;
    let stored = reader.load(&customer(1)).await.unwrap().unwrap();
    let (last, by) = *acknowledged.last().unwrap();
    assert!(stored.revision >= last, "revision {last} was acknowledged, {} is stored", stored.revision);
    if stored.revision == last {
        assert_eq!(stored.snapshot, turn(last, by, None).snapshot);
    }
    let rows: Vec<_> = reader.contacts(&customer(1), ALL).await.unwrap();
    for (revision, author) in &acknowledged {
        let id = format!("c{author:05}");
        assert!(rows.iter().any(|row| row.contact_id == id), "the row of revision {revision} is lost");
    }
    assert_eq!(
        rows.len() as u64,
        stored.revision,
        "one contact a revision, and none of a turn that never was"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_given_up_by_its_caller_is_in_doubt_and_does_not_come_back_later() {
    let Some(server) = server() else { return };
    let (proxy, direct, store) = behind_a_wire(&server).await;
    store.save(turn(1, 1, None)).await.unwrap();
    let before = store.load(&customer(1)).await.unwrap();
    for author in (10..30).step_by(2) {
        let revision = store.load(&customer(1)).await.unwrap().unwrap().revision + 1;
        proxy.delay(60);
        let given_up =
            timeout(Duration::from_millis(30), store.save(turn(revision, author, before.clone()))).await;
        assert!(given_up.is_err());
        proxy.delay(0);
        let before = back(&store).await;
        let revision = before.as_ref().unwrap().revision + 1;
        let next = turn(revision, author + 1, before);
        store.save(next.clone()).await.unwrap();
        let reader = connect(&direct).await;
        let stored = reader.load(&customer(1)).await.unwrap().unwrap();
        assert_eq!((stored.revision, stored.snapshot), (revision, next.snapshot), "author {author}");
        let rows = reader.contacts(&customer(1), ALL).await.unwrap();
        assert_eq!(rows.len() as u64, revision, "author {author}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_unavailable_and_comes_back_by_itself() {
    let Some(server) = server() else { return };
    let (proxy, _, store) = behind_a_wire(&server).await;
    store.save(turn(1, 1, None)).await.unwrap();
    proxy.gone(true);
    let until = Instant::now() + Duration::from_secs(30);
    while store.load(&customer(1)).await.is_ok() {
        assert!(Instant::now() < until, "nobody noticed");
    }
    let before = StoredCustomer { fence: Fence(3), revision: 1, snapshot: turn(1, 1, None).snapshot };
    let refused = store.save(turn(2, 2, Some(before))).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_) | StoreError::MaybeApplied(_))), "{refused:?}");
    proxy.gone(false);
    assert_eq!(back(&store).await.map(|found| found.revision), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_turn_is_refused_before_it_is_sent_and_says_which_option() {
    let Some(server) = server() else { return };
    let options = ScyllaOptions { write_bytes_max: 10_000, ..keyspace(&server).await };
    let store = connect(&options).await;
    let mut large = turn(1, 1, None);
    large.snapshot = Arc::from(vec![7; 20_000]);
    let Err(StoreError::Unavailable(text)) = store.save(large).await else { panic!("taken") };
    assert!(text.contains("write_bytes_max"), "{text}");
    assert_eq!(store.load(&customer(1)).await, Ok(None));
    store.save(turn(1, 1, None)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_callers_than_bounds_allow_are_told_busy_and_the_others_are_served() {
    let Some(server) = server() else { return };
    let options = ScyllaOptions { in_flight_max: 2, waiting_max: 4, ..keyspace(&server).await };
    let store = Arc::new(connect(&options).await);
    let mut saves = tokio::task::JoinSet::new();
    for n in 0..200 {
        let store = store.clone();
        saves.spawn(async move { (n, store.save(save(&customer(n), 1, 1)).await) });
    }
    let outcomes = saves.join_all().await;
    assert!(outcomes.iter().any(|(_, outcome)| *outcome == Err(StoreError::Busy { waiting_max: 4 })));
    for (n, outcome) in outcomes {
        let there = store.load(&customer(n)).await.unwrap().map(|found| found.revision);
        assert_eq!(there, outcome.ok().map(|()| 1), "customer {n}");
    }
}
