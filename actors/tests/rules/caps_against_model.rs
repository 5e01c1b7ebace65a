//! Random histories of one customer, counted twice: by the code and by the model. They agree on what is used, when a cap
//! has room again and what may be sent, and no window of any cap ever holds more than its limit.

use crate::caps_model::{Asked, CAPS, Flaw, Model, ModelCap, Sent};
use crate::fixture::{Subject, at, request, response};
use actors::Timestamp;
use actors::call::{Command, Direction, Reply, Response, ResponseKind};
use actors::customer::view::CustomerView;
use actors::decision::{CapUse, Decision};
use actors::playbook::compile::compile;
use actors::playbook::{Dictionary, Playbook};
use actors::timestamp::{DAY_MS, HOUR_MS};
use actors::value::Value;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::sync::{Arc, LazyLock};

static PLAYBOOK: LazyLock<Arc<Playbook>> = LazyLock::new(|| {
    let text = include_str!("caps_model.yaml").to_owned();
    let compiled = compile(&[("caps_model.yaml".to_owned(), text)], &Dictionary::default());
    Arc::new(compiled.unwrap_or_else(|mistakes| panic!("{mistakes:?}")).playbook)
});

/// Summer time begins and ends, by an hour and by half of one, at midnight and in the night; ahead of and behind UTC.
const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"];
/// Where histories begin: around ends of months and quarters, leap days, changes of clocks.
const STARTS: [&str; 6] = [
    "2026-03-27T09:00:00Z",
    "2026-10-23T20:00:00Z",
    "2026-12-29T23:30:00Z",
    "2028-02-27T12:00:00Z",
    "2026-09-04T03:00:00Z",
    "2026-06-10T12:00:00Z",
];
const OFFERS: [&str; 5] = ["plan-a", "plan-b", "coupon", "help", "notice"];
const LINES: [Option<&str>; 3] = [None, Some("mobile"), Some("fixed")];

#[derive(Clone, Debug)]
enum Step {
    /// Channel, purpose, line, by their places; whether the request is sent once more.
    Decide {
        channel: usize,
        purpose: usize,
        line: usize,
        repeated: bool,
    },
    Wait(i64),
    /// From now on the clock is off by this much.
    ClockOff(i64),
    /// Which contact, what, and how far between reservation and now it happened, in percent; told so many times.
    Receipt {
        contact: usize,
        kind: ResponseKind,
        percent: i64,
        times: usize,
    },
    Prepaid(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    use ResponseKind::{
        Accepted, Cancelled, Clicked, Delivered, Expired, Failed, Ignored, Rejected, Seen, Sent,
    };
    let kind = proptest::sample::select(vec![
        Sent, Sent, Sent, Delivered, Seen, Clicked, Accepted, Rejected, Ignored, Failed, Failed, Expired,
        Cancelled,
    ]);
    prop_oneof![
        8 => (0..5usize, 0..4usize, 0..3usize, any::<bool>())
            .prop_map(|(channel, purpose, line, repeated)| Step::Decide { channel, purpose, line, repeated }),
        3 => (0..30 * HOUR_MS).prop_map(Step::Wait),
        1 => (0..40 * DAY_MS).prop_map(Step::Wait),
        1 => (-3 * DAY_MS..3 * DAY_MS).prop_map(Step::ClockOff),
        7 => (0..12usize, kind, 0..=100i64, 1..3usize)
            .prop_map(|(contact, kind, percent, times)| Step::Receipt { contact, kind, percent, times }),
        1 => any::<bool>().prop_map(Step::Prepaid),
    ]
}

type History = (usize, usize, Vec<Step>);

fn any_history() -> impl Strategy<Value = History> {
    (0..ZONES.len(), 0..STARTS.len(), proptest::collection::vec(any_step(), 1..40))
}

/// A customer, its model, and the true time.
struct Both {
    code: Subject,
    model: Model,
    ids: Vec<String>,
    true_time: Timestamp,
    clock_off_ms: i64,
    requests: usize,
}

impl Both {
    fn new(zone: &str, start: &str, flaw: Flaw) -> Both {
        let mut code = Subject::new(Arc::clone(&PLAYBOOK));
        code.now = at("2026-01-01T00:00:00Z");
        code.consent_all();
        code.tag("zone", Value::Text(zone.into()));
        code.tag("contract", Value::Text("postpaid".into()));
        let zone = TimeZone::get(zone).expect("a zone");
        let model = Model { zone, flaw, contacts: Vec::new(), prepaid: false };
        Both { code, model, ids: Vec::new(), true_time: at(start), clock_off_ms: 0, requests: 0 }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Wait(ms) => self.true_time = self.true_time.plus_ms(*ms),
            Step::ClockOff(ms) => self.clock_off_ms = *ms,
            Step::Prepaid(prepaid) => {
                let contract = if *prepaid { "prepaid" } else { "postpaid" };
                // An older word changes no tag: each comes with a time of its own, ahead of every clock that is off.
                self.requests += 1;
                self.code.now = self.true_time.plus_ms(4 * DAY_MS + self.requests as i64);
                self.code.tag("contract", Value::Text(contract.into()));
                self.model.prepaid = *prepaid;
            }
            Step::Decide { channel, purpose, line, repeated } => {
                self.decide(*channel, *purpose, *line, *repeated)?;
            }
            Step::Receipt { contact, kind, percent, times } => {
                self.receipt(*contact, *kind, *percent, *times);
            }
        }
        self.tell_time();
        self.compare_view()?;
        for cap in &CAPS {
            let fullest = self.model.fullest(cap);
            prop_assert!(fullest <= cap.limit as usize, "{} holds {fullest}", cap.id);
        }
        Ok(())
    }

