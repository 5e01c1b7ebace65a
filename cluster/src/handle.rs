//! What the rest of a node asks the cluster: where a key belongs, and whether we still own it.

use crate::id::{Epoch, NodeId, ShardCount, ShardId};
use crate::lease::Lease;
use crate::placement::Placement;
use crate::router::Route;
use std::sync::Arc;

/// A node's view of the cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    node: NodeId,
    placement: Arc<Placement>,
    lease: Arc<Lease>,
}

impl Handle {
    /// A view for `node` with what was agreed.
    #[must_use]
    pub fn new(node: NodeId, placement: Placement, lease: Lease) -> Self {
        Handle { node, placement: Arc::new(placement), lease: Arc::new(lease) }
    }

    /// This node.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Into how many shards the keys are cut.
    #[must_use]
    pub fn shard_count(&self) -> ShardCount {
        self.placement.shard_count()
    }

    /// Where a key belongs.
    #[must_use]
    pub fn route(&self, key: u64) -> Route {
        Route::of(key, &self.placement)
    }

    /// The epoch under which this node owns the shard; `None` when another does.
    #[must_use]
    pub fn owned(&self, shard: ShardId) -> Option<Epoch> {
        let owner = self.placement.owner(shard)?;
        (owner.node == self.node).then_some(owner.epoch)
    }

    /// This node's lease.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// What was agreed.
    #[must_use]
    pub fn placement(&self) -> &Placement {
        &self.placement
    }
}
