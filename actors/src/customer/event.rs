//! What an event does: the updates its type declares, in their order, all or none.

use crate::call::{Event, EventOutcome, Refusal};
use crate::customer::dedupe::IdHash;
use crate::customer::derive::dwell::{FENCES_MAX, Sighting};
use crate::customer::derive::ledger::Entry;
use crate::customer::derive::levels::Measure;
use crate::customer::derive::near::Side;
use crate::customer::derive::{Present, Said, thing_hash};
use crate::customer::patch::{plausible_time, tag_value, whole};
use crate::customer::tags::Written;
use crate::customer::{Customer, Turn};
use crate::playbook::{
    Change, Derived, EventType, Facts, Folding, Formula, Playbook, Scalar, Tag, TagKind, TagNumber, TagValue,
    Update,
};
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};

/// A product's name, bytes.
const PRODUCT_BYTES_MAX: usize = 256;
/// Amounts beyond this are no amounts: sums of them would stop being numbers.
const AMOUNT_MAX: f64 = 1e200;

impl Customer {
    /// Hears one event. A rejected event leaves no trace, not even its id: it may come again, mended.
    pub(super) fn on_event(&mut self, event: &Event, turn: Turn<'_>) -> EventOutcome {
        let playbook = &turn.active.playbook;
        let hash = IdHash::event(&event.source, &event.id);
        if self.recent.knows_event(hash) {
            return EventOutcome::Duplicate;
        }
        let at = event.at.unwrap_or(turn.now);
        let checked = plausible_time(at, turn.now).and_then(|()| checked_type(playbook, event));
        let kind = match checked {
            Ok(kind) => kind,
            Err(refusal) => return EventOutcome::Rejected(refusal),
        };
        let present = self.present(playbook, turn.now);
        self.refresh_for(kind, playbook, &present);
        let heard = Heard { playbook, data: &event.data, at, present };
        if let Err(refusal) = self.check_values(kind, &heard) {
            return EventOutcome::Rejected(refusal);
        }
        let source: Name = event.kind.as_str().into();
        for update in &kind.updates {
            self.on_update(update, &heard, &source);
        }
        self.move_on(Some(&event.kind), &heard);
        self.recent.hear_event(hash, turn.now);
        EventOutcome::Accepted
    }

    /// A tag may be set from the event's data, and a product owned: a value that does not fit is found before anything
    /// is written.
    fn check_values(&self, kind: &EventType, heard: &Heard<'_>) -> Result<(), Refusal> {
        let facts = heard.facts(self);
        let runs =
            |update: &&Update| update.when.as_ref().is_none_or(|when| when.holds(&facts) == Some(true));
        for update in kind.updates.iter().filter(runs) {
            let (formula, expected) = match &update.change {
                Change::Set(number, formula) => {
                    let Some(tag) = heard.playbook.tags.get(number) else { continue };
                    let Some(Scalar::Text(text)) = formula.scalar(&facts) else { continue };
                    let fits = tag_value(heard.playbook, tag, &Value::Text(text.to_owned()));
                    (formula, fits.err().map(|expected| format!("tag {} takes {expected}", tag.id)))
                }
                Change::Own(formula) => {
                    let Some(Scalar::Text(text)) = formula.scalar(&facts) else { continue };
                    let long = text.len() > PRODUCT_BYTES_MAX;
                    (formula, long.then(|| format!("a product's name has at most {PRODUCT_BYTES_MAX} bytes")))
                }
                _ => continue,
            };
            if let Some(expected) = expected {
                let detail = format!("{} of this event does not fit: {expected}", formula.text());
                return Err(Refusal { code: "bad_event_data", detail });
            }
        }
        Ok(())
    }

