//! The next best action: of all offers the number one and 12 more, for this customer, now, in this channel, explained.
//!
//! A pure function of customer, playbook, request and moment. Leaves out who reserves the contact in the customer
//! ([`crate::customer`]) and who logs the decision (the store).

pub mod answer;
pub mod context;
pub mod candidates;
pub mod contact_policy;
pub mod windows;
pub mod propensity;
pub mod arbitration;
pub mod allotment;
pub mod standing;
pub mod script;
pub mod explanation;
pub mod log;

use crate::call::{DecisionRequest, Direction, ResponseKind};
use crate::customer::Customer;
use crate::customer::contact_history::{Contact, Reservation};
use crate::options::{CONTACT_LIVES_MS, DECISION_STANDS_MS};
use crate::playbook::{Cap, Counts, Playbook};
use crate::timestamp::Timestamp;
use crate::value::Name;
pub use answer::{Arm, Basis, CapUse, Decision, Item, Lineage, Reason, Withheld};

use arbitration::{Ranking, Scored, rank};
use candidates::Case;
use standing::{Question, Standing};
use std::collections::BTreeMap;

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
}

/// A decision and what the customer has to note of it.
#[derive(Debug)]
pub struct Decided {
    /// The answer.
    pub decision: Decision,
    /// Slots to take.
    pub contacts: Vec<Contact>,
    /// The number one that stands from now on; `None`: what stood before stands on (or there is none).
    pub standing: Option<Standing>,
}

/// Decides. The same customer, playbook, request and moment give the same bytes, everywhere and for ever (I11).
#[must_use]
pub fn decide(
    customer: &Customer,
    playbook: &Playbook,
    request: &DecisionRequest,
    moment: &Moment,
) -> Decided {
    let case = Case::new(customer, playbook, request, moment);
    let screened = screen_all(&case);
    let question = question(&case);
    let standing = standing_for(&case, &question);
    let lead = standing.map(|standing| &standing.offer);
    let ranking = rank(&case, &screened.survivors, request.limit, lead);
    let choice = choose(&case, &ranking, standing, moment);
    let items = choice.list.iter().enumerate().map(|(place, listed)| item(&case, listed, place)).collect();
    let (withheld, next_free_at) = withheld(&case, &screened, &ranking);
    let mut decision = Decision {
        decision_id: moment.decision_id.clone(),
        at: moment.now,
        expires_at: moment.now.plus_ms(DECISION_STANDS_MS),
        playbook: Name::clone(&playbook.id),
        channel: Name::clone(&request.channel),
        direction: request.direction,
        arm: choice.arm,
        basis: case.facts.basis,
        items,
        withheld,
        next_free_at,
        lineage: choice.lineage,
        ghost: ghost(&case, &screened),
    };
    let contacts = reserve(&case, &mut decision);
    let standing = choice.new_standing.then(|| stand(&question, &decision)).flatten();
    Decided { decision, contacts, standing }
}

/// All offers after the stages before the score.
pub(crate) struct Screened {
    pub survivors: Vec<usize>,
    pub held_out: Vec<usize>,
    pub dropped: Vec<(usize, candidates::Reason)>,
}

