//! What is kept under an id: a customer, or a pointer to one.
//!
//! An alias is an entry of its own shard like a customer is, so ownership, fencing and the order of turns hold for it as
//! they are. Its first byte tells it from a customer's snapshot. Leaves out the customer's own list ([`super::identity`]).

use crate::call::identity::{
    Elsewhere, IdentityReply, IdentityStep, MergeRef, Pointer, Unfinished, UnfinishedStage, Via,
};
use crate::call::{Command, CustomerId, Reply};
use crate::customer::snapshot::Snapshot;
use crate::customer::{Customer, Outcome, Turn};
use crate::error::Unreadable;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::sync::Arc;

/// The first byte of an alias' entry: far from the versions of customers.
pub const ALIAS_VERSION: u8 = 0xA1;

const WHAT: &str = "alias";

/// What is kept under an id.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A customer; one never seen when there was nothing.
    Customer(Box<Customer>),
    /// Another id of a customer.
    Alias(Alias),
}

/// A pointer to the customer whose id it also is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    customer: CustomerId,
    line: Option<Name>,
    proof: u64,
    since: Timestamp,
    /// For one that was a customer of its own: its merge, and its state.
    merged: Option<Merged>,
}

/// A customer that was, or is about to be, taken in by another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Merged {
    merge_id: Name,
    /// The survivor has its state; until then nobody is answered.
    joined: bool,
    kept: ByteBuf,
}

/// What a turn leaves under the id.
#[derive(Debug)]
pub enum After {
    /// What was there.
    Same,
    /// This.
    Kept(Snapshot),
    /// Nothing: snapshot and rows are to be removed.
    Nothing,
}

impl Entry {
    /// What is kept under the id.
    #[must_use]
    pub fn open(id: &CustomerId, kept: &Snapshot) -> Entry {
        match kept.bytes().first() {
            Some(&ALIAS_VERSION) => {
                Entry::Alias(Alias::decode(kept.bytes()).expect("a snapshot is checked before it is one"))
            }
            _ => Entry::Customer(Box::new(kept.open(id))),
        }
    }

    /// Follows one command: what to answer, and what is under the id afterwards.
    pub fn apply(
        self,
        id: &CustomerId,
        command: &Command,
        via: Option<&Via>,
        turn: Turn<'_>,
    ) -> (Outcome, After) {
        match self {
            Entry::Customer(customer) => apply_to_customer(*customer, command, via, turn),
            Entry::Alias(alias) => alias.apply(id, command),
        }
    }
}

fn apply_to_customer(
    mut customer: Customer,
    command: &Command,
    via: Option<&Via>,
    turn: Turn<'_>,
) -> (Outcome, After) {
    if let Some(elsewhere) = customer.turned_away(via) {
        return (Outcome::unchanged(Reply::Elsewhere(elsewhere)), After::Same);
    }
    let outcome = match command {
        Command::Erase => customer.on_erase(&[]),
        Command::Identity(step) => match &**step {
            IdentityStep::EraseWithout { links } => customer.on_erase(links),
            IdentityStep::Freeze(merge) => return freeze(&customer, merge, turn),
            IdentityStep::BecomeAlias(pointer) if turn.before.is_empty() => {
                return become_alias(pointer, turn);
            }
            IdentityStep::BecomeAlias(_) => Some(Outcome::refused(
                "alias_is_customer",
                "this id holds a customer's data; to make it an id of another customer, merge the two \
                 (POST /v1/customers/{id}/merge)",
            )),
            _ => Some(customer.apply(command, turn)),
        },
        _ => Some(customer.apply(command, turn)),
    };
    match outcome {
        None => (Outcome::unchanged(Reply::Identity(IdentityReply::Done)), After::Nothing),
        Some(outcome) if outcome.changed => {
            let kept = customer.snapshot();
            (outcome, After::Kept(kept))
        }
        Some(outcome) => (outcome, After::Same),
    }
}

fn become_alias(pointer: &Pointer, turn: Turn<'_>) -> (Outcome, After) {
    let alias = Alias {
        customer: pointer.customer.clone(),
        line: pointer.line.clone(),
        proof: pointer.proof,
        since: turn.now,
        merged: None,
    };
    let kept = alias.encode();
    (Outcome::changed(Reply::Identity(IdentityReply::Done)), After::Kept(kept))
}

/// The customer takes no more turns, until the merge is done or called off.
fn freeze(customer: &Customer, merge: &MergeRef, turn: Turn<'_>) -> (Outcome, After) {
    if turn.before.is_empty() {
        let detail = "nothing is known of the customer to be merged in; to add an id, PUT an alias";
        return (Outcome::refused("unknown_customer", detail), After::Same);
    }
    if let Some(outcome) = customer.not_to_freeze(merge) {
        return (outcome, After::Same);
    }
    let kept = customer.encode();
    let frozen = IdentityReply::Frozen(Arc::from(kept.as_slice()));
    let alias = Alias {
        customer: merge.into.clone(),
        line: None,
        proof: merge.proof,
        since: turn.now,
        merged: Some(Merged { merge_id: merge.merge_id.clone(), joined: false, kept: ByteBuf::from(kept) }),
    };
    (Outcome::changed(Reply::Identity(frozen)), After::Kept(alias.encode()))
}

