//! A playbook looked at with the stored customers, before anybody gets it.

use crate::harness::wait::until;
use crate::harness::{Client, Home, rapport};
use serde_json::{Value as Json, json};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The fixture's tags and channels with offers that go wrong in one way each.
const OFFERS: &str = r#"
tags:
  - {id: age, type: int}
  - {id: city, type: string, private: true}
offers:
  - {id: sound, value: {clv: 100}, prior: {default: 0.1}, rules: {eligible: "t.age >= 40"}}
  - {id: nobody, value: {clv: 90}, prior: {default: 0.1}, rules: {eligible: "t.age > 200"}}
  - {id: between, value: {clv: 90}, prior: {default: 0.1}, rules: {eligible: "t.age < 30", suitable: "t.age > 50"}}
  - {id: everybody, value: {clv: 80}, prior: {default: 0.1}, rules: {eligible: "t.age >= 1"}}
  - {id: starved, family: f, value: {clv: 1}, prior: {default: 0.1}}
  - {id: eats-1, family: f, value: {clv: 50}, prior: {default: 0.1}}
  - {id: few, owner: "partner:cafe", value: {clv: 40}, prior: {default: 0.1}, rules: {eligible: "t.age == 61"}}
  - {id: enough, owner: "partner:cafe", value: {clv: 40}, prior: {default: 0.1}, rules: {eligible: "t.age < 45"}}
  - {id: near, value: {clv: 40}, prior: {default: 0.1}, place: {lat: 52.5, lon: 13.4, within_m: 500}}
partners: [{id: cafe, tags: [age], audience_min: 20}]
family_max: 1
channels: {app: {kind: inbound}, desk: {kind: inbound}}
"#;

const CUSTOMERS: u64 = 150;

/// Customers of 20 to 69 years, three of each age, who consented to everything.
fn populate(client: &Client) {
    for n in 0..CUSTOMERS {
        let customer = format!("p{n}");
        client.grant(&customer);
        client.tag(&customer, &json!({"age": 20 + n % 50})).ok();
    }
}

fn write(home: &Home, name: &str, text: &str) -> String {
    let dir = home.path().join(name);
    fs::create_dir(&dir).expect("made");
    fs::write(dir.join("playbook.yaml"), text).expect("written");
    dir.to_str().expect("text").to_owned()
}

fn findings(report: &Json, severity: &str) -> Vec<(String, String)> {
    let word = |finding: &Json, key: &str| finding[key].as_str().unwrap_or("-").to_owned();
    let found = report["findings"].as_array().expect("a list").iter();
    found.filter(|it| it["severity"] == severity).map(|it| (word(it, "code"), word(it, "offer"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(code, offer)| ((*code).to_owned(), (*offer).to_owned())).collect()
}

#[test]
fn what_would_go_wrong_is_told_before_it_does() {
    let home = Home::new();
    let node = home.start();
    let before = node.client().get("/v1/playbooks").ok();
    populate(node.client());
    let dir = write(&home, "wrong", OFFERS);
    let say = |words: &[&str]| rapport(&[&["playbook"], words, &["--server", node.server()]].concat());

    let found = say(&["preflight", &dir, "--json"]);
    assert_eq!(found.exit_code, 1, "{found:?}");
    let answer = found.json();
    let report = &answer["report"];
    assert_eq!((&answer["customers"], &report["complete"]), (&json!(CUSTOMERS), &json!(true)));
    assert_eq!(report["decisions"], json!(CUSTOMERS * 2), "one in each channel");
    let failures = [("audience_below_min", "few"), ("unreachable", "between"), ("unreachable", "nobody")];
    assert_eq!(findings(report, "fail"), pairs(&failures), "{report:#}");
    assert_eq!(findings(report, "warn"), pairs(&[("never_shown", "starved"), ("wide_rule", "everybody")]));
    assert_eq!(findings(report, "note"), pairs(&[("never_shown", "near")]));
    let offer = |id: &str| {
        report["offers"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|it| it["offer"] == id)
            .expect("there")
            .clone()
    };
    // 30 ages from 40 on, three customers each.
    assert_eq!(offer("sound")["audience"], json!(90));
    assert_eq!(offer("sound")["shown"], json!(180));
    assert_eq!(offer("sound")["first"], json!(180));
    assert_eq!((&offer("few")["audience"], &offer("enough")["audience"]), (&json!(3), &json!(75)));
    assert!(report["decision_us_mean"].as_f64().expect("a time") > 0.0);

    let told = say(&["preflight", &dir]);
    assert_eq!(told.exit_code, 1);
    assert!(
        told.stdout.contains("fail unreachable nobody: nobody can get it: eligible `t.age > 200` holds for")
    );
    let refused = say(&["apply", &dir, "--preflight"]);
    assert_eq!(refused.exit_code, 1, "{refused:?}");
    assert_eq!(node.client().get("/v1/playbooks").ok(), before, "nothing was stored or put in force");

    let sound =
        OFFERS.lines().filter(|line| !["nobody", "between", "few,"].iter().any(|id| line.contains(id)));
    let sound = write(&home, "sound", &sound.collect::<Vec<_>>().join("\n"));
    say(&["preflight", &sound]).done();
    assert_eq!(say(&["preflight", &sound, "--strict"]).exit_code, 1, "warnings count when asked to");
    let partly = say(&["preflight", &sound, "--customers-max", "70", "--json"]).done().json();
    assert_eq!((&partly["customers"], &partly["report"]["complete"]), (&json!(70), &json!(false)));
    say(&["apply", &sound, "--preflight"]).done();
}

#[test]
fn a_preflight_is_paced_and_one_at_a_time_and_serving_goes_on() {
    let home = Home::new();
    let node = home.start();
    let client = node.client();
    populate(client);
    let question = json!({"files": [{"name": "p.yaml", "text": OFFERS}], "customers_per_second": 1});
    assert_eq!(client.get("/v1/playbooks/preflight").status, 404);
    let begun = client.json("POST", "/v1/playbooks/preflight", &question).ok();
    assert_eq!(begun["state"], "walking");
    let second = client.json("POST", "/v1/playbooks/preflight", &question);
    assert_eq!((second.status, &second.json()["code"]), (409, &json!("preflight_running")));
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                client.decide("p1", &json!({"channel": "app"})).ok();
                answered.fetch_add(1, Ordering::AcqRel);
            }
        });
        until("decisions beside a preflight", || (answered.load(Ordering::Acquire) >= 50).then_some(()));
        stop.store(true, Ordering::Release);
    });
    let walking = client.get("/v1/playbooks/preflight").ok();
    assert_eq!(walking["state"], "walking", "one page a minute: it is not through yet");
    client.send("DELETE", "/v1/playbooks/preflight", &[], b"").ok();
}

#[test]
fn a_playbook_with_mistakes_is_not_looked_at() {
    let home = Home::new();
    let node = home.start();
    let question = json!({"files": [{"name": "p.yaml", "text": "offers: [{id: a, rulez: 1}]"}]});
    let refused = node.client().json("POST", "/v1/playbooks/preflight", &question);
    assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("invalid_playbook")));
    assert_eq!(node.client().get("/v1/playbooks/preflight").status, 404);
}
