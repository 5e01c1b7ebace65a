//! Errors on the wire: RFC 9457 problem+json.

use crate::wire::playbook::MistakeAnswer;
use schemars::JsonSchema;
use serde::Serialize;

/// What went wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProblemAnswer {
    /// `about:blank`: the code says it all.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// One of a closed list, for programs.
    pub code: String,
    /// For an invalid playbook: everything that is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<MistakeAnswer>,
}