    fn tell_time(&mut self) {
        self.code.now = self.true_time.plus_ms(self.clock_off_ms);
    }

    fn decide(
        &mut self,
        channel: usize,
        purpose: usize,
        line: usize,
        repeated: bool,
    ) -> Result<(), TestCaseError> {
        self.tell_time();
        let channel = ["sms", "email", "chat", "miniapp", "app"][channel];
        let direction = if channel == "app" { Direction::Inbound } else { Direction::Outbound };
        self.requests += 1;
        let mut question = request(channel, direction);
        question.purpose =
            [None, Some("marketing"), Some("service"), Some("regulatory")][purpose].map(Into::into);
        question.line = LINES[line].map(Into::into);
        question.request_id = Some(format!("r{}", self.requests));
        let decision = self.code.ask(question.clone());
        if repeated {
            let again = self.code.apply(&Command::Decide(Box::new(question))).reply;
            prop_assert!(
                matches!(again, Reply::DecidedBefore { .. }),
                "a repeated request takes no second slot"
            );
        }
        self.compare_answer(&decision, purpose, LINES[line])?;
        for item in &decision.items {
            let Some(id) = &item.contact_id else { continue };
            self.ids.push(id.clone());
            let mut sent = self.would_be(&item.offer, &decision, LINES[line]);
            if direction == Direction::Inbound {
                sent.receipts.push((ResponseKind::Sent, decision.at));
            }
            self.model.contacts.push(sent);
        }
        Ok(())
    }

    fn would_be(&self, offer: &str, decision: &Decision, line: Option<&str>) -> Sent {
        Sent {
            offer: offer.to_owned(),
            channel: decision.channel.to_string(),
            line: line.map(str::to_owned),
            direction: decision.direction,
            reserved_at: decision.at,
            expires_at: decision.at.plus_ms(DAY_MS),
            prepaid: self.model.prepaid,
            receipts: Vec::new(),
        }
    }

    /// An offer is in the answer exactly when every cap about it has room: outbound before, inbound beside the others shown.
    fn compare_answer(
        &self,
        decision: &Decision,
        purpose: usize,
        line: Option<&str>,
    ) -> Result<(), TestCaseError> {
        let outbound = decision.direction == Direction::Outbound;
        let asked = Asked { now: decision.at, life_ms: if outbound { DAY_MS } else { 1 }, line };
        let wanted = |offer: &&&str| match purpose {
            1 => OFFERS[..3].contains(*offer),
            2 => **offer == "help",
            3 => **offer == "notice",
            _ => true,
        };
        for offer in OFFERS.iter().filter(wanted) {
            let would_be = self.would_be(offer, decision, line);
            let shown = |cap: &ModelCap| {
                let listed = decision.items.iter().filter(|item| &*item.offer != *offer);
                let counting = listed.filter(|item| {
                    let other = self.would_be(&item.offer, decision, line);
                    self.model.counts(cap, &other)
                });
                if outbound { 0 } else { counting.count() as u32 }
            };
            let full: Vec<&ModelCap> = CAPS
                .iter()
                .filter(|cap| self.model.counts(cap, &would_be))
                .filter(|cap| self.model.used(cap, asked) + shown(cap) >= self.model.limit(cap))
                .collect();
            let in_answer = decision.items.iter().any(|item| &*item.offer == *offer);
            let names: Vec<_> = full.iter().map(|cap| cap.id).collect();
            prop_assert_eq!(in_answer, full.is_empty(), "{} with {:?}: {:?}", offer, names, decision);
        }
        for told in decision.withheld.iter().filter_map(|withheld| withheld.cap.as_ref()) {
            self.compare_use(told, asked)?;
        }
        Ok(())
    }

