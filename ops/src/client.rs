//! Calls to a node: one address, JSON in and out, problems told apart by what the operator can do.
//!
//! Blocking, one connection per thread that uses it. Waits are bounded: a call has a deadline, and a node that says
//! "not now" is asked again a limited number of times. A repeated call may be heard twice, so callers put an id or a
//! time into whatever must have one effect. Leaves out what the answers mean.

use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use ureq::http::request::Builder as RequestBuilder;
use ureq::http::{Method, Request, Response};

/// How long one call may take. Larger than the node's own deadline, so that its answer is the one we hear.
const CALL_MAX: Duration = Duration::from_secs(30);
/// How long connecting may take; a node on the same continent answers in a tenth of that.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How often a call is repeated when the node says 429 or 503: with the waits below, for about a minute.
const REPEATS_MAX: u32 = 12;
/// The longest wait between two tries, whatever `Retry-After` says.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// An answer larger than this is not read: an export of one customer stays far below.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// A node's address and the connections to it.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    server: String,
}

/// Why a call gave no answer to work with.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Certainly not applied: nobody listens there. Start a node, or name another with `--server`.
    #[error(
        "no node answers at {server} ({detail}); start one with `rapport demo` or `rapport node`, or name it with --server"
    )]
    NoNode {
        /// The address asked.
        server: String,
        /// What the connection said.
        detail: String,
    },
    /// May or may not be applied: the connection broke or time ran out. Repeat the call, or read before writing again.
    #[error("{server} stopped answering in the middle of a call: {detail}")]
    Interrupted {
        /// The address asked.
        server: String,
        /// What the connection said.
        detail: String,
    },
    /// The node answered that it won't; the problem says why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// An answer that is not the API's: another program listens there, or another version.
    #[error("{server} answered something else than rapport's API: {detail}")]
    NotRapport {
        /// The address asked.
        server: String,
        /// What was wrong with the answer.
        detail: String,
    },
}

/// problem+json (RFC 9457) as the node sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// What kind of problem.
    pub title: String,
    /// This problem.
    pub detail: String,
    /// One of a closed list.
    pub code: String,
    /// What comes with it: `mistakes`...
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.detail.is_empty() { &self.title } else { &self.detail };
        write!(f, "{text} (code {}, HTTP {})", self.code, self.status)
    }
}

/// What is sent along with a call.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// Nothing.
    None,
    /// One JSON value, already written.
    Json(&'a [u8]),
    /// One JSON value a line.
    Lines(&'a [u8]),
    /// One CloudEvent, structured.
    Event(&'a [u8]),
}

struct Heard {
    status: u16,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Client {
    /// Talks to the node at `server`, such as `http://127.0.0.1:8080`. Connects with the first call.
    pub fn new(server: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT_MAX))
            .timeout_global(Some(CALL_MAX))
            .max_idle_connections_per_host(32)
            .user_agent(concat!("rapport/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Client { agent, server: server.trim_end_matches('/').to_owned() }
    }

    /// The address as given.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Reads `path`.
    pub fn get(&self, path: &str) -> Result<Value, CallError> {
        self.call(&Method::GET, path, Body::None)
    }

    /// Posts one JSON value.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.call(&Method::POST, path, Body::Json(body.to_string().as_bytes()))
    }

    /// Puts one JSON value.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.call(&Method::PUT, path, Body::Json(body.to_string().as_bytes()))
    }

    /// Deletes `path`.
    pub fn delete(&self, path: &str) -> Result<Value, CallError> {
        self.call(&Method::DELETE, path, Body::None)
    }

    /// Posts one event.
    pub fn post_event(&self, event: &Value) -> Result<Value, CallError> {
        self.call(&Method::POST, "/v1/events", Body::Event(event.to_string().as_bytes()))
    }

    /// Posts lines of JSON. The caller has made them safe to hear twice: ids or an `as_of` in every line.
    pub fn post_lines(&self, path: &str, lines: &[u8]) -> Result<Value, CallError> {
        let once_more = |error: &CallError| matches!(error, CallError::Interrupted { .. });
        match self.call(&Method::POST, path, Body::Lines(lines)) {
            Err(error) if once_more(&error) => self.call(&Method::POST, path, Body::Lines(lines)),
            other => other,
        }
    }

    /// One call, repeated while the node says that it has too much to do.
    fn call(&self, method: &Method, path: &str, body: Body<'_>) -> Result<Value, CallError> {
        for attempt in 0.. {
            let heard = self.once(method, path, body)?;
            match heard.status {
                429 | 503 if attempt < REPEATS_MAX => {
                    std::thread::sleep(wait_before(attempt, heard.retry_after));
                }
                _ => return self.understand(&heard),
            }
        }
        unreachable!("the loop returns at the last attempt")
    }

    fn once(&self, method: &Method, path: &str, body: Body<'_>) -> Result<Heard, CallError> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        let answer = match body {
            Body::None => {
                request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request))
            }
            Body::Json(bytes) => self.send(request.header("content-type", "application/json"), bytes),
            Body::Lines(bytes) => self.send(request.header("content-type", "application/x-ndjson"), bytes),
            Body::Event(bytes) => {
                self.send(request.header("content-type", "application/cloudevents+json"), bytes)
            }
        };
        let mut answer = answer.map_err(|error| self.trouble(&error))?;
        let retry_after =
            answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.map_err(|error| self.trouble(&error))?;
        Ok(Heard { status, retry_after: retry_after.map(Duration::from_secs), body })
    }

    fn send(&self, request: RequestBuilder, body: &[u8]) -> Result<Response<ureq::Body>, ureq::Error> {
        self.agent.run(request.body(body)?)
    }

    fn understand(&self, heard: &Heard) -> Result<Value, CallError> {
        let foreign = |detail: String| CallError::NotRapport { server: self.server.clone(), detail };
        if (200..300).contains(&heard.status) {
            if heard.body.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&heard.body).map_err(|error| foreign(error.to_string()));
        }
        let mut problem: Problem = serde_json::from_slice(&heard.body)
            .map_err(|_| foreign(format!("HTTP {} without a problem document", heard.status)))?;
        problem.status = heard.status;
        Err(CallError::Refused(Box::new(problem)))
    }

    fn trouble(&self, error: &ureq::Error) -> CallError {
        let server = self.server.clone();
        let detail = error.to_string();
        let unreached = match error {
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::BadUri(_) => true,
            ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
            ureq::Error::Timeout(at) => matches!(at, ureq::Timeout::Connect | ureq::Timeout::Resolve),
            _ => false,
        };
        if unreached {
            CallError::NoNode { server, detail }
        } else {
            CallError::Interrupted { server, detail }
        }
    }
}

