//! The shards of one node: starts them on first use, hands calls to them, drains them.
//!
//! Leaves out which node a shard belongs to (cluster), and what a call does (the customer).

use crate::call::{Answer, CustomerCall};
use crate::error::TurnError;
use crate::options::{Clock, RegionOptions};
use crate::playbook::active::ActivePlaybook;
use std::sync::Arc;
use storage::Store;

/// The shards of one node.
pub struct Region {}

/// How many customers are in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residency {
    /// Customers in memory.
    pub customers: u64,
    /// Bytes of their encoded states.
    pub bytes: u64,
    /// Calls in hand.
    pub calls: u64,
}

impl Region {
    /// Sets a region up. Must be called on a thread with an actix system; starts its own arbiters.
    pub fn start(
        options: RegionOptions,
        store: Arc<dyn Store>,
        playbook: ActivePlaybook,
        clock: Clock,
        ownership: cluster::Handle,
    ) -> Region {
        let _ = (options, store, playbook, clock, ownership);
        unreachable!()
    }

    /// Serves one call: the answer comes after the turn is durable.
    ///
    /// # Errors
    /// See [`TurnError`]: each says whether the call may have been applied.
    pub async fn call(&self, call: CustomerCall) -> Result<Answer, TurnError> {
        let _ = call;
        unreachable!()
    }

    /// How much is in memory now.
    #[must_use]
    pub fn residency(&self) -> Residency {
        Residency::default()
    }

    /// Takes no more calls and waits until those in hand are answered, at most `patience_ms`. Returns how many were
    /// still in hand then.
    pub async fn drain(&self, patience_ms: u64) -> u64 {
        let _ = patience_ms;
        0
    }
}
