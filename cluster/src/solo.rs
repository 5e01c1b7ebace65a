//! One machine that owns every shard: a node without a cluster.
//!
//! Remembers in its own directory how often it was started. Every start is a new epoch: whatever an earlier process
//! left on its way to the store is then a former owner's.

use crate::error::ClusterError;
use crate::handle::Handle;
use crate::id::{Epoch, Incarnation, NodeId, ShardCount};
use crate::lease::Lease;
use crate::options::ClusterOptions;
use crate::placement::Placement;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// The file beside the store that remembers the starts of the node.
pub const FILE: &str = "ownership.msgpack";

/// What a lone node remembers of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ownership {
    node: NodeId,
    incarnation: Incarnation,
    shard_count: ShardCount,
}

/// Claims every shard for `options.node` under a new epoch, durable before it returns.
///
/// The caller holds the directory for itself (the embedded store's lock).
///
/// # Errors
/// [`ClusterError::OtherNode`] when the directory belongs to another node, [`ClusterError::Unreadable`] when the file
/// is damaged, [`ClusterError::Io`] when the directory can't be written.
pub fn claim(dir: &Path, options: &ClusterOptions) -> Result<Handle, ClusterError> {
    let before = read(dir)?;
    let next = match before {
        Some(before) if before.node != options.node => {
            return Err(ClusterError::OtherNode { found: before.node, ours: options.node.clone() });
        }
        Some(before) => Ownership { incarnation: Incarnation(before.incarnation.0 + 1), ..before },
        None => Ownership {
            node: options.node.clone(),
            incarnation: Incarnation(1),
            shard_count: options.shard_count,
        },
    };
    write(dir, &next)?;
    let epoch = Epoch(next.incarnation.0);
    let placement = Placement::all_on(&next.node, epoch, next.shard_count);
    Ok(Handle::new(next.node, placement, Lease::unshared()))
}

fn read(dir: &Path) -> Result<Option<Ownership>, ClusterError> {
    let path = dir.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => rmp_serde::from_slice(&bytes)
            .map(Some)
            .map_err(|error| ClusterError::Unreadable { path, detail: error.to_string() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ClusterError::Io { path, detail: error.to_string() }),
    }
}

/// Written beside and renamed over, so that a crash leaves the old or the new file, never half of one.
fn write(dir: &Path, ownership: &Ownership) -> Result<(), ClusterError> {
    let path = dir.join(FILE);
    let fresh = dir.join(format!("{FILE}.new"));
    let bytes = rmp_serde::to_vec_named(ownership)
        .map_err(|error| ClusterError::Unreadable { path: path.clone(), detail: error.to_string() })?;
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(dir)?;
        let mut file = File::create(&fresh)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(dir)?.sync_all()
    };
    written().map_err(|error| ClusterError::Io { path, detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ShardId;

    fn options(node: &str, shards: u32) -> ClusterOptions {
        let shard_count = ShardCount::new(shards).expect("a power of two");
        ClusterOptions { node: NodeId::new(node).expect("a name"), shard_count }
    }

    #[test]
    fn every_start_is_a_new_epoch_and_the_shard_count_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        for (start, asked) in [(1, 64), (2, 128), (3, 64)] {
            let handle = claim(dir.path(), &options("n1", asked)).expect("claimed");
            assert_eq!(handle.owned(ShardId(0)), Some(Epoch(start)));
            assert_eq!(handle.shard_count().get(), 64, "fixed at birth");
        }
    }

    #[test]
    fn a_directory_belongs_to_one_node() {
        let dir = tempfile::tempdir().expect("a directory");
        claim(dir.path(), &options("n1", 64)).expect("claimed");
        let error = claim(dir.path(), &options("n2", 64)).expect_err("another node's");
        assert!(error.to_string().contains("n1"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(FILE), b"rubbish").expect("written");
        let error = claim(dir.path(), &options("n1", 64)).expect_err("damaged");
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
