//! The other ids of a customer, as the customer itself lists them.
//!
//! The list is the truth about erasure and about who may speak for whom: it names an alias before the alias' own entry
//! points here and until it no longer does, so every entry that points here is on it. A call by an alias that is
//! not on it is not answered. Leaves out the entries of aliases ([`super::entry`]) and the order of steps
//! ([`crate::identity`]).

mod merge;
mod union;

use crate::call::identity::{Elsewhere, IdentityReply, IdentityStep, Link, LinkState, Pointer, Via};
use crate::call::{CustomerId, Reply};
use crate::customer::{Customer, Outcome, Turn};
use crate::timestamp::Timestamp;
use crate::value::Name;
use merge::{Merge, Stage};
use serde::{Deserialize, Serialize};

/// Aliases of one customer at most: a person with more lines and devices than this is a loop somewhere.
pub const ALIASES_MAX: usize = 64;

/// Other ids of a customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    aliases: Vec<Listed>,
    /// The number given last.
    proof: u64,
    /// The customer is being erased: no id is added any more.
    erasing: bool,
    /// Customers taken in.
    #[serde(default)]
    merges: Vec<Merge>,
    /// Names of merges that were undone, the latest last.
    #[serde(default)]
    undone: Vec<Name>,
}

/// An alias on the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Listed {
    alias: CustomerId,
    /// The customer that the alias' entry names.
    names: CustomerId,
    line: Option<Name>,
    since: Timestamp,
    proof: u64,
    state: LinkState,
    /// The merge by which the link came here.
    #[serde(default)]
    came_with: Option<u64>,
    /// A customer that the one which came here had taken in.
    #[serde(default)]
    merged: bool,
}

impl Listed {
    fn new(link: &Link, came_with: Option<u64>) -> Self {
        Listed {
            alias: link.alias.clone(),
            names: link.pointer.customer.clone(),
            line: link.pointer.line.clone(),
            since: link.since,
            proof: link.pointer.proof,
            state: link.state,
            came_with,
            merged: link.merged,
        }
    }

    fn link(&self) -> Link {
        let pointer = Pointer { customer: self.names.clone(), line: self.line.clone(), proof: self.proof };
        let (alias, merged) = (self.alias.clone(), self.merged);
        Link { alias, pointer, since: self.since, state: self.state, merged }
    }

    fn is(&self, via: &Via) -> bool {
        self.alias == via.alias && self.proof == via.proof
    }
}

impl Identity {
    /// All links of the customer with this id, in the order in which they were made.
    pub fn links<'a>(&'a self, id: &'a CustomerId) -> impl Iterator<Item = Link> + 'a {
        let merged = self.merges.iter().map(|merge| merge.link(id));
        self.aliases.iter().map(Listed::link).chain(merged)
    }

    /// Customers taken in for good: the merge's name, who, and since when.
    pub fn merges(&self) -> impl Iterator<Item = (&Name, &CustomerId, Timestamp)> {
        let joined =
            self.merges.iter().filter(|merge| matches!(merge.stage, Stage::Absorbed | Stage::Joined));
        joined.map(|merge| (&merge.merge_id, &merge.from, merge.since))
    }

    fn admits(&self, via: &Via) -> bool {
        let merged =
            |merge: &Merge| merge.from == via.alias && merge.proof == via.proof && merge.stage != Stage::Open;
        self.aliases.iter().any(|listed| listed.is(via)) || self.merges.iter().any(merged)
    }

    /// One that was taken in and is being released answers for itself before anybody else is asked by its name.
    fn leaves(&self, id: &CustomerId, via: &Via) -> Option<Elsewhere> {
        let released = |merge: &&Merge| merge.proof == via.proof && merge.stage == Stage::Released;
        self.merges.iter().find(released).and_then(|merge| merge.elsewhere(id))
    }

    /// Greater than every number given before, also before an erasure of the customer.
    fn next_proof(&mut self, now: Timestamp) -> u64 {
        self.proof = (self.proof + 1).max(u64::try_from(now.ms()).unwrap_or(0));
        self.proof
    }

    fn get_mut(&mut self, alias: &CustomerId) -> Option<&mut Listed> {
        self.aliases.iter_mut().find(|listed| listed.alias == *alias)
    }
}

impl Customer {
    /// Why the customer does not answer somebody who named it by an alias.
    pub(super) fn turned_away(&self, via: Option<&Via>) -> Option<Elsewhere> {
        let via = via?;
        let unknown = !self.identity.admits(via);
        self.identity.leaves(&self.id, via).or(unknown.then_some(Elsewhere::NotMine))
    }

