//! The best of the survivors, exactly: bounds first, exact scores for the few that the bounds leave.
//!
//! For every offer two bounds of the logarithm of its priority are known. Whoever's upper bound lies below so many lower bounds
//! is not among the so many best. The others are scored exactly and arranged in order; when family and cap limits
//! use them up, the next best follow.

use super::Scratch;
use crate::decision::arbitration::{
    Arrangement, Scored, by_priority, context_weight, score, weights_in_force,
};
use crate::decision::candidates::Case;
use crate::decision::index::OfferIndex;
use crate::decision::index::bits::Bits;
use crate::decision::index::worth::Factor;
use crate::decision::propensity::{PROPENSITY_LOGARITHM_MIN, probability};
use crate::decision::withheld::Withholding;
use crate::playbook::ContextWeight;
use crate::value::Name;

/// Candidates beyond the list's length: some fall to limits of their family.
const SPARE: usize = 6;
/// How much further each round looks when limits use up the candidates of the one before.
const GROWTH: usize = 4;

/// An offer that may be among the best.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    offer: u32,
    /// Upper bound of the logarithm of its priority.
    ceiling: f32,
}

/// Works out C for every class of offers, if any weight is in force.
pub fn weigh_context(case: &Case<'_>, index: &OfferIndex, scratch: &mut Scratch) {
    let weights = weights_in_force(case);
    if weights.is_empty() {
        return;
    }
    for example in index.scopes.examples() {
        let offer = &case.facts.playbook.offers[*example as usize];
        scratch.context.push(Factor::of(context_weight(offer, &weights)).ceiling());
    }
}

/// Drops survivors whose score is not a number: whether they are looked at must not depend on how full the list is.
pub fn drop_not_finite(
    case: &Case<'_>,
    index: &OfferIndex,
    scratch: &mut Scratch,
    withheld: &mut Withholding,
) {
    scratch.marked.copy_from(&index.worth.odd);
    if !index.worth.varying.is_empty() {
        for offer in index.worth.varying.iter() {
            if scratch.values[index.worth.formula_of[&offer] as usize].is_odd() {
                scratch.marked.insert(offer);
            }
        }
    }
    scratch.marked.intersect(&scratch.survivors);
    if scratch.marked.is_empty() {
        return;
    }
    let weights = weights_in_force(case);
    let marked = std::mem::take(&mut scratch.marked);
    for offer in marked.iter() {
        if let Err(reason) = exact(case, index, scratch, offer, &weights) {
            withheld.note_lasting(reason, 1);
            scratch.survivors.remove(offer);
        }
    }
    scratch.marked = marked;
}

/// Arranges the best `limit` of the remaining offers, and takes from them those it looked at.
pub fn best<'a>(
    case: &Case<'a>,
    index: &OfferIndex,
    scratch: &mut Scratch,
    remaining: &mut Bits,
    limit: usize,
    lead: Option<&Name>,
    withheld: &mut Withholding,
) -> Arrangement<'a> {
    let weights = weights_in_force(case);
    let mut arrangement = Arrangement::new(case, limit);
    if let Some(place) = lead.and_then(|lead| case.facts.playbook.offer_ix(lead))
        && remaining.contains(place as u32)
        && let Ok(one) = exact(case, index, scratch, place as u32, &weights)
        && arrangement.lead_with(case, one)
    {
        remaining.remove(place as u32);
    }
    let mut wanted = limit * 2 + SPARE;
    let mut scored = std::mem::take(&mut scratch.scored);
    while !arrangement.is_full() && !remaining.is_empty() {
        let is_last = find_candidates(case, index, scratch, remaining, wanted);
        scored.clear();
        for candidate in &scratch.candidates {
            match exact(case, index, scratch, candidate.offer, &weights) {
                Ok(one) => scored.push(one),
                // Only what a control group holds back: survivors without a score are gone already.
                Err(_) => remaining.remove(candidate.offer),
            }
        }
        scored.sort_unstable_by(|a, b| by_priority(case, a, b));
        // Only so many are known to be before everybody else.
        scored.truncate(if is_last { scored.len() } else { wanted });
        for one in &scored {
            if arrangement.is_full() {
                break;
            }
            remaining.remove(one.ix as u32);
            if let Some(reason) = arrangement.take(case, *one).filter(|reason| reason.is_told()) {
                withheld.note(case, &case.facts.playbook.offers[one.ix], reason, 1);
            }
        }
        if !arrangement.is_full() {
            drop_blocked(case, index, &arrangement, remaining);
        }
        wanted *= GROWTH;
    }
    scratch.scored = scored;
    arrangement
}

