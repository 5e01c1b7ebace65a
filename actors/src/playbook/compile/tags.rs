//! The tag section: the dictionary grows by what is new, and every declared tag gets its number.

use super::times::duration;
use crate::playbook::dictionary::{Declaration, DictionaryError, ENUM_VALUE_COUNT_MAX};
use crate::playbook::source::{Source, Tag as WrittenTag, Text};
use crate::playbook::text::{At, Findings, nearest};
use crate::playbook::{Dictionary, Tag, TagKind, TagNumber, TagWords};
use crate::value::Name;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The dictionary with the declared tags; `None` when it can't take them.
pub fn dictionary(source: &Source, old: &Dictionary, findings: &mut Findings) -> Option<Arc<Dictionary>> {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut declared: Vec<(&WrittenTag, TagKind, Vec<Name>)> = Vec::new();
    for tag in &source.tags {
        let id = &tag.id;
        if !is_tag_id(&id.value) {
            findings.error(
                id.at,
                format!("`{}` is no tag id", id.value),
                "use letters, digits and _, a letter first",
            );
        } else if !seen.insert(&id.value) {
            findings.error(id.at, format!("tag {} is there twice", id.value), "rename or remove one of them");
        }
        if let Some(kind) = kind(&tag.kind, &format!("tag {}", id.value), findings) {
            declared.push((tag, kind, values(tag, kind, findings)));
        }
    }
    let declarations =
        declared.iter().map(|(tag, kind, values)| Declaration { id: &tag.id.value, kind: *kind, values });
    match old.extended_by(declarations) {
        Ok(dictionary) => Some(Arc::new(dictionary)),
        Err(error) => {
            let fix = match error {
                DictionaryError::TooManyValues { .. } => "use a new tag id, or a string",
                _ => "declare fewer tags",
            };
            findings.error(At { file: 0, line: 1 }, error.to_string(), fix);
            None
        }
    }
}

/// The declared tags with their numbers.
pub fn declared(
    source: &Source,
    dictionary: &Dictionary,
    findings: &mut Findings,
) -> HashMap<TagNumber, Tag> {
    let mut tags = HashMap::with_capacity(source.tags.len());
    for written in &source.tags {
        let Some(kind) = kind_of(&written.kind.value) else { continue };
        let Some(number) = dictionary.number(&written.id.value, kind) else { continue };
        let about = format!("tag {}", written.id.value);
        let age_max_ms = written.max_age.as_ref().and_then(|text| duration(text, &about, findings));
        let id: Name = written.id.value.as_str().into();
        let text = match &written.text {
            Some(text) => text.value.as_str().into(),
            None => id.replace('_', " ").into(),
        };
        let private = written.private;
        let reason = reason_template(written.reason.as_ref(), &id, findings);
        let translated = written.translations.iter().flatten().map(|(language, words)| {
            let text = words.text.as_ref().map(|text| text.value.as_str().into());
            (
                Name::from(language.as_str()),
                TagWords { text, reason: reason_template(words.reason.as_ref(), &id, findings) },
            )
        });
        let translations = translated.collect();
        tags.entry(number).or_insert(Tag {
            id,
            number,
            kind,
            private,
            age_max_ms,
            text,
            reason,
            translations,
            derived: None,
            counted_on: false,
        });
    }
    tags
}

/// How a tag is told as a reason: a sentence with `{{ value }}` in it and no other placeholder.
fn reason_template(text: Option<&Text>, id: &str, findings: &mut Findings) -> Option<Name> {
    let text = text?;
    let rest = text.value.replace("{{ value }}", "");
    if rest.contains("{{") || rest.len() == text.value.len() {
        let what = format!("the reason of tag {id} does not hold just {{{{ value }}}}");
        findings.error(text.at, what, "write a sentence such as \"you use {{ value }} MB\"");
    }
    Some(text.value.as_str().into())
}

/// The type named by a word.
pub fn kind_of(word: &str) -> Option<TagKind> {
    TagKind::ALL.into_iter().find(|kind| kind.word() == word)
}

/// The type named by a word, or a finding.
pub fn kind(word: &Text, about: &str, findings: &mut Findings) -> Option<TagKind> {
    let kind = kind_of(&word.value);
    if kind.is_none() {
        let fix = match nearest(&word.value, TagKind::ALL.map(TagKind::word)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("use {}", TagKind::ALL.map(TagKind::word).join(", ")),
        };
        findings.error(word.at, format!("{about}: unknown type {}", word.value), fix);
    }
    kind
}

fn values(tag: &WrittenTag, kind: TagKind, findings: &mut Findings) -> Vec<Name> {
    let id = &tag.id;
    match (kind, tag.values.len()) {
        (TagKind::Enum, 0) => {
            findings.error(id.at, format!("tag {} is an enum without values", id.value), "add values: [..]");
        }
        (TagKind::Enum, count) if count > ENUM_VALUE_COUNT_MAX => {
            findings.error(id.at, format!("tag {} has {count} values", id.value), "use a string");
            return Vec::new();
        }
        (TagKind::Enum, _) | (_, 0) => {}
        (_, _) => {
            let what = format!("tag {} has values but is no enum", id.value);
            findings.error(id.at, what, "write type: enum, or leave the values out");
        }
    }
    let mut seen: HashSet<&str> = HashSet::new();
    for value in &tag.values {
        if !seen.insert(&value.value) {
            let what = format!("tag {} lists {} twice", id.value, value.value);
            findings.error(value.at, what, "keep one of them");
        }
        if value.value.is_empty() || value.value.len() > 256 {
            findings.error(
                value.at,
                format!("tag {} lists an unusable value", id.value),
                "use 1 to 256 bytes",
            );
        }
    }
    tag.values.iter().map(|value| value.value.as_str().into()).collect()
}

fn is_tag_id(id: &str) -> bool {
    let begins = id.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    begins && id.len() <= 128 && id.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
}
