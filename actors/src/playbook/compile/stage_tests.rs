//! Mistakes in fences, life cycle and pauses, each named with its place and fix.

use super::tests::{EVENTS, OFFERS, TAGS};
use super::*;

fn mistakes(text: &str) -> Vec<String> {
    let tags = TAGS.replace(
        "tags:\n",
        "tags:\n  - {id: stage, type: enum, values: [new, active]}\n  - {id: shop, type: string}\n",
    );
    let files =
        [("tags.yaml", tags.as_str()), ("events.yaml", EVENTS), ("offers.yaml", OFFERS), ("x.yaml", text)];
    let files: Vec<(String, String)> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let found = match compile(&files, &Dictionary::default()) {
        Ok(compiled) => compiled.warnings,
        Err(mistakes) => mistakes,
    };
    found.iter().map(ToString::to_string).filter(|line| line.starts_with("x.yaml")).collect()
}

fn check(text: &str, expected: &str) {
    let found = mistakes(text);
    assert!(found.iter().any(|line| line.starts_with(expected)), "{text}\n{expected}\n{found:#?}");
}

#[test]
fn mistakes_in_fences_are_named() {
    let fence = |changes: &str| format!("fences:\n  - {{id: a, {changes}}}\n");
    assert_eq!(mistakes(&fence("lat: 52, lon: 13, radius_m: 100, group: shops")), Vec::<String>::new());
    check(&fence("lat: 86, lon: 13, radius_m: 100"), "x.yaml:2: lat of fence a is 86");
    check(&fence("lat: 52, lon: 181, radius_m: 100"), "x.yaml:2: lon of fence a is 181");
    check(&fence("lat: 52, lon: 13, radius_m: 50001"), "x.yaml:2: radius_m of fence a is 50001");
    check(&fence("lat: 52, lon: 13, radius_m: 1"), "x.yaml:2: radius_m of fence a is 1");
    check(&fence("lat: 52, lon: 13"), "x.yaml:2: fence a lacks radius_m");
    check(&fence("lat: 52, lon: x, radius_m: 100"), "x.yaml:2: lon of fence a is text");
    check(
        &format!("{}  - {{id: a, lat: 1, lon: 1, radius_m: 20}}\n", fence("lat: 52, lon: 13, radius_m: 100")),
        "x.yaml:3: fence a is there twice",
    );
    let dwell = |update: &str| {
        format!(
            "events:\n  - type: seen\n    data: {{lat: number, lon: number}}\n    updates: [{{{update}}}]\n"
        )
    };
    check(
        &dwell("tag: shop, dwell: 10m, lat: data.lat"),
        "x.yaml:4: event seen: dwell lacks lon; add lon: data.lon",
    );
    check(
        &dwell("tag: shop, dwell: soon, lat: data.lat, lon: data.lon"),
        "x.yaml:4: event seen: soon is not a duration",
    );
    check(
        &dwell("tag: stage, dwell: 1m, lat: data.lat, lon: data.lon"),
        "x.yaml:4: event seen: tag stage is an enum",
    );
    check(
        &dwell("tag: shop, dwell: 1m, lat: data.lat, lon: data.lon, fences: shops"),
        "x.yaml:4: event seen: no fence is of the group shops",
    );
    check(
        &dwell("tag: shop, dwell: 1m, lat: data.latt, lon: data.lon"),
        "x.yaml:4: event seen: the event has no field data.latt",
    );
    check(
        &dwell("tag: shop, set: \"'x'\", lat: data.lat"),
        "x.yaml:4: event seen: set has no lat; use dwell",
    );
}

#[test]
fn mistakes_in_a_life_cycle_are_named() {
    let cycle =
        |moves: &str| format!("lifecycle:\n  tag: stage\n  stages: [new, active]\n  moves:\n    - {moves}\n");
    let sound = "{from: new, to: active, when: \"t.age > 18\"}";
    assert_eq!(mistakes(&cycle(sound)), Vec::<String>::new());
    check(
        &cycle("{from: neww, to: active, when: \"true\"}"),
        "x.yaml:5: lifecycle: unknown stage neww; did you mean new?",
    );
    check(&cycle("{from: [new], to: gone, when: \"true\"}"), "x.yaml:5: lifecycle: unknown stage gone");
    check(
        &cycle("{from: new, to: active}"),
        "x.yaml:5: lifecycle: nothing moves a customer to active; add on",
    );
    check(&cycle("{to: active, when: \"true\"}"), "x.yaml:5: a move of lifecycle lacks from");
    check(
        &cycle("{from: any, to: active, on: telco.usage.dat}"),
        "x.yaml:5: lifecycle: unknown event telco.usage.dat; did you mean telco.usage.data?",
    );
    check(
        &cycle("{from: any, to: active, on: telco.usage.data, when: \"data.mbb > 1\"}"),
        "x.yaml:5: lifecycle: the event has no field data.mbb",
    );
    check(
        &cycle("{from: any, to: active, when: \"data.mb > 1\"}"),
        "x.yaml:5: lifecycle: the event has no field data.mb",
    );
    check(&cycle(sound).replace("tag: stage", "tag: shop"), "x.yaml:2: lifecycle: tag shop is string");
    check(&cycle(sound).replace("tag: stage", "tag: stag"), "x.yaml:2: lifecycle: unknown tag stag");
    check(
        &cycle(sound).replace("[new, active]", "[new, active, gone]"),
        "x.yaml:3: lifecycle: stage gone is no value of tag stage",
    );
    check(
        &cycle(sound).replace("[new, active]", "[new, new, active]"),
        "x.yaml:3: lifecycle: stage new is there twice",
    );
    check(&cycle(sound).replace("[new, active]", "[]"), "x.yaml:2: lifecycle has 0 stages");
    check(
        &cycle("{from: any, to: new, when: \"true\"}"),
        "x.yaml:3: warning: lifecycle: no move leads to active",
    );
    let set = "events:\n  - {type: e, updates: [{tag: stage, set: \"'new'\"}]}\n";
    check(
        &format!("{set}{}", cycle(sound)),
        "x.yaml:2: event e: tag stage is the stage of the life cycle; write a move: {on: e, to: ..}",
    );
}

#[test]
fn mistakes_in_pauses_are_named() {
    check("pauses: [{id: a}]\n", "x.yaml:1: pause a lacks when");
    check("pauses: [{when: \"true\"}]\n", "x.yaml:1: pause lacks id");
    check("pauses: [{id: a, when: \"t.agee > 1\"}]\n", "x.yaml:1: pause a: unknown tag t.agee");
    check(
        "pauses: [{id: a, when: \"true\", purpose: x}]\n",
        "x.yaml:1: pause a has an unknown key purpose; did you mean purposes?",
    );
    check(
        "pauses: [{id: a, when: \"true\", purposes: [service]}]\n",
        "x.yaml:1: warning: pause a holds back service",
    );
    check("pauses: [{id: a, when: \"true\"}, {id: a, when: \"true\"}]\n", "x.yaml:1: pause a is there twice");
}
