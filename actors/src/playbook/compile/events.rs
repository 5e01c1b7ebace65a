//! The event section: what data an event carries and what it changes.

use super::look_up::LookUp;
use super::tags::kind_of;
use crate::playbook::source::{Event, Source, Text, Update as WrittenUpdate};
use crate::playbook::text::At;
use crate::playbook::{
    Change, DataField, Derived, EventType, Formula, Rule, Tag, TagKind, TagNumber, Update,
};
use crate::value::Name;
use std::collections::{BTreeMap, HashMap};

/// How each changed tag is derived: over a window, with decay, or plainly.
pub type DerivedTags = HashMap<TagNumber, Option<Derived>>;

/// The declared events, and the tags they derive.
pub fn events(source: &Source, look_up: &mut LookUp<'_>) -> (HashMap<Name, EventType>, DerivedTags) {
    look_up.unique(source.events.iter().map(|event| &event.id), "event");
    let mut derived = DerivedTags::new();
    let compiled = |event: &Event| {
        let data = data(event, look_up);
        let mut updates = Vec::new();
        for written in &event.updates {
            let writer = Writer { about: format!("event {}", event.id.value), data: &data, written };
            updates.extend(writer.update(look_up, &mut derived));
        }
        (Name::from(event.id.value.as_str()), EventType { data, updates })
    };
    let events = source.events.iter().map(compiled).collect();
    (events, derived)
}

fn data(event: &Event, look_up: &mut LookUp<'_>) -> BTreeMap<Name, DataField> {
    let mut fields = BTreeMap::new();
    for (name, word) in &event.data {
        let optional = word.value.ends_with('?');
        match kind_of(word.value.trim_end_matches('?')) {
            Some(kind) if kind != TagKind::Enum => {
                fields.insert(name.as_str().into(), DataField { kind, optional });
            }
            _ => look_up.error(
                word.at,
                format!("event {}: data field {name} has the unknown type {}", event.id.value, word.value),
                "use number, int, bool, string or time, with a ? when it may be missing",
            ),
        }
    }
    fields
}

/// One update and where it stands.
struct Writer<'a> {
    about: String,
    data: &'a BTreeMap<Name, DataField>,
    written: &'a WrittenUpdate,
}

