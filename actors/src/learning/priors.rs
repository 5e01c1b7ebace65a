//! Every offer's prior in every channel, as log-odds, ready to be looked up by place.
//!
//! Made once for a playbook and a table of evidence, shared by all decisions taken with the two. A column holds one
//! channel, by the offer's place in the playbook, so that a decision picks its column once.

use crate::decision::propensity::logit;
use crate::learning::EvidenceTable;
use crate::learning::smoothing::smoothed;
use crate::playbook::Playbook;
use crate::value::Name;
use std::collections::{BTreeMap, BTreeSet};

/// Priors as log-odds (natural logarithm).
#[derive(Clone, Debug, PartialEq)]
pub struct PriorTable {
    evidence: Option<Name>,
    columns: BTreeMap<Name, Box<[f64]>>,
    /// For channels that no prior and no evidence names.
    other: Box<[f64]>,
}

impl PriorTable {
    /// The playbook's priors as they are written.
    #[must_use]
    pub fn written(playbook: &Playbook) -> PriorTable {
        let offers = &playbook.offers;
        let channels: BTreeSet<&Name> = offers.iter().flat_map(|offer| offer.prior.keys()).collect();
        let column = |channel: &Name| offers.iter().map(|offer| logit(offer.prior_in(channel))).collect();
        PriorTable {
            evidence: None,
            columns: channels.into_iter().map(|channel| (Name::clone(channel), column(channel))).collect(),
            other: offers.iter().map(|offer| logit(offer.prior_default)).collect(),
        }
    }

    /// The playbook's priors, moved by evidence if the playbook learns. Evidence of offers it does not have is left out.
    #[must_use]
    pub fn learned(playbook: &Playbook, table: &EvidenceTable) -> PriorTable {
        let mut priors = PriorTable::written(playbook);
        let Some(strength) = playbook.learning.strength().filter(|_| !table.counts().is_empty()) else {
            return priors;
        };
        for (offer, channel, seen) in table.counts().iter() {
            let Some(ix) = playbook.offer_ix(offer) else { continue };
            let p0 = smoothed(playbook.offers[ix].prior_in(channel), strength, seen);
            let column = priors.columns.entry(Name::clone(channel)).or_insert_with(|| priors.other.clone());
            column[ix] = logit(p0);
        }
        priors.evidence = Some(Name::clone(table.id()));
        priors
    }

    /// The evidence that moved them; `None`: they are as written.
    #[must_use]
    pub fn evidence(&self) -> Option<&Name> {
        self.evidence.as_ref()
    }

    /// One channel's priors, by the offer's place in the playbook.
    #[must_use]
    pub fn column(&self, channel: &str) -> &[f64] {
        self.columns.get(channel).unwrap_or(&self.other)
    }

    /// The prior's log-odds of the offer at `offer_ix` of the playbook.
    #[must_use]
    pub fn prior_logit(&self, offer_ix: usize, channel: &str) -> f64 {
        self.column(channel)[offer_ix]
    }
}
