//! Can the customer get there now? How far a place is, and whether it is open.

use crate::decision::candidates::Reason;
use crate::decision::context::CaseFacts;
use crate::decision::windows::{later, moment};
use crate::playbook::extras::OpenHours;
use crate::playbook::{Extras, Facts, Scalar};
use crate::timestamp::Timestamp;
use jiff::tz::TimeZone;

/// Whether the offer's place is in reach and open.
///
/// # Errors
/// [`Reason::PlaceUnknown`], [`Reason::OutOfReach`] with the distance, [`Reason::Closed`] with the next opening.
pub fn check(extras: &Extras, facts: &CaseFacts<'_>) -> Result<(), Reason> {
    if let Some(place) = &extras.place {
        let (lat, lon) = here(facts).ok_or(Reason::PlaceUnknown)?;
        let far_m = place.distance_m(lat, lon);
        if far_m > place.within_m {
            return Err(Reason::OutOfReach { far_m: far_m.round() as u32 });
        }
    }
    let zone = extras.zone.as_ref().unwrap_or(&facts.playbook.tenant.zone);
    match extras.hours.is_empty() || is_open(&extras.hours, facts.now, zone) {
        true => Ok(()),
        false => Err(Reason::Closed { opens_at: opens_at(&extras.hours, facts.now, zone) }),
    }
}

/// Which of the playbook's placed offers can be reached now, as bytes: when they change, the moment has changed.
pub fn marks<'a>(facts: &'a CaseFacts<'a>) -> impl Iterator<Item = u8> + 'a {
    let reachable = |ix: &&usize| {
        let offer = &facts.playbook.offers[**ix];
        offer.extras.as_ref().is_some_and(|extras| check(extras, facts).is_ok())
    };
    facts.playbook.placed.iter().filter(reachable).flat_map(|ix| (*ix as u64 | 1 << 63).to_le_bytes())
}

/// Where the customer is: `context.place` with `lat` and `lon` in degrees.
fn here(facts: &CaseFacts<'_>) -> Option<(f64, f64)> {
    let degrees = |path: &str, max: f64| {
        match facts.context(path)? {
            Scalar::Int(int) => Some(int as f64),
            Scalar::Number(number) => Some(number),
            _ => None,
        }
        .filter(|degrees| degrees.abs() <= max)
    };
    Some((degrees("place.lat", 90.0)?, degrees("place.lon", 180.0)?))
}

fn is_open(hours: &[OpenHours], at: Timestamp, zone: &TimeZone) -> bool {
    stretches(hours, at, zone, -1..=0).any(|(from, to)| from <= at && at < to)
}

/// The next opening within nine days; `None` when there is none.
fn opens_at(hours: &[OpenHours], at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    stretches(hours, at, zone, 0..=9).map(|(from, _)| from).filter(|from| *from > at).min()
}

/// The open stretches that begin on the days around `at`, counted from its local date.
fn stretches<'a>(
    hours: &'a [OpenHours],
    at: Timestamp,
    zone: &'a TimeZone,
    days: std::ops::RangeInclusive<i64>,
) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
    let today = zone.to_datetime(at.to_jiff()).date();
    days.flat_map(move |offset| {
        let begins = later(today, offset);
        let weekday = begins.weekday().to_monday_zero_offset() as u8;
        let opens = move |hours: &&OpenHours| {
            (hours.days.is_empty() || hours.days.contains(&weekday)) && !hours.holidays.contains(&begins)
        };
        hours.iter().filter(opens).flat_map(move |hours| {
            hours.local.iter().map(move |(from, to)| {
                let ends = if to > from { begins } else { later(begins, 1) };
                (moment(begins, *from, zone), moment(ends, *to, zone))
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::extras::Place;
    use jiff::civil::Date;

    #[test]
    fn distances_are_those_of_the_globe() {
        let check = |place: (f64, f64), here: (f64, f64), expected_m: f64| {
            let place = Place { lat: place.0, lon: place.1, within_m: 0.0 };
            let found_m = place.distance_m(here.0, here.1);
            assert!((found_m - expected_m).abs() <= expected_m * 0.005 + 0.01, "{found_m} {expected_m}");
        };
        check((52.52, 13.405), (52.52, 13.405), 0.0);
        // Berlin to Paris, and across the line where days begin; a degree of latitude.
        check((52.52, 13.405), (48.8566, 2.3522), 877_500.0);
        check((0.0, 179.5), (0.0, -179.5), 111_195.0);
        check((1.0, 0.0), (0.0, 0.0), 111_195.0);
        check((90.0, 0.0), (-90.0, 0.0), 20_015_114.0);
    }

    #[test]
    fn a_shop_opens_and_closes_by_its_own_clock() {
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        let at = |text: &str| Timestamp::parse(text).expect("a time");
        let christmas = Date::new(2026, 12, 25).expect("a date");
        let hours = [
            OpenHours { local: vec![(600, 1200)], days: vec![0, 1, 2, 3, 4], holidays: vec![christmas] },
            OpenHours { local: vec![(1320, 120)], days: vec![5], holidays: vec![] },
        ];
        let check = |now: &str, open: bool, next: &str| {
            assert_eq!(is_open(&hours, at(now), &berlin), open, "{now}");
            assert_eq!(opens_at(&hours, at(now), &berlin), Some(at(next)), "{now}");
        };
        // A Tuesday in winter, local time is one hour ahead.
        check("2026-11-10T08:59:59Z", false, "2026-11-10T09:00:00Z");
        check("2026-11-10T09:00:00Z", true, "2026-11-11T09:00:00Z");
        check("2026-11-10T19:00:00Z", false, "2026-11-11T09:00:00Z");
        // In summer two hours; Friday evening leads to Saturday night, which ends on Sunday.
        check("2026-07-10T18:00:00Z", false, "2026-07-11T20:00:00Z");
        check("2026-07-11T23:59:59Z", true, "2026-07-13T08:00:00Z");
        check("2026-07-12T00:00:00Z", false, "2026-07-13T08:00:00Z");
        // Christmas, a Friday: closed.
        check("2026-12-25T12:00:00Z", false, "2026-12-26T21:00:00Z");
        assert_eq!(opens_at(&[], at("2026-12-25T12:00:00Z"), &berlin), None);
    }
}
