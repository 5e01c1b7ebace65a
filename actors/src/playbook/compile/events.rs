//! The event section: what data an event carries and what it changes.

mod derivation;

use super::look_up::LookUp;
use super::tags::kind_of;
use crate::playbook::source::{CHANGES, Event, Source, Text, Update as WrittenUpdate};
use crate::playbook::text::At;
use crate::playbook::{
    Change, DataField, Derived, EventType, Folding, Formula, Rule, Tag, TagKind, TagNumber, Update,
};
use crate::value::Name;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How a tag comes about.
#[derive(Debug, Default)]
pub struct How {
    /// The way it is derived, if its value is made of more than its last change.
    pub derived: Option<Derived>,
    /// Events count on to it and none sets it.
    pub counted_on: bool,
}

/// The declared events, and how the tags come about that they change.
pub fn events(
    source: &Source,
    look_up: &mut LookUp<'_>,
) -> (HashMap<Name, EventType>, HashMap<TagNumber, How>) {
    look_up.unique(source.events.iter().map(|event| &event.id), "event");
    let fields: HashMap<&str, BTreeMap<Name, DataField>> =
        source.events.iter().map(|event| (event.id.value.as_str(), data(event, look_up))).collect();
    let groups =
        source.fences.iter().filter_map(|fence| Some(fence.group.as_ref()?.value.as_str())).collect();
    let mut ways = Ways::default();
    let mut causes: Vec<(&str, Update)> = Vec::new();
    let mut events: HashMap<Name, EventType> = HashMap::new();
    for event in &source.events {
        let data = &fields[event.id.value.as_str()];
        let mut updates = Vec::new();
        for written in &event.updates {
            let about = format!("event {}", event.id.value);
            let writer = Writer { about, data, fields: &fields, groups: &groups, written };
            updates.extend(writer.update(look_up, &mut ways, &mut causes));
        }
        let data = data.clone();
        events.insert(event.id.value.as_str().into(), EventType { data, updates });
    }
    for (event, update) in causes {
        if let Some(kind) = events.get_mut(event) {
            kind.updates.push(update);
        }
    }
    (events, ways.settled())
}

/// What the updates make of each tag.
#[derive(Default)]
struct Ways {
    derived: HashMap<TagNumber, Option<Derived>>,
    plain: HashMap<TagNumber, BTreeSet<Plain>>,
}

/// A change whose result is the tag's value and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Plain {
    Set,
    Fold(Folding),
}

impl Ways {
    /// What is changed in one way only needs no order, apart from taking, which stops at zero.
    fn settled(self) -> HashMap<TagNumber, How> {
        let mut all: HashMap<TagNumber, How> = HashMap::new();
        for (tag, changes) in self.plain {
            let folds = changes.iter().any(|change| *change != Plain::Set);
            let ordered = folds && (changes.len() > 1 || changes.contains(&Plain::Fold(Folding::Take)));
            all.insert(
                tag,
                How { derived: ordered.then_some(Derived::Ledger), counted_on: folds && !ordered },
            );
        }
        for (tag, derived) in self.derived {
            if derived.is_some() {
                all.insert(tag, How { derived, counted_on: false });
            }
        }
        all
    }
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
    fields: &'a HashMap<&'a str, BTreeMap<Name, DataField>>,
    groups: &'a HashSet<&'a str>,
    written: &'a WrittenUpdate,
}

