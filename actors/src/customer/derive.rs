//! Tags that are made of more than their last change: windows, fading sums, months, thresholds, things told apart.
//!
//! What is kept of each is bounded and does not grow with the customer's history. Events may come late: one that comes
//! within [`LATE_MAX_MS`](crate::options::LATE_MAX_MS) of its time leaves the same state as if it had come in time, as far
//! as its update reads nothing but the event itself.
//!
//! Reading order: what a removal leaves behind ([`marks`]), one file for each way to derive a tag, and below how the
//! playbook's word for it finds the right one.

pub mod marks;
mod by_tag;
pub mod window;
pub mod distinct;
pub mod calendar;
pub mod months;
pub mod levels;
pub mod near;
pub mod ordered;
pub mod ledger;
pub mod dwell;

use crate::customer::packed::Input;
use crate::customer::section::{Form, Section, SectionBytes};
use crate::error::Unreadable;
use crate::playbook::{Derived, Scalar, TagNumber, WindowFold};
use crate::timestamp::Timestamp;
use crate::value::Name;
use by_tag::ByTag;
use calendar::Calendar;
use distinct::Distinct;
use dwell::{Dwell, Sighting};
use ledger::{Entry, Ledger};
use levels::{Levels, Measure};
use marks::Marks;
use months::Months;
use near::{Near, Reach, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use window::{FadingSum, Mean, Over, Window};
use xxhash_rust::xxh3::xxh3_64;

/// What derived tags are derived of.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Derivations {
    parts: ByTag<Part>,
    /// What removals left behind.
    pub marks: Section<Marks>,
}

/// Now, and the customer's calendar.
#[derive(Clone, Debug)]
pub struct Present {
    /// Now.
    pub now: Timestamp,
    /// The customer's calendar; the default one where no tag goes by it.
    pub calendar: Calendar,
}

/// What an event, or somebody outside, says of a derived tag.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A number of a window, a fading sum or a month.
    Amount(f64),
    /// One of the things told apart, as a hash.
    Thing(u64),
    /// An amount towards thresholds.
    Towards(f64, Measure),
    /// One of two events that are to be near each other, with the hash of what they must have in common.
    Near(Side, u64),
    /// A change of a number that is replayed.
    Entry(Entry),
    /// The fences around the customer.
    Seen(Sighting),
}

/// A derived tag's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// A number.
    Number(f64),
    /// A stay in a fence.
    Stay {
        /// Which fence.
        fence: Name,
        /// Since when.
        since: Timestamp,
        /// How long it has lasted, milliseconds.
        lasted_ms: i64,
    },
}

/// What one derived tag is derived of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Part {
    #[serde(rename = "s")]
    Sum(Window),
    #[serde(rename = "x")]
    Extreme(Window),
    #[serde(rename = "a")]
    Mean(Mean),
    #[serde(rename = "f")]
    Fading(FadingSum),
    #[serde(rename = "d")]
    Distinct(Distinct),
    #[serde(rename = "m")]
    Months(Months),
    #[serde(rename = "c")]
    Levels(Levels),
    #[serde(rename = "n")]
    Near(Near),
    #[serde(rename = "l")]
    Ledger(Ledger),
    #[serde(rename = "w")]
    Dwell(Dwell),
}

impl Derivations {
    /// Hears something said of the tag. Whether it counted: what is older than the tag's removal does not. `known` is the
    /// tag's value so far, for a ledger to begin with.
    pub fn hear(
        &mut self,
        tag: TagNumber,
        derived: &Derived,
        said: Said,
        at: Timestamp,
        known: impl FnOnce() -> Option<(f64, Timestamp)>,
        present: &Present,
    ) -> bool {
        if self.marks.outdate(tag, at) {
            return false;
        }
        let fits = self.parts.get(tag).is_some_and(|part| part.fits(derived));
        if !fits {
            self.parts.insert(tag, Part::new(derived, at, known, present));
        }
        let Some(part) = self.parts.get_mut(tag) else { return false };
        part.hear(derived, said, at, present)
    }

    /// Begins the tag anew: at `at` it was `amount`, and nothing older counts.
    pub fn restart(
        &mut self,
        tag: TagNumber,
        derived: &Derived,
        amount: f64,
        at: Timestamp,
        present: &Present,
    ) {
        self.parts.remove(tag);
        self.marks.begin(tag, at);
        self.hear(tag, derived, Said::Amount(amount), at, || None, present);
    }

