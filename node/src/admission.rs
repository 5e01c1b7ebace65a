//! How many calls a node has in hand, and who is turned away first when there are too many.
//!
//! Leaves out the queues behind it: a region bounds what waits for a shard and for a customer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How urgent a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Bulk input: streams, batches, imports. Comes again by itself.
    Batch,
    /// Single events and everything that writes.
    Event,
    /// Somebody looks at a screen.
    Decision,
    /// Somebody talks to the customer.
    Care,
}

impl Priority {
    /// The percentage of the bound that this class may fill. The rest is kept for the more urgent.
    fn percent(self) -> usize {
        match self {
            Priority::Batch => 60,
            Priority::Event => 80,
            Priority::Decision => 95,
            Priority::Care => 100,
        }
    }
}

/// Counts the calls in hand.
#[derive(Clone, Debug)]
pub struct Admission {
    in_hand: Arc<AtomicUsize>,
    in_flight_max: usize,
}

/// One call in hand, until dropped.
#[derive(Debug)]
pub struct Ticket(Arc<AtomicUsize>);

impl Admission {
    /// Admits at most `in_flight_max` calls at once.
    #[must_use]
    pub fn new(in_flight_max: usize) -> Self {
        Admission { in_hand: Arc::default(), in_flight_max }
    }

    /// A ticket, or `None` when the share of this class is full. Every class gets at least one.
    #[must_use]
    pub fn admit(&self, priority: Priority) -> Option<Ticket> {
        let share = (self.in_flight_max.saturating_mul(priority.percent()) / 100).max(1);
        let admitted = self
            .in_hand
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| (count < share).then_some(count + 1));
        admitted.is_ok().then(|| Ticket(Arc::clone(&self.in_hand)))
    }

    /// Calls in hand now.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.in_hand.load(Ordering::Acquire)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_input_is_turned_away_before_events_decisions_and_the_care_desk() {
        let admission = Admission::new(100);
        let fill = |priority| std::iter::from_fn(|| admission.admit(priority)).collect::<Vec<_>>();
        let batch = fill(Priority::Batch);
        let tickets = [Priority::Event, Priority::Decision, Priority::Care].map(fill);
        assert_eq!(batch.len(), 60);
        assert_eq!(tickets.each_ref().map(Vec::len), [20, 15, 5]);
        drop(batch);
        assert_eq!(admission.in_hand(), 40);
        assert!(admission.admit(Priority::Batch).is_some());
    }

    #[test]
    fn the_smallest_bound_still_serves_one_call() {
        let admission = Admission::new(1);
        let ticket = admission.admit(Priority::Batch);
        assert!(ticket.is_some());
        assert!(admission.admit(Priority::Care).is_none());
    }
}
