//! The affinities of all offers in two forms: what each offer looks at, and who looks at each thing.
//!
//! Offers share what they look at: a curve over a tag, or one value of a tag, is a *feature*. For one customer a feature has one
//! number, its strength, and an offer's term is weight times strength. Rows (offer to features) keep the weights exact;
//! postings (feature to offers) keep them short, and whoever adds them up allows for that.

use super::slots::Slots;
use crate::playbook::affinity::{PROBABILITY_MIN, logit, strength};
use crate::playbook::{Affinity, Offer, TagNumber, TagValue};
use std::collections::HashMap;

/// Rounding to 24 bits loses at most half of this part of a number; twice that covers the rounding of every step.
const SHORT_STEP: f64 = 1.2e-7;
/// Beside the short sums: logarithms of factors are short as well, and are at most this far off.
const SLACK_MIN: f64 = 3e-4;

/// All affinities of a playbook.
#[derive(Debug, Default)]
pub struct AffinityIndex {
    /// By number.
    pub features: Box<[Feature]>,
    row_starts: Box<[u32]>,
    row_features: Box<[u32]>,
    row_weights: Box<[f64]>,
    posting_starts: Box<[u32]>,
    postings: Box<[Posting]>,
    /// By offer: how far a sum of short terms may be from the exact log-odds, and short logarithms from exact ones.
    pub slack: Box<[f32]>,
}

/// An offer that looks at a feature.
#[derive(Clone, Copy, Debug)]
pub struct Posting {
    /// The offer's place in the playbook.
    pub offer: u32,
    /// The weight it gives, rounded.
    pub weight: f32,
}

/// Something about a customer that offers give a weight to.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// The tag it is about.
    pub tag: TagNumber,
    look: Look,
}

#[derive(Clone, Debug, PartialEq)]
enum Look {
    Curve { center: f64, scale: f64, mean_logit: f64 },
    Equals(TagValue),
}

/// Tells features apart: bits of numbers, so that it can be hashed.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Curve(TagNumber, [u64; 3]),
    Number(TagNumber, u8, u64),
    Text(TagNumber, &'a str),
}

impl Feature {
    fn of(affinity: &Affinity) -> (Feature, f64) {
        match affinity {
            Affinity::Number { tag, weight, center, scale, mean_logit } => {
                let look = Look::Curve { center: *center, scale: *scale, mean_logit: *mean_logit };
                (Feature { tag: *tag, look }, *weight)
            }
            Affinity::Equals { tag, weight, value } => {
                (Feature { tag: *tag, look: Look::Equals(value.clone()) }, *weight)
            }
        }
    }

    /// The feature's strength for a value of its tag; `None`: it adds nothing.
    #[must_use]
    pub fn strength(&self, value: &TagValue) -> Option<f64> {
        match &self.look {
            Look::Curve { center, scale, mean_logit } => strength(value, *center, *scale, *mean_logit),
            Look::Equals(wanted) => (value == wanted).then_some(1.0),
        }
    }

    fn strength_max(&self) -> f64 {
        match &self.look {
            Look::Curve { mean_logit, .. } => 4.0 + mean_logit.abs(),
            Look::Equals(_) => 1.0,
        }
    }
}

