//! Errors as callers see them: RFC 9457 problem+json with a code for programs and the caller's duty in words.

use crate::dispatch::CallError;
use crate::playbooks::PlaybookError;
use crate::wire::playbook::MistakeAnswer;
use crate::wire::problem::ProblemAnswer;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use actors::call::Refusal;
use actors::error::{TurnError, Unreadable};
use std::fmt;
use storage::StoreError;
use tracing::error;

/// An error for the caller.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_s: Option<u64>,
    mistakes: Vec<MistakeAnswer>,
}

impl Problem {
    /// A problem. `code` is one of a closed list; `detail` says what to do.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem { status, code, detail: detail.into(), retry_after_s: None, mistakes: Vec::new() }
    }

    /// The request is wrong: the caller mends it.
    #[must_use]
    pub fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// There is no such thing.
    #[must_use]
    pub fn missing(code: &'static str, detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// Something that an operator has to look at. Logged, since the caller can do nothing.
    #[must_use]
    pub fn ours(code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        error!(code, detail, "answered with a server error");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, code, detail)
    }

    fn retry_after(mut self, ms: u64) -> Self {
        self.retry_after_s = Some(ms.div_ceil(1000).max(1));
        self
    }

    /// The same as a response.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        let body = ProblemAnswer {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error").to_string(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.to_string(),
            mistakes: self.mistakes.clone(),
        };
        let mut response = HttpResponse::build(self.status);
        response.content_type("application/problem+json");
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((RETRY_AFTER, seconds));
        }
        response.body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

impl Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.response()
    }
}

/// What a failed call means to its caller: a code, and whether the same call can succeed later.
#[must_use]
pub fn meaning(error: &CallError) -> (&'static str, bool) {
    match error {
        CallError::NoPlaybook => ("no_playbook", true),
        CallError::Stopping => ("stopping", true),
        CallError::StoreAway => ("unavailable", true),
        CallError::Turn(TurnError::Overloaded { .. }) => ("overloaded", true),
        CallError::Turn(TurnError::DeadlinePassed) => ("deadline_passed", true),
        CallError::Turn(TurnError::NotOwner { .. }) => ("not_owner", true),
        CallError::Turn(TurnError::MaybeApplied(_)) => ("maybe_applied", true),
        CallError::Turn(TurnError::Unavailable(_)) => ("unavailable", true),
        CallError::Turn(TurnError::Corrupt(_)) => ("corrupt", false),
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let (code, _) = meaning(&error);
        let busy =
            |duty: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, format!("{error}; {duty}"));
        match &error {
            CallError::Turn(TurnError::Overloaded { retry_after_ms, .. }) => {
                Problem::new(StatusCode::TOO_MANY_REQUESTS, code, format!("not applied: {error}"))
                    .retry_after(*retry_after_ms)
            }
            CallError::Turn(TurnError::Corrupt(_)) => Problem::ours(code, error.to_string()),
            CallError::Turn(TurnError::MaybeApplied(_)) => {
                busy("repeat it with the same ids, or read before writing again").retry_after(1000)
            }
            CallError::Turn(TurnError::DeadlinePassed) => {
                busy("not applied; send it again").retry_after(1000)
            }
            CallError::Turn(TurnError::NotOwner { .. }) => busy("not applied; ask the owner"),
            CallError::Turn(TurnError::Unavailable(_)) => {
                busy("not applied; send it again").retry_after(1000)
            }
            CallError::NoPlaybook => busy("nothing was applied").retry_after(5000),
            CallError::Stopping | CallError::StoreAway => {
                busy("not applied; send it again").retry_after(1000)
            }
        }
    }
}

/// A customer that can't follow a command. Nothing was changed.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, refusal.code, refusal.detail)
    }
}

/// A store that was only read.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Corrupt(_) => Problem::ours("corrupt", error.to_string()),
            StoreError::Busy { .. } => {
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", error.to_string()).retry_after(1000)
            }
            _ => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error.to_string())
                .retry_after(1000),
        }
    }
}

impl From<Unreadable> for Problem {
    fn from(error: Unreadable) -> Self {
        Problem::ours("corrupt", error.to_string())
    }
}

impl From<PlaybookError> for Problem {
    fn from(error: PlaybookError) -> Self {
        let text = error.to_string();
        match error {
            PlaybookError::Invalid(mistakes) => {
                let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_playbook", text);
                problem.mistakes = mistakes.iter().map(MistakeAnswer::of).collect();
                problem
            }
            PlaybookError::Unknown(_) => Problem::missing("unknown_playbook", text),
            PlaybookError::Store(error) => error.into(),
            PlaybookError::Unreadable(_) => Problem::ours("corrupt", text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failed_call_tells_its_caller_what_to_do() {
        let check = |error: CallError, status: u16, code: &str, retry_after: Option<&str>| {
            let response = Problem::from(error).response();
            assert_eq!(response.status().as_u16(), status, "{code}");
            let header = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!(header, retry_after, "{code}");
            let body = actix_web::body::MessageBody::try_into_bytes(response.into_body()).unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["code"], code);
            assert_eq!(body["status"], status);
            assert!(body["title"].is_string() && body["detail"].is_string() && body["type"].is_string());
        };
        let overloaded = TurnError::Overloaded { what: "shard", retry_after_ms: 1500 };
        check(overloaded.into(), 429, "overloaded", Some("2"));
        check(TurnError::DeadlinePassed.into(), 503, "deadline_passed", Some("1"));
        check(TurnError::NotOwner { shard: 7 }.into(), 503, "not_owner", None);
        check(TurnError::MaybeApplied("x".into()).into(), 503, "maybe_applied", Some("1"));
        check(TurnError::Unavailable("x".into()).into(), 503, "unavailable", Some("1"));
        check(TurnError::Corrupt("x".into()).into(), 500, "corrupt", None);
        check(CallError::NoPlaybook, 503, "no_playbook", Some("5"));
        check(CallError::Stopping, 503, "stopping", Some("1"));
    }
}
