//! Snapshots of version 1, read for ever: one MessagePack array of everything.
//!
//! Leaves out writing: what is read here is written as the version of today.

mod tags;

use crate::call::CustomerId;
use crate::customer::Customer;
use crate::customer::consent::Consents;
use crate::customer::contact_history::ContactHistory;
use crate::customer::dedupe::{RecentIds, RecentIdsOfVersion1};
use crate::customer::derive::{Derivations, DerivationsOfVersion1};
use crate::customer::refusal::Refusals;
use crate::decision::standing::Standing;
use crate::error::Unreadable;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Version1 {
    tags: ByteBuf,
    derivations: DerivationsOfVersion1,
    consents: Consents,
    contacts: ContactHistory,
    refusals: Refusals,
    products: BTreeSet<Name>,
    recent: RecentIdsOfVersion1,
    standing: Vec<Standing>,
    decision_count: u64,
}

/// Reads what follows the version byte.
pub(super) fn decode(id: &CustomerId, body: &[u8]) -> Result<Customer, Unreadable> {
    let body: Version1 =
        rmp_serde::from_slice(body).map_err(|error| Unreadable::new("customer snapshot", error))?;
    let derivations = Derivations::from(body.derivations);
    let mut tags = tags::decode(&body.tags)?;
    for number in derivations.moving_tags() {
        // Was written beside what it follows from.
        tags.remove(number, Timestamp::from_ms(i64::MAX));
    }
    Ok(Customer {
        tags: tags.into(),
        derivations: derivations.into(),
        consents: body.consents.into(),
        contacts: body.contacts.into(),
        refusals: body.refusals.into(),
        products: body.products.into(),
        recent: RecentIds::from(body.recent).into(),
        standing: body.standing.into(),
        decision_count: body.decision_count.into(),
        ..Customer::new(id)
    })
}
