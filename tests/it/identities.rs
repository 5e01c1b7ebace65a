//! Several ids for one customer, over a node of its own: aliases, merges, and the erasure of all of it.

use crate::harness::{Home, Node, event, rapport};
use serde_json::{Value as Json, json};
use std::fs;
use std::path::Path;

const ID: &str = "subscriber-49170111";
const OTHER: &str = "subscriber-49170222";
const NUMBER: &str = "msisdn:4917033333";
const MAIL: &str = "mailto:ann@example.com";

fn path(id: &str, rest: &str) -> String {
    format!("/v1/customers/{id}{rest}")
}

fn code(reply: &crate::harness::Reply) -> (u16, String) {
    (reply.status, reply.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn every_call_may_name_an_alias_and_is_answered_for_its_customer() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    client.grant(ID);
    client.tag(ID, &json!({"age": 31})).ok();
    let added = client.json("PUT", &path(ID, &format!("/aliases/{NUMBER}")), &json!({"line": "mobile"})).ok();
    assert_eq!(added, json!({"customer": ID, "alias": NUMBER, "applied": true}));
    assert_eq!(client.send("PUT", &path(NUMBER, &format!("/aliases/{MAIL}")), &[], b"").ok()["customer"], ID);
    assert_eq!(client.hear(&event("e1", NUMBER, 1)).accepted, 1);
    assert_eq!(client.hear(&event("e1", ID, 1)).duplicate, 1, "one customer, one effect");

    for id in [ID, NUMBER, MAIL] {
        let view = client.view(id);
        assert_eq!(view["customer"], ID);
        assert_eq!(view["tags"]["step"]["value"], 1);
        assert_eq!(view["aliases"], json!([MAIL, NUMBER]));
        assert_eq!(view["links"][1]["line"], "mobile");
        let decision = client.decide(id, &json!({"channel": "app", "request_id": id})).ok();
        assert_eq!(decision["customer"], ID);
        let again = client.decide(id, &json!({"channel": "app", "request_id": id}));
        assert_eq!((again.json(), again.header("x-rapport-repeated")), (decision.clone(), "true"));
        let why =
            client.get(&path(id, &format!("/decisions/{}", decision["decision_id"].as_str().unwrap()))).ok();
        assert_eq!(why["replay_matches"], true);
        let refused =
            json!({"decision_id": decision["decision_id"], "offer": "coupon", "response": "rejected"});
        client.respond(id, &refused).ok();
        assert_eq!(client.view(ID)["refusals"][0]["id"], "coupon");
        assert_eq!(client.get(&path(id, "/export")).ok()["customer"], ID);
    }

    client.tag(OTHER, &json!({"age": 50})).ok();
    let taken =
        |id: &str, alias: &str| code(&client.send("PUT", &path(id, &format!("/aliases/{alias}")), &[], b""));
    assert_eq!(taken(ID, OTHER), (422, "alias_is_customer".into()));
    assert_eq!(taken(OTHER, NUMBER), (422, "alias_taken".into()));
    assert_eq!(taken(ID, "%00"), (400, "bad_alias".into()));
    let removed = client.send("DELETE", &path(ID, &format!("/aliases/{NUMBER}")), &[], b"").ok();
    assert_eq!(removed["applied"], true);
    assert_eq!(client.view(NUMBER)["customer"], NUMBER);
}

#[test]
fn two_customers_become_one_and_two_again_and_keep_their_past() {
    let home = Home::new();
    let node = home.start();
    let (client, server) = (node.client(), node.server());
    let mut decided = Vec::new();
    for (id, age) in [(ID, 31), (OTHER, 50)] {
        client.grant(id);
        client.tag(id, &json!({"age": age})).ok();
        for n in 0..2 {
            let question =
                json!({"channel": "sms", "direction": "outbound", "request_id": format!("{id}{n}")});
            let decision = client.decide(id, &question).ok();
            assert!(decision["items"][0]["contact_id"].is_string(), "{decision}");
            decided.push(decision["decision_id"].clone());
        }
    }
    let merge = ["customer", "merge", ID, "--from", OTHER, "--merge-id", "m1", "--server", server, "--json"];
    for applied in [true, false] {
        let merged = rapport(&merge).done().json();
        assert_eq!(merged, json!({"customer": ID, "from": OTHER, "merge_id": "m1", "applied": applied}));
    }
    for id in [ID, OTHER] {
        assert_eq!(client.view(id)["aliases"], json!([OTHER]));
        assert_eq!(client.view(id)["merges"][0]["merge_id"], "m1");
        assert_eq!(client.contacts(id).len(), 4, "contacts of both, page by page");
        let decisions = client.get(&path(id, "/decisions")).ok();
        let told: Vec<&Json> =
            decisions["decisions"].as_array().unwrap().iter().map(|one| &one["decision_id"]).collect();
        assert!(decided.iter().all(|one| told.contains(&one)), "{told:?}");
        for decision in &decided {
            let why = client.get(&path(id, &format!("/decisions/{}", decision.as_str().unwrap()))).ok();
            assert_eq!(why["replay_matches"], true, "{decision} of {id}");
        }
        assert_eq!(client.get(&path(id, "/export")).ok()["contacts"].as_array().unwrap().len(), 4);
    }
    assert_eq!(client.view(OTHER)["caps"][0]["used"], 4);

    node.kill();
    let node = home.start();
    let client = node.client();
    let parted =
        rapport(&["customer", "unmerge", ID, "--merge-id", "m1", "--server", node.server(), "--json"]);
    assert_eq!(parted.done().json()["applied"], true);
    for (id, age) in [(ID, 31), (OTHER, 50)] {
        let view = client.view(id);
        assert_eq!((&view["customer"], &view["tags"]["age"]["value"]), (&json!(id), &json!(age)));
        assert_eq!((&view["aliases"], &view["caps"][0]["used"]), (&json!([]), &json!(4)));
    }
    let again = client.json("POST", &path(ID, "/merge"), &json!({"from": OTHER, "merge_id": "m1"}));
    assert_eq!(code(&again), (422, "merge_undone".into()));
    for wrong in [json!({"from": "", "merge_id": "m"}), json!({"from": OTHER, "merge_id": ""}), json!({})] {
        assert_eq!(client.json("POST", &path(ID, "/merge"), &wrong).status, 400, "{wrong}");
    }
}

/// More rows than are read at once, and something in every part of a customer.
#[test]
fn an_export_holds_all_that_is_known_of_a_customer() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    for id in [ID, OTHER] {
        client.grant(id);
        client.tag(id, &json!({"age": 31, "city": "Ulm"})).ok();
    }
    let usage = json!({"specversion": "1.0", "id": "u1", "source": "/pcrf", "type": "test.usage", "subject": ID,
                       "data": {"mb": 12_000.0}});
    client.hear(&usage);
    client.send("PUT", &path(ID, &format!("/aliases/{NUMBER}")), &[], b"").ok();
    let sms = json!({"channel": "sms", "direction": "outbound", "request_id": "r1", "placement": "evening"});
    let contact = client.decide(OTHER, &sms).ok()["items"][0]["contact_id"].clone();
    client.json("POST", &path(ID, "/merge"), &json!({"from": OTHER, "merge_id": "m1"})).ok();
    let asked = 230;
    for n in 0..asked {
        client.decide(ID, &json!({"channel": "app", "context": {"session": {"page": n}}})).ok();
    }
    let refused = json!({"contact_id": contact, "response": "rejected", "by": "agent"});
    client.respond(ID, &refused).ok();

    let export = client.get(&path(NUMBER, "/export")).ok();
    assert_eq!(export["customer"], ID);
    let view = client.view(ID);
    for part in ["tags", "consents", "contacts", "caps", "refusals", "products", "aliases", "links", "merges"]
    {
        assert_eq!(export["view"][part], view[part], "{part}");
    }
    assert_eq!(export["view"]["tags"]["city"]["source"], "test");
    assert_eq!(export["view"]["tags"]["age"]["as_of"], view["tags"]["age"]["as_of"]);
    assert_eq!(export["consent_history"].as_array().unwrap().len(), 2);
    assert_eq!(
        (export["contacts"].as_array().unwrap().len(), &export["contacts"][0]["state"]),
        (1, &json!("seen"))
    );
    let decisions = export["decisions"].as_array().unwrap();
    assert_eq!(decisions.len(), asked + 1, "every decision of either, page after page");
    let pages: std::collections::BTreeSet<i64> =
        decisions.iter().filter_map(|one| one["context"]["session"]["page"].as_i64()).collect();
    assert_eq!(pages.len(), asked, "each once, with its question");
    assert_eq!(
        (&decisions[asked]["request_id"], &decisions[asked]["placement"]),
        (&json!("r1"), &json!("evening"))
    );
    let state = &export["state"];
    for part in [
        "undeclared_tags",
        "derivations",
        "refusals",
        "recent",
        "standing",
        "decision_count",
        "life",
        "identity",
        "exposures",
    ] {
        assert!(state.get(part).is_some(), "{part}");
    }
    assert!(state["derivations"]["parts"].as_object().is_some_and(|parts| !parts.is_empty()), "{state}");
    assert_eq!(client.get(&path("nobody", "/export")).ok()["decisions"], json!([]));
}

