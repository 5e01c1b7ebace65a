//! The playbook a node decides with, and since when.

use crate::learning::{EvidenceTable, PriorTable};
use crate::playbook::Playbook;
use crate::timestamp::Timestamp;
use std::sync::{Arc, RwLock, RwLockWriteGuard};

/// A playbook in force.
#[derive(Clone, Debug)]
pub struct Active {
    /// The playbook.
    pub playbook: Arc<Playbook>,
    /// When this customer base got its first playbook: exploration is counted from here.
    pub learning_since: Timestamp,
    /// Its offers' priors, as far as evidence has moved them.
    pub priors: Arc<PriorTable>,
    /// What was counted so far; `None`: nothing yet.
    pub evidence: Option<Arc<EvidenceTable>>,
}

impl Active {
    /// A playbook with its priors as they are written.
    #[must_use]
    pub fn new(playbook: Arc<Playbook>, learning_since: Timestamp) -> Self {
        let priors = Arc::new(PriorTable::written(&playbook));
        Active { playbook, learning_since, priors, evidence: None }
    }

    /// The same playbook with its priors as this evidence moves them.
    #[must_use]
    pub fn learned(self, evidence: Arc<EvidenceTable>) -> Self {
        let priors = Arc::new(PriorTable::learned(&self.playbook, &evidence));
        Active { priors, evidence: Some(evidence), ..self }
    }
}

/// Where shards find the playbook in force; swapped as a whole, for all of a node at once.
#[derive(Clone, Debug)]
pub struct ActivePlaybook(Arc<RwLock<Active>>);

impl ActivePlaybook {
    /// Begins with `active` in force.
    #[must_use]
    pub fn new(active: Active) -> Self {
        ActivePlaybook(Arc::new(RwLock::new(active)))
    }

    /// The playbook in force. A turn asks once and keeps it to its end.
    #[must_use]
    pub fn current(&self) -> Active {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Puts another playbook in force, from the next turn on. What was learned so far moves its priors too.
    pub fn switch(&self, next: Active) {
        let evidence = self.current().evidence;
        let next = match (&next.evidence, evidence) {
            (None, Some(evidence)) => next.learned(evidence),
            _ => next,
        };
        *self.write() = next;
    }

    /// Moves the priors of the playbook in force, from the next turn on. Takes a few milliseconds with a large catalogue.
    pub fn learn(&self, evidence: &Arc<EvidenceTable>) {
        loop {
            let before = self.current();
            let after = before.clone().learned(Arc::clone(evidence));
            let mut active = self.write();
            // Another playbook may have come into force meanwhile.
            if Arc::ptr_eq(&active.playbook, &before.playbook) {
                *active = after;
                return;
            }
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Active> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
