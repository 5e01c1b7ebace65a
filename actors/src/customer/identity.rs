//! The other ids of a customer, as the customer itself lists them.
//!
//! The list is the truth about erasure and about who may speak for whom: it names an alias before the alias' own entry
//! points here and until it no longer does, so every entry that points here is on it. A call by an alias that is
//! not on it is not answered. Leaves out the entries of aliases ([`super::entry`]) and the order of steps
//! ([`crate::identity`]).

use crate::call::identity::{Elsewhere, IdentityReply, IdentityStep, Link, LinkState, Pointer, Via};
use crate::call::{CustomerId, Reply};
use crate::customer::{Customer, Outcome, Turn};
use crate::timestamp::Timestamp;
use crate::value::Name;
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
}

impl Listed {
    fn link(&self) -> Link {
        let pointer = Pointer { customer: self.names.clone(), line: self.line.clone(), proof: self.proof };
        Link { alias: self.alias.clone(), pointer, since: self.since, state: self.state }
    }

    fn is(&self, via: &Via) -> bool {
        self.alias == via.alias && self.proof == via.proof
    }
}

impl Identity {
    /// All links, in the order in which they were made.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        self.aliases.iter().map(Listed::link)
    }

    /// Whether the customer answers when it is named so.
    #[must_use]
    pub fn admits(&self, via: &Via) -> bool {
        self.aliases.iter().any(|listed| listed.is(via))
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
        let unknown = via.is_some_and(|via| !self.identity.admits(via));
        unknown.then_some(Elsewhere::NotMine)
    }

    pub(super) fn on_identity(&mut self, step: &IdentityStep, turn: Turn<'_>) -> Outcome {
        match step {
            IdentityStep::NoteAlias { alias, line } => self.note_alias(alias, line.as_ref(), turn.now),
            IdentityStep::ConfirmAlias(via) => self.confirm_alias(via),
            IdentityStep::RetireAlias { alias } => self.retire_alias(alias),
            IdentityStep::ForgetAlias(via) => self.forget_alias(via),
            IdentityStep::EndAlias(_) => said(IdentityReply::Done),
            IdentityStep::BecomeAlias(_) | IdentityStep::EraseWithout { .. } => {
                Outcome::refused("not_a_step_of_a_customer", "this step is the entry's")
            }
        }
    }

    /// Why the customer can't be erased yet; `None` when it can. From the first time on no id is added.
    pub(super) fn on_erase(&mut self, gone: &[u64]) -> Option<Outcome> {
        let left: Vec<Link> =
            self.identity.links().filter(|link| !gone.contains(&link.pointer.proof)).collect();
        if left.is_empty() {
            return None;
        }
        let begun = std::mem::replace(&mut self.identity.erasing, true);
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
        let listed = Listed {
            alias: alias.clone(),
            names,
            line: line.cloned(),
            since: now,
            proof,
            state: LinkState::Pending,
        };
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

    fn retire_alias(&mut self, alias: &CustomerId) -> Outcome {
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
