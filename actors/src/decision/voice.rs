//! In whose words: the language and tone of one customer, the variant of an offer that speaks them, and how values are
//! written in them.
//!
//! The language of the moment (`context.language`, such as an agent's) goes before the customer's own. What has no
//! words in a language is said in the offer's own.

use crate::decision::context::CaseFacts;
use crate::playbook::extras::{Variant, Words};
use crate::playbook::{Facts, Offer, Playbook, Scalar, Tag, TagNumber, TagValue};
use crate::value::{Name, Value};

/// How one decision speaks.
#[derive(Clone, Copy, Debug)]
pub struct Voice<'a> {
    playbook: &'a Playbook,
    language: Option<&'a str>,
    tone: Option<&'a str>,
    /// The fixed words.
    pub words: &'a Words,
}

impl<'a> Voice<'a> {
    /// The voice for a customer at a moment.
    #[must_use]
    pub fn of(facts: &'a CaseFacts<'_>) -> Voice<'a> {
        let playbook = facts.playbook;
        let languages = &playbook.languages;
        let spoken = match facts.context("language") {
            Some(Scalar::Text(text)) => Some(text),
            _ => languages.tag.and_then(|tag| text_of(playbook, tag, facts.tag(tag)?)),
        };
        let tone = languages.tone_tag.and_then(|tag| text_of(playbook, tag, facts.tag(tag)?));
        let words = languages.words.iter().find(|(language, _)| speaks(spoken, language));
        let words = words.map_or(&languages.default_words, |(_, words)| words);
        Voice { playbook, language: spoken, tone, words }
    }

    /// The offer's title.
    #[must_use]
    pub fn title<'b>(&self, offer: &'b Offer) -> &'b Name {
        self.variant(offer, |variant| variant.title.as_ref()).unwrap_or(&offer.title)
    }

    /// The offer's content for a channel.
    #[must_use]
    pub fn content<'b>(&self, offer: &'b Offer, channel: &str) -> Option<&'b Value> {
        self.variant(offer, |variant| variant.content.get(channel)).or_else(|| offer.content.get(channel))
    }

    /// A tag and its value as a reason.
    #[must_use]
    pub fn reason(&self, tag: &Tag, value: Option<&TagValue>) -> String {
        let translated = tag.translations.iter().find(|(language, _)| speaks(self.language, language));
        let (text, reason) = match translated {
            Some((_, words)) => (words.text.as_ref(), words.reason.as_ref()),
            None => (None, tag.reason.as_ref()),
        };
        let value = self.value(tag.number, value);
        match reason {
            Some(template) => template.replace("{{ value }}", &value),
            None => format!("{}: {value}", text.unwrap_or(&tag.text)),
        }
    }

    /// A tag's value for a person to read; nothing when it is not known.
    #[must_use]
    pub fn value(&self, number: TagNumber, value: Option<&TagValue>) -> String {
        match value {
            None => String::new(),
            Some(TagValue::Int(int)) => self.grouped(*int),
            Some(TagValue::Number(number)) => self.number(*number),
            Some(TagValue::Bool(true)) => self.words.yes.to_string(),
            Some(TagValue::Bool(false)) => self.words.no.to_string(),
            Some(value @ (TagValue::Enum(_) | TagValue::Text(_))) => {
                let text = text_of(self.playbook, number, value).unwrap_or_default();
                if matches!(value, TagValue::Enum(_)) { text.replace('_', " ") } else { text.to_owned() }
            }
            Some(TagValue::Time(at)) => at.to_string()[..10].to_owned(),
        }
    }

    /// `12,400`; `3.5`; never more than two decimals.
    fn number(&self, number: f64) -> String {
        let rounded = (number * 100.0).round() / 100.0;
        if rounded.abs() >= 1e15 {
            return format!("{rounded:e}");
        }
        let whole = rounded.trunc() as i64;
        let cents = ((rounded - rounded.trunc()).abs() * 100.0).round() as i64;
        let sign = if rounded < 0.0 && whole == 0 { "-" } else { "" };
        match cents {
            0 => self.grouped(whole),
            cents => {
                let decimals = format!("{cents:02}");
                let decimals = decimals.trim_end_matches('0');
                format!("{sign}{}{}{decimals}", self.grouped(whole), self.words.decimal)
            }
        }
    }

    fn grouped(&self, int: i64) -> String {
        let digits = int.unsigned_abs().to_string();
        let mut out = String::new();
        for (ix, digit) in digits.chars().enumerate() {
            if ix > 0 && (digits.len() - ix).is_multiple_of(3) {
                out.push_str(&self.words.thousands);
            }
            out.push(digit);
        }
        if int < 0 { format!("-{out}") } else { out }
    }

    /// What the variant says that suits best: one for language and tone goes before one for either, the first before
    /// the next.
    fn variant<'b, T: 'b>(&self, offer: &'b Offer, says: impl Fn(&'b Variant) -> Option<T>) -> Option<T> {
        let suits = |variant: &Variant| {
            let language = variant.language.as_deref().map(|language| speaks(self.language, language));
            let tone = variant.tone.as_deref().map(|tone| self.tone == Some(tone));
            let parts = [language, tone].into_iter().flatten();
            parts.clone().all(|suits| suits).then(|| parts.count())
        };
        let variants = offer.extras.as_ref().map_or(&[][..], |extras| &extras.variants);
        let suiting = variants.iter().filter_map(|variant| Some((suits(variant)?, says(variant)?)));
        // `max_by_key` would give the last of equals.
        let best = suiting.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, said)| said)
    }
}

/// `de` is spoken by who speaks `de` or `de-AT`.
fn speaks(spoken: Option<&str>, language: &str) -> bool {
    spoken.is_some_and(|spoken| spoken == language || spoken.split('-').next() == Some(language))
}

fn text_of<'a>(playbook: &'a Playbook, tag: TagNumber, value: &'a TagValue) -> Option<&'a str> {
    match value {
        TagValue::Text(text) => Some(text),
        TagValue::Enum(value) => playbook.dictionary.enum_text(tag, *value).map(|text| &**text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Dictionary;
    use crate::playbook::compile::compile;

    #[test]
    fn numbers_read_as_people_write_them() {
        let files =
            [("p.yaml".to_owned(), "tags: [{id: a, type: int}]\noffers: [{id: a, value: {clv: 1}}]".into())];
        let playbook = compile(&files, &Dictionary::default()).expect("sound").playbook;
        let german = Words { thousands: ".".into(), decimal: ",".into(), ..Words::default() };
        let english = Words::default();
        let check = |number: f64, expected: [&str; 2]| {
            let said = [&english, &german]
                .map(|words| Voice { playbook: &playbook, language: None, tone: None, words }.number(number));
            assert_eq!(said, expected);
        };
        check(12_400.0, ["12,400", "12.400"]);
        check(-1_234_567.5, ["-1,234,567.5", "-1.234.567,5"]);
        check(0.05, ["0.05", "0,05"]);
        check(-0.25, ["-0.25", "-0,25"]);
        check(29.999, ["30", "30"]);
        check(1e300, ["1e300", "1e300"]);
    }

    #[test]
    fn a_language_is_spoken_in_its_countries_too() {
        let check = |spoken: Option<&str>, language: &str, expected: bool| {
            assert_eq!(speaks(spoken, language), expected, "{spoken:?} {language}");
        };
        check(Some("de"), "de", true);
        check(Some("de-AT"), "de", true);
        check(Some("de"), "de-AT", false);
        check(Some("den"), "de", false);
        check(None, "de", false);
    }
}
