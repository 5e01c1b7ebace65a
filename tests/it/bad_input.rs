//! Whatever comes in: answered with a status and a code that say what to mend, nothing applied, and the node serves on.
//!
//! Tables, one row each: whole requests ([`requests`]), single events ([`lines`]). Sockets that misbehave are in
//! [`sockets`].

mod requests;
mod lines;
mod sockets;

use crate::harness::{Client, Home, Reply, event};
use lines::{rejected_events, rejected_lines};
use requests::{Refused, bodies_of_customers, bodies_of_events, places};
use serde_json::{Value as Json, json};

const JSON: &str = "application/json";
const BATCH: &str = "application/cloudevents-batch+json";
const LINES: &str = "application/x-ndjson";

/// The customer that must not change.
const ANN: &str = "ann";

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

fn assert_problem(reply: &Reply, what: &str) {
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
    client.tag(ANN, &json!({"age": 31})).ok();
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
