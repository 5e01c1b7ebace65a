//! Consents: noted, and shown with their history.

use crate::wire::bounds::{self, NAME_BYTES_MAX, NOTE_BYTES_MAX, SOURCE_BYTES_MAX};
use crate::wire::time::Time;
use actors::call::{ConsentRecord, ConsentState};
use actors::{Name, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// A sentence naming the field that is empty or too long.
    pub fn into_record(self, now: Timestamp) -> Result<ConsentRecord, String> {
        for (name, text) in [("purpose", &self.purpose), ("channel", &self.channel)] {
            if text.is_empty() {
                return Err(format!("{name} is empty"));
            }
            bounds::text(name, text, NAME_BYTES_MAX)?;
        }
        for (name, text, bytes_max) in [
            ("basis", &self.basis, NOTE_BYTES_MAX),
            ("source", &self.source, SOURCE_BYTES_MAX),
            ("text_version", &self.text_version, NOTE_BYTES_MAX),
        ] {
            bounds::text(name, text.as_deref().unwrap_or_default(), bytes_max)?;
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
