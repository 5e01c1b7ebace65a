//! Customers: the 360-degree view, consents, tags, erasure.

use crate::wire::explanation::CapAnswer;
use crate::wire::time::Time;
use crate::wire::value;
use actors::Name;
use actors::Timestamp;
use actors::call::{ConsentRecord, ConsentState, PatchOutcome, Receipt, TagPatch};
use actors::customer::view::{ContactView, CustomerView, OpenDecision, RefusalView, TagView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Everything known of a customer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CustomerAnswer {
    /// The customer's id.
    pub customer: String,
    /// Saved turns so far; 0 for a customer never seen.
    pub revision: u64,
    /// By id.
    pub tags: BTreeMap<Name, TagAnswer>,
    /// Current consents.
    pub consents: Vec<ConsentAnswer>,
    /// Journeys under way.
    pub journeys: Vec<JourneyAnswer>,
    /// Contacts inside the longest cap window, oldest first.
    pub contacts: Vec<ContactAnswer>,
    /// Caps and how far they are used.
    pub caps: Vec<CapAnswer>,
    /// What is suppressed.
    pub refusals: Vec<RefusalAnswer>,
    /// Decisions that stand.
    pub open_decisions: Vec<OpenDecisionAnswer>,
    /// Other ids of the same customer.
    pub aliases: Vec<String>,
    /// Owned products.
    pub products: Vec<Name>,
}

/// A tag.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TagAnswer {
    /// Its value.
    pub value: Json,
    /// When it was true.
    pub as_of: Time,
    /// Who said so.
    pub source: Name,
    /// Older than its `max_age`: counts as missing.
    pub stale: bool,
}

/// A journey under way.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct JourneyAnswer {
    /// Its id.
    pub journey: Name,
    /// Where the customer is.
    pub step: Name,
    /// Since when.
    pub since: Time,
    /// The playbook it began with.
    pub version: Name,
}

/// A contact.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ContactAnswer {
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
    pub at: Time,
}

/// Something that is not offered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RefusalAnswer {
    /// offer, family, group, partner or all.
    pub scope: &'static str,
    /// What; `*` for all.
    pub id: Name,
    /// Only in these channels; empty: all.
    pub channels: Vec<Name>,
    /// Since when.
    pub at: Time,
    /// Until when; null: for ever.
    pub until: Option<Time>,
}

/// A decision that stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OpenDecisionAnswer {
    /// Its id.
    pub decision_id: String,
    /// Its number one.
    pub offer: Name,
    /// When it was taken.
    pub at: Time,
    /// Until when it stands.
    pub expires_at: Time,
    /// The channel it was first given in.
    pub channel: Name,
}

impl CustomerAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(view: &CustomerView, revision: u64) -> Self {
        CustomerAnswer {
            customer: view.customer.clone(),
            revision,
            tags: view.tags.iter().map(|tag| (tag.id.clone(), TagAnswer::of(tag))).collect(),
            consents: view.consents.iter().map(ConsentAnswer::of).collect(),
            journeys: Vec::new(),
            contacts: view.contacts.iter().map(ContactAnswer::of).collect(),
            caps: view.caps.iter().map(CapAnswer::of).collect(),
            refusals: view.refusals.iter().map(RefusalAnswer::of).collect(),
            open_decisions: view.open_decisions.iter().map(OpenDecisionAnswer::of).collect(),
            aliases: Vec::new(),
            products: view.products.clone(),
        }
    }
}

impl TagAnswer {
    fn of(tag: &TagView) -> Self {
        TagAnswer {
            value: value::to_json(&tag.value),
            as_of: Time(tag.as_of),
            source: tag.source.clone(),
            stale: tag.stale,
        }
    }
}

impl ContactAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(contact: &ContactView) -> Self {
        ContactAnswer {
            contact_id: contact.contact_id.clone(),
            offer: contact.offer.clone(),
            channel: contact.channel.clone(),
            purpose: contact.purpose.clone(),
            state: contact.state,
            at: Time(contact.at),
        }
    }
}

impl RefusalAnswer {
    fn of(refusal: &RefusalView) -> Self {
        RefusalAnswer {
            scope: refusal.scope.word(),
            id: refusal.id.clone(),
            channels: refusal.channels.clone(),
            at: Time(refusal.at),
            until: refusal.until.map(Time),
        }
    }
}

impl OpenDecisionAnswer {
    fn of(open: &OpenDecision) -> Self {
        OpenDecisionAnswer {
            decision_id: open.decision_id.clone(),
            offer: open.offer.clone(),
            at: Time(open.at),
            expires_at: Time(open.expires_at),
            channel: open.channel.clone(),
        }
    }
}

