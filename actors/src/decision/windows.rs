//! Local calendars: the day, week, month or quarter around a moment, and quiet hours, in a zone.
//!
//! Zones come with the program, so that a decision replays alike on every machine.

use crate::playbook::{CalendarUnit, QuietHours};
use crate::timestamp::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

/// First moment of the calendar unit around `at`, and first moment of the next.
#[must_use]
pub fn calendar_window(unit: CalendarUnit, at: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let today = zone.to_datetime(at.to_jiff()).date();
    let (first, length) = match unit {
        CalendarUnit::Day => (today, 1.day()),
        CalendarUnit::Week => {
            let since_monday = today.weekday().since(Weekday::Monday);
            (later(today, -i64::from(since_monday)), 7.days())
        }
        CalendarUnit::Month => (today.first_of_month(), 1.month()),
        CalendarUnit::Quarter => {
            let month = (today.month() - 1) / 3 * 3 + 1;
            (Date::new(today.year(), month, 1).unwrap_or(today), 3.months())
        }
    };
    (midnight(first, zone), midnight(plus(first, length), zone))
}

/// The first moments of the calendar units after the one around `at`.
pub fn next_calendar_windows(
    unit: CalendarUnit,
    at: Timestamp,
    zone: &TimeZone,
) -> impl Iterator<Item = Timestamp> {
    let next = move |at: &Timestamp| Some(calendar_window(unit, *at, zone).1).filter(|next| next > at);
    std::iter::successors(next(&at), next)
}

/// When the quiet time around `at` ends; `None` when `at` is not quiet.
///
/// Quiet times that touch or overlap are one.
#[must_use]
pub fn quiet_until(hours: &QuietHours, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let mut end = quiet_end_around(hours, at, zone)?;
    // A week of quiet stretches one after the other is as far as anybody looks ahead.
    for _ in 0..14 {
        match quiet_end_around(hours, end, zone) {
            Some(next) if next > end => end = next,
            _ => break,
        }
    }
    Some(end)
}

fn quiet_end_around(hours: &QuietHours, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = zone.to_datetime(at.to_jiff()).date();
    if hours.holidays.contains(&today) {
        return Some(midnight(later(today, 1), zone));
    }
    let mut end: Option<Timestamp> = None;
    for begins in [later(today, -1), today] {
        let weekday = begins.weekday().to_monday_zero_offset() as u8;
        if !hours.days.is_empty() && !hours.days.contains(&weekday) {
            continue;
        }
        for (from, to) in &hours.local {
            let ends = if to > from { begins } else { later(begins, 1) };
            let (from, to) = (moment(begins, *from, zone), moment(ends, *to, zone));
            if from <= at && at < to {
                end = Some(end.map_or(to, |known| known.max(to)));
            }
        }
    }
    end
}

/// The date some days later, or earlier.
pub(super) fn later(date: Date, days: i64) -> Date {
    plus(date, days.days())
}

fn plus(date: Date, span: Span) -> Date {
    date.saturating_add(span)
}

fn midnight(date: Date, zone: &TimeZone) -> Timestamp {
    moment(date, 0, zone)
}

/// A local time that a change of clocks skips is the first moment after the gap; one that comes twice is the first.
pub(super) fn moment(date: Date, minute_of_day: u16, zone: &TimeZone) -> Timestamp {
    let (hour, minute) = ((minute_of_day / 60) as i8, (minute_of_day % 60) as i8);
    let local = match hour {
        24.. => DateTime::from_parts(later(date, 1), Time::midnight()),
        _ => date.at(hour, minute, 0, 0),
    };
    zone.to_ambiguous_timestamp(local).compatible().map_or_else(
        |_| Timestamp::from_ms(if date.year() < 1970 { i64::MIN } else { i64::MAX }),
        Timestamp::from,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::rules::Scope;
    use crate::playbook::{Dictionary, OnQuiet, Rule};

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone")
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn a_window_begins_and_ends_at_local_midnight() {
        let check = |unit, name: &str, now: &str, from: &str, to: &str| {
            assert_eq!(calendar_window(unit, at(now), &zone(name)), (at(from), at(to)), "{name} {now}");
        };
        use CalendarUnit::{Day, Month, Quarter, Week};
        let berlin = "Europe/Berlin";
        check(Month, berlin, "2026-03-31T21:59:59Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z");
        check(Month, berlin, "2026-03-31T22:00:00Z", "2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z");
        check(Month, "Asia/Kolkata", "2026-02-28T18:29:59Z", "2026-01-31T18:30:00Z", "2026-02-28T18:30:00Z");
        check(Month, "UTC", "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
        check(Day, berlin, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        check(Day, berlin, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
        check(Week, "UTC", "2026-11-22T12:00:00Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z");
        check(Quarter, "UTC", "2026-11-22T12:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z");
        // Midnight does not exist on this day in Santiago: the day begins at one o'clock.
        check(
            Day,
            "America/Santiago",
            "2026-09-06T12:00:00Z",
            "2026-09-06T04:00:00Z",
            "2026-09-07T03:00:00Z",
        );
    }

    #[test]
    fn quiet_hours_end_when_the_local_morning_comes() {
        let hours = |local: &[(u16, u16)], days: &[u8], holidays: &[Date]| QuietHours {
            matches: Rule::compile("true", &Scope::new(&Dictionary::default())).expect("a rule"),
            local: local.to_vec(),
            days: days.to_vec(),
            holidays: holidays.to_vec(),
            on_hit: OnQuiet::Defer,
        };
        let check = |hours: &QuietHours, now: &str, expected: Option<&str>| {
            assert_eq!(quiet_until(hours, at(now), &zone("Europe/Berlin")), expected.map(at), "{now}");
        };
        let night = hours(&[(21 * 60, 8 * 60)], &[], &[]);
        check(&night, "2026-11-22T19:59:59Z", None);
        check(&night, "2026-11-22T20:00:00Z", Some("2026-11-23T07:00:00Z"));
        check(&night, "2026-11-23T06:59:59Z", Some("2026-11-23T07:00:00Z"));
        check(&night, "2026-11-23T07:00:00Z", None);
        let clocks_change = "2026-03-29T06:00:00Z";
        check(&night, "2026-03-28T23:30:00Z", Some(clocks_change));
        let sundays = hours(&[(0, 24 * 60)], &[6], &[]);
        check(&sundays, "2026-11-22T12:00:00Z", Some("2026-11-22T23:00:00Z"));
        check(&sundays, "2026-11-23T12:00:00Z", None);
        let christmas = Date::new(2026, 12, 25).expect("a date");
        let holiday = hours(&[(21 * 60, 8 * 60)], &[], &[christmas]);
        check(&holiday, "2026-12-25T12:00:00Z", Some("2026-12-26T07:00:00Z"));
    }
}
