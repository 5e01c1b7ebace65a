//! Arbitration: priority = P x C x V x L, the order of offers, and the list of the best.
//!
//! Exact and total: nothing is sampled. Leaves out who is scored, and how fast.

use crate::call::Direction;
use crate::decision::CapUse;
use crate::decision::allotment::tie_break;
use crate::decision::candidates::{Case, Reason, keeps_last_room};
use crate::decision::contact_policy::{binds, is_capped};
use crate::decision::context::CaseFacts;
use crate::decision::{place, relations};
use crate::playbook::{Cap, ContextWeight, Facts, Offer, OfferScope, Rule};
use crate::value::Name;
use std::cmp::Ordering;

/// An offer with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The offer's place in the playbook.
    pub ix: usize,
    /// P, a probability.
    pub propensity: f64,
    /// C, a factor.
    pub context_weight: f64,
    /// V, in units of the active KPI.
    pub value: f64,
    /// L, a factor.
    pub lever: f64,
    /// P x C x V x L.
    pub priority: f64,
}

/// The best offers in order, and why the others are not among them.
#[derive(Debug, Default)]
pub struct Ranking {
    /// The offer that was to lead, if it may be shown; not in `list`.
    pub lead: Option<Scored>,
    /// Best first.
    pub list: Vec<Scored>,
    /// Scored and not listed, best first.
    pub beaten: Vec<(Scored, Reason)>,
    /// Not even scored.
    pub worthless: Vec<(usize, Reason)>,
}

/// Which of two offers comes first: the order is total and equal on every node.
#[must_use]
pub fn by_priority(case: &Case<'_>, a: &Scored, b: &Scored) -> Ordering {
    let offers = &case.facts.playbook.offers;
    let tie = || {
        let hash = |one: &Scored| tie_break(&offers[one.ix].id, case.facts.customer.id());
        hash(b).cmp(&hash(a)).then(a.ix.cmp(&b.ix))
    };
    b.priority.total_cmp(&a.priority).then_with(tie)
}

/// The list as it fills: offers are taken best first, as long as their family and the caps have places.
#[derive(Debug)]
pub struct Arrangement<'a> {
    /// The offer that leads; not in `list`.
    pub lead: Option<Scored>,
    /// Best first.
    pub list: Vec<Scored>,
    limit: usize,
    /// All offers of the list, the leading one included, by place in the playbook.
    listed: Vec<usize>,
    families: Vec<(&'a str, usize)>,
    room: ShownRoom<'a>,
}

impl<'a> Arrangement<'a> {
    /// An empty list with room for `limit`, the leading one included.
    #[must_use]
    pub fn new(case: &Case<'a>, limit: usize) -> Self {
        Arrangement {
            lead: None,
            list: Vec::with_capacity(limit),
            limit,
            listed: Vec::with_capacity(limit),
            families: Vec::new(),
            room: ShownRoom::of(case),
        }
    }

    /// Lets an offer lead, before all others: it claims its place in its family and in the caps. Whether it may.
    pub fn lead_with(&mut self, case: &Case<'a>, one: Scored) -> bool {
        if self.room.take(case, &one).is_err() {
            return false;
        }
        self.families.push((&case.facts.playbook.offers[one.ix].family, 1));
        self.listed.push(one.ix);
        self.lead = Some(one);
        true
    }

    /// Takes the next best offer into the list, unless there is a reason not to.
    pub fn take(&mut self, case: &Case<'a>, one: Scored) -> Option<Reason> {
        if self.is_full() {
            return Some(Reason::Outranked);
        }
        let offer = &case.facts.playbook.offers[one.ix];
        let family = self.families.iter().position(|(family, _)| **family == *offer.family);
        if family.is_some_and(|family| self.families[family].1 >= case.facts.playbook.family_max) {
            return Some(Reason::FamilyMax);
        }
        if let Some(other) = relations::rival_among(offer, &self.listed) {
            return Some(Reason::Rival(other));
        }
        if let Err(reason) = self.room.take(case, &one) {
            return Some(reason);
        }
        match family {
            Some(family) => self.families[family].1 += 1,
            None => self.families.push((&offer.family, 1)),
        }
        self.listed.push(one.ix);
        self.list.push(one);
        None
    }

    /// Whether nobody else has a place.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.listed.len() >= self.limit
    }

    /// Families that have all their places.
    pub fn full_families(&self, family_max: usize) -> impl Iterator<Item = &'a str> {
        self.families.iter().filter(move |(_, count)| *count >= family_max).map(|(family, _)| *family)
    }

    /// Whether offers can be told apart by caps alone: some cap has no room left, and none keeps its last for somebody.
    #[must_use]
    pub fn has_full_caps(&self) -> bool {
        let keeps = |(cap, _, left): &(&Cap, usize, u32)| *left == 1 && cap.reserve.is_some();
        self.room.caps.iter().any(|(_, _, left)| *left == 0) && !self.room.caps.iter().any(keeps)
    }

    /// Whether the caps have room for one more like this offer.
    #[must_use]
    pub fn has_room(&self, case: &Case<'_>, offer: &Offer) -> bool {
        let facts = case.facts.with(offer);
        let is_full = |(cap, _, left): &(&Cap, usize, u32)| *left == 0 && binds(&cap.matches, &facts);
        !is_capped(&offer.purpose) || !self.room.caps.iter().any(is_full)
    }
}