    /// Nothing before `at` counts for the tag any more; windows forget whole buckets, months whole months.
    pub fn begin(&mut self, tag: TagNumber, derived: &Derived, at: Timestamp, present: &Present) -> bool {
        let newest = self.parts.get(tag).and_then(Part::newest);
        if newest.is_some_and(|newest| newest <= at) {
            self.parts.remove(tag);
        } else if let Some(part) = self.parts.get_mut(tag) {
            part.begin(derived, at, present);
        }
        self.marks.begin(tag, at)
    }

    /// The tag's value now and the time of the newest event in it; `None` while there is no value.
    #[must_use]
    pub fn value(&self, tag: TagNumber, derived: &Derived, present: &Present) -> Option<(Made, Timestamp)> {
        let part = self.parts.get(tag).filter(|part| part.fits(derived))?;
        if let (Part::Dwell(dwell), Derived::Dwell { stay_ms, .. }) = (part, derived) {
            let stay = dwell.value(*stay_ms, present.now)?;
            let lasted_ms = stay.seen_at.since_ms(stay.since);
            return Some((Made::Stay { fence: stay.fence, since: stay.since, lasted_ms }, stay.seen_at));
        }
        Some((Made::Number(part.value(derived, present)?), part.newest()?))
    }

    /// Tags that say where the customer is.
    #[must_use]
    pub fn place_tags(&self) -> Vec<TagNumber> {
        self.parts.iter().filter(|(_, part)| matches!(part, Part::Dwell(_))).map(|(tag, _)| tag).collect()
    }

    /// Forgets all that is known of the tag.
    pub fn forget(&mut self, tag: TagNumber) {
        self.parts.remove(tag);
    }

    /// The time of the newest event in the tag.
    #[must_use]
    pub fn newest(&self, tag: TagNumber) -> Option<Timestamp> {
        self.parts.get(tag)?.newest()
    }

    /// Whether the tag moves with time.
    #[must_use]
    pub fn moves(&self, tag: TagNumber) -> bool {
        self.parts.get(tag).is_some_and(|part| !matches!(part, Part::Ledger(_)))
    }

    /// The tags that move with time.
    #[must_use]
    pub fn moving_tags(&self) -> Vec<TagNumber> {
        self.parts.iter().filter(|(_, part)| !matches!(part, Part::Ledger(_))).map(|(tag, _)| tag).collect()
    }

    /// The tags that something is kept of.
    pub fn tags(&self) -> impl Iterator<Item = TagNumber> {
        self.parts.tags()
    }

    /// Whether both keep the same of the tag.
    #[must_use]
    pub fn alike(&self, other: &Derivations, tag: TagNumber) -> bool {
        self.parts.get(tag) == other.parts.get(tag)
    }

    /// Keeps of the tag what the other does, nothing included.
    pub fn take_tag(&mut self, other: &Derivations, tag: TagNumber) {
        match other.parts.get(tag) {
            Some(part) => self.parts.insert(tag, part.clone()),
            None => self.parts.remove(tag),
        };
    }

    /// Drops what has left its window, and what the playbook derives in another way by now. A tag that is not declared
    /// at present keeps what it has.
    pub fn forget_old<'a>(
        &mut self,
        declared: impl Fn(TagNumber) -> Option<Option<&'a Derived>>,
        present: &Present,
    ) {
        self.marks.forget_old(present.now);
        self.parts.retain(|tag, part| match declared(tag) {
            None => true,
            Some(derived) => derived.is_some_and(|derived| {
                part.forget_old(derived, present);
                part.fits(derived)
            }),
        });
    }
}

/// The hash by which a thing is told from others; numbers that are equal are one thing.
#[must_use]
pub fn thing_hash(thing: Scalar<'_>) -> u64 {
    let number = |number: f64| xxh3_64(&[b"n".as_slice(), &(number + 0.0).to_bits().to_le_bytes()].concat());
    match thing {
        Scalar::Bool(bool) => xxh3_64(if bool { b"true" } else { b"false" }),
        Scalar::Int(int) => number(int as f64),
        Scalar::Number(float) => number(float),
        Scalar::Text(text) => xxh3_64(text.as_bytes()),
        Scalar::Time(at) => number(at.ms() as f64),
    }
}

