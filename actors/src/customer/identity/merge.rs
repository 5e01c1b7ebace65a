//! A survivor's part in merges: it begins them, takes the other's state over, and gives it up again.
//!
//! The survivor's record decides. A state is taken over only while its merge is open under the number it was begun
//! with, and the other goes on alone only after the merge was called off or released here; so however often and however
//! late a step is repeated, a state is taken over once and never while its customer goes on.

use super::union::TakenOver;
use super::{Identity, Listed, said};
use crate::call::identity::{
    Elsewhere, IdentityReply, Link, LinkState, MergeRef, Pointer, Released, Unfinished, UnfinishedStage,
};
use crate::call::{CustomerId, Reply};
use crate::customer::{Customer, Outcome, Turn};
use crate::error::Unreadable;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Customers that one takes in at most, and undone merges that are remembered.
pub const MERGES_MAX: usize = 32;
/// Links of a customer at most, those that came with others included.
const LINKS_MAX: usize = 256;
/// How deep merges may lie in each other: each is one more hop for a call.
const DEPTH_MAX: u32 = 8;

/// A merge, as the survivor remembers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Merge {
    pub merge_id: Name,
    pub from: CustomerId,
    pub proof: u64,
    pub since: Timestamp,
    pub stage: Stage,
    depth: u32,
    over: TakenOver,
    lost: Vec<Name>,
}

/// How far a merge has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Open,
    Absorbed,
    Joined,
    Released,
}

impl Merge {
    fn named(&self, into: &CustomerId) -> MergeRef {
        MergeRef {
            merge_id: self.merge_id.clone(),
            into: into.clone(),
            from: self.from.clone(),
            proof: self.proof,
        }
    }

    fn unfinished(&self) -> Option<UnfinishedStage> {
        match self.stage {
            Stage::Open => Some(UnfinishedStage::Open),
            Stage::Absorbed => Some(UnfinishedStage::Absorbed),
            Stage::Joined => None,
            Stage::Released => Some(UnfinishedStage::Released),
        }
    }

    /// What has to be done before somebody else's turn; `None` when the merge is at its end.
    pub(super) fn elsewhere(&self, into: &CustomerId) -> Option<Elsewhere> {
        let stage = self.unfinished()?;
        Some(Elsewhere::Unfinished(Unfinished { merge: self.named(into), stage }))
    }

    pub(super) fn link(&self, into: &CustomerId) -> Link {
        let pointer = Pointer { customer: into.clone(), line: None, proof: self.proof };
        let state = match self.stage {
            Stage::Open => LinkState::Pending,
            Stage::Absorbed | Stage::Joined => LinkState::Active,
            Stage::Released => LinkState::Ending,
        };
        Link { alias: self.from.clone(), pointer, since: self.since, state, merged: true }
    }
}

impl Identity {
    /// A merge that has to be brought to its end before the customer can be merged or erased.
    pub(super) fn unfinished(&self, id: &CustomerId) -> Option<Elsewhere> {
        self.merges.iter().find_map(|merge| merge.elsewhere(id))
    }

    fn merge_mut(&mut self, proof: u64) -> Option<&mut Merge> {
        self.merges.iter_mut().find(|merge| merge.proof == proof)
    }

    fn merge(&self, proof: u64) -> Option<&Merge> {
        self.merges.iter().find(|merge| merge.proof == proof)
    }

    fn depth(&self) -> u32 {
        self.merges.iter().map(|merge| merge.depth).max().unwrap_or(0)
    }
}

impl Customer {
    pub(super) fn open_merge(&mut self, merge_id: &Name, from: &CustomerId, turn: Turn<'_>) -> Outcome {
        if let Some(merge) = self.identity.merges.iter().find(|merge| merge.merge_id == *merge_id) {
            let other = merge.stage != Stage::Joined && merge.from != *from;
            if other {
                return Outcome::refused(
                    "merge_id_taken",
                    "this merge_id names another merge; send a new one",
                );
            }
            return said(IdentityReply::Merge(merge.named(&self.id), merge.unfinished()));
        }
        if self.identity.undone.contains(merge_id) {
            return Outcome::refused(
                "merge_undone",
                "this merge was undone; to merge the two again send a new merge_id",
            );
        }
        if *from == self.id {
            return Outcome::refused("same_customer", "both ids are the same customer already");
        }
        if turn.before.is_empty() {
            return Outcome::refused("unknown_customer", "nothing is known of the customer to merge into");
        }
        if self.identity.erasing {
            return Outcome::refused(
                "erasure_begun",
                "this customer is being erased; finish that first (DELETE)",
            );
        }
        if self.identity.merges.len() >= MERGES_MAX {
            let detail = format!("a customer takes in at most {MERGES_MAX} others");
            return Outcome::refused("too_many_merges", detail);
        }
        let merge = Merge {
            merge_id: merge_id.clone(),
            from: from.clone(),
            proof: self.identity.next_proof(turn.now),
            since: turn.now,
            stage: Stage::Open,
            depth: 1,
            over: TakenOver::default(),
            lost: Vec::new(),
        };
        let opened = IdentityReply::Merge(merge.named(&self.id), merge.unfinished());
        self.identity.merges.push(merge);
        Outcome { changed: true, ..said(opened) }
    }

