//! What an event does: the updates its type declares, in their order, all or none.

use crate::call::{Event, EventOutcome, Refusal};
use crate::customer::dedupe::IdHash;
use crate::customer::patch::{plausible_time, tag_value, whole};
use crate::customer::{Customer, Turn};
use crate::playbook::{
    Change, EventType, Facts, Formula, Playbook, Scalar, TagKind, TagNumber, TagValue, Update,
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
        let heard = Heard { playbook, data: &event.data, at, now: turn.now };
        if let Err(refusal) = self.check_values(kind, &heard) {
            return EventOutcome::Rejected(refusal);
        }
        let source: Name = event.kind.as_str().into();
        for update in &kind.updates {
            self.on_update(update, &heard, &source);
        }
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
        let text_of = |formula: &Formula| match formula.scalar(&heard.facts(self)) {
            Some(Scalar::Text(text)) => Some(Name::from(text)),
            _ => None,
        };
        match &update.change {
            Change::Set(tag, formula) => {
                if let Some(value) = self.value_for(*tag, formula, heard) {
                    self.set(*tag, value, heard, source);
                }
            }
            Change::Add(tag, formula) => {
                if let Some(amount) = number_of(formula) {
                    self.combine(
                        *tag,
                        amount,
                        |old, amount| old.map_or(amount, |old| old + amount),
                        heard,
                        source,
                    );
                }
            }
            Change::Max(tag, formula) => {
                if let Some(amount) = number_of(formula) {
                    self.combine(
                        *tag,
                        amount,
                        |old, amount| old.map_or(amount, |old| old.max(amount)),
                        heard,
                        source,
                    );
                }
            }
            Change::Min(tag, formula) => {
                if let Some(amount) = number_of(formula) {
                    self.combine(
                        *tag,
                        amount,
                        |old, amount| old.map_or(amount, |old| old.min(amount)),
                        heard,
                        source,
                    );
                }
            }
            Change::Window(tag, formula) | Change::Ewma(tag, formula) => {
                if let Some(amount) = number_of(formula) {
                    self.accumulate(*tag, amount, heard);
                }
            }
            Change::Unset(tag) => {
                if self.tags.remove(*tag, heard.at) {
                    self.derivations.remove(*tag);
                    self.note_change(*tag, heard.playbook);
                }
            }
            Change::Own(formula) => {
                if text_of(formula).is_some_and(|product| self.products.insert(product)) {
                    self.changed_for_decisions();
                }
            }
            Change::Disown(formula) => {
                if text_of(formula).is_some_and(|product| self.products.remove(&product)) {
                    self.changed_for_decisions();
                }
            }
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
        if self.write_tag(heard.playbook, tag, value, heard.at, source, heard.now)
            == super::tags::Written::Changed
        {
            self.note_change(number, heard.playbook);
        }
    }

    /// Folds an amount into a number tag; the order of events does not matter, so a late one counts too.
    fn combine(
        &mut self,
        number: TagNumber,
        amount: f64,
        fold: impl Fn(Option<f64>, f64) -> f64,
        heard: &Heard<'_>,
        source: &Name,
    ) {
        let Some(tag) = heard.playbook.tags.get(&number) else { return };
        let entry = self.tags.get(number);
        let old = match entry.map(|entry| &entry.value) {
            Some(TagValue::Int(int)) => Some(*int as f64),
            Some(TagValue::Number(number)) => Some(*number),
            _ => None,
        };
        let as_of = entry.map_or(heard.at, |entry| entry.as_of.max(heard.at));
        let folded = fold(old, amount);
        if !folded.is_finite() {
            return;
        }
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

    fn accumulate(&mut self, number: TagNumber, amount: f64, heard: &Heard<'_>) {
        let Some(derived) = super::derived(heard.playbook, number) else { return };
        if amount.abs() > AMOUNT_MAX {
            return;
        }
        self.derivations.add(number, derived, amount, heard.at);
        self.refresh_derived(heard.playbook, number, heard.now);
        if amount != 0.0 {
            self.note_change(number, heard.playbook);
        }
    }

    fn note_change(&mut self, number: TagNumber, playbook: &Playbook) {
        if playbook.read_tags.contains(&number) {
            self.changed_for_decisions();
        }
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
struct Heard<'a> {
    playbook: &'a Playbook,
    data: &'a Value,
    at: Timestamp,
    now: Timestamp,
}

impl Heard<'_> {
    fn facts<'a>(&'a self, customer: &'a Customer) -> EventFacts<'a> {
        EventFacts { heard: self, customer }
    }
}

/// What the rules of an update may read: the event, and the customer as left by the updates before.
struct EventFacts<'a> {
    heard: &'a Heard<'a>,
    customer: &'a Customer,
}

impl Facts for EventFacts<'_> {
    fn tag(&self, tag: TagNumber) -> Option<&TagValue> {
        self.customer.fresh_tag(tag, self.heard.playbook, self.heard.now)
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
        self.heard.now
    }
}
