//! From nodes to the sections that say when and how often we speak: weights, caps, suppressions, times, journeys.

use super::fields::Fields;
use super::{
    CalendarEntry, Cap, ContextWeight, Experiment, ExperimentArm, Explore, Fence, Holdout, Journey,
    LifeCycle, Located, Move, Pause, QuietHours, Suppress, Text,
};
use crate::playbook::text::{Findings, Node, NodeKind};
use std::cell::RefCell;

pub(super) fn context_weight(fields: &mut Fields<'_>) -> Option<ContextWeight> {
    let (when, weight) = (fields.needed_expression("when"), fields.needed_number("weight"));
    let (group, family, offer) = (fields.text("group"), fields.text("family"), fields.text("offer"));
    Some(ContextWeight { when: when?, group, family, offer, weight: weight? })
}

pub(super) fn cap(fields: &mut Fields<'_>) -> Option<Cap> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("cap {}", id.value));
    }
    let matches = fields.needed_expression("match");
    let subject = fields.text("subject");
    let limit = fields.int("limit");
    if limit.is_none() {
        fields.missing("a whole limit");
    }
    let (mut calendar, mut rolling) = (None, None);
    match fields.inner("window") {
        Some(mut window) => {
            (calendar, rolling) = (window.text("calendar"), window.text("rolling"));
            window.close();
        }
        // A total may have no window; the compiler tells whose window is missing.
        None if subject.is_some() => {}
        None => fields.missing("window"),
    }
    let (counts, reserve) = (fields.text("counts"), fields.number("reserve"));
    Some(Cap { id: id?, matches: matches?, subject, limit: limit?, calendar, rolling, counts, reserve })
}

pub(super) fn suppress(fields: &mut Fields<'_>) -> Option<Suppress> {
    let (on, scope, then) =
        (fields.needed_text("on"), fields.needed_text("scope"), fields.needed_text("then"));
    let (count, within, channels) = (fields.int("count"), fields.text("within"), fields.texts("channels"));
    let by = fields.text("by");
    Some(Suppress { on: on?, by, count, within, scope: scope?, channels, then: then? })
}

pub(super) fn quiet_hours(fields: &mut Fields<'_>) -> Option<QuietHours> {
    let matches = fields.needed_expression("match");
    let (local, days, holidays) = (fields.texts("local"), fields.texts("days"), fields.texts("holidays"));
    let (on_hit, expire) = (fields.text("on_hit"), fields.text("expire"));
    Some(QuietHours { matches: matches?, local, days, holidays, on_hit, expire })
}

pub(super) fn calendar_entry(fields: &mut Fields<'_>) -> Option<CalendarEntry> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("calendar entry {}", id.value));
    }
    let (from, to) = (fields.needed_text("from"), fields.needed_text("to"));
    let segment = fields.expression("segment");
    let exclusive = fields.flag("exclusive").is_some_and(|flag| flag.value);
    Some(CalendarEntry { id: id?, segment, from: from?, to: to?, exclusive })
}

pub(super) fn life_cycle(node: &Node, findings: &RefCell<Findings>) -> Option<LifeCycle> {
    let mut fields = Fields::open(node, "lifecycle", findings)?;
    let (tag, stages) = (fields.needed_text("tag"), fields.texts("stages"));
    let moves = fields.nested("moves", "a move", one_move);
    fields.close();
    Some(LifeCycle { tag: tag?, stages, moves })
}

/// `from` is one stage, a list of them, or `any`.
fn one_move(fields: &mut Fields<'_>) -> Option<Move> {
    let from = match fields.node("from").map(|node| &node.kind) {
        None => {
            fields.missing("from");
            Vec::new()
        }
        Some(NodeKind::List(_)) => fields.texts("from"),
        Some(_) => fields.needed_text("from").into_iter().collect(),
    };
    let to = fields.needed_text("to");
    let (on, when) = (fields.text("on"), fields.expression("when"));
    Some(Move { from, to: to?, on, when })
}

pub(super) fn pause(fields: &mut Fields<'_>) -> Option<Pause> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("pause {}", id.value));
    }
    let (when, purposes) = (fields.needed_expression("when"), fields.texts("purposes"));
    Some(Pause { id: id?, when: when?, purposes })
}

pub(super) fn fence(fields: &mut Fields<'_>) -> Option<Fence> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("fence {}", id.value));
    }
    let (lat, lon) = (fields.needed_number("lat"), fields.needed_number("lon"));
    let (radius_m, group) = (fields.needed_number("radius_m"), fields.text("group"));
    Some(Fence { id: id?, lat: lat?, lon: lon?, radius_m: radius_m?, group })
}

