//! From typed expression to the form that is evaluated: comparisons of one tag with literals, all of which must
//! hold, and a tree for what is more than that.
//!
//! The flat part takes a few nanoseconds a comparison and is what an index of offers can be built from.

use super::Facts;
use super::eval::{among, compared, tag_scalar};
use super::expr::{Comparison, Expr, Literal};
use crate::playbook::dictionary::{TagNumber, TagValue};

/// A rule, ready to be evaluated: all predicates hold, and the rest.
#[derive(Clone, Debug)]
pub struct Code {
    /// Comparisons of one tag each.
    pub(super) predicates: Box<[Predicate]>,
    /// What is no such comparison.
    pub(super) rest: Option<Expr>,
}

/// One tag and what must hold of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    /// The tag.
    pub tag: TagNumber,
    /// What must hold.
    pub test: Test,
}

/// What must hold of a tag. Of a missing tag only [`Test::Present`] and [`Test::AbsentOr`] are known.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It compares so with the literal.
    Compare(Comparison, Literal),
    /// It is one of the literals.
    In(Box<[Literal]>),
    /// It is one of the enum values (sorted numbers), or, negated, none of them.
    Enum {
        /// Sorted numbers of the values.
        values: Box<[u16]>,
        /// None of them.
        negated: bool,
    },
    /// It is true (or false).
    Is(bool),
    /// It is there.
    Present,
    /// It is missing, or this holds: `!has(t.x) || t.x < 3`.
    AbsentOr(Box<Test>),
}

/// Splits a condition into predicates and the rest.
pub(super) fn lower(expr: Expr) -> Code {
    let parts = match expr {
        Expr::All(parts) => parts.into_vec(),
        other => vec![other],
    };
    let mut predicates = Vec::new();
    let mut rest = Vec::new();
    for part in parts {
        match predicate(&part) {
            Some(predicate) => predicates.push(predicate),
            None => rest.push(part),
        }
    }
    let rest = match rest.len() {
        0 => None,
        1 => rest.pop(),
        _ => Some(Expr::All(rest.into())),
    };
    Code { predicates: predicates.into(), rest }
}

fn predicate(part: &Expr) -> Option<Predicate> {
    let (tag, test) = match part {
        Expr::Tag(tag, _) => (*tag, Test::Is(true)),
        Expr::HasTag(tag) => (*tag, Test::Present),
        Expr::EnumIn { tag, values, negated } => {
            (*tag, Test::Enum { values: values.clone(), negated: *negated })
        }
        Expr::Not(inner) => match &**inner {
            Expr::Tag(tag, _) => (*tag, Test::Is(false)),
            Expr::EnumIn { tag, values, negated } => {
                (*tag, Test::Enum { values: values.clone(), negated: !*negated })
            }
            _ => return None,
        },
        Expr::In(inner, literals) => match &**inner {
            Expr::Tag(tag, _) => (*tag, Test::In(literals.clone())),
            _ => return None,
        },
        Expr::Compare(comparison, left, right) => match (&**left, &**right) {
            (Expr::Tag(tag, _), Expr::Literal(literal)) => {
                (*tag, Test::Compare(*comparison, literal.clone()))
            }
            (Expr::Literal(literal), Expr::Tag(tag, _)) => {
                (*tag, Test::Compare(comparison.turned(), literal.clone()))
            }
            _ => return None,
        },
        Expr::Any(parts) => return absent_or(parts),
        _ => return None,
    };
    Some(Predicate { tag, test })
}

/// The usual way to ask about a tag that not every customer has.
fn absent_or(parts: &[Expr]) -> Option<Predicate> {
    let ([Expr::Not(asked), other] | [other, Expr::Not(asked)]) = parts else { return None };
    let Expr::HasTag(tag) = **asked else { return None };
    let inner = predicate(other).filter(|inner| inner.tag == tag && inner.test != Test::Present)?;
    Some(Predicate { tag, test: Test::AbsentOr(Box::new(inner.test)) })
}

impl Code {
    /// Three-valued conjunction: one no is no, else one unknown is unknown.
    #[must_use]
    pub fn holds(&self, facts: &impl Facts) -> Option<bool> {
        let mut known = true;
        for predicate in &self.predicates {
            match predicate.holds(facts) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => known = false,
            }
        }
        match self.rest.as_ref().map_or(Some(true), |rest| rest.holds(facts)) {
            Some(false) => Some(false),
            Some(true) if known => Some(true),
            _ => None,
        }
    }
}

impl Predicate {
    /// Whether it holds of the customer; `None`: the tag is missing.
    #[must_use]
    pub fn holds(&self, facts: &impl Facts) -> Option<bool> {
        match (facts.tag(self.tag), &self.test) {
            (Some(value), test) => test.accepts(value),
            (None, Test::Present) => Some(false),
            (None, Test::AbsentOr(_)) => Some(true),
            (None, _) => None,
        }
    }
}

impl Test {
    /// Whether it holds of a value; `None`: the value is of another type than the tag's.
    #[must_use]
    pub fn accepts(&self, value: &TagValue) -> Option<bool> {
        match (self, value) {
            (Test::Enum { values, negated }, TagValue::Enum(value)) => {
                Some(values.binary_search(value).is_ok() != *negated)
            }
            (Test::Is(wanted), TagValue::Bool(value)) => Some(value == wanted),
            (Test::Compare(comparison, literal), value) => {
                compared(*comparison, tag_scalar(value)?, literal.scalar())
            }
            (Test::In(literals), value) => Some(among(tag_scalar(value)?, literals)),
            (Test::Present, _) => Some(true),
            (Test::AbsentOr(test), value) => test.accepts(value),
            _ => None,
        }
    }
}
