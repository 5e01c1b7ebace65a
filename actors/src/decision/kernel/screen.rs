//! The stages before the score, over sets of offers, in the order of the plain walk.

use super::{Scratch, Worthiness};
use crate::decision::arbitration::value;
use crate::decision::candidates::{Case, Layer, Reason};
use crate::decision::index::OfferIndex;
use crate::decision::withheld::Withholding;
use crate::playbook::SuppressScope;

/// Leaves in `survivors` the offers that pass, in `held_out` those that only a control group holds back, and notes why the
/// others left.
pub fn screen(case: &Case<'_>, index: &OfferIndex, scratch: &mut Scratch, withheld: &mut Withholding) {
    let offers = &case.facts.playbook.offers;
    for class in index.frames.iter() {
        match case.in_frame(&offers[class.example as usize]) {
            Ok(()) => class.members.add_to(&mut scratch.survivors, index.offers),
            Err(reason) => withheld.note_lasting(reason, class.size),
        }
    }
    for layer in Layer::ALL {
        let failed = scratch.survivors.subtract(&scratch.fail[layer as usize]);
        withheld.note_lasting(Reason::Rule(layer), failed);
        let unknown = scratch.survivors.subtract(&scratch.unknown[layer as usize]);
        withheld.note_lasting(Reason::MissingTag(layer), unknown);
    }
    for ix in index.rules.walked.iter() {
        let offer = &offers[ix as usize];
        match case.in_frame(offer).and_then(|()| case.follows_rules(offer)) {
            Ok(()) => scratch.survivors.insert(ix),
            Err(reason) => withheld.note(case, offer, reason, 1),
        }
    }
    mark_refused(case, index, scratch);
    one_by_one(case, scratch, withheld, |offer| case.refused(offer));
    if case.has_obstacles() {
        for class in index.contacts.iter() {
            let example = &offers[class.example as usize];
            if let Some(reason) = case.held_by_contact_policy(example) {
                let held = class.members.take_from(&mut scratch.survivors);
                if held > 0 {
                    withheld.note(case, example, reason, held);
                }
            }
        }
    }
    if case.holdout.is_some() {
        scratch.held_out.copy_from(&scratch.survivors);
        let mut held = 0;
        for class in index.contacts.iter() {
            if case.held_out(&offers[class.example as usize]) {
                held += class.members.take_from(&mut scratch.survivors);
            }
        }
        withheld.note_lasting(Reason::Holdout, held);
        scratch.held_out.subtract(&scratch.survivors);
    }
}

/// Drops offers that are worth nothing. Those of a control group are dropped without a note: they were noted already.
pub fn drop_worthless(
    case: &Case<'_>,
    index: &OfferIndex,
    scratch: &mut Scratch,
    withheld: &mut Withholding,
) {
    let worthless = scratch.survivors.subtract(&index.worth.worthless);
    withheld.note_lasting(Reason::NoValue, worthless);
    scratch.held_out.subtract(&index.worth.worthless);
    if !index.worth.varying.is_empty() {
        scratch.marked.copy_from(&index.worth.varying);
        scratch.marked.keep_either(&scratch.survivors, &scratch.held_out);
        for offer in scratch.marked.iter() {
            let worth = &mut scratch.values[index.worth.formula_of[&offer] as usize];
            if *worth == Worthiness::Unasked {
                *worth = Worthiness::of(value(case, &case.facts.playbook.offers[offer as usize]));
            }
            if let Worthiness::None(reason) = *worth {
                if scratch.survivors.contains(offer) {
                    withheld.note_lasting(reason, 1);
                }
                scratch.survivors.remove(offer);
                scratch.held_out.remove(offer);
            }
        }
    }
}

/// Asks each marked survivor by itself.
fn one_by_one(
    case: &Case<'_>,
    scratch: &mut Scratch,
    withheld: &mut Withholding,
    asked: impl Fn(&crate::playbook::Offer) -> Option<Reason>,
) {
    scratch.marked.intersect(&scratch.survivors);
    for ix in scratch.marked.iter() {
        let offer = &case.facts.playbook.offers[ix as usize];
        if let Some(reason) = asked(offer) {
            withheld.note(case, offer, reason, 1);
            scratch.survivors.remove(ix);
        }
    }
}

/// Marks every offer that some refusal or suppression in force could reach.
fn mark_refused(case: &Case<'_>, index: &OfferIndex, scratch: &mut Scratch) {
    let facts = &case.facts;
    let offers = &facts.playbook.offers;
    scratch.marked.reset(index.offers);
    let in_force = facts.customer.refusals.in_force(&facts.request.channel, facts.now);
    for suppressed in in_force {
        let id = &*suppressed.id;
        let reached = match suppressed.scope {
            SuppressScope::Offer => {
                if let Some(ix) = facts.playbook.offer_ix(id) {
                    scratch.marked.insert(ix as u32);
                }
                continue;
            }
            SuppressScope::All => {
                scratch.marked.fill(index.offers);
                continue;
            }
            SuppressScope::Family => index.families.all(offers, |offer| &offer.family, id),
            SuppressScope::Group => index.groups.all(offers, |offer| &offer.group, id),
            SuppressScope::Partner => index.owners.all(offers, |offer| &offer.owner, id),
        };
        reached.iter().for_each(|ix| scratch.marked.insert(*ix));
    }
}