    /// Gateways send in time and at most once, fail only what did not arrive, and have clocks like ours. Their receipts come
    /// when they like, in any order, and more than once.
    fn receipt(&mut self, contact: usize, kind: ResponseKind, percent: i64, times: usize) {
        use ResponseKind::{Cancelled, Expired, Failed};
        self.tell_time();
        let newest_first = self.model.contacts.len().checked_sub(contact + 1);
        let Some(place) = newest_first else { return };
        let now = self.code.now;
        let sent = &mut self.model.contacts[place];
        let gives_back = |kind: ResponseKind| matches!(kind, Failed | Expired | Cancelled);
        let given_back = sent.receipts.iter().any(|(kind, _)| gives_back(*kind));
        let arrived = sent.receipts.iter().any(|(kind, _)| !gives_back(*kind) && *kind != ResponseKind::Sent);
        let too_late = now.since_ms(sent.reserved_at) > 90 * DAY_MS;
        if too_late || (gives_back(kind) && arrived) || (!gives_back(kind) && given_back) {
            return;
        }
        let end = if kind == ResponseKind::Sent { now.min(sent.expires_at.plus_ms(-1)) } else { now };
        let happened = sent.reserved_at.plus_ms(end.since_ms(sent.reserved_at).max(0) * percent / 100);
        // A clock that went back: what is heard now happened after our future.
        let happened = happened.min(now.plus_ms(60_000));
        sent.receipts.push((kind, happened));
        for _ in 0..times {
            self.code.respond(Response {
                contact_id: Some(self.ids[place].clone()),
                at: Some(happened),
                ..response(kind)
            });
        }
    }

    fn compare_view(&mut self) -> Result<(), TestCaseError> {
        let view: Box<CustomerView> = match self.code.apply(&Command::View).reply {
            Reply::View(view) => view,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(view.caps.len(), CAPS.len());
        let asked = Asked { now: self.code.now, life_ms: DAY_MS, line: None };
        view.caps.iter().try_for_each(|told| self.compare_use(told, asked))
    }

    fn compare_use(&self, told: &CapUse, asked: Asked<'_>) -> Result<(), TestCaseError> {
        let cap = CAPS.iter().find(|cap| cap.id == &*told.id).expect("a cap of the model");
        let counted = (self.model.used(cap, asked), self.model.limit(cap), self.model.next_free(cap, asked));
        prop_assert_eq!((told.used, told.limit, told.next_free_at), counted, "{} at {}", cap.id, asked.now);
        Ok(())
    }
}

fn agree((zone, start, steps): &History, flaw: Flaw) -> Result<(), TestCaseError> {
    let mut both = Both::new(ZONES[*zone], STARTS[*start], flaw);
    steps.iter().try_for_each(|step| both.step(step))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn code_and_model_agree_and_no_window_ever_holds_more_than_its_limit(history in any_history()) {
        agree(&history, Flaw::None)?;
    }
}

#[test]
fn the_comparison_sees_every_rule_that_is_forgotten() {
    let flaws = [
        Flaw::KeepsSlotsOfTheFailed,
        Flaw::KnowsUtcOnly,
        Flaw::ForgetsTheLine,
        Flaw::CountsWhatWasShownEverywhere,
        Flaw::CapsRegulatoryNotices,
        Flaw::TrustsTheTimeOfReading,
        Flaw::ReadsTagsOfToday,
        Flaw::ForgetsTheProvider,
        Flaw::OneContactTooMany,
    ];
    for flaw in flaws {
        let config =
            Config { cases: 400, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let seen = TestRunner::new_with_rng(config, rng).run(&any_history(), |history| agree(&history, flaw));
        assert!(seen.is_err(), "{flaw:?} went unseen");
    }
}
