//! The one place where a call leaves HTTP for the actors: admitted, routed, given a deadline.
//!
//! Handlers know no cluster and no region; they ask here. A call for another node's shard is refused: this version
//! has one node.

use crate::admission::{Admission, Priority, Ticket};
use crate::metrics;
use actors::call::{Answer, Command, CustomerCall, CustomerId};
use actors::error::TurnError;
use actors::identity::{Ask, Entries};
use actors::playbook::active::{Active, ActivePlaybook};
use actors::region::{EvidenceStanding, Region, Residency};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Why a call got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The customer's turn did not happen, or may not have.
    #[error(transparent)]
    Turn(#[from] TurnError),
    /// Certainly not applied: this node has never had a playbook. Post one, then come again.
    #[error("no playbook is in force; post one to /v1/playbooks")]
    NoPlaybook,
    /// Certainly not applied: the store does not answer, or has not confirmed for too long that this node owns its
    /// customers. Come again; it mends itself when the store answers.
    #[error("the store does not answer this node")]
    StoreAway,
    /// Certainly not applied: this node is stopping. Come again, to another node or after its start.
    #[error("the node is stopping")]
    Stopping,
}

/// Starts the region when the first playbook comes into force. Runs on a thread with an actix system.
pub type StartRegion = Box<dyn Fn(ActivePlaybook) -> Region + Send + Sync>;

/// Hands calls to the region of this node.
pub struct Dispatch {
    ownership: cluster::Handle,
    admission: Admission,
    deadline: Duration,
    retry_after_ms: u64,
    start_region: StartRegion,
    serving: RwLock<Option<Arc<Serving>>>,
    stopping: AtomicBool,
    store_answers: AtomicBool,
}

struct Serving {
    region: Region,
    playbook: ActivePlaybook,
}

/// How calls are bounded.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Calls in hand at most.
    pub in_flight_max: usize,
    /// How long a call may take.
    pub deadline: Duration,
    /// When a refused caller is asked to come back.
    pub retry_after_ms: u64,
}

/// A call that was let in: counted until dropped.
pub struct Admitted<'a> {
    dispatch: &'a Dispatch,
    serving: Arc<Serving>,
    deadline: Instant,
    _ticket: Ticket,
}

impl Entries for Admitted<'_> {
    type Error = CallError;

    async fn ask(&self, ask: Ask) -> Result<Answer, CallError> {
        let ownership = &self.dispatch.ownership;
        let route = ownership.route(ask.customer.hash64());
        if route.node != *ownership.node() {
            return Err(TurnError::NotOwner { shard: route.shard.0 }.into());
        }
        let Ask { customer, via, command } = ask;
        let call = CustomerCall { customer, via, command, deadline: self.deadline };
        // A turn that has begun may outlive the deadline; it is not waited for more than as long again.
        match timeout_at(self.deadline + self.dispatch.deadline, self.serving.region.call(call)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(TurnError::MaybeApplied("the turn has begun and not ended in time".into()).into()),
        }
    }
}

impl Dispatch {
    /// Refuses every call until the first playbook is put in force.
    #[must_use]
    pub fn new(ownership: cluster::Handle, bounds: Bounds, start_region: StartRegion) -> Self {
        Dispatch {
            ownership,
            admission: Admission::new(bounds.in_flight_max),
            deadline: bounds.deadline,
            retry_after_ms: bounds.retry_after_ms,
            start_region,
            serving: RwLock::new(None),
            stopping: AtomicBool::new(false),
            store_answers: AtomicBool::new(true),
        }
    }

    /// Serves one call: the answer comes after the turn is durable. An alias is followed to its customer.
    ///
    /// # Errors
    /// See [`CallError`]: each says whether the call may have been applied.
    pub async fn call(
        &self,
        customer: &CustomerId,
        command: Command,
        priority: Priority,
    ) -> Result<Answer, CallError> {
        let admitted = self.admit(priority)?;
        actors::identity::call(&admitted, customer, Arc::new(command)).await
    }

    /// Lets one caller in, for as many turns as its call takes before the deadline.
    ///
    /// # Errors
    /// Those of a call of which nothing was applied.
    pub fn admit(&self, priority: Priority) -> Result<Admitted<'_>, CallError> {
        let serving = self.serving()?;
        let ticket = self.admission.admit(priority).ok_or_else(|| self.overloaded())?;
        let deadline = Instant::now() + self.deadline;
        Ok(Admitted { dispatch: self, serving, deadline, _ticket: ticket })
    }

    /// Puts a playbook in force, from the next turn on. The first one opens the node for customers.
    pub fn put_in_force(&self, next: Active) {
        let mut serving = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        match &*serving {
            Some(serving) => serving.playbook.switch(next),
            None => {
                let playbook = ActivePlaybook::new(next);
                let region = (self.start_region)(playbook.clone());
                *serving = Some(Arc::new(Serving { region, playbook }));
            }
        }
    }

    /// The playbook in force.
    #[must_use]
    pub fn in_force(&self) -> Option<Active> {
        self.current().map(|serving| serving.playbook.current())
    }

    /// The playbook in force with what it has learned, and how far that is behind what was counted.
    #[must_use]
    pub fn learning(&self) -> Option<(Active, EvidenceStanding)> {
        self.current().map(|serving| (serving.playbook.current(), serving.region.evidence()))
    }

    /// Whether customers are served; else why not.
    ///
    /// # Errors
    /// [`CallError::NoPlaybook`], [`CallError::Stopping`], [`CallError::StoreAway`].
    pub fn ready(&self) -> Result<(), CallError> {
        self.serving()?;
        if self.store_answers.load(Ordering::Acquire) { Ok(()) } else { Err(CallError::StoreAway) }
    }

    /// Notes whether the store answers. Calls are let through either way: each hears for itself.
    pub fn note_store(&self, answers: bool) {
        self.store_answers.store(answers, Ordering::Release);
    }

    /// This node's view of the cluster.
    #[must_use]
    pub fn ownership(&self) -> &cluster::Handle {
        &self.ownership
    }

    /// Calls admitted and not yet answered.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.admission.in_hand()
    }

    /// What is in memory.
    #[must_use]
    pub fn residency(&self) -> Residency {
        self.current().map(|serving| serving.region.residency()).unwrap_or_default()
    }

    /// Refuses every call from now on.
    pub fn stop_taking_work(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether calls are refused because the node stops.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits for the turns in hand, at most `patience_ms`. Returns how many were left then.
    pub async fn drain(&self, patience_ms: u64) -> u64 {
        match self.current() {
            Some(serving) => serving.region.drain(patience_ms).await,
            None => 0,
        }
    }

    fn serving(&self) -> Result<Arc<Serving>, CallError> {
        if self.stopping() {
            return Err(CallError::Stopping);
        }
        self.current().ok_or(CallError::NoPlaybook)
    }

    fn current(&self) -> Option<Arc<Serving>> {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn overloaded(&self) -> CallError {
        metrics::refused();
        TurnError::Overloaded { what: "calls in hand of the node", retry_after_ms: self.retry_after_ms }
            .into()
    }
}
