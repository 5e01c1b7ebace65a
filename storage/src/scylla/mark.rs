//! The mark of a write: the timestamp that lets a later owner's write win, whatever order they arrive in.
//!
//! `(epoch << 30) | sequence`, smaller than today's microseconds, so clocks play no part. The sequence grows with every
//! write of a customer within an epoch, those included of which nobody knows what became of them: a write that turns up
//! late can then never beat one that was acknowledged after it. Customers share sequences by stripes, so that
//! remembering them takes a fixed megabyte. Leaves out what is written.

use crate::{Fence, StoreError};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SEQUENCE_BITS: u32 = 30;
/// Epochs from here on would make marks larger than today's microseconds since 1970.
const EPOCH_END: u64 = 1 << 20;
/// At 20,000 saves a second a stripe's sequence lasts 27 years.
const STRIPES: usize = 1 << 14;

/// When a write happened, in the order of owners and of their writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Mark(pub u64);

impl Mark {
    /// Before every write.
    pub const NEVER: Mark = Mark(0);

    /// The owner's epoch.
    pub fn fence(self) -> Fence {
        Fence(self.0 >> SEQUENCE_BITS)
    }

    /// As the server takes it: it reads microseconds.
    pub fn timestamp(self) -> i64 {
        self.0 as i64
    }

    /// From what the server tells of a cell.
    pub fn from_timestamp(timestamp: i64) -> Mark {
        Mark(u64::try_from(timestamp).unwrap_or(0))
    }
}

/// What this process has read and written lately, by stripes of a customer's key.
pub(super) struct Marks {
    stripes: Vec<Mutex<Stripe>>,
}

#[derive(Default)]
struct Stripe {
    sequence: u64,
    /// Who was read or written last, and the mark of that. One customer a stripe is enough: the mark is asked for right
    /// after a read.
    latest: (u64, Mark),
    /// Whose last write has an outcome nobody knows.
    doubtful: Vec<u64>,
    /// More were in doubt than are remembered one by one: everybody is.
    all_doubtful: bool,
}

/// A stripe remembers so many doubtful customers by name; a dead server leaves a handful a stripe.
const DOUBTFUL_MAX: usize = 64;

/// A write about to be sent. Dropped before its outcome is known, it leaves its customer in doubt.
pub(super) struct Attempt<'a> {
    /// Under which mark.
    pub mark: Mark,
    key: u64,
    marks: &'a Marks,
    settled: bool,
}

impl Marks {
    pub fn new() -> Marks {
        Marks { stripes: (0..STRIPES).map(|_| Mutex::default()).collect() }
    }

    /// Notes the mark under which a customer was read, [`Mark::NEVER`] for one who is not there. Whoever goes on from it
    /// writes above it, even in a process that goes on under an epoch of before.
    pub fn read(&self, key: u64, mark: Mark) {
        let mut stripe = self.stripe(key);
        stripe.latest = (key, mark);
        stripe.sequence = stripe.sequence.max(mark.0 % EPOCH_UNIT);
    }

    /// The customer's last mark, where it is still known.
    pub fn known(&self, key: u64) -> Option<Mark> {
        let (whose, mark) = self.stripe(key).latest;
        (whose == key).then_some(mark)
    }

    /// Whether the customer's last write may or may not have been applied, or still be on its way.
    pub fn in_doubt(&self, key: u64) -> bool {
        let stripe = self.stripe(key);
        stripe.all_doubtful || stripe.doubtful.contains(&key)
    }

