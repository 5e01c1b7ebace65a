//! How an offer stands to what the customer owns, and to the other offers of one list.
//!
//! An owned component is not sold twice: neither in a bundle nor beside it. Leaves out how relations are read and
//! checked ([`crate::playbook`]).

use crate::decision::Basis;
use crate::decision::candidates::Reason;
use crate::decision::context::CaseFacts;
use crate::playbook::Offer;
use crate::playbook::extras::Relations;

/// Whether what the customer owns and took before leaves room for the offer.
///
/// # Errors
/// The first relation that does not hold: requires, follows, excludes, components, bundles.
pub fn check(relations: &Relations, facts: &CaseFacts<'_>) -> Result<(), Reason> {
    let customer = facts.customer;
    let place_of = |ids: &[crate::value::Name], wanted: &dyn Fn(&str) -> bool| {
        ids.iter().position(|id| wanted(id)).map(|place| place as u16)
    };
    let owned = |id: &str| customer.owns(id);
    if let Some(place) = place_of(&relations.requires, &|id| !owned(id)) {
        return Err(Reason::Requires(place));
    }
    if !relations.follows.is_empty() && !relations.follows.iter().any(|id| was_taken(id, facts)) {
        return Err(Reason::Follows);
    }
    if let Some(place) = place_of(&relations.excludes, &owned) {
        return Err(Reason::Excluded(place));
    }
    if let Some(place) = place_of(&relations.components, &owned) {
        return Err(Reason::ComponentOwned(place));
    }
    match place_of(&relations.bundles, &owned) {
        Some(place) => Err(Reason::InOwnedBundle(place)),
        None => Ok(()),
    }
}

/// Owned, or accepted in a contact that is remembered. Without consent to profiling only what is owned counts.
fn was_taken(id: &str, facts: &CaseFacts<'_>) -> bool {
    let accepted =
        || facts.customer.contacts.iter().any(|contact| *contact.offer == *id && contact.accepted());
    facts.customer.owns(id) || (facts.basis == Basis::Full && accepted())
}

/// The first of the listed offers that never stands in one list with this one. Offers are named by their places in the
/// playbook.
#[must_use]
pub fn rival_among(offer: &Offer, listed: &[usize]) -> Option<usize> {
    let rivals = &offer.extras.as_ref()?.relations.rivals;
    listed.iter().copied().find(|other| rivals.binary_search(other).is_ok())
}
