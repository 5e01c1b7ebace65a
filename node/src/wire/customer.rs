//! Customers: the 360-degree view, tags, erasure.

use crate::wire::bounds::{self, SOURCE_BYTES_MAX};
use crate::wire::consent::ConsentAnswer;
use crate::wire::decision::Bad;
use crate::wire::explanation::CapAnswer;
use crate::wire::identity::{LinkAnswer, MergedAnswer, in_force};
use crate::wire::time::Time;
use crate::wire::value;
use actors::Name;
use actors::call::{PatchOutcome, Receipt, TagPatch};
use actors::customer::feedback::AgentFeedback;
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
    /// What agents said of offers, oldest first.
    pub feedback: Vec<FeedbackAnswer>,
    /// Decisions that stand.
    pub open_decisions: Vec<OpenDecisionAnswer>,
    /// Other ids of the same customer that are in force.
    pub aliases: Vec<String>,
    /// All other ids, with their lines and how far they have come.
    pub links: Vec<LinkAnswer>,
    /// Customers that were taken in, oldest first.
    pub merges: Vec<MergedAnswer>,
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
    /// To which line; null: whichever.
    pub line: Option<Name>,
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

/// A word of an agent about an offer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FeedbackAnswer {
    /// The offer.
    pub offer: Name,
    /// What the agent said became of it.
    pub response: &'static str,
    /// Why.
    pub reason: Option<Name>,
    /// Whose word: `agent`.
    pub by: &'static str,
    /// When.
    pub at: Time,
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
            customer: view.customer.as_str().to_owned(),
            revision,
            tags: view.tags.iter().map(|tag| (tag.id.clone(), TagAnswer::of(tag))).collect(),
            consents: view.consents.iter().map(ConsentAnswer::of).collect(),
            journeys: Vec::new(),
            contacts: view.contacts.iter().map(ContactAnswer::of).collect(),
            caps: view.caps.iter().map(CapAnswer::of).collect(),
            refusals: view.refusals.iter().map(RefusalAnswer::of).collect(),
            feedback: view.feedback.iter().map(FeedbackAnswer::of).collect(),
            open_decisions: view.open_decisions.iter().map(OpenDecisionAnswer::of).collect(),
            aliases: in_force(&view.links),
            links: view.links.iter().map(LinkAnswer::of).collect(),
            merges: view.merges.iter().map(MergedAnswer::of).collect(),
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
            line: contact.line.clone(),
            state: contact.state,
            at: Time(contact.at),
        }
    }
}

impl FeedbackAnswer {
    fn of(word: &AgentFeedback) -> Self {
        FeedbackAnswer {
            offer: word.offer.clone(),
            response: word.kind.word(),
            reason: word.reason.clone(),
            by: "agent",
            at: Time(word.at),
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

impl TagsPatch {
    /// The patch as the actors know it.
    ///
    /// # Errors
    /// `text_too_long` for the source.
    pub fn into_patch(self) -> Result<TagPatch, Bad> {
        bounds::text("source", &self.source, SOURCE_BYTES_MAX).map_err(|detail| ("text_too_long", detail))?;
        Ok(TagPatch {
            source: self.source,
            as_of: self.as_of.map(|at| at.0),
            set: self.set.into_iter().map(|(tag, json)| (tag, value::from_json(json))).collect(),
            unset: self.unset,
        })
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
