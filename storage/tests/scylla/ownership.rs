//! One process at a time holds the shards, each under an epoch of its own.

use crate::server::{connect, keyspace, server};
use storage::StoreError;
use storage::scylla::Claimant;

fn claimant(node: &str, lease_ms: u64) -> Claimant {
    Claimant {
        node: node.into(),
        holder: format!("directory of {node}"),
        shard_count: 64,
        lease_ms,
        drift_margin_ms: 50,
        at_ms: 1_000,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_claim_is_a_new_epoch_and_the_first_shard_count_stays() {
    let Some(server) = server() else { return };
    let store = connect(&keyspace(&server).await).await;
    for epoch in 1..=3 {
        let mut ours = claimant("n1", 60_000);
        ours.shard_count = 64 * epoch as u32;
        let claim = store.claim(&ours).await.unwrap();
        assert_eq!(
            (claim.epoch, claim.shard_count),
            (epoch, 64),
            "a restart of one directory waits for nobody"
        );
    }
    let history = store.ownership_history().await.unwrap();
    assert_eq!(history.iter().map(|(epoch, ..)| *epoch).collect::<Vec<_>>(), [3, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_lives_keeps_the_shards_and_a_silent_one_loses_them() {
    let Some(server) = server() else { return };
    let options = keyspace(&server).await;
    let (first, second) = (connect(&options).await, connect(&options).await);
    let mut claim = first.claim(&claimant("n1", 1_500)).await.unwrap();

    let other = claimant("n2", 1_500);
    let contender = second.claim(&other);
    tokio::pin!(contender);
    let refused = loop {
        tokio::select! {
            refused = &mut contender => break refused,
            renewed = first.renew(&mut claim) => assert_eq!(renewed, Ok(true)),
        }
    };
    let Err(StoreError::Unavailable(text)) = refused else { panic!("two at once: {refused:?}") };
    assert!(text.contains("n1") && text.contains("stop it"), "{text}");

    // A sign of life that was sent while the claim was refused may still arrive: then it is refused once more.
    let mut taken = second.claim(&claimant("n2", 300)).await;
    if taken.is_err() {
        taken = second.claim(&claimant("n2", 300)).await;
    }
    let taken = taken.unwrap();
    assert_eq!(taken.epoch, claim.epoch + 1);
    assert_eq!(first.renew(&mut claim).await, Ok(false), "for good");
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_given_back_are_taken_at_once() {
    let Some(server) = server() else { return };
    let options = keyspace(&server).await;
    let (first, second) = (connect(&options).await, connect(&options).await);
    let claim = first.claim(&claimant("n1", 3_600_000)).await.unwrap();
    first.release(&claim).await.unwrap();
    assert_eq!(second.claim(&claimant("n2", 3_600_000)).await.map(|claim| claim.epoch), Ok(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claimants_at_once_each_epoch_has_one() {
    let Some(server) = server() else { return };
    let store = std::sync::Arc::new(connect(&keyspace(&server).await).await);
    let mut claims = tokio::task::JoinSet::new();
    for n in 0..6 {
        let store = store.clone();
        claims.spawn(async move { store.claim(&claimant(&format!("n{n}"), 1)).await });
    }
    let mut epochs: Vec<_> =
        claims.join_all().await.into_iter().filter_map(Result::ok).map(|claim| claim.epoch).collect();
    assert!(!epochs.is_empty());
    epochs.sort_unstable();
    let count = epochs.len();
    epochs.dedup();
    assert_eq!(epochs.len(), count, "an epoch was given twice: {epochs:?}");
}
