//! What RULES and the invariants demand of customers, decisions and turns, tested from outside with a small playbook.

mod fixture;
mod catalogue;
mod identities;
mod merges;
mod caps;
mod caps_against_model;
mod caps_model;
mod caps_subjects;
mod consents;
mod decisions;
mod events;
mod derived;
mod life;
mod kernel;
mod experiments;
mod learning;
mod replays;
mod responses;
mod same_everywhere;
mod sample_playbook;
mod snapshots;
mod stages;
mod totals;
mod totals_shards;
mod turns;
mod words;
