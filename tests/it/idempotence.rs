//! The same id has one effect (I9), asked one after another and all at once.

use crate::harness::{Client, Counts, Home, event};
use serde_json::{Value as Json, json};
use std::sync::Barrier;

/// Callers that ask the same at once.
const CALLERS: usize = 8;

#[test]
fn an_event_heard_three_times_counts_once() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    let heard: Vec<Counts> = (0..3).map(|_| client.hear(&event("e1", "c", 5))).collect();
    let duplicate = Counts { duplicate: 1, ..Counts::default() };
    assert_eq!(heard, [Counts { accepted: 1, ..Counts::default() }, duplicate, duplicate]);
    let after = client.view("c");
    assert_eq!((&after["tags"]["heard"]["value"], &after["revision"]), (&json!(1), &json!(1)));

    let other_source = json!({"source": "/other"}).as_object().unwrap().clone();
    let mut other = event("e1", "c", 6);
    other.as_object_mut().unwrap().extend(other_source);
    assert_eq!(client.hear(&other).accepted, 1, "id and source together are the identity");

    let twice = format!("{0}\n{0}\n", event("e2", "c", 7));
    let answer = client.lines("/v1/events", &twice).ok();
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(1), &json!(1)));
    assert_eq!(client.value("c", "heard"), 3);
}

#[test]
fn a_request_repeated_gets_the_same_bytes_and_reserves_one_contact() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    client.grant("c");
    let question = outbound("r1");
    let first = client.decide("c", &question);
    assert!(first.ok()["items"][0]["contact_id"].is_string(), "{first}");
    for _ in 0..2 {
        assert_eq!(client.decide("c", &question).body, first.body);
    }
    client.tag("c", &json!({"age": 40})).ok();
    assert_eq!(client.decide("c", &question).body, first.body, "whatever has changed meanwhile");
    assert_eq!(client.contacts("c").len(), 1);
    assert_ne!(client.decide("c", &outbound("r2")).body, first.body);
    assert_eq!(client.contacts("c").len(), 2);
}

#[test]
fn a_response_repeated_is_heard_once() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    client.grant("c");
    let decision = client.decide("c", &outbound("r1")).ok();
    let contact = &decision["items"][0]["contact_id"];
    let sent = json!({"contact_id": contact, "response": "sent", "response_id": "x1"});
    let applied: Vec<Json> = (0..3).map(|_| client.respond("c", &sent).ok()["applied"].clone()).collect();
    assert_eq!(applied, [true, false, false]);
    let late = json!({"contact_id": contact, "response": "failed", "response_id": "x1"});
    let late = client.respond("c", &late).ok();
    assert_eq!((&late["applied"], &late["contact_state"]), (&json!(false), &json!("sent")), "the id counts");
}

#[test]
fn callers_at_once_have_one_effect_together() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    for round in 0..10 {
        let customer = format!("c{round}");
        client.grant(&customer);
        let counts = at_once(|| client.hear(&event("e1", &customer, 1)));
        let total = |count: fn(&Counts) -> u64| counts.iter().map(count).sum::<u64>();
        assert_eq!((total(|it| it.accepted), total(|it| it.duplicate)), (1, CALLERS as u64 - 1));

        let answers = at_once(|| client.decide(&customer, &outbound("r1")));
        let first = &answers[0];
        assert!(
            answers.iter().all(|answer| answer.status == 200 && answer.body == first.body),
            "{answers:?}"
        );
        assert_eq!(client.contacts(&customer).len(), 1, "one contact for one request");

        let sent = json!({"contact_id": first.json()["items"][0]["contact_id"], "response": "sent", "response_id": "x"});
        let outcomes = at_once(|| client.respond(&customer, &sent).ok());
        assert_eq!(outcomes.iter().filter(|outcome| outcome["applied"] == true).count(), 1);
        assert_eq!(client.value(&customer, "heard"), 1);
    }
}

#[test]
fn callers_at_once_with_ids_of_their_own_never_exceed_the_cap() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    for round in 0..5 {
        let customer = format!("c{round}");
        client.grant(&customer);
        let ids: Vec<String> = (0..CALLERS).map(|caller| format!("r{caller}")).collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        let answers = at_once(|| {
            let id = &ids[next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)];
            client.decide(&customer, &outbound(id)).ok()
        });
        let offered = |answer: &&Json| !answer["items"].as_array().unwrap().is_empty();
        assert_eq!(answers.iter().filter(offered).count(), 4, "four of {CALLERS}");
        for refused in answers.iter().filter(|answer| !offered(answer)) {
            let cap = refused["withheld"].as_array().unwrap().iter().find(|it| it["code"] == "cap");
            let cap = cap.expect("the cap is named");
            assert_eq!((&cap["cap"], &cap["used"], &cap["limit"]), (&json!("month4"), &json!(4), &json!(4)));
            assert!(cap["next_free_at"].is_string() && refused["next_free_at"].is_string(), "{refused}");
        }
        assert_eq!(contacts_counted(client, &customer), (4, 4));
    }
}

fn contacts_counted(client: &Client, customer: &str) -> (usize, u64) {
    (client.contacts(customer).len(), client.view(customer)["caps"][0]["used"].as_u64().unwrap())
}

fn outbound(request_id: &str) -> Json {
    json!({"channel": "sms", "direction": "outbound", "purpose": "marketing", "request_id": request_id})
}

/// The same call by all callers, let go together.
fn at_once<T: Send>(call: impl Fn() -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(CALLERS);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    call()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().expect("a caller")).collect()
    })
}