    pub(super) fn on_identity(&mut self, step: &IdentityStep, turn: Turn<'_>) -> Outcome {
        match step {
            IdentityStep::NoteAlias { alias, line } => self.note_alias(alias, line.as_ref(), turn.now),
            IdentityStep::ConfirmAlias(via) => self.confirm_alias(via),
            IdentityStep::RetireAlias { alias } => self.retire_alias(alias),
            IdentityStep::ForgetAlias(via) => self.forget_alias(via),
            IdentityStep::Who if turn.before.is_empty() => said(IdentityReply::NotListed),
            IdentityStep::OpenMerge { merge_id, from } => self.open_merge(merge_id, from, turn),
            IdentityStep::Absorb { proof, kept } => self.absorb(*proof, kept),
            IdentityStep::SealMerge { proof } => self.seal_merge(*proof),
            IdentityStep::CallOff { proof } => self.call_off(*proof),
            IdentityStep::FindMerge { merge_id } => self.find_merge(merge_id),
            IdentityStep::Release { proof } => self.release(*proof),
            IdentityStep::CloseMerge { proof } => self.close_merge(*proof),
            // Steps of entries that point here: one that does not any more has nothing left to do.
            IdentityStep::Who
            | IdentityStep::EndAlias(_)
            | IdentityStep::Join { .. }
            | IdentityStep::Thaw { .. }
            | IdentityStep::Restore { .. } => said(IdentityReply::Done),
            IdentityStep::BecomeAlias(_) | IdentityStep::Freeze(_) | IdentityStep::EraseWithout { .. } => {
                Outcome::refused("not_a_step_of_a_customer", "this step is the entry's")
            }
        }
    }

    /// Why the customer can't be erased yet; `None` when it can. From the first time on no id is added.
    pub(super) fn on_erase(&mut self, gone: &[u64]) -> Option<Outcome> {
        if let Some(unfinished) = self.identity.unfinished(&self.id) {
            return Some(Outcome::unchanged(Reply::Elsewhere(unfinished)));
        }
        let links = self.identity.links(&self.id);
        let left: Vec<Link> = links.filter(|link| !gone.contains(&link.pointer.proof)).collect();
        if left.is_empty() {
            return None;
        }
        let begun = self.identity.erasing;
        self.identity.erasing = true;
        for listed in &mut self.identity.aliases {
            listed.state = LinkState::Ending;
        }
        Some(Outcome { changed: !begun, ..said(IdentityReply::Linked(left)) })
    }

    /// Listed again, an alias keeps its number, unless it was about to end.
    fn note_alias(&mut self, alias: &CustomerId, line: Option<&Name>, now: Timestamp) -> Outcome {
        if alias.as_str() == self.id() {
            return Outcome::refused("alias_is_the_customer", "an id needs no alias of itself");
        }
        if self.identity.erasing {
            return Outcome::refused(
                "erasure_begun",
                "this customer is being erased; finish that first (DELETE)",
            );
        }
        if self.has_taken_in(alias) {
            return Outcome::refused("alias_is_merged", "this id is the customer's already, by a merge");
        }
        let names = self.id.clone();
        if let Some(listed) = self.identity.get_mut(alias) {
            let changed = listed.line.as_ref() != line;
            listed.line = line.cloned();
            if listed.state != LinkState::Ending {
                let noted = said(IdentityReply::Noted(listed.link().pointer));
                return Outcome { changed, ..noted };
            }
        } else if self.identity.aliases.len() >= ALIASES_MAX {
            let detail = format!("a customer has at most {ALIASES_MAX} aliases; remove one first");
            return Outcome::refused("too_many_aliases", detail);
        }
        let proof = self.identity.next_proof(now);
        let pointer = Pointer { customer: names, line: line.cloned(), proof };
        let state = LinkState::Pending;
        let link = Link { alias: alias.clone(), pointer, since: now, state, merged: false };
        let listed = Listed::new(&link, None);
        let noted = IdentityReply::Noted(listed.link().pointer);
        self.identity.aliases.retain(|other| other.alias != *alias);
        self.identity.aliases.push(listed);
        Outcome { changed: true, ..said(noted) }
    }

    fn confirm_alias(&mut self, via: &Via) -> Outcome {
        match self.identity.aliases.iter_mut().find(|listed| listed.is(via)) {
            Some(listed) if listed.state == LinkState::Ending => said(IdentityReply::NotListed),
            Some(listed) => {
                let changed = listed.state != LinkState::Active;
                listed.state = LinkState::Active;
                Outcome { changed, ..said(IdentityReply::Done) }
            }
            None => said(IdentityReply::NotListed),
        }
    }

    fn has_taken_in(&self, alias: &CustomerId) -> bool {
        self.identity.links(&self.id).any(|link| link.merged && link.alias == *alias)
    }

    fn retire_alias(&mut self, alias: &CustomerId) -> Outcome {
        if self.has_taken_in(alias) {
            return Outcome::refused("alias_is_merged", "this id was merged in; undo the merge (unmerge)");
        }
        let Some(listed) = self.identity.get_mut(alias) else { return said(IdentityReply::NotListed) };
        let changed = listed.state != LinkState::Ending;
        listed.state = LinkState::Ending;
        Outcome { changed, ..said(IdentityReply::Noted(listed.link().pointer)) }
    }

    fn forget_alias(&mut self, via: &Via) -> Outcome {
        let before = self.identity.aliases.len();
        self.identity.aliases.retain(|listed| !listed.is(via));
        let changed = self.identity.aliases.len() != before;
        Outcome { changed, ..said(IdentityReply::Done) }
    }
}

fn said(reply: IdentityReply) -> Outcome {
    Outcome::unchanged(Reply::Identity(reply))
}
