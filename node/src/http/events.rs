//! Events come in: one, a batch, or a stream of lines; as CloudEvents in structured or binary mode.
//!
//! All ways end in `hear`: events are sorted by customer, a customer's events stay in their order and share turns,
//! customers go side by side. The answer is given only when everything is durable.

use crate::admission::Priority;
use crate::dispatch::CallError;
use crate::http::error::{Problem, meaning};
use crate::http::stream::{Line, Lines, TURNS_IN_PARALLEL, by_customer};
use crate::http::{Services, reply, request};
use crate::metrics;
use crate::wire::event::{BadEvent, CloudEvent, EventsAnswer, RejectedEvent};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use actors::call::{Command, CustomerId, Event, EventOutcome, Reply};
use futures_util::{StreamExt, stream};
use serde_json::Value as Json;
use serde_json::value::RawValue;

/// Events of one customer that share a turn at most: the customer is not kept from others for longer than
/// some milliseconds.
const EVENTS_PER_TURN_MAX: usize = 256;
/// Rejected events that are listed; all are counted.
pub const REJECTED_LISTED_MAX: usize = 1000;

/// An event as it came, or why it can't be used, with its place in the body.
struct Arrival {
    index: u64,
    event: Result<(CustomerId, Event), (Option<String>, BadEvent)>,
}

/// `POST /v1/events`
///
/// # Errors
/// 400 when the body as a whole can't be read (nothing applied), 413, 415; the reason of the failed calls when not
/// one event could be handed over.
pub async fn post(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let mut tally = Tally::default();
    match Mode::of(request.headers())? {
        Mode::Stream => {
            let mut lines = Lines::new(payload, services.options.line_bytes_max);
            while let Some(lot) = lines.lot().await? {
                let arrivals = lot.into_iter().map(Arrival::from_line).collect();
                hear(&services, arrivals, Priority::Batch, &mut tally).await;
            }
        }
        Mode::Batch => {
            let body = request::whole(payload, services.options.body_bytes_max).await?;
            let events: Vec<&RawValue> = request::parse(&body)?;
            let arrivals =
                (0..).zip(events).map(|(index, raw)| Arrival::from_json(index, raw.get().as_bytes()));
            hear(&services, arrivals.collect(), Priority::Batch, &mut tally).await;
        }
        Mode::Structured => {
            let body = request::whole(payload, services.options.body_bytes_max).await?;
            let event: &RawValue = request::parse(&body)?;
            if !event.get().starts_with('{') {
                let detail = "expected one event; send several as application/cloudevents-batch+json";
                return Err(Problem::bad("bad_request", detail));
            }
            let arrival = Arrival::from_json(0, event.get().as_bytes());
            hear(&services, vec![arrival], Priority::Event, &mut tally).await;
        }
        Mode::Binary => {
            let body = request::whole(payload, services.options.body_bytes_max).await?;
            let event = binary(request.headers(), &body)?;
            hear(&services, vec![Arrival::from_event(0, event)], Priority::Event, &mut tally).await;
        }
    }
    tally.answer()
}

/// Hands events to their customers and counts what became of them.
async fn hear(services: &Services, arrivals: Vec<Arrival>, priority: Priority, tally: &mut Tally) {
    let mut events = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        match arrival.event {
            Ok((customer, event)) => events.push((customer, (arrival.index, event))),
            Err((id, bad)) => tally.reject(arrival.index, id, bad.code, bad.detail),
        }
    }
    let turns =
        by_customer(events).into_iter().map(|(customer, events)| turns(services, customer, events, priority));
    let mut done = stream::iter(turns).buffer_unordered(TURNS_IN_PARALLEL);
    while let Some(heard) = done.next().await {
        tally.add(heard);
    }
}

/// What one customer made of its events, in their order.
struct Heard {
    events: Vec<(u64, String)>,
    outcomes: Vec<EventOutcome>,
    /// What kept the events without an outcome from being heard.
    failed: Option<Failed>,
}

