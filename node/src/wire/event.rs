//! Events: CloudEvents 1.0 in, a count of what became of them out.

use crate::wire::time::Time;
use crate::wire::value;
use actors::Timestamp;
use actors::call::{CustomerId, Event};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The longest `id`, `source` and `type` of an event in bytes: ids are remembered with the customer.
pub const EVENT_ID_BYTES_MAX: usize = 256;

/// A CloudEvent in its JSON form. Other attributes are allowed and ignored.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
pub struct CloudEvent {
    /// `1.0`.
    #[schemars(required)]
    pub specversion: Option<String>,
    /// Identity of the event, together with `source`; at most 256 bytes.
    #[schemars(required)]
    pub id: Option<String>,
    /// Who says so; at most 256 bytes.
    #[schemars(required)]
    pub source: Option<String>,
    /// A type declared in the playbook.
    #[serde(rename = "type")]
    #[schemars(required)]
    pub kind: Option<String>,
    /// The customer's id, 1 to 128 bytes.
    #[schemars(required)]
    pub subject: Option<String>,
    /// When it happened, RFC 3339; the time of arrival when left out.
    pub time: Option<String>,
    /// Fields declared for the type.
    #[serde(default)]
    pub data: Json,
    /// Not read here: send `data`.
    pub data_base64: Option<String>,
}

/// Why an event can't be handed to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEvent {
    /// `bad_event`, `id_too_long`, `bad_time` or `bad_customer_id`.
    pub code: &'static str,
    /// What is wrong, naming the attribute.
    pub detail: String,
}

impl CloudEvent {
    /// Whom it is about, and the event.
    ///
    /// # Errors
    /// The first attribute that is missing or wrong.
    pub fn into_event(self) -> Result<(CustomerId, Event), BadEvent> {
        match self.specversion.as_deref() {
            Some("1.0") => {}
            Some(_) => return Err(bad("bad_event", "specversion must be 1.0")),
            None => return Err(bad("bad_event", "specversion is missing; it must be 1.0")),
        }
        if self.data_base64.is_some() {
            return Err(bad("bad_event", "data_base64 is not read; send data as JSON"));
        }
        let id = attribute("id", self.id)?;
        let source = attribute("source", self.source)?;
        let kind = attribute("type", self.kind)?;
        let subject = self.subject.filter(|text| !text.is_empty());
        let subject =
            subject.ok_or_else(|| bad("bad_event", "subject is missing; it is the customer's id"))?;
        let customer = CustomerId::new(&subject).ok_or_else(|| {
            bad("bad_customer_id", "subject must be 1 to 128 bytes without control characters")
        })?;
        let at = self.time.as_deref().map(time).transpose()?;
        Ok((customer, Event { id, source, kind, at, data: value::from_json(self.data) }))
    }
}

fn attribute(name: &'static str, text: Option<String>) -> Result<String, BadEvent> {
    match text {
        None => Err(bad("bad_event", format!("{name} is missing"))),
        Some(text) if text.is_empty() => Err(bad("bad_event", format!("{name} is empty"))),
        Some(text) if text.len() > EVENT_ID_BYTES_MAX => {
            Err(bad("id_too_long", format!("{name} is longer than {EVENT_ID_BYTES_MAX} bytes")))
        }
        Some(text) => Ok(text),
    }
}

fn time(text: &str) -> Result<Timestamp, BadEvent> {
    Timestamp::parse(text)
        .ok_or_else(|| bad("bad_time", "time must be RFC 3339 with its offset, such as 2026-03-01T09:00:00Z"))
}

fn bad(code: &'static str, detail: impl Into<String>) -> BadEvent {
    BadEvent { code, detail: detail.into() }
}

/// What became of a body of events. `accepted + duplicate + rejected_count` is their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct EventsAnswer {
    /// Applied, durably.
    pub accepted: u64,
    /// Heard before; no second effect.
    pub duplicate: u64,
    /// How many were not applied.
    pub rejected_count: u64,
    /// The first 1,000 that were not applied.
    pub rejected: Vec<RejectedEvent>,
}

/// An event that was not applied.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RejectedEvent {
    /// Its place in the body, from 0; the line, for a stream.
    pub index: u64,
    /// Its id, if it could be read.
    pub id: Option<String>,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub detail: String,
    /// Whether sending the same event again can help.
    pub retryable: bool,
}

/// One line of a tag import.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct TagLine {
    /// The customer's id, 1 to 128 bytes.
    pub customer: String,
    /// Who says so, at most 64 bytes.
    pub source: String,
    /// When it was true; the time of arrival when left out.
    pub as_of: Option<Time>,
    /// Tags to set.
    #[serde(default)]
    pub set: serde_json::Map<String, Json>,
    /// Tags to remove.
    #[serde(default)]
    pub unset: Vec<String>,
}

/// What became of an import. `applied + unchanged + rejected_count` is the number of lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ImportAnswer {
    /// Lines that changed a tag, durably.
    pub applied: u64,
    /// Lines that said nothing new.
    pub unchanged: u64,
    /// How many were not applied.
    pub rejected_count: u64,
    /// The first 1,000 that were not applied.
    pub rejected: Vec<RejectedLine>,
}

/// A line that was not applied.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RejectedLine {
    /// The line, from 0.
    pub index: u64,
    /// The customer, if it could be read.
    pub customer: Option<String>,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub detail: String,
    /// Whether sending the same line again can help.
    pub retryable: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(mut json: Json, key: &str, value: Json) -> Result<(CustomerId, Event), BadEvent> {
        json[key] = value;
        serde_json::from_value::<CloudEvent>(json).unwrap().into_event()
    }

    fn good() -> Json {
        json!({"specversion": "1.0", "id": "e1", "source": "/bss", "type": "telco.usage.data", "subject": "c-1",
               "time": "2026-03-01T10:00:00+01:00", "data": {"mb": 12.5}, "traceparent": "ignored"})
    }

    #[test]
    fn an_event_keeps_what_its_sender_said() {
        let (customer, event) = serde_json::from_value::<CloudEvent>(good()).unwrap().into_event().unwrap();
        assert_eq!(customer.as_str(), "c-1");
        assert_eq!((event.id.as_str(), event.source.as_str()), ("e1", "/bss"));
        assert_eq!(event.kind, "telco.usage.data");
        assert_eq!(event.at.map(|at| at.to_string()).as_deref(), Some("2026-03-01T09:00:00Z"));
        assert_eq!(event.data.at("mb"), Some(&actors::Value::Number(12.5)));
        let (_, event) = read(good(), "time", Json::Null).unwrap();
        assert_eq!(event.at, None);
    }

    #[test]
    fn an_attribute_that_is_missing_or_wrong_is_named() {
        let check = |key: &str, value: Json, code: &str| {
            let error = read(good(), key, value.clone()).unwrap_err();
            assert_eq!(error.code, code, "{key}: {value}");
            assert!(error.detail.contains(key), "{error:?}");
        };
        for key in ["specversion", "id", "source", "type", "subject"] {
            check(key, Json::Null, "bad_event");
            check(key, json!(""), "bad_event");
        }
        for key in ["id", "source", "type"] {
            check(key, json!("x".repeat(257)), "id_too_long");
            assert!(read(good(), key, json!("x".repeat(256))).is_ok());
        }
        check("specversion", json!("0.3"), "bad_event");
        check("subject", json!("x".repeat(129)), "bad_customer_id");
        check("subject", json!("a\nb"), "bad_customer_id");
        check("time", json!("yesterday"), "bad_time");
        check("data_base64", json!("AA=="), "bad_event");
    }
}
