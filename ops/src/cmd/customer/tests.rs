//! What an operator sees, compared with pages kept in `tests/golden`.
//!
//! After a change on purpose: `RAPPORT_UPDATE_GOLDEN=1 cargo test -p ops`, then read the difference.

use super::*;
use serde_json::Value;
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn answer(name: &str) -> Value {
    let text = std::fs::read_to_string(golden(name)).expect("a kept answer");
    serde_json::from_str(&text).expect("json")
}

fn check(page: &str, expected: &str) {
    let path = golden(expected);
    if std::env::var_os("RAPPORT_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{page}\n")).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("a kept page");
    assert_eq!(format!("{page}\n"), kept, "{}", path.display());
}

#[test]
fn a_decision_is_a_table_with_reasons_in_plain_words() {
    check(&decide::render(&answer("decision.json")), "decision.txt");
}

#[test]
fn nothing_to_offer_is_said_so() {
    let mut decision = answer("decision.json");
    decision["items"] = json!([]);
    check(&decide::render(&decision), "decision-empty.txt");
}

#[test]
fn why_and_why_not_are_told_stage_by_stage() {
    let explanation = answer("explanation.json");
    let page = ["data-xl", "save-10-off", "nonsense"].map(|offer| decide::render_why(&explanation, offer));
    check(&page.join("\n"), "explanation.txt");
}

#[test]
fn a_replay_that_differs_is_an_alarm() {
    let mut explanation = answer("explanation.json");
    explanation["replay_matches"] = json!(false);
    assert!(decide::render_why(&explanation, "data-xl").contains("ALARM"));
}

#[test]
fn the_view_of_a_customer_is_a_page() {
    check(&show::render(&answer("customer.json")), "customer.txt");
}

#[test]
fn an_unknown_customer_says_what_makes_one() {
    let page = show::render(&json!({"customer": "c-9", "revision": 0}));
    assert!(page.contains("nothing is known"), "{page}");
}

#[test]
fn the_past_is_two_tables() {
    let contacts = json!({"contacts": answer("customer.json")["contacts"]});
    let decisions = json!({"decisions": [answer("decision.json")]});
    let page = history::render(&contacts, &decisions);
    check(&format!("{page}\n\n{}", history::render(&json!({}), &json!({}))), "history.txt");
}
