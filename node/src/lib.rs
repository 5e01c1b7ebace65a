//! One process: HTTP, options, telemetry. The only crate that starts things and the only one that knows JSON.
//!
//! Reading order: how a node is set up ([`options`]), started and stopped ([`process`]), which store it
//! keeps customers in (`store`); what comes in ([`http`],
//! [`wire`]), where it goes ([`dispatch`], [`admission`]), what it goes by ([`playbooks`], [`clock`]), and what is
//! seen of it from outside ([`telemetry`], [`metrics`]).

pub mod options;
pub mod process;
mod store;
pub mod transfer;
pub mod http;
pub mod wire;
pub mod dispatch;
pub mod admission;
pub mod playbooks;
pub mod preflight;
pub mod clock;
pub mod telemetry;
pub mod metrics;
pub mod error;

pub use error::NodeError;
pub use options::{LogFormat, NodeOptions, StoreKind};
pub use process::{Background, Node, compact_store, run};
pub use storage::transfer::Copied;
pub use transfer::{Schema, export_store, import_store, migrate_store};
