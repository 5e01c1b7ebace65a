//! Short log-odds of many offers, in two forms.
//!
//! From rows: each survivor adds up what it looks at, whatever the customer has of it. From postings: each feature that the
//! customer has adds to everybody who looks at it, survivor or not. Few survivors favour rows, few matches favour postings.

use super::{Form, Scratch};
use crate::decision::index::OfferIndex;

/// What a term costs in each form, in the same unit: benches/decision.rs measures it. Only their ratio matters.
const ROW_TERM_COST: f64 = 1.0;
const POSTING_COST: f64 = 1.0;
/// What clearing the sum of one offer costs before postings are added.
const CLEAR_COST: f64 = 0.03;

/// Adds up the terms of the survivors (in a control group of the held out as well), without their priors.
pub fn add_up(index: &OfferIndex, scratch: &mut Scratch, form: Form, is_control: bool) {
    scratch.sums.resize(index.offers, 0.0);
    match form {
        Form::Rows => from_rows(index, scratch, is_control),
        Form::Postings => from_postings(index, scratch),
        Form::Cheaper if is_cheaper_by_rows(index, scratch, is_control) => {
            from_rows(index, scratch, is_control);
        }
        Form::Cheaper => from_postings(index, scratch),
    }
}

fn is_cheaper_by_rows(index: &OfferIndex, scratch: &Scratch, is_control: bool) -> bool {
    let wanted = if is_control { scratch.held_out.len() } else { scratch.survivors.len() };
    let row_length = index.affinity.term_count() as f64 / index.offers.max(1) as f64;
    let postings: usize = scratch.active.iter().map(|feature| index.affinity.postings(*feature).len()).sum();
    let by_postings = postings as f64 * POSTING_COST + index.offers as f64 * CLEAR_COST;
    wanted as f64 * row_length * ROW_TERM_COST <= by_postings
}

fn from_rows(index: &OfferIndex, scratch: &mut Scratch, is_control: bool) {
    let wanted = if is_control { &scratch.held_out } else { &scratch.survivors };
    for offer in wanted.iter() {
        let (features, weights) = index.affinity.row(offer);
        let terms = features.iter().zip(weights);
        let sum: f64 = terms.map(|(feature, weight)| weight * scratch.strengths[*feature as usize]).sum();
        scratch.sums[offer as usize] = sum as f32;
    }
}

fn from_postings(index: &OfferIndex, scratch: &mut Scratch) {
    scratch.sums.fill(0.0);
    for feature in &scratch.active {
        let strength = scratch.strengths[*feature as usize] as f32;
        for posting in index.affinity.postings(*feature) {
            scratch.sums[posting.offer as usize] += posting.weight * strength;
        }
    }
}