    /// A formula over something missing changes nothing.
    fn on_update(&mut self, update: &Update, heard: &Heard<'_>, source: &Name) {
        let holds = |rule: &crate::playbook::Rule| rule.holds(&heard.facts(self)) == Some(true);
        if !update.when.as_ref().is_none_or(holds) {
            return;
        }
        let number_of = |formula: &Formula| formula.value(&heard.facts(self));
        let hash_of = |formula: &Formula| formula.scalar(&heard.facts(self)).map(thing_hash);
        match &update.change {
            Change::Set(tag, formula) => {
                if let Some(value) = self.value_for(*tag, formula, heard) {
                    self.set(*tag, value, heard, source);
                }
            }
            Change::Fold(tag, folding, formula) => {
                if let Some(amount) = number_of(formula) {
                    self.fold(*tag, *folding, amount, heard, source);
                }
            }
            Change::Amount(tag, formula) => {
                if let Some(amount) = number_of(formula).filter(plausible) {
                    self.hear(*tag, Said::Amount(amount), heard);
                }
            }
            Change::Thing(tag, formula) => {
                if let Some(hash) = hash_of(formula) {
                    self.hear(*tag, Said::Thing(hash), heard);
                }
            }
            Change::Towards { tag, amount, percent_of } => {
                if let Some(amount) = number_of(amount).filter(plausible) {
                    let measure = match percent_of {
                        Some(full) => Measure::PercentOf(number_of(full)),
                        None => Measure::Amount,
                    };
                    self.hear(*tag, Said::Towards(amount, measure), heard);
                }
            }
            Change::Counted { tag, key } | Change::Cause { tag, key } => {
                let side = match &update.change {
                    Change::Cause { .. } => Side::Cause,
                    _ => Side::Counted,
                };
                if let Some(key) = key.as_ref().map_or(Some(0), hash_of) {
                    self.hear(*tag, Said::Near(side, key), heard);
                }
            }
            Change::Seen { tag, lat, lon } => {
                if let (Some(lat), Some(lon)) = (number_of(lat), number_of(lon)) {
                    self.see(*tag, lat, lon, heard);
                }
            }
            Change::Unset(tag) => {
                if let Some(tag) = heard.playbook.tags.get(tag)
                    && self.unset(tag, heard.at, &heard.present) == Written::Changed
                {
                    self.note_change(tag.number, heard.playbook);
                }
            }
            Change::Own(formula) | Change::Disown(formula) => {
                let product = match formula.scalar(&heard.facts(self)) {
                    Some(Scalar::Text(text)) => Name::from(text),
                    _ => return,
                };
                self.note_product(product, matches!(update.change, Change::Own(_)), heard.at);
            }
        }
    }

    /// Notes which fences are around the customer. Without consent to `location`, and of a spot that is none, nothing is.
    fn see(&mut self, number: TagNumber, lat: f64, lon: f64, heard: &Heard<'_>) {
        let Some(tag) = heard.playbook.tags.get(&number) else { return };
        let Some(Derived::Dwell { group, .. }) = &tag.derived else { return };
        if lat.abs() > 90.0 || lon.abs() > 180.0 || !self.consents.permits_location(heard.present.now) {
            return;
        }
        let mut sighting = Sighting::default();
        for around in heard.playbook.fences.around(lat, lon, group.as_deref()).iter().take(FENCES_MAX) {
            let side = if around.inside { &mut sighting.inside } else { &mut sighting.near };
            side.push(Name::clone(&around.fence.id));
        }
        self.hear(number, Said::Seen(sighting), heard);
    }

    /// The newest thing heard of a product counts, whichever comes first.
    fn note_product(&mut self, product: Name, owned: bool, at: Timestamp) {
        if !self.derivations.marks.note_product(&product, at) {
            return;
        }
        let changed = if owned { self.products.insert(product) } else { self.products.remove(&product) };
        if changed {
            self.changed_for_decisions();
        }
    }

    fn value_for(&self, tag: TagNumber, formula: &Formula, heard: &Heard<'_>) -> Option<TagValue> {
        let tag = heard.playbook.tags.get(&tag)?;
        let facts = heard.facts(self);
        let value = match (formula.scalar(&facts)?, tag.kind) {
            (Scalar::Time(at), TagKind::Time) => return Some(TagValue::Time(at)),
            (Scalar::Number(number), TagKind::Int) => return Some(TagValue::Int(number.round() as i64)),
            (Scalar::Bool(bool), _) => Value::Bool(bool),
            (Scalar::Int(int), _) => Value::Int(int),
            (Scalar::Number(number), _) => Value::Number(number),
            (Scalar::Text(text), _) => Value::Text(text.to_owned()),
            (Scalar::Time(at), _) => Value::Text(at.to_string()),
        };
        tag_value(heard.playbook, tag, &value).ok()
    }

    fn set(&mut self, number: TagNumber, value: TagValue, heard: &Heard<'_>, source: &Name) {
        let Some(tag) = heard.playbook.tags.get(&number) else { return };
        if self.write_tag(tag, value, heard.at, source, &heard.present) == Written::Changed {
            self.note_change(number, heard.playbook);
        }
    }

    /// Counts an amount on to a number tag. Where nothing else changes the tag, the order of events does not matter.
    fn fold(&mut self, number: TagNumber, folding: Folding, amount: f64, heard: &Heard<'_>, source: &Name) {
        let Some(tag) = heard.playbook.tags.get(&number) else { return };
        let step = match folding {
            Folding::Add => Entry::Add(amount),
            Folding::Max => Entry::Max(amount),
            Folding::Min => Entry::Min(amount),
            Folding::Take => Entry::Take(amount),
        };
        if tag.derived == Some(Derived::Ledger) {
            self.hear(number, Said::Entry(step), heard);
            return;
        }
        if self.derivations.marks.outdate(number, heard.at) {
            return;
        }
        let entry = self.tags.get(number);
        let as_of = entry.map_or(heard.at, |entry| entry.as_of.max(heard.at));
        let Some(folded) = step.after(entry.and_then(|entry| number_in(&entry.value))) else { return };
        let value = match tag.kind {
            TagKind::Int => TagValue::Int(folded.round() as i64),
            _ => TagValue::Number(folded),
        };
        let changed = entry.map(|entry| &entry.value) != Some(&value);
        self.tags.put(number, value, as_of, source);
        if changed {
            self.note_change(number, heard.playbook);
        }
    }

