//! A small playbook that a person can check by hand, and a customer to try it on.

use actors::Timestamp;
use actors::call::{
    Command, ConsentRecord, ConsentState, CustomerId, DecisionRequest, Direction, Event, EventOutcome, Reply,
    Response, ResponseBy, ResponseKind, ResponseOutcome, TagPatch,
};
use actors::customer::{Customer, Outcome, Turn};
use actors::decision::Decision;
use actors::decision::log::LoggedDecision;
use actors::decision::totals::UnitsLeft;
use actors::playbook::active::Active;
use actors::playbook::compile::compile;
use actors::playbook::{Dictionary, Playbook};
use actors::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const PLAYBOOK: &str = include_str!("playbook.yaml");

/// The fixture's playbook, with some lines replaced.
pub fn playbook_with(changes: &[(&str, &str)]) -> Arc<Playbook> {
    let mut text = PLAYBOOK.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "the fixture has no {from}");
        text = text.replace(from, to);
    }
    playbook_of(&text)
}

/// A playbook of one file.
pub fn playbook_of(text: &str) -> Arc<Playbook> {
    let compiled = compile(&[("playbook.yaml".to_owned(), text.to_owned())], &Dictionary::default());
    match compiled {
        Ok(compiled) => Arc::new(compiled.playbook),
        Err(mistakes) => panic!("{}", mistakes.iter().map(|m| format!("{m}\n")).collect::<String>()),
    }
}

pub fn playbook() -> Arc<Playbook> {
    playbook_with(&[])
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

pub fn id(text: &str) -> CustomerId {
    CustomerId::new(text).expect("an id")
}

pub fn map(fields: &[(&str, Value)]) -> Value {
    Value::Map(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

/// A customer in the hands of a test: every command goes through a snapshot, as it does in a shard.
pub struct Subject {
    pub id: CustomerId,
    pub active: Active,
    pub now: Timestamp,
    pub snapshot: Vec<u8>,
    pub logged: Vec<LoggedDecision>,
    pub left: Vec<UnitsLeft>,
    events: u64,
}

impl Subject {
    pub fn new(playbook: Arc<Playbook>) -> Self {
        Subject::named("ann", playbook)
    }

    pub fn named(name: &str, playbook: Arc<Playbook>) -> Self {
        let now = at("2026-11-10T12:00:00Z");
        let active = Active::new(playbook, at("2026-01-01T00:00:00Z"));
        Subject {
            id: id(name),
            active,
            now,
            snapshot: Vec::new(),
            logged: Vec::new(),
            left: Vec::new(),
            events: 0,
        }
    }

    /// A customer who consented to everything by every channel.
    pub fn consenting(playbook: Arc<Playbook>) -> Self {
        let mut subject = Subject::new(playbook);
        subject.consent_all();
        subject
    }

    pub fn consent_all(&mut self) {
        for purpose in ["marketing", "profiling", "location"] {
            self.consent(purpose, "any", ConsentState::Granted);
        }
    }

    pub fn customer(&self) -> Customer {
        match self.snapshot.is_empty() {
            true => Customer::new(&self.id),
            false => Customer::decode(&self.id, &self.snapshot).expect("a readable snapshot"),
        }
    }

    pub fn apply(&mut self, command: &Command) -> Outcome {
        let mut customer = self.customer();
        let turn = Turn { active: &self.active, now: self.now, before: &self.snapshot, left: &self.left };
        let outcome = customer.apply(command, turn);
        if outcome.changed {
            self.snapshot = customer.encode();
        }
        self.logged.extend(outcome.decisions.iter().cloned());
        outcome
    }

    pub fn wait(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    pub fn consent(&mut self, purpose: &str, channel: &str, state: ConsentState) {
        let record = ConsentRecord {
            purpose: purpose.into(),
            channel: channel.into(),
            state,
            basis: None,
            source: None,
            text_version: None,
            at: self.now,
            expires_at: None,
        };
        self.apply(&Command::PutConsents(vec![record]));
    }

    pub fn tag(&mut self, tag: &str, value: Value) -> Reply {
        self.apply(&Command::PatchTags(TagPatch {
            source: "test".into(),
            as_of: Some(self.now),
            set: vec![(tag.into(), value)],
            unset: vec![],
        }))
        .reply
    }

    pub fn event(&mut self, kind: &str, data: &[(&str, Value)]) -> EventOutcome {
        self.events += 1;
        let event = Event {
            id: format!("e{}", self.events),
            source: "/test".into(),
            kind: kind.into(),
            at: Some(self.now),
            data: map(data),
        };
        self.hear(event)
    }

    pub fn hear(&mut self, event: Event) -> EventOutcome {
        match self.apply(&Command::Events(vec![event])).reply {
            Reply::Events(mut outcomes) => outcomes.remove(0),
            other => panic!("{other:?}"),
        }
    }

    pub fn decide(&mut self, channel: &str, direction: Direction) -> Decision {
        self.ask(request(channel, direction))
    }

    pub fn ask(&mut self, request: DecisionRequest) -> Decision {
        match self.apply(&Command::Decide(Box::new(request))).reply {
            Reply::Decision(decision) => (*decision).clone(),
            other => panic!("{other:?}"),
        }
    }

    pub fn number_one(&mut self, channel: &str) -> String {
        let decision = self.decide(channel, Direction::Inbound);
        decision.items.first().map_or_else(String::new, |item| item.offer.to_string())
    }

    pub fn respond(&mut self, response: Response) -> ResponseOutcome {
        match self.apply(&Command::Respond(response)).reply {
            Reply::Response(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub fn receipt(&mut self, contact_id: &str, kind: ResponseKind) -> ResponseOutcome {
        self.respond(Response { contact_id: Some(contact_id.into()), at: Some(self.now), ..response(kind) })
    }
}

pub fn request(channel: &str, direction: Direction) -> DecisionRequest {
    DecisionRequest {
        channel: channel.into(),
        placement: None,
        direction,
        purpose: None,
        context: Value::Map(BTreeMap::new()),
        limit: 13,
        request_id: None,
        line: None,
    }
}

pub fn response(kind: ResponseKind) -> Response {
    Response {
        contact_id: None,
        decision_id: None,
        offer: None,
        kind,
        at: None,
        response_id: None,
        reason: None,
        by: ResponseBy::Customer,
    }
}