/// A consent to note.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ConsentNote {
    /// marketing, telesales, location, profiling, ...
    pub purpose: Name,
    /// A channel, or `any`.
    pub channel: Name,
    /// What the customer said.
    pub state: ConsentWord,
    /// Lawful basis.
    pub basis: Option<String>,
    /// Who recorded it.
    pub source: Option<String>,
    /// Version of the text the customer saw.
    pub text_version: Option<String>,
    /// When the customer said it; now when left out.
    pub at: Option<Time>,
    /// When it ends.
    pub expires_at: Option<Time>,
}

/// What a customer said to a purpose.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentWord {
    /// Yes.
    Granted,
    /// No.
    Denied,
    /// Yes once, no longer.
    Withdrawn,
    /// Not asked.
    Unknown,
}

impl ConsentNote {
    /// The record as the actors know it.
    ///
    /// # Errors
    /// A sentence naming the field that is empty.
    pub fn into_record(self, now: Timestamp) -> Result<ConsentRecord, String> {
        for (name, text) in [("purpose", &self.purpose), ("channel", &self.channel)] {
            if text.is_empty() {
                return Err(format!("{name} is empty"));
            }
        }
        Ok(ConsentRecord {
            purpose: self.purpose,
            channel: self.channel,
            state: match self.state {
                ConsentWord::Granted => ConsentState::Granted,
                ConsentWord::Denied => ConsentState::Denied,
                ConsentWord::Withdrawn => ConsentState::Withdrawn,
                ConsentWord::Unknown => ConsentState::Unknown,
            },
            basis: self.basis,
            source: self.source,
            text_version: self.text_version,
            at: self.at.map_or(now, |at| at.0),
            expires_at: self.expires_at.map(|at| at.0),
        })
    }
}

/// A consent as recorded.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConsentAnswer {
    /// marketing, telesales, location, profiling, ...
    pub purpose: Name,
    /// A channel, or `any`.
    pub channel: Name,
    /// What the customer said.
    pub state: ConsentWord,
    /// Lawful basis.
    pub basis: Option<String>,
    /// Who recorded it.
    pub source: Option<String>,
    /// Version of the text the customer saw.
    pub text_version: Option<String>,
    /// When the customer said it.
    pub at: Time,
    /// When it ends.
    pub expires_at: Option<Time>,
}

impl ConsentAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(record: &ConsentRecord) -> Self {
        ConsentAnswer {
            purpose: record.purpose.clone(),
            channel: record.channel.clone(),
            state: match record.state {
                ConsentState::Granted => ConsentWord::Granted,
                ConsentState::Denied => ConsentWord::Denied,
                ConsentState::Withdrawn => ConsentWord::Withdrawn,
                ConsentState::Unknown => ConsentWord::Unknown,
            },
            basis: record.basis.clone(),
            source: record.source.clone(),
            text_version: record.text_version.clone(),
            at: Time(record.at),
            expires_at: record.expires_at.map(Time),
        }
    }
}

/// Consents with their history.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConsentsAnswer {
    /// What holds now.
    pub consents: Vec<ConsentAnswer>,
    /// All ever recorded, oldest first.
    pub history: Vec<ConsentAnswer>,
}

/// What noting consents did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConsentsNoted {
    /// Records that changed the current state or the history.
    pub noted: usize,
}

/// Tags to set and unset.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct TagsPatch {
    /// Who says so, at most 64 bytes.
    pub source: String,
    /// When it was true; now when left out.
    pub as_of: Option<Time>,
    /// Tags to set.
    #[serde(default)]
    pub set: Map<String, Json>,
    /// Tags to remove.
    #[serde(default)]
    pub unset: Vec<String>,
}

impl From<TagsPatch> for TagPatch {
    fn from(patch: TagsPatch) -> Self {
        TagPatch {
            source: patch.source,
            as_of: patch.as_of.map(|at| at.0),
            set: patch.set.into_iter().map(|(tag, json)| (tag, value::from_json(json))).collect(),
            unset: patch.unset,
        }
    }
}

/// What a tag patch did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TagsAnswer {
    /// Tags changed.
    pub changed: usize,
    /// Tags left alone because a newer (or the same) value was there.
    pub kept: usize,
}

impl From<PatchOutcome> for TagsAnswer {
    fn from(outcome: PatchOutcome) -> Self {
        TagsAnswer { changed: outcome.changed, kept: outcome.kept }
    }
}

/// Proof of an erasure, without saying of whom.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReceiptAnswer {
    /// Names the erasure.
    pub receipt_id: String,
    /// When.
    pub at: Time,
    /// What was removed.
    pub removed: Removed,
}

/// What an erasure removed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Removed {
    /// Snapshots.
    pub snapshots: u64,
    /// Contacts.
    pub contacts: u64,
    /// Decisions.
    pub decisions: u64,
}

impl From<Receipt> for ReceiptAnswer {
    fn from(receipt: Receipt) -> Self {
        let [snapshots, contacts, decisions] = receipt.removed;
        ReceiptAnswer {
            receipt_id: receipt.receipt_id,
            at: Time(receipt.at),
            removed: Removed { snapshots, contacts, decisions },
        }
    }
}
