//! Requests that are refused as a whole, and why.

use super::lines::deep;
use super::{ANN, BATCH, JSON};
use crate::harness::event;
use serde_json::{Value as Json, json};

/// A request that is refused as a whole.
pub struct Refused {
    pub what: &'static str,
    pub method: &'static str,
    pub path: String,
    pub kind: &'static str,
    pub body: Vec<u8>,
    pub status: u16,
    pub code: &'static str,
}

/// Something under `/v1/customers/ann`.
fn of_ann(
    what: &'static str,
    (method, rest): (&'static str, &str),
    body: impl Into<Vec<u8>>,
    (status, code): (u16, &'static str),
) -> Refused {
    let path = format!("/v1/customers/{ANN}{rest}");
    Refused { what, method, path, kind: JSON, body: body.into(), status, code }
}

fn at(
    what: &'static str,
    (method, path): (&'static str, impl Into<String>),
    (status, code): (u16, &'static str),
) -> Refused {
    Refused { what, method, path: path.into(), kind: JSON, body: b"{}".to_vec(), status, code }
}

fn events(
    what: &'static str,
    kind: &'static str,
    body: impl Into<Vec<u8>>,
    (status, code): (u16, &'static str),
) -> Refused {
    Refused { what, method: "POST", path: "/v1/events".into(), kind, body: body.into(), status, code }
}

/// Bodies of events that are refused as a whole.
pub fn bodies_of_events() -> Vec<Refused> {
    let good = event("e1", ANN, 1).to_string();
    vec![
        events("an empty body", JSON, "", (400, "bad_json")),
        events("half an event", JSON, &good[..30], (400, "bad_json")),
        events("an event and more", JSON, format!("{good} x"), (400, "bad_json")),
        events("NaN", JSON, good.replace(":1}", ":NaN}"), (400, "bad_json")),
        events("no UTF-8", JSON, &b"{\"id\":\"\xff\"}"[..], (400, "bad_json")),
        events("a zero byte", JSON, &b"\0"[..], (400, "bad_json")),
        events("a list for an event", JSON, "[]", (400, "bad_request")),
        events("a number for an event", JSON, "7", (400, "bad_request")),
        events("half a batch", BATCH, format!("[{good},"), (400, "bad_json")),
        events("an object for a batch", BATCH, &*good, (400, "bad_request")),
        events("a body that is too large", JSON, vec![b' '; 1 << 20], (413, "body_too_large")),
        events(
            "a batch that is too large",
            BATCH,
            format!("[{good}{}]", " ".repeat(1 << 20)),
            (413, "body_too_large"),
        ),
        events("XML", "text/xml", "<event/>", (415, "unsupported_media_type")),
    ]
}

/// Questions, responses, tags and consents that are refused.
pub fn bodies_of_customers() -> Vec<Refused> {
    let (decide, respond) = (("POST", "/decisions"), ("POST", "/responses"));
    let (tags, consents) = (("PATCH", "/tags"), ("PUT", "/consents"));
    let ask = |what, body: Json, refused| of_ann(what, decide, body.to_string(), refused);
    let tell = |what, body: Json, refused| of_ann(what, respond, body.to_string(), refused);
    let set = |what, body: Json, refused| of_ann(what, tags, body.to_string(), refused);
    let consent = |what, body: Json, refused| of_ann(what, consents, body.to_string(), refused);
    vec![
        of_ann("no question", decide, "", (400, "bad_json")),
        of_ann("half a question", decide, "{\"channel\":\"ap", (400, "bad_json")),
        of_ann("a limit of 1e999", decide, "{\"channel\":\"app\",\"limit\":1e999}", (400, "bad_json")),
        of_ann(
            "a deep context",
            decide,
            format!("{{\"channel\":\"app\",\"context\":{{\"a\":{}}}}}", deep(100_000)),
            (400, "bad_json"),
        ),
        ask("no channel", json!({}), (400, "bad_request")),
        ask("an empty channel", json!({"channel": ""}), (400, "bad_channel")),
        ask("a number for a channel", json!({"channel": 7}), (400, "bad_request")),
        ask("a limit of 0", json!({"channel": "app", "limit": 0}), (400, "bad_limit")),
        ask("a limit of 14", json!({"channel": "app", "limit": 14}), (400, "bad_limit")),
        ask("a limit below 0", json!({"channel": "app", "limit": -1}), (400, "bad_limit")),
        ask("a limit of one and a half", json!({"channel": "app", "limit": 1.5}), (400, "bad_request")),
        ask("a text for a limit", json!({"channel": "app", "limit": "3"}), (400, "bad_request")),
        ask("an unknown direction", json!({"channel": "app", "direction": "sideways"}), (400, "bad_request")),
        ask("a list for a context", json!({"channel": "app", "context": []}), (400, "bad_request")),
        ask(
            "a 2 MB request id",
            json!({"channel": "app", "request_id": "r".repeat(2 << 20)}),
            (413, "body_too_large"),
        ),
        ask(
            "a request id of 257 bytes",
            json!({"channel": "app", "request_id": "r".repeat(257)}),
            (400, "id_too_long"),
        ),
        ask("a channel of 129 bytes", json!({"channel": "c".repeat(129)}), (400, "text_too_long")),
        ask(
            "a long placement",
            json!({"channel": "app", "placement": "p".repeat(129)}),
            (400, "text_too_long"),
        ),
        ask("a long purpose", json!({"channel": "app", "purpose": "p".repeat(129)}), (400, "text_too_long")),
        ask(
            "a book for a context",
            json!({"channel": "app", "context": {"a": "x".repeat(1 << 16)}}),
            (400, "context_too_large"),
        ),
        tell("a response to nothing", json!({"response": "sent"}), (400, "bad_request")),
        tell("an unknown response", json!({"contact_id": "k", "response": "eaten"}), (400, "bad_request")),
        tell("an unknown contact", json!({"contact_id": "k", "response": "sent"}), (422, "unknown_contact")),
        tell(
            "an unknown offer",
            json!({"decision_id": "d", "offer": "x", "response": "seen"}),
            (422, "unknown_offer"),
        ),
        tell("no time", json!({"contact_id": "k", "response": "sent", "at": "noon"}), (400, "bad_request")),
        tell(
            "a response from the future",
            json!({"decision_id": "d", "offer": "coupon", "response": "rejected", "at": "2999-01-01T00:00:00Z"}),
            (422, "time_in_future"),
        ),
        of_ann("a tag of NaN", tags, "{\"source\":\"x\",\"set\":{\"age\":NaN}}", (400, "bad_json")),
        of_ann("a tag of 1e999", tags, "{\"source\":\"x\",\"set\":{\"age\":1e999}}", (400, "bad_json")),
        set("no source", json!({"set": {"age": 1}}), (400, "bad_request")),
        set(
            "a source of 65 bytes",
            json!({"source": "s".repeat(65), "set": {"age": 1}}),
            (400, "text_too_long"),
        ),
        set("an unknown tag", json!({"source": "x", "set": {"agee": 1}}), (422, "unknown_tag")),
        set(
            "an unknown tag beside a good one",
            json!({"source": "x", "set": {"age": 1, "agee": 1}}),
            (422, "unknown_tag"),
        ),
        set("an unknown tag to unset", json!({"source": "x", "unset": ["agee"]}), (422, "unknown_tag")),
        set("a text for an int", json!({"source": "x", "set": {"age": "old"}}), (422, "bad_tag_value")),
        set("a fraction for an int", json!({"source": "x", "set": {"age": 1.5}}), (422, "bad_tag_value")),
        set(
            "a value the enum does not list",
            json!({"source": "x", "set": {"plan": "prepayd"}}),
            (422, "bad_tag_value"),
        ),
        set("null for a tag", json!({"source": "x", "set": {"age": null}}), (422, "bad_tag_value")),
        set("a long text", json!({"source": "x", "set": {"city": "x".repeat(257)}}), (422, "bad_tag_value")),
        set(
            "tags from the future",
            json!({"source": "x", "as_of": "2999-01-01T00:00:00Z", "set": {"age": 1}}),
            (422, "time_in_future"),
        ),
        set(
            "tags of the Romans",
            json!({"source": "x", "as_of": "0100-01-01T00:00:00Z", "set": {"age": 1}}),
            (422, "time_too_old"),
        ),
        consent("an object for consents", json!({"purpose": "marketing"}), (400, "bad_request")),
        consent("no consents", json!([]), (400, "bad_consents")),
        consent(
            "an unknown state",
            json!([{"purpose": "p", "channel": "any", "state": "perhaps"}]),
            (400, "bad_request"),
        ),
        consent(
            "an empty purpose",
            json!([{"purpose": "", "channel": "any", "state": "granted"}]),
            (400, "bad_consents"),
        ),
        consent(
            "a book for a basis",
            json!([{"purpose": "p", "channel": "any", "state": "granted", "basis": "b".repeat(513)}]),
            (400, "bad_consents"),
        ),
        of_ann("an unknown decision", ("GET", "/decisions/none"), "", (404, "unknown_decision")),
        of_ann("a page of nothing", ("GET", "/contacts?limit=0"), "", (400, "bad_limit")),
        of_ann("a page of everything", ("GET", "/contacts?limit=501"), "", (400, "bad_limit")),
        of_ann("a page of many", ("GET", "/decisions?limit=many"), "", (400, "bad_query")),
        of_ann("a page from yesterday", ("GET", "/decisions?from=yesterday"), "", (400, "bad_query")),
        of_ann("a made-up cursor", ("GET", "/contacts?cursor=7a"), "", (400, "bad_cursor")),
    ]
}

/// Places that are not there, and customers that can't be.
pub fn places() -> Vec<Refused> {
    let bad_id = (400, "bad_customer_id");
    vec![
        at("no customer", ("GET", "/v1/customers/"), bad_id),
        at("a zero byte for a customer", ("GET", "/v1/customers/%00"), bad_id),
        at("a line end in a customer", ("POST", "/v1/customers/a%0Ab/decisions"), bad_id),
        at("no UTF-8 for a customer", ("GET", "/v1/customers/%FF"), bad_id),
        at("half an escape", ("GET", "/v1/customers/%4"), bad_id),
        at("129 bytes for a customer", ("GET", format!("/v1/customers/{}", "x".repeat(129))), bad_id),
        at("129 bytes to erase", ("DELETE", format!("/v1/customers/{}", "x".repeat(129))), bad_id),
        at("129 bytes with umlauts", ("GET", format!("/v1/customers/x{}", "%C3%BC".repeat(64))), bad_id),
        at("an unknown route", ("GET", "/v1/nothing"), (404, "not_found")),
        at("an unknown version", ("POST", "/v2/events"), (404, "not_found")),
        at("one segment too many", ("GET", "/v1/customers/ann/tags/age/now"), (404, "not_found")),
        at("events to read", ("GET", "/v1/events"), (405, "method_not_allowed")),
        at("a customer to post", ("POST", "/v1/customers/ann"), (405, "method_not_allowed")),
        at("tags to put", ("PUT", "/v1/customers/ann/tags"), (405, "method_not_allowed")),
        at("an unknown playbook", ("POST", "/v1/playbooks/none/activate"), (404, "unknown_playbook")),
        at("a playbook of nothing", ("POST", "/v1/playbooks"), (422, "invalid_playbook")),
    ]
}