pub(super) fn holdout(fields: &mut Fields<'_>) -> Option<Holdout> {
    let (id, share, salt) =
        (fields.needed_text("id"), fields.needed_number("share"), fields.needed_expression("salt"));
    Some(Holdout { id: id?, share: share?, salt: salt? })
}

pub(super) fn experiment(fields: &mut Fields<'_>) -> Option<Experiment> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("experiment {}", id.value));
    }
    let salt = fields.needed_expression("salt");
    let (ramp, enabled) = (fields.number("ramp"), fields.flag("enabled"));
    let arms = fields.nested("arms", "an arm", |arm| {
        let (id, share) = (arm.needed_text("id"), arm.needed_number("share"));
        let (explore, list) = (arm.number("explore"), arm.texts("list"));
        Some(ExperimentArm { id: id?, share: share?, explore, list })
    });
    Some(Experiment { id: id?, salt: salt?, ramp, enabled, arms })
}

pub(super) fn explore(node: &Node, findings: &RefCell<Findings>) -> Option<Explore> {
    let mut fields = Fields::open(node, "explore", findings)?;
    let (start, steady) = (fields.needed_number("start"), fields.needed_number("steady"));
    let ramp = fields.needed_text("ramp");
    fields.close();
    Some(Explore { start: start?, steady: steady?, ramp: ramp? })
}

pub(super) fn journey(fields: &mut Fields<'_>) -> Option<Journey> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("journey {}", id.value));
    }
    let mut journey = Journey {
        id: id.clone().unwrap_or_default(),
        definition: crate::value::Value::Null,
        rules: Vec::new(),
        steps: Vec::new(),
        targets: Vec::new(),
        offers: Vec::new(),
        events: Vec::new(),
        tags: Vec::new(),
        durations: Vec::new(),
    };
    let mut definition = std::collections::BTreeMap::new();
    match fields.inner("entry") {
        Some(mut entry) => {
            journey.rules.extend(entry.expression("when"));
            journey.events.extend(entry.text("on"));
            let reentry = entry.text("reentry");
            journey
                .durations
                .extend(reentry.filter(|text| !["never", "per key"].contains(&text.value.as_str())));
            entry.close();
        }
        None => fields.missing("entry"),
    }
    for key in ["entry", "steps"] {
        definition.extend(fields.value(key).map(|value| (key.to_owned(), value.value)));
    }
    journey.definition = crate::value::Value::Map(definition);
    let parts = RefCell::new(journey);
    fields.nested("steps", "a step", |step| {
        journey_step(step, &mut parts.borrow_mut());
        Some(())
    });
    let journey = parts.into_inner();
    if journey.steps.is_empty() {
        fields.missing("steps");
    }
    id.map(|_| journey)
}

fn journey_step(step: &mut Fields<'_>, journey: &mut Journey) {
    journey.steps.extend(step.needed_text("id"));
    journey.offers.extend(step.text("offer"));
    journey.targets.extend(step.text("then"));
    journey.targets.extend(step.text("else"));
    for key in ["on_accept", "on_reject", "on_ignore", "on_capped"] {
        match step.node(key).map(|node| &node.kind) {
            Some(NodeKind::Map(_)) => {
                if let Some(mut after) = step.inner(key) {
                    journey.durations.extend(after.text("after"));
                    journey.targets.extend(after.needed_text("then"));
                    after.int("max");
                    after.close();
                }
            }
            Some(_) => journey.targets.extend(step.text(key)),
            None => {}
        }
    }
    if let Some(mut wait) = step.inner("wait") {
        journey.events.extend(wait.text("event"));
        journey.durations.extend(wait.text("timeout"));
        journey.durations.extend(wait.text("for"));
        wait.text("until");
        wait.close();
    }
    if let Some(mut message) = step.inner("message") {
        for key in ["channel", "purpose", "content"] {
            message.needed_text(key);
        }
        message.close();
    }
    let tags = step.map("set_tag").iter().map(|(tag, node)| Located { value: tag.clone(), at: node.at });
    journey.tags.extend(tags.collect::<Vec<Text>>());
    step.text("goal");
    step.text("exit");
    let found: Vec<(Option<Text>, Option<Text>)> = step
        .nested("branch", "a branch", |branch| Some((branch.expression("when"), branch.needed_text("then"))));
    for (rule, target) in found {
        journey.rules.extend(rule);
        journey.targets.extend(target);
    }
}
