//! The next best action: of all offers the number one and 12 more, for this customer, now, in this channel, explained.
//!
//! A pure function of customer, playbook, request and moment. Leaves out who reserves the contact in the customer
//! ([`crate::customer`]) and who logs the decision (the store).

pub mod answer;
pub mod context;
pub mod candidates;
pub mod relations;
pub mod place;
pub mod trigger;
pub mod fit;
pub mod contact_policy;
pub mod totals;
pub mod clearance;
pub mod windows;
pub mod propensity;
pub mod arbitration;
pub mod withheld;
pub mod walk;
pub mod index;
pub mod kernel;
pub mod allotment;
pub mod standing;
pub mod voice;
pub mod script;
pub mod explanation;
pub mod log;
pub mod preflight;

use crate::call::{DecisionRequest, Direction, ResponseKind};
use crate::customer::Customer;
use crate::customer::contact_history::{Contact, Reservation};
use crate::learning::PriorTable;
use crate::options::{CONTACT_LIVES_MS, DECISION_STANDS_MS};
use crate::playbook::{Cap, Counts, Offer, Playbook, TagNumber};
use crate::timestamp::Timestamp;
use crate::value::Name;
pub use answer::{Arm, Basis, CapUse, Decision, Item, Lineage, Reason, Treatment, Withheld};

use arbitration::Scored;
use candidates::Case;
use kernel::Kernel;
use standing::{Question, Standing};
use std::sync::Arc;
use totals::{Taking, UnitsLeft, is_total};
use withheld::Withholding;

/// The most items a decision holds: the number one and 12 more.
pub const ITEMS_MAX: usize = 13;

/// When a decision is taken and by which draw.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// The decision's id; every draw is seeded from it.
    pub decision_id: String,
    /// When learning began: places the decision on the exploration schedule.
    pub learning_since: Timestamp,
    /// Totals that have little or nothing left; of all others there is enough.
    pub left: Vec<UnitsLeft>,
    /// The offers' priors, as far as evidence has moved them.
    pub priors: Arc<PriorTable>,
}

/// A decision and what the customer has to note of it.
#[derive(Debug)]
pub struct Decided {
    /// The answer.
    pub decision: Decision,
    /// Slots to take.
    pub contacts: Vec<Contact>,
    /// Units of totals that the slots take.
    pub taken: Vec<Taking>,
    /// The number one that stands from now on; `None`: what stood before stands on (or there is none).
    pub standing: Option<Standing>,
}

/// What the stages and arbitration leave of all offers.
#[derive(Debug)]
pub struct Selection {
    /// The offer that was to lead, if it may be shown; not in `list`.
    pub lead: Option<Scored>,
    /// Best first.
    pub list: Vec<Scored>,
    /// Why others were held back.
    pub withheld: Withholding,
    /// For a control group: the place in the playbook of the offer the customer would have got.
    pub ghost: Option<usize>,
}