enum Failed {
    Call(CallError),
    Refused { code: &'static str, detail: String },
}

/// A customer's events, turn after turn. The first turn that fails ends it: what came later must not overtake.
async fn turns(
    services: &Services,
    customer: CustomerId,
    events: Vec<(u64, Event)>,
    priority: Priority,
) -> Heard {
    let named = events.iter().map(|(index, event)| (*index, event.id.clone())).collect();
    let mut heard = Heard { events: named, outcomes: Vec::with_capacity(events.len()), failed: None };
    let mut waiting = events.into_iter().map(|(_, event)| event).peekable();
    while waiting.peek().is_some() {
        let command = Command::Events(waiting.by_ref().take(EVENTS_PER_TURN_MAX).collect());
        let reply = services.dispatch.call(&customer, command, priority).await.map(|answer| answer.reply);
        match reply {
            Ok(Reply::Events(outcomes)) => heard.outcomes.extend(outcomes),
            Ok(Reply::Refused(refusal)) => {
                heard.failed = Some(Failed::Refused { code: refusal.code, detail: refusal.detail });
                break;
            }
            Ok(_) => {
                let detail = reply::out_of_place().to_string();
                heard.failed = Some(Failed::Refused { code: "internal", detail });
                break;
            }
            Err(error) => {
                heard.failed = Some(Failed::Call(error));
                break;
            }
        }
    }
    heard
}

/// Counts what became of a body's events.
#[derive(Default)]
struct Tally {
    answer: EventsAnswer,
    /// Events that were not heard because a call failed, and why the first one did.
    failed_count: u64,
    failed: Option<CallError>,
}

impl Tally {
    fn add(&mut self, heard: Heard) {
        let unheard = heard.events.len() - heard.outcomes.len();
        let mut events = heard.events.into_iter();
        for (outcome, (index, id)) in heard.outcomes.into_iter().zip(events.by_ref()) {
            match outcome {
                EventOutcome::Accepted => self.answer.accepted += 1,
                EventOutcome::Duplicate => self.answer.duplicate += 1,
                EventOutcome::Rejected(refusal) => self.reject(index, Some(id), refusal.code, refusal.detail),
            }
        }
        match heard.failed {
            None => debug_assert_eq!(unheard, 0, "a turn has an outcome for every event"),
            Some(Failed::Refused { code, detail }) => {
                events.for_each(|(index, id)| self.reject(index, Some(id), code, detail.clone()));
            }
            Some(Failed::Call(error)) => {
                let (code, retryable) = meaning(&error);
                self.failed_count += unheard as u64;
                for (index, id) in events {
                    self.list(RejectedEvent {
                        index,
                        id: Some(id),
                        code: code.to_string(),
                        detail: error.to_string(),
                        retryable,
                    });
                }
                self.failed.get_or_insert(error);
            }
        }
    }

    fn reject(&mut self, index: u64, id: Option<String>, code: &'static str, detail: String) {
        self.list(RejectedEvent { index, id, code: code.to_string(), detail, retryable: false });
    }

    fn list(&mut self, rejected: RejectedEvent) {
        self.answer.rejected_count += 1;
        if self.answer.rejected.len() < REJECTED_LISTED_MAX {
            self.answer.rejected.push(rejected);
        }
    }

    /// When not one event could be handed over, the body as a whole is refused with the reason.
    fn answer(mut self) -> Result<HttpResponse, Problem> {
        let total = self.answer.accepted + self.answer.duplicate + self.answer.rejected_count;
        metrics::heard(self.answer.accepted, self.answer.duplicate, self.answer.rejected_count);
        match self.failed {
            Some(error) if self.failed_count == total => Err(error.into()),
            _ => {
                self.answer.rejected.sort_by_key(|rejected| rejected.index);
                Ok(reply::json(&self.answer))
            }
        }
    }
}

impl Arrival {
    fn from_line(line: Line) -> Self {
        match line.text {
            Ok(text) => Arrival::from_json(line.index, &text),
            Err(too_long) => {
                let bad = BadEvent { code: "line_too_long", detail: too_long.to_string() };
                Arrival { index: line.index, event: Err((None, bad)) }
            }
        }
    }

    fn from_json(index: u64, text: &[u8]) -> Self {
        match serde_json::from_slice(text) {
            Ok(event) => Arrival::from_event(index, event),
            Err(error) => {
                let code = if error.is_data() { "bad_event" } else { "bad_json" };
                let id = serde_json::from_slice::<Json>(text)
                    .ok()
                    .and_then(|json| Some(json.get("id")?.as_str()?.into()));
                Arrival { index, event: Err((id, BadEvent { code, detail: error.to_string() })) }
            }
        }
    }

    fn from_event(index: u64, event: CloudEvent) -> Self {
        let id = event.id.clone();
        Arrival { index, event: event.into_event().map_err(|bad| (id, bad)) }
    }
}

/// How events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Structured,
    Binary,
    Batch,
    Stream,
}

