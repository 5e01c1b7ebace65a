//! What events change: their data, their updates, and the ways in which a tag is derived from them.

use super::{CalendarUnit, Formula, Rule, TagKind, TagNumber};
use crate::value::Name;
use std::collections::BTreeMap;

/// A tag whose value is made of more than its last change.
#[derive(Clone, Debug, PartialEq)]
pub enum Derived {
    /// Sum, count or extreme over the last `window_ms`.
    Window {
        /// Length of the window.
        window_ms: i64,
        /// How its events are folded.
        fold: WindowFold,
    },
    /// The mean over the last `window_ms`.
    Mean {
        /// Length of the window.
        window_ms: i64,
    },
    /// Exponentially weighted: what was added halves every `half_life_ms`.
    Ewma {
        /// Time in which a value halves.
        half_life_ms: i64,
    },
    /// How many different things there were, over the last `window_ms` or ever.
    Distinct {
        /// Length of the window; `None`: ever.
        window_ms: Option<i64>,
    },
    /// What came together in billing months.
    Months(MonthPick),
    /// The highest threshold that an amount has crossed in the present period.
    Crosses {
        /// The thresholds, growing.
        thresholds: Box<[f64]>,
        /// The period, in the customer's zone.
        per: CalendarUnit,
    },
    /// How many events over the last `window_ms` fell within `within_ms` of one of another kind.
    Near {
        /// Length of the window.
        window_ms: i64,
        /// Between the two events at most, either way.
        within_ms: i64,
    },
    /// A number that events both set and count on: its changes are replayed in order.
    Ledger,
    /// The fence in which the customer stays: its id, since when, for how many minutes or whether, by the tag's type.
    Dwell {
        /// How long a stay has lasted before it counts.
        stay_ms: i64,
        /// Only fences of this kind.
        group: Option<Name>,
    },
}

/// How the events of a window are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowFold {
    /// Added up.
    Sum,
    /// The smallest.
    Least,
    /// The largest.
    Largest,
}

/// Which billing months a tag shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthPick {
    /// The one so many months back: 0 is the present one, so far.
    Back(u8),
    /// The mean of so many complete months.
    MeanOf(u8),
}

/// A declared event.
#[derive(Debug)]
pub struct EventType {
    /// Declared fields of its data.
    pub data: BTreeMap<Name, DataField>,
    /// What it does, in the order of the files.
    pub updates: Vec<Update>,
}

/// A declared field of an event's data. Every declared field must be there, unless optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataField {
    /// Its type: any but `Enum`.
    pub kind: TagKind,
    /// May be left out (declared as `number?`).
    pub optional: bool,
}

/// What an event changes.
#[derive(Clone, Debug)]
pub struct Update {
    /// Only when this holds.
    pub when: Option<Rule>,
    /// The change.
    pub change: Change,
}

impl Update {
    /// The tags that it reads or changes, some perhaps more than once.
    pub fn tags(&self) -> impl Iterator<Item = TagNumber> {
        let (changed, formulas) = self.change.parts();
        let read = formulas.into_iter().flatten().flat_map(Formula::reads_tags);
        self.when.iter().flat_map(Rule::reads_tags).chain(changed).chain(read)
    }
}

impl Change {
    /// The tag that it changes, and the formulas that it reads.
    fn parts(&self) -> (Option<TagNumber>, [Option<&Formula>; 2]) {
        match self {
            Change::Set(tag, formula)
            | Change::Fold(tag, _, formula)
            | Change::Amount(tag, formula)
            | Change::Thing(tag, formula) => (Some(*tag), [Some(formula), None]),
            Change::Towards { tag, amount, percent_of } => (Some(*tag), [Some(amount), percent_of.as_ref()]),
            Change::Counted { tag, key } | Change::Cause { tag, key } => (Some(*tag), [key.as_ref(), None]),
            Change::Seen { tag, lat, lon } => (Some(*tag), [Some(lat), Some(lon)]),
            Change::Unset(tag) => (Some(*tag), [None, None]),
            Change::Own(formula) | Change::Disown(formula) => (None, [Some(formula), None]),
        }
    }
}

/// A change made by an event.
#[derive(Clone, Debug)]
pub enum Change {
    /// The tag becomes the value, unless a newer one is there (`set`, `last`).
    Set(TagNumber, Formula),
    /// The value is counted on to the tag's number (`add`, `take`, `max`, `min`; `sum` and `count` without a window).
    Fold(TagNumber, Folding, Formula),
    /// The value is an amount of the tag's window, fading sum or months.
    Amount(TagNumber, Formula),
    /// The value is one of the things that the tag tells apart (`distinct`).
    Thing(TagNumber, Formula),
    /// The value counts towards the tag's thresholds (`crosses`).
    Towards {
        /// The tag.
        tag: TagNumber,
        /// How much.
        amount: Formula,
        /// What thresholds are percents of; `None`: they are amounts.
        percent_of: Option<Formula>,
    },
    /// The event is counted if it is near a cause (`near`).
    Counted {
        /// The tag.
        tag: TagNumber,
        /// What it must have in common with the cause.
        key: Option<Formula>,
    },
    /// The event is a cause that others are counted near to. No update is written so: it follows from the others' `near`.
    Cause {
        /// The tag.
        tag: TagNumber,
        /// What counted events must have in common with it.
        key: Option<Formula>,
    },
    /// The customer was seen at a spot (`dwell`).
    Seen {
        /// The tag.
        tag: TagNumber,
        /// Degrees north.
        lat: Formula,
        /// Degrees east.
        lon: Formula,
    },
    /// The tag is removed.
    Unset(TagNumber),
    /// The customer owns the named product.
    Own(Formula),
    /// The customer no longer owns the named product.
    Disown(Formula),
}

/// How a value is counted on to a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Folding {
    /// It grows by the value.
    Add,
    /// It becomes the larger of itself and the value.
    Max,
    /// It becomes the smaller of itself and the value.
    Min,
    /// It shrinks by the value, not below zero.
    Take,
}
