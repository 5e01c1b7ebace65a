//! Tags come in from a file: one line a customer, streamed, each line a turn of its own.

use crate::admission::Priority;
use crate::dispatch::CallError;
use crate::http::error::{Problem, meaning};
use crate::http::events::REJECTED_LISTED_MAX;
use crate::http::stream::{Line, Lines, TURNS_IN_PARALLEL, by_customer};
use crate::http::{Services, reply, request};
use crate::wire::customer::TagsPatch;
use crate::wire::event::{ImportAnswer, RejectedLine, TagLine};
use actix_web::{HttpResponse, web};
use actors::call::{Command, CustomerId, Reply, TagPatch};
use futures_util::{StreamExt, stream};

/// `POST /v1/imports/tags`
///
/// # Errors
/// The reason of the failed calls when not one line could be handed over.
pub async fn tags(services: web::Data<Services>, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let mut tally = Tally::default();
    let mut lines = Lines::new(payload, services.options.line_bytes_max);
    while let Some(lot) = lines.lot().await? {
        let mut patches = Vec::with_capacity(lot.len());
        for line in lot {
            let index = line.index;
            match read(line) {
                Ok((customer, patch)) => patches.push((customer, (index, patch))),
                Err(bad) => tally.reject(index, bad.customer, bad.code, bad.detail),
            }
        }
        let customers = by_customer(patches).into_iter();
        let turns = customers.map(|(customer, patches)| turns(&services, customer, patches));
        let mut done = stream::iter(turns).buffer_unordered(TURNS_IN_PARALLEL);
        while let Some((customer, results)) = done.next().await {
            results.into_iter().for_each(|(index, result)| tally.add(index, &customer, result));
        }
    }
    tally.answer()
}

struct BadLine {
    customer: Option<String>,
    code: &'static str,
    detail: String,
}

fn read(line: Line) -> Result<(CustomerId, TagPatch), BadLine> {
    let bad = |customer, code, detail: String| BadLine { customer, code, detail };
    let text = line.text.map_err(|too_long| bad(None, "line_too_long", too_long.to_string()))?;
    let line: TagLine = serde_json::from_slice(&text)
        .map_err(|error| bad(None, request::json_code(&error), error.to_string()))?;
    let Some(customer) = CustomerId::new(&line.customer) else {
        let detail = "customer must be 1 to 128 bytes without control characters";
        return Err(bad(Some(line.customer), "bad_customer_id", detail.into()));
    };
    let patch = TagsPatch { source: line.source, as_of: line.as_of, set: line.set, unset: line.unset };
    match patch.into_patch() {
        Ok(patch) => Ok((customer, patch)),
        Err((code, detail)) => Err(bad(Some(line.customer), code, detail)),
    }
}

/// A customer's patches, turn after turn.
async fn turns(
    services: &Services,
    customer: CustomerId,
    patches: Vec<(u64, TagPatch)>,
) -> (CustomerId, Vec<(u64, Result<Reply, CallError>)>) {
    let mut results = Vec::with_capacity(patches.len());
    for (index, patch) in patches {
        let answer = services.dispatch.call(&customer, Command::PatchTags(patch), Priority::Batch).await;
        results.push((index, answer.map(|answer| answer.reply)));
    }
    (customer, results)
}

/// Counts what became of the lines.
#[derive(Default)]
struct Tally {
    answer: ImportAnswer,
    failed_count: u64,
    failed: Option<CallError>,
}

impl Tally {
    fn add(&mut self, index: u64, customer: &CustomerId, result: Result<Reply, CallError>) {
        let id = || Some(customer.as_str().to_string());
        match result {
            Ok(Reply::Tags(outcome)) if outcome.changed > 0 => self.answer.applied += 1,
            Ok(Reply::Tags(_)) => self.answer.unchanged += 1,
            Ok(Reply::Refused(refusal)) => self.reject(index, id(), refusal.code, refusal.detail),
            Ok(_) => self.reject(index, id(), "internal", reply::out_of_place().to_string()),
            Err(error) => {
                let (code, retryable) = meaning(&error);
                let (code, detail) = (code.to_string(), error.to_string());
                self.list(RejectedLine { index, customer: id(), code, detail, retryable });
                self.failed_count += 1;
                self.failed.get_or_insert(error);
            }
        }
    }

    fn reject(&mut self, index: u64, customer: Option<String>, code: &'static str, detail: String) {
        self.list(RejectedLine { index, customer, code: code.to_string(), detail, retryable: false });
    }

    fn list(&mut self, rejected: RejectedLine) {
        self.answer.rejected_count += 1;
        if self.answer.rejected.len() < REJECTED_LISTED_MAX {
            self.answer.rejected.push(rejected);
        }
    }

    fn answer(mut self) -> Result<HttpResponse, Problem> {
        let total = self.answer.applied + self.answer.unchanged + self.answer.rejected_count;
        match self.failed {
            Some(error) if self.failed_count == total => Err(error.into()),
            _ => {
                self.answer.rejected.sort_by_key(|rejected| rejected.index);
                Ok(reply::json(&self.answer))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_line_that_cannot_be_used_says_why() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let line = Line { index: 0, text: Ok(Bytes::copy_from_slice(text.as_bytes())) };
            let result =
                read(line).map(|(customer, _)| customer.as_str().to_string()).map_err(|bad| bad.code);
            assert_eq!(result.as_deref().map_err(|code| *code), expected, "{text}");
        };
        check(r#"{"customer":"c1","source":"dwh","set":{"age":31},"unset":["x"]}"#, Ok("c1"));
        check(r#"{"customer":"c1","source":"dwh","as_of":"2026-01-01T00:00:00Z"}"#, Ok("c1"));
        check(r#"{"customer":"c1","source":"dw"#, Err("bad_json"));
        check(r#"{"customer":"c1","source":"dwh","set":{"age":1e999}}"#, Err("bad_json"));
        check(r#"{"customer":"c1"}"#, Err("bad_request"));
        check(r#"{"customer":"c1","source":"dwh","as_of":"today"}"#, Err("bad_request"));
        check(r#"{"customer":"","source":"dwh"}"#, Err("bad_customer_id"));
        let source = "s".repeat(65);
        check(&format!(r#"{{"customer":"c1","source":"{source}"}}"#), Err("text_too_long"));
    }
}
