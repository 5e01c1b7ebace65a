//! Words: what an agent can say, what a channel shows, and the reasons behind a score.
//!
//! In the words of [`super::voice`]. A private tag is never named. A sentence about something that is not known is left out rather than filled with a gap.

use crate::decision::candidates::Case;
use crate::decision::context::CaseFacts;
use crate::decision::voice::Voice;
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
    let voice = Voice::of(&facts);
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
        text: voice.reason(tag, facts.tag(tag.number)),
        tag: Some(Name::clone(&tag.id)),
        contribution,
    };
    found.into_iter().map(reason).collect()
}

/// The channel's content with its templates filled; just the title where the offer has none for the channel.
#[must_use]
pub fn content(case: &Case<'_>, offer: &Offer) -> Value {
    let voice = Voice::of(&case.facts);
    match voice.content(offer, &case.facts.request.channel) {
        Some(content) => fill_value(content, &voice, &case.facts),
        None => {
            let title = Value::Text(voice.title(offer).to_string());
            Value::Map(BTreeMap::from([("title".to_owned(), title)]))
        }
    }
}

/// What an agent can say: the offer's script (else its title), then the reasons.
#[must_use]
pub fn script(case: &Case<'_>, offer: &Offer, reasons: &[Reason]) -> String {
    let voice = Voice::of(&case.facts);
    let template =
        voice.content(offer, "desk").and_then(|content| content.at("script")).and_then(Value::as_text);
    let mut said = template.map_or_else(String::new, |template| fill(template, &voice, &case.facts));
    if said.is_empty() {
        said = format!("{}.", voice.title(offer).trim_end_matches('.'));
    }
    if !reasons.is_empty() {
        let words: Vec<&str> = reasons.iter().map(|reason| reason.text.as_str()).collect();
        said.push_str(&format!(" {} {}.", voice.words.why_this, words.join("; ")));
    }
    said
}

fn fill_value(value: &Value, voice: &Voice<'_>, facts: &CaseFacts<'_>) -> Value {
    match value {
        Value::Text(text) => Value::Text(fill(text, voice, facts)),
        Value::List(values) => {
            Value::List(values.iter().map(|value| fill_value(value, voice, facts)).collect())
        }
        Value::Map(map) => Value::Map(
            map.iter().map(|(key, value)| (key.clone(), fill_value(value, voice, facts))).collect(),
        ),
        other => other.clone(),
    }
}

/// Fills `{{ t.tag }}`. A sentence with a tag that is missing or private is left out.
fn fill(template: &str, voice: &Voice<'_>, facts: &CaseFacts<'_>) -> String {
    if !template.contains("{{") {
        return template.to_owned();
    }
    let filled = sentences(template).filter_map(|sentence| fill_sentence(sentence, voice, facts));
    filled.collect::<String>().trim_end().to_owned()
}

fn fill_sentence(sentence: &str, voice: &Voice<'_>, facts: &CaseFacts<'_>) -> Option<String> {
    let mut out = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}")?;
        let tag = facts.playbook.tag(name.trim().strip_prefix("t.")?).filter(|tag| !tag.private)?;
        out.push_str(before);
        out.push_str(&voice.value(tag.number, Some(facts.tag(tag.number)?)));
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
