//! Playbooks and the state of the node, for operators.

use crate::wire::time::Time;
use actors::playbook::source::Source;
use actors::playbook::{Mistake, Offer, Playbook, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A playbook to store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct PlaybookUpload {
    /// Its files.
    pub files: Vec<PlaybookFile>,
    /// Put it in force as well.
    #[serde(default)]
    pub activate: bool,
    /// Put it in force at a later time: not in this version, refused.
    pub at: Option<Time>,
}

/// One file of a playbook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct PlaybookFile {
    /// Its name, for messages.
    pub name: String,
    /// YAML or JSON.
    pub text: String,
}

/// How to take an upload.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub struct UploadQuery {
    /// Only say whether it is valid; store nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Put a bare playbook object in force as well.
    #[serde(default)]
    pub activate: bool,
}

/// A playbook was accepted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlaybookAnswer {
    /// SHA-256 of its canonical form.
    pub id: String,
    /// Whether it was stored (not for a dry run).
    pub stored: bool,
    /// Whether it is in force now.
    pub active: bool,
    /// How many offers it has.
    pub offers: usize,
    /// How many tags it declares.
    pub tags: usize,
    /// What might not be as meant.
    pub warnings: Vec<MistakeAnswer>,
}

/// Something wrong with a playbook.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MistakeAnswer {
    /// error or warning.
    pub severity: &'static str,
    /// The file, as named by its author.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl MistakeAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(mistake: &Mistake) -> Self {
        MistakeAnswer {
            severity: match mistake.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            file: mistake.file.clone(),
            line: mistake.line,
            what: mistake.what.clone(),
            fix: mistake.fix.clone(),
        }
    }
}

/// All playbooks ever accepted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlaybooksAnswer {
    /// The one in force.
    pub active: Option<String>,
    /// Oldest first.
    pub playbooks: Vec<PlaybookEntry>,
    /// Which was put in force when, oldest first.
    pub activations: Vec<ActivationEntry>,
}

/// A stored playbook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlaybookEntry {
    /// SHA-256 of its canonical form.
    pub id: String,
    /// When it was first stored.
    pub stored_at: Time,
    /// Whether it is in force.
    pub active: bool,
}

/// When a playbook was put in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ActivationEntry {
    /// Which.
    pub id: String,
    /// When.
    pub at: Time,
}

/// The state of a node, as the node itself sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ClusterAnswer {
    /// Whose view this is.
    pub node: String,
    /// The version of the program.
    pub version: &'static str,
    /// The newest epoch under which this node owns a shard.
    pub epoch: u64,
    /// Into how many shards the customers are cut.
    pub shard_count: u32,
    /// How many of them this node owns.
    pub owned_shards: usize,
    /// What is in memory.
    pub residency: ResidencyAnswer,
    /// Calls admitted and not yet answered.
    pub calls_in_hand: usize,
    /// The playbook in force.
    pub playbook: Option<String>,
    /// Whether customers are served.
    pub ready: bool,
}

/// What is in memory.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct ResidencyAnswer {
    /// Customers.
    pub customers: u64,
    /// Bytes of their encoded states.
    pub bytes: u64,
    /// Calls in hand.
    pub calls: u64,
}

/// Whether something is so.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StatusAnswer {
    /// `ok` or `ready`.
    pub status: &'static str,
}

/// A stored playbook in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlaybookSummary {
    /// SHA-256 of its canonical form.
    pub id: String,
    /// Whether it is in force on this node.
    pub active: bool,
    /// The KPI in whose units values are given.
    pub kpi: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Ids of its tags, sorted.
    pub tags: Vec<String>,
    /// Types of its events, sorted.
    pub events: Vec<String>,
    /// Its offers, sorted by id.
    pub offers: Vec<OfferSummary>,
    /// Ids of its caps.
    pub caps: Vec<String>,
    /// Names of its channels.
    pub channels: Vec<String>,
    /// What its author wrote, section by section.
    pub document: Json,
}

/// An offer in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OfferSummary {
    /// Its id.
    pub id: String,
    /// Short plain name.
    pub title: String,
    /// offer, service, retention, info or survey.
    pub kind: &'static str,
    /// Its family.
    pub family: String,
    /// Its purpose.
    pub purpose: String,
}

impl PlaybookSummary {
    /// For the wire.
    #[must_use]
    pub fn of(playbook: &Playbook, active: bool) -> Self {
        let mut tags: Vec<_> = playbook.tag_numbers.keys().map(ToString::to_string).collect();
        let mut events: Vec<_> = playbook.events.keys().map(ToString::to_string).collect();
        tags.sort();
        events.sort();
        PlaybookSummary {
            id: playbook.id.to_string(),
            active,
            kpi: playbook.kpi.to_string(),
            currency: playbook.tenant.currency.to_string(),
            tags,
            events,
            offers: playbook.offers.iter().map(OfferSummary::of).collect(),
            caps: playbook.caps.iter().map(|cap| cap.id.to_string()).collect(),
            channels: playbook.channels.keys().map(ToString::to_string).collect(),
            document: Source::from_canonical(&playbook.canonical)
                .ok()
                .and_then(|source| serde_json::to_value(source).ok())
                .unwrap_or_default(),
        }
    }
}

impl OfferSummary {
    fn of(offer: &Offer) -> Self {
        OfferSummary {
            id: offer.id.to_string(),
            title: offer.title.to_string(),
            kind: offer.kind.word(),
            family: offer.family.to_string(),
            purpose: offer.purpose.to_string(),
        }
    }
}
