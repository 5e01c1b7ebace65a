//! A whole node in this process, asked over HTTP as a client would: the walk of an event to a decision and back,
//! every route of the table, the ways a body can be wrong, and a restart.
//!
//! Speaks HTTP/1.1 over a plain socket, so that headers, broken bodies and cut connections are exactly as written.

#![allow(clippy::unwrap_used, reason = "a test")]

use node::http::routes::ROUTES;
use node::{Background, NodeOptions};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

const PLAYBOOK: &str = r#"
tenant: {zone: Europe/Berlin, currency: EUR}
kpi: {active: clv}
tags:
  - {id: age, type: int}
  - {id: usage_mb_30d, type: number}
events:
  - type: telco.usage.data
    data: {mb: number}
    updates: [{tag: usage_mb_30d, sum: data.mb, window: 30d}]
offers:
  - id: data-xl
    owner: own
    family: data-plan
    group: growth
    kind: offer
    purpose: service
    value: {clv: "240"}
    prior: {default: 0.03}
    affinity: [{tag: usage_mb_30d, weight: 0.8, center: 8000, scale: 4000}]
    rules: {eligible: "t.age >= 18"}
    channels: [app, desk]
    content: {app: {title: "More data"}}
"#;

struct Reply {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Json {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

struct Client(SocketAddr);

impl Client {
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.0).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        head += &format!("content-length: {}\r\n", body.len());
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // The server may answer and close before it has read everything: a refused body is not an error here.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        read(&answer)
    }

    fn json(&self, method: &str, path: &str, body: &Json) -> Reply {
        self.send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    fn lines(&self, path: &str, lines: &str) -> Reply {
        self.send("POST", path, &[("content-type", "application/x-ndjson")], lines.as_bytes())
    }
}

fn read(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_string()));
    let headers: HashMap<_, _> = lines.filter_map(header).collect();
    let body = &answer[end + 4..];
    let body = match headers.get("transfer-encoding") {
        Some(coding) => {
            assert_eq!(coding, "chunked");
            unchunked(body)
        }
        None => body.to_vec(),
    };
    Reply { status, headers, body }
}

/// What is written while it is read comes in chunks: a length in hexadecimal, as many bytes, and so on to an empty one.
fn unchunked(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = chunks.windows(2).position(|two| two == b"\r\n").expect("a chunk's length");
        let length = std::str::from_utf8(&chunks[..line]).expect("digits");
        let length = usize::from_str_radix(length, 16).expect("a length");
        if length == 0 {
            return body;
        }
        let begin = line + 2;
        body.extend_from_slice(&chunks[begin..begin + length]);
        chunks = &chunks[begin + length + 2..];
    }
}

fn start(dir: &Path, change: impl FnOnce(&mut NodeOptions)) -> (Background, Client) {
    let mut options = NodeOptions {
        data_dir: dir.join("data"),
        http: "127.0.0.1:0".into(),
        shard_count: 16,
        log: "warn".into(),
        deadline_ms: 30_000,
        ..NodeOptions::default()
    };
    change(&mut options);
    let node = Background::start(options).unwrap_or_else(|error| panic!("{error}"));
    let client = Client(node.address());
    (node, client)
}

fn start_with_playbook(dir: &Path) -> (Background, Client) {
    let playbook = dir.join("playbook");
    std::fs::create_dir_all(&playbook).unwrap();
    std::fs::write(playbook.join("all.yaml"), PLAYBOOK).unwrap();
    start(dir, |options| options.playbook_dir = Some(playbook))
}

fn event(id: &str, customer: &str, mb: f64) -> Json {
    json!({"specversion": "1.0", "id": id, "source": "test", "type": "telco.usage.data", "subject": customer,
           "data": {"mb": mb}})
}

fn counts(reply: &Reply) -> (u64, u64, u64) {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let json = reply.json();
    let count = |name: &str| json[name].as_u64().unwrap();
    (count("accepted"), count("duplicate"), count("rejected_count"))
}

