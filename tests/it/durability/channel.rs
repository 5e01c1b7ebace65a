//! Channels that talk to a node which is taken away from them again and again.
//!
//! A call without an answer is repeated under the same id until there is one, or the desk closes: then it stays
//! without an answer, as after the crash of a channel.

use super::ledger::{EVENTS_MAX, Ledger};
use crate::harness::client::grants;
use crate::harness::wait::Deadline;
use crate::harness::{Client, Reply};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// Requests for each customer: the cap allows four of them a contact.
const DECISIONS: u32 = 6;

/// Where the node is at the moment, and what all channels together were told.
pub struct Desk {
    node: RwLock<Option<Client>>,
    closed: AtomicBool,
    /// Calls answered so far.
    pub answers: AtomicU64,
}

/// Closes the desk when dropped.
pub struct Closing<'a>(&'a Desk);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
    }
}

impl Desk {
    /// Open, with no node yet.
    pub fn new() -> Self {
        Desk { node: RwLock::new(None), closed: AtomicBool::new(false), answers: AtomicU64::new(0) }
    }

    /// The node is here from now on.
    pub fn move_to(&self, client: &Client) {
        *self.node.write().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
    }

    /// The channels stop when the answer is dropped.
    pub fn closing(&self) -> Closing<'_> {
        Closing(self)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Calls until answered with 200. `None`: the desk closed meanwhile.
    fn call(&self, method: &str, path: &str, body: &Json) -> Option<Reply> {
        let deadline = Deadline::after_s(120);
        loop {
            let client = self.node.read().unwrap_or_else(PoisonError::into_inner).clone();
            match client.map(|client| client.try_json(method, path, body)) {
                Some(Ok(reply)) if reply.status == 200 => {
                    self.answers.fetch_add(1, Ordering::AcqRel);
                    return Some(reply);
                }
                Some(Ok(reply)) => {
                    assert!(matches!(reply.status, 429 | 503), "not now is all a node may say: {reply}");
                }
                Some(Err(_)) | None => {}
            }
            if self.is_closed() {
                return None;
            }
            deadline.pause("an answer");
        }
    }
}

/// Tells of events, customer after customer, until the desk closes.
pub fn events_of(pair: usize, desk: &Desk) -> BTreeMap<String, Ledger> {
    let mut told: BTreeMap<String, Ledger> = BTreeMap::new();
    for number in 0.. {
        let customer = customer(pair, number);
        let ledger = told.entry(customer.clone()).or_default();
        for place in 0..EVENTS_MAX {
            if desk.is_closed() {
                return told;
            }
            ledger.events.insert(place, false);
            if let Some(reply) = desk.call("POST", "/v1/events", &event(&customer, place)) {
                let answer = reply.json();
                assert_eq!(answer["rejected"], json!([]), "{answer}");
                ledger.events.insert(place, true);
            }
        }
    }
    told
}

/// Asks for messages to send, customer after customer, until the desk closes.
pub fn decisions_of(pair: usize, desk: &Desk) -> BTreeMap<String, Ledger> {
    let mut told: BTreeMap<String, Ledger> = BTreeMap::new();
    for number in 0.. {
        let customer = customer(pair, number);
        let ledger = told.entry(customer.clone()).or_default();
        let consents = format!("/v1/customers/{customer}/consents");
        if desk.call("PUT", &consents, &grants()).is_none() {
            return told;
        }
        for request in 0..DECISIONS {
            if desk.is_closed() {
                return told;
            }
            let request = format!("r{request}");
            ledger.decisions.insert(request.clone(), None);
            let reply = desk.call("POST", &decisions_path(&customer), &question(&request));
            ledger.decisions.insert(request, reply.map(|reply| reply.body));
        }
    }
    told
}

/// Says everything once more; now it has an answer.
pub fn say_again(client: &Client, customer: &str, ledger: &Ledger) -> Ledger {
    let mut said = ledger.clone();
    for (place, acknowledged) in &mut said.events {
        let counts = client.hear(&event(customer, *place));
        assert_eq!(counts.accepted + counts.duplicate, 1);
        assert!(!*acknowledged || counts.duplicate == 1, "{customer}: acknowledged event {place} is news");
        *acknowledged = true;
    }
    for (request, answer) in &mut said.decisions {
        let reply = client.decide(customer, &question(request));
        assert_eq!(reply.status, 200, "{reply}");
        answer.get_or_insert(reply.body);
    }
    said
}

/// The answers to requests that were answered before.
pub fn ask_again(client: &Client, customer: &str, ledger: &Ledger) -> BTreeMap<String, Vec<u8>> {
    let answered = ledger.decisions.iter().filter(|(_, answer)| answer.is_some());
    let ask = |request: &String| (request.clone(), client.decide(customer, &question(request)).body);
    answered.map(|(request, _)| ask(request)).collect()
}

fn customer(pair: usize, number: u32) -> String {
    format!("p{pair}-{number}")
}

fn decisions_path(customer: &str) -> String {
    format!("/v1/customers/{customer}/decisions")
}

/// Adds 16 to the power of its place: how often it was applied can be read from the sum.
fn event(customer: &str, place: u32) -> Json {
    json!({"specversion": "1.0", "id": format!("e{place}"), "source": "/durability", "type": "test.ledger",
           "subject": customer, "data": {"n": 16u64.pow(place)}})
}

/// Asks for one message, which reserves a contact while the cap allows it.
pub fn question(request: &str) -> Json {
    json!({"channel": "sms", "direction": "outbound", "purpose": "marketing", "request_id": request})
}