impl Part {
    fn new(
        derived: &Derived,
        at: Timestamp,
        known: impl FnOnce() -> Option<(f64, Timestamp)>,
        present: &Present,
    ) -> Part {
        match derived {
            Derived::Window { window_ms, fold: WindowFold::Sum } => Part::Sum(Window::new(*window_ms, at)),
            Derived::Window { window_ms, .. } => Part::Extreme(Window::new(*window_ms, at)),
            Derived::Mean { window_ms } => Part::Mean(Mean::new(*window_ms, at)),
            Derived::Ewma { .. } => Part::Fading(FadingSum::new(at)),
            Derived::Distinct { window_ms } => Part::Distinct(Distinct::new(*window_ms, at)),
            Derived::Months(_) => Part::Months(Months::new(at, &present.calendar)),
            Derived::Crosses { .. } => Part::Levels(Levels::new(at)),
            Derived::Near { window_ms, within_ms } => {
                Part::Near(Near::new(Reach { within_ms: *within_ms, window_ms: *window_ms }, at))
            }
            Derived::Ledger => Part::Ledger(Ledger::new(known())),
            Derived::Dwell { .. } => Part::Dwell(Dwell::new()),
        }
    }

    fn fits(&self, derived: &Derived) -> bool {
        matches!(
            (self, derived),
            (Part::Sum(_), Derived::Window { fold: WindowFold::Sum, .. })
                | (Part::Extreme(_), Derived::Window { fold: WindowFold::Least | WindowFold::Largest, .. })
                | (Part::Mean(_), Derived::Mean { .. })
                | (Part::Fading(_), Derived::Ewma { .. })
                | (Part::Distinct(_), Derived::Distinct { .. })
                | (Part::Months(_), Derived::Months(_))
                | (Part::Levels(_), Derived::Crosses { .. })
                | (Part::Near(_), Derived::Near { .. })
                | (Part::Ledger(_), Derived::Ledger)
                | (Part::Dwell(_), Derived::Dwell { .. })
        )
    }

    fn hear(&mut self, derived: &Derived, said: Said, at: Timestamp, present: &Present) -> bool {
        let over = |window_ms| Over { window_ms, now: present.now };
        match (self, derived, said) {
            (
                Part::Sum(part) | Part::Extreme(part),
                Derived::Window { window_ms, fold },
                Said::Amount(amount),
            ) => {
                part.hear(amount, at, over(*window_ms), *fold);
            }
            (Part::Mean(part), Derived::Mean { window_ms }, Said::Amount(amount)) => {
                part.hear(amount, at, over(*window_ms));
            }
            (Part::Fading(part), Derived::Ewma { half_life_ms }, Said::Amount(amount)) => {
                part.hear(amount, at, *half_life_ms);
            }
            (Part::Distinct(part), Derived::Distinct { window_ms }, Said::Thing(hash)) => {
                part.hear(hash, at, *window_ms, present.now);
            }
            (Part::Months(part), Derived::Months(_), Said::Amount(amount)) => {
                part.hear(amount, at, &present.calendar);
            }
            (Part::Levels(part), Derived::Crosses { thresholds, per }, Said::Towards(amount, measure)) => {
                part.hear(amount, measure, at, present.calendar.period(*per, at), thresholds);
            }
            (Part::Near(part), Derived::Near { window_ms, within_ms }, Said::Near(side, key)) => {
                part.hear(side, key, at, Reach { within_ms: *within_ms, window_ms: *window_ms }, present.now);
            }
            (Part::Ledger(part), Derived::Ledger, Said::Entry(entry)) => return part.hear(entry, at),
            (Part::Dwell(part), Derived::Dwell { .. }, Said::Seen(sighting)) => {
                return part.hear(sighting, at);
            }
            _ => return false,
        }
        true
    }

    fn value(&self, derived: &Derived, present: &Present) -> Option<f64> {
        let now = present.now;
        match (self, derived) {
            (Part::Sum(part), Derived::Window { window_ms, fold }) => {
                Some(part.value(*window_ms, *fold, now).unwrap_or(0.0))
            }
            (Part::Extreme(part), Derived::Window { window_ms, fold }) => part.value(*window_ms, *fold, now),
            (Part::Mean(part), Derived::Mean { window_ms }) => part.value(*window_ms, now),
            (Part::Fading(part), Derived::Ewma { half_life_ms }) => Some(part.value(now, *half_life_ms)),
            (Part::Distinct(part), Derived::Distinct { window_ms }) => Some(part.value(*window_ms, now)),
            (Part::Months(part), Derived::Months(pick)) => part.value(*pick, now, &present.calendar),
            (Part::Levels(part), Derived::Crosses { per, .. }) => {
                Some(part.value(present.calendar.period(*per, now)))
            }
            (Part::Near(part), Derived::Near { window_ms, within_ms }) => {
                Some(part.value(Reach { within_ms: *within_ms, window_ms: *window_ms }, now))
            }
            (Part::Ledger(part), Derived::Ledger) => part.value(),
            _ => None,
        }
    }

