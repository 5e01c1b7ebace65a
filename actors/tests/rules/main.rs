//! What RULES and the invariants demand of customers, decisions and turns, tested from outside with a small playbook.

mod fixture;
mod caps;
mod consents;
mod decisions;
mod events;
mod responses;
mod sample_playbook;
mod snapshots;
mod stages;
mod turns;
