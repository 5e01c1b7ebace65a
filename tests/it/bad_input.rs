//! Whatever comes in: answered with a status and a code that say what to mend, nothing applied, and the node serves on.
//!
//! Tables, one row each. Sockets that misbehave are in [`sockets`].

mod sockets;

use crate::harness::{Client, Home, event};
use serde_json::{Value as Json, json};

const JSON: &str = "application/json";
const BATCH: &str = "application/cloudevents-batch+json";
const LINES: &str = "application/x-ndjson";

/// The customer that must not change.
const ANN: &str = "ann";

/// A request that is refused as a whole.
struct Refused {
    what: &'static str,
    method: &'static str,
    path: String,
    kind: &'static str,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
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

fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Bodies of events that are refused as a whole.
fn bodies_of_events() -> Vec<Refused> {
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
fn bodies_of_customers() -> Vec<Refused> {
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
        of_ann("an unknown decision", ("GET", "/decisions/none"), "", (404, "unknown_decision")),
        of_ann("a page of nothing", ("GET", "/contacts?limit=0"), "", (400, "bad_limit")),
        of_ann("a page of everything", ("GET", "/contacts?limit=501"), "", (400, "bad_limit")),
        of_ann("a page of many", ("GET", "/decisions?limit=many"), "", (400, "bad_query")),
        of_ann("a page from yesterday", ("GET", "/decisions?from=yesterday"), "", (400, "bad_query")),
        of_ann("a made-up cursor", ("GET", "/contacts?cursor=7a"), "", (400, "bad_cursor")),
    ]
}

/// Places that are not there, and customers that can't be.
fn places() -> Vec<Refused> {
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

#[test]
fn a_request_that_is_wrong_says_so_and_changes_nothing() {
    let home = Home::with(&[("RAPPORT_BODY_BYTES_MAX", "1000000")]);
    let node = home.start();
    let client = node.client();
    let before = known(client);
    for Refused { what, method, path, kind, body, status, code } in
        bodies_of_events().into_iter().chain(bodies_of_customers()).chain(places())
    {
        let reply = client.send(method, &path, &[("content-type", kind)], &body);
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{what}: {reply}");
        assert_problem(&reply, what);
        assert_eq!(client.view(ANN), before, "{what} changes nothing");
    }
    serves_on(client);
}

/// An event that is rejected while its body is read: the line as it is sent, and why.
fn rejected_events() -> Vec<(&'static str, String, &'static str)> {
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
fn rejected_lines() -> Vec<(&'static str, String, &'static str)> {
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

#[test]
fn an_event_that_is_wrong_is_rejected_with_its_place_however_it_is_sent() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    let before = known(client);
    for (what, event, code) in rejected_events() {
        let batch = format!("[{event}]");
        for (kind, body) in [(JSON, &event), (BATCH, &batch), (LINES, &event)] {
            assert_rejected(client, (what, kind), body, code);
            assert_eq!(client.view(ANN), before, "{what} as {kind} changes nothing");
        }
    }
    for (what, line, code) in rejected_lines() {
        assert_rejected(client, (what, LINES), &line, code);
        assert_eq!(client.view(ANN), before, "{what} changes nothing");
    }
    serves_on(client);
}

#[test]
fn a_rejected_event_may_come_again_mended() {
    let home = Home::new();
    let node = home.start();
    let mut late = event("e1", ANN, 1);
    late["data"] = json!({"n": "one"});
    assert_rejected(node.client(), ("a text for an int", JSON), &late.to_string(), "bad_event_data");
    assert_eq!(node.client().hear(&event("e1", ANN, 1)).accepted, 1);
}

fn assert_rejected(client: &Client, (what, kind): (&str, &str), body: &str, code: &str) {
    let reply = client.send("POST", "/v1/events", &[("content-type", kind)], body.as_bytes());
    let answer = reply.ok();
    assert_eq!(
        (&answer["accepted"], &answer["duplicate"]),
        (&json!(0), &json!(0)),
        "{what} as {kind}: {reply}"
    );
    let rejected = &answer["rejected"][0];
    assert_eq!(
        (&rejected["index"], &rejected["code"]),
        (&json!(0), &json!(code)),
        "{what} as {kind}: {reply}"
    );
    assert!(!rejected["detail"].as_str().unwrap().is_empty(), "{what} as {kind}: {reply}");
}

fn assert_problem(reply: &crate::harness::Reply, what: &str) {
    assert_eq!(reply.header("content-type"), "application/problem+json", "{what}");
    assert_eq!(reply.header("x-rapport-node"), "n1", "{what}");
    let problem = reply.json();
    assert_eq!(problem["status"], reply.status, "{what}");
    for key in ["type", "title", "detail"] {
        assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{what}: {key} in {problem}");
    }
}

/// Makes the customer known, and says what is known.
fn known(client: &Client) -> Json {
    client.grant(ANN);
    client.tag(ANN, json!({"age": 31})).ok();
    assert_eq!(client.hear(&event("e0", ANN, 0)).accepted, 1);
    client.view(ANN)
}

/// The node is well and hears a good event.
pub fn serves_on(client: &Client) {
    for path in ["/healthz", "/readyz"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    assert_eq!(client.hear(&event("good", "bob", 1)).accepted, 1);
    assert_eq!(client.value("bob", "heard"), 1);
}
