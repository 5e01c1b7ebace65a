//! One process: HTTP, options, telemetry.
//!
//! Reading order: how a node is set up ([`options`]) and started ([`process`]).

pub mod options;
pub mod process;
pub mod error;

pub use error::NodeError;
pub use options::{LogFormat, NodeOptions, StoreKind};
pub use process::{Background, Node, run};
