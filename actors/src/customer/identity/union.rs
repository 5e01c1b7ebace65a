//! What two customers are together, and what each gets back.
//!
//! What protects is a union and stays one: refusals, consents, contacts, ids heard. What describes is taken from whoever knew
//! it last, and both what was taken and what it replaced are remembered, so that it can be given up again as long as
//! nobody has changed it since.

use crate::call::CustomerId;
use crate::customer::Customer;
use crate::customer::tags::TagVector;
use crate::playbook::TagNumber;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;

/// What a survivor took over, and what it had instead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TakenOver {
    /// Tags and what they are derived of, as taken: a customer that has nothing else.
    taken: ByteBuf,
    /// What the survivor had of the same tags.
    replaced: ByteBuf,
    /// Products that only the other had.
    products: BTreeSet<Name>,
    /// All products of the other.
    owned: BTreeSet<Name>,
}

impl Customer {
    /// Takes all of another customer over.
    pub(super) fn unite(&mut self, other: &Customer) -> TakenOver {
        self.protect_like(other);
        self.changed_for_decisions();
        let (mut taken, mut replaced) = (Customer::new(&self.id), Customer::new(&self.id));
        let tags: BTreeSet<TagNumber> =
            other.tags.iter().map(|entry| entry.number).chain(other.derivations.tags()).collect();
        for tag in tags {
            let as_of = other.known_at(tag);
            let outdated = as_of.is_none_or(|as_of| self.derivations.marks.outdate(tag, as_of));
            if !outdated && as_of > self.known_at(tag) {
                taken.take_tag(other, tag);
                replaced.take_tag(self, tag);
                self.take_tag(other, tag);
            }
        }
        self.derivations.marks.absorb(&other.derivations.marks);
        let products: BTreeSet<Name> = other.products.difference(&self.products).cloned().collect();
        if !products.is_empty() {
            self.products.extend(products.iter().cloned());
        }
        TakenOver {
            taken: ByteBuf::from(taken.encode()),
            replaced: ByteBuf::from(replaced.encode()),
            products,
            owned: (*other.products).clone(),
        }
    }

    /// Gives up what was taken over and is still as it was taken. Returns the other's products that were given up while
    /// the two were one.
    pub(super) fn give_up(&mut self, over: &TakenOver, stacked: &mut [&mut TakenOver]) -> Vec<Name> {
        self.changed_for_decisions();
        let (Some(taken), Some(replaced)) = (over.taken(&self.id), over.replaced(&self.id)) else {
            return Vec::new();
        };
        for tag in taken.tags_known() {
            if self.has_like(&taken, tag) {
                self.take_tag(&replaced, tag);
            }
            // A later merge may have replaced what this one took: it must not come back from there.
            for later in stacked.iter_mut() {
                later.forget_replaced(&self.id, &taken, &replaced, tag);
            }
        }
        let lost = over.owned.iter().filter(|product| !self.products.contains(*product)).cloned().collect();
        for product in &over.products {
            self.products.remove(product);
        }
        lost
    }

    /// What the survivor of a merge protected, the one that leaves it protects as well.
    pub(super) fn leave(&mut self, survivor: &Customer, lost: &[Name]) {
        self.protect_like(survivor);
        self.changed_for_decisions();
        for product in lost {
            self.products.remove(product);
        }
    }

    fn protect_like(&mut self, other: &Customer) {
        self.refusals.absorb(&other.refusals);
        for record in other.consents.history() {
            if self.consents.is_news(record) {
                self.consents.add(record.clone());
            }
        }
        self.contacts.absorb(&other.contacts);
        self.recent.absorb(&other.recent);
        *self.decision_count = (*self.decision_count).max(*other.decision_count);
    }

    fn tags_known(&self) -> BTreeSet<TagNumber> {
        self.tags.iter().map(|entry| entry.number).chain(self.derivations.tags()).collect()
    }

    /// How new what is known of a tag is.
    fn known_at(&self, tag: TagNumber) -> Option<Timestamp> {
        let as_of = self.tags.get(tag).map(|entry| entry.as_of);
        as_of.max(self.derivations.newest(tag))
    }

    /// Whether both know the same of a tag. The value of one that moves with time follows from what it is derived of.
    fn has_like(&self, other: &Customer, tag: TagNumber) -> bool {
        let derived = other.derivations.tags().any(|kept| kept == tag);
        let value = |tags: &TagVector| {
            tags.get(tag).map(|entry| (entry.value.clone(), entry.as_of, Name::clone(tags.source(entry))))
        };
        self.derivations.alike(&other.derivations, tag)
            && (derived || value(&self.tags) == value(&other.tags))
    }

    /// Knows of a tag what the other does, nothing included.
    fn take_tag(&mut self, other: &Customer, tag: TagNumber) {
        match other.tags.get(tag) {
            Some(entry) => {
                self.tags.put(tag, entry.value.clone(), entry.as_of, &Name::clone(other.tags.source(entry)));
            }
            None => {
                self.tags.remove(tag, Timestamp::from_ms(i64::MAX));
            }
        }
        self.derivations.take_tag(&other.derivations, tag);
    }
}

impl TakenOver {
    fn taken(&self, id: &CustomerId) -> Option<Customer> {
        Customer::decode(id, &self.taken).ok()
    }

    fn replaced(&self, id: &CustomerId) -> Option<Customer> {
        Customer::decode(id, &self.replaced).ok()
    }

    fn forget_replaced(&mut self, id: &CustomerId, taken: &Customer, instead: &Customer, tag: TagNumber) {
        let Some(mut replaced) = self.replaced(id) else { return };
        if replaced.known_at(tag).is_some() && replaced.has_like(taken, tag) {
            replaced.take_tag(instead, tag);
            self.replaced = ByteBuf::from(replaced.encode());
        }
    }
}
