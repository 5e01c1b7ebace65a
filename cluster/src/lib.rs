//! Who owns which shard.
//!
//! Knows nodes, shards, epochs and leases. Knows nothing of customers: a key comes in as a number.
//!
//! Reading order: the words ([`id`]), who should own what ([`ring`] proposes, [`placement`] holds what is agreed), for
//! how long ([`lease`]), how one machine claims all shards ([`solo`]), and where a call goes ([`router`], [`handle`]).

pub mod id;
pub mod ring;
pub mod placement;
pub mod lease;
pub mod solo;
pub mod router;
pub mod handle;
pub mod error;
pub mod options;

pub use error::ClusterError;
pub use handle::Handle;
pub use id::{Epoch, Incarnation, NodeId, ShardCount, ShardId};
pub use lease::Lease;
pub use options::ClusterOptions;
pub use placement::{Owner, Placement};
pub use router::Route;
