//! Tags from outside: checked as a whole, then written as of their time.

use crate::call::{PatchOutcome, Refusal, Reply, TagPatch};
use crate::customer::derive::ledger::Entry;
use crate::customer::derive::{Present, Said};
use crate::customer::event::Heard;
use crate::customer::tags::Written;
use crate::customer::{Customer, Outcome, Turn};
use crate::options::{FUTURE_MAX_MS, PAST_MAX_MS};
use crate::playbook::{Derived, Playbook, Tag, TagKind, TagValue};
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};

/// Text kept in a tag at most, bytes.
const TEXT_BYTES_MAX: usize = 256;

impl Customer {
    pub(super) fn on_patch(&mut self, patch: &TagPatch, turn: Turn<'_>) -> Outcome {
        let playbook = &turn.active.playbook;
        let as_of = patch.as_of.unwrap_or(turn.now);
        if let Err(refusal) = plausible_time(as_of, turn.now) {
            return Outcome::unchanged(Reply::Refused(refusal));
        }
        let checked: Result<Vec<_>, Refusal> =
            patch.set.iter().map(|(id, value)| typed(playbook, id, value)).collect();
        let unset: Result<Vec<_>, Refusal> = patch.unset.iter().map(|id| removable(playbook, id)).collect();
        let (set, unset) = match (checked, unset) {
            (Ok(set), Ok(unset)) => (set, unset),
            (Err(refusal), _) | (_, Err(refusal)) => return Outcome::unchanged(Reply::Refused(refusal)),
        };
        let source: Name = patch.source.as_str().into();
        let present = self.present(playbook, turn.now);
        let mut outcome = PatchOutcome::default();
        let mut matters = false;
        let mut refreshed = false;
        let heard = Heard { playbook, data: &Value::Null, at: as_of, present };
        let present = &heard.present;
        for (tag, value) in set {
            let staged = if is_stage(playbook, tag) { self.set_stage(&value, &heard) } else { None };
            match staged.unwrap_or_else(|| self.write_tag(tag, value, as_of, &source, present)) {
                Written::Changed => {
                    outcome.changed += 1;
                    matters |= playbook.read_tags.contains(&tag.number);
                }
                Written::Refreshed => {
                    outcome.kept += 1;
                    refreshed = true;
                }
                Written::Kept => outcome.kept += 1,
            }
        }
        for tag in unset {
            match self.unset(tag, as_of, present) {
                Written::Changed => {
                    outcome.changed += 1;
                    matters |= playbook.read_tags.contains(&tag.number);
                }
                Written::Refreshed => {
                    outcome.kept += 1;
                    refreshed = true;
                }
                Written::Kept => outcome.kept += 1,
            }
        }
        if outcome.changed > 0 {
            self.move_on(None, &heard);
        }
        if matters {
            self.changed_for_decisions();
        }
        let changed = outcome.changed > 0 || refreshed;
        Outcome { changed, ..Outcome::unchanged(Reply::Tags(outcome)) }
    }

    /// Writes a tag as of a time, unless something newer is known of it. A derived tag begins anew with the value.
    pub(super) fn write_tag(
        &mut self,
        tag: &Tag,
        value: TagValue,
        as_of: Timestamp,
        source: &Name,
        present: &Present,
    ) -> Written {
        if self.derivations.marks.outdate(tag.number, as_of) {
            return Written::Kept;
        }
        let Some(derived) = &tag.derived else {
            let written = self.tags.write(tag.number, value, as_of, source);
            match (written, tag.counted_on) {
                (Written::Kept, _) => {}
                (_, true) => {
                    self.derivations.marks.begin(tag.number, as_of);
                }
                (_, false) if self.derivations.marks.begun_at(tag.number).is_some() => {
                    self.derivations.marks.settle(tag.number);
                }
                (_, false) => {}
            }
            return written;
        };
        let amount = match value {
            TagValue::Int(int) => int as f64,
            TagValue::Number(number) => number,
            _ => return Written::Kept,
        };
        if *derived == Derived::Ledger {
            let before = self.derivations.newest(tag.number);
            return match self.hear_derived(tag, Said::Entry(Entry::Set(amount)), as_of, present) {
                true => Written::Changed,
                false if self.derivations.newest(tag.number) != before => Written::Refreshed,
                false => Written::Kept,
            };
        }
        if self.derivations.newest(tag.number).is_some_and(|newest| newest >= as_of) {
            return Written::Kept;
        }
        self.derivations.restart(tag.number, derived, amount, as_of, present);
        self.refresh_derived(tag, present);
        Written::Changed
    }

