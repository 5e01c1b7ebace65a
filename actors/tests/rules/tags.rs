//! The dictionary of tags while the playbook changes, and what of a customer's history stays in its snapshot.

use crate::fixture::{PLAYBOOK, Subject, playbook};
use actors::call::{Command, Direction, EventOutcome, PatchOutcome, Reply, TagPatch};
use actors::playbook::active::Active;
use actors::playbook::compile::compile;
use actors::playbook::dictionary::Declaration;
use actors::playbook::{Dictionary, Playbook, TagKind};
use actors::timestamp::DAY_MS;
use actors::value::Value;
use std::sync::Arc;

/// As in a large company.
const TAG_COUNT: usize = 90_000;

fn large() -> Dictionary {
    let ids: Vec<String> = (0..TAG_COUNT).map(|n| format!("lake.table_{}.column_{n}", n / 300)).collect();
    let declared = ids.iter().enumerate().map(|(n, id)| Declaration {
        id,
        kind: if n % 3 == 0 { TagKind::Int } else { TagKind::Number },
        values: &[],
    });
    Dictionary::default().extended_by(declared).expect("room for 90,000")
}

fn compiled(text: &str, dictionary: &Dictionary) -> Arc<Playbook> {
    match compile(&[("playbook.yaml".to_owned(), text.to_owned())], dictionary) {
        Ok(compiled) => Arc::new(compiled.playbook),
        Err(mistakes) => panic!("{}", mistakes[0]),
    }
}

fn with_tag(line: &str) -> String {
    PLAYBOOK.replace("  - {id: zone, type: string}", &format!("  - {{id: zone, type: string}}\n{line}"))
}

fn goes_on_with(subject: &mut Subject, playbook: Arc<Playbook>) {
    subject.active = Active { playbook, ..subject.active.clone() };
}

fn shown(subject: &mut Subject, tag: &str) -> Option<Value> {
    match subject.apply(&Command::View).reply {
        Reply::View(view) => view.tags.iter().find(|one| &*one.id == tag).map(|one| one.value.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dictionary_of_90000_tags_numbers_them_all_and_knows_no_others() {
    let large = large();
    assert_eq!(large.len(), TAG_COUNT);
    let again = Dictionary::decode(&large.encode()).expect("readable");
    for n in [0, 1, 299, 300, 44_999, TAG_COUNT - 1] {
        let id = format!("lake.table_{}.column_{n}", n / 300);
        let kind = if n % 3 == 0 { TagKind::Int } else { TagKind::Number };
        assert_eq!(again.number(&id, kind).map(|number| number.0 as usize), Some(n), "{id}");
    }
    assert_eq!(again.number("lake.table_0.column_90001", TagKind::Int), None);

    let mut ann = Subject::new(compiled(PLAYBOOK, &large));
    assert_eq!(
        ann.tag("age", Value::Int(34)),
        Reply::Tags(PatchOutcome { changed: 1, ..PatchOutcome::default() })
    );
    let before = ann.snapshot.clone();
    match ann.tag("lake.table_0.column_0", Value::Int(1)) {
        Reply::Refused(refusal) => assert_eq!(refusal.code, "unknown_tag", "numbered, and not declared now"),
        other => panic!("{other:?}"),
    }
    match ann.tag("no_such_tag", Value::Int(1)) {
        Reply::Refused(refusal) => assert!(refusal.detail.contains("no_such_tag"), "{}", refusal.detail),
        other => panic!("{other:?}"),
    }
    assert_eq!(ann.snapshot, before);
}

/// Neither growing nor retiring rewrites a customer: the bytes stay, and what is retired is not seen until it is back.
#[test]
fn tags_come_and_go_while_customers_stay_as_they_are() {
    let first = compiled(&with_tag("  - {id: old_score, type: number}"), &Dictionary::default());
    let mut ann = Subject::new(Arc::clone(&first));
    ann.tag("old_score", Value::Number(0.75));
    ann.tag("age", Value::Int(34));
    let before = ann.snapshot.clone();

    let second = compiled(&with_tag("  - {id: new_score, type: number}"), &first.dictionary);
    goes_on_with(&mut ann, Arc::clone(&second));
    assert_eq!(shown(&mut ann, "old_score"), None);
    assert_eq!(shown(&mut ann, "age"), Some(Value::Int(34)));
    assert_eq!(ann.snapshot, before, "a new playbook rewrites nobody");
    assert!(matches!(ann.tag("old_score", Value::Number(1.0)), Reply::Refused(_)), "retired");
    ann.tag("new_score", Value::Number(0.5));
    assert_eq!(ann.customer().tags.len(), 3, "what is retired is kept");

    let third = compiled(&with_tag("  - {id: old_score, type: number}"), &second.dictionary);
    goes_on_with(&mut ann, third);
    assert_eq!(shown(&mut ann, "old_score"), Some(Value::Number(0.75)));
    assert_eq!(shown(&mut ann, "new_score"), None);
}

/// A batch that is older, or of the same time and the same value, changes nothing; of the same time and another value, it
/// does.
#[test]
fn an_older_batch_never_overwrites_a_newer_tag() {
    let mut ann = Subject::new(playbook());
    let mut load = |ms: i64, age: i64, left: i64| {
        let as_of = Some(ann.now.plus_ms(ms - 10_000));
        let patch = TagPatch {
            source: format!("load {ms}"),
            as_of,
            set: vec![("age".into(), Value::Int(age))],
            unset: vec![],
        };
        ann.apply(&Command::PatchTags(patch));
        assert_eq!(shown(&mut ann, "age"), Some(Value::Int(left)), "load of {ms}");
    };
    load(2_000, 34, 34);
    load(1_999, 20, 34);
    load(2_000, 35, 35);
    load(2_001, 36, 36);
    load(2_000, 35, 36);
}

/// The most that a customer weighs in the second half of its history, against the first.
fn grows(sizes: &[usize]) -> bool {
    let (first, second) = sizes.split_at(sizes.len() / 2);
    second.iter().max() > first.iter().max().map(|most| most + most / 10).as_ref()
}

/// Contacts out of the longest window, old ids, windows and decisions that stood leave the snapshot.
#[test]
fn a_snapshot_does_not_grow_with_the_customers_history() {
    let mut ann = Subject::consenting(playbook());
    let mut sizes = Vec::new();
    for _ in 0..120 {
        ann.decide("sms", Direction::Outbound);
        ann.wait(10 * DAY_MS);
        assert_eq!(ann.event("usage", &[("mb", Value::Int(3))]), EventOutcome::Accepted);
        sizes.push(ann.snapshot.len());
    }
    assert!(!grows(&sizes), "{sizes:?}");
    assert!(grows(&(0..120).map(|n| 900 + n * 20).collect::<Vec<_>>()), "the check sees growth");
    assert!(ann.customer().contacts.iter().count() > 0);
    ann.wait(96 * DAY_MS);
    ann.event("usage", &[("mb", Value::Int(3))]);
    assert_eq!(ann.customer().contacts.iter().count(), 0);
}
