//! The words of ownership: nodes, shards, epochs.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A node's name, unique in the cluster: 1 to 64 letters, digits, dots, dashes or underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// `None` when the name does not have the form above.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        fits.then(|| NodeId(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How often a node has been started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

/// Counts the owners a shard has had.
///
/// Grows by one with every change of owner and never goes back: a write that carries a smaller epoch than the store
/// has seen comes from a former owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A fixed slice of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardId(pub u32);

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Into how many shards the keys are cut: a power of two up to 65,536, fixed at the cluster's birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct ShardCount(u32);

impl ShardCount {
    /// The most shards there can be.
    pub const MAX: u32 = 65_536;

    /// `None` unless a power of two within 1 and [`ShardCount::MAX`].
    #[must_use]
    pub fn new(count: u32) -> Option<Self> {
        (count.is_power_of_two() && count <= Self::MAX).then_some(ShardCount(count))
    }

    /// The number of shards.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The shard a key belongs to: the key's highest bits, so that twice as many shards only ever split one.
    #[must_use]
    pub fn shard_of(self, key: u64) -> ShardId {
        let bits = self.0.trailing_zeros();
        ShardId(if bits == 0 { 0 } else { (key >> (64 - bits)) as u32 })
    }
}

impl TryFrom<u32> for ShardCount {
    type Error = String;

    fn try_from(count: u32) -> Result<Self, String> {
        ShardCount::new(count).ok_or(format!("{count} shards: must be a power of two up to {}", Self::MAX))
    }
}

impl From<ShardCount> for u32 {
    fn from(count: ShardCount) -> u32 {
        count.0
    }
}
