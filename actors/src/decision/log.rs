//! A decision as remembered: the answer, and everything that led to it, so that it can be taken again.

use crate::call::{CustomerId, DecisionRequest};
use crate::customer::Customer;
use crate::decision::explanation::{Explanation, explain};
use crate::decision::totals::UnitsLeft;
use crate::decision::{Decision, Moment, decide};
use crate::error::Unreadable;
use crate::learning::PriorTable;
use crate::playbook::Playbook;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything needed to take a decision again, but for the playbook and the evidence it names. With them it also holds
/// what an estimate of another policy needs: the features as seen (snapshot and request), every item's probabilities and
/// value, with which probability the first was put first, the arm, and the models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedDecision {
    /// The answer, shared with whoever asked.
    pub decision: Arc<Decision>,
    /// The question.
    pub request: DecisionRequest,
    /// The customer as encoded before the decision; empty for one never seen.
    #[serde(with = "serde_bytes")]
    pub snapshot: Vec<u8>,
    /// When learning began: places the decision on the exploration schedule.
    pub learning_since: Timestamp,
    /// The table of evidence that had moved the priors; `None`: they were as written.
    #[serde(default)]
    pub evidence: Option<Name>,
    /// What the decision was told of totals.
    #[serde(default)]
    pub left: Vec<UnitsLeft>,
}

impl LoggedDecision {
    /// The row's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec(self).expect("a decision is plain data")
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`Unreadable`] when it is damaged or of a newer version.
    pub fn decode(row: &[u8]) -> Result<Self, Unreadable> {
        rmp_serde::from_slice(row).map_err(|error| Unreadable::new("logged decision", error))
    }

    /// Takes the decision again with the playbook and the evidence it names, and tells the fate of every offer.
    ///
    /// # Errors
    /// [`Unreadable`] when the remembered customer can't be read, or the priors are of other evidence.
    pub fn explain(
        &self,
        customer: &CustomerId,
        playbook: &Playbook,
        priors: &Arc<PriorTable>,
    ) -> Result<Explanation, Unreadable> {
        if priors.evidence() != self.evidence.as_ref() {
            let wanted = self.evidence.as_deref().unwrap_or("none");
            return Err(Unreadable::new("priors", format!("the decision was taken with evidence {wanted}")));
        }
        let (customer, moment) = self.before(customer, playbook, priors)?;
        let replayed = decide(&customer, playbook, &self.request, &moment).decision;
        let replay_matches = rmp_serde::to_vec(&replayed).ok() == rmp_serde::to_vec(&*self.decision).ok();
        Ok(explain(&customer, playbook, &self.request, &moment, (*self.decision).clone(), replay_matches))
    }

    fn before(
        &self,
        id: &CustomerId,
        playbook: &Playbook,
        priors: &Arc<PriorTable>,
    ) -> Result<(Customer, Moment), Unreadable> {
        let mut customer = match self.snapshot.is_empty() {
            true => Customer::new(id),
            false => Customer::decode(id, &self.snapshot)?,
        };
        customer.refresh(playbook, self.decision.at);
        let moment = Moment {
            now: self.decision.at,
            decision_id: self.decision.decision_id.clone(),
            learning_since: self.learning_since,
            left: self.left.clone(),
            priors: Arc::clone(priors),
        };
        Ok((customer, moment))
    }
}
