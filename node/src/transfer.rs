//! What an operator does to stores while no node uses them: the schema, and moving everything from one to the other.
//!
//! Leaves out compaction of the embedded store, which is the process's.

use crate::options::NodeOptions;
use actors::call::CustomerId;
use std::path::Path;
use storage::scylla::{Claimant, migrate};
use storage::transfer::{Copied, copy};
use storage::{Embedded, EmbeddedOptions, Scylla, StoreError};

/// How long a node that holds the keyspace may be silent before it counts as gone, milliseconds: its lease and more.
const SILENT_MS: u64 = 11_000;

/// What a migration of the schema did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The version found, 0 when there was none.
    pub from: u32,
    /// The version now.
    pub to: u32,
    /// The schema files applied, in order.
    pub applied: Vec<&'static str>,
}

/// Brings the keyspace of the options to this program's schema.
///
/// # Errors
/// Why not, and what to do: no server answers, the role may not, or the keyspace is newer than this program.
pub fn migrate_store(options: &NodeOptions, replicas: u32) -> Result<Schema, String> {
    let migrated = waiting(migrate(&options.scylla_options(), replicas))?;
    let migrated = migrated.map_err(|error| error.to_string())?;
    Ok(Schema { from: migrated.from, to: migrated.to, applied: migrated.applied })
}

/// Copies a stopped node's data directory into the keyspace of the options, which nobody has served from. `told` hears how
/// many customers are over. Repeating it goes on where it was cut short.
///
/// # Errors
/// Why not, and what to do. What was copied until then stays.
pub fn export_store(options: &NodeOptions, data_dir: &Path, told: impl FnMut(u64)) -> Result<Copied, String> {
    waiting(async {
        let from = existing(data_dir)?;
        let to = Scylla::connect(options.scylla_options()).await?;
        let history = to.ownership_history().await?;
        if let Some((epoch, node, _)) = history.first() {
            return Err(StoreError::Unavailable(format!(
                "node {node} has served from keyspace {} (epoch {epoch}): export into a new keyspace",
                options.keyspace
            )));
        }
        move_all(&from, &to, told).await
    })?
    .map_err(|error| error.to_string())
}

/// Copies the keyspace of the options, which no node serves now, into a data directory that nobody has served from.
///
/// # Errors
/// Why not, and what to do. What was copied until then stays.
pub fn import_store(options: &NodeOptions, data_dir: &Path, told: impl FnMut(u64)) -> Result<Copied, String> {
    waiting(async {
        if data_dir.join(cluster::solo::FILE).exists() {
            return Err(StoreError::Unavailable(format!(
                "{}: a node has served from it; import into a new directory",
                data_dir.display()
            )));
        }
        let from = Scylla::connect(options.scylla_options()).await?;
        // Whoever gets the shards knows that nobody else has them.
        let claim = from.claim(&nobody(options.shard_count)).await?;
        from.release(&claim).await?;
        let to = Embedded::open(data_dir, EmbeddedOptions::default())?;
        let copied = move_all(&from, &to, told).await;
        to.close()?;
        copied
    })?
    .map_err(|error| error.to_string())
}

async fn move_all(
    from: &dyn storage::Store,
    to: &dyn storage::Store,
    mut told: impl FnMut(u64),
) -> Result<Copied, StoreError> {
    let hash_of = |id: &str| CustomerId::new(id).map_or(0, |id| id.hash64());
    copy(from, to, hash_of, |copied| told(copied.customers)).await
}

/// A store that is there; a wrong path must not become a new one.
fn existing(data_dir: &Path) -> Result<Embedded, StoreError> {
    if !data_dir.join("store.db").is_file() {
        return Err(StoreError::Unavailable(format!("{}: there is no store", data_dir.display())));
    }
    Embedded::open(data_dir, EmbeddedOptions::default())
}

fn nobody(shard_count: u32) -> Claimant {
    Claimant {
        node: "rapport store import".into(),
        holder: format!("import {}", std::process::id()),
        shard_count,
        lease_ms: SILENT_MS,
        drift_margin_ms: 0,
        at_ms: (crate::clock::wall())().ms(),
    }
}

/// Runs to the end on this thread.
fn waiting<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| format!("the system refused a runtime: {error}"))?.block_on(work))
}
