//! A customer as bytes: one byte of version, then MessagePack.
//!
//! Old versions are read for ever; a newer one is refused, so that a downgrade can't lose what it does not know.

use crate::call::CustomerId;
use crate::customer::Customer;
use crate::customer::consent::Consents;
use crate::customer::contact_history::ContactHistory;
use crate::customer::dedupe::RecentIds;
use crate::customer::derive::Derivations;
use crate::customer::refusal::Refusals;
use crate::customer::tag_codec;
use crate::decision::standing::Standing;
use crate::error::Unreadable;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The version written.
pub const VERSION: u8 = 1;

const WHAT: &str = "customer snapshot";

/// Version 1. Written as an array: fields may only be added at the end, with a default.
#[derive(Serialize, Deserialize)]
struct Version1<'a> {
    tags: ByteBuf,
    derivations: Cow<'a, Derivations>,
    consents: Cow<'a, Consents>,
    contacts: Cow<'a, ContactHistory>,
    refusals: Cow<'a, Refusals>,
    products: Cow<'a, BTreeSet<Name>>,
    recent: Cow<'a, RecentIds>,
    standing: Cow<'a, [Standing]>,
    decision_count: u64,
}

impl Customer {
    /// The snapshot.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let body = Version1 {
            tags: ByteBuf::from(tag_codec::encode(&self.tags)),
            derivations: Cow::Borrowed(&self.derivations),
            consents: Cow::Borrowed(&self.consents),
            contacts: Cow::Borrowed(&self.contacts),
            refusals: Cow::Borrowed(&self.refusals),
            products: Cow::Borrowed(&self.products),
            recent: Cow::Borrowed(&self.recent),
            standing: Cow::Borrowed(&self.standing),
            decision_count: self.decision_count,
        };
        let mut bytes = vec![VERSION];
        rmp_serde::encode::write(&mut bytes, &body).expect("a customer is plain data");
        bytes
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// [`Unreadable`] when it is damaged or of a newer version.
    pub fn decode(id: &CustomerId, snapshot: &[u8]) -> Result<Customer, Unreadable> {
        let body: Version1<'_> = match snapshot.split_first() {
            Some((&VERSION, body)) => {
                rmp_serde::from_slice(body).map_err(|error| Unreadable::new(WHAT, error))?
            }
            Some((version, _)) => {
                return Err(Unreadable::new(
                    WHAT,
                    format!("version {version} is newer than {VERSION}; upgrade this node"),
                ));
            }
            None => return Err(Unreadable::new(WHAT, "it is empty")),
        };
        Ok(Customer {
            id: id.clone(),
            tags: tag_codec::decode(&body.tags)?,
            derivations: body.derivations.into_owned(),
            consents: body.consents.into_owned(),
            contacts: body.contacts.into_owned(),
            refusals: body.refusals.into_owned(),
            products: body.products.into_owned(),
            recent: body.recent.into_owned(),
            standing: body.standing.into_owned(),
            decision_count: body.decision_count,
        })
    }
}
