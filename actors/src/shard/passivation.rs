//! Customers in memory between their turns, and which of them go first when memory is short.
//!
//! An idle customer is its encoded state and little more. Those seen once are kept apart from those used again, and go
//! first: however many a mass import brings, they push out each other and not the customers in use, whose number it
//! does not even look at while the newcomers hold their share of the memory.

use crate::call::CustomerId;
use crate::customer::snapshot::Snapshot;
use crate::shard::Shard;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;

/// What is kept beside an idle customer's encoded state and id, bytes: its slot, its places in table and queue, and two
/// allocations with their counts.
const OVERHEAD_BYTES: usize = 128;
/// Further uses that count at most.
const USES_MAX: u8 = 3;
/// Newcomers go first while they hold at least one part in so many of a shard's bytes.
const NEWCOMERS_SHARE: u64 = 10;
/// Newcomers that were let go lately and are known again when they come back: they are used again after all. As many as
/// half the customers of the shard, and at most this many: a list of 4 KiB is soon looked through.
const GONE_MAX: usize = 1_024;

/// A shard's idle customers.
#[derive(Default)]
pub struct Resident {
    slots: Vec<Slot>,
    /// Slots by the hash of their customer. Of two customers with one hash only the later is resident.
    by_hash: HashMap<u64, u32>,
    /// Slots without a customer. One that still stands in a queue gives its place there to its next customer.
    empty: Vec<u32>,
    newcomers: VecDeque<u32>,
    proven: VecDeque<u32>,
    /// Newcomers that were let go, as halves of their hashes.
    gone: VecDeque<u32>,
    newcomer_bytes: u64,
    bytes: u64,
}

struct Slot {
    idle: Option<(CustomerId, Idle)>,
    uses: u8,
    queue: Queue,
}

/// In which queue a slot stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    Newcomers,
    Proven,
    Neither,
}

/// An idle customer.
#[derive(Clone)]
pub struct Idle {
    /// Its state.
    pub snapshot: Snapshot,
    /// How many turns of it were saved.
    pub revision: u64,
}

impl Resident {
    /// Looks a customer up and counts the use.
    pub fn touch(&mut self, customer: &CustomerId) -> Option<Idle> {
        let ix = self.find(customer)?;
        let slot = &mut self.slots[ix as usize];
        slot.uses = (slot.uses + 1).min(USES_MAX);
        slot.idle.as_ref().map(|(_, idle)| idle.clone())
    }

    /// Keeps a customer's state; it replaces the one before.
    pub fn keep(&mut self, customer: &CustomerId, snapshot: Snapshot, revision: u64) {
        let idle = Idle { snapshot, revision };
        match self.find(customer) {
            Some(ix) => self.fill(ix, customer, idle),
            None => {
                let hash = customer.hash64();
                if let Some(other) = self.by_hash.remove(&hash) {
                    self.clear(other);
                }
                let ix = self.empty.pop().unwrap_or_else(|| self.new_slot());
                self.by_hash.insert(hash, ix);
                self.slots[ix as usize].uses = 0;
                if self.slots[ix as usize].queue == Queue::Neither {
                    let came_back = self.came_back(hash);
                    self.enqueue(ix, if came_back { Queue::Proven } else { Queue::Newcomers });
                }
                self.fill(ix, customer, idle);
            }
        }
    }

    /// Forgets a customer: the next call reads again.
    pub fn forget(&mut self, customer: &CustomerId) {
        if let Some(ix) = self.find(customer) {
            self.by_hash.remove(&customer.hash64());
            self.clear(ix);
        }
    }