    pub(super) fn absorb(&mut self, proof: u64, kept: &[u8]) -> Outcome {
        let Some(merge) = self.identity.merge(proof) else { return said(IdentityReply::NotListed) };
        if merge.stage != Stage::Open {
            return said(IdentityReply::Done);
        }
        let from = merge.from.clone();
        let Ok(other) = Customer::decode(&from, kept) else {
            return Outcome::refused("corrupt", "the state of the customer to be merged can't be read");
        };
        let depth = other.identity.depth() + 1;
        let links = self.identity.links(&self.id).count() + other.identity.links(&from).count();
        if depth > DEPTH_MAX || links > LINKS_MAX {
            let detail =
                format!("together the two would have more than {LINKS_MAX} ids, or merges {DEPTH_MAX} deep");
            return Outcome::refused("too_many_aliases", detail);
        }
        let over = self.unite(&other);
        let came = other.identity.links(&from).map(|link| Listed::new(&link, Some(proof)));
        let came: Vec<Listed> = came.collect();
        self.identity.aliases.extend(came);
        if let Some(merge) = self.identity.merge_mut(proof) {
            (merge.stage, merge.over, merge.depth) = (Stage::Absorbed, over, depth);
        }
        Outcome { changed: true, ..said(IdentityReply::Done) }
    }

    pub(super) fn seal_merge(&mut self, proof: u64) -> Outcome {
        let absorbed = self.identity.merge(proof).is_some_and(|merge| merge.stage == Stage::Absorbed);
        if absorbed && let Some(merge) = self.identity.merge_mut(proof) {
            merge.stage = Stage::Joined;
        }
        Outcome { changed: absorbed, ..said(IdentityReply::Done) }
    }

    /// Too late once the state was taken over: then the answer says where the merge stands.
    pub(super) fn call_off(&mut self, proof: u64) -> Outcome {
        match self.identity.merge(proof) {
            None => said(IdentityReply::Done),
            Some(merge) if merge.stage == Stage::Open => {
                self.identity.merges.retain(|merge| merge.proof != proof);
                Outcome { changed: true, ..said(IdentityReply::Done) }
            }
            Some(merge) => said(IdentityReply::Merge(merge.named(&self.id), merge.unfinished())),
        }
    }

    pub(super) fn find_merge(&self, merge_id: &Name) -> Outcome {
        match self.identity.merges.iter().find(|merge| merge.merge_id == *merge_id) {
            Some(merge) => said(IdentityReply::Merge(merge.named(&self.id), merge.unfinished())),
            None if self.identity.undone.contains(merge_id) => said(IdentityReply::Done),
            None => said(IdentityReply::NotListed),
        }
    }

    /// Repeated, it gives the same back, with what protects as of now.
    pub(super) fn release(&mut self, proof: u64) -> Outcome {
        let Some(merge) = self.identity.merge(proof).cloned() else { return said(IdentityReply::NotListed) };
        let changed = match merge.stage {
            Stage::Open | Stage::Absorbed => return said(IdentityReply::NotListed),
            Stage::Released => false,
            Stage::Joined => {
                let mut merges = std::mem::take(&mut self.identity.merges);
                let mut stacked: Vec<&mut TakenOver> = merges
                    .iter_mut()
                    .filter(|other| other.proof != proof)
                    .map(|other| &mut other.over)
                    .collect();
                let lost = self.give_up(&merge.over, &mut stacked);
                self.identity.merges = merges;
                if let Some(merge) = self.identity.merge_mut(proof) {
                    (merge.stage, merge.lost) = (Stage::Released, lost);
                }
                true
            }
        };
        let came = self.identity.aliases.iter().filter(|listed| listed.came_with == Some(proof));
        let released = Released {
            survivor: Arc::from(self.encode()),
            links: came.map(|listed| listed.proof).collect(),
            lost: self.identity.merge(proof).map(|merge| merge.lost.clone()).unwrap_or_default(),
        };
        Outcome { changed, ..said(IdentityReply::Released(released)) }
    }

    pub(super) fn close_merge(&mut self, proof: u64) -> Outcome {
        let released = self.identity.merge(proof).filter(|merge| merge.stage == Stage::Released);
        let Some(merge_id) = released.map(|merge| merge.merge_id.clone()) else {
            return said(IdentityReply::Done);
        };
        let identity = &mut *self.identity;
        identity.merges.retain(|merge| merge.proof != proof);
        identity.aliases.retain(|listed| listed.came_with != Some(proof));
        identity.undone.push(merge_id);
        let surplus = identity.undone.len().saturating_sub(MERGES_MAX);
        identity.undone.drain(..surplus);
        Outcome { changed: true, ..said(IdentityReply::Done) }
    }

    /// The one that was taken in, as it goes on alone.
    ///
    /// # Errors
    /// [`Unreadable`] when the survivor's state is damaged.
    pub(in crate::customer) fn restored(&mut self, released: &Released) -> Result<(), Unreadable> {
        let survivor = Customer::decode(&self.id, &released.survivor)?;
        self.leave(&survivor, &released.lost);
        self.identity.aliases.retain(|listed| released.links.contains(&listed.proof));
        Ok(())
    }

    /// Why the customer can't be taken in now.
    pub(in crate::customer) fn not_to_freeze(&self, merge: &MergeRef) -> Option<Outcome> {
        if let Some(unfinished) = self.identity.unfinished(&self.id) {
            return Some(Outcome::unchanged(Reply::Elsewhere(unfinished)));
        }
        if self.identity.erasing {
            return Some(Outcome::refused(
                "erasure_begun",
                "this customer is being erased; finish that first (DELETE)",
            ));
        }
        (merge.into == self.id)
            .then(|| Outcome::refused("same_customer", "both ids are the same customer already"))
    }
}
