//! Responses: what became of a contact or an offer.

use crate::wire::decision::{Bad, REQUEST_ID_BYTES_MAX};
use crate::wire::time::Time;
use actors::call::{Response, ResponseBy, ResponseKind, ResponseOutcome};
use actors::decision::clearance::Objection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a contact or an offer. One of `contact_id` and `decision_id` is needed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ResponseReport {
    /// The contact it is about.
    pub contact_id: Option<String>,
    /// The decision it is about.
    pub decision_id: Option<String>,
    /// The offer it is about; the contact's when left out.
    pub offer: Option<String>,
    /// What happened.
    pub response: ResponseWord,
    /// When; the time of arrival when left out.
    pub at: Option<Time>,
    /// The same id has one effect.
    pub response_id: Option<String>,
    /// Why, in the customer's or agent's words.
    pub reason: Option<String>,
    /// Whose word it is; the customer's when left out.
    pub by: Option<ByWord>,
}

/// What can become of a contact or an offer.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are the wire's")]
pub enum ResponseWord {
    Sent,
    Delivered,
    Seen,
    Clicked,
    Accepted,
    Rejected,
    Ignored,
    Failed,
    Expired,
    Cancelled,
}

/// Whose word a response is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByWord {
    /// The customer's.
    Customer,
    /// An agent's judgement.
    Agent,
}

impl ResponseReport {
    /// The response as the actors know it.
    ///
    /// # Errors
    /// `bad_request` when it names neither contact nor decision, `id_too_long`.
    pub fn into_response(self) -> Result<Response, Bad> {
        if self.contact_id.is_none() && self.decision_id.is_none() {
            return Err(("bad_request", "contact_id or decision_id is needed".into()));
        }
        if self.response_id.as_ref().is_some_and(|id| id.len() > REQUEST_ID_BYTES_MAX) {
            return Err(("id_too_long", format!("response_id is longer than {REQUEST_ID_BYTES_MAX} bytes")));
        }
        Ok(Response {
            contact_id: self.contact_id,
            decision_id: self.decision_id,
            offer: self.offer,
            kind: self.response.into(),
            at: self.at.map(|at| at.0),
            response_id: self.response_id,
            reason: self.reason,
            by: match self.by {
                Some(ByWord::Agent) => ResponseBy::Agent,
                Some(ByWord::Customer) | None => ResponseBy::Customer,
            },
        })
    }
}

impl From<ResponseWord> for ResponseKind {
    fn from(word: ResponseWord) -> Self {
        match word {
            ResponseWord::Sent => ResponseKind::Sent,
            ResponseWord::Delivered => ResponseKind::Delivered,
            ResponseWord::Seen => ResponseKind::Seen,
            ResponseWord::Clicked => ResponseKind::Clicked,
            ResponseWord::Accepted => ResponseKind::Accepted,
            ResponseWord::Rejected => ResponseKind::Rejected,
            ResponseWord::Ignored => ResponseKind::Ignored,
            ResponseWord::Failed => ResponseKind::Failed,
            ResponseWord::Expired => ResponseKind::Expired,
            ResponseWord::Cancelled => ResponseKind::Cancelled,
        }
    }
}

/// What a response did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ResponseAnswer {
    /// False when it had been heard before.
    pub applied: bool,
    /// The contact's state afterwards.
    pub contact_state: Option<&'static str>,
    /// What is suppressed from now on, as `scope:id`.
    pub suppressed: Vec<String>,
    /// Why it was not applied.
    pub detail: Option<String>,
}

impl From<ResponseOutcome> for ResponseAnswer {
    fn from(outcome: ResponseOutcome) -> Self {
        ResponseAnswer {
            applied: outcome.applied,
            contact_state: outcome.contact_state,
            suppressed: outcome.suppressed,
            detail: outcome.detail,
        }
    }
}

/// Whether a contact may leave now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ClearanceAnswer {
    /// Which contact.
    pub contact_id: String,
    /// Whether nothing speaks against it.
    pub allowed: bool,
    /// Everything that does.
    pub reasons: Vec<ObjectionAnswer>,
}

/// Why a contact may not leave now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ObjectionAnswer {
    /// expired, not_reserved, consent, calendar, refused, suppressed, cap or quiet_hours.
    pub code: &'static str,
    /// For people.
    pub detail: String,
    /// When it ends, if it does by itself.
    pub until: Option<Time>,
}

impl ClearanceAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(contact_id: String, objections: &[Objection]) -> Self {
        let reason = |one: &Objection| ObjectionAnswer {
            code: one.code,
            detail: one.detail.clone(),
            until: one.until.map(Time),
        };
        let reasons = objections.iter().map(reason).collect();
        ClearanceAnswer { contact_id, allowed: objections.is_empty(), reasons }
    }
}