#[test]
fn an_event_walks_in_and_the_next_decision_knows_it() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start_with_playbook(dir.path());
    let tags = json!({"source": "crm", "set": {"age": 31}});
    let reply = client.json("PATCH", "/v1/customers/%2B49%2F1/tags", &tags);
    assert_eq!((reply.status, reply.json()["changed"].as_u64()), (200, Some(1)));
    assert_eq!(reply.headers["x-rapport-revision"], "1");
    assert_eq!(reply.headers["x-rapport-node"], "n1");
    assert_eq!(reply.headers["x-rapport-epoch"], "1");

    assert_eq!(counts(&client.json("POST", "/v1/events", &event("e1", "+49/1", 9000.0))), (1, 0, 0));
    assert_eq!(counts(&client.json("POST", "/v1/events", &event("e1", "+49/1", 9000.0))), (0, 1, 0));

    // Without a consent to profiling, a decision may not look at tags.
    let consents = json!([{"purpose": "profiling", "channel": "any", "state": "granted"}]);
    assert_eq!(client.json("PUT", "/v1/customers/%2B49%2F1/consents", &consents).json()["noted"], 1);
    let question = json!({"channel": "app", "request_id": "r1", "limit": 3});
    let first = client.json("POST", "/v1/customers/%2B49%2F1/decisions", &question);
    let decision = first.json();
    assert_eq!(first.status, 200, "{decision}");
    assert_eq!(decision["customer"], "+49/1");
    assert_eq!(decision["basis"], "full");
    assert_eq!(decision["items"][0]["offer"], "data-xl", "{decision}");
    assert_eq!(decision["items"][0]["content"]["title"], "More data");
    assert!(decision["at"].as_str().unwrap().ends_with('Z'));
    let again = client.json("POST", "/v1/customers/%2B49%2F1/decisions", &question);
    assert_eq!(again.headers.get("x-rapport-repeated").map(String::as_str), Some("true"));
    assert_eq!(again.body, first.body, "the same request, the same bytes");

    let id = decision["decision_id"].as_str().unwrap();
    let why = client.get(&format!("/v1/customers/%2B49%2F1/decisions/{id}?offer=data-xl"));
    assert_eq!(why.status, 200, "{}", String::from_utf8_lossy(&why.body));
    assert_eq!(why.json()["replay_matches"], true);
    assert_eq!(why.json()["decision_id"], id);
    assert_eq!(why.json()["candidates"][0]["stage"], "shown");
    let why = client.get(&format!("/v1/customers/%2B49%2F1/decisions/{id}?offer=nothing"));
    assert_eq!((why.status, why.json()["code"].as_str()), (404, Some("unknown_offer")));

    let response = json!({"decision_id": id, "offer": "data-xl", "response": "seen", "response_id": "s1"});
    let reply = client.json("POST", "/v1/customers/%2B49%2F1/responses", &response);
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));

    let view = client.get("/v1/customers/%2B49%2F1").json();
    assert_eq!(view["tags"]["usage_mb_30d"]["value"], 9000.0);
    assert_eq!(view["tags"]["age"]["source"], "crm");
    for list in
        ["consents", "journeys", "contacts", "caps", "refusals", "open_decisions", "aliases", "products"]
    {
        assert!(view[list].is_array(), "{list}");
    }
    let export = client.get("/v1/customers/%2B49%2F1/export").json();
    assert_eq!(export["decisions"].as_array().unwrap().len(), 1);

    let receipt = client.send("DELETE", "/v1/customers/%2B49%2F1", &[], b"");
    assert_eq!(receipt.json()["removed"]["decisions"], 1, "{}", receipt.json());
    assert_eq!(client.get("/v1/customers/%2B49%2F1").json()["tags"], json!({}));
    node.stop().unwrap();
}

