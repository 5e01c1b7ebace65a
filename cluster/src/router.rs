//! From a key to the shard it belongs to and the shard's owner.

use crate::id::{Epoch, NodeId, ShardId};
use crate::placement::Placement;

/// Where a call goes, and the epoch it was routed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The key's shard.
    pub shard: ShardId,
    /// The shard's owner.
    pub node: NodeId,
    /// The owner's epoch.
    pub epoch: Epoch,
}

impl Route {
    /// The route of a key under a placement.
    #[must_use]
    pub fn of(key: u64, placement: &Placement) -> Route {
        let shard = placement.shard_count().shard_of(key);
        let owner = placement.owner(shard).expect("a placement has an owner for every shard of its count");
        Route { shard, node: owner.node.clone(), epoch: owner.epoch }
    }
}

#[cfg(test)]
mod tests {
    use crate::id::ShardCount;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_has_one_shard_and_twice_the_shards_only_split_it(key: u64, bits in 0u32..16) {
            let few = ShardCount::new(1 << bits).expect("a power of two");
            let many = ShardCount::new(2 << bits).expect("a power of two");
            prop_assert!(few.shard_of(key).0 < few.get());
            prop_assert_eq!(many.shard_of(key).0 / 2, few.shard_of(key).0);
        }
    }
}
