//! The calls that a channel, a billing system or the network would make, counted as they are made.

use super::events::event;
use super::tally::Tally;
use super::world::World;
use crate::client::{CallError, Client, customer_path};
use crate::clock::{Stopwatch, now};
use crate::output::list;
use serde_json::{Value, json};

/// One connection's worth of calls.
pub struct Player<'a> {
    /// The world that is played.
    pub world: &'a World,
    /// What was counted.
    pub tally: Tally,
    client: &'a Client,
    sent: u64,
}

/// A question to the decision.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Where.
    pub channel: &'static str,
    /// Where in the channel.
    pub placement: &'a str,
    /// Where the customer is: shop, airport...
    pub place: Option<&'a str>,
}

/// Channels that we begin in.
pub const OUTBOUND: [&str; 3] = ["sms", "push", "email"];

impl<'a> Player<'a> {
    /// Nothing called yet.
    pub fn new(world: &'a World, client: &'a Client) -> Self {
        Player { world, tally: Tally::new(), client, sent: 0 }
    }

    /// Sets tags, one line a customer.
    pub fn import_tags(&mut self, lines: &[Value]) -> Result<(), CallError> {
        let answer = self.client.post_lines("/v1/imports/tags", &joined(lines))?;
        self.tally.tagged +=
            answer["applied"].as_u64().unwrap_or(0) + answer["unchanged"].as_u64().unwrap_or(0);
        self.count_rejected(&answer);
        Ok(())
    }

    /// Records consents.
    pub fn put_consents(&mut self, customer: &str, records: &Value) -> Result<(), CallError> {
        self.client.put(&customer_path(customer, "/consents"), records)?;
        self.tally.consents += records.as_array().map_or(0, Vec::len) as u64;
        Ok(())
    }

    /// Streams events.
    pub fn stream_events(&mut self, events: &[Value]) -> Result<(), CallError> {
        if events.is_empty() {
            return Ok(());
        }
        let answer = self.client.post_lines("/v1/events", &joined(events))?;
        self.count_events(&answer);
        Ok(())
    }

    /// Sends one event that happens now.
    pub fn happens(&mut self, customer: &str, kind: &str, data: &Value) -> Result<(), CallError> {
        self.sent += 1;
        let at = now();
        let place = format!("now.{}.{}", at.ms(), self.sent);
        let answer = self.client.post_event(&event(self.world, customer, &place, at, kind, data))?;
        self.count_events(&answer);
        Ok(())
    }

    /// The customer came to us.
    pub fn ask(&mut self, customer: &str, ask: &Ask<'_>) -> Result<Value, CallError> {
        let mut context = json!({});
        if let Some(place) = ask.place {
            context["place"] = place.into();
        }
        let question = json!({
            "channel": ask.channel, "placement": ask.placement, "direction": "inbound", "context": context,
        });
        self.decide(customer, ask.channel, &question)
    }

    /// We would like to go to the customer.
    pub fn approach(&mut self, customer: &str, channel: &'static str) -> Result<Value, CallError> {
        let question =
            json!({ "channel": channel, "direction": "outbound", "purpose": "marketing", "limit": 1 });
        self.decide(customer, channel, &question)
    }

    fn decide(
        &mut self,
        customer: &str,
        channel: &'static str,
        question: &Value,
    ) -> Result<Value, CallError> {
        let stopwatch = Stopwatch::start();
        let decision = self.client.post(&customer_path(customer, "/decisions"), question)?;
        self.tally.took(stopwatch.elapsed());
        let counted = self.tally.channels.entry(channel).or_default();
        counted.decisions += 1;
        if let Some(first) = list(&decision, "items").first() {
            counted.with_offer += 1;
            counted.contacts += u64::from(first["contact_id"].is_string());
            *self.tally.firsts.entry(crate::output::field(first, "offer")).or_default() += 1;
        }
        let mut codes: Vec<&str> =
            list(&decision, "withheld").iter().filter_map(|it| it["code"].as_str()).collect();
        codes.dedup();
        for code in codes {
            *self.tally.withheld.entry(code.to_owned()).or_default() += 1;
        }
        *self.tally.arms.entry(crate::output::field(&decision, "arm")).or_default() += 1;
        self.tally.context_only += u64::from(decision["basis"] == "context_only");
        Ok(decision)
    }

    /// Says what became of a decision's number one.
    pub fn respond(&mut self, customer: &str, decision: &Value, response: &str) -> Result<Value, CallError> {
        self.respond_about(customer, decision, &decision["items"][0], response)
    }

    /// Says what became of any item of a decision.
    pub fn respond_about(
        &mut self,
        customer: &str,
        decision: &Value,
        item: &Value,
        response: &str,
    ) -> Result<Value, CallError> {
        let mut said = json!({
            "decision_id": decision["decision_id"], "offer": item["offer"], "response": response,
            "at": now().to_string(), "response_id": format!("{}-{response}", crate::output::field(decision, "decision_id")),
            "by": "customer",
        });
        if item["contact_id"].is_string() {
            said["contact_id"] = item["contact_id"].clone();
        }
        let answer = self.client.post(&customer_path(customer, "/responses"), &said)?;
        self.tally.responses += 1;
        if answer["applied"] != true && self.tally.surprise.is_none() {
            self.tally.surprise = Some(format!("a response `{response}` was not applied: {answer}"));
        }
        let channel = decision["channel"].as_str().and_then(|name| self.tally.channels.get_mut(name));
        match (response, channel) {
            ("accepted", Some(channel)) => channel.accepted += 1,
            ("rejected", Some(channel)) => channel.rejected += 1,
            _ => {}
        }
        Ok(answer)
    }

    /// Reads one offer's fate in a decision.
    pub fn explain(&self, customer: &str, decision: &Value, offer: &str) -> Result<Value, CallError> {
        let (id, offer) = (crate::output::field(decision, "decision_id"), crate::client::escaped(offer));
        self.client.get(&customer_path(customer, &format!("/decisions/{id}?offer={offer}")))
    }

    /// Everything known of a customer.
    pub fn view(&self, customer: &str) -> Result<Value, CallError> {
        self.client.get(&customer_path(customer, ""))
    }

    fn count_events(&mut self, answer: &Value) {
        self.tally.events += answer["accepted"].as_u64().unwrap_or(0);
        self.count_rejected(answer);
    }

    fn count_rejected(&mut self, answer: &Value) {
        for reject in list(answer, "rejected") {
            *self.tally.rejected.entry(crate::output::field(reject, "code")).or_default() += 1;
            self.tally.surprise.get_or_insert_with(|| format!("a line was rejected: {reject}"));
        }
    }
}

fn joined(lines: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.len() * 256);
    for line in lines {
        bytes.extend(line.to_string().bytes());
        bytes.push(b'\n');
    }
    bytes
}
