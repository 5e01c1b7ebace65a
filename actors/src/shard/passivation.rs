//! Customers in memory between their turns, and which of them go first when memory is short.
//!
//! An idle customer is its encoded state and little more. One that was used only once (a mass import passes by) goes
//! before one that was used again: each further use is worth one more round of the clock hand.

use crate::call::CustomerId;
use crate::customer::snapshot::Snapshot;
use crate::shard::Shard;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;

/// What is kept beside an idle customer's encoded state and id, bytes: two table places, two reference counts.
const OVERHEAD_BYTES: usize = 128;
/// Further uses that count at most.
const USES_MAX: u8 = 3;

/// A shard's idle customers.
#[derive(Default)]
pub(crate) struct Resident {
    customers: HashMap<CustomerId, Idle>,
    /// The clock: customers in the order in which they are looked at. Those that are gone are skipped.
    hand: VecDeque<CustomerId>,
    bytes: u64,
}

/// An idle customer.
#[derive(Clone)]
pub(crate) struct Idle {
    pub snapshot: Snapshot,
    pub revision: u64,
    uses: u8,
}

impl Resident {
    /// Looks a customer up and counts the use.
    pub fn touch(&mut self, customer: &CustomerId) -> Option<Idle> {
        let idle = self.customers.get_mut(customer)?;
        idle.uses = (idle.uses + 1).min(USES_MAX);
        Some(idle.clone())
    }

    /// Keeps a customer's state; it replaces the one before.
    pub fn keep(&mut self, customer: &CustomerId, snapshot: Snapshot, revision: u64) {
        self.bytes += weight(customer, &snapshot);
        match self.customers.get_mut(customer) {
            Some(idle) => {
                self.bytes -= weight(customer, &idle.snapshot);
                (idle.snapshot, idle.revision) = (snapshot, revision);
            }
            None => {
                self.hand.push_back(customer.clone());
                self.customers.insert(customer.clone(), Idle { snapshot, revision, uses: 0 });
            }
        }
    }

    /// Forgets a customer: the next call reads again.
    pub fn forget(&mut self, customer: &CustomerId) {
        if let Some(idle) = self.customers.remove(customer) {
            self.bytes -= weight(customer, &idle.snapshot);
            self.hand.retain(|other| other != customer);
        }
    }

    /// Makes room for `bytes`, passing over customers in service.
    fn make_room(&mut self, bytes: u64, is_served: impl Fn(&CustomerId) -> bool) {
        let target = self.bytes.saturating_sub(bytes);
        let looks_max = self.hand.len() * (usize::from(USES_MAX) + 1);
        for _ in 0..looks_max {
            if self.bytes <= target {
                return;
            }
            let Some(customer) = self.hand.pop_front() else { return };
            let Some(idle) = self.customers.get_mut(&customer) else { continue };
            if idle.uses > 0 || is_served(&customer) {
                idle.uses = idle.uses.saturating_sub(1);
                self.hand.push_back(customer);
            } else if let Some(idle) = self.customers.remove(&customer) {
                self.bytes -= weight(&customer, &idle.snapshot);
            }
        }
    }

    fn size(&self) -> (u64, u64) {
        (self.customers.len() as u64, self.bytes)
    }
}

impl Shard {
    /// Keeps the node within its budget: whoever brought it over makes room in its own shard.
    pub(super) fn passivate(&self) {
        let over = self
            .shared
            .resident_bytes
            .load(Ordering::Relaxed)
            .saturating_sub(self.shared.options.resident_bytes_max);
        if over > 0 {
            let activations = self.activations.borrow();
            self.counted(|resident| resident.make_room(over, |customer| activations.is_served(customer)));
        }
    }

    /// Changes what is resident and keeps the node's counts true.
    pub(super) fn counted<T>(&self, change: impl FnOnce(&mut Resident) -> T) -> T {
        let mut resident = self.resident.borrow_mut();
        let (customers, bytes) = resident.size();
        let changed = change(&mut resident);
        let (customers_now, bytes_now) = resident.size();
        self.shared.resident_customers.fetch_add(customers_now.wrapping_sub(customers), Ordering::Relaxed);
        self.shared.resident_bytes.fetch_add(bytes_now.wrapping_sub(bytes), Ordering::Relaxed);
        changed
    }
}

fn weight(customer: &CustomerId, snapshot: &Snapshot) -> u64 {
    (OVERHEAD_BYTES + customer.as_str().len() + snapshot.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> CustomerId {
        CustomerId::new(&format!("customer {n}")).expect("an id")
    }

    fn keep(resident: &mut Resident, n: usize) {
        resident.keep(&id(n), Snapshot::unchecked(vec![0; 1000]), 1);
    }

    #[test]
    fn a_scan_does_not_push_out_those_in_use() {
        let mut resident = Resident::default();
        for n in 0..10 {
            keep(&mut resident, n);
            resident.touch(&id(n));
        }
        let budget = resident.bytes;
        for n in 10..1000 {
            keep(&mut resident, n);
            let over = resident.bytes - budget;
            resident.make_room(over, |_| false);
            for hot in 0..10 {
                assert!(resident.touch(&id(hot)).is_some(), "{hot} was pushed out by {n}");
            }
        }
        assert!(resident.bytes <= budget);
    }

    #[test]
    fn bytes_are_counted_and_given_back() {
        let mut resident = Resident::default();
        for n in 0..5 {
            keep(&mut resident, n);
        }
        resident.keep(&id(0), Snapshot::unchecked(vec![0; 10]), 2);
        assert_eq!(resident.touch(&id(0)).map(|idle| idle.revision), Some(2));
        for n in 0..5 {
            resident.forget(&id(n));
        }
        assert_eq!(resident.size(), (0, 0));
    }

    #[test]
    fn a_customer_in_service_stays() {
        let mut resident = Resident::default();
        for n in 0..3 {
            keep(&mut resident, n);
        }
        resident.make_room(u64::MAX, |customer| *customer == id(1));
        assert_eq!(resident.customers.keys().collect::<Vec<_>>(), [&id(1)]);
    }
}