/// What the node asked for; else twice as long each time, from a tenth of a second.
fn wait_before(attempt: u32, asked: Option<Duration>) -> Duration {
    asked.unwrap_or_else(|| Duration::from_millis(100 << attempt.min(10))).min(WAIT_MAX)
}

/// A customer's place in the API, whatever is in the id: `/v1/customers/a%2Fb` + `rest`.
pub fn customer_path(customer: &str, rest: &str) -> String {
    format!("/v1/customers/{}{rest}", escaped(customer))
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub fn escaped(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                path.push(char::from(byte));
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_any_characters_stays_one_segment_of_the_path() {
        let check = |id: &str, expected: &str| assert_eq!(customer_path(id, "/export"), expected);
        check("c-1", "/v1/customers/c-1/export");
        check("a/b?c", "/v1/customers/a%2Fb%3Fc/export");
        check("+49 é", "/v1/customers/%2B49%20%C3%A9/export");
    }

    #[test]
    fn waiting_follows_the_node_and_is_bounded() {
        let check = |attempt, asked: Option<u64>, expected_ms: u128| {
            assert_eq!(wait_before(attempt, asked.map(Duration::from_secs)).as_millis(), expected_ms);
        };
        check(0, None, 100);
        check(3, None, 800);
        check(11, None, 10_000);
        check(0, Some(2), 2_000);
        check(0, Some(3_600), 10_000);
    }

    #[test]
    fn nobody_there_says_how_to_start_one() {
        let error = Client::new("http://127.0.0.1:1/").get("/healthz").expect_err("nobody listens on port 1");
        assert!(matches!(error, CallError::NoNode { .. }), "{error:?}");
        assert!(error.to_string().starts_with("no node answers at http://127.0.0.1:1 ("), "{error}");
    }

    #[test]
    fn a_problem_is_shown_with_its_code() {
        let heard = Heard {
            status: 422,
            retry_after: None,
            body: br#"{"title":"Invalid","detail":"tag x is unknown","code":"unknown_tag","mistakes":[1]}"#
                .to_vec(),
        };
        let Err(CallError::Refused(problem)) = Client::new("http://h").understand(&heard) else {
            panic!("a problem")
        };
        assert_eq!(problem.to_string(), "tag x is unknown (code unknown_tag, HTTP 422)");
        assert!(problem.more.contains_key("mistakes"));
    }
}
