//! The journey section: every name in it is checked. Nothing runs journeys yet, and the author is told so.

use super::look_up::LookUp;
use crate::playbook::source::{Journey, Source, Text};
use crate::playbook::text::nearest;
use std::collections::BTreeSet;

/// Checks all journeys.
pub fn check(source: &Source, look_up: &mut LookUp<'_>) {
    look_up.unique(source.journeys.iter().map(|journey| &journey.id), "journey");
    let offers: BTreeSet<&str> = source.offers.iter().map(|offer| offer.id.value.as_str()).collect();
    let events: BTreeSet<&str> = source.events.iter().map(|event| event.id.value.as_str()).collect();
    for journey in &source.journeys {
        check_one(journey, &offers, &events, look_up);
    }
    if let Some(first) = source.journeys.iter().min_by_key(|journey| journey.id.at) {
        look_up.warning(first.id.at, "journeys are checked but not run yet", "nobody enters one");
    }
}

fn check_one(journey: &Journey, offers: &BTreeSet<&str>, events: &BTreeSet<&str>, look_up: &mut LookUp<'_>) {
    let about = format!("journey {}", journey.id.value);
    look_up.unique(&journey.steps, &format!("{about}: step"));
    let mut steps: BTreeSet<&str> = journey.steps.iter().map(|step| step.value.as_str()).collect();
    steps.insert("end");
    known(&journey.targets, &steps, &format!("{about}: unknown step"), look_up);
    known(&journey.offers, offers, &format!("{about}: unknown offer"), look_up);
    known(&journey.events, events, &format!("{about}: unknown event"), look_up);
    for tag in &journey.tags {
        look_up.tag(tag, &about);
    }
    for rule in &journey.rules {
        look_up.rule(rule, &about);
    }
    for duration in &journey.durations {
        look_up.duration(duration, &about);
    }
}

fn known(names: &[Text], known: &BTreeSet<&str>, what: &str, look_up: &mut LookUp<'_>) {
    for name in names.iter().filter(|name| !known.contains(name.value.as_str())) {
        let fix = match nearest(&name.value, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => "name one that is declared".into(),
        };
        look_up.error(name.at, format!("{what} {}", name.value), fix);
    }
}
