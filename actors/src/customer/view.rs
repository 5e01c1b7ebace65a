//! Everything known of a customer, for a person to read.
//!
//! Leaves out how it is written down: the node turns it into JSON.

use crate::call::ConsentRecord;
use crate::decision::CapUse;
use crate::playbook::SuppressScope;
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};

/// The 360-degree view.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomerView {
    /// The customer's id.
    pub customer: String,
    /// Tags by id, sorted, with values as the outside writes them.
    pub tags: Vec<TagView>,
    /// Current consents.
    pub consents: Vec<ConsentRecord>,
    /// All consents ever recorded, oldest first.
    pub consent_history: Vec<ConsentRecord>,
    /// Contacts inside the longest cap window, oldest first.
    pub contacts: Vec<ContactView>,
    /// Caps and how far they are used.
    pub caps: Vec<CapUse>,
    /// What is suppressed, for ever or for a time.
    pub refusals: Vec<RefusalView>,
    /// The decision that stands, if one does.
    pub open_decision: Option<OpenDecision>,
    /// Owned products, sorted.
    pub products: Vec<Name>,
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