/// A way to choose among all offers. All ways choose alike; they differ in what they cost.
pub trait Way {
    /// Takes all offers through the stages and arbitration.
    fn select(&mut self, case: &Case<'_>, lead: Option<&Name>) -> Selection;

    /// Calls `each` with every tag's contribution to the log-odds of an offer of the case just selected from.
    fn contributions(&self, case: &Case<'_>, offer: &Offer, each: impl FnMut(TagNumber, f64));
}

/// Decides. The same customer, playbook, request and moment give the same bytes, everywhere and for ever (I11).
#[must_use]
pub fn decide(
    customer: &Customer,
    playbook: &Playbook,
    request: &DecisionRequest,
    moment: &Moment,
) -> Decided {
    decide_by(&mut Kernel::in_this_thread(), customer, playbook, request, moment)
}

/// Decides in a given way.
#[must_use]
pub fn decide_by(
    way: &mut impl Way,
    customer: &Customer,
    playbook: &Playbook,
    request: &DecisionRequest,
    moment: &Moment,
) -> Decided {
    let case = Case::new(customer, playbook, request, moment);
    let question = question(&case);
    let standing = standing_for(&case, &question);
    let selection = way.select(&case, lead(&case, standing));
    let choice = choose(&case, &selection, standing, moment);
    let items =
        choice.list.iter().enumerate().map(|(place, listed)| item(&case, listed, place, way)).collect();
    let (withheld, next_free_at) = selection.withheld.told(&case);
    let stands_until = moment.now.plus_ms(DECISION_STANDS_MS);
    let mut decision = Decision {
        decision_id: moment.decision_id.clone(),
        at: moment.now,
        expires_at: choice
            .list
            .first()
            .map_or(stands_until, |one| sense_until(&case, one.scored.ix, stands_until)),
        playbook: Name::clone(&playbook.id),
        channel: Name::clone(&request.channel),
        direction: request.direction,
        arm: choice.arm,
        basis: case.facts.basis,
        items,
        withheld,
        next_free_at,
        lineage: choice.lineage,
        ghost: selection.ghost.map(|ix| Name::clone(&playbook.offers[ix].id)),
        line: request.line.clone(),
        experiment: case.dealt.map(|dealt| Treatment::of(&dealt)),
    };
    let (contacts, taken) = reserve(&case, &mut decision);
    let standing = choice.new_standing.then(|| stand(&question, &decision)).flatten();
    Decided { decision, contacts, taken, standing }
}

/// `until`, or the moment before it at which the offer makes no sense any more.
fn sense_until(case: &Case<'_>, ix: usize, until: Timestamp) -> Timestamp {
    trigger::ends_at(&case.facts.playbook.offers[ix], &case.facts).map_or(until, |ends| ends.min(until))
}

struct Listed {
    scored: Scored,
    shown_probability: f64,
}

struct Choice {
    list: Vec<Listed>,
    arm: Arm,
    lineage: Option<Lineage>,
    new_standing: bool,
}

/// The list to show: led by the number one that stands, or by an explored one, or by the best.
fn choose(case: &Case<'_>, selection: &Selection, standing: Option<&Standing>, moment: &Moment) -> Choice {
    let control = case.holdout.is_some();
    if let (Some(standing), Some(lead)) = (standing, selection.lead) {
        let first = Listed { scored: lead, shown_probability: standing.shown_probability };
        let listed = |scored: &Scored| Listed { scored: *scored, shown_probability: 1.0 };
        let list = std::iter::once(first).chain(selection.list.iter().map(listed)).collect();
        let arm = if control { Arm::Control } else { standing.arm };
        return Choice { list, arm, lineage: Some(lineage(case, standing)), new_standing: false };
    }
    if let Some(lead) = selection.lead {
        // A marketer's own list leads, always.
        let listed = |scored: &Scored| Listed { scored: *scored, shown_probability: 1.0 };
        let list = std::iter::once(&lead).chain(&selection.list).map(listed).collect();
        return Choice { list, arm: Arm::Optimised, lineage: None, new_standing: standing.is_none() };
    }
    let pool = selection.list.len();
    let share = explore_share(case, moment);
    let explored = allotment::explored(&moment.decision_id, share, pool);
    let mut order: Vec<usize> = (0..pool).collect();
    if let Some(place) = explored {
        order[..=place].rotate_right(1);
    }
    let listed = |(shown, best): (usize, usize)| Listed {
        scored: selection.list[best],
        shown_probability: allotment::shown_probability(best, shown, share, pool),
    };
    let list = order.into_iter().enumerate().map(listed).collect();
    let arm = match (control, explored) {
        (true, _) => Arm::Control,
        (false, Some(_)) => Arm::Test,
        (false, None) => Arm::Optimised,
    };
    // One that this channel may not have still stands in the others.
    Choice { list, arm, lineage: None, new_standing: standing.is_none() }
}

/// The share of decisions that explore: the schedule's, or that of the customer's arm; none in a control group.
fn explore_share(case: &Case<'_>, moment: &Moment) -> f64 {
    if case.holdout.is_some() {
        return 0.0;
    }
    let of_arm = case.dealt.and_then(|dealt| dealt.arm.explore);
    let explore = case.facts.playbook.explore;
    of_arm.unwrap_or_else(|| allotment::explore_share(explore, moment.learning_since, moment.now))
}

/// The offer that is to lead: the number one that stands, else the first of a marketer's own list that may be shown.
pub(crate) fn lead<'a>(case: &Case<'a>, standing: Option<&'a Standing>) -> Option<&'a Name> {
    if let Some(standing) = standing {
        return Some(&standing.offer);
    }
    let list = &case.dealt?.arm.list;
    list.iter().find(|id| case.facts.playbook.offer(id).is_some_and(|offer| case.screen(offer).is_ok()))
}

/// What a standing number one has to answer.
pub(crate) fn question<'a>(case: &Case<'a>) -> Question<'a> {
    let facts = &case.facts;
    Question {
        playbook: &facts.playbook.id,
        purpose: facts.request.purpose.as_ref(),
        moment_mark: arbitration::moment_mark(facts),
        now: facts.now,
    }
}

/// The number one that stands for this question.
pub(crate) fn standing_for<'a>(case: &Case<'a>, question: &Question<'_>) -> Option<&'a Standing> {
    case.facts.customer.standing.iter().find(|standing| standing.answers(question))
}

