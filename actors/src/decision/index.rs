//! The catalogue turned around, so that a decision costs what the customer matches and not what the catalogue holds.
//!
//! Made once a playbook, read by [`crate::decision::kernel`]. Says nothing of its own: every question about an offer that is
//! not answered by counting here is put to the same functions that the plain walk uses.

pub mod bits;
pub mod classes;
pub mod slots;
pub mod limits;
pub mod rules;
pub mod affinity;
pub mod worth;

use crate::playbook::{Offer, Playbook};
use crate::value::Name;
use affinity::AffinityIndex;
use bits::Bits;
use classes::{ByName, Classes, Scopes, Sight};
use rules::RuleIndex;
use slots::Slots;
use worth::Worth;

/// All offers of a playbook, indexed.
#[derive(Debug, Default)]
pub struct OfferIndex {
    /// How many offers there are.
    pub offers: usize,
    /// Offers alike in channels, purpose, validity and campaign, without those that are asked one by one.
    pub frames: Classes,
    /// Offers alike to caps, quiet hours and control groups.
    pub contacts: Classes,
    /// Offers alike to context weights.
    pub scopes: Scopes,
    /// Tags that offers read.
    pub slots: Slots,
    /// Rules.
    pub rules: RuleIndex,
    /// Affinities.
    pub affinity: AffinityIndex,
    /// Values and levers.
    pub worth: Worth,
    /// By family.
    pub families: ByName,
    /// By group.
    pub groups: ByName,
    /// By owner.
    pub owners: ByName,
}

impl OfferIndex {
    /// Indexes the offers of a playbook.
    #[must_use]
    pub fn of(playbook: &Playbook) -> OfferIndex {
        let offers = playbook.offers.as_slice();
        let caps = playbook.caps.iter().map(|cap| &cap.matches);
        let protecting = caps.chain(playbook.quiet_hours.iter().map(|hours| &hours.matches));
        let sight = Sight::of(&protecting.collect::<Vec<_>>());
        let mut slots = Slots::default();
        let rules = RuleIndex::of(offers, &mut slots);
        let affinity = AffinityIndex::of(offers, &mut slots);
        slots.learn_ages(&playbook.tags);
        OfferIndex {
            offers: offers.len(),
            frames: Classes::by(offers, &rules.walked, frame),
            contacts: Classes::by(offers, &Bits::none(offers.len()), |offer| sight.key(offer)),
            scopes: Scopes::of(offers, &playbook.context_weights),
            slots,
            rules,
            worth: Worth::of(offers, &affinity.slack),
            affinity,
            families: ByName::of(offers, |offer| &offer.family),
            groups: ByName::of(offers, |offer| &offer.group),
            owners: ByName::of(offers, |offer| &offer.owner),
        }
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.frames.bytes()
            + self.contacts.bytes()
            + self.scopes.bytes()
            + self.slots.bytes()
            + self.rules.bytes()
            + self.affinity.bytes()
            + self.worth.bytes()
            + [&self.families, &self.groups, &self.owners].map(ByName::bytes).iter().sum::<usize>()
    }
}

/// Everything that the stages before the rules read of an offer.
fn frame(offer: &Offer) -> impl std::hash::Hash + Eq + use<> {
    let channels: Vec<Name> = offer.channels.clone();
    (channels, Name::clone(&offer.purpose), offer.valid_from, offer.valid_to, offer.campaign.clone())
}
