//! The plain walk: every offer through every stage, every survivor scored, all of them sorted.
//!
//! Exact by being plain. Explanations are told by it, and the fast kernel is held against it; its cost grows with the
//! catalogue.

use crate::decision::arbitration::{Ranking, arrange, by_priority, score, weights_in_force};
use crate::decision::candidates::{Case, Reason};
use crate::decision::propensity::{PropensityModel, affinities};
use crate::decision::withheld::Withholding;
use crate::decision::{Selection, Way};
use crate::playbook::{Offer, TagNumber};
use crate::value::Name;

/// Chooses by walking all offers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walk;

impl Way for Walk {
    fn select(&mut self, case: &Case<'_>, lead: Option<&Name>) -> Selection {
        let screened = screen_all(case);
        let ranking = rank(case, &screened.survivors, case.facts.request.limit, lead);
        let mut withheld = Withholding::default();
        for (ix, reason) in screened.dropped.iter().chain(&ranking.worthless) {
            withheld.note(case, &case.facts.playbook.offers[*ix], *reason, 1);
        }
        for (one, reason) in ranking.beaten.iter().filter(|(_, reason)| reason.is_told()) {
            withheld.note(case, &case.facts.playbook.offers[one.ix], *reason, 1);
        }
        Selection { lead: ranking.lead, list: ranking.list, withheld, ghost: ghost(case, &screened) }
    }

    fn contributions(&self, case: &Case<'_>, offer: &Offer, each: impl FnMut(TagNumber, f64)) {
        affinities(offer, &case.facts.with(offer), each);
    }
}

/// All offers after the stages before the score.
pub(crate) struct Screened {
    pub survivors: Vec<usize>,
    pub held_out: Vec<usize>,
    pub dropped: Vec<(usize, Reason)>,
}

pub(crate) fn screen_all(case: &Case<'_>) -> Screened {
    let mut screened = Screened { survivors: Vec::new(), held_out: Vec::new(), dropped: Vec::new() };
    for (ix, offer) in case.facts.playbook.offers.iter().enumerate() {
        match case.screen(offer) {
            Ok(()) => screened.survivors.push(ix),
            Err(reason) => {
                if reason == Reason::Holdout {
                    screened.held_out.push(ix);
                }
                screened.dropped.push((ix, reason));
            }
        }
    }
    screened
}

/// Scores these offers of the case and lists the best `limit`, the leading one included.
pub(crate) fn rank(case: &Case<'_>, survivors: &[usize], limit: usize, lead: Option<&Name>) -> Ranking {
    let weights = weights_in_force(case);
    let mut scored = Vec::with_capacity(survivors.len());
    let mut worthless = Vec::new();
    for ix in survivors {
        let offer = &case.facts.playbook.offers[*ix];
        let facts = case.facts.with(offer);
        let propensity = case.model().propensity(&case.seen(*ix, &facts));
        match score(case, *ix, propensity, &weights) {
            Ok(one) => scored.push(one),
            Err(reason) => worthless.push((*ix, reason)),
        }
    }
    scored.sort_unstable_by(|a, b| by_priority(case, a, b));
    Ranking { worthless, ..arrange(case, scored, limit, lead) }
}

/// For a control group: the offer the customer would have got.
fn ghost(case: &Case<'_>, screened: &Screened) -> Option<usize> {
    if screened.held_out.is_empty() {
        return None;
    }
    let would_be: Vec<usize> = screened.survivors.iter().chain(&screened.held_out).copied().collect();
    rank(case, &would_be, 1, None).list.first().map(|best| best.ix)
}
