//! Where in its life a customer is, how it moves on, and what rests meanwhile.

use super::{Rule, TagNumber};
use crate::value::Name;

/// The stages of a customer's life and the moves between them.
#[derive(Debug)]
pub struct LifeCycle {
    /// The enum tag that holds the stage, as of when it began.
    pub tag: TagNumber,
    /// The stages; a customer begins in the first.
    pub stages: Vec<Stage>,
    /// Moves, in the order in which they are tried.
    pub moves: Vec<Move>,
}

/// A stage: its name, and its value of the tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: Name,
    /// Its value of the tag.
    pub value: u16,
}

/// A move from one stage to another.
#[derive(Debug)]
pub struct Move {
    /// From these stages, by place; empty: from any.
    pub from: Vec<usize>,
    /// To this stage.
    pub to: usize,
    /// Only with an event of this type; `None`: with any, and when tags are loaded.
    pub on: Option<Name>,
    /// Only when this holds.
    pub when: Option<Rule>,
}

/// While its condition holds, offers of some purposes rest.
#[derive(Debug)]
pub struct Pause {
    /// Its id.
    pub id: Name,
    /// The condition. It protects, so it reads tags whatever was consented to.
    pub when: Rule,
    /// The purposes that rest; empty: all but service and regulatory.
    pub purposes: Vec<Name>,
}

impl Pause {
    /// Whether offers of this purpose rest while the pause lasts.
    #[must_use]
    pub fn rests(&self, purpose: &str) -> bool {
        match self.purposes.is_empty() {
            true => !matches!(purpose, "service" | "regulatory"),
            false => self.purposes.iter().any(|one| **one == *purpose),
        }
    }
}