#[test]
fn events_come_in_every_mode_and_bad_ones_never_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start_with_playbook(dir.path());
    let typed = |kind: &str, body: &str| {
        client.send("POST", "/v1/events", &[("content-type", kind)], body.as_bytes())
    };

    let batch = json!([event("b1", "c", 1.0), event("b2", "c", 2.0), {"specversion": "1.0", "id": "b3"}]);
    let reply = typed("application/cloudevents-batch+json", &batch.to_string());
    assert_eq!(counts(&reply), (2, 0, 1));
    assert_eq!(reply.json()["rejected"][0]["index"], 2);
    assert_eq!(reply.json()["rejected"][0]["id"], "b3");
    assert_eq!(reply.json()["rejected"][0]["code"], "bad_event");

    let binary = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "x1"),
        ("ce-source", "test"),
        ("ce-type", "telco.usage.data"),
        ("ce-subject", "c"),
    ];
    assert_eq!(counts(&client.send("POST", "/v1/events", &binary, b"{\"mb\": 4}")), (1, 0, 0));

    let good: String =
        (0..600).map(|n| event(&format!("n{n}"), &format!("s{}", n % 7), 1.0).to_string() + "\n").collect();
    let huge = event("n1", "c", 1.0).to_string().replace(":1.0", ":1e999");
    let lines = format!(
        "{good}not json\n\n{huge}\n{}\n{{\"id\": \"half",
        event("u", "c", 1.0).to_string().replace("usage", "x")
    );
    let reply = client.lines("/v1/events", &lines);
    assert_eq!(counts(&reply), (600, 0, 4));
    let rejected: Vec<_> = reply.json()["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["index"].as_u64().unwrap(), one["code"].as_str().unwrap().to_string()))
        .collect();
    let expected = [(600, "bad_json"), (602, "bad_json"), (603, "unknown_event_type"), (604, "bad_json")];
    assert_eq!(rejected, expected.map(|(index, code)| (index, code.to_string())));
    assert_eq!(counts(&client.lines("/v1/events", &good)), (0, 600, 0));
    assert_eq!(client.get("/v1/customers/s0").json()["tags"]["usage_mb_30d"]["value"], 86.0);
    assert_eq!(client.get("/v1/customers/c").json()["tags"]["usage_mb_30d"]["value"], 7.0);

    let check = |reply: Reply, status: u16, code: &str| {
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        assert_eq!((reply.status, reply.json()["code"].as_str()), (status, Some(code)));
    };
    check(typed("application/json", "{\"id\": \"half"), 400, "bad_json");
    check(typed("application/json", "[]"), 400, "bad_request");
    check(typed("application/cloudevents-batch+json", "[{}"), 400, "bad_json");
    check(typed("application/cloudevents-batch+json", "{}"), 400, "bad_request");
    check(typed("text/xml", "<a/>"), 415, "unsupported_media_type");
    assert_eq!(counts(&typed("application/cloudevents-batch+json", "[]")), (0, 0, 0));
    assert_eq!(counts(&client.lines("/v1/events", "")), (0, 0, 0));
    node.stop().unwrap();
}

/// Writers go on while the node stops; whatever they were told is durable is there after the restart.
#[test]
fn a_stop_under_load_is_quick_and_forgets_nothing_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start_with_playbook(dir.path());
    let idle = TcpStream::connect(client.0).unwrap();
    let address = client.0;
    let writers: Vec<_> =
        (0..4).map(|writer| std::thread::spawn(move || write_until_refused(address, writer))).collect();
    std::thread::sleep(Duration::from_millis(300));
    let (stopped, stopping) = std::sync::mpsc::channel();
    std::thread::spawn(move || stopped.send(node.stop()));
    stopping.recv_timeout(Duration::from_secs(10)).expect("no client holds up a stop").unwrap();
    let acknowledged: Vec<u64> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
    drop(idle);

    let (node, client) = start(dir.path(), |_| {});
    for (writer, count) in acknowledged.into_iter().enumerate() {
        assert!(count > 0);
        let sum =
            client.get(&format!("/v1/customers/w{writer}")).json()["tags"]["usage_mb_30d"]["value"].as_f64();
        // The last event may have been applied without its sender having heard of it.
        let (least, most) = (count as f64, (count + 1) as f64);
        assert!(sum.is_some_and(|sum| sum >= least && sum <= most), "{sum:?} of {count}");
    }
    node.stop().unwrap();
}

