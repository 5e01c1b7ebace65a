//! The store a node was told to use: opened, its shards claimed, held, given back, closed.
//!
//! The embedded store belongs to whoever has its directory; the claim is a file beside it. A store over CQL is shared, so
//! the claim is a row at the servers that has to be renewed: a node that cannot renew it serves nothing when its lease has
//! run out, and nobody else does before. Leaves out what is kept.

use crate::error::NodeError;
use crate::options::{NodeOptions, StoreKind};
use cluster::{ClusterOptions, Epoch, Lease, NodeId, Placement, ShardCount};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::scylla::{Claim, Claimant};
use storage::{Embedded, EmbeddedOptions, Scylla, ScyllaOptions, Store, StoreError};
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

/// How long a node may act on a claim it has renewed, milliseconds: long enough for a server to restart.
const LEASE_MS: u64 = 10_000;
/// Clocks run at different speeds: the owner stops this much earlier, milliseconds.
const DRIFT_MARGIN_MS: u64 = 500;
/// How often the claim is renewed, and with it seen whether the store answers.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// Tells this data directory from every other.
const HOLDER_FILE: &str = "holder";

/// A store, opened.
pub(crate) enum Opened {
    /// SQLite in the data directory.
    Embedded(Arc<Embedded>),
    /// Over CQL, with the claim of its shards.
    Scylla { store: Arc<Scylla>, directory: Directory },
}

/// The data directory of a node whose customers are elsewhere, held by this process alone.
pub(crate) struct Directory {
    holder: String,
    _lock: File,
}

impl Opened {
    /// Opens the store of the options.
    pub async fn open(options: &NodeOptions) -> Result<Opened, NodeError> {
        match options.store {
            StoreKind::Embedded => {
                let dir = options.data_dir.clone();
                let open = move || Embedded::open(&dir, EmbeddedOptions::default());
                let opened = tokio::task::spawn_blocking(open).await;
                Ok(Opened::Embedded(Arc::new(opened.map_err(|error| system("a thread", &error))??)))
            }
            StoreKind::Scylla => {
                let directory = Directory::hold(&options.data_dir, &options.node_id)?;
                let store = Scylla::connect(options.scylla_options()).await.map_err(NodeError::Scylla)?;
                Ok(Opened::Scylla { store: Arc::new(store), directory })
            }
        }
    }

