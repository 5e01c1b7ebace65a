//! What goes over HTTP, as JSON: every request and answer is a plain struct here, turned into a command or made
//! from an answer, and nothing else.
//!
//! Names are the contract with clients: they are added to, not changed. Fields that a request does not know are
//! ignored, so that a newer client can talk to an older node; fields of the wrong type are refused.
//!
//! Reading order: times, loose values and their bounds ([`time`], [`value`], [`bounds`]), what comes in and goes out for
//! events ([`event`]), decisions ([`decision`], [`response`], [`explanation`]), customers ([`consent`], [`customer`]), the past
//! ([`past`]), playbooks ([`playbook`]), and errors ([`problem`]).

pub mod time;
pub mod value;
pub mod bounds;
pub mod event;
pub mod decision;
pub mod response;
pub mod explanation;
pub mod learning;
pub mod consent;
pub mod customer;
pub mod identity;
pub mod past;
pub mod playbook;
pub mod preflight;
pub mod schema;
pub mod problem;