/// Events that add 1 each, one after the other, until one is not acknowledged; how many were.
fn write_until_refused(address: SocketAddr, writer: u32) -> u64 {
    let customer = format!("w{writer}");
    for number in 0.. {
        let body = event(&format!("e{number}"), &customer, 1.0).to_string();
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut answer = Vec::new();
        let asked = TcpStream::connect(address).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            stream.write_all(format!("{head}{body}").as_bytes())?;
            stream.read_to_end(&mut answer)
        });
        if asked.is_err() || !answer.starts_with(b"HTTP/1.1 200") {
            return number;
        }
    }
    unreachable!("the node stops before")
}

#[test]
fn a_stream_that_breaks_off_leaves_the_node_well() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start_with_playbook(dir.path());
    let mut stream = TcpStream::connect(client.0).unwrap();
    let line = event("e1", "c", 5.0).to_string();
    let head = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-length: 9999\r\n\r\n";
    stream.write_all(format!("{head}{line}\n{{\"id\"").as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    drop(stream);
    assert_eq!(counts(&client.json("POST", "/v1/events", &event("e2", "c", 1.0))), (1, 0, 0));
    node.stop().unwrap();
}

#[test]
fn tags_are_imported_line_by_line_and_again_without_effect() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start_with_playbook(dir.path());
    let line = |n: u32| json!({"customer": format!("c{n}"), "source": "dwh", "as_of": "2026-01-01T00:00:00Z", "set": {"age": n}});
    let mut lines: String = (20..120).map(|n| line(n).to_string() + "\n").collect();
    lines += &json!({"customer": "c20", "source": "dwh", "set": {"agee": 1}}).to_string();
    for expected in [(100, 0, 1), (0, 100, 1)] {
        let reply = client.lines("/v1/imports/tags", &lines);
        let json = reply.json();
        let count = |name: &str| json[name].as_u64().unwrap();
        assert_eq!((count("applied"), count("unchanged"), count("rejected_count")), expected, "{json}");
        assert_eq!(
            (json["rejected"][0]["index"].as_u64(), json["rejected"][0]["code"].as_str()),
            (Some(100), Some("unknown_tag"))
        );
        assert_eq!(json["rejected"][0]["customer"], "c20");
    }
    node.stop().unwrap();
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart_under_a_new_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start_with_playbook(dir.path());
    assert_eq!(counts(&client.json("POST", "/v1/events", &event("e1", "c", 5.0))), (1, 0, 0));
    let consents = json!([{"purpose": "marketing", "channel": "any", "state": "granted"}]);
    assert_eq!(client.json("PUT", "/v1/customers/c/consents", &consents).json()["noted"], 1);
    node.stop().unwrap();

    let (node, client) = start(dir.path(), |_| {});
    assert_eq!(client.get("/readyz").status, 200, "the playbook is still in force");
    let reply = client.get("/v1/customers/c");
    assert_eq!(reply.json()["tags"]["usage_mb_30d"]["value"], 5.0);
    assert_eq!(reply.headers["x-rapport-epoch"], "2");
    assert_eq!(client.get("/v1/customers/c/consents").json()["history"][0]["state"], "granted");
    assert_eq!(counts(&client.json("POST", "/v1/events", &event("e1", "c", 5.0))), (0, 1, 0));
    node.stop().unwrap();
}