    /// The store, for those who do not care which.
    pub fn shared(&self) -> Arc<dyn Store> {
        match self {
            Opened::Embedded(store) => Arc::clone(store) as Arc<dyn Store>,
            Opened::Scylla { store, .. } => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Claims every shard under a new epoch. `began` is when the node's monotonic clock began.
    pub async fn claim(&self, options: &NodeOptions, began: Instant, now_ms: i64) -> Result<Held, NodeError> {
        let wrong = |what: &str| NodeError::Options(format!("{what} is wrong"));
        let node = NodeId::new(&options.node_id).ok_or_else(|| wrong("node_id"))?;
        let shard_count = ShardCount::new(options.shard_count).ok_or_else(|| wrong("shard_count"))?;
        let (store, directory) = match self {
            Opened::Embedded(_) => {
                let ownership =
                    cluster::solo::claim(&options.data_dir, &ClusterOptions { node, shard_count })?;
                return Ok(Held { ownership, claim: None });
            }
            Opened::Scylla { store, directory } => (store, directory),
        };
        let claimant = Claimant {
            node: node.to_string(),
            holder: directory.holder.clone(),
            shard_count: shard_count.get(),
            lease_ms: LEASE_MS,
            drift_margin_ms: DRIFT_MARGIN_MS,
            at_ms: now_ms,
        };
        let asked_ms = elapsed_ms(began);
        let claim = store.claim(&claimant).await.map_err(NodeError::Scylla)?;
        let unreadable = || NodeError::Unreadable(format!("the keyspace says {} shards", claim.shard_count));
        let shard_count = ShardCount::new(claim.shard_count).ok_or_else(unreadable)?;
        let placement = Placement::all_on(&node, Epoch(claim.epoch), shard_count);
        let lease = Lease::until(asked_ms + LEASE_MS, DRIFT_MARGIN_MS);
        let claim = Some(Renewing { store: Arc::clone(store), claim, began });
        Ok(Held { ownership: cluster::Handle::new(node, placement, lease), claim })
    }

    /// Closes the store: what was acknowledged is kept.
    pub async fn close(self) -> Result<(), NodeError> {
        let Opened::Embedded(store) = self else { return Ok(()) };
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        Ok(closed.map_err(|error| system("a thread", &error))??)
    }
}

/// Shards that were claimed.
pub(crate) struct Held {
    /// As the rest of the node sees it.
    pub ownership: cluster::Handle,
    /// What has to be renewed; nothing for a store that nobody shares.
    pub claim: Option<Renewing>,
}

/// A claim that lives as long as it is renewed.
pub(crate) struct Renewing {
    store: Arc<Scylla>,
    claim: Claim,
    began: Instant,
}

impl Renewing {
    /// Renews until told to stop or until another node has the shards; tells `answers` whether the store does.
    pub async fn run(
        mut self,
        ownership: cluster::Handle,
        answers: impl Fn(bool),
        mut stop: tokio::sync::oneshot::Receiver<()>,
    ) {
        loop {
            tokio::select! {
                _ = &mut stop => break,
                () = sleep(RENEW_EVERY) => {}
            }
            let asked_ms = elapsed_ms(self.began);
            match self.store.renew(&mut self.claim).await {
                Ok(true) => {
                    ownership.lease().renew(asked_ms + LEASE_MS);
                    answers(true);
                }
                Ok(false) => {
                    ownership.lease().give_up();
                    answers(false);
                    error!(
                        epoch = self.claim.epoch,
                        "another node has claimed the shards; this one serves nothing any more"
                    );
                    return;
                }
                Err(error) => {
                    answers(false);
                    warn!(%error, "the store does not answer");
                }
            }
        }
        if let Err(error) = self.store.release(&self.claim).await {
            warn!(%error, "the shards could not be given back; the next node waits out the lease");
        }
    }
}

/// Milliseconds on the node's monotonic clock.
fn elapsed_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Directory {
    /// Makes the directory if need be and keeps other processes out of it.
    fn hold(dir: &Path, node: &str) -> Result<Directory, NodeError> {
        let trouble = |error: &dyn std::fmt::Display| {
            NodeError::Store(StoreError::Unavailable(format!("{}: {error}", dir.display())))
        };
        fs::create_dir_all(dir).map_err(|error| trouble(&error))?;
        let options =
            File::options().read(true).write(true).create(true).truncate(false).open(dir.join(HOLDER_FILE));
        let mut file = options.map_err(|error| trouble(&error))?;
        file.try_lock().map_err(|_| trouble(&"the directory is already open in another process"))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| trouble(&error))?;
        if text.is_empty() {
            text = format!("{node} {}", some_bytes().map_err(|error| trouble(&error))?);
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(|error| trouble(&error))?;
        }
        match text.split_once(' ') {
            Some((named, holder)) if named == node => {
                Ok(Directory { holder: holder.to_owned(), _lock: file })
            }
            Some((named, _)) => {
                Err(trouble(&format!("the directory belongs to node {named}, not to {node}")))
            }
            None => Err(trouble(&format!("{HOLDER_FILE} is damaged: delete it while no node runs here"))),
        }
    }
}

/// Sixteen bytes that nobody else has.
fn some_bytes() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn system(what: &'static str, error: &dyn std::error::Error) -> NodeError {
    NodeError::System { what, detail: error.to_string() }
}

impl NodeOptions {
    /// How the store over CQL is reached.
    #[must_use]
    pub fn scylla_options(&self) -> ScyllaOptions {
        let hosts = self.scylla.split(',').map(|host| host.trim().to_owned()).collect();
        ScyllaOptions {
            hosts,
            keyspace: self.keyspace.clone(),
            user: self.scylla_user.clone(),
            password: self.scylla_password.clone(),
            datacenter: self.scylla_datacenter.clone(),
            ..ScyllaOptions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_by_one_process_and_belongs_to_one_node() {
        let dir = tempfile::tempdir().unwrap();
        let held = Directory::hold(dir.path(), "n1").unwrap();
        let refused = |node: &str| match Directory::hold(dir.path(), node) {
            Ok(_) => panic!("held twice"),
            Err(error) => error.to_string(),
        };
        assert!(refused("n1").contains("already open"));
        let holder = held.holder.clone();
        drop(held);
        assert!(refused("n2").contains("belongs to node n1"));
        assert_eq!(Directory::hold(dir.path(), "n1").unwrap().holder, holder);
    }
}
