//! Rules and formulas: a subset of CEL, checked against the tag dictionary and lowered to flat typed predicates.
//!
//! A rule over a missing tag is unknown, which is a third answer beside yes and no: `false && unknown` is no,
//! `true || unknown` is yes, everything else it touches stays unknown. `has(t.x)` asks.

pub mod parse;
pub mod check;
pub mod eval;

use crate::playbook::dictionary::{TagNumber, TagValue};
use crate::timestamp::Timestamp;

/// What a rule may read. Whoever checks a rule brings an implementation.
pub trait Facts {
    /// `t.x`: the customer's tag, `None` when missing, stale or not to be used.
    fn tag(&self, tag: TagNumber) -> Option<&TagValue>;
    /// `c.x`: a field of the contact or of the context, by its dotted path.
    fn context(&self, path: &str) -> Option<Scalar<'_>>;
    /// `data.x`: a field of the event being applied.
    fn data(&self, path: &str) -> Option<Scalar<'_>>;
    /// `event.time`.
    fn event_time(&self) -> Option<Timestamp>;
    /// `owns('x')`: whether the customer owns the product.
    fn owns(&self, product: &str) -> bool;
    /// `now()`.
    fn now(&self) -> Timestamp;
}

/// A simple value while a rule is checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(&'a str),
    /// A moment.
    Time(Timestamp),
}

/// A rule's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Yes.
    Pass,
    /// No, because of this predicate.
    Fail {
        /// The predicate as its author wrote it: `t.age >= 18`.
        needed: String,
        /// What was found: `t.age is 16`. Private tags are not spelt out.
        actual: String,
    },
    /// Unknown: this tag (or context field) is missing.
    Missing {
        /// `t.age`
        name: String,
    },
}