    /// How many customers there are, and their bytes.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.by_hash.len() as u64, self.bytes)
    }

    /// Makes room for `bytes`, passing over customers in service.
    fn make_room(&mut self, bytes: u64, is_served: impl Fn(&CustomerId) -> bool) {
        let target = self.bytes.saturating_sub(bytes);
        let looks_max = self.slots.len() * (usize::from(USES_MAX) + 2);
        for _ in 0..looks_max {
            if self.bytes <= target {
                return;
            }
            let from = self.next_queue();
            let Some(ix) = self.queue(from).pop_front() else { return };
            let slot = &mut self.slots[ix as usize];
            let Some((customer, _)) = &slot.idle else {
                slot.queue = Queue::Neither;
                continue;
            };
            if is_served(customer) {
                self.queue(from).push_back(ix);
            } else if slot.uses == 0 {
                self.let_go(ix, from);
            } else {
                self.stay(ix, from);
            }
        }
    }

    /// Newcomers go first, unless hardly any are left.
    fn next_queue(&self) -> Queue {
        let many = self.newcomer_bytes.saturating_mul(NEWCOMERS_SHARE) >= self.bytes;
        if self.proven.is_empty() || (many && !self.newcomers.is_empty()) {
            Queue::Newcomers
        } else {
            Queue::Proven
        }
    }

    fn queue(&mut self, queue: Queue) -> &mut VecDeque<u32> {
        match queue {
            Queue::Proven => &mut self.proven,
            Queue::Newcomers | Queue::Neither => &mut self.newcomers,
        }
    }

    /// A newcomer that was used again has proven itself; each further use of a proven one is worth one more round.
    fn stay(&mut self, ix: u32, from: Queue) {
        let slot = &mut self.slots[ix as usize];
        slot.uses -= 1;
        if from == Queue::Newcomers {
            self.newcomer_bytes -= self.weight(ix);
        }
        self.enqueue(ix, Queue::Proven);
    }

    fn let_go(&mut self, ix: u32, from: Queue) {
        self.slots[ix as usize].queue = from;
        if let Some((customer, _)) = &self.slots[ix as usize].idle {
            let hash = customer.hash64();
            self.by_hash.remove(&hash);
            if from == Queue::Newcomers {
                self.gone.push_back(hash as u32);
                while self.gone.len() > GONE_MAX.min(self.slots.len() / 2 + 1) {
                    self.gone.pop_front();
                }
            }
        }
        self.clear(ix);
        self.slots[ix as usize].queue = Queue::Neither;
    }

    fn came_back(&mut self, hash: u64) -> bool {
        let place = self.gone.iter().position(|gone| *gone == hash as u32);
        place.and_then(|ix| self.gone.remove(ix)).is_some()
    }

    fn find(&self, customer: &CustomerId) -> Option<u32> {
        let ix = *self.by_hash.get(&customer.hash64())?;
        let (there, _) = self.slots[ix as usize].idle.as_ref()?;
        (there == customer).then_some(ix)
    }

    fn new_slot(&mut self) -> u32 {
        if self.slots.len() == self.slots.capacity() {
            // By an eighth, not by doubling: half a table of nothing would be memory that customers could use.
            self.slots.reserve_exact(self.slots.len() / 8 + 4);
        }
        self.slots.push(Slot { idle: None, uses: 0, queue: Queue::Neither });
        (self.slots.len() - 1) as u32
    }

    /// Puts a slot at the end of a queue. Its bytes are counted when it is filled, unless they were before.
    fn enqueue(&mut self, ix: u32, queue: Queue) {
        self.slots[ix as usize].queue = queue;
        self.queue(queue).push_back(ix);
    }

    fn fill(&mut self, ix: u32, customer: &CustomerId, idle: Idle) {
        self.uncount(ix);
        self.slots[ix as usize].idle = Some((customer.clone(), idle));
        self.count(ix);
    }

    fn clear(&mut self, ix: u32) {
        self.uncount(ix);
        self.slots[ix as usize].idle = None;
        self.empty.push(ix);
    }

    fn count(&mut self, ix: u32) {
        let weight = self.weight(ix);
        self.bytes += weight;
        if self.slots[ix as usize].queue == Queue::Newcomers {
            self.newcomer_bytes += weight;
        }
    }

    fn uncount(&mut self, ix: u32) {
        let weight = self.weight(ix);
        self.bytes -= weight;
        if self.slots[ix as usize].queue == Queue::Newcomers {
            self.newcomer_bytes -= weight;
        }
    }

    /// What a slot's customer takes; nothing for an empty one.
    fn weight(&self, ix: u32) -> u64 {
        let idle = self.slots[ix as usize].idle.as_ref();
        idle.map_or(0, |(customer, idle)| weight(customer, &idle.snapshot))
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

    fn scan(resident: &mut Resident, budget: u64, customers: std::ops::Range<usize>) {
        for n in customers {
            keep(resident, n);
            resident.make_room(resident.bytes.saturating_sub(budget), |_| false);
            assert!(resident.bytes <= budget);
        }
    }

    fn left(resident: &Resident, customers: std::ops::Range<usize>) -> usize {
        customers.filter(|n| resident.find(&id(*n)).is_some()).count()
    }

    /// Not one of the hot customers is touched while the scan runs.
    #[test]
    fn a_scan_does_not_push_out_those_in_use() {
        let mut resident = Resident::default();
        for n in 0..100 {
            keep(&mut resident, n);
            resident.touch(&id(n));
        }
        let budget = resident.bytes * 5 / 4;
        scan(&mut resident, budget, 1_000..50_000);
        assert_eq!(left(&resident, 0..100), 100);
        assert!(resident.slots.len() <= 130, "slots are used again: {}", resident.slots.len());
    }

    #[test]
    fn what_was_in_use_once_goes_when_others_are_in_use() {
        let mut resident = Resident::default();
        for n in 0..100 {
            keep(&mut resident, n);
            resident.touch(&id(n));
        }
        let budget = resident.bytes;
        for n in 1_000..2_000 {
            scan(&mut resident, budget, n..n + 1);
            resident.touch(&id(n));
            resident.touch(&id(n));
        }
        assert_eq!(left(&resident, 0..100), 0);
        assert!(left(&resident, 1_000..2_000) >= 95);
    }

    /// A newcomer that is let go and comes back soon is not let go again at once.
    #[test]
    fn who_comes_back_soon_has_proven_itself() {
        let mut resident = Resident::default();
        for n in 0..100 {
            keep(&mut resident, n);
        }
        let budget = resident.bytes;
        scan(&mut resident, budget, 100..110);
        let came_back = (0..10).find(|n| resident.find(&id(*n)).is_none()).expect("somebody went");
        keep(&mut resident, came_back);
        scan(&mut resident, budget, 200..5_000);
        assert!(resident.find(&id(came_back)).is_some());
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
        assert_eq!((resident.size(), resident.newcomer_bytes), ((0, 0), 0));
        for n in 0..1_000 {
            keep(&mut resident, n % 7);
            resident.forget(&id(n % 7));
        }
        assert!(resident.slots.len() <= 5, "a forgotten customer's slot is used again");
    }

    #[test]
    fn a_customer_in_service_stays() {
        let mut resident = Resident::default();
        for n in 0..3 {
            keep(&mut resident, n);
        }
        resident.make_room(u64::MAX, |customer| *customer == id(1));
        assert_eq!((left(&resident, 0..3), left(&resident, 1..2)), (1, 1));
    }
}
