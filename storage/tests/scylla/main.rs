//! The store over CQL, against a real server: RAPPORT_TEST_CQL says where one runs, as host:port.
//!
//! Without it every test here prints that it was skipped and passes, unless RAPPORT_TEST_CQL_REQUIRED is set: then it
//! fails, so that nobody takes a run without a server for a proof.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod server;
mod proxy;
mod contract;
mod fencing;
mod failures;
mod ownership;
mod schema;
