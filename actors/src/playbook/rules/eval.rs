//! The value of an expression, three-valued and without allocation.
//!
//! Numbers are numbers: whole ones are kept whole by `+ - *` as long as they fit 64 bits, and `7 / 2` is 3.5.
//! Nothing here panics or gives a number that is not finite: what can't be computed is unknown.

use super::expr::{Comparison, Expr, Literal, Operation};
use super::{Facts, Scalar};
use crate::playbook::dictionary::TagValue;
use crate::timestamp::DAY_MS;
use std::cmp::Ordering;

impl Expr {
    /// Whether a condition holds; `None`: unknown.
    #[must_use]
    pub fn holds(&self, facts: &impl Facts) -> Option<bool> {
        match self {
            Expr::All(parts) => conjunction(parts, facts),
            Expr::Any(parts) => disjunction(parts, facts),
            Expr::Not(inner) => inner.holds(facts).map(|holds| !holds),
            Expr::HasTag(tag) => Some(facts.tag(*tag).is_some()),
            Expr::HasContext(path) => Some(facts.context(path).is_some()),
            Expr::HasData(field) => Some(facts.data(field).is_some()),
            Expr::Owns(product) => match product.scalar(facts)? {
                Scalar::Text(product) => Some(facts.owns(product)),
                _ => None,
            },
            Expr::EnumIn { tag, values, negated } => match facts.tag(*tag)? {
                TagValue::Enum(value) => Some(values.binary_search(value).is_ok() != *negated),
                _ => None,
            },
            Expr::In(inner, literals) => Some(among(inner.scalar(facts)?, literals)),
            Expr::Compare(comparison, left, right) => {
                compared(*comparison, left.scalar(facts)?, right.scalar(facts)?)
            }
            _ => match self.scalar(facts)? {
                Scalar::Bool(holds) => Some(holds),
                _ => None,
            },
        }
    }

    /// The value of any expression; `None`: unknown.
    #[must_use]
    pub fn scalar<'a>(&'a self, facts: &'a impl Facts) -> Option<Scalar<'a>> {
        match self {
            Expr::Literal(literal) => Some(literal.scalar()),
            Expr::Tag(tag, _) => tag_scalar(facts.tag(*tag)?),
            Expr::EnumText(tag, texts) => match facts.tag(*tag)? {
                TagValue::Enum(value) => texts.get(usize::from(*value)).map(|text| Scalar::Text(text)),
                _ => None,
            },
            Expr::Context(path) => facts.context(path),
            Expr::Data(field) => facts.data(field),
            Expr::EventTime => facts.event_time().map(Scalar::Time),
            Expr::Now => Some(Scalar::Time(facts.now())),
            Expr::DaysSince(since) => match since.scalar(facts)? {
                Scalar::Time(since) => {
                    Some(Scalar::Number(facts.now().since_ms(since) as f64 / DAY_MS as f64))
                }
                _ => None,
            },
            Expr::Arithmetic(operation, left, right) => {
                computed(*operation, left.scalar(facts)?, right.scalar(facts)?)
            }
            Expr::Negate(inner) => match inner.scalar(facts)? {
                Scalar::Int(int) => {
                    Some(int.checked_neg().map_or(Scalar::Number(-(int as f64)), Scalar::Int))
                }
                Scalar::Number(number) => Some(Scalar::Number(-number)),
                _ => None,
            },
            _ => self.holds(facts).map(Scalar::Bool),
        }
    }
}

impl Literal {
    /// The literal as a value.
    #[must_use]
    pub fn scalar(&self) -> Scalar<'_> {
        match self {
            Literal::Bool(value) => Scalar::Bool(*value),
            Literal::Int(value) => Scalar::Int(*value),
            Literal::Number(value) => Scalar::Number(*value),
            Literal::Text(value) => Scalar::Text(value),
        }
    }
}

fn conjunction(parts: &[Expr], facts: &impl Facts) -> Option<bool> {
    let mut answer = Some(true);
    for part in parts {
        match part.holds(facts) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => answer = None,
        }
    }
    answer
}

fn disjunction(parts: &[Expr], facts: &impl Facts) -> Option<bool> {
    let mut answer = Some(false);
    for part in parts {
        match part.holds(facts) {
            Some(false) => {}
            Some(true) => return Some(true),
            None => answer = None,
        }
    }
    answer
}

/// A tag's value, but an enum's: its number means nothing outside the dictionary.
pub(super) fn tag_scalar(value: &TagValue) -> Option<Scalar<'_>> {
    match value {
        TagValue::Int(value) => Some(Scalar::Int(*value)),
        TagValue::Number(value) => Some(Scalar::Number(*value)),
        TagValue::Bool(value) => Some(Scalar::Bool(*value)),
        TagValue::Text(value) => Some(Scalar::Text(value)),
        TagValue::Time(value) => Some(Scalar::Time(*value)),
        TagValue::Enum(_) => None,
    }
}

/// Values of different types are not equal and have no order.
pub(super) fn compared(comparison: Comparison, left: Scalar<'_>, right: Scalar<'_>) -> Option<bool> {
    match order(left, right) {
        Some(order) => Some(comparison.accepts(order)),
        None if comparison.is_equality() => Some(comparison == Comparison::NotEqual),
        None => None,
    }
}

pub(super) fn among(value: Scalar<'_>, literals: &[Literal]) -> bool {
    literals.iter().any(|literal| order(value, literal.scalar()) == Some(Ordering::Equal))
}

fn order(left: Scalar<'_>, right: Scalar<'_>) -> Option<Ordering> {
    match (left, right) {
        (Scalar::Int(left), Scalar::Int(right)) => Some(left.cmp(&right)),
        (Scalar::Text(left), Scalar::Text(right)) => Some(left.cmp(right)),
        (Scalar::Time(left), Scalar::Time(right)) => Some(left.cmp(&right)),
        (Scalar::Bool(left), Scalar::Bool(right)) => Some(left.cmp(&right)),
        (left, right) => number(left)?.partial_cmp(&number(right)?),
    }
}

fn number(value: Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Int(int) => Some(int as f64),
        Scalar::Number(number) => Some(number),
        _ => None,
    }
}

fn computed<'a>(operation: Operation, left: Scalar<'_>, right: Scalar<'_>) -> Option<Scalar<'a>> {
    if let (Scalar::Int(left), Scalar::Int(right)) = (left, right) {
        let whole = match operation {
            Operation::Add => left.checked_add(right),
            Operation::Subtract => left.checked_sub(right),
            Operation::Multiply => left.checked_mul(right),
            Operation::Divide => None,
        };
        if let Some(whole) = whole {
            return Some(Scalar::Int(whole));
        }
    }
    let (left, right) = (number(left)?, number(right)?);
    let result = match operation {
        Operation::Add => left + right,
        Operation::Subtract => left - right,
        Operation::Multiply => left * right,
        Operation::Divide => left / right,
    };
    result.is_finite().then_some(Scalar::Number(result))
}