#[test]
fn of_an_erased_customer_no_id_is_in_any_file() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    for id in [ID, OTHER] {
        client.grant(id);
        client.decide(id, &json!({"channel": "sms", "direction": "outbound"})).ok();
    }
    for (id, alias) in [(ID, NUMBER), (OTHER, MAIL)] {
        client.send("PUT", &path(id, &format!("/aliases/{alias}")), &[], b"").ok();
    }
    client.hear(&event("e1", MAIL, 1));
    client.json("POST", &path(ID, "/merge"), &json!({"from": OTHER, "merge_id": "m1"})).ok();
    client.hear(&event("e2", NUMBER, 2));
    client.get(&path("%ff", ""));
    client.hear(&event("kept", "subscriber-who-stays", 1));
    let receipt = client.send("DELETE", &path(MAIL, ""), &[], b"").ok();
    assert_eq!(receipt["removed"], json!({"snapshots": 4, "contacts": 2, "decisions": 2}));
    compacted(&home, node);
    for id in [ID, OTHER, NUMBER, MAIL] {
        assert_eq!(files_with(home.path(), id), Vec::<String>::new(), "{id}");
    }
    assert!(!files_with(home.path(), "subscriber-who-stays").is_empty(), "the search finds what is there");

    let node = home.start();
    for id in [ID, OTHER, NUMBER, MAIL] {
        assert_eq!(node.client().hear(&event("e1", id, 1)).accepted, 1, "a late event begins a new customer");
        assert_eq!(node.client().view(id)["customer"], id);
    }
}

fn compacted(home: &Home, node: Node) {
    assert!(node.terminate().success());
    let data_dir = home.path().join("data");
    rapport(&["store", "compact", "--data-dir", data_dir.to_str().unwrap(), "--json"]).done();
}

/// Files below `dir`, logs of the nodes included, that hold the text.
fn files_with(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}
