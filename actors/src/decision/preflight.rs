//! What a playbook would do to the customers there are: who could get what, before anybody does.
//!
//! Customers are shown to it one by one; it counts, and says at the end what looks wrong. A pure function of customers,
//! playbook and time: leaves out where customers come from, how fast, and what a decision costs.

use crate::call::{DecisionRequest, Direction};
use crate::customer::Customer;
use crate::decision::candidates::Layer;
use crate::decision::context::CaseFacts;
use crate::decision::{Basis, ITEMS_MAX, Moment, decide, fit, relations};
use crate::playbook::active::Active;
use crate::playbook::{Offer, Playbook, Rule};
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A rule that holds for everybody says something only when there are this many.
const MANY: u64 = 100;
const LAYERS: [Layer; 3] = [Layer::Eligible, Layer::Applicable, Layer::Suitable];

/// Counts what a playbook would do.
pub struct Preflight {
    active: Active,
    channels: Vec<Name>,
    counts: Vec<OfferCount>,
    customers: u64,
    decisions: u64,
    empty_decisions: u64,
}

/// What was counted of one offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfferCount {
    /// Customers whom its rules, relations and fit let through, whatever was consented to.
    pub audience: u64,
    /// Customers for whom each rule holds: eligible, applicable, suitable.
    pub holds: [u64; 3],
    /// Decisions that list it.
    pub shown: u64,
    /// Decisions in which it has the highest priority.
    pub first: u64,
    /// Decisions that dropped it because its score was no number.
    pub not_finite: u64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Customers looked at.
    pub customers: u64,
    /// Decisions taken: one for each customer and channel, as if the customer came to us.
    pub decisions: u64,
    /// Decisions without any offer.
    pub empty_decisions: u64,
    /// Every offer, by id.
    pub offers: Vec<(Name, OfferCount)>,
    /// What looks wrong, the gravest first.
    pub findings: Vec<Finding>,
}

/// Something that looks wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave.
    pub severity: Gravity,
    /// `unreachable`, `audience_below_min`, `no_decision`, `wide_rule`, `never_shown`, `not_finite`, `no_customers`.
    pub code: &'static str,
    /// The offer it is about.
    pub offer: Option<Name>,
    /// What was found and what to do.
    pub text: String,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// The playbook should not become active.
    Fail,
    /// It works, perhaps not as meant.
    Warn,
    /// Cannot be judged from here.
    Note,
}

impl Gravity {
    /// The word used in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Gravity::Fail => "fail",
            Gravity::Warn => "warn",
            Gravity::Note => "note",
        }
    }
}

impl Report {
    /// Whether nothing was found that should keep the playbook from becoming active.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Gravity::Fail)
    }
}

impl Preflight {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(active: Active) -> Self {
        let channels = channels(&active.playbook);
        let counts = vec![OfferCount::default(); active.playbook.offers.len()];
        Preflight { active, channels, counts, customers: 0, decisions: 0, empty_decisions: 0 }
    }

    /// The playbook looked at.
    #[must_use]
    pub fn playbook(&self) -> &Playbook {
        &self.active.playbook
    }

    /// Counts whom the rules let through. To be called once for each customer, brought up to `now`.
    pub fn count_rules(&mut self, customer: &Customer, now: Timestamp) {
        self.customers += 1;
        let playbook = &self.active.playbook;
        let request = question(self.channels.first().cloned().unwrap_or_else(|| "app".into()));
        let facts = CaseFacts { customer, playbook, request: &request, basis: Basis::Full, now, offer: None };
        for (offer, count) in playbook.offers.iter().zip(&mut self.counts) {
            let facts = facts.with(offer);
            let holds =
                LAYERS.map(|layer| layer.rule(offer).is_none_or(|rule| rule.holds(&facts) == Some(true)));
            for (count, holds) in count.holds.iter_mut().zip(holds) {
                *count += u64::from(holds);
            }
            let extras = offer.extras.as_deref();
            let fits = || {
                extras.is_none_or(|extras| {
                    relations::check(&extras.relations, &facts).is_ok()
                        && extras.fit.as_ref().is_none_or(|it| fit::check(it, &facts).is_ok())
                })
            };
            count.audience += u64::from(holds.iter().all(|holds| *holds) && fits());
        }
    }

    /// Decides for the customer in every channel. Answers how many decisions that were.
    pub fn decide(&mut self, customer: &Customer, now: Timestamp) -> u64 {
        for channel in &self.channels {
            let moment = Moment {
                left: Vec::new(),
                now,
                decision_id: format!("preflight-{}", self.decisions),
                learning_since: self.active.learning_since,
                priors: std::sync::Arc::clone(&self.active.priors),
            };
            let playbook = &self.active.playbook;
            let decision = decide(customer, playbook, &question(channel.clone()), &moment).decision;
            self.decisions += 1;
            self.empty_decisions += u64::from(decision.items.is_empty());
            let place = |id: &Name| playbook.offers.binary_search_by(|offer| offer.id.cmp(id)).ok();
            for item in &decision.items {
                if let Some(ix) = place(&item.offer) {
                    self.counts[ix].shown += 1;
                }
            }
            // An exploring decision puts another first; the best is the one with the highest priority.
            let best = decision.items.iter().max_by(|a, b| a.priority.total_cmp(&b.priority));
            if let Some(ix) = best.and_then(|best| place(&best.offer)) {
                self.counts[ix].first += 1;
            }
        }
        self.channels.len() as u64
    }

