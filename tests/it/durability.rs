//! The classic: the node is killed again and again while channels talk to it, and nothing it has acknowledged is lost
//! (I2), doubled (I9) or one contact too many (I4).
//!
//! Channels note what they were told ([`ledger`]) and repeat what got no answer under the same id, as the contract asks
//! them to. In the end the node is asked for everything, and the two are compared.

mod ledger;
mod channel;

pub use channel::question;

use crate::harness::chance::Chance;
use crate::harness::wait::Deadline;
use crate::harness::{Client, Home, Node, event};
use channel::{Desk, decisions_of, events_of};
use ledger::{Found, Ledger, complaints};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// SIGKILLs of a run.
const KILLS: usize = 20;
/// Pairs of connections; a pair talks about the same customers, one of events, the other of decisions.
const PAIRS: usize = 3;
/// At most so many answers between two kills: on average half of them are out while others are under way.
const ANSWERS_PER_LIFE_MAX: u64 = 90;

#[test]
fn twenty_kills_lose_nothing_that_was_acknowledged() {
    kills_lose_nothing(&Home::new(), KILLS);
}

/// Kills the nodes of a home so many times while channels talk to them, and compares.
pub fn kills_lose_nothing(home: &Home, kills: usize) {
    let mut chance = Chance::of_this_run("durability");
    let desk = Desk::new();
    let ledgers = talk_while(&desk, || {
        for _ in 0..kills {
            let node = home.start();
            desk.move_to(node.client());
            answers(&desk, 1 + chance.below(ANSWERS_PER_LIFE_MAX));
            node.kill();
        }
    });
    let node = home.start();
    let report = audit(&node, &ledgers);
    println!("durability: {report}");
    assert!(report.unanswered > 0, "some calls were under way when the node was killed");
}

#[test]
fn a_stop_by_sigterm_ends_with_0_and_loses_nothing() {
    let home = Home::new();
    let desk = Desk::new();
    let ledgers = talk_while(&desk, || {
        for _ in 0..2 {
            let node = home.start();
            desk.move_to(node.client());
            answers(&desk, 100);
            let log = home.path().join("stopped.log");
            std::fs::write(&log, node.log()).expect("a copy of the log");
            let status = node.terminate();
            assert_eq!(status.code(), Some(0), "{}", std::fs::read_to_string(&log).unwrap_or_default());
        }
    });
    audit(&home.start(), &ledgers);
}

#[test]
fn an_erasure_that_was_acknowledged_outlives_a_kill() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    client.grant("ann");
    assert_eq!(client.hear(&event("e1", "ann", 1)).accepted, 1);
    client.decide("ann", &channel::question("r1")).ok();
    client.send("DELETE", "/v1/customers/ann", &[], b"").ok();
    node.kill();
    let node = home.start();
    let view = node.client().view("ann");
    assert_eq!((&view["tags"], &view["consents"], &view["contacts"]), (&json!({}), &json!([]), &json!([])));
    assert_eq!(node.client().contacts("ann"), Vec::<Json>::new());
    assert_eq!(node.client().get("/v1/customers/ann/decisions").ok()["decisions"], json!([]));
}

/// Channels talk on threads of their own until `story` ends. What each customer was told.
fn talk_while(desk: &Desk, story: impl FnOnce()) -> BTreeMap<String, Ledger> {
    std::thread::scope(|scope| {
        let talks: Vec<_> = (0..PAIRS)
            .flat_map(|pair| {
                [scope.spawn(move || events_of(pair, desk)), scope.spawn(move || decisions_of(pair, desk))]
            })
            .collect();
        // A story that fails must not leave the channels talking for ever.
        let closing = desk.closing();
        story();
        drop(closing);
        let mut ledgers: BTreeMap<String, Ledger> = BTreeMap::new();
        for talk in talks {
            for (customer, ledger) in talk.join().expect("a channel") {
                ledgers.entry(customer).or_default().merge(ledger);
            }
        }
        ledgers
    })
}

/// Waits for so many more answers.
fn answers(desk: &Desk, count: u64) {
    let (begin, deadline) = (desk.answers.load(Ordering::Acquire), Deadline::after_s(60));
    while desk.answers.load(Ordering::Acquire) - begin < count {
        deadline.pause("answers");
    }
}

/// What was compared.
struct Report {
    customers: usize,
    acknowledged: usize,
    unanswered: usize,
    contacts: usize,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Report { customers, acknowledged, unanswered, contacts } = self;
        write!(
            f,
            "{customers} customers, {acknowledged} acknowledged, {unanswered} without an answer, {contacts} contacts"
        )
    }
}

/// Compares before and after everything without an answer is said once more.
fn audit(node: &Node, ledgers: &BTreeMap<String, Ledger>) -> Report {
    let client = node.client();
    let mut all = Vec::new();
    let mut report = Report { customers: ledgers.len(), acknowledged: 0, unanswered: 0, contacts: 0 };
    for (customer, ledger) in ledgers {
        report.acknowledged += ledger.acknowledged();
        report.unanswered += ledger.unanswered();
        let before = complaints(customer, ledger, &find(client, customer, ledger));
        if !before.is_empty() {
            // Repeating would mend what was lost: this customer's story ends here.
            all.extend(before);
            continue;
        }
        let said_again = channel::say_again(client, customer, ledger);
        let found = find(client, customer, &said_again);
        report.contacts += found.contacts.len();
        all.extend(complaints(customer, &said_again, &found));
        assert_replayed(client, customer);
    }
    assert!(all.is_empty(), "{} complaints:\n{}", all.len(), all.join("\n"));
    assert!(report.acknowledged > 0 && report.contacts > 0, "{report}");
    report
}

/// The newest decision of a customer replays to the same bytes (I11), whatever was killed since.
fn assert_replayed(client: &Client, customer: &str) {
    let newest = client.get(&format!("/v1/customers/{customer}/decisions?limit=1")).ok();
    if let Some(id) = newest["decisions"][0]["decision_id"].as_str() {
        let explained = client.get(&format!("/v1/customers/{customer}/decisions/{id}")).ok();
        assert_eq!(explained["replay_matches"], true, "{customer}: {explained}");
    }
}

/// What the node knows of a customer.
fn find(client: &Client, customer: &str, ledger: &Ledger) -> Found {
    let number = |tag: &str| client.value(customer, tag).as_u64().unwrap_or(0);
    let contact = |contact: Json| {
        let text = |key: &str| contact[key].as_str().expect("text").to_owned();
        (text("contact_id"), text("at"))
    };
    Found {
        heard: number("heard"),
        applied: number("ledger"),
        contacts: client.contacts(customer).into_iter().map(contact).collect(),
        repeated: channel::ask_again(client, customer, ledger),
    }
}
