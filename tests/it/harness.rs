//! What all stories need: a node to start and stop, somebody to ask it, patience with an end, and dice with a seed.
//!
//! Knows the routes, not the rules: what an answer has to say is each story's own.

pub mod node;
pub mod binary;
pub mod client;
pub mod raw;
pub mod wait;
pub mod chance;

pub use binary::{Said, rapport};
pub use client::{Client, Counts, Reply, event};
pub use node::{Home, Node};
