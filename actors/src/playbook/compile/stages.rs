//! The life cycle and the pauses.

use super::look_up::LookUp;
use crate::playbook::source::{LifeCycle as WrittenLifeCycle, Move as WrittenMove, Source, Text};
use crate::playbook::stages::{LifeCycle, Move, Pause, Stage};
use crate::playbook::text::nearest;
use crate::playbook::{DataField, EventType, Rule, Tag, TagKind};
use crate::value::Name;
use std::collections::{BTreeMap, HashMap};

/// Stages of a life at most, and moves between them: more is not a life but a process.
const STAGES_MAX: usize = 64;
const ABOUT: &str = "lifecycle";

pub fn life_cycle(
    source: &Source,
    events: &HashMap<Name, EventType>,
    look_up: &mut LookUp<'_>,
) -> Option<LifeCycle> {
    let written = source.lifecycle.as_ref()?;
    if written.stages.is_empty() || written.stages.len().max(written.moves.len()) > STAGES_MAX {
        let (stages, moves) = (written.stages.len(), written.moves.len());
        let what = format!("{ABOUT} has {stages} stages and {moves} moves");
        look_up.error(
            written.tag.at,
            what,
            format!("give 1 to {STAGES_MAX} stages, and as many moves at most"),
        );
        return None;
    }
    let tag = look_up.tag(&written.tag, ABOUT)?;
    let stages = stages(written, tag, look_up)?;
    for (event, update) in
        source.events.iter().flat_map(|event| event.updates.iter().map(move |it| (event, it)))
    {
        if let Some(id) = update.tag.as_ref().filter(|id| *id.value == *tag.id) {
            let what = format!("event {}: tag {} is the stage of the life cycle", event.id.value, tag.id);
            look_up.error(id.at, what, format!("write a move: {{on: {}, to: ..}}", event.id.value));
        }
    }
    let compiled = |one: &WrittenMove| one_move(one, &stages, events, look_up);
    let moves: Vec<Option<Move>> = written.moves.iter().map(compiled).collect();
    let moves: Vec<Move> = moves.into_iter().collect::<Option<_>>()?;
    for (ix, stage) in stages.iter().enumerate().skip(1) {
        if !moves.iter().any(|one| one.to == ix) {
            let what = format!("{ABOUT}: no move leads to {}", stage.name);
            look_up.warning(written.stages[ix].at, what, "add one, or have tag loads set it");
        }
    }
    Some(LifeCycle { tag: tag.number, stages, moves })
}

fn stages(written: &WrittenLifeCycle, tag: &Tag, look_up: &mut LookUp<'_>) -> Option<Vec<Stage>> {
    if tag.kind != TagKind::Enum {
        let what = format!("{ABOUT}: tag {} is {}", tag.id, tag.kind.word());
        look_up.error(written.tag.at, what, "declare it as an enum whose values are the stages");
        return None;
    }
    let mut stages: Vec<Stage> = Vec::new();
    for text in &written.stages {
        let known = look_up.dictionary().enum_value(tag.number, &text.value);
        match known {
            _ if stages.iter().any(|stage| *stage.name == *text.value) => {
                look_up.error(
                    text.at,
                    format!("{ABOUT}: stage {} is there twice", text.value),
                    "keep one of them",
                );
            }
            Some(value) => stages.push(Stage { name: text.value.as_str().into(), value }),
            None => {
                let what = format!("{ABOUT}: stage {} is no value of tag {}", text.value, tag.id);
                look_up.error(text.at, what, "add it to the values of the tag");
            }
        }
    }
    (stages.len() == written.stages.len()).then_some(stages)
}

fn one_move(
    written: &WrittenMove,
    stages: &[Stage],
    events: &HashMap<Name, EventType>,
    look_up: &mut LookUp<'_>,
) -> Option<Move> {
    let from: Vec<Option<usize>> = written
        .from
        .iter()
        .filter(|text| text.value != "any")
        .map(|text| stage(text, stages, look_up))
        .collect();
    let to = stage(&written.to, stages, look_up);
    let no_data = BTreeMap::new();
    let data = match &written.on {
        Some(on) => Some(event_data(on, events, look_up)?),
        None => None,
    };
    if written.on.is_none() && written.when.is_none() {
        let what = format!("{ABOUT}: nothing moves a customer to {}", written.to.value);
        look_up.error(written.to.at, what, "add on: EVENT, when: RULE or both");
        return None;
    }
    let when = match &written.when {
        Some(text) => {
            let compiled = Rule::compile(&text.value, &look_up.scope().with_data(data.unwrap_or(&no_data)));
            Some(look_up.sound(compiled, text.at, ABOUT)?)
        }
        None => None,
    };
    let on = written.on.as_ref().map(|on| Name::from(on.value.as_str()));
    Some(Move { from: from.into_iter().collect::<Option<_>>()?, to: to?, on, when })
}

fn stage(text: &Text, stages: &[Stage], look_up: &mut LookUp<'_>) -> Option<usize> {
    let place = stages.iter().position(|stage| *stage.name == *text.value);
    if place.is_none() {
        let fix = match nearest(&text.value, stages.iter().map(|stage| &*stage.name)) {
            Some(near) => format!("did you mean {near}?"),
            None => "name one of its stages".to_owned(),
        };
        look_up.error(text.at, format!("{ABOUT}: unknown stage {}", text.value), fix);
    }
    place
}

fn event_data<'a>(
    on: &Text,
    events: &'a HashMap<Name, EventType>,
    look_up: &mut LookUp<'_>,
) -> Option<&'a BTreeMap<Name, DataField>> {
    let kind = events.get(on.value.as_str());
    if kind.is_none() {
        let fix = match nearest(&on.value, events.keys().map(|name| &**name)) {
            Some(near) => format!("did you mean {near}?"),
            None => "declare it under events".to_owned(),
        };
        look_up.error(on.at, format!("{ABOUT}: unknown event {}", on.value), fix);
    }
    kind.map(|kind| &kind.data)
}

pub fn pauses(source: &Source, look_up: &mut LookUp<'_>) -> Vec<Pause> {
    look_up.unique(source.pauses.iter().map(|pause| &pause.id), "pause");
    let mut pauses = Vec::new();
    for written in &source.pauses {
        let when = look_up.rule(&written.when, &format!("pause {}", written.id.value));
        if let Some(service) =
            written.purposes.iter().find(|one| matches!(&*one.value, "service" | "regulatory"))
        {
            let what = format!("pause {} holds back {}", written.id.value, service.value);
            look_up.warning(service.at, what, "customers usually need these most while something is wrong");
        }
        let purposes = written.purposes.iter().map(|one| one.value.as_str().into()).collect();
        if let Some(when) = when {
            pauses.push(Pause { id: written.id.value.as_str().into(), when, purposes });
        }
    }
    pauses
}