    /// What was found.
    #[must_use]
    pub fn report(&self) -> Report {
        let playbook = &self.active.playbook;
        let mut findings = Vec::new();
        let mut find = |severity, code, offer: Option<&Offer>, text: String| {
            findings.push(Finding { severity, code, offer: offer.map(|offer| Name::clone(&offer.id)), text });
        };
        if self.customers == 0 {
            find(Gravity::Warn, "no_customers", None, "there are no customers to look at".into());
        }
        if self.decisions > 0 && self.empty_decisions == self.decisions {
            find(Gravity::Fail, "no_decision", None, "nobody would get any offer in any channel".into());
        }
        for (offer, count) in playbook.offers.iter().zip(&self.counts).filter(|_| self.customers > 0) {
            self.look_at(offer, count, &mut find);
        }
        findings.sort_by(|a, b| {
            let key = |finding: &Finding| (finding.severity, finding.code);
            key(a).cmp(&key(b)).then_with(|| a.offer.cmp(&b.offer))
        });
        let offers = playbook.offers.iter().zip(&self.counts);
        Report {
            customers: self.customers,
            decisions: self.decisions,
            empty_decisions: self.empty_decisions,
            offers: offers.map(|(offer, count)| (Name::clone(&offer.id), *count)).collect(),
            findings,
        }
    }

    fn look_at(
        &self,
        offer: &Offer,
        count: &OfferCount,
        find: &mut impl FnMut(Gravity, &'static str, Option<&Offer>, String),
    ) {
        let audience_min = offer.extras.as_ref().map_or(0, |extras| extras.audience_min);
        if count.audience == 0 {
            if needs_moment(offer) {
                let text = "no customer passes its rules, which ask about the moment; try it with a question";
                find(Gravity::Note, "needs_moment", Some(offer), text.into());
            } else {
                find(Gravity::Fail, "unreachable", Some(offer), self.why_unreachable(offer, count));
            }
        } else if count.audience < audience_min {
            let text = format!(
                "its rules single out {} customers, fewer than {audience_min}: widen them",
                count.audience
            );
            find(Gravity::Fail, "audience_below_min", Some(offer), text);
        }
        for (layer, holds) in LAYERS.iter().zip(count.holds) {
            let Some(rule) = layer.rule(offer) else { continue };
            if holds == self.customers && self.customers >= MANY {
                let text = format!("{} `{}` holds for everybody: is it meant so?", word(*layer), rule.text());
                find(Gravity::Warn, "wide_rule", Some(offer), text);
            }
        }
        if count.audience > 0 && count.shown == 0 && self.decisions > 0 {
            let (severity, why) = match needs_moment(offer) {
                true => (Gravity::Note, "it waits for a moment (a place, a trigger, a time) that is not now"),
                false => {
                    (Gravity::Warn, "others always take its place, or nobody consented: look at its priority")
                }
            };
            let text = format!("{} customers could get it and no decision shows it: {why}", count.audience);
            find(severity, "never_shown", Some(offer), text);
        }
    }

    /// The first rule that nobody passes, or that they exclude each other.
    fn why_unreachable(&self, offer: &Offer, count: &OfferCount) -> String {
        let dead = LAYERS.iter().zip(count.holds).find(|(_, holds)| *holds == 0);
        match dead.and_then(|(layer, _)| Some((layer, layer.rule(offer)?))) {
            Some((layer, rule)) => {
                format!("nobody can get it: {} `{}` holds for no customer", word(*layer), rule.text())
            }
            None => "nobody can get it: its rules, relations and fit leave no customer between them".into(),
        }
    }
}

fn word(layer: Layer) -> &'static str {
    match layer {
        Layer::Eligible => "eligible",
        Layer::Applicable => "applicable",
        Layer::Suitable => "suitable",
    }
}

/// Whether the offer depends on what only a question at the right moment brings.
fn needs_moment(offer: &Offer) -> bool {
    let asks = |rule: Option<&Rule>| rule.is_some_and(|rule| !rule.reads_context().is_empty());
    let extras = offer.extras.as_deref();
    LAYERS.iter().any(|layer| asks(layer.rule(offer)))
        || offer.campaign.is_some()
        || offer.valid_from.is_some()
        || offer.valid_to.is_some()
        || extras.is_some_and(|it| it.place.is_some() || it.trigger.is_some() || !it.hours.is_empty())
}

fn question(channel: Name) -> DecisionRequest {
    DecisionRequest {
        channel,
        placement: None,
        direction: Direction::Inbound,
        purpose: None,
        context: Value::Map(BTreeMap::new()),
        limit: ITEMS_MAX,
        request_id: None,
        line: None,
    }
}

/// The channels of the playbook: the declared ones, else those that offers name, else one.
fn channels(playbook: &Playbook) -> Vec<Name> {
    let named: BTreeSet<&Name> = match playbook.channels.is_empty() {
        true => playbook.offers.iter().flat_map(|offer| &offer.channels).collect(),
        false => playbook.channels.keys().collect(),
    };
    match named.is_empty() {
        true => vec!["app".into()],
        false => named.into_iter().cloned().collect(),
    }
}
