//! Why a node did not start or did not stop well, sorted by what the operator can do.
//!
//! Leaves out what callers of the HTTP API are told: that is `http::error`.

use std::net::SocketAddr;

/// Why a node could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// An option is wrong. Mend what the text names.
    #[error("{0}")]
    Options(String),
    /// The address can't be listened on: another process has it, or it is not this machine's.
    #[error("can't listen on {address}: {detail}")]
    Listen {
        /// As given in the options.
        address: String,
        /// What the system said.
        detail: String,
    },
    /// The shards can't be claimed.
    #[error(transparent)]
    Cluster(#[from] cluster::ClusterError),
    /// The store can't be opened, read or closed.
    #[error("the store in the data directory: {0}")]
    Store(#[from] storage::StoreError),
    /// The store over CQL can't be reached or used.
    #[error("the scylla store: {0}")]
    Scylla(storage::StoreError),
    /// The playbook given to start with is wrong, one line a mistake. Mend it; nothing was changed.
    #[error("the playbook is invalid:\n{0}")]
    Playbook(String),
    /// What is stored can't be understood. Restore a backup, or start the version that wrote it.
    #[error("what is stored can't be used: {0}")]
    Unreadable(String),
    /// The operating system refused a thread, a signal handler or a runtime.
    #[error("the system refused {what}: {detail}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        detail: String,
    },
    /// Stopped, but calls were still in hand when the patience ran out. Callers were not told they had succeeded.
    #[error("stopped at {address} with {calls} calls still in hand after {drain_ms} ms")]
    CutShort {
        /// Where the node listened.
        address: SocketAddr,
        /// Calls without an answer.
        calls: u64,
        /// The patience.
        drain_ms: u64,
    },
}
