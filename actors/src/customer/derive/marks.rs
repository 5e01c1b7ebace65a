//! What removals leave behind, so that an event which comes late can't bring back what a newer one took away.
//!
//! A mark is kept as long as an event may be late, and there are never more than [`MARKS_MAX`] of a kind: beyond that the
//! oldest goes first.

use crate::options::LATE_MAX_MS;
use crate::playbook::TagNumber;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Marks of tags, and of products, that one customer keeps at most: 512 each, some 5 KB at the worst.
pub const MARKS_MAX: usize = 512;

/// From when on tags count, and since when products are owned or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Marks {
    tags: BTreeMap<TagNumber, Timestamp>,
    products: BTreeMap<Name, Timestamp>,
}

impl Marks {
    /// Whether something of that time came before the tag was removed or begun anew, and so counts no more.
    #[must_use]
    pub fn outdate(&self, tag: TagNumber, at: Timestamp) -> bool {
        self.tags.get(&tag).is_some_and(|begun_at| at < *begun_at)
    }

    /// From when on the tag counts, if something was removed or begun anew.
    #[must_use]
    pub fn begun_at(&self, tag: TagNumber) -> Option<Timestamp> {
        self.tags.get(&tag).copied()
    }

    /// Nothing before `at` counts for the tag any more. Whether that is news.
    pub fn begin(&mut self, tag: TagNumber, at: Timestamp) -> bool {
        if self.tags.get(&tag).is_some_and(|begun_at| *begun_at >= at) {
            return false;
        }
        self.tags.insert(tag, at);
        drop_oldest(&mut self.tags);
        true
    }

    /// The tag has a value with a time of its own again, no older than the mark.
    pub fn settle(&mut self, tag: TagNumber) {
        self.tags.remove(&tag);
    }

    /// Notes that the product was got or given up at that time; `false` when something newer is known of it.
    pub fn note_product(&mut self, product: &Name, at: Timestamp) -> bool {
        if self.products.get(product).is_some_and(|known_at| *known_at > at) {
            return false;
        }
        self.products.insert(Name::clone(product), at);
        drop_oldest(&mut self.products);
        true
    }

    /// Also keeps the marks of another.
    pub fn absorb(&mut self, other: &Marks) {
        for (tag, at) in &other.tags {
            self.begin(*tag, *at);
        }
        for (product, at) in &other.products {
            self.note_product(product, *at);
        }
    }

    /// Drops marks that no event can be late for any more.
    pub fn forget_old(&mut self, now: Timestamp) {
        let recent = |at: &Timestamp| now.since_ms(*at) <= LATE_MAX_MS;
        self.tags.retain(|_, at| recent(at));
        self.products.retain(|_, at| recent(at));
    }
}

fn drop_oldest<K: Ord + Clone>(marks: &mut BTreeMap<K, Timestamp>) {
    if marks.len() > MARKS_MAX
        && let Some(oldest) = marks.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone())
    {
        marks.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_bounded_in_number_and_in_time() {
        let mut marks = Marks::default();
        let at = |n: i64| Timestamp::from_ms(n);
        for n in 0..(MARKS_MAX as i64 + 10) {
            marks.begin(TagNumber(n as u32), at(n));
            marks.note_product(&format!("p{n}").into(), at(n));
        }
        assert_eq!((marks.tags.len(), marks.products.len()), (MARKS_MAX, MARKS_MAX));
        assert!(!marks.outdate(TagNumber(9), at(0)), "the oldest went first");
        assert!(marks.outdate(TagNumber(10), at(9)));
        marks.forget_old(at(LATE_MAX_MS + 100));
        assert!(!marks.outdate(TagNumber(99), at(98)));
        assert!(marks.outdate(TagNumber(100), at(99)));
    }
}
