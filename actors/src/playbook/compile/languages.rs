//! The section `languages`: which tags choose the words, and the fixed words of each language.

use super::look_up::LookUp;
use crate::playbook::extras::Words;
use crate::playbook::source::{Source, Text};
use crate::playbook::{Languages, TagKind, TagNumber};
use crate::value::Name;
use std::collections::BTreeMap;

/// How words are chosen and written.
pub fn languages(source: &Source, look_up: &mut LookUp<'_>) -> Languages {
    let Some(written) = &source.languages else { return Languages::default() };
    let words = written.words.iter().map(|(language, words)| {
        let default = Words::default();
        let said =
            |text: &Option<Text>, default: Name| text.as_ref().map_or(default, |it| it.value.as_str().into());
        let words = Words {
            why_this: said(&words.why_this, default.why_this),
            yes: said(&words.yes, default.yes),
            no: said(&words.no, default.no),
            thousands: said(&words.thousands, default.thousands),
            decimal: said(&words.decimal, default.decimal),
        };
        (Name::from(language.as_str()), words)
    });
    let mut words: BTreeMap<Name, Words> = words.collect();
    let default_words = words.remove("default").unwrap_or_default();
    Languages {
        tag: chooser(written.tag.as_ref(), "tag", look_up),
        tone_tag: chooser(written.tone_tag.as_ref(), "tone_tag", look_up),
        words,
        default_words,
    }
}

fn chooser(id: Option<&Text>, key: &str, look_up: &mut LookUp<'_>) -> Option<TagNumber> {
    let id = id?;
    let tag = look_up.tag(id, "languages")?;
    if !matches!(tag.kind, TagKind::Text | TagKind::Enum) {
        let what = format!("languages: {key} {} is {}", tag.id, tag.kind.word());
        look_up.error(id.at, what, "name a tag of type string or enum");
    }
    Some(tag.number)
}