/// Leaves in `candidates` every remaining offer that may be among the best `wanted`. Whether these are all there are.
fn find_candidates(
    case: &Case<'_>,
    index: &OfferIndex,
    scratch: &mut Scratch,
    remaining: &Bits,
    wanted: usize,
) -> bool {
    let priors = case.priors();
    let Scratch { candidates, floors, sums, values, context, .. } = scratch;
    candidates.clear();
    floors.clear();
    let mut floor = f32::NEG_INFINITY;
    let mut seen = 0;
    for offer in remaining.iter() {
        seen += 1;
        let ix = offer as usize;
        let logit = sums[ix] + priors[ix] as f32;
        let mut factor = index.worth.ceilings[ix];
        if !context.is_empty() {
            factor += context[index.scopes.class_of()[ix] as usize];
        }
        if index.worth.formulas > 0 && index.worth.varying.contains(offer) {
            factor += values[index.worth.formula_of[&offer] as usize].ceiling();
        }
        // A probability is at most e to its log-odds, and at most one.
        if factor + logit.clamp(PROPENSITY_LOGARITHM_MIN, 0.0) < floor {
            continue;
        }
        let ceiling = factor + probability(f64::from(logit)).ln() as f32;
        if ceiling < floor {
            continue;
        }
        candidates.push(Candidate { offer, ceiling });
        if ceiling.is_finite() {
            let place = floors.partition_point(|other| *other >= ceiling - 2.0 * index.affinity.slack[ix]);
            if place < wanted {
                floors.truncate(wanted - 1);
                floors.insert(place, ceiling - 2.0 * index.affinity.slack[ix]);
            }
            if floors.len() == wanted {
                floor = floors[wanted - 1];
            }
        }
    }
    // A bound that is not a number excludes nobody.
    candidates.retain(|candidate| candidate.ceiling >= floor || candidate.ceiling.is_nan());
    candidates.len() == seen
}

/// Takes out offers for which family or cap has no place left: no later one of theirs will get one.
fn drop_blocked(case: &Case<'_>, index: &OfferIndex, arrangement: &Arrangement<'_>, remaining: &mut Bits) {
    let offers = &case.facts.playbook.offers;
    for family in arrangement.full_families(case.facts.playbook.family_max) {
        for offer in index.families.all(offers, |offer| &offer.family, family) {
            remaining.remove(*offer);
        }
    }
    if arrangement.has_full_caps() {
        for class in index.contacts.iter() {
            if !arrangement.has_room(case, &offers[class.example as usize]) {
                class.members.take_from(remaining);
            }
        }
    }
}

/// The offer's exact score: the same additions in the same order as in the plain walk.
fn exact(
    case: &Case<'_>,
    index: &OfferIndex,
    scratch: &Scratch,
    offer: u32,
    weights: &[&ContextWeight],
) -> Result<Scored, crate::decision::candidates::Reason> {
    let mut logit = case.priors()[offer as usize];
    let (features, row) = index.affinity.row(offer);
    for (feature, weight) in features.iter().zip(row) {
        // What the customer lacks has no strength, and adding zero changes no sum.
        logit += weight * scratch.strengths[*feature as usize];
    }
    score(case, offer as usize, probability(logit), weights)
}