    /// Hears something of a derived tag and writes what follows.
    fn hear(&mut self, number: TagNumber, said: Said, heard: &Heard<'_>) {
        let Some(tag) = heard.playbook.tags.get(&number) else { return };
        if self.hear_derived(tag, said, heard.at, &heard.present) {
            self.note_change(number, heard.playbook);
        }
    }

    /// Whether the tag's value is another one afterwards.
    pub(super) fn hear_derived(&mut self, tag: &Tag, said: Said, at: Timestamp, present: &Present) -> bool {
        let Some(derived) = &tag.derived else { return false };
        let there = self.tags.get(tag.number);
        let known = there.and_then(|entry| Some((number_in(&entry.value)?, entry.as_of)));
        self.derivations.hear(tag.number, derived, said, at, || known, present)
            && self.refresh_derived(tag, present)
    }

    pub(super) fn note_change(&mut self, number: TagNumber, playbook: &Playbook) {
        if playbook.read_tags.contains(&number) {
            self.changed_for_decisions();
        }
    }
}

/// Amounts beyond are no amounts.
fn plausible(amount: &f64) -> bool {
    amount.abs() <= AMOUNT_MAX
}

/// The number in a value, if it holds one.
fn number_in(value: &TagValue) -> Option<f64> {
    match value {
        TagValue::Int(int) => Some(*int as f64),
        TagValue::Number(number) => Some(*number),
        _ => None,
    }
}

/// The declared type, if the event's data fits it.
fn checked_type<'a>(playbook: &'a Playbook, event: &Event) -> Result<&'a EventType, Refusal> {
    let Some(kind) = playbook.events.get(event.kind.as_str()) else {
        return Err(Refusal {
            code: "unknown_event_type",
            detail: format!("event type {} is not declared in the active playbook", event.kind),
        });
    };
    for (field, declared) in &kind.data {
        let fits = match event.data.at(field) {
            None | Some(Value::Null) => declared.optional,
            Some(value) => fits(declared.kind, value),
        };
        if !fits {
            let found = event.data.at(field).map_or("nothing", Value::kind);
            return Err(Refusal {
                code: "bad_event_data",
                detail: format!(
                    "data.{field} of {} must be {}, found {found}",
                    event.kind,
                    declared.kind.word()
                ),
            });
        }
    }
    Ok(kind)
}

fn fits(kind: TagKind, value: &Value) -> bool {
    match (kind, value) {
        (TagKind::Int | TagKind::Number, Value::Int(_)) | (TagKind::Bool, Value::Bool(_)) => true,
        (TagKind::Number, Value::Number(number)) => number.is_finite(),
        (TagKind::Int, Value::Number(number)) => whole(*number).is_some(),
        (TagKind::Text | TagKind::Enum, Value::Text(_)) => true,
        (TagKind::Time, Value::Text(text)) => Timestamp::parse(text).is_some(),
        _ => false,
    }
}

/// An event being applied.
pub(super) struct Heard<'a> {
    pub(super) playbook: &'a Playbook,
    pub(super) data: &'a Value,
    pub(super) at: Timestamp,
    pub(super) present: Present,
}

impl Heard<'_> {
    pub(super) fn facts<'a>(&'a self, customer: &'a Customer) -> EventFacts<'a> {
        EventFacts { heard: self, customer }
    }
}

/// What the rules of an update may read: the event, and the customer as left by the updates before.
pub(super) struct EventFacts<'a> {
    heard: &'a Heard<'a>,
    customer: &'a Customer,
}

impl Facts for EventFacts<'_> {
    fn tag(&self, tag: TagNumber) -> Option<&TagValue> {
        self.customer.fresh_tag(tag, self.heard.playbook, self.heard.present.now)
    }

    fn context(&self, _path: &str) -> Option<Scalar<'_>> {
        None
    }

    fn data(&self, path: &str) -> Option<Scalar<'_>> {
        Scalar::of(self.heard.data.at(path)?)
    }

    fn event_time(&self) -> Option<Timestamp> {
        Some(self.heard.at)
    }

    fn owns(&self, product: &str) -> bool {
        self.customer.owns(product)
    }

    fn now(&self) -> Timestamp {
        self.heard.present.now
    }
}
