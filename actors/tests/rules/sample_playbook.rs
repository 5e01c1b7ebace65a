//! The sample playbook is valid, stays what it was after being stored, and has something for everybody.

use crate::fixture::{Subject, request};
use actors::call::Direction;
use actors::playbook::compile::{Compiled, compile, from_canonical};
use actors::playbook::{Dictionary, Severity};
use std::sync::Arc;

fn telco() -> Compiled {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../playbooks/telco");
    let mut files: Vec<(String, String)> = std::fs::read_dir(dir)
        .expect("the sample playbook")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("text"))
        })
        .collect();
    files.sort();
    match compile(&files, &Dictionary::default()) {
        Ok(compiled) => compiled,
        Err(mistakes) => {
            panic!("{}", mistakes.iter().map(|mistake| format!("{mistake}\n")).collect::<String>())
        }
    }
}

#[test]
fn the_sample_playbook_is_valid_and_rich() {
    let compiled = telco();
    let playbook = &compiled.playbook;
    assert!(compiled.warnings.iter().all(|warning| warning.severity == Severity::Warning));
    assert!(playbook.tags.len() >= 60, "{} tags", playbook.tags.len());
    assert!(playbook.events.len() >= 12, "{} events", playbook.events.len());
    assert!(playbook.offers.len() >= 200, "{} offers", playbook.offers.len());
    assert!(playbook.caps.iter().any(|cap| &*cap.id == "month4" && cap.limit == 4));
}

#[test]
fn a_stored_playbook_is_the_same_playbook() {
    let playbook = telco().playbook;
    let again = from_canonical(&playbook.canonical, &playbook.dictionary).expect("readable");
    assert_eq!((again.id, again.offers.len()), (playbook.id, playbook.offers.len()));
}

#[test]
fn the_sample_has_an_offer_for_a_customer_nothing_is_known_of() {
    let playbook = Arc::new(telco().playbook);
    let mut known = Subject::consenting(Arc::clone(&playbook));
    let mut unknown = Subject::new(playbook);
    let consented = known.ask(request("app", Direction::Inbound));
    assert!(consented.items.len() >= 5, "{} items", consented.items.len());
    let service_only = unknown.ask(request("app", Direction::Inbound));
    assert!(!service_only.items.is_empty());
}