impl<'a> Key<'a> {
    fn of(affinity: &'a Affinity) -> Key<'a> {
        match affinity {
            Affinity::Number { tag, center, scale, mean_logit, .. } => {
                Key::Curve(*tag, [center, scale, mean_logit].map(|number| number.to_bits()))
            }
            Affinity::Equals { tag, value, .. } => match value {
                TagValue::Int(int) => Key::Number(*tag, 0, *int as u64),
                TagValue::Number(number) => Key::Number(*tag, 1, number.to_bits()),
                TagValue::Bool(bool) => Key::Number(*tag, 2, u64::from(*bool)),
                TagValue::Enum(value) => Key::Number(*tag, 3, u64::from(*value)),
                TagValue::Time(at) => Key::Number(*tag, 4, at.ms() as u64),
                TagValue::Text(text) => Key::Text(*tag, text),
            },
        }
    }
}

impl AffinityIndex {
    /// Indexes the offers; tells `slots` which features each tag has.
    #[must_use]
    pub fn of(offers: &[Offer], slots: &mut Slots) -> AffinityIndex {
        let mut numbers: HashMap<Key<'_>, u32> = HashMap::new();
        let mut features: Vec<Feature> = Vec::new();
        let total = offers.iter().map(|offer| offer.affinity.len()).sum();
        let mut row_starts = Vec::with_capacity(offers.len() + 1);
        let (mut row_features, mut row_weights) = (Vec::with_capacity(total), Vec::with_capacity(total));
        let mut slack = Vec::with_capacity(offers.len());
        row_starts.push(0);
        for offer in offers {
            // No prior's log-odds are larger, whatever it learns.
            let mut size = logit(PROBABILITY_MIN).abs();
            for affinity in &offer.affinity {
                let number = *numbers.entry(Key::of(affinity)).or_insert_with(|| {
                    features.push(Feature::of(affinity).0);
                    features.len() as u32 - 1
                });
                let weight = match affinity {
                    Affinity::Number { weight, .. } | Affinity::Equals { weight, .. } => *weight,
                };
                size += weight.abs() * features[number as usize].strength_max();
                row_features.push(number);
                row_weights.push(weight);
            }
            slack.push((SLACK_MIN + (offer.affinity.len() + 4) as f64 * SHORT_STEP * size) as f32);
            row_starts.push(row_features.len() as u32);
        }
        drop(numbers);
        let features = by_tag(&features, &mut row_features);
        for (number, feature) in features.iter().enumerate() {
            slots.add_feature(feature.tag, number as u32);
        }
        let (posting_starts, postings) = turned(&row_starts, &row_features, &row_weights, features.len());
        AffinityIndex {
            features: features.into(),
            row_starts: row_starts.into(),
            row_features: row_features.into(),
            row_weights: row_weights.into(),
            posting_starts,
            postings,
            slack: slack.into(),
        }
    }

    /// What an offer looks at: features and weights, in the order of its author.
    #[must_use]
    pub fn row(&self, offer: u32) -> (&[u32], &[f64]) {
        let range = self.row_starts[offer as usize] as usize..self.row_starts[offer as usize + 1] as usize;
        (&self.row_features[range.clone()], &self.row_weights[range])
    }

    /// Who looks at a feature, in the order of the playbook.
    #[must_use]
    pub fn postings(&self, feature: u32) -> &[Posting] {
        let feature = feature as usize;
        &self.postings[self.posting_starts[feature] as usize..self.posting_starts[feature + 1] as usize]
    }

    /// How many terms all offers have together.
    #[must_use]
    pub fn term_count(&self) -> usize {
        self.row_features.len()
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let terms = self.row_features.len();
        let offers = self.slack.len();
        self.features.len() * (size_of::<Feature>() + 4) + terms * (4 + 8 + 4 + 4) + offers * (4 + 4)
    }
}

/// Numbers features anew, so that those of one tag lie beside each other; rows learn their new numbers.
fn by_tag(features: &[Feature], row_features: &mut [u32]) -> Vec<Feature> {
    let mut order: Vec<u32> = (0..features.len() as u32).collect();
    order.sort_by_key(|number| features[*number as usize].tag);
    let mut renamed = vec![0; features.len()];
    for (new, old) in order.iter().enumerate() {
        renamed[*old as usize] = new as u32;
    }
    row_features.iter_mut().for_each(|feature| *feature = renamed[*feature as usize]);
    order.iter().map(|old| features[*old as usize].clone()).collect()
}

/// Rows turned into postings: where each feature's begin, and all of them.
fn turned(
    row_starts: &[u32],
    row_features: &[u32],
    row_weights: &[f64],
    features: usize,
) -> (Box<[u32]>, Box<[Posting]>) {
    let mut starts = vec![0u32; features + 1];
    for feature in row_features {
        starts[*feature as usize + 1] += 1;
    }
    for feature in 0..features {
        starts[feature + 1] += starts[feature];
    }
    let mut next = starts.clone();
    let mut postings = vec![Posting { offer: 0, weight: 0.0 }; row_features.len()];
    for (offer, range) in row_starts.windows(2).enumerate() {
        for place in range[0] as usize..range[1] as usize {
            let to = &mut next[row_features[place] as usize];
            postings[*to as usize] = Posting { offer: offer as u32, weight: row_weights[place] as f32 };
            *to += 1;
        }
    }
    (starts.into(), postings.into())
}
