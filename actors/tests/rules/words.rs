//! What people read: scripts, reasons and content, in the customer's language and tone.

use crate::fixture::{Subject, map, playbook_of, request};
use actors::call::{DecisionRequest, Direction};
use actors::decision::Item;
use actors::value::Value;

const PLAYBOOK: &str = r#"
tags:
  - id: usage_mb
    type: number
    text: data used
    reason: "you use about {{ value }} MB a month"
    translations: {de: {text: Datenverbrauch, reason: "Sie brauchen etwa {{ value }} MB im Monat"}}
  - {id: contract, type: enum, values: [pre_paid, post_paid], translations: {de: {text: Vertrag}}}
  - {id: fan, type: bool, text: sports fan}
  - {id: years, type: int, text: years with us}
  - {id: income, type: number, private: true}
  - {id: language, type: string}
  - {id: tone, type: enum, values: [formal, casual]}
languages:
  tag: language
  tone_tag: tone
  words: {de: {why_this: "Warum:", yes: ja, no: nein, thousands: ".", decimal: ","}}
explore: {start: 0, steady: 0, ramp: 1d}
offers:
  - id: data-xl
    title: Data XL
    value: {clv: 1}
    prior: {default: 0.1}
    affinity:
      - {tag: usage_mb, weight: 0.8, center: 8000, scale: 4000}
      - {tag: contract, equals: pre_paid, weight: 0.4}
      - {tag: fan, equals: true, weight: 0.3}
      - {tag: years, weight: 0.1, center: 1, scale: 1}
      - {tag: income, weight: 2, center: 3000, scale: 1000}
    content:
      desk: {script: "You used {{ t.usage_mb }} MB. In {{ t.years }} years with us? Data XL fits."}
      app: {title: Data XL, body: "For {{ t.usage_mb }} MB."}
    variants:
      - {language: de, title: Daten XL, content: {desk: {script: "Sie haben {{ t.usage_mb }} MB verbraucht. Daten XL passt."}}}
      - {tone: casual, content: {app: {title: "Hey, Data XL"}}}
      - {language: de, tone: casual, content: {app: {title: "Hi, Daten XL"}}}
"#;

fn subject(tags: &[(&str, Value)]) -> Subject {
    let mut ann = Subject::consenting(playbook_of(PLAYBOOK));
    for (tag, value) in tags {
        ann.tag(tag, value.clone());
    }
    ann
}

fn item(tags: &[(&str, Value)], channel: &str) -> Item {
    subject(tags).decide(channel, Direction::Inbound).items.remove(0)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn a_script_reads_as_written_down_here() {
    let check = |tags: &[(&str, Value)], expected: &str| assert_eq!(item(tags, "desk").script, expected);
    let heavy = ("usage_mb", Value::Number(12_400.5));
    let pre_paid = ("contract", text("pre_paid"));
    check(&[], "Data XL fits.");
    check(
        std::slice::from_ref(&heavy),
        "You used 12,400.5 MB. Data XL fits. Why this: you use about 12,400.5 MB a month.",
    );
    check(
        &[heavy.clone(), pre_paid.clone(), ("fan", Value::Bool(true)), ("years", Value::Int(3))],
        "You used 12,400.5 MB. In 3 years with us? Data XL fits. Why this: you use about 12,400.5 MB a month; \
         contract: pre paid; sports fan: yes.",
    );
    check(
        &[heavy, pre_paid, ("language", text("de-AT")), ("fan", Value::Bool(true))],
        "Sie haben 12.400,5 MB verbraucht. Daten XL passt. Warum: Sie brauchen etwa 12.400,5 MB im Monat; \
         Vertrag: pre paid; sports fan: ja.",
    );
    check(&[("language", text("fr"))], "Data XL fits.");
}

#[test]
fn the_variant_that_suits_best_speaks() {
    let check = |language: Option<&str>, tone: Option<&str>, expected: &str| {
        let tags = [("language", language), ("tone", tone)];
        let tags: Vec<_> = tags.into_iter().filter_map(|(tag, value)| Some((tag, text(value?)))).collect();
        let content = item(&tags, "app").content;
        assert_eq!(content.at("title").and_then(Value::as_text), Some(expected), "{language:?} {tone:?}");
    };
    check(None, None, "Data XL");
    check(Some("de"), None, "Data XL");
    check(None, Some("formal"), "Data XL");
    check(None, Some("casual"), "Hey, Data XL");
    check(Some("de"), Some("casual"), "Hi, Daten XL");
    check(Some("fr"), Some("casual"), "Hey, Data XL");
    // A channel without content says the title.
    assert_eq!(item(&[("language", text("de"))], "ivr").content, map(&[("title", text("Daten XL"))]));
}

#[test]
fn the_language_of_the_moment_goes_before_the_customers() {
    let mut ann = subject(&[("language", text("fr")), ("usage_mb", Value::Int(12_400))]);
    let ask =
        DecisionRequest { context: map(&[("language", text("de"))]), ..request("desk", Direction::Inbound) };
    let script = ann.ask(ask).items[0].script.clone();
    assert!(script.starts_with("Sie haben 12.400 MB verbraucht."), "{script}");
}

#[test]
fn every_reason_has_a_contribution_and_none_names_a_private_tag() {
    let item = item(
        &[
            ("usage_mb", Value::Number(9_000.0)),
            ("contract", text("post_paid")),
            ("fan", Value::Bool(true)),
            ("years", Value::Int(9)),
            ("income", Value::Number(9_999.0)),
        ],
        "desk",
    );
    let told: Vec<_> =
        item.reasons.iter().map(|reason| (reason.text.as_str(), reason.contribution)).collect();
    assert_eq!(
        told,
        [("years with us: 9", 0.4), ("sports fan: yes", 0.3), ("you use about 9,000 MB a month", 0.2)],
        "the strongest first; what speaks for nothing is no reason"
    );
    assert!(!format!("{item:?}").contains("income") && !format!("{item:?}").contains("9,999"));
}
