//! Several ids for one customer: what is asked of the entries that take part, and what they answer.
//!
//! An alias, a merge and their undoing each touch two entries that may live in different shards. Every change is a row of
//! steps, each a turn of one entry, each harmless when repeated. Leaves out in which order they are taken
//! ([`crate::identity`]).

use crate::call::CustomerId;
use crate::timestamp::Timestamp;
use crate::value::Name;

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
