//! Learning, first rung: evidence from responses moves the priors of offers.
//!
//! Outcomes are counted by offer and channel ([`counts`]), frozen into tables that decisions name ([`table`]), and a
//! table moves the playbook's priors ([`smoothing`], [`priors`]). Plain functions; leaves out where counts are kept and
//! when a table is published (the region).

pub mod counts;
pub mod table;
pub mod schedule;
pub mod smoothing;
pub mod priors;

pub use counts::{Change, Counts, Outcomes, ShardCounts};
pub use priors::PriorTable;
pub use table::EvidenceTable;
