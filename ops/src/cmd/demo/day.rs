//! What the crowd does: told once to the node, then a day of life, visits, campaigns and answers.

use super::chance::Chance;
use super::crowd::{self, Play, Stage};
use super::events::{self, Part};
use super::player::{Ask, OUTBOUND, Player};
use super::subscribers::Subscriber;
use super::tally::Tally;
use crate::client::CallError;
use crate::error::Failure;
use crate::output::list;
use serde_json::{Value, json};
use std::time::Duration;

/// Of the subscribers who come to us in a part of the day.
const VISITS: f64 = 0.12;
/// Of the subscribers the campaign of the day is meant for.
const CAMPAIGN: f64 = 0.18;
/// Of the subscribers whom every department wants to reach at once.
const WANTED_BY_ALL: f64 = 0.02;
/// Attempts to reach those: three more than a month allows.
pub const ATTEMPTS: u64 = 7;

/// What was played.
pub struct Played {
    /// All counts together.
    pub tally: Tally,
    /// Events a second while only events were sent.
    pub events_per_second: f64,
    /// How long it took in all.
    pub took: Duration,
}

/// The whole day, stage after stage.
pub fn play(stage: Stage<'_>) -> Result<Played, Failure> {
    let mut tally = Tally::new();
    let mut took = Duration::ZERO;
    let mut run = |title, play: &Play<'_>| {
        let (counted, elapsed) = crowd::all(stage, title, play)?;
        tally.add(&counted);
        took += elapsed;
        Ok::<_, Failure>(counted.events as f64 / elapsed.as_secs_f64().max(1e-6))
    };
    run("subscribers", &make_known)?;
    run("consents", &record_consents)?;
    let events_per_second =
        run("the month before", &|player, block| happen(player, block, Part::MonthBefore))?;
    run("morning", &|player, block| part_of_day(player, block, Part::Morning))?;
    run("afternoon", &|player, block| part_of_day(player, block, Part::Afternoon))?;
    run("campaign", &campaign)?;
    run("evening", &|player, block| part_of_day(player, block, Part::Evening))?;
    Ok(Played { tally, events_per_second, took })
}

fn make_known(player: &mut Player<'_>, block: &[Subscriber]) -> Result<(), CallError> {
    let lines: Vec<Value> = block.iter().map(|subscriber| subscriber.tag_line(player.world)).collect();
    player.import_tags(&lines)
}

fn record_consents(player: &mut Player<'_>, block: &[Subscriber]) -> Result<(), CallError> {
    for subscriber in block {
        if let Some(records) = subscriber.consents(player.world) {
            player.put_consents(&subscriber.id, &records)?;
        }
    }
    Ok(())
}

fn happen(player: &mut Player<'_>, block: &[Subscriber], part: Part) -> Result<(), CallError> {
    let events: Vec<Value> = block.iter().flat_map(|it| events::of(player.world, it, part)).collect();
    player.stream_events(&events)
}

fn part_of_day(player: &mut Player<'_>, block: &[Subscriber], part: Part) -> Result<(), CallError> {
    happen(player, block, part)?;
    for subscriber in block {
        let mut chance = player.world.chance(subscriber.number, 32 + part as u64);
        if chance.happens(VISITS) {
            visit(player, subscriber, &mut chance)?;
        }
    }
    Ok(())
}

/// Somebody opens the app, calls or walks in, is shown something and answers, or doesn't.
fn visit(player: &mut Player<'_>, subscriber: &Subscriber, chance: &mut Chance) -> Result<(), CallError> {
    let ask = chance.weigh(&[
        (Ask { channel: "app", placement: "home_banner", place: None }, 40),
        (Ask { channel: "app", placement: "travel", place: Some("airport") }, 5),
        (Ask { channel: "web", placement: "plans", place: None }, 20),
        (Ask { channel: "web", placement: "benefits", place: None }, 5),
        (Ask { channel: "desk", placement: "call", place: None }, 12),
        (Ask { channel: "desk", placement: "counter", place: Some("shop") }, 8),
        (Ask { channel: "ivr", placement: "menu", place: None }, 10),
    ]);
    let decision = player.ask(&subscriber.id, &ask)?;
    // A person at the desk sells better than a banner.
    let accepts = if ask.channel == "desk" { 12 } else { 5 };
    answer(player, subscriber, &decision, chance, accepts)
}

fn answer(
    player: &mut Player<'_>,
    subscriber: &Subscriber,
    decision: &Value,
    chance: &mut Chance,
    accepts: u32,
) -> Result<(), CallError> {
    let Some(first) = list(decision, "items").first() else { return Ok(()) };
    let response = chance.weigh(&[
        (Some("accepted"), accepts),
        (Some("rejected"), 14),
        (Some("clicked"), 10),
        (Some("ignored"), 31),
        (None, 45 - accepts),
    ]);
    let Some(response) = response else { return Ok(()) };
    player.respond(&subscriber.id, decision, response)?;
    if response == "accepted" && first["kind"] == "offer" {
        let amount = first["price"].as_f64().unwrap_or(0.0);
        let bought = json!({ "offer": first["offer"], "amount": amount });
        player.happens(&subscriber.id, "telco.purchase.completed", &bought)?;
    }
    Ok(())
}

/// The campaign of the day, and the few whom every department wants to reach.
fn campaign(player: &mut Player<'_>, block: &[Subscriber]) -> Result<(), CallError> {
    for subscriber in block {
        let mut chance = player.world.chance(subscriber.number, 48);
        let (wanted, meant) = (chance.happens(WANTED_BY_ALL), chance.happens(CAMPAIGN));
        if wanted {
            for attempt in 0..ATTEMPTS {
                let channel = OUTBOUND[usize::try_from(attempt).unwrap_or_default() % OUTBOUND.len()];
                reach(player, subscriber, channel, &mut chance)?;
            }
        } else if meant {
            let channel = chance.pick(&OUTBOUND);
            reach(player, subscriber, channel, &mut chance)?;
        }
    }
    Ok(())
}

/// One attempt: decided, sent, receipted and answered as gateways and people do.
fn reach(
    player: &mut Player<'_>,
    subscriber: &Subscriber,
    channel: &'static str,
    chance: &mut Chance,
) -> Result<(), CallError> {
    let decision = player.approach(&subscriber.id, channel)?;
    if !decision["items"][0]["contact_id"].is_string() {
        return Ok(());
    }
    player.respond(&subscriber.id, &decision, "sent")?;
    if chance.happens(0.03) {
        player.respond(&subscriber.id, &decision, "failed")?;
        return Ok(());
    }
    player.respond(&subscriber.id, &decision, "delivered")?;
    if chance.happens(0.5) {
        player.respond(&subscriber.id, &decision, "seen")?;
        answer(player, subscriber, &decision, chance, 4)?;
    }
    Ok(())
}

/// Whether the day's campaigns meant a subscriber, so that the audit knows whom to look at.
pub fn was_meant(stage: Stage<'_>, subscriber: &Subscriber) -> bool {
    let mut chance = stage.world.chance(subscriber.number, 48);
    chance.happens(WANTED_BY_ALL) | chance.happens(CAMPAIGN)
}
