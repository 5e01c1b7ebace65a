//! What can go wrong with ownership.

use crate::id::NodeId;
use std::path::PathBuf;

/// Why shards could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The directory was made by another node: start with its name, or choose another directory.
    #[error(
        "the data directory belongs to node {found}, this is node {ours}; use --node-id {found} or another --data-dir"
    )]
    OtherNode {
        /// The node whose directory it is.
        found: NodeId,
        /// The node that asked.
        ours: NodeId,
    },
    /// The file can't be understood: restore it from a backup.
    #[error("{} is damaged ({detail}); restore it from a backup", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        detail: String,
    },
    /// The file can't be read or written.
    #[error("{}: {detail}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
}
