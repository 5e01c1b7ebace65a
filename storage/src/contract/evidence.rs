//! Counts by shard, and tables by id.

use super::samples::bytes;
use crate::{Fence, ShardEvidence, Store, StoreError};
use std::sync::Arc;

type Shared = Arc<dyn Store>;

fn evidence(shard: u32, fence: u64, text: &str) -> ShardEvidence {
    ShardEvidence { shard, fence: Fence(fence), body: bytes(text) }
}

pub(super) async fn a_shards_evidence_is_replaced_whole(store: Shared) {
    assert_eq!(store.evidence(3).await, Ok(None));
    for text in ["ten", "eleven", "twelve"] {
        assert_eq!(store.put_evidence(evidence(3, 1, text)).await, Ok(()));
    }
    assert_eq!(store.put_evidence(evidence(4, 1, "one")).await, Ok(()));
    assert_eq!(store.evidence(3).await, Ok(Some(evidence(3, 1, "twelve"))));
    assert_eq!(store.evidence(4).await, Ok(Some(evidence(4, 1, "one"))));
    assert_eq!(store.evidence(5).await, Ok(None));
}

pub(super) async fn a_former_owner_cannot_replace_evidence(store: Shared) {
    assert_eq!(store.put_evidence(evidence(3, 5, "old")).await, Ok(()));
    assert_eq!(store.put_evidence(evidence(3, 6, "new")).await, Ok(()));
    let refused = Err(StoreError::Fenced { stored: Fence(6), ours: Fence(5) });
    assert_eq!(store.put_evidence(evidence(3, 5, "late")).await, refused);
    assert_eq!(store.evidence(3).await, Ok(Some(evidence(3, 6, "new"))));
}

pub(super) async fn the_evidence_of_all_shards_is_read_in_their_order(store: Shared) {
    assert_eq!(store.all_evidence().await, Ok(vec![]));
    for shard in [9, 0, 16_383, 4] {
        assert_eq!(store.put_evidence(evidence(shard, 2, &format!("of {shard}"))).await, Ok(()));
    }
    let expected = [0, 4, 9, 16_383].map(|shard| evidence(shard, 2, &format!("of {shard}")));
    assert_eq!(store.all_evidence().await, Ok(expected.to_vec()));
}

pub(super) async fn an_evidence_table_is_stored_once(store: Shared) {
    assert_eq!(store.evidence_table("t1").await, Ok(None));
    for (id, text) in [("t1", "first"), ("t2", "second"), ("t1", "another")] {
        assert_eq!(store.put_evidence_table(id, bytes(text)).await, Ok(()));
    }
    assert_eq!(store.evidence_table("t1").await, Ok(Some(bytes("first"))));
    assert_eq!(store.evidence_table("t2").await, Ok(Some(bytes("second"))));
}
