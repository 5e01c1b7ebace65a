//! Which node owns each shard, under which epoch: what was agreed, not what would be best.

use crate::id::{Epoch, NodeId, ShardCount, ShardId};
use serde::{Deserialize, Serialize};

/// A shard's owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The node.
    pub node: NodeId,
    /// The epoch under which it owns the shard.
    pub epoch: Epoch,
}

/// The owner of every shard. I1: one owner per shard and epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    owners: Vec<Owner>,
    shard_count: ShardCount,
}

impl Placement {
    /// Every shard belongs to one node, under one epoch.
    #[must_use]
    pub fn all_on(node: &NodeId, epoch: Epoch, shard_count: ShardCount) -> Self {
        let owner = Owner { node: node.clone(), epoch };
        Placement { owners: vec![owner; shard_count.get() as usize], shard_count }
    }

    /// Into how many shards the keys are cut.
    #[must_use]
    pub fn shard_count(&self) -> ShardCount {
        self.shard_count
    }

    /// The owner of a shard; `None` when there is no such shard.
    #[must_use]
    pub fn owner(&self, shard: ShardId) -> Option<&Owner> {
        self.owners.get(shard.0 as usize)
    }

    /// How many shards a node owns.
    #[must_use]
    pub fn owned_by(&self, node: &NodeId) -> usize {
        self.owners.iter().filter(|owner| owner.node == *node).count()
    }
}
