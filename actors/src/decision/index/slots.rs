//! Which tags matter to offers, and what is to be done with each: one look-up a tag of the customer.

use crate::playbook::{Tag, TagNumber};
use std::collections::HashMap;
use std::ops::Range;

/// No slot.
const NONE: u32 = u32::MAX;

/// Slots by tag number.
#[derive(Debug, Default)]
pub struct Slots {
    by_number: Vec<u32>,
    slots: Vec<Slot>,
}

/// What is known of a tag that offers read.
#[derive(Debug, Default)]
pub struct Slot {
    /// Older values count as missing.
    pub age_max_ms: Option<i64>,
    /// Groups of predicates over it: these numbers.
    pub groups: Range<u32>,
    /// Features over it: these numbers.
    pub features: Range<u32>,
}

impl Slots {
    /// The slot of a tag that offers read.
    #[must_use]
    pub fn of(&self, tag: TagNumber) -> Option<u32> {
        self.by_number.get(tag.0 as usize).copied().filter(|slot| *slot != NONE)
    }

    /// A slot by its number.
    #[must_use]
    pub fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    /// All slots, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }

    /// How many tags offers read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether offers read no tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Notes that a group of predicates is about a tag. Groups of one tag come one after the other.
    pub fn add_group(&mut self, tag: TagNumber, group: u32) {
        append(&mut self.slot_mut(tag).groups, group);
    }

    /// Notes that a feature is about a tag. Features of one tag come one after the other.
    pub fn add_feature(&mut self, tag: TagNumber, feature: u32) {
        append(&mut self.slot_mut(tag).features, feature);
    }

    /// Copies from the declared tags how old values may be.
    pub fn learn_ages(&mut self, tags: &HashMap<TagNumber, Tag>) {
        for tag in tags.values() {
            if let Some(slot) = self.of(tag.number) {
                self.slots[slot as usize].age_max_ms = tag.age_max_ms;
            }
        }
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.by_number.len() * 4 + self.slots.len() * size_of::<Slot>()
    }

    fn slot_mut(&mut self, tag: TagNumber) -> &mut Slot {
        let place = tag.0 as usize;
        if place >= self.by_number.len() {
            self.by_number.resize(place + 1, NONE);
        }
        if self.by_number[place] == NONE {
            self.by_number[place] = self.slots.len() as u32;
            self.slots.push(Slot::default());
        }
        &mut self.slots[self.by_number[place] as usize]
    }
}

fn append(numbers: &mut Range<u32>, number: u32) {
    if numbers.start == numbers.end {
        *numbers = number..number;
    }
    assert_eq!(numbers.end, number, "numbers of one tag follow each other");
    numbers.end += 1;
}