impl Alias {
    /// Reads an alias' entry.
    ///
    /// # Errors
    /// [`Unreadable`] when it is damaged or of a newer version.
    pub(super) fn decode(bytes: &[u8]) -> Result<Alias, Unreadable> {
        rmp_serde::from_slice(&bytes[1..]).map_err(|error| Unreadable::new(WHAT, error))
    }

    fn encode(&self) -> Snapshot {
        let mut bytes = vec![ALIAS_VERSION];
        rmp_serde::encode::write(&mut bytes, self).expect("an alias is plain data");
        Snapshot::of_alias(bytes)
    }

    fn pointer(&self) -> Pointer {
        Pointer { customer: self.customer.clone(), line: self.line.clone(), proof: self.proof }
    }

    fn apply(mut self, id: &CustomerId, command: &Command) -> (Outcome, After) {
        let done = || Outcome::unchanged(Reply::Identity(IdentityReply::Done));
        let Command::Identity(step) = command else { return (self.elsewhere(id), After::Same) };
        let its = |proof: &u64| *proof == self.proof;
        match (&**step, &mut self.merged) {
            (IdentityStep::BecomeAlias(pointer), None) => self.renew(pointer),
            (IdentityStep::BecomeAlias(_), Some(_)) => {
                let detail = "this id was merged into a customer; undo that merge first";
                (Outcome::refused("alias_taken", detail), After::Same)
            }
            // A newer link than the one to be ended stays.
            (IdentityStep::EndAlias(ended), _) => {
                let is_it = self.customer == ended.customer && self.proof <= ended.proof;
                (done(), if is_it { After::Nothing } else { After::Same })
            }
            (IdentityStep::Freeze(merge), Some(merged)) if its(&merge.proof) => {
                let kept = IdentityReply::Frozen(Arc::from(merged.kept.as_slice()));
                (Outcome::unchanged(Reply::Identity(kept)), After::Same)
            }
            (IdentityStep::Join { proof }, Some(merged)) if its(proof) && !merged.joined => {
                merged.joined = true;
                (Outcome { changed: true, ..done() }, After::Kept(self.encode()))
            }
            (IdentityStep::Thaw { proof }, Some(merged)) if its(proof) && !merged.joined => {
                match Snapshot::check(merged.kept.as_slice().into()) {
                    Ok(kept) => (Outcome { changed: true, ..done() }, After::Kept(kept)),
                    Err(_) => (Outcome::refused("corrupt", "the kept state can't be read"), After::Same),
                }
            }
            (IdentityStep::Restore { proof, released }, Some(merged)) if its(proof) && merged.joined => {
                let restored = Customer::decode(id, &merged.kept).and_then(|mut customer| {
                    customer.restored(released)?;
                    Ok(customer.snapshot())
                });
                match restored {
                    Ok(kept) => (Outcome { changed: true, ..done() }, After::Kept(kept)),
                    Err(_) => (Outcome::refused("corrupt", "the kept state can't be read"), After::Same),
                }
            }
            // Steps of an earlier try.
            (IdentityStep::Join { .. } | IdentityStep::Thaw { .. } | IdentityStep::Restore { .. }, _) => {
                (done(), After::Same)
            }
            _ => (self.elsewhere(id), After::Same),
        }
    }

    /// Whom to ask instead.
    fn elsewhere(&self, id: &CustomerId) -> Outcome {
        let elsewhere = match &self.merged {
            Some(Merged { merge_id, joined: false, kept }) => {
                let merge = MergeRef {
                    merge_id: merge_id.clone(),
                    into: self.customer.clone(),
                    from: id.clone(),
                    proof: self.proof,
                };
                let stage = UnfinishedStage::Frozen(Arc::from(kept.as_slice()));
                Elsewhere::Unfinished(Unfinished { merge, stage })
            }
            _ => Elsewhere::AliasOf(self.pointer()),
        };
        Outcome::unchanged(Reply::Elsewhere(elsewhere))
    }

    /// The same customer again: perhaps with another line, or under a newer number.
    fn renew(mut self, pointer: &Pointer) -> (Outcome, After) {
        if self.customer != pointer.customer {
            let refused = Outcome::refused(
                "alias_taken",
                "this id is an alias of another customer; remove it there first, or merge the two customers",
            );
            return (refused, After::Same);
        }
        let done = Outcome::unchanged(Reply::Identity(IdentityReply::Done));
        if self.proof > pointer.proof || self.pointer() == *pointer {
            return (done, After::Same);
        }
        (self.line, self.proof) = (pointer.line.clone(), pointer.proof);
        let kept = self.encode();
        (Outcome { changed: true, ..done }, After::Kept(kept))
    }
}
