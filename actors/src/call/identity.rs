//! Several ids for one customer: what is asked of the entries that take part, and what they answer.
//!
//! An alias, a merge and their undoing each touch two entries that may live in different shards. Every change is a row of
//! steps, each a turn of one entry, each harmless when repeated. Leaves out in which order they are taken
//! ([`crate::identity`]).

use crate::call::CustomerId;
use crate::timestamp::Timestamp;
use crate::value::Name;
use std::sync::Arc;

/// Under which id a caller named the customer, as the entry of that id said. The customer checks it against its own list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The id that was named.
    pub alias: CustomerId,
    /// The number of the link.
    pub proof: u64,
}

/// Where an id leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The customer it stands for.
    pub customer: CustomerId,
    /// The line of the customer it belongs to, such as a SIM or a fixed line.
    pub line: Option<Name>,
    /// The number of the link: given by the customer, never given twice by it.
    pub proof: u64,
}

/// An answer of an entry that does not answer for itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Elsewhere {
    /// The id is another customer's: ask there.
    AliasOf(Pointer),
    /// The customer does not know the id that named it: it is nobody's alias any more.
    NotMine,
    /// A merge, or the undoing of one, has to be brought to its end first.
    Unfinished(Unfinished),
}

/// A merge between two of its steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished {
    /// Which.
    pub merge: MergeRef,
    /// Where it stands.
    pub stage: UnfinishedStage,
}

/// A merge, and who takes part.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeRef {
    /// Its name, given by the caller.
    pub merge_id: Name,
    /// Who takes the other in.
    pub into: CustomerId,
    /// Who is taken in.
    pub from: CustomerId,
    /// The number of the link that it makes, new with each try.
    pub proof: u64,
}

/// Where an unfinished merge stands.
#[derive(Clone, Debug, PartialEq)]
pub enum UnfinishedStage {
    /// Begun; nothing has been taken over. To be called off.
    Open,
    /// The one to be taken in waits, with its state.
    Frozen(Arc<[u8]>),
    /// Taken over; the one taken in does not know yet.
    Absorbed,
    /// Being undone: what was taken over has been given up, the other waits for it.
    Released,
}

/// One step. Steps come from our own orders of steps only, never from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityStep {
    /// To the customer: list an alias, not yet in force. Answered [`IdentityReply::Noted`].
    NoteAlias {
        /// The new id.
        alias: CustomerId,
        /// The line it belongs to.
        line: Option<Name>,
    },
    /// To the alias' own entry: stand for a customer from now on.
    BecomeAlias(Pointer),
    /// To the customer: the alias is in force.
    ConfirmAlias(Via),
    /// To the customer: the alias is about to end. Answered [`IdentityReply::Noted`], or `NotListed`.
    RetireAlias {
        /// The id.
        alias: CustomerId,
    },
    /// To the alias' own entry: stand for nobody, if it still is the link with this number or an older one. Answered
    /// `Erased`, or [`IdentityReply::Done`] when it is not.
    EndAlias(Pointer),
    /// To the customer: the alias' entry is gone.
    ForgetAlias(Via),
    /// To a customer: are you somebody? Answered [`IdentityReply::Done`], or `NotListed` by one never seen.
    Who,
    /// To the survivor: begin a merge. Answered [`IdentityReply::Merge`].
    OpenMerge {
        /// Its name.
        merge_id: Name,
        /// Who is to be taken in.
        from: CustomerId,
    },
    /// To the one to be taken in: take no more turns. Answered [`IdentityReply::Frozen`], or `Done` when it is taken in.
    Freeze(MergeRef),
    /// To the survivor: take over a frozen state. `NotListed` when the merge was called off.
    Absorb {
        /// The number of the merge.
        proof: u64,
        /// The state of the other.
        kept: Arc<[u8]>,
    },
    /// To the frozen one: be an id of the survivor from now on.
    Join {
        /// The number of the merge.
        proof: u64,
    },
    /// To the survivor: the other has joined.
    SealMerge {
        /// The number of the merge.
        proof: u64,
    },
    /// To the survivor: call an open merge off. Answered [`IdentityReply::Merge`] when it is not open any more.
    CallOff {
        /// The number of the merge.
        proof: u64,
    },
    /// To the frozen one, after the survivor called the merge off: go on as before.
    Thaw {
        /// The number of the merge.
        proof: u64,
    },
    /// To the survivor: where does a merge stand? Answered [`IdentityReply::Merge`], `Done` when it was undone, or
    /// `NotListed`.
    FindMerge {
        /// Its name.
        merge_id: Name,
    },
    /// To the survivor: give up what was taken over. Answered [`IdentityReply::Released`].
    Release {
        /// The number of the merge.
        proof: u64,
    },
    /// To the one taken in: be a customer of your own again.
    Restore {
        /// The number of the merge.
        proof: u64,
        /// What the survivor gave up.
        released: Released,
    },
    /// To the survivor: the other is on its own again.
    CloseMerge {
        /// The number of the merge.
        proof: u64,
    },
    /// To the customer: forget everything; the entries of these links are gone.
    EraseWithout {
        /// Numbers of the links whose entries are gone.
        links: Vec<u64>,
    },
}

/// What an entry says to a step.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityReply {
    /// Done, now or before.
    Done,
    /// The link's number and the id that its entry names.
    Noted(Pointer),
    /// The customer has no such link.
    NotListed,
    /// These links have to be ended before the customer can be erased.
    Linked(Vec<Link>),
    /// Where the merge stands; `None`: at its end.
    Merge(MergeRef, Option<UnfinishedStage>),
    /// The state of the one to be taken in.
    Frozen(Arc<[u8]>),
    /// What the survivor gives the other back.
    Released(Released),
}

/// What a survivor gives back when a merge is undone.
#[derive(Clone, Debug, PartialEq)]
pub struct Released {
    /// The survivor's state: its refusals, consents, contacts and ids heard protect the other from now on, too.
    pub survivor: Arc<[u8]>,
    /// Numbers of the links that came with the other and still are.
    pub links: Vec<u64>,
    /// Products of the other that were given up while the two were one.
    pub lost: Vec<Name>,
}

/// An id that stands for a customer, as the customer lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The id.
    pub alias: CustomerId,
    /// What its entry holds.
    pub pointer: Pointer,
    /// Since when.
    pub since: Timestamp,
    /// How far it has come.
    pub state: LinkState,
    /// Whether the id was a customer of its own, and still has rows of that time.
    pub merged: bool,
}

/// How far a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum LinkState {
    /// Wanted: its entry may or may not point here yet.
    Pending,
    /// In force.
    Active,
    /// About to end: its entry may or may not point here still.
    Ending,
}

impl LinkState {
    /// The word of the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            LinkState::Pending => "pending",
            LinkState::Active => "active",
            LinkState::Ending => "ending",
        }
    }
}