/// Arranges offers that are sorted, best first.
#[must_use]
pub fn arrange(case: &Case<'_>, mut scored: Vec<Scored>, limit: usize, lead: Option<&Name>) -> Ranking {
    let offers = &case.facts.playbook.offers;
    let mut arrangement = Arrangement::new(case, limit);
    if let Some(place) = scored.iter().position(|one| Some(&offers[one.ix].id) == lead)
        && arrangement.lead_with(case, scored[place])
    {
        scored.remove(place);
    }
    let mut beaten = Vec::new();
    for one in scored {
        beaten.extend(arrangement.take(case, one).map(|reason| (one, reason)));
    }
    Ranking { lead: arrangement.lead, list: arrangement.list, beaten, worthless: Vec::new() }
}

/// P x C x V x L of one offer.
///
/// # Errors
/// Why it has no place in the order: its value is not above 0, or its priority is not a number.
pub fn score(
    case: &Case<'_>,
    ix: usize,
    propensity: f64,
    weights: &[&ContextWeight],
) -> Result<Scored, Reason> {
    let offer = &case.facts.playbook.offers[ix];
    let value = value(case, offer)?;
    if value <= 0.0 {
        return Err(Reason::NoValue);
    }
    let context_weight = context_weight(offer, weights);
    let lever = offer.lever_factor();
    let priority = propensity * context_weight * value * lever;
    if !priority.is_finite() {
        return Err(Reason::NotFinite);
    }
    Ok(Scored { ix, propensity, context_weight, value, lever, priority })
}

/// V: what the offer is worth in units of the active KPI; without a value it is worth nothing.
///
/// # Errors
/// Why its formula gives no number: something it reads is missing, or it divides by zero or grows beyond all numbers.
pub fn value(case: &Case<'_>, offer: &Offer) -> Result<f64, Reason> {
    let Some(formula) = &offer.value else { return Ok(0.0) };
    let facts = case.facts.with(offer);
    formula.value(&facts).ok_or_else(|| {
        let known = formula.reads_tags().all(|tag| facts.tag(tag).is_some())
            && formula.reads_context().iter().all(|path| facts.context(path).is_some());
        if known { Reason::NotFinite } else { Reason::NoValue }
    })
}

/// C: one, and a hundredth of every weight that includes the offer.
#[must_use]
pub fn context_weight(offer: &Offer, weights: &[&ContextWeight]) -> f64 {
    let including = weights.iter().filter(|weight| includes(&weight.scope, offer));
    1.0 + including.map(|weight| weight.weight).sum::<f64>() / 100.0
}

/// The context weights that hold in this case, in the order of the playbook.
#[must_use]
pub fn weights_in_force<'a>(case: &Case<'a>) -> Vec<&'a ContextWeight> {
    let facts = &case.facts;
    facts.playbook.context_weights.iter().filter(|weight| weight.when.holds(facts) == Some(true)).collect()
}

/// Which weights are in force because of the moment rather than the channel: when they change, the ranking should. Two
/// moments with the same mark are alike for "the same offer everywhere".
#[must_use]
pub fn moment_mark(facts: &CaseFacts<'_>) -> u64 {
    let of_channel = |rule: &Rule| {
        rule.reads_context().iter().any(|path| matches!(&**path, "channel" | "placement" | "direction"))
    };
    let weights = facts.playbook.context_weights.iter().enumerate();
    // A number one chosen by tags must not answer where tags may not be used, nor the other way round.
    let basis = [facts.basis as u8];
    let marks = weights
        .filter(|(_, weight)| !of_channel(&weight.when) && weight.when.holds(facts) == Some(true))
        .flat_map(|(ix, _)| (ix as u64).to_le_bytes())
        .chain(place::marks(facts))
        .chain(basis)
        .collect::<Vec<u8>>();
    xxhash_rust::xxh3::xxh3_64(&marks)
}

fn includes(scope: &OfferScope, offer: &Offer) -> bool {
    scope.group.as_ref().is_none_or(|group| *group == offer.group)
        && scope.family.as_ref().is_none_or(|family| *family == offer.family)
        && scope.offer.as_ref().is_none_or(|id| *id == offer.id)
}

/// Room left in the caps that bind, as the list grows. Of what is shown each place in the list takes room; of what is
/// sent only the first, and full caps have been asked about before: there only a last room that is kept matters.
#[derive(Debug)]
struct ShownRoom<'a> {
    /// The cap, its place among those that bind, and the room left.
    caps: Vec<(&'a Cap, usize, u32)>,
    direction: Direction,
}

impl<'a> ShownRoom<'a> {
    fn of(case: &Case<'a>) -> Self {
        let direction = case.facts.request.direction;
        let matters = |cap: &Cap| direction == Direction::Inbound || cap.reserve.is_some();
        let room = |(ix, (cap, used)): (usize, &(&'a Cap, CapUse))| {
            matters(cap).then_some((*cap, ix, used.limit.saturating_sub(used.used)))
        };
        ShownRoom { caps: case.caps.iter().enumerate().filter_map(room).collect(), direction }
    }

    /// Takes a place in every cap that is about this offer; takes none when one of them has no room for it.
    fn take(&mut self, case: &Case<'_>, one: &Scored) -> Result<(), Reason> {
        let offer = &case.facts.playbook.offers[one.ix];
        if self.caps.is_empty() || !is_capped(&offer.purpose) {
            return Ok(());
        }
        let facts = case.facts.with(offer);
        let about: Vec<usize> =
            (0..self.caps.len()).filter(|at| binds(&self.caps[*at].0.matches, &facts)).collect();
        for at in &about {
            let (cap, ix, left) = self.caps[*at];
            if left == 0 {
                return Err(Reason::ShownBefore);
            }
            if keeps_last_room(cap, left, one.priority) {
                return Err(Reason::ReservePrice(ix));
            }
        }
        if self.direction == Direction::Inbound {
            about.into_iter().for_each(|at| self.caps[at].2 -= 1);
        }
        Ok(())
    }
}
