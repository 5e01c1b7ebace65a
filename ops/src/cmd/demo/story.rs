//! Three customers, one after the other: what happened, what was decided, and why, in words.
//!
//! The crowd has played already; these calls are made live. A story that does not come about with one candidate (a
//! control group, an exploring list) is tried with the next.

use super::audit::counting;
use super::crowd::Stage;
use super::player::{Ask, OUTBOUND, Player};
use super::subscribers::{Kind, Subscriber};
use crate::client::CallError;
use crate::cmd::customer::words;
use crate::error::Failure;
use crate::output::{field, list, moment, short};
use serde_json::{Value, json};

/// Candidates tried for a story before it is left out.
const CANDIDATES_MAX: usize = 40;

/// A story that came about.
pub struct Story {
    /// Whose.
    pub customer: String,
    /// Told line by line.
    pub lines: Vec<String>,
}

/// A story's title, whom it can happen to, and how it goes.
struct Plot {
    title: &'static str,
    suits: fn(&Subscriber) -> bool,
    tell: fn(&mut Teller<'_>, &Subscriber) -> Result<bool, CallError>,
}

const PLOTS: [Plot; 3] = [
    Plot { title: "Keeping somebody who wants to leave", suits: may_leave, tell: leaving },
    Plot { title: "Abroad, and a no that stays a no", suits: travels, tell: abroad },
    Plot { title: "Four contacts a month, and not one more", suits: is_in_demand, tell: in_demand },
];

/// All stories that came about.
pub fn all(stage: Stage<'_>) -> Result<Vec<Story>, Failure> {
    let mut told = Vec::new();
    for plot in &PLOTS {
        let people = (0..stage.world.customers).map(|number| Subscriber::of(stage.world, number));
        for subscriber in people.filter(|it| (plot.suits)(it)).take(CANDIDATES_MAX) {
            stage.interrupt.check()?;
            let title = format!("{}: {}", plot.title, subscriber.in_words());
            let mut teller = Teller { player: Player::new(stage.world, stage.client), lines: vec![title] };
            if (plot.tell)(&mut teller, &subscriber)? {
                told.push(Story { customer: subscriber.id, lines: teller.lines });
                break;
            }
        }
    }
    Ok(told)
}

struct Teller<'a> {
    player: Player<'a>,
    lines: Vec<String>,
}

impl Teller<'_> {
    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// What happened, sent as an event and told in words.
    fn event(&mut self, who: &Subscriber, kind: &str, data: &Value, words: &str) -> Result<(), CallError> {
        self.say(format!("  {kind:<28} {words}"));
        self.player.happens(&who.id, kind, data)
    }

    /// Asks, and tells the number one with its reasons.
    fn ask(&mut self, who: &Subscriber, channel: &'static str, placement: &str) -> Result<Value, CallError> {
        let decision = self.player.ask(&who.id, &Ask { channel, placement, place: None })?;
        self.tell_decision(channel, &decision);
        Ok(decision)
    }

    fn tell_decision(&mut self, channel: &str, decision: &Value) {
        match list(decision, "items").first() {
            None => self.say(format!("  -> {channel}: nothing")),
            Some(first) => {
                let number = |key: &str| first[key].as_f64().map_or_else(|| "-".to_owned(), short);
                self.say(format!(
                    "  -> {channel}: {}   P {} x C {} x V {} x L {} = {}",
                    field(first, "offer"),
                    number("propensity"),
                    number("context_weight"),
                    number("value"),
                    number("lever"),
                    number("priority"),
                ));
                for reason in list(first, "reasons") {
                    self.say(format!("       because {}", field(reason, "text")));
                }
            }
        }
    }
}

fn best(decision: &Value) -> &Value {
    &decision["items"][0]
}

fn may_leave(who: &Subscriber) -> bool {
    who.consents_to_all()
        && who.kind == Kind::Family
        && !who.monthly_term
        && who.tenure >= 6
        && who.charges >= 50.0
}

