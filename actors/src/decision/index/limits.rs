//! Limits on one number, sorted: the offers that a number fails are the first so many of a list.
//!
//! Long lists have checkpoints, the set of the first so many, so that a number far up the list costs no more than one near
//! its beginning.

use super::bits::Bits;

/// Limits that a number must not exceed, smallest first.
#[derive(Debug, Default)]
pub struct Limits {
    limits: Box<[f64]>,
    offers: Box<[u32]>,
    /// The offers of the first `step`, `2 * step`, ... limits.
    checkpoints: Box<[Bits]>,
    step: usize,
}

impl Limits {
    /// Sorts limits of offers, out of so many.
    #[must_use]
    pub fn of(mut list: Vec<(f64, u32)>, offers: usize) -> Limits {
        list.sort_unstable_by(|(a, x), (b, y)| a.total_cmp(b).then(x.cmp(y)));
        // A checkpoint costs as much to use as about this many single offers, and as much memory as this step allows:
        // some 20 bytes a limit.
        let step = (offers.div_ceil(64) * 2 / 5).max(64);
        let mut checkpoints = Vec::with_capacity(list.len() / step);
        let mut first = Bits::none(offers);
        for (ix, (_, offer)) in list.iter().enumerate() {
            first.insert(*offer);
            if (ix + 1) % step == 0 {
                checkpoints.push(first.clone());
            }
        }
        Limits {
            limits: list.iter().map(|(limit, _)| *limit).collect(),
            offers: list.iter().map(|(_, offer)| *offer).collect(),
            checkpoints: checkpoints.into(),
            step,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }

    /// Adds the offers whose limit the number exceeds.
    pub fn add_failing(&self, number: f64, fail: &mut Bits) {
        let exceeded = self.limits.partition_point(|limit| *limit < number);
        let mut from = 0;
        if let Some(checkpoint) = (exceeded / self.step.max(1)).checked_sub(1) {
            fail.add(&self.checkpoints[checkpoint]);
            from = (checkpoint + 1) * self.step;
        }
        for offer in &self.offers[from..exceeded] {
            fail.insert(*offer);
        }
    }

    /// Adds all offers that have a limit.
    pub fn add_all(&self, set: &mut Bits) {
        self.offers.iter().for_each(|offer| set.insert(*offer));
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let checkpoint = self.checkpoints.first().map_or(0, |bits| bits.words().len() * 8);
        self.limits.len() * 12 + self.checkpoints.len() * checkpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_fails_exactly_the_limits_below_it() {
        let list: Vec<(f64, u32)> = (0..500).map(|n| (f64::from(n * 7 % 100), n as u32)).collect();
        let limits = Limits::of(list.clone(), 500);
        assert!(!limits.checkpoints.is_empty());
        for number in [-1.0, 0.0, 0.5, 1.0, 42.0, 42.5, 99.0, 100.0] {
            let mut fail = Bits::none(500);
            limits.add_failing(number, &mut fail);
            let expected: Vec<u32> =
                list.iter().filter(|(limit, _)| number > *limit).map(|(_, offer)| *offer).collect();
            assert_eq!(fail.iter().collect::<Vec<_>>(), expected, "{number}");
        }
    }
}
