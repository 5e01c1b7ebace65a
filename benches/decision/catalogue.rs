//! Catalogues and customers of a benchmark, drawn from a fixed seed.

use actors::call::{Command, ConsentRecord, ConsentState, CustomerId, DecisionRequest, Direction, TagPatch};
use actors::customer::{Customer, Turn};
use actors::decision::Moment;
use actors::decision::index::OfferIndex;
use actors::playbook::active::Active;
use actors::playbook::compile::compile;
use actors::playbook::rules::Scope;
use actors::playbook::{Affinity, Dictionary, Formula, Offer, OfferKind, Playbook, Rule, TagKind, TagNumber};
use actors::{Timestamp, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// Tags that everybody has and rules read.
const CORE: u64 = 60;
/// Tags that offers weigh.
const TAGS: u64 = 12_000;
const TAGS_OF_A_CUSTOMER: usize = 600;
const AFFINITIES: usize = 30;
const CUSTOMERS: u64 = 16;
/// Different rules in a catalogue: compiling one takes longer than anything else here.
const RULES: u64 = 3_000;

/// How the tags that offers weigh, and those that customers have, are drawn.
#[derive(Clone, Copy, PartialEq)]
pub enum TagLaw {
    Even,
    Zipf,
}

/// How many offers pass their rules.
#[derive(Clone, Copy, PartialEq)]
pub enum RuleWidth {
    /// Each of three predicates passes with 62 %.
    Wide,
    /// Each of three predicates passes with 19 %.
    Narrow,
}

pub struct Catalogue {
    pub playbook: Arc<Playbook>,
    pub id: CustomerId,
    pub snapshots: Vec<Vec<u8>>,
    pub request: DecisionRequest,
    pub moment: Moment,
}

impl Catalogue {
    pub fn of(offers: usize, law: TagLaw, width: RuleWidth) -> Catalogue {
        let playbook = Arc::new(playbook(offers, law, width));
        let now = Timestamp::parse("2026-11-10T12:00:00Z").expect("a time");
        let active = Active::new(Arc::clone(&playbook), now);
        let id = CustomerId::new("ann").expect("an id");
        let snapshots = (0..CUSTOMERS).map(|who| snapshot(&id, &active, now, law, who)).collect();
        let request = DecisionRequest {
            channel: "app".into(),
            placement: None,
            direction: Direction::Inbound,
            purpose: None,
            context: Value::Map(BTreeMap::new()),
            limit: 13,
            request_id: None,
            line: None,
        };
        let moment = Moment {
            left: Vec::new(),
            now,
            decision_id: "d-1".into(),
            learning_since: now,
            priors: Arc::clone(&active.priors),
        };
        Catalogue { playbook, id, snapshots, request, moment }
    }

    pub fn customers(&self) -> Vec<Customer> {
        let decode = |snapshot: &Vec<u8>| Customer::decode(&self.id, snapshot).expect("readable");
        self.snapshots.iter().map(decode).collect()
    }
}

struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A tag that offers weigh. By Zipf's law (exponent 1) the first few are everywhere.
    fn tag(&mut self, law: TagLaw) -> u64 {
        match law {
            TagLaw::Even => self.below(TAGS),
            TagLaw::Zipf => (((TAGS as f64).powf(self.unit())) as u64 - 1).min(TAGS - 1),
        }
    }
}

fn playbook(offers: usize, law: TagLaw, width: RuleWidth) -> Playbook {
    let mut text = String::from("tags:\n");
    for n in 0..CORE {
        writeln!(text, "  - {{id: c{n}, type: number}}").expect("text");
    }
    for n in 0..TAGS {
        let kind = if n % 5 == 4 { "bool" } else { "number" };
        writeln!(text, "  - {{id: t{n}, type: {kind}, text: \"what {n} is\"}}").expect("text");
    }
    text.push_str(
        "offers:\n  - {id: only, value: {clv: \"1\"}}\nexplore: {start: 0.1, steady: 0.1, ramp: 60d}\n",
    );
    text.push_str(
        "caps:\n  - {id: month4, match: \"c.purpose == 'marketing'\", limit: 4, window: {calendar: month}}\n",
    );
    let mut playbook = match compile(&[("bench.yaml".to_owned(), text)], &Dictionary::default()) {
        Ok(compiled) => compiled.playbook,
        Err(mistakes) => panic!("{}", mistakes[0]),
    };
    let mut draw = Draw(7);
    let rules = rules(&playbook, &mut draw, width);
    playbook.offers = (0..offers).map(|n| offer(&playbook, n, &rules, law, &mut draw)).collect();
    playbook.index = OfferIndex::of(&playbook);
    playbook
}

