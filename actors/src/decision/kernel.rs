//! The fast way to decide: exactly what the plain walk decides, at the cost of what the customer matches.
//!
//! 1. `look`: one pass over the customer's tags finds the rules that fail because of them, and how strong each feature is.
//! 2. `screen`: the stages, asked once a class of offers or counted in sets; every offer that leaves is counted under its reason.
//! 3. `sums`: short log-odds of the survivors, from their rows or from the postings of the customer's features, whichever
//!    is cheaper.
//! 4. `best`: upper bounds leave a few dozen candidates, which are scored exactly and arranged like everywhere else.
//!
//! Knows no rule's meaning: what is true of an offer is asked of the same functions that the walk asks. Memory is kept from
//! decision to decision and says nothing of the one before.

mod look;
mod screen;
mod sums;
mod best;

use crate::decision::arbitration::Scored;
use crate::decision::candidates::{Case, Reason};
use crate::decision::index::OfferIndex;
use crate::decision::index::bits::Bits;
use crate::decision::index::worth::Factor;
use crate::decision::withheld::Withholding;
use crate::decision::{Selection, Way};
use crate::playbook::{Offer, TagNumber};
use crate::value::Name;
use best::Candidate;
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// How short log-odds are summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Whichever costs less for this customer.
    #[default]
    Cheaper,
    /// Survivor by survivor, from what each looks at.
    Rows,
    /// Feature by feature, into sums of all offers.
    Postings,
}

/// Chooses with the playbook's index. Holds this thread's memory until it is dropped.
#[derive(Debug, Default)]
pub struct Kernel {
    scratch: Scratch,
    form: Form,
}

/// What a decision works in. Nothing in it outlives the decision but its size.
#[derive(Debug, Default)]
struct Scratch {
    /// By slot: whether the customer has the tag, fresh.
    present: Vec<bool>,
    /// By feature: its strength; zero for all but the active ones.
    strengths: Vec<f64>,
    /// Features with a strength of their own.
    active: Vec<u32>,
    /// By layer: offers whose rule says no.
    fail: [Bits; 3],
    /// By layer: offers whose rule can't say.
    unknown: [Bits; 3],
    /// Offers that have passed the stages so far.
    survivors: Bits,
    /// Offers that only a control group holds back.
    held_out: Bits,
    /// A set for a while.
    marked: Bits,
    /// By formula: what is known of its value.
    values: Vec<Worthiness>,
    /// By offer: the short sum of its terms, without the prior.
    sums: Vec<f32>,
    /// By class of context weights: upper bound of the logarithm of C.
    context: Vec<f32>,
    candidates: Vec<Candidate>,
    scored: Vec<Scored>,
    /// The best lower bounds, largest first.
    floors: Vec<f32>,
}

/// What is known of a formula's value in this decision.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Worthiness {
    /// Nobody asked.
    Unasked,
    /// It is above zero.
    Some(Factor),
    /// Offers with it leave.
    None(Reason),
}

impl Worthiness {
    fn of(value: Result<f64, Reason>) -> Worthiness {
        match value {
            Ok(value) if value > 0.0 => Worthiness::Some(Factor::of(value)),
            Ok(_) => Worthiness::None(Reason::NoValue),
            Err(reason) => Worthiness::None(reason),
        }
    }

    fn is_odd(self) -> bool {
        self == Worthiness::Some(Factor::Odd)
    }

    /// The logarithm of the value as an upper bound.
    fn ceiling(self) -> f32 {
        match self {
            Worthiness::Some(factor) => factor.ceiling(),
            Worthiness::Unasked | Worthiness::None(_) => f32::NEG_INFINITY,
        }
    }
}

impl Kernel {
    /// The kernel in this thread's memory.
    #[must_use]
    pub fn in_this_thread() -> Kernel {
        Kernel::of_form(Form::Cheaper)
    }

    /// The same, with a form of its own: for comparing them.
    #[must_use]
    pub fn of_form(form: Form) -> Kernel {
        Kernel { scratch: SCRATCH.take(), form }
    }
}

/// Gives the memory back to the thread.
impl Drop for Kernel {
    fn drop(&mut self) {
        SCRATCH.set(std::mem::take(&mut self.scratch));
    }
}

impl Way for Kernel {
    fn select(&mut self, case: &Case<'_>, lead: Option<&Name>) -> Selection {
        let index = &case.facts.playbook.index;
        let scratch = &mut self.scratch;
        let mut withheld = Withholding::default();
        look::look(case, index, scratch);
        screen::screen(case, index, scratch, &mut withheld);
        let is_control = !scratch.held_out.is_empty();
        screen::drop_worthless(case, index, scratch, &mut withheld);
        if is_control {
            scratch.held_out.add(&scratch.survivors);
        }
        sums::add_up(index, scratch, self.form, is_control);
        best::weigh_context(case, index, scratch);
        best::drop_not_finite(case, index, scratch, &mut withheld);
        let limit = case.facts.request.limit;
        let mut survivors = std::mem::take(&mut scratch.survivors);
        let arranged = best::best(case, index, scratch, &mut survivors, limit, lead, &mut withheld);
        scratch.survivors = survivors;
        let ghost = is_control.then(|| {
            let mut would_be = std::mem::take(&mut scratch.held_out);
            let nobody = &mut Withholding::default();
            let ghost = best::best(case, index, scratch, &mut would_be, 1, None, nobody);
            scratch.held_out = would_be;
            ghost.list.first().map(|best| best.ix)
        });
        Selection { lead: arranged.lead, list: arranged.list, withheld, ghost: ghost.flatten() }
    }

    fn contributions(&self, case: &Case<'_>, offer: &Offer, mut each: impl FnMut(TagNumber, f64)) {
        let index = &case.facts.playbook.index;
        let Some(place) = case.facts.playbook.offer_ix(&offer.id) else { return };
        let (features, weights) = index.affinity.row(place as u32);
        for (feature, weight) in features.iter().zip(weights) {
            let strength = self.scratch.strengths[*feature as usize];
            if strength != 0.0 {
                each(index.affinity.features[*feature as usize].tag, weight * strength);
            }
        }
    }
}

impl Scratch {
    /// Ready for a decision over this catalogue. Allocates only when the catalogue is larger than any before.
    fn begin(&mut self, index: &OfferIndex) {
        let offers = index.offers;
        self.present.clear();
        self.present.resize(index.slots.len(), false);
        let features = index.affinity.features.len();
        if self.strengths.len() == features {
            self.active.iter().for_each(|feature| self.strengths[*feature as usize] = 0.0);
        } else {
            self.strengths.clear();
            self.strengths.resize(features, 0.0);
        }
        self.active.clear();
        self.fail.iter_mut().chain(&mut self.unknown).for_each(|set| set.reset(offers));
        self.survivors.reset(offers);
        self.held_out.reset(offers);
        self.values.clear();
        self.values.resize(index.worth.formulas as usize, Worthiness::Unasked);
        self.context.clear();
        // At worst every offer is a candidate: room for all, so that no customer makes it grow.
        self.candidates.clear();
        self.candidates.reserve(offers);
        self.scored.clear();
        self.scored.reserve(offers);
        self.floors.clear();
        self.floors.reserve(offers);
        self.active.reserve(features);
    }
}

#[cfg(test)]
mod tests;
