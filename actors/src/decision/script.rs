//! Words: what an agent can say, what a channel shows, and the reasons behind a score.
//!
//! A private tag is never named. A sentence about something that is not known is left out rather than filled with a gap.

use crate::decision::candidates::Case;
use crate::decision::context::CaseFacts;
use crate::decision::{Reason, Way};
use crate::playbook::{Facts, Offer, Playbook, Tag, TagNumber, TagValue};
use crate::value::{Name, Value};
use std::collections::BTreeMap;

/// Reasons given for an offer at most.
const REASONS_MAX: usize = 3;

/// The strongest tags that speak for an offer, strongest first, in plain words.
#[must_use]
pub fn reasons(case: &Case<'_>, offer: &Offer, way: &impl Way) -> Vec<Reason> {
    let playbook = case.facts.playbook;
    let facts = case.facts.with(offer);
    let mut found: Vec<(&Tag, f64)> = Vec::new();
    way.contributions(case, offer, |number, contribution| {
        let Some(tag) = playbook.tags.get(&number).filter(|tag| !tag.private) else { return };
        match found.iter_mut().find(|(known, _)| known.number == number) {
            Some((_, sum)) => *sum += contribution,
            None => found.push((tag, contribution)),
        }
    });
    found.retain(|(_, contribution)| *contribution > 0.0);
    found.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| a.id.cmp(&b.id)));
    found.truncate(REASONS_MAX);
    let reason = |(tag, contribution): (&Tag, f64)| Reason {
        text: format!("{}: {}", tag.text, shown_value(playbook, tag.number, facts.tag(tag.number))),
        tag: Some(Name::clone(&tag.id)),
        contribution,
    };
    found.into_iter().map(reason).collect()
}

/// The channel's content with its templates filled; just the title where the offer has none for the channel.
#[must_use]
pub fn content(case: &Case<'_>, offer: &Offer) -> Value {
    match offer.content.get(&case.facts.request.channel) {
        Some(content) => fill_value(content, &case.facts),
        None => Value::Map(BTreeMap::from([("title".to_owned(), Value::Text(offer.title.to_string()))])),
    }
}

/// What an agent can say: the offer's script (else its title), then the reasons.
#[must_use]
pub fn script(case: &Case<'_>, offer: &Offer, reasons: &[Reason]) -> String {
    let template =
        offer.content.get("desk").and_then(|content| content.at("script")).and_then(Value::as_text);
    let mut said = template.map_or_else(String::new, |template| fill(template, &case.facts));
    if said.is_empty() {
        said = format!("{}.", offer.title.trim_end_matches('.'));
    }
    if !reasons.is_empty() {
        let words: Vec<&str> = reasons.iter().map(|reason| reason.text.as_str()).collect();
        said.push_str(&format!(" Why this: {}.", words.join("; ")));
    }
    said
}

/// A tag's value for a person to read.
#[must_use]
pub fn shown_value(playbook: &Playbook, number: TagNumber, value: Option<&TagValue>) -> String {
    match value {
        None => "unknown".to_owned(),
        Some(TagValue::Int(int)) => grouped(*int),
        Some(TagValue::Number(number)) => shown_number(*number),
        Some(TagValue::Bool(true)) => "yes".to_owned(),
        Some(TagValue::Bool(false)) => "no".to_owned(),
        Some(TagValue::Enum(value)) => playbook
            .dictionary
            .enum_text(number, *value)
            .map_or_else(String::new, |text| text.replace('_', " ")),
        Some(TagValue::Text(text)) => text.to_string(),
        Some(TagValue::Time(at)) => at.to_string()[..10].to_owned(),
    }
}

/// `12,400`; `3.5`; never more than two decimals.
fn shown_number(number: f64) -> String {
    let rounded = (number * 100.0).round() / 100.0;
    if rounded.abs() >= 1e15 {
        return format!("{rounded:e}");
    }
    let whole = rounded.trunc() as i64;
    let cents = ((rounded - rounded.trunc()).abs() * 100.0).round() as i64;
    let sign = if rounded < 0.0 && whole == 0 { "-" } else { "" };
    match cents {
        0 => grouped(whole),
        cents => format!("{sign}{}.{}", grouped(whole), format!("{cents:02}").trim_end_matches('0')),
    }
}

fn grouped(int: i64) -> String {
    let digits = int.unsigned_abs().to_string();
    let mut out = String::new();
    for (ix, digit) in digits.chars().enumerate() {
        if ix > 0 && (digits.len() - ix).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if int < 0 { format!("-{out}") } else { out }
}

fn fill_value(value: &Value, facts: &CaseFacts<'_>) -> Value {
    match value {
        Value::Text(text) => Value::Text(fill(text, facts)),
        Value::List(values) => Value::List(values.iter().map(|value| fill_value(value, facts)).collect()),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.clone(), fill_value(value, facts))).collect())
        }
        other => other.clone(),
    }
}

/// Fills `{{ t.tag }}`. A sentence with a tag that is missing or private is left out.
fn fill(template: &str, facts: &CaseFacts<'_>) -> String {
    if !template.contains("{{") {
        return template.to_owned();
    }
    let filled = sentences(template).filter_map(|sentence| fill_sentence(sentence, facts));
    filled.collect::<String>().trim_end().to_owned()
}

fn fill_sentence(sentence: &str, facts: &CaseFacts<'_>) -> Option<String> {
    let mut out = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}")?;
        let tag = facts.playbook.tag(name.trim().strip_prefix("t.")?).filter(|tag| !tag.private)?;
        out.push_str(before);
        out.push_str(&shown_value(facts.playbook, tag.number, Some(facts.tag(tag.number)?)));
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// Cuts a text after `.`, `!` or `?` and the blanks behind it, never inside `{{ }}`.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut inside = false;
        let mut end = rest.len();
        let bytes = rest.as_bytes();
        for (ix, byte) in bytes.iter().enumerate() {
            match byte {
                b'{' => inside = true,
                b'}' => inside = false,
                b'.' | b'!' | b'?' if !inside && bytes.get(ix + 1) == Some(&b' ') => {
                    end = ix + 2;
                    break;
                }
                _ => {}
            }
        }
        let (sentence, after) = rest.split_at(end);
        rest = after;
        Some(sentence)
    })
}

/// A tag's value as the outside writes it.
#[must_use]
pub fn outside_value(playbook: &Playbook, number: TagNumber, value: &TagValue) -> Value {
    match value {
        TagValue::Int(int) => Value::Int(*int),
        TagValue::Number(number) => Value::Number(*number),
        TagValue::Bool(bool) => Value::Bool(*bool),
        TagValue::Enum(value) => playbook
            .dictionary
            .enum_text(number, *value)
            .map_or(Value::Null, |text| Value::Text(text.to_string())),
        TagValue::Text(text) => Value::Text(text.to_string()),
        TagValue::Time(at) => Value::Text(at.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let check = |number: f64, expected: &str| assert_eq!(shown_number(number), expected);
        check(12_400.0, "12,400");
        check(-1_234_567.5, "-1,234,567.5");
        check(0.05, "0.05");
        check(-0.25, "-0.25");
        check(29.999, "30");
        check(1e300, "1e300");
    }

    #[test]
    fn texts_are_cut_into_sentences() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(sentences(text).collect::<Vec<_>>(), expected);
        };
        check("One. Two? Three", &["One. ", "Two? ", "Three"]);
        check("You use {{ t.mb }} MB. Really.", &["You use {{ t.mb }} MB. ", "Really."]);
        check("2.5 GB", &["2.5 GB"]);
        check("", &[]);
    }
}