#[test]
fn a_node_without_a_playbook_is_alive_and_not_ready_until_one_is_posted() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start(dir.path(), |_| {});
    assert_eq!(client.get("/healthz").status, 200);
    let not_ready = client.get("/readyz");
    assert_eq!((not_ready.status, not_ready.json()["code"].as_str()), (503, Some("no_playbook")));
    assert_eq!(client.get("/v1/customers/c").json()["code"], "no_playbook");
    assert_eq!(client.json("POST", "/v1/events", &event("e1", "c", 5.0)).status, 503);

    let upload = |text: &str| json!({"files": [{"name": "all.yaml", "text": text}], "activate": true});
    let broken = client.json("POST", "/v1/playbooks", &upload(&PLAYBOOK.replace("t.age", "t.agee")));
    assert_eq!((broken.status, broken.json()["code"].as_str()), (422, Some("invalid_playbook")));
    assert!(broken.json()["mistakes"][0]["line"].as_u64().unwrap() > 1);
    let dry = client.json("POST", "/v1/playbooks?dry_run=true", &upload(PLAYBOOK));
    assert_eq!((dry.status, dry.json()["stored"].as_bool()), (200, Some(false)));
    let mut later = upload(PLAYBOOK);
    later["at"] = json!("2999-01-01T00:00:00Z");
    assert_eq!(
        client.json("POST", "/v1/playbooks", &later).json()["code"],
        "scheduled_activation_unsupported"
    );
    assert_eq!(client.get("/v1/playbooks").json()["playbooks"], json!([]), "nothing was stored so far");

    let first = client.json("POST", "/v1/playbooks", &upload(PLAYBOOK)).json();
    assert_eq!((first["stored"].as_bool(), first["active"].as_bool()), (Some(true), Some(true)), "{first}");
    assert_eq!(first["id"], dry.json()["id"]);
    assert_eq!(client.get("/readyz").status, 200);
    assert_eq!(counts(&client.json("POST", "/v1/events", &event("e1", "c", 5.0))), (1, 0, 0));

    let second = client.json("POST", "/v1/playbooks", &upload(&PLAYBOOK.replace("240", "250"))).json();
    let active = client.get("/v1/playbooks/active").json();
    assert_eq!(active["id"], second["id"]);
    let path = format!("/v1/playbooks/{}/activate", first["id"].as_str().unwrap());
    assert_eq!(client.send("POST", &path, &[], b"").status, 200);
    assert_eq!(client.get("/v1/cluster").json()["playbook"], first["id"]);
    let list = client.get("/v1/playbooks").json();
    assert_eq!(list["playbooks"].as_array().unwrap().len(), 2);
    assert_eq!(list["activations"].as_array().unwrap().len(), 3);
    node.stop().unwrap();
}

