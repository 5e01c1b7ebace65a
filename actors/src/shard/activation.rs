//! Who waits for whom: the queue of each customer that is being served.
//!
//! An idle customer has no queue. Leaves out idle customers ([`super::passivation`]).

use crate::call::CustomerId;
use crate::shard::Waiting;
use std::collections::{HashMap, VecDeque};

/// The customers being served, and what waits for each.
pub(crate) struct Activations {
    queues: HashMap<CustomerId, VecDeque<Waiting>>,
    waiting_per_customer_max: usize,
}

/// What became of a call that arrived.
pub(crate) enum Arrival {
    /// The customer was idle: somebody has to serve it.
    First,
    /// The customer is being served; the call waits.
    Queued,
    /// Too many wait already.
    Refused(Waiting),
}

impl Activations {
    pub fn new(waiting_per_customer_max: usize) -> Self {
        Activations { queues: HashMap::new(), waiting_per_customer_max }
    }

    /// Puts a call at the end of its customer's queue.
    pub fn arrive(&mut self, waiting: Waiting) -> Arrival {
        match self.queues.get_mut(&waiting.call.customer) {
            Some(queue) if queue.len() >= self.waiting_per_customer_max => Arrival::Refused(waiting),
            Some(queue) => {
                queue.push_back(waiting);
                Arrival::Queued
            }
            None => {
                self.queues.insert(waiting.call.customer.clone(), VecDeque::from([waiting]));
                Arrival::First
            }
        }
    }

    /// The next call of a customer; the customer becomes idle when there is none.
    pub fn next(&mut self, customer: &CustomerId) -> Option<Waiting> {
        let next = self.queues.get_mut(customer)?.pop_front();
        if next.is_none() {
            self.queues.remove(customer);
        }
        next
    }

    /// Everything that waits for a customer; the customer stays in service.
    pub fn take_all(&mut self, customer: &CustomerId) -> VecDeque<Waiting> {
        self.queues.get_mut(customer).map(std::mem::take).unwrap_or_default()
    }

    /// Whether the customer is being served.
    pub fn is_served(&self, customer: &CustomerId) -> bool {
        self.queues.contains_key(customer)
    }
}
