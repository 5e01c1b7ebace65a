//! Everything known of a customer, for a person to read.
//!
//! Leaves out how it is written down: the node turns it into JSON.

use crate::call::identity::Link;
use crate::call::{ConsentRecord, CustomerId};
use crate::customer::Customer;
use crate::customer::feedback::AgentFeedback;
use crate::customer::refusal::Suppressed;
use crate::customer::tags::TagEntry;
use crate::decision::CapUse;
use crate::decision::contact_policy::{AskedSlot, Sending, cap_use};
use crate::decision::script::outside_value;
use crate::decision::standing::Standing;
use crate::decision::totals::is_total;
use crate::options::CONTACT_LIVES_MS;
use crate::playbook::{Playbook, SuppressScope};
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};

/// The 360-degree view.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomerView {
    /// The customer's id.
    pub customer: CustomerId,
    /// Tags by id, sorted, with values as the outside writes them.
    pub tags: Vec<TagView>,
    /// Current consents.
    pub consents: Vec<ConsentRecord>,
    /// All consents ever recorded, oldest first.
    pub consent_history: Vec<ConsentRecord>,
    /// Contacts inside the longest cap window, oldest first.
    pub contacts: Vec<ContactView>,
    /// Caps of the customer and how far they are used.
    pub caps: Vec<CapUse>,
    /// What is suppressed, for ever or for a time.
    pub refusals: Vec<RefusalView>,
    /// What agents said of offers, oldest first.
    pub feedback: Vec<AgentFeedback>,
    /// The decisions that stand.
    pub open_decisions: Vec<OpenDecision>,
    /// Owned products, sorted.
    pub products: Vec<Name>,
    /// Other ids of the same customer, sorted.
    pub links: Vec<Link>,
    /// Customers taken in, oldest first.
    pub merges: Vec<MergeView>,
}

/// A customer that was taken in.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeView {
    /// The merge's name.
    pub merge_id: Name,
    /// Who was taken in.
    pub from: CustomerId,
    /// Since when.
    pub at: Timestamp,
}

/// A tag as read by a person.
#[derive(Clone, Debug, PartialEq)]
pub struct TagView {
    /// Its id.
    pub id: Name,
    /// Its value.
    pub value: Value,
    /// When it was true.
    pub as_of: Timestamp,
    /// Who said so.
    pub source: Name,
    /// Older than its `max_age`: counts as missing.
    pub stale: bool,
}

/// A contact as read by a person.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactView {
    /// Its id.
    pub contact_id: String,
    /// Which offer.
    pub offer: Name,
    /// By which channel.
    pub channel: Name,
    /// For what purpose.
    pub purpose: Name,
    /// To which line; `None`: whichever.
    pub line: Option<Name>,
    /// reserved, sent, delivered, seen, clicked, failed, expired or cancelled.
    pub state: &'static str,
    /// When it was reserved.
    pub at: Timestamp,
}

/// Something that is not offered.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusalView {
    /// How far it reaches.
    pub scope: SuppressScope,
    /// What: an offer's, family's, group's or partner's id; `*` for all.
    pub id: Name,
    /// Only in these channels; empty: all.
    pub channels: Vec<Name>,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None`: for ever.
    pub until: Option<Timestamp>,
}

/// A decision that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenDecision {
    /// Its id.
    pub decision_id: String,
    /// Its number one.
    pub offer: Name,
    /// When it was taken.
    pub at: Timestamp,
    /// Until when it stands.
    pub expires_at: Timestamp,
    /// The channel it was first given in.
    pub channel: Name,
}

impl Customer {
    /// Everything known, as it stands at `now`.
    #[must_use]
    pub fn view(&self, playbook: &Playbook, now: Timestamp) -> CustomerView {
        let zone = self.zone(playbook, now);
        let sending = Sending { from: now, until: now.plus_ms(CONTACT_LIVES_MS) };
        let slot = AskedSlot { sending, line: None, zone: &zone };
        let mut tags: Vec<TagView> =
            self.tags.iter().filter_map(|entry| self.tag_view(entry, playbook, now)).collect();
        tags.sort_by(|a, b| a.id.cmp(&b.id));
        let mut links: Vec<Link> = self.identity.links(&self.id).collect();
        links.sort_by(|a, b| a.alias.cmp(&b.alias));
        CustomerView {
            customer: self.id.clone(),
            tags,
            consents: self.consents.current(),
            consent_history: self.consents.history().to_vec(),
            contacts: self.contacts.iter().map(|contact| contact.view(now)).collect(),
            caps: playbook
                .caps
                .iter()
                .filter(|cap| !is_total(cap))
                .map(|cap| cap_use(cap, &self.contacts, slot))
                .collect(),
            refusals: self.refusals.iter().filter(|one| one.lasts_at(now)).map(RefusalView::from).collect(),
            feedback: self.feedback.all().to_vec(),
            open_decisions: self
                .standing
                .iter()
                .filter(|standing| now < standing.expires_at)
                .map(OpenDecision::from)
                .collect(),
            products: self.products.iter().cloned().collect(),
            links,
            merges: self.identity.merges().map(MergeView::from).collect(),
        }
    }

    /// Tags of earlier playbooks that are declared no longer are kept, and not shown.
    fn tag_view(&self, entry: &TagEntry, playbook: &Playbook, now: Timestamp) -> Option<TagView> {
        let tag = playbook.tags.get(&entry.number)?;
        Some(TagView {
            id: Name::clone(&tag.id),
            value: outside_value(playbook, entry.number, &entry.value),
            as_of: entry.as_of,
            source: Name::clone(self.tags.source(entry)),
            stale: self.fresh_tag(entry.number, playbook, now).is_none(),
        })
    }
}

impl From<(&Name, &CustomerId, Timestamp)> for MergeView {
    fn from((merge_id, from, at): (&Name, &CustomerId, Timestamp)) -> Self {
        MergeView { merge_id: Name::clone(merge_id), from: from.clone(), at }
    }
}

impl From<&Suppressed> for RefusalView {
    fn from(one: &Suppressed) -> Self {
        RefusalView {
            scope: one.scope,
            id: Name::clone(&one.id),
            channels: one.channels.clone(),
            at: one.at,
            until: one.until,
        }
    }
}

impl From<&Standing> for OpenDecision {
    fn from(standing: &Standing) -> Self {
        OpenDecision {
            decision_id: standing.decision_id.clone(),
            offer: Name::clone(&standing.offer),
            at: standing.at,
            expires_at: standing.expires_at,
            channel: Name::clone(&standing.channel),
        }
    }
}