fn rules(playbook: &Playbook, draw: &mut Draw, width: RuleWidth) -> Vec<Rule> {
    let ids: Vec<String> = (0..CORE).map(|n| format!("c{n}")).collect();
    let scope =
        ids.iter().fold(Scope::new(&playbook.dictionary), |scope, id| scope.with_tag(id, TagKind::Number));
    let share = if width == RuleWidth::Wide { 62.0 } else { 19.0 };
    let predicate = |draw: &mut Draw| {
        let tag = draw.below(CORE);
        let share = (share + draw.unit() * 10.0 - 5.0) as u64;
        if draw.below(2) == 0 {
            format!("t.c{tag} < {share}")
        } else {
            format!("t.c{tag} >= {}", 100 - share)
        }
    };
    let rule = |draw: &mut Draw| {
        let text = [predicate(draw), predicate(draw), predicate(draw)].join(" && ");
        Rule::compile(&text, &scope).expect("a rule")
    };
    (0..RULES).map(|_| rule(draw)).collect()
}

fn offer(playbook: &Playbook, n: usize, rules: &[Rule], law: TagLaw, draw: &mut Draw) -> Offer {
    let mut tags = BTreeSet::new();
    while tags.len() < AFFINITIES {
        tags.insert(draw.tag(law));
    }
    let affinity = |tag: u64| {
        let number: TagNumber = playbook.tag(&format!("t{tag}")).expect("declared").number;
        let weight = (draw.unit() * 2.0 - 0.8) * 0.5;
        match tag % 5 {
            4 => Affinity::Equals { tag: number, weight, value: actors::playbook::TagValue::Bool(true) },
            // Two curves a tag: offers share what is usual for it.
            _ => {
                let center = 40.0 + (draw.below(2) * 20) as f64;
                Affinity::Number { tag: number, weight, center, scale: 25.0, mean_logit: 0.0 }
            }
        }
    };
    let affinity = tags.into_iter().map(affinity).collect();
    let scope = Scope::new(&playbook.dictionary);
    let value = Formula::number(&format!("{}", 10 + draw.below(290)), &scope).expect("a number");
    let text = |text: &str| Value::Text(text.to_owned());
    let app = [("title", text("A title")), ("text", text("A sentence or two about what this is. Take it."))];
    let desk = [("script", text("You seem to like this. Shall we put it on your plan?"))];
    let map = |fields: &[(&str, Value)]| {
        Value::Map(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    Offer {
        id: format!("o{n:06}").into(),
        title: format!("Offer {n}").into(),
        owner: if n.is_multiple_of(3) { "partner:cafe".into() } else { "own".into() },
        family: format!("f{}", n / 20).into(),
        group: format!("g{}", n % 40).into(),
        kind: OfferKind::Offer,
        purpose: if n.is_multiple_of(50) { "service".into() } else { "marketing".into() },
        campaign: None,
        valid_from: None,
        valid_to: None,
        price: Some(9.9),
        value: Some(value),
        prior_default: 0.005 + draw.unit() * 0.05,
        prior: BTreeMap::new(),
        affinity,
        lever: 0.0,
        eligible: Some(rules[draw.below(rules.len() as u64) as usize].clone()),
        applicable: None,
        suitable: None,
        channels: Vec::new(),
        content: BTreeMap::from([("app".into(), map(&app)), ("desk".into(), map(&desk))]),
        extras: None,
    }
}

fn snapshot(id: &CustomerId, active: &Active, now: Timestamp, law: TagLaw, who: u64) -> Vec<u8> {
    let mut draw = Draw(1_000 + who);
    let mut tags = BTreeSet::new();
    while tags.len() < TAGS_OF_A_CUSTOMER - CORE as usize {
        tags.insert(draw.tag(law));
    }
    let mut set: Vec<(String, Value)> =
        (0..CORE).map(|n| (format!("c{n}"), Value::Number(draw.below(100) as f64 + 0.5))).collect();
    set.extend(tags.into_iter().map(|tag| {
        let value = match tag % 5 {
            4 => Value::Bool(draw.below(2) == 0),
            _ => Value::Number(draw.below(100) as f64 + 0.5),
        };
        (format!("t{tag}"), value)
    }));
    let consent = |purpose: &str| ConsentRecord {
        purpose: purpose.into(),
        channel: "any".into(),
        state: ConsentState::Granted,
        basis: None,
        source: None,
        text_version: None,
        at: now,
        expires_at: None,
    };
    let patch = TagPatch { source: "lake".into(), as_of: Some(now), set, unset: vec![] };
    let mut customer = Customer::new(id);
    for command in
        [Command::PutConsents(vec![consent("marketing"), consent("profiling")]), Command::PatchTags(patch)]
    {
        assert!(customer.apply(&command, Turn { active, now, before: &[], left: &[] }).changed);
    }
    customer.encode()
}
