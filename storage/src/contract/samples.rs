//! Customers, saves and rows to check with.

use crate::{ContactRow, CustomerKey, DecisionRow, Fence, Save};
use std::sync::Arc;

/// Customer number `n`, with a hash that spreads as a real one does.
pub fn customer(n: u64) -> CustomerKey {
    // The multiplier is odd, so different numbers have different hashes.
    CustomerKey { hash: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), id: format!("customer-{n}").into() }
}

/// A save whose snapshot names its customer, fence and revision, without rows.
pub fn save(customer: &CustomerKey, fence: u64, revision: u64) -> Save {
    Save {
        customer: customer.clone(),
        fence: Fence(fence),
        revision,
        snapshot: bytes(&format!("{} fence {fence} revision {revision}", customer.id)),
        before: None,
        contacts: Vec::new(),
        decisions: Vec::new(),
    }
}

pub(super) fn contact(id: &str, at_ms: i64, body: &str) -> ContactRow {
    ContactRow { contact_id: id.into(), at_ms, body: bytes(body) }
}

pub(super) fn decision(id: &str, at_ms: i64) -> DecisionRow {
    DecisionRow { decision_id: id.into(), at_ms, body: bytes(&format!("body of {id}")) }
}

pub(super) fn bytes(text: &str) -> Arc<[u8]> {
    Arc::from(text.as_bytes())
}