    /// The mark of the next write of a customer under `fence`.
    ///
    /// Errors: [`Fenced`](StoreError::Fenced) when the customer is known to have a newer owner;
    /// [`Unavailable`](StoreError::Unavailable) when epoch or sequence have run out.
    pub fn attempt(&self, key: u64, fence: Fence) -> Result<Attempt<'_>, StoreError> {
        if let Some(stored) = self.known(key).map(Mark::fence).filter(|stored| *stored > fence) {
            return Err(StoreError::Fenced { stored, ours: fence });
        }
        if fence.0 >= EPOCH_END {
            let what = format!("epoch {} is beyond the last one, {}", fence.0, EPOCH_END - 1);
            return Err(StoreError::Unavailable(what));
        }
        let mut stripe = self.stripe(key);
        let sequence = stripe.sequence + 1;
        if sequence >= EPOCH_UNIT {
            return Err(StoreError::Unavailable(
                "the sequence of marks has run out for some customers".into(),
            ));
        }
        let mark = Mark((fence.0 << SEQUENCE_BITS) | sequence);
        stripe.sequence = sequence;
        stripe.latest = (key, mark);
        drop(stripe);
        Ok(Attempt { mark, key, marks: self, settled: false })
    }

    fn stripe(&self, key: u64) -> MutexGuard<'_, Stripe> {
        self.stripes[(key % STRIPES as u64) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One epoch's share of all marks.
const EPOCH_UNIT: u64 = 1 << SEQUENCE_BITS;

impl Attempt<'_> {
    /// The write was applied, and it replaced the whole customer or built on what is certain.
    pub fn applied(mut self) {
        self.settled = true;
        let key = self.key;
        self.marks.stripe(key).doubtful.retain(|other| *other != key);
    }

    /// Certainly nothing was written.
    pub fn not_applied(mut self) {
        self.settled = true;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut stripe = self.marks.stripe(self.key);
        if stripe.doubtful.len() >= DOUBTFUL_MAX {
            stripe.all_doubtful = true;
        } else if !stripe.doubtful.contains(&self.key) {
            stripe.doubtful.push(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: u64 = 7;

    fn attempt(marks: &Marks, fence: u64) -> Attempt<'_> {
        marks.attempt(KEY, Fence(fence)).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn marks_grow_within_an_epoch_and_a_higher_epoch_is_above_all_of_it() {
        let marks = Marks::new();
        let mut last = Mark::NEVER;
        for fence in [1, 1, 2, 2, 2, 700_000, (1 << 20) - 1] {
            let attempt = attempt(&marks, fence);
            assert!(attempt.mark > last && attempt.mark.fence() == Fence(fence));
            last = attempt.mark;
            attempt.applied();
        }
        // Microseconds since 1970, in September 2005: a plain write of today is above every mark.
        assert!(last.timestamp() < 1_126_000_000_000_000);
    }

    #[test]
    fn a_known_newer_owner_is_heard_of_before_anything_is_sent() {
        let marks = Marks::new();
        marks.read(KEY, Mark((5 << 30) | 3));
        let fenced = StoreError::Fenced { stored: Fence(5), ours: Fence(4) };
        assert_eq!(marks.attempt(KEY, Fence(4)).err(), Some(fenced));
        assert_eq!(attempt(&marks, 5).mark, Mark((5 << 30) | 4), "above what was read in this epoch");
    }

    #[test]
    fn an_attempt_that_nobody_heard_of_leaves_doubt_until_a_later_one_is_applied() {
        let marks = Marks::new();
        attempt(&marks, 1).applied();
        let lost = attempt(&marks, 1).mark;
        marks.read(KEY, Mark((1 << 30) | 1));
        assert!(marks.in_doubt(KEY));
        let refused = attempt(&marks, 1);
        assert!(refused.mark > lost);
        refused.not_applied();
        assert!(marks.in_doubt(KEY) && !marks.in_doubt(KEY + STRIPES as u64));
        attempt(&marks, 1).applied();
        assert!(!marks.in_doubt(KEY));
    }

    #[test]
    fn doubt_is_bounded_and_errs_on_the_safe_side() {
        let marks = Marks::new();
        for n in 0..=DOUBTFUL_MAX as u64 {
            drop(marks.attempt(KEY + n * STRIPES as u64, Fence(1)));
        }
        assert!(marks.in_doubt(KEY + 1000 * STRIPES as u64));
        assert!(!marks.in_doubt(KEY + 1));
    }

    #[test]
    fn what_has_run_out_is_refused() {
        let marks = Marks::new();
        assert!(matches!(marks.attempt(KEY, Fence(1 << 20)), Err(StoreError::Unavailable(_))));
        marks.read(KEY, Mark((3 << 30) | ((1 << 30) - 1)));
        assert!(matches!(marks.attempt(KEY, Fence(3)), Err(StoreError::Unavailable(_))));
    }
}