#[test]
fn every_route_of_the_table_answers_and_everything_else_is_a_problem() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start_with_playbook(dir.path());
    let document = client.get("/openapi.json").json();
    for route in ROUTES {
        let path = route.path.replace("{id}", "c").replace("{decision_id}", "none");
        let reply = client.send(route.method.word(), &path, &[("content-type", "application/json")], b"");
        let code = (reply.headers["content-type"] == "application/problem+json")
            .then(|| reply.json()["code"].clone());
        let unrouted = [json!("not_found"), json!("method_not_allowed")];
        assert!(code.is_none_or(|code| !unrouted.contains(&code)), "{}", route.path);
        assert_eq!(reply.headers["x-rapport-node"], "n1");
        assert!(reply.status < 500, "{}: {}", route.path, reply.status);
        assert!(document["paths"][route.path].is_object(), "{} is described", route.path);
    }
    let check = |reply: Reply, status: u16, code: &str| {
        assert_eq!((reply.status, reply.json()["code"].as_str()), (status, Some(code)));
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        assert_eq!(reply.headers["x-rapport-node"], "n1");
    };
    check(client.get("/v2/nothing"), 404, "not_found");
    let other = client.send("DELETE", "/v1/events", &[], b"");
    assert_eq!(other.headers["allow"], "POST");
    check(other, 405, "method_not_allowed");
    check(client.get("/v1/customers/"), 400, "bad_customer_id");
    check(client.get("/v1/customers/%FF"), 400, "bad_customer_id");
    check(client.get(&format!("/v1/customers/{}", "x".repeat(129))), 400, "bad_customer_id");
    check(client.get("/v1/customers/c/contacts?from=yesterday"), 400, "bad_query");
    check(client.get("/v1/customers/c/contacts?limit=0"), 400, "bad_limit");
    check(client.get("/v1/customers/c/contacts?cursor=zz"), 400, "bad_cursor");
    check(client.get("/v1/customers/c/decisions/none"), 404, "unknown_decision");
    let ask = |body: Json| client.json("POST", "/v1/customers/c/decisions", &body);
    check(ask(json!({"channel": "app", "limit": 14})), 400, "bad_limit");
    check(ask(json!({"channel": "app", "limit": 0})), 400, "bad_limit");
    check(ask(json!({"channel": "app", "context": []})), 400, "bad_request");
    check(ask(json!({})), 400, "bad_request");
    check(
        client.json("PATCH", "/v1/customers/c/tags", &json!({"source": "x", "set": {"nope": 1}})),
        422,
        "unknown_tag",
    );
    check(client.get("/v1/playbooks/none"), 404, "unknown_playbook");

    let metrics = String::from_utf8(client.get("/metrics").body).unwrap();
    for name in [
        "node_http_requests_total",
        "node_http_request_seconds_bucket",
        "node_build_info",
        "node_resident_customers",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
    assert!(!metrics.contains("xxxx"), "no id in a label");
    node.stop().unwrap();
}

#[test]
fn what_was_refused_for_overload_is_marked_and_can_be_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    start_with_playbook(dir.path()).0.stop().unwrap();
    let (node, client) = start(dir.path(), |options| options.in_flight_max = 1);
    let lines: String = (0..10).map(|n| event("e", &format!("c{n}"), 1.0).to_string() + "\n").collect();
    let (accepted, _, rejected) = counts(&client.lines("/v1/events", &lines));
    assert!(accepted >= 1 && rejected >= 1 && accepted + rejected == 10, "{accepted} {rejected}");
    let reply = client.lines("/v1/events", &lines).json();
    for one in reply["rejected"].as_array().unwrap() {
        assert_eq!((one["code"].as_str(), one["retryable"].as_bool()), (Some("overloaded"), Some(true)));
    }
    let again = |n| counts(&client.json("POST", "/v1/events", &event("e", &format!("c{n}"), 1.0)));
    let (accepted_again, duplicate) =
        (0..10).map(again).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(accepted_again + duplicate, 10, "every event is applied once in the end");
    node.stop().unwrap();
}

#[test]
fn a_body_over_the_limit_is_refused_and_a_long_line_only_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let playbook = dir.path().join("playbook");
    std::fs::create_dir_all(&playbook).unwrap();
    std::fs::write(playbook.join("all.yaml"), PLAYBOOK).unwrap();
    let (node, client) = start(dir.path(), |options| {
        options.playbook_dir = Some(playbook);
        options.body_bytes_max = 1000;
        options.line_bytes_max = 500;
    });
    let mut large = event("e1", "c", 1.0);
    large["data"]["note"] = json!("x".repeat(1000));
    let reply = client.json("POST", "/v1/events", &large);
    assert_eq!((reply.status, reply.json()["code"].as_str()), (413, Some("body_too_large")));
    let lines = format!("{large}\n{}\n", event("e2", "c", 1.0));
    let reply = client.lines("/v1/events", &lines);
    assert_eq!(counts(&reply), (1, 0, 1));
    assert_eq!(reply.json()["rejected"][0]["code"], "line_too_long");
    node.stop().unwrap();
}

