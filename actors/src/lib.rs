//! The customer, its turn, its decision.
//!
//! Reading order: what can be asked of a customer ([`call`]), which customer an id stands for ([`identity`]), who serves
//! it ([`region`], [`shard`]), what happens to it ([`customer`]), how the next best action is chosen ([`decision`]), what
//! responses teach it ([`learning`]), and the rules all of them go by ([`playbook`]).
//!
//! [`customer`], [`decision`], [`learning`] and [`playbook`] are plain functions of their arguments: no clock, no IO, no chance,
//! and no import of actix, tokio, cluster or storage.

pub mod call;
pub mod identity;
pub mod region;
pub mod shard;
pub mod customer;
pub mod decision;
pub mod learning;
pub mod playbook;
pub mod timestamp;
pub mod value;
pub mod error;
pub mod options;
pub mod metrics;

pub use timestamp::Timestamp;
pub use value::{Name, Value};
