//! A typed expression: what a rule says, with tags by number.

use crate::playbook::dictionary::{TagKind, TagNumber};
use crate::value::Name;
use std::cmp::Ordering;

/// An expression whose types have been checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A literal.
    Literal(Literal),
    /// `t.x`, any type but enum.
    Tag(TagNumber, TagKind),
    /// `t.x` of an enum tag, as text; the texts by number.
    EnumText(TagNumber, Box<[Name]>),
    /// `c.x`
    Context(Name),
    /// `data.x`
    Data(Name),
    /// `event.time`
    EventTime,
    /// `now()`
    Now,
    /// `has(t.x)`
    HasTag(TagNumber),
    /// `has(c.x)`
    HasContext(Name),
    /// `has(data.x)`
    HasData(Name),
    /// `owns('x')`
    Owns(Box<Expr>),
    /// `days_since(t.x)`
    DaysSince(Box<Expr>),
    /// An enum tag is one of (or, negated, none of) the values.
    EnumIn {
        /// The tag.
        tag: TagNumber,
        /// Sorted numbers of the values.
        values: Box<[u16]>,
        /// None of them instead of one of them.
        negated: bool,
    },
    /// `x in [..]`
    In(Box<Expr>, Box<[Literal]>),
    /// `!x`
    Not(Box<Expr>),
    /// `a && b && ..`
    All(Box<[Expr]>),
    /// `a || b || ..`
    Any(Box<[Expr]>),
    /// `a < b`
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a + b`
    Arithmetic(Operation, Box<Expr>, Box<Expr>),
    /// `-a`
    Negate(Box<Expr>),
}

/// A value written in a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true`
    Bool(bool),
    /// `18`
    Int(i64),
    /// `29.9`; finite
    Number(f64),
    /// `'sms'`
    Text(Name),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// Arithmetic on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl Comparison {
    /// The sign in rules.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }

    /// The same comparison with its sides changed over.
    #[must_use]
    pub fn turned(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            same => same,
        }
    }

    /// Whether it holds of two values in this order.
    #[must_use]
    pub fn accepts(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }

    /// `==` or `!=`.
    #[must_use]
    pub fn is_equality(self) -> bool {
        matches!(self, Comparison::Equal | Comparison::NotEqual)
    }
}

impl Operation {
    /// The sign in rules.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Operation::Add => "+",
            Operation::Subtract => "-",
            Operation::Multiply => "*",
            Operation::Divide => "/",
        }
    }
}

impl Expr {
    /// Shows every part of the expression, itself first.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Expr)) {
        see(self);
        match self {
            Expr::Owns(part)
            | Expr::DaysSince(part)
            | Expr::Not(part)
            | Expr::Negate(part)
            | Expr::In(part, _) => {
                part.visit(see);
            }
            Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| part.visit(see)),
            Expr::Compare(_, left, right) | Expr::Arithmetic(_, left, right) => {
                left.visit(see);
                right.visit(see);
            }
            _ => {}
        }
    }

    /// The parts this part is made of.
    #[must_use]
    pub fn parts(&self) -> Vec<&Expr> {
        match self {
            Expr::Owns(part)
            | Expr::DaysSince(part)
            | Expr::Not(part)
            | Expr::Negate(part)
            | Expr::In(part, _) => vec![part],
            Expr::All(parts) | Expr::Any(parts) => parts.iter().collect(),
            Expr::Compare(_, left, right) | Expr::Arithmetic(_, left, right) => vec![left, right],
            _ => Vec::new(),
        }
    }

    /// Whether this part itself reads anything: a tag, the context, the clock, what is owned.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(
            self,
            Expr::Tag(..)
                | Expr::EnumText(..)
                | Expr::Context(_)
                | Expr::Data(_)
                | Expr::EventTime
                | Expr::Now
                | Expr::HasTag(_)
                | Expr::HasContext(_)
                | Expr::HasData(_)
                | Expr::Owns(_)
                | Expr::DaysSince(_)
                | Expr::EnumIn { .. }
        )
    }

    /// The tag this part reads itself.
    #[must_use]
    pub fn own_tag(&self) -> Option<TagNumber> {
        match self {
            Expr::Tag(tag, _) | Expr::EnumText(tag, _) | Expr::HasTag(tag) | Expr::EnumIn { tag, .. } => {
                Some(*tag)
            }
            _ => None,
        }
    }
}
