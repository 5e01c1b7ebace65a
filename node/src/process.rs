//! A node's life: start, serve, stop.

use crate::error::NodeError;
use crate::options::NodeOptions;
use std::net::SocketAddr;

/// A running node.
pub struct Node {
    address: SocketAddr,
}

impl Node {
    /// Starts a node: it answers HTTP when this returns, and is ready once it has a playbook. Must be called within
    /// an actix system.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn start(options: NodeOptions) -> Result<Node, NodeError> {
        let _ = options;
        unreachable!("landed next")
    }

    /// Where HTTP is answered.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops taking work, finishes turns in hand, flushes and closes the store.
    ///
    /// # Errors
    /// [`NodeError::CutShort`] when calls were still in hand after `drain_ms`; [`NodeError::Store`].
    pub async fn stop(self) -> Result<(), NodeError> {
        unreachable!("landed next")
    }
}

/// Runs a node on this thread until SIGTERM or SIGINT, then stops it.
///
/// # Errors
/// See [`NodeError`].
pub fn run(options: NodeOptions) -> Result<(), NodeError> {
    let _ = options;
    unreachable!("landed next")
}

/// A node on a thread of its own, for callers without an actix system: the demo, tests.
pub struct Background {
    address: SocketAddr,
}

impl Background {
    /// Starts the thread and waits until the node answers HTTP.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub fn start(options: NodeOptions) -> Result<Background, NodeError> {
        let _ = options;
        unreachable!("landed next")
    }

    /// Where HTTP is answered.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the node and waits for its thread.
    ///
    /// # Errors
    /// As [`Node::stop`].
    pub fn stop(self) -> Result<(), NodeError> {
        unreachable!("landed next")
    }
}
