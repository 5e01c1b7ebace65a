//! Which month, day or week of the customer's calendar a moment lies in.
//!
//! Months are billing months: they begin on the customer's billing day, or on the first where none is known.

use crate::playbook::CalendarUnit;
use crate::timestamp::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A customer's zone and billing day.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The zone of days.
    pub zone: TimeZone,
    /// The day on which a billing month begins, from 1; in a shorter month its last day.
    pub bill_day: i8,
}

impl Default for Calendar {
    fn default() -> Self {
        Calendar { zone: TimeZone::UTC, bill_day: 1 }
    }
}

impl Calendar {
    /// The billing month around `at`, counted from the year 0.
    #[must_use]
    pub fn month(&self, at: Timestamp) -> i64 {
        let date = self.date(at);
        let month = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
        let begins = self.bill_day.min(date.last_of_month().day());
        if date.day() < begins { month - 1 } else { month }
    }

    /// The unit around `at`, counted from some beginning: equal for moments in the same one, growing with time.
    #[must_use]
    pub fn period(&self, unit: CalendarUnit, at: Timestamp) -> i64 {
        let date = self.date(at);
        let day = || {
            i64::from((date.at(0, 0, 0, 0).duration_since(Date::ZERO.at(0, 0, 0, 0))).as_hours() as i32 / 24)
        };
        match unit {
            CalendarUnit::Day => day(),
            CalendarUnit::Week => day() - i64::from(date.weekday().to_monday_zero_offset()),
            CalendarUnit::Month => self.month(at),
            CalendarUnit::Quarter => {
                (i64::from(date.year()) * 12 + i64::from(date.month()) - 1).div_euclid(3)
            }
        }
    }

    fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at.to_jiff()).date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str, bill_day: i8) -> Calendar {
        Calendar { zone: TimeZone::get(zone).expect("a zone"), bill_day }
    }

    #[test]
    fn a_billing_month_begins_on_its_day_in_the_customers_zone() {
        let check = |zone: &str, bill_day: i8, at: &str, expected: (i64, i64)| {
            let month = calendar(zone, bill_day).month(Timestamp::parse(at).expect("a time"));
            assert_eq!((month.div_euclid(12), month.rem_euclid(12) + 1), expected, "{zone} {bill_day} {at}");
        };
        check("UTC", 1, "2026-03-01T00:00:00Z", (2026, 3));
        check("Europe/Berlin", 1, "2026-02-28T23:30:00Z", (2026, 3));
        check("UTC", 15, "2026-03-14T23:59:59Z", (2026, 2));
        check("UTC", 15, "2026-01-14T00:00:00Z", (2025, 12));
        check("UTC", 31, "2026-02-27T12:00:00Z", (2026, 1));
        check("UTC", 31, "2026-02-28T00:00:00Z", (2026, 2));
    }

    #[test]
    fn periods_change_at_local_midnight_only() {
        let berlin = calendar("Europe/Berlin", 1);
        let check = |unit, one: &str, other: &str, same: bool| {
            let of = |at: &str| berlin.period(unit, Timestamp::parse(at).expect("a time"));
            assert_eq!(of(one) == of(other), same, "{one} {other}");
            assert!(of(one) <= of(other), "{one} {other}");
        };
        use CalendarUnit::{Day, Month, Quarter, Week};
        check(Day, "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", true);
        check(Day, "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z", false);
        check(Week, "2026-11-15T23:00:00Z", "2026-11-22T22:59:59Z", true);
        check(Week, "2026-11-22T22:59:59Z", "2026-11-22T23:00:00Z", false);
        check(Month, "2026-02-28T23:00:00Z", "2026-03-31T21:59:59Z", true);
        check(Quarter, "2026-03-31T21:59:59Z", "2026-03-31T22:00:00Z", false);
        check(Quarter, "2025-12-31T23:00:00Z", "2026-03-31T21:59:59Z", true);
    }
}
