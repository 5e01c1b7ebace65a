//! The consistent-hash ring: proposes an owner for each shard, so that few move when a node comes or goes.
//!
//! Only proposes: the placement is what was agreed.

use crate::id::{NodeId, ShardCount, ShardId};
use hashring::HashRing;

/// Points a node has on the ring: the more, the more even; 128 keep the spread of loads within a few tens of percent,
/// and the planner evens out the rest.
const POINTS_PER_NODE: usize = 128;

/// Nodes on a ring.
pub struct Ring(HashRing<Point>);

#[derive(Clone, Hash)]
struct Point {
    node: NodeId,
    number: usize,
}

impl Ring {
    /// A ring of these nodes; their order does not matter.
    #[must_use]
    pub fn of(nodes: &[NodeId]) -> Self {
        let mut ring = HashRing::new();
        for node in nodes {
            ring.batch_add((0..POINTS_PER_NODE).map(|number| Point { node: node.clone(), number }).collect());
        }
        Ring(ring)
    }

    /// The node proposed for a shard; `None` on an empty ring.
    #[must_use]
    pub fn propose(&self, shard: ShardId) -> Option<&NodeId> {
        self.0.get(&shard).map(|point| &point.node)
    }

    /// The node proposed for each shard, in order; empty for an empty ring.
    #[must_use]
    pub fn propose_all(&self, shard_count: ShardCount) -> Vec<&NodeId> {
        (0..shard_count.get()).filter_map(|shard| self.propose(ShardId(shard))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize) -> Vec<NodeId> {
        (0..count).map(|n| NodeId::new(&format!("n{n}")).expect("a name")).collect()
    }

    #[test]
    fn a_new_node_only_takes_and_never_shuffles_the_others() {
        let shards = ShardCount::new(4096).expect("a power of two");
        let (before, after) = (nodes(4), nodes(5));
        let (old, new) = (Ring::of(&before), Ring::of(&after));
        let mut taken = 0;
        for (was, is) in old.propose_all(shards).into_iter().zip(new.propose_all(shards)) {
            if was != is {
                assert_eq!(is.as_str(), "n4", "only the new node takes");
                taken += 1;
            }
        }
        assert!((400..1300).contains(&taken), "about a fifth: {taken}");
    }

    #[test]
    fn an_empty_ring_proposes_nobody() {
        assert!(Ring::of(&[]).propose(ShardId(1)).is_none());
    }
}
