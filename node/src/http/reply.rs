//! How an answer is written: JSON, and the headers that say where a customer's answer came from.

use crate::http::error::Problem;
use actix_web::HttpResponse;
use actix_web::http::header::HeaderName;
use actors::call::Answer;
use serde::Serialize;

/// The customer's shard.
pub const SHARD: HeaderName = HeaderName::from_static("x-rapport-shard");
/// The epoch of the shard's owner.
pub const EPOCH: HeaderName = HeaderName::from_static("x-rapport-epoch");
/// The customer's saved turns so far.
pub const REVISION: HeaderName = HeaderName::from_static("x-rapport-revision");
/// `true` when a decision is the answer to an earlier request with the same id.
pub const REPEATED: HeaderName = HeaderName::from_static("x-rapport-repeated");

/// Where a customer's answer came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    shard: u32,
    epoch: u64,
    revision: u64,
}

impl Origin {
    /// The customer's saved turns so far.
    #[must_use]
    pub fn revision(self) -> u64 {
        self.revision
    }
}

impl From<&Answer> for Origin {
    fn from(answer: &Answer) -> Self {
        Origin { shard: answer.shard, epoch: answer.epoch, revision: answer.revision }
    }
}

/// A body in JSON.
#[must_use]
pub fn json(body: &impl Serialize) -> HttpResponse {
    match serde_json::to_vec(body) {
        Ok(bytes) => HttpResponse::Ok().content_type("application/json").body(bytes),
        Err(error) => Problem::ours("internal", error.to_string()).response(),
    }
}

/// A customer's answer in JSON.
#[must_use]
pub fn of_customer(origin: Origin, body: &impl Serialize) -> HttpResponse {
    signed(origin, json(body))
}

/// A response that says where a customer's answer came from.
#[must_use]
pub fn signed(origin: Origin, mut response: HttpResponse) -> HttpResponse {
    let numbers = [(SHARD, u64::from(origin.shard)), (EPOCH, origin.epoch), (REVISION, origin.revision)];
    for (name, number) in numbers {
        response.headers_mut().insert(name, number.into());
    }
    response
}

/// A customer's reply to another command than the one given: a mistake of ours.
#[must_use]
pub fn out_of_place() -> Problem {
    Problem::ours("internal", "the customer answered another question")
}
