//! Asks a node over HTTP, as a channel or an operator would.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;
use ureq::http::Request;

/// How long one call may take: the node gives up by itself long before.
const CALL_MAX: Duration = Duration::from_secs(60);
/// Larger answers are a mistake of the test.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A node's address and connections to it.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    server: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// By name in small letters.
    pub headers: BTreeMap<String, String>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// The body as JSON, of an answer that had to be 200.
    pub fn ok(&self) -> Json {
        assert_eq!(self.status, 200, "{self}");
        self.json()
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP {}: {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// What became of the events of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Applied.
    pub accepted: u64,
    /// Heard before.
    pub duplicate: u64,
    /// Not applied.
    pub rejected: u64,
}

impl Client {
    /// Talks to `server`, such as `http://127.0.0.1:4711`.
    pub fn new(server: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(CALL_MAX))
            .build()
            .new_agent();
        Client { agent, server: server.to_owned() }
    }

    /// The address as given.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// `127.0.0.1:4711`, for raw sockets.
    pub fn address(&self) -> &str {
        self.server.trim_start_matches("http://")
    }

    /// One request. An error says that no whole answer came: it may or may not be applied.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, ureq::Error> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut answer = match method {
            "GET" | "DELETE" => self.agent.run(request.body(())?)?,
            _ => self.agent.run(request.body(body)?)?,
        };
        let headers = answer.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Reply { status, headers, body })
    }

    /// One request that has to be answered, whatever the status.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let sent = self.try_send(method, path, headers, body);
        sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Reads, if somebody answers.
    pub fn try_get(&self, path: &str) -> Result<Reply, ureq::Error> {
        self.try_send("GET", path, &[], b"")
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    /// Sends JSON, if somebody answers.
    pub fn try_json(&self, method: &str, path: &str, body: &Json) -> Result<Reply, ureq::Error> {
        self.try_send(method, path, &[JSON], body.to_string().as_bytes())
    }

    /// Sends JSON.
    pub fn json(&self, method: &str, path: &str, body: &Json) -> Reply {
        self.send(method, path, &[JSON], body.to_string().as_bytes())
    }

    /// Posts one event.
    pub fn hear(&self, event: &Json) -> Counts {
        counts(&self.json("POST", "/v1/events", event).ok())
    }

    /// Streams lines to a route.
    pub fn lines(&self, path: &str, lines: &str) -> Reply {
        self.send("POST", path, &[("content-type", "application/x-ndjson")], lines.as_bytes())
    }

    /// Grants marketing by every channel, and to be known as a person.
    pub fn grant(&self, customer: &str) {
        let noted = self.json("PUT", &format!("/v1/customers/{customer}/consents"), &grants()).ok();
        assert_eq!(noted["noted"], 2, "{noted}");
    }

    /// Sets tags.
    pub fn tag(&self, customer: &str, set: &Json) -> Reply {
        let patch = json!({"source": "test", "set": set});
        self.json("PATCH", &format!("/v1/customers/{customer}/tags"), &patch)
    }

    /// Asks for the next best action.
    pub fn decide(&self, customer: &str, question: &Json) -> Reply {
        self.json("POST", &format!("/v1/customers/{customer}/decisions"), question)
    }

    /// Tells what became of something.
    pub fn respond(&self, customer: &str, response: &Json) -> Reply {
        self.json("POST", &format!("/v1/customers/{customer}/responses"), response)
    }

    /// The 360-degree view.
    pub fn view(&self, customer: &str) -> Json {
        self.get(&format!("/v1/customers/{customer}")).ok()
    }

    /// A tag's value now; null when there is none.
    pub fn value(&self, customer: &str, tag: &str) -> Json {
        self.view(customer)["tags"][tag]["value"].clone()
    }

    /// Every contact ever made with a customer, by pages.
    pub fn contacts(&self, customer: &str) -> Vec<Json> {
        let (mut contacts, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/v1/customers/{customer}/contacts?limit=3{cursor}")).ok();
            contacts.extend(page["contacts"].as_array().expect("a list").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return contacts,
            }
        }
    }
}

/// Both consents the offers of the tests need, given long ago: repeated, they say nothing new.
pub fn grants() -> Json {
    let granted = |purpose: &str| {
        json!({"purpose": purpose, "channel": "any", "state": "granted", "basis": "consent", "source": "test",
               "at": "2026-01-01T00:00:00Z"})
    };
    json!([granted("marketing"), granted("profiling")])
}

/// An event that sets the tag `step` and is counted in `heard`.
pub fn event(id: &str, customer: &str, step: i64) -> Json {
    json!({"specversion": "1.0", "id": id, "source": "/test", "type": "test.step", "subject": customer,
           "data": {"n": step}})
}

/// What an answer of `/v1/events` counts.
pub fn counts(answer: &Json) -> Counts {
    let count = |key: &str| answer[key].as_u64().unwrap_or_else(|| panic!("{key} in {answer}"));
    let rejected = answer["rejected"].as_array().expect("a list").len() as u64;
    assert_eq!(count("rejected_count"), rejected, "{answer}");
    Counts { accepted: count("accepted"), duplicate: count("duplicate"), rejected }
}
