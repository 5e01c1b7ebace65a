//! An acknowledged event is seen by the very next decision (I10).
//!
//! The offer `echo` is worth the tag that the last event set, so each decision says what it had heard.

use crate::harness::{Client, Home, event};
use serde_json::json;

/// Customers asking at once, and how often each is told something and asked.
const CUSTOMERS: i64 = 16;
const ROUNDS: i64 = 30;

#[test]
fn the_next_decision_knows_every_acknowledged_event() {
    let home = Home::new();
    let node = home.start();
    std::thread::scope(|scope| {
        for customer in 0..CUSTOMERS {
            let client = node.client().clone();
            scope.spawn(move || tell_and_ask(&client, customer));
        }
    });
}

/// Steps differ from round to round and between customers: neither an old answer nor another's can pass.
fn tell_and_ask(client: &Client, number: i64) {
    let customer = format!("c{number}");
    client.grant(&customer);
    for round in 1..=ROUNDS {
        let step = round * CUSTOMERS + number;
        let heard = client.hear(&event(&format!("e{round}"), &customer, step));
        assert_eq!(heard.accepted, 1);
        let channel = ["app", "desk", "sms"][usize::try_from(round % 3).unwrap()];
        let decision = client.decide(&customer, &json!({"channel": channel})).ok();
        let items = decision["items"].as_array().unwrap();
        let echo = items.iter().find(|item| item["offer"] == "echo").expect("echo is offered");
        assert_eq!(echo["value"].as_f64(), Some(step as f64), "{customer}, round {round}");
    }
}