#[test]
fn a_node_that_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = |http: &str| NodeOptions {
        data_dir: dir.path().join("d"),
        http: http.into(),
        ..NodeOptions::default()
    };
    let check = |options: NodeOptions, expected: &str| {
        let error = Background::start(options).err().expect("refused").to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(options(&taken.local_addr().unwrap().to_string()), "can't listen on");
    check(options("nonsense"), "can't listen on nonsense");
    let (node, _) = start(dir.path(), |options| options.node_id = "n2".into());
    check(
        NodeOptions {
            data_dir: dir.path().join("data"),
            http: "127.0.0.1:0".into(),
            ..NodeOptions::default()
        },
        "data",
    );
    node.stop().unwrap();
    check(
        NodeOptions {
            data_dir: dir.path().join("data"),
            http: "127.0.0.1:0".into(),
            ..NodeOptions::default()
        },
        "n2",
    );
}

#[test]
fn responses_move_priors_and_decisions_taken_with_them_replay() {
    let dir = tempfile::tempdir().unwrap();
    let (node, client) = start_with_playbook(dir.path());
    let age = json!({"source": "crm", "set": {"age": 40}});
    let decide = |client: &Client, customer: &str| {
        let path = format!("/v1/customers/{customer}/decisions");
        client.json("POST", &path, &json!({"channel": "app"})).json()
    };
    for n in 0..5 {
        let customer = format!("c-{n}");
        assert_eq!(client.json("PATCH", &format!("/v1/customers/{customer}/tags"), &age).status, 200);
        let consents = json!([{"purpose": "profiling", "channel": "any", "state": "granted"}]);
        assert_eq!(client.json("PUT", &format!("/v1/customers/{customer}/consents"), &consents).status, 200);
        let decision = decide(&client, &customer);
        let accepted =
            json!({"decision_id": decision["decision_id"], "offer": "data-xl", "response": "accepted"});
        for _ in 0..2 {
            let path = format!("/v1/customers/{customer}/responses");
            assert_eq!(client.json("POST", &path, &accepted).status, 200);
        }
    }
    let learned = poll(|| {
        let learned = client.get("/v1/learning?offer=data-xl").json();
        (learned["waiting"] == 0 && learned["items"][0]["accepted"] == 5).then_some(learned)
    });
    // (0.03 x 200 + 5) / (200 + 5), and each repeated response counted once.
    let item = &learned["items"][0];
    assert_eq!((&item["channel"], &item["shown"], &item["prior"]), (&json!("app"), &json!(5), &json!(0.03)));
    assert!((item["learned"].as_f64().unwrap() - 11.0 / 205.0).abs() < 1e-9, "{item}");
    assert_eq!(client.get("/v1/learning?limit=0").status, 400);
    assert_eq!(client.get("/v1/learning?channel=desk").json()["items"], json!([]));

    let decision = decide(&client, "c-1");
    let path = format!("/v1/customers/c-1/decisions/{}", decision["decision_id"].as_str().unwrap());
    let models = json!(["affinity-1", format!("evidence:{}", learned["evidence"].as_str().unwrap())]);
    let explained = client.get(&path).json();
    assert_eq!((&explained["models"], &explained["replay_matches"]), (&models, &json!(true)));

    let learned = poll(|| {
        let learned = client.get("/v1/learning?offer=data-xl").json();
        (learned["waiting"] == 0 && learned["items"][0]["shown"] == 6).then_some(learned)
    });
    node.stop().unwrap();
    let (node, client) = start(dir.path(), |_| {});
    let again = client.get("/v1/learning?offer=data-xl").json();
    assert_eq!((&again["items"], &again["evidence"]), (&learned["items"], &learned["evidence"]));
    assert_eq!(client.get(&path).json()["replay_matches"], true);
    node.stop().unwrap();
}

/// Asks until there is an answer, for about a minute.
fn poll<T>(ask: impl Fn() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no answer in time");
}
