//! What an operator does to stores while no node uses them.
//!
//! Leaves out compaction of the embedded store, which is the process's.

use crate::options::NodeOptions;
use storage::scylla::migrate;

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

/// Runs to the end on this thread.
fn waiting<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| format!("the system refused a runtime: {error}"))?.block_on(work))
}
