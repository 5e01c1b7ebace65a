//! Totals: caps over all customers (a stock, a budget, a sender's quota), as one decision sees them.
//!
//! A contact takes a unit in every window that it may be sent in, and gives back those of windows that it was not sent in. A
//! decision does not know how much is left elsewhere: it is told which totals have little or nothing left here, and what
//! it was told is logged with it. Leaves out where units come from ([`crate::shard`]).

use crate::decision::CapUse;
use crate::decision::contact_policy::Sending;
use crate::decision::windows::calendar_window;
use crate::playbook::{Cap, CapSubject, Window};
use crate::timestamp::Timestamp;
use crate::value::Name;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// One unit of a total in one of its windows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unit {
    /// The cap's id.
    pub cap: Name,
    /// First moment of the window; `None`: the total has one window, which is its whole life.
    pub from: Option<Timestamp>,
    /// First moment after it; `None`: never.
    pub to: Option<Timestamp>,
}

/// Units left of a total in one window, as a decision was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitsLeft {
    /// Which total and window: [`Unit::name`].
    pub name: Name,
    /// How many this decision may take.
    pub units: u32,
}

/// A unit that a decision takes, and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taking {
    /// The unit.
    pub unit: Unit,
    /// The cap's limit.
    pub limit: u32,
}

/// What a turn moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitMoves {
    /// Taken by new contacts: the turn may be kept only if they were there to take.
    pub taken: Vec<Taking>,
    /// Given back by contacts that were not sent, or not in this window.
    pub given_back: Vec<Unit>,
    /// Taken again by contacts that were given up and arrived after all: owed, whether there are any or not.
    pub owed: Vec<Unit>,
}

impl Unit {
    /// Names the total and its window: no two windows share a name.
    #[must_use]
    pub fn name(&self) -> Name {
        match (self.from, self.to) {
            (Some(from), Some(to)) => format!("{}@{}-{}", self.cap, from.ms(), to.ms()).into(),
            _ => format!("{}@", self.cap).into(),
        }
    }

    /// Whether a contact sent in this stretch of time (first and last moment) counts in the window.
    #[must_use]
    pub fn reached_by(&self, (first, last): (Timestamp, Timestamp)) -> bool {
        self.from.is_none_or(|from| last >= from) && self.to.is_none_or(|to| first < to)
    }
}

/// Whether a cap is counted across customers.
#[must_use]
pub fn is_total(cap: &Cap) -> bool {
    cap.subject == CapSubject::OfferTotal
}

/// The units that a contact sent within `sending` takes of a total. Windows are the tenant's: customers share them.
#[must_use]
pub fn units_of(cap: &Cap, sending: Sending, tenant_zone: &TimeZone) -> Vec<Unit> {
    let Window::Calendar(window) = cap.window else {
        return vec![Unit { cap: Name::clone(&cap.id), from: None, to: None }];
    };
    let last = sending.until.plus_ms(-1).max(sending.from);
    let mut units = Vec::new();
    let (mut from, mut to) = calendar_window(window, sending.from, tenant_zone);
    loop {
        units.push(Unit { cap: Name::clone(&cap.id), from: Some(from), to: Some(to) });
        if to > last || to <= from {
            return units;
        }
        (from, to) = calendar_window(window, to, tenant_zone);
    }
}

/// How far a total is used, as far as the decision was told: not at all, unless little is left here. It ends with the
/// last of its windows that have nothing left, and never when that is its whole life.
#[must_use]
pub fn total_use(cap: &Cap, units: &[Unit], left: &[UnitsLeft]) -> CapUse {
    let left_of = |unit: &Unit| {
        let name = unit.name();
        left.iter().find(|told| told.name == name).map(|told| told.units)
    };
    let least = units.iter().filter_map(left_of).min().unwrap_or(cap.limit).min(cap.limit);
    let empty = units.iter().filter(|unit| left_of(unit) == Some(0));
    let ends = empty.map(|unit| unit.to).max_by_key(|to| to.map_or(i64::MAX, Timestamp::ms)).flatten();
    CapUse {
        id: Name::clone(&cap.id),
        used: cap.limit - least,
        limit: cap.limit,
        next_free_at: ends.filter(|_| cap.limit > 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::rules::Scope;
    use crate::playbook::{CalendarUnit, Counts, Dictionary, Rule};
    use crate::timestamp::DAY_MS;

    fn cap(window: Window) -> Cap {
        let matches = Rule::compile("true", &Scope::new(&Dictionary::default())).expect("a rule");
        let subject = CapSubject::OfferTotal;
        Cap {
            id: "stock".into(),
            matches,
            subject,
            limit: 10,
            window,
            counts: Counts::Reserved,
            reserve: None,
        }
    }

    fn sending(from: &str, life_ms: i64) -> Sending {
        let from = Timestamp::parse(from).expect("a time");
        Sending { from, until: from.plus_ms(life_ms) }
    }

    #[test]
    fn a_contact_takes_a_unit_in_every_window_it_may_be_sent_in() {
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        let check = |window: Window, from: &str, life_ms: i64, expected: usize| {
            let units = units_of(&cap(window), sending(from, life_ms), &berlin);
            assert_eq!(units.len(), expected, "{from}: {units:?}");
            let mut names: Vec<_> = units.iter().map(Unit::name).collect();
            names.dedup();
            assert_eq!(names.len(), expected);
        };
        check(Window::Life, "2026-11-30T22:00:00Z", DAY_MS, 1);
        check(Window::Calendar(CalendarUnit::Month), "2026-11-15T22:00:00Z", DAY_MS, 1);
        check(Window::Calendar(CalendarUnit::Month), "2026-11-30T22:00:00Z", DAY_MS, 2);
        check(Window::Calendar(CalendarUnit::Day), "2026-11-30T22:00:00Z", DAY_MS, 2);
        // The day in the middle has 23 hours.
        check(Window::Calendar(CalendarUnit::Day), "2026-03-28T22:30:00Z", DAY_MS, 3);
    }

    #[test]
    fn a_total_is_as_full_as_its_fullest_window() {
        let cap = cap(Window::Calendar(CalendarUnit::Month));
        let units = units_of(&cap, sending("2026-11-30T12:00:00Z", DAY_MS), &TimeZone::UTC);
        let check = |left: [Option<u32>; 2], used: u32, next_free_at: Option<&str>| {
            let told: Vec<UnitsLeft> = units
                .iter()
                .zip(left)
                .filter_map(|(unit, left)| Some(UnitsLeft { name: unit.name(), units: left? }))
                .collect();
            let found = total_use(&cap, &units, &told);
            let ends = next_free_at.map(|text| Timestamp::parse(text).expect("a time"));
            assert_eq!((found.used, found.next_free_at), (used, ends), "{left:?}");
        };
        check([None, None], 0, None);
        check([Some(3), None], 7, None);
        check([Some(99), Some(1)], 9, None);
        check([Some(0), Some(5)], 10, Some("2026-12-01T00:00:00Z"));
        check([Some(2), Some(0)], 10, Some("2027-01-01T00:00:00Z"));
    }
}
