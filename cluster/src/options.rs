//! How a node takes part in the cluster.

use crate::id::{NodeId, ShardCount};

/// Options of the cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// This node's name.
    pub node: NodeId,
    /// Into how many shards the keys are cut, when the cluster is born: 16,384 by default. Later it is what it was at
    /// birth.
    pub shard_count: ShardCount,
}