impl<'a> Writer<'a> {
    fn update(
        &self,
        look_up: &mut LookUp<'_>,
        ways: &mut Ways,
        causes: &mut Vec<(&'a str, Update)>,
    ) -> Option<Update> {
        let when = self.when(look_up);
        let change = self.change(look_up, ways, causes);
        Some(Update { when: when?, change: change? })
    }

    /// `None`: the condition is faulty.
    fn when(&self, look_up: &mut LookUp<'_>) -> Option<Option<Rule>> {
        let Some(text) = &self.written.when else { return Some(None) };
        let compiled = Rule::compile(&text.value, &look_up.scope().with_data(self.data));
        look_up.sound(compiled, text.at, &self.about).map(Some)
    }

    fn change(
        &self,
        look_up: &mut LookUp<'_>,
        ways: &mut Ways,
        causes: &mut Vec<(&'a str, Update)>,
    ) -> Option<Change> {
        let place = self.written.place.at;
        let mut changes = self.written.changes.iter();
        let (Some((verb, text)), None) = (changes.next(), changes.next()) else {
            let what = format!("{}: an update has {} changes", self.about, self.written.changes.len());
            look_up.error(place, what, format!("give exactly one of {}", CHANGES.join(", ")));
            return None;
        };
        if let "own" | "disown" = verb.as_str() {
            self.terms(verb, look_up)?;
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
            self.agrees(tag, how.as_ref(), ways, look_up, id.at)?;
        }
        if verb == "near" {
            return self.near(text, tag, look_up, causes);
        }
        let change = self.of_tag(verb, text, tag, how.as_ref(), look_up)?;
        match &change {
            Change::Set(..) | Change::Unset(_) if how.is_none() => {
                ways.plain.entry(tag.number).or_default().insert(Plain::Set);
            }
            Change::Fold(_, folding, _) => {
                ways.plain.entry(tag.number).or_default().insert(Plain::Fold(*folding));
            }
            _ => {}
        }
        Some(change)
    }

    /// A tag over a window holds its parts by time: another kind of change would not know where to put a value.
    /// Only to unset it is always clear.
    fn agrees(
        &self,
        tag: &Tag,
        how: Option<&Derived>,
        ways: &mut Ways,
        look_up: &mut LookUp<'_>,
        at: At,
    ) -> Option<()> {
        let dwells = matches!(how, Some(Derived::Dwell { .. }));
        if dwells && tag.kind == TagKind::Enum {
            let what = format!("{}: tag {} is an enum, and dwell gives a fence", self.about, tag.id);
            look_up.error(at, what, "declare it as string, time, number, int or bool");
            return None;
        }
        if how.is_some() && !dwells && !matches!(tag.kind, TagKind::Int | TagKind::Number) {
            let what = format!("{}: tag {} is {}, and sums are numbers", self.about, tag.id, tag.kind.word());
            look_up.error(at, what, "declare it as number");
            return None;
        }
        if ways.derived.entry(tag.number).or_insert_with(|| how.cloned()).as_ref() != how {
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
        how: Option<&Derived>,
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
            "dwell" => return self.seen(number, look_up),
            "distinct" => {
                let compiled = Formula::thing(&text.value, &scope);
                return look_up
                    .sound(compiled, text.at, &self.about)
                    .map(|formula| Change::Thing(number, formula));
            }
            _ if !matches!(tag.kind, TagKind::Int | TagKind::Number) => {
                let what = format!("{}: {verb} of tag {}, which is {}", self.about, tag.id, tag.kind.word());
                look_up.error(text.at, what, "use set, or declare the tag as number");
                return None;
            }
            _ => {}
        }
        let compiled = Formula::number(if verb == "count" { "1" } else { &text.value }, &scope);
        let formula = look_up.sound(compiled, text.at, &self.about)?;
        if verb == "crosses" {
            let percent_of = match self.written.terms.get("of") {
                Some(of) => {
                    let compiled = Formula::number(&of.value, &scope);
                    Some(look_up.sound(compiled, of.at, &self.about)?)
                }
                None => None,
            };
            return Some(Change::Towards { tag: number, amount: formula, percent_of });
        }
        Some(match (verb, how) {
            (_, Some(_)) => Change::Amount(number, formula),
            ("max", None) => Change::Fold(number, Folding::Max, formula),
            ("min", None) => Change::Fold(number, Folding::Min, formula),
            ("take", None) => Change::Fold(number, Folding::Take, formula),
            (_, None) => Change::Fold(number, Folding::Add, formula),
        })
    }

    /// Where the customer was seen, in one of the fences meant.
    fn seen(&self, tag: TagNumber, look_up: &mut LookUp<'_>) -> Option<Change> {
        if let Some(group) = self.written.terms.get("fences")
            && !self.groups.contains(group.value.as_str())
        {
            let what = format!("{}: no fence is of the group {}", self.about, group.value);
            look_up.error(group.at, what, "declare one under fences, or leave the group out");
        }
        let mut degrees = |name: &str| {
            let text = self.written.terms.get(name)?;
            let compiled = Formula::number(&text.value, &look_up.scope().with_data(self.data));
            look_up.sound(compiled, text.at, &self.about)
        };
        let (lat, lon) = (degrees("lat"), degrees("lon"));
        Some(Change::Seen { tag, lat: lat?, lon: lon? })
    }

    /// Counts near events of another type, which hear of it as well: they are the causes.
    fn near(
        &self,
        cause: &Text,
        tag: &Tag,
        look_up: &mut LookUp<'_>,
        causes: &mut Vec<(&'a str, Update)>,
    ) -> Option<Change> {
        let Some((event, data)) = self.fields.get_key_value(cause.value.as_str()) else {
            let what = format!("{}: unknown event {}", self.about, cause.value);
            look_up.error(cause.at, what, "near names the type of the event that others are counted near to");
            return None;
        };
        let (mut key, mut cause_key) = (None, None);
        if let Some(on) = self.written.terms.get("on") {
            let here = Formula::thing(&on.value, &look_up.scope().with_data(self.data));
            key = Some(look_up.sound(here, on.at, &self.about)?);
            let there = Formula::thing(&on.value, &look_up.scope().with_data(data));
            cause_key = Some(look_up.sound(there, on.at, &format!("{} near {event}", self.about))?);
        }
        let there = Change::Cause { tag: tag.number, key: cause_key };
        causes.push((event, Update { when: None, change: there }));
        Some(Change::Counted { tag: tag.number, key })
    }
}
