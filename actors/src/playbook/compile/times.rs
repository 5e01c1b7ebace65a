//! Dates, zones and times of day.

use super::look_up::LookUp;
use crate::playbook::source::{Source, Text};
use crate::playbook::text::Findings;
use crate::playbook::{OnQuiet, QuietHours};
use crate::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Which end of a time a date stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The day's first moment.
    First,
    /// The first moment after the day: a last day counts in full.
    Last,
}

/// A moment given as a time with its offset or as a date in the tenant's zone.
pub fn moment(
    text: &Text,
    edge: Edge,
    zone: &TimeZone,
    about: &str,
    look_up: &mut LookUp<'_>,
) -> Option<Timestamp> {
    let found = Timestamp::parse(&text.value).or_else(|| day_edge(&text.value, edge, zone));
    if found.is_none() {
        let what = format!("{about}: {} is no date", text.value);
        look_up.error(text.at, what, "write 2026-01-31 or 2026-01-31T12:00:00Z");
    }
    found
}

fn day_edge(text: &str, edge: Edge, zone: &TimeZone) -> Option<Timestamp> {
    let date = plain_date(text)?;
    let date = match edge {
        Edge::First => date,
        Edge::Last => date.tomorrow().ok()?,
    };
    Some(Timestamp::from(date.to_zoned(zone.clone()).ok()?.timestamp()))
}

/// `2026-01-31` and nothing else.
fn plain_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if shape { text.parse().ok() } else { None }
}

/// No rule of a telco looks farther back or ahead.
const DURATION_MS_MAX: i64 = 36_525 * DAY_MS;

/// A length of time in milliseconds: `30d`, `12h`, `15m`, `60s`, `2w`.
pub fn duration(text: &Text, about: &str, findings: &mut Findings) -> Option<i64> {
    let ms = duration_ms(&text.value);
    if ms.is_none() {
        let what = format!("{about}: {} is not a duration", text.value);
        findings.error(text.at, what, "write a number and s, m, h, d or w, such as 30d");
    }
    ms
}

fn duration_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit_at = text.len() - text.chars().next_back()?.len_utf8();
    let (count, unit) = text.split_at(unit_at);
    let unit_ms = match unit {
        "s" => 1000,
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        "w" => 7 * DAY_MS,
        _ => return None,
    };
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let ms = count.parse::<i64>().ok()?.checked_mul(unit_ms)?;
    (1..=DURATION_MS_MAX).contains(&ms).then_some(ms)
}

/// When contacts of a kind wait.
pub fn quiet_hours(source: &Source, look_up: &mut LookUp<'_>) -> Vec<QuietHours> {
    let about = "quiet hours";
    let mut compiled = Vec::new();
    for written in &source.quiet_hours {
        let matches = look_up.rule(&written.matches, about);
        let local: Vec<(u16, u16)> =
            written.local.iter().filter_map(|text| span(text, about, look_up)).collect();
        let days = written.days.iter().filter_map(|text| look_up.word(text, about, &DAYS)).collect();
        let holidays: Vec<Date> =
            written.holidays.iter().filter_map(|text| date(text, about, look_up)).collect();
        let on_hit =
            written.on_hit.as_ref().map_or(Some(OnQuiet::Defer), |text| look_up.word(text, about, &ON_HIT));
        if let Some(expire) = &written.expire {
            look_up.duration(expire, about);
        }
        if written.local.is_empty() && written.holidays.is_empty() {
            let fix = "add local: [\"21:00-08:00\"] or holidays";
            look_up.error(written.matches.at, "quiet hours name no time", fix);
        }
        if let (Some(matches), Some(on_hit)) = (matches, on_hit) {
            compiled.push(QuietHours { matches, local, days, holidays, on_hit });
        }
    }
    compiled
}

const ON_HIT: [(&str, OnQuiet); 3] =
    [("defer", OnQuiet::Defer), ("drop", OnQuiet::Drop), ("switch_channel", OnQuiet::SwitchChannel)];

/// Weekdays as playbooks name them.
pub const DAYS: [(&str, u8); 7] =
    [("mon", 0), ("tue", 1), ("wed", 2), ("thu", 3), ("fri", 4), ("sat", 5), ("sun", 6)];

/// A stretch of the day, in minutes after midnight: `21:00-08:00`.
pub fn span(text: &Text, about: &str, look_up: &mut LookUp<'_>) -> Option<(u16, u16)> {
    let found = span_minutes(&text.value);
    if found.is_none() {
        let what = format!("{about}: `{}` is no time of day", text.value);
        look_up.error(text.at, what, "write \"21:00-08:00\", with two different times");
    }
    found
}

fn span_minutes(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute_of_day(from)?, minute_of_day(to)?);
    (from != to).then_some((from, to))
}

/// `24:00` is the end of a day.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    if hour.len() != 2
        || minute.len() != 2
        || !(hour.bytes().chain(minute.bytes())).all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= 24 * 60).then_some(minutes)
}

/// A local date: `2026-12-25`.
pub fn date(text: &Text, about: &str, look_up: &mut LookUp<'_>) -> Option<Date> {
    let date = plain_date(&text.value);
    if date.is_none() {
        look_up.error(text.at, format!("{about}: {} is no date", text.value), "write 2026-12-25");
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_number_and_one_unit() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(duration_ms(text), expected, "{text}");
        check("30d", Some(30 * DAY_MS));
        check("12h", Some(12 * HOUR_MS));
        check("15m", Some(15 * MINUTE_MS));
        check("60s", Some(60_000));
        check("2w", Some(14 * DAY_MS));
        for bad in ["", "d", "30", "30 d", "-1d", "0d", "1.5h", "1y", "99999999999999999999d", "40000d", "3ä"]
        {
            check(bad, None);
        }
    }

    #[test]
    fn times_of_day_are_exact() {
        let check =
            |text: &str, expected: Option<(u16, u16)>| assert_eq!(span_minutes(text), expected, "{text}");
        check("21:00-08:00", Some((1260, 480)));
        check("00:00-24:00", Some((0, 1440)));
        for bad in
            ["", "21-8", "21:00", "25:00-08:00", "21:60-08:00", "08:00-08:00", "24:01-08:00", "2100-0800"]
        {
            check(bad, None);
        }
    }

    #[test]
    fn a_last_day_counts_in_full_in_the_tenants_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let check = |text: &str, edge: Edge, expected: Option<&str>| {
            let found = day_edge(text, edge, &berlin).map(|at| at.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("2026-01-01", Edge::First, Some("2025-12-31T23:00:00Z"));
        check("2026-12-27", Edge::Last, Some("2026-12-27T23:00:00Z"));
        check("2026-03-28", Edge::Last, Some("2026-03-28T23:00:00Z"));
        check("2026-03-29", Edge::Last, Some("2026-03-29T22:00:00Z"));
        check("2026-02-30", Edge::First, None);
        check("soon", Edge::First, None);
    }
}
