//! The playbook a node decides with, and since when.

use crate::learning::{EvidenceTable, PriorTable};
use crate::playbook::Playbook;
use crate::timestamp::Timestamp;
use std::sync::{Arc, RwLock};

/// A playbook in force.
#[derive(Clone, Debug)]
pub struct Active {
    /// The playbook.
    pub playbook: Arc<Playbook>,
    /// When this customer base got its first playbook: exploration is counted from here.
    pub learning_since: Timestamp,
    /// Its offers' priors, as far as evidence has moved them.
    pub priors: Arc<PriorTable>,
}

impl Active {
    /// A playbook with its priors as they are written.
    #[must_use]
    pub fn new(playbook: Arc<Playbook>, learning_since: Timestamp) -> Self {
        let priors = Arc::new(PriorTable::written(&playbook));
        Active { playbook, learning_since, priors }
    }

    /// The same playbook with its priors as this evidence moves them.
    #[must_use]
    pub fn learned(self, evidence: &EvidenceTable) -> Self {
        Active { priors: Arc::new(PriorTable::learned(&self.playbook, evidence)), ..self }
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

    /// Puts another playbook in force, from the next turn on.
    pub fn switch(&self, next: Active) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = next;
    }
}
