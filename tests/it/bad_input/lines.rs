//! Events that are rejected while those beside them are heard, and why.

use super::ANN;
use crate::harness::event;
use serde_json::{Value as Json, json};

/// What is wrong, the event as it is sent, and the code it is rejected with.
pub type Rejected = (&'static str, String, &'static str);

/// An event that is rejected while its body is read: the line as it is sent, and why.
pub fn rejected_events() -> Vec<Rejected> {
    let with = |key: &str, value: Json| {
        let mut event = event("e1", ANN, 1);
        event[key] = value;
        event.to_string()
    };
    let without = |key: &str| {
        let mut event = event("e1", ANN, 1);
        event.as_object_mut().unwrap().remove(key);
        event.to_string()
    };
    let good = event("e1", ANN, 1).to_string();
    vec![
        ("no subject", without("subject"), "bad_event"),
        ("an empty subject", with("subject", json!("")), "bad_event"),
        ("a subject of 129 bytes", with("subject", json!("x".repeat(129))), "bad_customer_id"),
        ("a zero byte in the subject", with("subject", json!("a\0b")), "bad_customer_id"),
        ("a number for a subject", with("subject", json!(7)), "bad_event"),
        ("no id", without("id"), "bad_event"),
        ("an id of 257 bytes", with("id", json!("x".repeat(257))), "id_too_long"),
        ("no source", without("source"), "bad_event"),
        ("no type", without("type"), "bad_event"),
        ("an unknown type", with("type", json!("test.stepp")), "unknown_event_type"),
        ("no specversion", without("specversion"), "bad_event"),
        ("another specversion", with("specversion", json!("0.3")), "bad_event"),
        ("data as bytes", with("data_base64", json!("AAAA")), "bad_event"),
        ("no data", without("data"), "bad_event_data"),
        ("a list for data", with("data", json!([])), "bad_event_data"),
        ("a field missing", with("data", json!({})), "bad_event_data"),
        ("a text for an int", with("data", json!({"n": "1"})), "bad_event_data"),
        ("a fraction for an int", with("data", json!({"n": 1.5})), "bad_event_data"),
        ("null for an int", with("data", json!({"n": null})), "bad_event_data"),
        ("no time at all", with("time", json!("noon")), "bad_time"),
        ("a time without its offset", with("time", json!("2026-10-01T09:00:00")), "bad_time"),
        ("the year 2999", with("time", json!("2999-01-01T00:00:00Z")), "time_in_future"),
        ("the year 1970", with("time", json!("1970-01-01T00:00:00Z")), "time_too_old"),
        ("the Romans", with("time", json!("0100-01-01T00:00:00Z")), "time_too_old"),
        ("1e999", good.replace(":1}", ":1e999}"), "bad_json"),
    ]
}

/// Lines that no whole body could be.
pub fn rejected_lines() -> Vec<Rejected> {
    let good = event("e1", ANN, 1).to_string();
    vec![
        ("half a line", good[..40].to_owned(), "bad_json"),
        ("words", "hello".to_owned(), "bad_json"),
        ("a list", "[]".to_owned(), "bad_event"),
        ("NaN", good.replace(":1}", ":NaN}"), "bad_json"),
        ("two events", format!("{good}{good}"), "bad_json"),
        ("an id of 2 MB", good.replace("\"e1\"", &format!("\"{}\"", "x".repeat(2 << 20))), "line_too_long"),
        ("100,000 levels", good.replace(":1}", &format!(":{}}}", deep(100_000))), "bad_json"),
    ]
}

/// A list in a list in a list.
pub fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}