impl Writer<'_> {
    fn update(&self, look_up: &mut LookUp<'_>, derived: &mut DerivedTags) -> Option<Update> {
        let when = self.when(look_up);
        let change = self.change(look_up, derived);
        Some(Update { when: when?, change: change? })
    }

    /// `None`: the condition is faulty.
    fn when(&self, look_up: &mut LookUp<'_>) -> Option<Option<Rule>> {
        let Some(text) = &self.written.when else { return Some(None) };
        let compiled = Rule::compile(&text.value, &look_up.scope().with_data(self.data));
        look_up.sound(compiled, text.at, &self.about).map(Some)
    }

    fn change(&self, look_up: &mut LookUp<'_>, derived: &mut DerivedTags) -> Option<Change> {
        let place = self.written.place.at;
        let mut changes = self.written.changes.iter();
        let (Some((verb, text)), None) = (changes.next(), changes.next()) else {
            let what = format!("{}: an update has {} changes", self.about, self.written.changes.len());
            look_up.error(
                place,
                what,
                "give exactly one of set, last, add, max, min, count, sum, ewma, unset, own, disown",
            );
            return None;
        };
        if let "own" | "disown" = verb.as_str() {
            let compiled = Formula::text_value(&text.value, &look_up.scope().with_data(self.data));
            let product = look_up.sound(compiled, text.at, &self.about)?;
            return Some(if verb == "own" { Change::Own(product) } else { Change::Disown(product) });
        }
        let Some(id) = &self.written.tag else {
            look_up.error(place, format!("{}: an update names no tag", self.about), "add tag");
            return None;
        };
        let tag = look_up.tag(id, &self.about);
        let how = self.derivation(verb, look_up)?;
        let tag = tag?;
        if verb != "unset" {
            self.agrees(tag, how, derived, look_up, id.at)?;
        }
        self.of_tag(verb, text, tag, how, look_up)
    }

    /// What the update derives; `None`: window or half-life are missing, too many or faulty.
    fn derivation(&self, verb: &str, look_up: &mut LookUp<'_>) -> Option<Option<Derived>> {
        let (window, half_life) = (&self.written.window, &self.written.half_life);
        let place = self.written.place.at;
        if let Some(window) = window
            && !matches!(verb, "sum" | "count")
        {
            look_up.error(window.at, format!("{}: {verb} has no window", self.about), "use sum or count");
            return None;
        }
        match (verb, window, half_life) {
            ("ewma", _, Some(text)) => {
                let half_life_ms = look_up.duration(text, &self.about)?;
                Some(Some(Derived::Ewma { half_life_ms }))
            }
            ("ewma", _, None) => {
                look_up.error(place, format!("{}: ewma lacks half_life", self.about), "add half_life: 7d");
                None
            }
            (_, _, Some(text)) => {
                look_up.error(text.at, format!("{}: {verb} has no half_life", self.about), "use ewma");
                None
            }
            (_, Some(text), None) => {
                let window_ms = look_up.duration(text, &self.about)?;
                Some(Some(Derived::Window { window_ms }))
            }
            (_, None, None) => Some(None),
        }
    }

    /// A tag over a window holds its parts by time: another kind of change would not know where to put a value.
    /// Only to unset it is always clear.
    fn agrees(
        &self,
        tag: &Tag,
        how: Option<Derived>,
        derived: &mut DerivedTags,
        look_up: &mut LookUp<'_>,
        at: At,
    ) -> Option<()> {
        if how.is_some() && !matches!(tag.kind, TagKind::Int | TagKind::Number) {
            let what = format!("{}: tag {} is {}, and sums are numbers", self.about, tag.id, tag.kind.word());
            look_up.error(at, what, "declare it as number");
            return None;
        }
        if *derived.entry(tag.number).or_insert(how) != how {
            let what = format!("{}: tag {} is changed in two ways", self.about, tag.id);
            look_up.error(at, what, "derive it with one window or half_life everywhere, or use two tags");
            return None;
        }
        Some(())
    }

    fn of_tag(
        &self,
        verb: &str,
        text: &Text,
        tag: &Tag,
        how: Option<Derived>,
        look_up: &mut LookUp<'_>,
    ) -> Option<Change> {
        let scope = look_up.scope().with_data(self.data);
        let number = tag.number;
        match verb {
            "set" | "last" => {
                let compiled = Formula::for_tag(&text.value, &scope, number);
                return look_up
                    .sound(compiled, text.at, &self.about)
                    .map(|formula| Change::Set(number, formula));
            }
            "unset" | "count" if text.value != "true" => {
                look_up.error(text.at, format!("{}: {verb} is {}", self.about, text.value), "write true");
                return None;
            }
            "unset" => return Some(Change::Unset(number)),
            _ if !matches!(tag.kind, TagKind::Int | TagKind::Number) => {
                let what = format!("{}: {verb} of tag {}, which is {}", self.about, tag.id, tag.kind.word());
                look_up.error(text.at, what, "use set, or declare the tag as number");
                return None;
            }
            _ => {}
        }
        let compiled = Formula::number(if verb == "count" { "1" } else { &text.value }, &scope);
        let formula = look_up.sound(compiled, text.at, &self.about)?;
        Some(match (verb, how) {
            (_, Some(Derived::Window { .. })) => Change::Window(number, formula),
            (_, Some(Derived::Ewma { .. })) => Change::Ewma(number, formula),
            ("max", None) => Change::Max(number, formula),
            ("min", None) => Change::Min(number, formula),
            (_, None) => Change::Add(number, formula),
        })
    }
}
