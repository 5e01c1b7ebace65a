//! A shard: the actor that hosts a fixed slice of the customers.
//!
//! The actor only takes calls from its mailbox; what waits for a customer waits in the activation table, because async
//! handlers of one actor overtake each other. Leaves out the turn itself ([`turn`]).

pub mod activation;
pub(crate) mod totals;
pub mod passivation;
pub mod turn;

use crate::call::{Answer, CustomerCall, CustomerId};
use crate::error::TurnError;
use crate::region::Shared;
use activation::{Activations, Arrival};
use actix::ResponseFuture;
use actix::{Actor, Context, Handler, Message};
use passivation::Resident;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::oneshot;
use totals::Slices;

/// A call and who waits for its answer.
pub(crate) struct Waiting {
    pub call: CustomerCall,
    pub reply: oneshot::Sender<Result<Answer, TurnError>>,
}

impl Message for Waiting {
    type Result = ();
}

/// A shard's state. Lives on one thread; customers of the shard take their turns side by side while they wait for the
/// store.
pub(crate) struct Shard {
    pub id: cluster::ShardId,
    pub epoch: cluster::Epoch,
    pub shared: Arc<Shared>,
    pub activations: RefCell<Activations>,
    pub resident: RefCell<Resident>,
    pub slices: RefCell<Slices>,
}

impl Shard {
    pub fn new(id: cluster::ShardId, epoch: cluster::Epoch, shared: Arc<Shared>) -> Rc<Self> {
        let activations = RefCell::new(Activations::new(shared.options.waiting_per_customer_max));
        Rc::new(Shard {
            id,
            epoch,
            shared,
            activations,
            resident: RefCell::default(),
            slices: RefCell::default(),
        })
    }

    /// Lets a call wait for its customer, and wakes the customer if nobody was waiting.
    pub fn take(self: &Rc<Self>, waiting: Waiting) {
        let customer = waiting.call.customer.clone();
        let arrival = self.activations.borrow_mut().arrive(waiting);
        match arrival {
            Arrival::First => {
                let shard = Rc::clone(self);
                tokio::task::spawn_local(async move { shard.serve(&customer).await });
            }
            Arrival::Queued => {}
            Arrival::Refused(waiting) => {
                let refused =
                    TurnError::Overloaded { what: "the queue of this customer", retry_after_ms: 1_000 };
                let _ = waiting.reply.send(Err(refused));
            }
        }
    }

    /// One turn at a time, in the order of arrival, until nobody waits (I3).
    async fn serve(self: Rc<Self>, customer: &CustomerId) {
        loop {
            let next = self.activations.borrow_mut().next(customer);
            let Some(waiting) = next else { return };
            let result = self.turn(waiting.call).await;
            let failed = result.as_ref().err().cloned();
            let _ = waiting.reply.send(result);
            if let Some(error) = failed {
                self.fail_waiting(customer, &error);
            }
            self.passivate();
        }
    }

    /// The store did not take a turn: what waits behind it is told so at once, rather than one time-out after the other.
    /// None of it was begun.
    fn fail_waiting(&self, customer: &CustomerId, error: &TurnError) {
        let told = match error {
            TurnError::MaybeApplied(detail) | TurnError::Unavailable(detail) => {
                TurnError::Unavailable(format!("the turn before failed: {detail}"))
            }
            TurnError::NotOwner { .. } | TurnError::Corrupt(_) => error.clone(),
            TurnError::Overloaded { .. } | TurnError::DeadlinePassed => return,
        };
        for waiting in self.activations.borrow_mut().take_all(customer) {
            let _ = waiting.reply.send(Err(told.clone()));
        }
    }
}

/// The actix actor around a shard.
pub(crate) struct ShardActor {
    shard: Rc<Shard>,
}

impl ShardActor {
    pub fn new(shard: Rc<Shard>) -> Self {
        ShardActor { shard }
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;
}

impl Handler<Waiting> for ShardActor {
    type Result = ();

    fn handle(&mut self, waiting: Waiting, _context: &mut Context<Self>) {
        self.shard.take(waiting);
    }
}

/// Gives what is left of totals back before the shard stops; calls have ended. Waits for the store until the deadline.
pub(crate) struct GiveBack {
    pub deadline: tokio::time::Instant,
}

impl Message for GiveBack {
    type Result = ();
}

impl Handler<GiveBack> for ShardActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, message: GiveBack, _context: &mut Context<Self>) -> ResponseFuture<()> {
        let shard = Rc::clone(&self.shard);
        Box::pin(async move { shard.give_back(message.deadline).await })
    }
}
