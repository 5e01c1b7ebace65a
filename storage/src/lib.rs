//! What is remembered: customers, their contacts and decisions, and the playbooks.
//!
//! Knows no business rule: a snapshot is bytes, and the epoch arrives as a [`Fence`]. Knows nothing of who owns
//! a customer.
//!
//! Reading order: the contracts first ([`customer_store`], [`decision_log`], [`playbook_store`]), then the stores
//! that keep them: [`memory`] (for tests), [`faulty`] (a store that fails on demand), [`embedded`] (SQLite, one
//! machine).

pub mod customer_store;
pub mod decision_log;
pub mod playbook_store;
pub mod error;
pub mod options;
pub mod metrics;

pub use customer_store::{ContactRow, CustomerKey, CustomerStore, DecisionRow, Erasure, Fence, Save, StoredCustomer};
pub use decision_log::{DecisionLog, Page};
pub use error::StoreError;
pub use playbook_store::{Activation, PlaybookRow, PlaybookStore, StoredDictionary};

use std::pin::Pin;

/// What a store's methods return: stores are used behind `dyn`, so their futures are boxed.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Everything a node needs from its store.
pub trait Store: CustomerStore + DecisionLog + PlaybookStore {}

impl<S: CustomerStore + DecisionLog + PlaybookStore> Store for S {}