    /// Removes a tag as of a time. What is newer stays, and what was before comes back no more, however late it is heard.
    pub(super) fn unset(&mut self, tag: &Tag, at: Timestamp, present: &Present) -> Written {
        let noted = match &tag.derived {
            Some(Derived::Ledger) => {
                let before = self.derivations.newest(tag.number);
                if self.hear_derived(tag, Said::Entry(Entry::Unset), at, present) {
                    return Written::Changed;
                }
                self.derivations.newest(tag.number) != before
            }
            _ if self.derivations.marks.begun_at(tag.number) >= Some(at) => false,
            Some(derived) => {
                let noted = self.derivations.begin(tag.number, derived, at, present);
                if self.refresh_derived(tag, present) {
                    return Written::Changed;
                }
                noted
            }
            None if self.tags.get(tag.number).is_some_and(|entry| entry.as_of > at && !tag.counted_on) => {
                false
            }
            None => {
                let noted = self.derivations.marks.begin(tag.number, at);
                if self.tags.remove(tag.number, at) {
                    return Written::Changed;
                }
                noted
            }
        };
        if noted { Written::Refreshed } else { Written::Kept }
    }
}

/// Neither so far ahead that clocks can't explain it, nor so old that a unit must have been mistaken.
pub(super) fn plausible_time(at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    if at.since_ms(now) > FUTURE_MAX_MS {
        return Err(Refusal {
            code: "time_in_future",
            detail: format!("{at} is in the future; send when it happened"),
        });
    }
    if now.since_ms(at) > PAST_MAX_MS {
        return Err(Refusal {
            code: "time_too_old",
            detail: format!("{at} is more than three years ago; check the unit"),
        });
    }
    Ok(())
}

fn declared<'a>(playbook: &'a Playbook, id: &str) -> Result<&'a Tag, Refusal> {
    playbook.tag(id).ok_or_else(|| Refusal {
        code: "unknown_tag",
        detail: format!("tag {id} is not declared in the active playbook; declare it under tags"),
    })
}

/// The stage of the life cycle is moved, never removed.
fn is_stage(playbook: &Playbook, tag: &Tag) -> bool {
    playbook.life_cycle.as_ref().is_some_and(|cycle| cycle.tag == tag.number)
}

fn removable<'a>(playbook: &'a Playbook, id: &str) -> Result<&'a Tag, Refusal> {
    let tag = declared(playbook, id)?;
    if is_stage(playbook, tag) {
        let detail =
            format!("tag {id} is the stage of the life cycle and can't be removed; set another stage");
        return Err(Refusal { code: "derived_tag", detail });
    }
    Ok(tag)
}

fn typed<'a>(playbook: &'a Playbook, id: &str, value: &Value) -> Result<(&'a Tag, TagValue), Refusal> {
    let tag = declared(playbook, id)?;
    if let Some(
        Derived::Distinct { .. } | Derived::Crosses { .. } | Derived::Near { .. } | Derived::Dwell { .. },
    ) = tag.derived
    {
        let detail = format!("tag {id} is made of events and can't be set; unset it, or send the events");
        return Err(Refusal { code: "derived_tag", detail });
    }
    let value = tag_value(playbook, tag, value).map_err(|expected| Refusal {
        code: "bad_tag_value",
        detail: format!("tag {id} takes {expected}, not {}", value.kind()),
    })?;
    Ok((tag, value))
}

/// The value as the tag's type, or what the tag takes.
pub(super) fn tag_value(playbook: &Playbook, tag: &Tag, value: &Value) -> Result<TagValue, String> {
    let taken = match (tag.kind, value) {
        (TagKind::Int, Value::Int(int)) => Some(TagValue::Int(*int)),
        (TagKind::Int, Value::Number(number)) => whole(*number).map(TagValue::Int),
        (TagKind::Number, Value::Int(int)) => Some(TagValue::Number(*int as f64)),
        (TagKind::Number, Value::Number(number)) if number.is_finite() => Some(TagValue::Number(*number)),
        (TagKind::Bool, Value::Bool(bool)) => Some(TagValue::Bool(*bool)),
        (TagKind::Enum, Value::Text(text)) => {
            playbook.dictionary.enum_value(tag.number, text).map(TagValue::Enum)
        }
        (TagKind::Text, Value::Text(text)) if text.len() <= TEXT_BYTES_MAX => {
            Some(TagValue::Text(text.as_str().into()))
        }
        (TagKind::Time, Value::Text(text)) => Timestamp::parse(text).map(TagValue::Time),
        _ => None,
    };
    taken.ok_or_else(|| expected(playbook, tag))
}

/// A float that is a whole number an `i64` holds exactly.
pub(super) fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

fn expected(playbook: &Playbook, tag: &Tag) -> String {
    match tag.kind {
        TagKind::Int => "a whole number".to_owned(),
        TagKind::Number => "a number".to_owned(),
        TagKind::Bool => "true or false".to_owned(),
        TagKind::Enum => {
            let values = playbook.dictionary.enum_values(tag.number);
            format!("one of {}", values.iter().map(|value| &**value).collect::<Vec<_>>().join(", "))
        }
        TagKind::Text => format!("text of at most {TEXT_BYTES_MAX} bytes"),
        TagKind::Time => "a time like 2026-03-01T09:00:00Z".to_owned(),
    }
}
