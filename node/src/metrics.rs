//! What a node counts.
//!
//! Labels are closed lists: a route as written in the table of routes, a class of status. Never an id.

use actors::region::Residency;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;

const REQUESTS: &str = "node_http_requests_total";
const SECONDS: &str = "node_http_request_seconds";
const REFUSED: &str = "node_calls_refused_total";
const EVENTS: &str = "node_events_total";
const CUSTOMERS: &str = "node_resident_customers";
const BYTES: &str = "node_resident_bytes";
const CALLS: &str = "node_calls_in_hand";
const READY: &str = "node_ready";
const BUILD: &str = "node_build_info";

/// Says to the installed recorder what each metric means. Call once, after installing it.
pub fn describe() {
    describe_counter!(REQUESTS, "HTTP requests, by route and class of status");
    describe_histogram!(
        SECONDS,
        Unit::Seconds,
        "from the head of a request to the head of its answer, by route"
    );
    describe_counter!(REFUSED, "calls refused because too many were in hand");
    describe_counter!(EVENTS, "events heard, by outcome");
    describe_gauge!(CUSTOMERS, "customers in memory");
    describe_gauge!(BYTES, Unit::Bytes, "encoded states in memory");
    describe_gauge!(CALLS, "calls admitted and not yet answered");
    describe_gauge!(READY, "1 when customers are served");
    describe_gauge!(BUILD, "always 1; the label says which version runs");
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// One request was answered.
pub(crate) fn answered(route: &'static str, status: u16, took: Duration) {
    let class = match status {
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    counter!(REQUESTS, "route" => route, "status" => class).increment(1);
    histogram!(SECONDS, "route" => route).record(took);
}

/// One call was refused.
pub(crate) fn refused() {
    counter!(REFUSED).increment(1);
}

/// A body of events was heard.
pub(crate) fn heard(accepted: u64, duplicate: u64, rejected: u64) {
    for (outcome, count) in [("accepted", accepted), ("duplicate", duplicate), ("rejected", rejected)] {
        counter!(EVENTS, "outcome" => outcome).increment(count);
    }
}

/// What is so at this moment.
pub(crate) fn observe(residency: Residency, in_hand: usize, ready: bool) {
    gauge!(CUSTOMERS).set(residency.customers as f64);
    gauge!(BYTES).set(residency.bytes as f64);
    gauge!(CALLS).set(in_hand as f64);
    gauge!(READY).set(f64::from(u8::from(ready)));
}

/// Measures how long a request took.
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "only measured: nothing is decided by it")]
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
