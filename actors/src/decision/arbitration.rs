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
use std::collections::HashMap;

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

/// Lists the best `limit` of scored offers, best first, the leading one included. An offer that is to lead claims its
/// place in its family and in the caps before all others.
#[must_use]
pub fn arrange(case: &Case<'_>, mut scored: Vec<Scored>, limit: usize, lead: Option<&Name>) -> Ranking {
    let mut ranking = Ranking::default();
    let offers = &case.facts.playbook.offers;
    let mut families: HashMap<&str, usize> = HashMap::new();
    let mut room = ShownRoom::of(case);
    let mut listed: Vec<usize> = Vec::with_capacity(limit);
    if let Some(place) = scored.iter().position(|one| Some(&offers[one.ix].id) == lead)
        && room.take(case, &scored[place]).is_ok()
    {
        let leading = scored.remove(place);
        families.insert(&offers[leading.ix].family, 1);
        listed.push(leading.ix);
        ranking.lead = Some(leading);
    }
    for one in scored {
        let offer = &offers[one.ix];
        let family = families.entry(&offer.family).or_default();
        let reason = if listed.len() >= limit {
            Reason::Outranked
        } else if *family >= case.facts.playbook.family_max {
            Reason::FamilyMax
        } else if let Some(other) = relations::rival_among(offer, &listed) {
            Reason::Rival(other)
        } else if let Err(reason) = room.take(case, &one) {
            reason
        } else {
            *family += 1;
            listed.push(one.ix);
            ranking.list.push(one);
            continue;
        };
        ranking.beaten.push((one, reason));
    }
    ranking
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
    let lever = 1.0 + offer.lever / 100.0;
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
