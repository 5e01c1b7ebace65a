//! Rapport as its users know it: the real binary in processes of its own, asked over HTTP and on the command line.
//!
//! One file, one story. What a customer does is tested beside the customer; here it has to come through the sockets,
//! the store and the operating system. Build the binary first: `cargo build -p ops`.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod harness;
mod walk;
mod durability;
mod scylla;
mod idempotence;
mod identities;
mod visibility;
mod ndjson;
mod bad_input;
mod playbooks;
mod preflight;
mod cli;
mod layers;