impl Mode {
    fn of(headers: &HeaderMap) -> Result<Mode, Problem> {
        match content_type(headers).as_str() {
            "application/cloudevents+json" => Ok(Mode::Structured),
            "application/cloudevents-batch+json" => Ok(Mode::Batch),
            "application/x-ndjson" | "application/ndjson" => Ok(Mode::Stream),
            _ if headers.contains_key("ce-specversion") || headers.contains_key("ce-id") => Ok(Mode::Binary),
            "application/json" | "" => Ok(Mode::Structured),
            other => {
                let detail = format!(
                    "{other} is not read here; send application/cloudevents+json, \
                     application/cloudevents-batch+json, application/x-ndjson, or ce-* headers"
                );
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
            }
        }
    }
}

/// Without parameters, in small letters; empty when there is none.
fn content_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A CloudEvent whose attributes are headers, percent-encoded, and whose data is the body.
fn binary(headers: &HeaderMap, body: &[u8]) -> Result<CloudEvent, Problem> {
    let attribute = |name: &str| -> Result<Option<String>, Problem> {
        let Some(value) = headers.get(name) else { return Ok(None) };
        let text = value.to_str().ok().and_then(request::percent_decoded);
        text.map(Some)
            .ok_or_else(|| Problem::bad("bad_request", format!("{name} is not percent-encoded UTF-8")))
    };
    let kind = content_type(headers);
    if !(kind.is_empty() || kind == "application/json" || kind.ends_with("+json")) {
        let detail = format!("data of {kind} is not read here; send JSON");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    Ok(CloudEvent {
        specversion: attribute("ce-specversion")?,
        id: attribute("ce-id")?,
        source: attribute("ce-source")?,
        kind: attribute("ce-type")?,
        subject: attribute("ce-subject")?,
        time: attribute("ce-time")?,
        data: if body.is_empty() { Json::Null } else { request::parse(body)? },
        data_base64: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use actors::error::TurnError;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_content_type_says_how_events_are_sent() {
        let check = |pairs: &[(&'static str, &'static str)], expected: Option<Mode>| {
            assert_eq!(Mode::of(&headers(pairs)).ok(), expected, "{pairs:?}");
        };
        check(&[], Some(Mode::Structured));
        check(&[("content-type", "application/json; charset=utf-8")], Some(Mode::Structured));
        check(&[("content-type", "Application/CloudEvents+JSON")], Some(Mode::Structured));
        check(&[("content-type", "application/cloudevents-batch+json")], Some(Mode::Batch));
        check(&[("content-type", "application/x-ndjson")], Some(Mode::Stream));
        check(&[("content-type", "application/json"), ("ce-id", "1")], Some(Mode::Binary));
        check(&[("content-type", "application/cloudevents+json"), ("ce-id", "1")], Some(Mode::Structured));
        check(&[("content-type", "text/xml")], None);
    }

    #[test]
    fn attributes_of_a_binary_event_are_percent_decoded() {
        let event = binary(&headers(&[("ce-id", "a%20b"), ("ce-subject", "c-1")]), b"{\"mb\": 1}").unwrap();
        assert_eq!((event.id.as_deref(), event.subject.as_deref()), (Some("a b"), Some("c-1")));
        assert_eq!(event.data["mb"], 1);
        assert!(binary(&headers(&[("ce-id", "%F")]), b"").is_err());
        assert!(binary(&headers(&[("content-type", "text/plain")]), b"x").is_err());
    }

    #[test]
    fn every_event_is_counted_once_and_retryable_ones_are_marked() {
        let heard = |outcomes: Vec<EventOutcome>, failed| Heard {
            events: (0..4).map(|index| (index, format!("e{index}"))).collect(),
            outcomes,
            failed,
        };
        let overloaded = TurnError::Overloaded { what: "x", retry_after_ms: 1 };
        let mut tally = Tally::default();
        let some = vec![EventOutcome::Accepted, EventOutcome::Duplicate];
        tally.add(heard(some, Some(Failed::Call(overloaded.clone().into()))));
        assert_eq!((tally.answer.accepted, tally.answer.duplicate, tally.answer.rejected_count), (1, 1, 2));
        assert!(
            tally.answer.rejected.iter().all(|rejected| rejected.retryable && rejected.code == "overloaded")
        );
        assert!(tally.answer().is_ok());

        let mut tally = Tally::default();
        tally.add(heard(Vec::new(), Some(Failed::Call(overloaded.into()))));
        assert!(tally.answer().is_err(), "nothing was handed over: 429 for the whole body");
    }

    #[test]
    fn the_list_of_rejected_events_is_bounded_and_their_count_is_not() {
        let mut tally = Tally::default();
        (0..1500).for_each(|index| tally.reject(index, None, "bad_json", String::new()));
        assert_eq!((tally.answer.rejected.len(), tally.answer.rejected_count), (1000, 1500));
    }
}