pub(crate) fn screen_all(case: &Case<'_>) -> Screened {
    let mut screened = Screened { survivors: Vec::new(), held_out: Vec::new(), dropped: Vec::new() };
    for (ix, offer) in case.facts.playbook.offers.iter().enumerate() {
        match case.screen(offer) {
            Ok(()) => screened.survivors.push(ix),
            Err(reason) => {
                if reason == candidates::Reason::Holdout {
                    screened.held_out.push(ix);
                }
                screened.dropped.push((ix, reason));
            }
        }
    }
    screened
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
fn choose(case: &Case<'_>, ranking: &Ranking, standing: Option<&Standing>, moment: &Moment) -> Choice {
    let control = case.holdout.is_some();
    if let (Some(standing), Some(lead)) = (standing, ranking.lead) {
        let first = Listed { scored: lead, shown_probability: standing.shown_probability };
        let listed = |scored: &Scored| Listed { scored: *scored, shown_probability: 1.0 };
        let list = std::iter::once(first).chain(ranking.list.iter().map(listed)).collect();
        let arm = if control { Arm::Control } else { standing.arm };
        return Choice { list, arm, lineage: Some(lineage(case, standing)), new_standing: false };
    }
    let playbook = case.facts.playbook;
    let pool = ranking.list.len();
    let share = match control {
        true => 0.0,
        false => allotment::explore_share(playbook.explore, moment.learning_since, moment.now),
    };
    let explored = allotment::explored(&moment.decision_id, share, pool);
    let mut order: Vec<usize> = (0..pool).collect();
    if let Some(place) = explored {
        order[..=place].rotate_right(1);
    }
    let listed = |(shown, best): (usize, usize)| Listed {
        scored: ranking.list[best],
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

fn item(case: &Case<'_>, listed: &Listed, place: usize) -> Item {
    let offer = &case.facts.playbook.offers[listed.scored.ix];
    let request = case.facts.request;
    let reasons = script::reasons(case, offer);
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

/// Why offers were held back: one entry a code (and cap), and when the first of them becomes possible by itself.
fn withheld(case: &Case<'_>, screened: &Screened, ranking: &Ranking) -> (Vec<Withheld>, Option<Timestamp>) {
    use candidates::Reason;
    let mut entries: BTreeMap<(&str, Option<usize>), Withheld> = BTreeMap::new();
    let mut note = |code: &'static str, cap: Option<usize>, ends: Option<Timestamp>| {
        let entry = entries.entry((code, cap)).or_insert_with(|| Withheld {
            code: code.into(),
            offers: 0,
            cap: cap.map(|ix| case.full_cap(ix).clone()),
            next_free_at: ends,
        });
        entry.offers += 1;
        entry.next_free_at = entry.next_free_at.min(ends);
    };
    let mut next_free_at: Option<Timestamp> = None;
    for (ix, reason) in screened.dropped.iter().chain(&ranking.worthless) {
        let offer = &case.facts.playbook.offers[*ix];
        match *reason {
            // Everything that holds the offer back is named; it becomes possible when the last of it ends.
            Reason::Cap(_) | Reason::QuietHours(_) => {
                let caps =
                    case.full_caps_against(offer).map(|cap| (Some(cap), case.full_cap(cap).next_free_at));
                let quiet = case.quiet_for(offer).map(|until| (None, Some(until)));
                let obstacles: Vec<_> = caps.chain(quiet).collect();
                for (cap, ends) in &obstacles {
                    note(if cap.is_some() { "cap" } else { "quiet_hours" }, *cap, *ends);
                }
                let last = obstacles
                    .iter()
                    .map(|(_, ends)| *ends)
                    .try_fold(case.facts.now, |last, ends| Some(last.max(ends?)));
                next_free_at = [next_free_at, last].into_iter().flatten().min();
            }
            Reason::Suppressed(until) => note("suppressed", None, Some(until)),
            other => note(other.code().1, None, None),
        }
    }
    (entries.into_values().collect(), next_free_at)
}

/// For a control group: the offer the customer would have got.
fn ghost(case: &Case<'_>, screened: &Screened) -> Option<Name> {
    if screened.held_out.is_empty() {
        return None;
    }
    let would_be: Vec<usize> = screened.survivors.iter().chain(&screened.held_out).copied().collect();
    let best = rank(case, &would_be, 1, None).list.first().copied()?;
    Some(Name::clone(&case.facts.playbook.offers[best.ix].id))
}

/// Takes the slots: for the number one of an outbound decision, and for everything shown that some cap counts.
fn reserve(case: &Case<'_>, decision: &mut Decision) -> Vec<Contact> {
    let playbook = case.facts.playbook;
    let outbound = case.facts.request.direction == Direction::Outbound;
    let mut contacts = Vec::new();
    for item in &mut decision.items {
        let Some(offer) = playbook.offer(&item.offer) else { continue };
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
        let asked_now =
            playbook.caps.iter().filter(|cap| contact_policy::asked_when_reserved(cap)).filter(matching);
        let id = contact_id(&decision.decision_id, item.rank);
        item.contact_id = Some(id.clone());
        let mut contact = Contact::reserve(
            Reservation {
                id,
                decision_id: decision.decision_id.clone(),
                channel: Name::clone(&decision.channel),
                direction: decision.direction,
                at: decision.at,
                expires_at: decision.at.plus_ms(CONTACT_LIVES_MS),
                matched_caps: asked_now.map(|cap| Name::clone(&cap.id)).collect(),
            },
            offer,
        );
        if !outbound {
            contact.hear(ResponseKind::Sent, decision.at);
        }
        contacts.push(contact);
    }
    contacts
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
