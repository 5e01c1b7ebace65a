//! Sets of offers: one bit an offer, or a list where few are meant.

/// A set of offers, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// None of so many offers.
    #[must_use]
    pub fn none(offers: usize) -> Bits {
        Bits(vec![0; offers.div_ceil(64)])
    }

    /// Becomes the empty set over so many offers. Allocates only when it grows.
    pub fn reset(&mut self, offers: usize) {
        self.0.clear();
        self.0.resize(offers.div_ceil(64), 0);
    }

    /// Becomes a copy of another set. Allocates only when it grows.
    pub fn copy_from(&mut self, other: &Bits) {
        self.0.clear();
        self.0.extend_from_slice(&other.0);
    }

    /// Becomes the set of all of so many offers.
    pub fn fill(&mut self, offers: usize) {
        self.reset(offers);
        self.0.fill(u64::MAX);
        if let Some(last) = self.0.last_mut()
            && !offers.is_multiple_of(64)
        {
            *last = (1 << (offers % 64)) - 1;
        }
    }

    /// Puts one offer in.
    pub fn insert(&mut self, offer: u32) {
        self.0[offer as usize / 64] |= 1 << (offer % 64);
    }

    /// Takes one offer out.
    pub fn remove(&mut self, offer: u32) {
        self.0[offer as usize / 64] &= !(1 << (offer % 64));
    }

    /// Whether an offer is in.
    #[must_use]
    pub fn contains(&self, offer: u32) -> bool {
        self.0[offer as usize / 64] & (1 << (offer % 64)) != 0
    }

    /// Puts in all of another set.
    pub fn add(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// Takes out all of another set; how many were taken.
    pub fn subtract(&mut self, other: &Bits) -> usize {
        let mut taken = 0;
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            taken += (*word & other).count_ones();
            *word &= !other;
        }
        taken as usize
    }

    /// Keeps what is in both.
    pub fn intersect(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Keeps what is in one or the other of two sets.
    pub fn keep_either(&mut self, one: &Bits, other: &Bits) {
        for ((word, one), other) in self.0.iter_mut().zip(&one.0).zip(&other.0) {
            *word &= one | other;
        }
    }

    /// How many offers are in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no offer is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The offers in the set, in the order of the playbook.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(place as u32 * 64 + bit)
            })
        })
    }

    /// The words, 64 offers each.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.0
    }

    /// How many words it has room for.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    fn bytes(&self) -> usize {
        self.0.len() * 8
    }
}

/// A set of offers that never changes, in its smaller form.
#[derive(Clone, Debug)]
pub enum Members {
    /// Every offer.
    All,
    /// Many.
    Many(Bits),
    /// Few, in the order of the playbook.
    Few(Box<[u32]>),
}

impl Members {
    /// The set of these offers, out of so many. The list is sorted.
    #[must_use]
    pub fn of(list: Vec<u32>, offers: usize) -> Members {
        debug_assert!(list.is_sorted());
        if list.len() == offers {
            return Members::All;
        }
        if list.len() * 4 <= offers.div_ceil(64) * 8 {
            return Members::Few(list.into());
        }
        let mut bits = Bits::none(offers);
        list.iter().for_each(|offer| bits.insert(*offer));
        Members::Many(bits)
    }

    /// Puts all of them into a set.
    pub fn add_to(&self, set: &mut Bits, offers: usize) {
        match self {
            Members::All => set.fill(offers),
            Members::Many(bits) => set.add(bits),
            Members::Few(list) => list.iter().for_each(|offer| set.insert(*offer)),
        }
    }

    /// Takes all of them out of a set; how many were in it.
    pub fn take_from(&self, set: &mut Bits) -> usize {
        match self {
            Members::All => {
                let taken = set.len();
                set.0.fill(0);
                taken
            }
            Members::Many(bits) => set.subtract(bits),
            Members::Few(list) => list
                .iter()
                .filter(|offer| {
                    let inside = set.contains(**offer);
                    set.remove(**offer);
                    inside
                })
                .count(),
        }
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Members::All => 0,
            Members::Many(bits) => bits.bytes(),
            Members::Few(list) => list.len() * 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_not_taken_out() {
        let mut set = Bits::none(130);
        for offer in [0, 63, 64, 129] {
            set.insert(offer);
        }
        set.remove(64);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 129]);
        assert_eq!((set.len(), set.contains(129), set.contains(64)), (3, true, false));
        let mut other = Bits::none(130);
        other.insert(63);
        other.insert(5);
        assert_eq!(set.subtract(&other), 1);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 129]);
    }

    #[test]
    fn members_are_the_same_in_every_form() {
        for list in [vec![], vec![3, 64], (0..200).step_by(2).collect::<Vec<u32>>(), (0..200).collect()] {
            let members = Members::of(list.clone(), 200);
            let mut set = Bits::none(200);
            members.add_to(&mut set, 200);
            assert_eq!(set.iter().collect::<Vec<_>>(), list);
            assert_eq!(members.take_from(&mut set), list.len());
            assert!(set.is_empty());
        }
    }
}