    fn newest(&self) -> Option<Timestamp> {
        match self {
            Part::Sum(part) | Part::Extreme(part) => Some(part.newest()),
            Part::Mean(part) => Some(part.newest()),
            Part::Fading(part) => Some(part.newest()),
            Part::Distinct(part) => Some(part.newest()),
            Part::Months(part) => Some(part.newest()),
            Part::Levels(part) => Some(part.newest()),
            Part::Near(part) => Some(part.newest()),
            Part::Ledger(part) => part.newest_at(),
            Part::Dwell(part) => part.newest_at(),
        }
    }

    fn forget_old(&mut self, derived: &Derived, present: &Present) {
        let now = present.now;
        match (self, derived) {
            (Part::Sum(part) | Part::Extreme(part), Derived::Window { window_ms, .. }) => {
                part.forget_old(*window_ms, now);
            }
            (Part::Mean(part), Derived::Mean { window_ms }) => part.forget_old(*window_ms, now),
            (Part::Distinct(part), Derived::Distinct { window_ms }) => part.forget_old(*window_ms, now),
            (Part::Months(part), Derived::Months(pick)) => part.forget_old(*pick, now, &present.calendar),
            (Part::Levels(part), Derived::Crosses { per, .. }) => {
                part.keep_from(present.calendar.period(*per, now));
            }
            (Part::Near(part), Derived::Near { window_ms, within_ms }) => {
                part.forget_old(Reach { within_ms: *within_ms, window_ms: *window_ms }, now);
            }
            _ => {}
        }
    }

    fn begin(&mut self, derived: &Derived, at: Timestamp, present: &Present) {
        match (self, derived) {
            (Part::Sum(part) | Part::Extreme(part), _) => part.begin(at),
            (Part::Mean(part), _) => part.begin(at),
            (Part::Distinct(part), _) => part.begin(at),
            (Part::Months(part), _) => part.begin(at, &present.calendar),
            (Part::Levels(part), Derived::Crosses { per, .. }) => {
                part.keep_from(present.calendar.period(*per, at));
            }
            (Part::Near(part), _) => part.begin(at),
            // What has faded can't be told apart any more, and a ledger hears of removals as entries.
            _ => {}
        }
    }
}

/// The parts, each decoded only when its tag is touched, then the marks.
impl Form for Derivations {
    fn write_form(&self, out: &mut Vec<u8>) {
        self.parts.write(out);
        Section::write(&self.marks, out);
    }

    fn read_form(section: &SectionBytes) -> Result<Self, Unreadable> {
        let mut input = Input::new(section, "derivations");
        let parts = ByTag::read(&mut input)?;
        Ok(Derivations { parts, marks: Section::stored(input.rest()) })
    }

    fn check_form(&self) -> Result<(), Unreadable> {
        self.parts.check()?;
        Section::check(&self.marks)
    }
}

/// A part of which nothing is kept. Never made by a turn; stands for the bytes of nothing.
impl Default for Part {
    fn default() -> Self {
        Part::Ledger(Ledger::new(None))
    }
}

/// As written by version 1: sums and fading sums in maps of their own.
#[derive(Deserialize)]
pub(super) struct DerivationsOfVersion1 {
    windows: BTreeMap<TagNumber, Window>,
    fading: BTreeMap<TagNumber, FadingSum>,
}

impl From<DerivationsOfVersion1> for Derivations {
    fn from(old: DerivationsOfVersion1) -> Self {
        let mut derivations = Derivations::default();
        for (tag, window) in old.windows {
            derivations.parts.insert(tag, Part::Sum(window));
        }
        for (tag, fading) in old.fading {
            derivations.parts.insert(tag, Part::Fading(fading));
        }
        derivations
    }
}

#[cfg(test)]
mod tests;
