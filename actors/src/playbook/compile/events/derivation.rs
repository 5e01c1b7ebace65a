//! Which way of deriving an update's words ask for: what goes with each change, and what must.

use super::Writer;
use crate::playbook::compile::look_up::LookUp;
use crate::playbook::source::Text;
use crate::playbook::{CalendarUnit, Derived, MonthPick, WindowFold};

/// Months of a ring at most: two years.
const MONTHS_MAX: u8 = 24;
/// Thresholds of one tag at most.
const THRESHOLDS_MAX: usize = 32;

/// What may go with a change; the first of a group that must be there stands before the bar.
fn terms_of(verb: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match verb {
        "sum" | "count" => (&[], &["window", "month", "months"]),
        "max" | "min" | "distinct" => (&[], &["window"]),
        "avg" => (&["window"], &[]),
        "ewma" => (&["half_life"], &[]),
        "crosses" => (&["per"], &["of"]),
        "near" => (&["within", "window"], &["on"]),
        "dwell" => (&["lat", "lon"], &["fences"]),
        _ => (&[], &[]),
    }
}

/// An example of each term, for the fix.
fn example(term: &str) -> &'static str {
    match term {
        "window" => "window: 30d",
        "half_life" => "half_life: 7d",
        "per" => "per: month",
        "within" => "within: 30m",
        "lat" => "lat: data.lat",
        "lon" => "lon: data.lon",
        _ => "what it needs",
    }
}

/// The changes that a term goes with.
fn changes_with(term: &str) -> &'static str {
    match term {
        "window" => "use sum, count, avg, max, min, distinct or near",
        "half_life" => "use ewma",
        "month" | "months" => "use sum or count",
        "per" | "of" | "at" => "use crosses",
        "lat" | "lon" | "fences" => "use dwell",
        _ => "use near",
    }
}

impl Writer<'_> {
    /// What the update derives; `None`: what goes with it is missing, too much or faulty.
    pub(super) fn derivation(&self, verb: &str, look_up: &mut LookUp<'_>) -> Option<Option<Derived>> {
        self.terms(verb, look_up)?;
        let term = |name: &str| self.written.terms.get(name);
        let about = &self.about;
        if verb == "near" {
            let (within, window) = (term("within")?, term("window")?);
            let (within_ms, window_ms) = (look_up.duration(within, about), look_up.duration(window, about));
            return Some(Some(Derived::Near { window_ms: window_ms?, within_ms: within_ms? }));
        }
        if verb == "dwell" {
            let stay_ms = look_up.duration(self.written.changes.get("dwell")?, about)?;
            let group = term("fences").map(|group| group.value.as_str().into());
            return Some(Some(Derived::Dwell { stay_ms, group }));
        }
        let window_ms = match term("window") {
            Some(window) => Some(look_up.duration(window, about)?),
            None => None,
        };
        let derived = match (verb, window_ms) {
            ("avg", Some(window_ms)) => Derived::Mean { window_ms },
            ("max", Some(window_ms)) => Derived::Window { window_ms, fold: WindowFold::Largest },
            ("min", Some(window_ms)) => Derived::Window { window_ms, fold: WindowFold::Least },
            ("distinct", window_ms) => Derived::Distinct { window_ms },
            ("crosses", _) => self.thresholds(look_up)?,
            ("ewma", _) => Derived::Ewma { half_life_ms: look_up.duration(term("half_life")?, about)? },
            (_, Some(window_ms)) => Derived::Window { window_ms, fold: WindowFold::Sum },
            (_, None) => match (term("month"), term("months")) {
                (Some(back), _) => Derived::Months(MonthPick::Back(self.months(back, 0, look_up)?)),
                (_, Some(count)) => Derived::Months(MonthPick::MeanOf(self.months(count, 1, look_up)?)),
                (None, None) => return Some(None),
            },
        };
        Some(Some(derived))
    }

    /// Nothing goes with a change that does not belong to it, nothing needed is missing, and no two tell its time.
    pub(super) fn terms(&self, verb: &str, look_up: &mut LookUp<'_>) -> Option<()> {
        let (needed, more) = terms_of(verb);
        let mut sound = true;
        for (name, text) in &self.written.terms {
            if !needed.contains(&name.as_str()) && !more.contains(&name.as_str()) {
                look_up.error(text.at, format!("{}: {verb} has no {name}", self.about), changes_with(name));
                sound = false;
            }
        }
        if let Some(first) = self.written.at.first()
            && verb != "crosses"
        {
            look_up.error(first.at, format!("{}: {verb} has no at", self.about), changes_with("at"));
            sound = false;
        }
        let there = |name: &&str| self.written.terms.contains_key(*name);
        for name in needed.iter().filter(|name| !there(name)) {
            let what = format!("{}: {verb} lacks {name}", self.about);
            look_up.error(self.written.place.at, what, format!("add {}", example(name)));
            sound = false;
        }
        let times: Vec<&str> = ["window", "month", "months"].into_iter().filter(|name| there(name)).collect();
        if let [one, other, ..] = times[..] {
            let what = format!("{}: {verb} has {one} and {other}", self.about);
            look_up.error(self.written.place.at, what, "keep one of them");
            sound = false;
        }
        sound.then_some(())
    }

    fn months(&self, text: &Text, min: u8, look_up: &mut LookUp<'_>) -> Option<u8> {
        let count = text.value.parse().ok().filter(|count| (min..=MONTHS_MAX).contains(count));
        if count.is_none() {
            let what = format!("{}: {} is no count of months", self.about, text.value);
            look_up.error(text.at, what, format!("give a whole number from {min} to {MONTHS_MAX}"));
        }
        count
    }

    fn thresholds(&self, look_up: &mut LookUp<'_>) -> Option<Derived> {
        let units = [
            ("day", CalendarUnit::Day),
            ("week", CalendarUnit::Week),
            ("month", CalendarUnit::Month),
            ("quarter", CalendarUnit::Quarter),
        ];
        let per = look_up.word(self.written.terms.get("per")?, &self.about, &units);
        let written = &self.written.at;
        if written.is_empty() || written.len() > THRESHOLDS_MAX {
            let what = format!("{}: crosses has {} thresholds", self.about, written.len());
            look_up.error(self.written.place.at, what, format!("give 1 to {THRESHOLDS_MAX}: at: [80, 100]"));
            return None;
        }
        let mut thresholds: Vec<f64> = Vec::new();
        for text in written {
            match text.value.parse::<f64>() {
                Ok(threshold)
                    if threshold.is_finite() && threshold > thresholds.last().copied().unwrap_or(0.0) =>
                {
                    thresholds.push(threshold);
                }
                _ => {
                    let what = format!("{}: threshold {} is out of order", self.about, text.value);
                    look_up.error(text.at, what, "give numbers above zero, each larger than the one before");
                    return None;
                }
            }
        }
        Some(Derived::Crosses { thresholds: thresholds.into(), per: per? })
    }
}
