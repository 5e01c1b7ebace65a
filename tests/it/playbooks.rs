//! A playbook's life at a running node: refused with every mistake, put in force, compared, taken back, and changed
//! under load.

use crate::harness::node::playbook_dir;
use crate::harness::wait::until;
use crate::harness::{Client, Home, event, rapport};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const TAGS: &str = "\
tenant: {zone: Europe/Berlinn}
tags:
  - {id: age, type: integer}
  - {id: plan, type: enum, values: [prepaid, postpaid]}
  - {id: city, type: string}
  - {id: city, type: int}
";
const OFFERS: &str = "\
offers:
  - id: data
    value: {clv: \"1\"}
    prior: {default: 1.5}
    rulez: {eligible: \"true\"}
    rules: {eligible: \"t.plan == 'prepayd'\"}
    channels: [smss]
  - {id: gift, value: {clv: \"1\"}, valid: {from: 2026-02-01, to: 2026-01-01}}
channels: {sms: {kind: webhook, url: \"http://127.0.0.1:9/\"}}
";
const RULES: &str = "\
caps:
  - {id: c, match: \"true\", subject: customer, limit: -1, window: {calendar: month}}
suppress: [{on: refused, scope: offer, then: forever}]
quiet_hours: [{match: \"true\", local: [\"21-8\"]}]
events:
  - {type: e, data: {mb: numbr}}
";

/// File, line, and what the sentence has to name.
const MISTAKES: [(&str, u64, &str); 12] = [
    ("tags.yaml", 1, "Europe/Berlinn"),
    ("tags.yaml", 3, "integer"),
    ("tags.yaml", 6, "city"),
    ("offers.yaml", 4, "1.5"),
    ("offers.yaml", 5, "rulez"),
    ("offers.yaml", 6, "prepayd"),
    ("offers.yaml", 7, "smss"),
    ("offers.yaml", 8, "gift"),
    ("rules.yaml", 2, "-1"),
    ("rules.yaml", 3, "refused"),
    ("rules.yaml", 4, "21-8"),
    ("rules.yaml", 6, "numbr"),
];

#[test]
fn every_one_of_twelve_mistakes_is_told_and_the_playbook_in_force_stays() {
    let home = Home::new();
    let node = home.start();
    let before = node.client().get("/v1/playbooks").ok();
    let dir = home.path().join("wrong");
    fs::create_dir(&dir).unwrap();
    for (name, text) in [("tags.yaml", TAGS), ("offers.yaml", OFFERS), ("rules.yaml", RULES)] {
        fs::write(dir.join(name), text).unwrap();
    }

    let reply = node.client().json("POST", "/v1/playbooks", &upload(&dir));
    assert_eq!((reply.status, &reply.json()["code"]), (422, &json!("invalid_playbook")), "{reply}");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_twelve(&reply.json()["mistakes"]);
    assert_eq!(node.client().get("/v1/playbooks").ok(), before, "nothing was stored or put in force");

    let path = dir.to_str().unwrap();
    let checked = rapport(&["playbook", "validate", path, "--json"]);
    assert_eq!((checked.exit_code, &checked.json()["valid"]), (1, &json!(false)));
    assert_twelve(&checked.json()["findings"]);
    let told = rapport(&["playbook", "validate", path]);
    assert_eq!(told.exit_code, 1);
    for (file, line, _) in MISTAKES {
        let begin = format!("{file}:{line}: ");
        assert!(told.stdout.lines().any(|told| told.starts_with(&begin)), "{begin} in {}", told.stdout);
    }
    assert_eq!(told.stdout.lines().count(), MISTAKES.len(), "{}", told.stdout);
    let refused = rapport(&["playbook", "apply", path, "--server", node.server()]);
    assert_eq!(refused.exit_code, 1, "{refused:?}");
    assert_eq!(node.client().get("/v1/playbooks").ok(), before);
}

fn assert_twelve(mistakes: &Json) {
    let mistakes = mistakes.as_array().expect("a list");
    for (file, line, word) in MISTAKES {
        let fits = |it: &&Json| {
            it["file"] == file && it["line"] == line && it["what"].as_str().unwrap().contains(word)
        };
        let found = mistakes.iter().find(fits);
        let found = found.unwrap_or_else(|| panic!("{file}:{line} names {word}: {mistakes:#?}"));
        assert!(!found["fix"].as_str().unwrap().is_empty(), "{found}");
        assert_eq!(found["severity"], "error");
    }
    assert_eq!(mistakes.len(), MISTAKES.len(), "{mistakes:#?}");
}

#[test]
fn a_playbook_is_compared_applied_listed_and_taken_back_from_the_command_line() {
    let home = Home::new();
    let node = home.start();
    let say =
        |words: &[&str]| rapport(&[&["playbook"], words, &["--server", node.server(), "--json"]].concat());
    let first = node.client().get("/v1/playbooks").ok()["active"].as_str().unwrap().to_owned();

    let same = playbook_dir();
    let unchanged = say(&["diff", same.to_str().unwrap()]).done().json();
    assert_eq!((&unchanged["from"], &unchanged["sections"]), (&json!(first), &json!({})));

    let changed = variant(
        home.path(),
        "changed",
        &[("value: {clv: \"60\"}", "value: {clv: \"66\"}"), ("id: senior", "id: silver")],
    );
    let changed = changed.to_str().unwrap();
    let diff = say(&["diff", changed]).done().json();
    let offers = &diff["sections"]["offers"];
    assert_eq!((&offers["added"], &offers["removed"]), (&json!(["silver"]), &json!(["senior"])), "{diff}");
    assert_eq!(active(node.client()), first, "comparing changes nothing");

    let applied = say(&["apply", changed]).done().json();
    let second = applied["id"].as_str().unwrap().to_owned();
    assert_eq!((&applied["active"], &diff["to"]), (&json!(true), &json!(second)));
    assert_eq!(active(node.client()), second);
    node.client().grant("ann");
    node.client().tag("ann", &json!({"age": 70})).ok();
    let best = |customer: &str| node.client().decide(customer, &json!({"channel": "app"})).ok();
    let decision = best("ann");
    assert_eq!((&decision["playbook"], &decision["items"][0]["offer"]), (&json!(second), &json!("silver")));

    let listed = say(&["list"]).done().json();
    assert_eq!((listed["playbooks"].as_array().unwrap().len(), &listed["active"]), (2, &json!(second)));
    assert_eq!(listed["activations"].as_array().unwrap().len(), 2);

    say(&["rollback", &first[..8]]).done();
    assert_eq!(active(node.client()), first);
    assert_eq!(
        best("ann")["items"][0]["offer"],
        "senior",
        "the number one of another playbook does not stand"
    );
    assert_eq!(say(&["rollback", "no-such-id"]).exit_code, 2);
    assert_eq!(rapport(&["playbook", "validate", changed]).done().stdout, "");

    let path = format!("/v1/customers/ann/decisions/{}", decision["decision_id"].as_str().unwrap());
    let explained = node.client().get(&path).ok();
    assert_eq!((&explained["replay_matches"], &explained["playbook"]), (&json!(true), &json!(second)));
}

#[test]
fn playbooks_change_under_load_and_no_request_notices() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    let first = active(client);
    let other = variant(home.path(), "other", &[("value: {clv: \"5\"}", "value: {clv: \"6\"}")]);
    let second =
        client.json("POST", "/v1/playbooks", &upload(&other)).ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(active(client), first, "stored, not in force");

    let (stop, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    let seen = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for caller in 0..6 {
            let (stop, answers, seen) = (&stop, &answers, &seen);
            scope.spawn(move || {
                let customer = format!("c{caller}");
                client.grant(&customer);
                for round in 0.. {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    assert_eq!(client.hear(&event(&format!("e{round}"), &customer, round)).accepted, 1);
                    let decision = client.decide(&customer, &json!({"channel": "app"})).ok();
                    let coupon =
                        decision["items"].as_array().unwrap().iter().find(|it| it["offer"] == "coupon");
                    let worth = coupon.expect("the coupon is offered")["value"].as_f64().unwrap();
                    let playbook = decision["playbook"].as_str().unwrap().to_owned();
                    seen.lock().unwrap().insert((playbook, worth.to_string()));
                    answers.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        let closing = StopWhenDropped(&stop);
        for id in [&second, &first].into_iter().cycle().take(20) {
            let before = answers.load(Ordering::Acquire);
            until("decisions between two activations", || {
                (answers.load(Ordering::Acquire) >= before + 10).then_some(())
            });
            client.send("POST", &format!("/v1/playbooks/{id}/activate"), &[], b"").ok();
            assert_eq!(&active(client), id);
        }
        drop(closing);
    });
    let expected = BTreeSet::from([(first, "5".to_owned()), (second, "6".to_owned())]);
    assert_eq!(seen.into_inner().unwrap(), expected, "each decision is of one playbook as a whole");
}

/// A failing test must not leave its callers calling.
struct StopWhenDropped<'a>(&'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn active(client: &Client) -> String {
    client.get("/v1/playbooks/active").ok()["id"].as_str().expect("an id").to_owned()
}

fn upload(dir: &Path) -> Json {
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        json!({"name": name, "text": fs::read_to_string(&path).expect("a file")})
    };
    let files: Vec<Json> = fs::read_dir(dir).expect("a directory").map(file).collect();
    json!({"files": files})
}

/// The playbook of the tests with some of its text replaced.
fn variant(home: &Path, name: &str, changes: &[(&str, &str)]) -> std::path::PathBuf {
    let dir = home.join(name);
    fs::create_dir(&dir).expect("made");
    let mut open = changes.to_vec();
    for entry in fs::read_dir(playbook_dir()).expect("a directory") {
        let path = entry.expect("an entry").path();
        let mut text = fs::read_to_string(&path).expect("a file");
        open.retain(|(from, to)| {
            let there = text.contains(from);
            text = text.replace(from, to);
            !there
        });
        fs::write(dir.join(path.file_name().expect("a name")), text).expect("written");
    }
    assert!(open.is_empty(), "the playbook has no {open:?}");
    dir
}