fn lineage(case: &Case<'_>, standing: &Standing) -> Lineage {
    let told = case.facts.customer.contacts.iter().rev().find(|contact| {
        contact.offer == standing.offer && contact.direction == Direction::Outbound && contact.holds_slot()
    });
    Lineage {
        decision_id: standing.decision_id.clone(),
        at: standing.at,
        channel: Name::clone(&standing.channel),
        told: told
            .map(|contact| (Name::clone(&contact.channel), contact.sent_at.unwrap_or(contact.reserved_at))),
    }
}

fn item(case: &Case<'_>, listed: &Listed, place: usize, way: &impl Way) -> Item {
    let offer = &case.facts.playbook.offers[listed.scored.ix];
    let request = case.facts.request;
    let reasons = script::reasons(case, offer, way);
    Item {
        rank: place + 1,
        offer: Name::clone(&offer.id),
        kind: offer.kind.word().into(),
        action: action(request.direction, &request.channel).into(),
        contact_id: None,
        propensity: listed.scored.propensity,
        context_weight: listed.scored.context_weight,
        value: listed.scored.value,
        lever: listed.scored.lever,
        priority: listed.scored.priority,
        shown_probability: listed.shown_probability,
        price: offer.price,
        content: script::content(case, offer),
        script: script::script(case, offer, &reasons),
        reasons,
        partner_pays: offer.extras.as_ref().and_then(|extras| extras.partner_pays),
    }
}

/// What the channel does with an item.
fn action(direction: Direction, channel: &str) -> &'static str {
    match (direction, channel) {
        (_, "desk" | "ivr") => "say",
        (Direction::Outbound, _) => "send",
        (Direction::Inbound, _) => "show",
    }
}

/// Takes the slots: for the number one of an outbound decision, and for everything shown that some cap counts.
fn reserve(case: &Case<'_>, decision: &mut Decision) -> (Vec<Contact>, Vec<Taking>) {
    let playbook = case.facts.playbook;
    let outbound = case.facts.request.direction == Direction::Outbound;
    let (mut contacts, mut taken) = (Vec::new(), Vec::new());
    for item in &mut decision.items {
        let Some(offer) = playbook.offer(&item.offer) else { continue };
        let lives_until = decision.at.plus_ms(CONTACT_LIVES_MS);
        let facts = case.facts.with(offer);
        let matching = |cap: &&Cap| contact_policy::binds(&cap.matches, &facts);
        let takes_slot = match outbound {
            true => item.rank == 1,
            false => {
                let shown = playbook.caps.iter().filter(|cap| cap.counts == Counts::Shown);
                contact_policy::is_capped(&offer.purpose) && shown.into_iter().any(|cap| matching(&cap))
            }
        };
        if !takes_slot {
            continue;
        }
        let asked_now = playbook
            .caps
            .iter()
            .filter(|cap| !is_total(cap) && contact_policy::asked_when_reserved(cap))
            .filter(matching);
        let takings = case.takings(offer);
        let id = contact_id(&decision.decision_id, item.rank);
        item.contact_id = Some(id.clone());
        let mut contact = Contact::reserve(
            Reservation {
                id,
                decision_id: decision.decision_id.clone(),
                channel: Name::clone(&decision.channel),
                line: decision.line.clone(),
                provider: playbook.provider(&decision.channel).cloned(),
                direction: decision.direction,
                at: decision.at,
                expires_at: trigger::ends_at(offer, &facts).map_or(lives_until, |ends| ends.min(lives_until)),
                matched_caps: asked_now.map(|cap| Name::clone(&cap.id)).collect(),
                units: takings.iter().map(|taking| taking.unit.clone()).collect(),
            },
            offer,
        );
        if !outbound {
            contact.hear(ResponseKind::Sent, decision.at);
        }
        contacts.push(contact);
        taken.extend(takings);
    }
    (contacts, taken)
}

fn contact_id(decision_id: &str, rank: usize) -> String {
    format!("c-{:016x}", xxhash_rust::xxh3::xxh3_64_with_seed(decision_id.as_bytes(), rank as u64))
}

fn stand(question: &Question<'_>, decision: &Decision) -> Option<Standing> {
    let first = decision.items.first()?;
    Some(Standing {
        decision_id: decision.decision_id.clone(),
        offer: Name::clone(&first.offer),
        at: decision.at,
        expires_at: decision.expires_at,
        channel: Name::clone(&decision.channel),
        playbook: Name::clone(&decision.playbook),
        asked_purpose: question.purpose.cloned(),
        moment_mark: question.moment_mark,
        arm: decision.arm,
        shown_probability: first.shown_probability,
    })
}
