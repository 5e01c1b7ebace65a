//! What is remembered: customers, their contacts and decisions, and the playbooks.
//!
//! Knows no business rule: a snapshot is bytes, and the epoch arrives as a [`Fence`]. Knows nothing of who owns
//! a customer.
//!
//! Reading order: the contracts first ([`customer_store`], [`decision_log`], [`playbook_store`],
//! [`evidence_store`], [`total_store`]), then the stores
//! that keep them: [`memory`] (for tests), [`faulty`] (a store that fails on demand), [`embedded`] (SQLite, one
//! machine), [`scylla`] (what a cluster shares). `contract` (feature of the same name) is the suite every store has to
//! pass.

pub mod customer_store;
pub mod decision_log;
pub mod playbook_store;
pub mod evidence_store;
pub mod due_index;
pub mod total_store;
pub mod error;
mod compare_and_set;
pub mod memory;
pub mod faulty;
pub mod embedded;
mod delta;
pub mod scylla;
pub mod transfer;
pub mod options;
pub mod metrics;
#[cfg(feature = "contract")]
pub mod contract;

pub use customer_store::{
    ContactRow, CustomerKey, CustomerStore, DecisionRow, Erasure, Fence, Save, StoredCustomer, WalkPage,
    WalkPlace,
};
pub use decision_log::{DecisionLog, Page};
pub use due_index::{DueIndex, DueRow};
pub use embedded::{Compacted, Embedded};
pub use error::StoreError;
pub use evidence_store::{EvidenceStore, ShardEvidence};
pub use faulty::Faulty;
pub use memory::Memory;
pub use options::{EmbeddedOptions, ScyllaOptions};
pub use playbook_store::{Activation, PlaybookRow, PlaybookStore, StoredDictionary};
pub use scylla::Scylla;
pub use total_store::{TotalLease, TotalStore, grantable};

use std::pin::Pin;

/// What a store's methods return: stores are used behind `dyn`, so their futures are boxed.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Everything a node needs from its store.
pub trait Store: CustomerStore + DecisionLog + PlaybookStore + EvidenceStore + DueIndex + TotalStore {}

impl<S: CustomerStore + DecisionLog + PlaybookStore + EvidenceStore + DueIndex + TotalStore> Store for S {}