/// A complaint silences sales; the wish to leave brings the desk's best offer; signing again ends the matter.
fn leaving(teller: &mut Teller<'_>, who: &Subscriber) -> Result<bool, CallError> {
    teller.event(
        who,
        "telco.complaint.opened",
        &json!({"topic": "network"}),
        "complains about the network",
    )?;
    let decision = teller.ask(who, "app", "home_banner")?;
    let resting = list(&decision, "withheld").iter().find(|it| it["code"] == "not_suitable");
    if let Some(resting) = resting.and_then(|it| it["offers"].as_u64()) {
        teller.say(format!("     {resting} offers rest: not right for a customer with an open complaint"));
    }
    if field(best(&decision), "kind") != "service" {
        return Ok(false);
    }
    teller.event(who, "telco.complaint.closed", &json!({"solved": true}), "the complaint is solved")?;
    for _ in 0..2 {
        teller.player.happens(
            &who.id,
            "telco.web.page_viewed",
            &json!({"page": "cancel", "seconds": 55.0}),
        )?;
    }
    let port_out = json!({"to_operator": "Nachbarfunk"});
    teller.event(
        who,
        "telco.portout.requested",
        &port_out,
        "reads how to cancel, asks to take the number away",
    )?;
    let decision = teller.ask(who, "desk", "call")?;
    if field(best(&decision), "kind") != "retention" || decision["arm"] != "optimised" {
        return Ok(false);
    }
    let script = field(best(&decision), "script");
    if script.len() > 1 {
        teller.say(format!("     the agent can say: {script}"));
    }
    teller.player.respond(&who.id, &decision, "accepted")?;
    teller.say(format!("     {} accepts", who.name));
    let ends_at = crate::clock::now().plus_ms(365 * actors::timestamp::DAY_MS).to_string();
    let renewed = json!({"term": "one_year", "ends_at": ends_at, "monthly_charges": who.charges - 5.0});
    teller.event(who, "telco.contract.renewed", &renewed, "stays for a year")?;
    let decision = teller.ask(who, "app", "home_banner")?;
    Ok(field(best(&decision), "kind") != "retention")
}

fn travels(who: &Subscriber) -> bool {
    who.consents_to_all() && who.kind == Kind::Traveller && !who.at_night
}

/// The right pass at the right moment; refused, it is gone from every channel, and the node says why.
fn abroad(teller: &mut Teller<'_>, who: &Subscriber) -> Result<bool, CallError> {
    let arrival = json!({"country": "AE", "zone": "gulf"});
    teller.event(who, "telco.roaming.started", &arrival, "lands in Dubai")?;
    let data = json!({"mb": 420.0, "roaming": true});
    teller.event(who, "telco.usage.data", &data, "uses 420 MB there")?;
    let travel = Ask { channel: "app", placement: "travel", place: None };
    let decision = teller.player.ask(&who.id, &travel)?;
    let pass = list(&decision, "items").iter().find(|item| field(item, "offer").starts_with("roam"));
    let Some(pass) = pass.filter(|_| decision["arm"] == "optimised") else { return Ok(false) };
    let offer = field(pass, "offer");
    let places = list(&decision, "items").len();
    teller.say(format!("  -> app, travel page: {offer} is number {} of {places}", field(pass, "rank")));
    for reason in list(pass, "reasons") {
        teller.say(format!("       because {}", field(reason, "text")));
    }
    teller.player.respond_about(&who.id, &decision, pass, "rejected")?;
    teller.say(format!("     {} says no to {offer}", who.name));
    let mut other = Value::Null;
    for channel in ["desk", "web", "app"] {
        other = teller.player.ask(&who.id, &Ask { channel, ..travel })?;
        if list(&other, "items").iter().any(|item| item["offer"] == offer.as_str()) {
            return Ok(false);
        }
    }
    let passes = list(&other, "items").iter().filter(|item| field(item, "offer").starts_with("roam"));
    let passes: Vec<String> = passes.map(|item| field(item, "offer")).collect();
    let instead = if passes.is_empty() { "other offers".to_owned() } else { passes.join(", ") };
    teller.say(format!("  -> desk, web, app: it is gone from all of them; instead {instead}"));
    let why = teller.player.explain(&who.id, &other, &offer)?;
    let fate =
        crate::cmd::customer::fate_of(&why, &offer).map_or_else(String::new, |fate| field(fate, "code"));
    teller.say(format!("     why not {offer}? {} ({fate})", words::reason(&fate)));
    Ok(fate == "refused")
}

fn is_in_demand(who: &Subscriber) -> bool {
    who.consents_to_all() && who.kind == Kind::Streamer && !who.at_night
}

/// Every department sends; the fifth is refused with the moment it becomes possible.
fn in_demand(teller: &mut Teller<'_>, who: &Subscriber) -> Result<bool, CallError> {
    let begin = teller.player.view(&who.id)?;
    if counting(list(&begin, "contacts")) > 0 {
        return Ok(false);
    }
    let mut reserved = 0;
    for attempt in 0..6 {
        let channel = OUTBOUND[attempt % OUTBOUND.len()];
        let decision = teller.player.approach(&who.id, channel)?;
        if best(&decision)["contact_id"].is_string() {
            teller.player.respond(&who.id, &decision, "sent")?;
            reserved += 1;
            teller.say(format!(
                "  -> {channel:<5} {} goes out, contact {reserved} of the month",
                field(best(&decision), "offer")
            ));
            continue;
        }
        let month = list(&decision, "withheld").iter().find(|it| it["cap"] == "month4");
        if let Some(cap) = month {
            teller.say(format!(
                "  -> {channel:<5} nothing: {} of {} used, the next is possible at {}",
                field(cap, "used"),
                field(cap, "limit"),
                moment(&cap["next_free_at"]),
            ));
            return Ok(reserved == 4);
        }
        return Ok(false);
    }
    Ok(false)
}
