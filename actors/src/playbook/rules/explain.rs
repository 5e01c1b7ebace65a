//! Why a rule does not hold, for people: the predicate that failed, what it needed and what was found.
//!
//! Runs only after a rule failed, so it may take its time. A private tag is neither named nor is its value or the
//! value asked for spelt out.

use super::expr::{Expr, Literal};
use super::lower::{Code, Predicate, Test};
use super::{Facts, Scalar, Verdict};
use crate::playbook::dictionary::{Dictionary, TagNumber, TagValue};

/// How tags are named.
pub(super) struct Words<'a> {
    dictionary: &'a Dictionary,
    private: &'a [TagNumber],
}

const A_PRIVATE_TAG: &str = "a private tag";

/// The verdict on a rule that does not hold.
pub(super) fn explain(code: &Code, facts: &impl Facts, words: &Words<'_>) -> Verdict {
    let parts: Vec<Expr> = code.predicates.iter().map(as_expr).chain(code.rest.clone()).collect();
    let whole = Expr::All(parts.into());
    let culprit = culprit(&whole, facts);
    if culprit.holds(facts).is_none()
        && let Some(name) = missing(culprit, facts, words)
    {
        return Verdict::Missing { name };
    }
    let operands = operands(culprit, facts, words);
    let actual = match culprit.holds(facts) {
        None => format!("can't be computed: {operands}"),
        Some(_) => operands,
    };
    Verdict::Fail { needed: words.needed(culprit), actual }
}

fn as_expr(predicate: &Predicate) -> Expr {
    let tag = predicate.tag;
    let read = || Box::new(Expr::Tag(tag, crate::playbook::TagKind::Bool));
    match &predicate.test {
        Test::AbsentOr(test) => {
            let inner = Predicate { tag, test: (**test).clone() };
            Expr::Any([Expr::Not(Box::new(Expr::HasTag(tag))), as_expr(&inner)].into())
        }
        Test::Compare(comparison, literal) => {
            Expr::Compare(*comparison, read(), Box::new(Expr::Literal(literal.clone())))
        }
        Test::In(literals) => Expr::In(read(), literals.clone()),
        Test::Enum { values, negated } => Expr::EnumIn { tag, values: values.clone(), negated: *negated },
        Test::Is(true) => *read(),
        Test::Is(false) => Expr::Not(read()),
        Test::Present => Expr::HasTag(tag),
    }
}

/// The first part of a conjunction that fails, or else the first that is unknown.
fn culprit<'a>(expr: &'a Expr, facts: &impl Facts) -> &'a Expr {
    let Expr::All(parts) = expr else { return expr };
    let failing = parts.iter().find(|part| part.holds(facts) == Some(false));
    match failing.or_else(|| parts.iter().find(|part| part.holds(facts).is_none())) {
        Some(part) => culprit(part, facts),
        None => expr,
    }
}

/// The first thing whose absence leaves the expression unknown.
fn missing(expr: &Expr, facts: &impl Facts, words: &Words<'_>) -> Option<String> {
    match expr {
        Expr::Tag(..) | Expr::EnumText(..) | Expr::EnumIn { .. } | Expr::Context(_) | Expr::Data(_) => {
            (value(expr, facts, words).is_none()).then(|| words.name(expr))
        }
        Expr::EventTime => facts.event_time().is_none().then(|| "event.time".into()),
        Expr::All(parts) | Expr::Any(parts) => parts
            .iter()
            .filter(|part| part.holds(facts).is_none())
            .find_map(|part| missing(part, facts, words)),
        Expr::Compare(_, left, right) | Expr::Arithmetic(_, left, right) => {
            missing(left, facts, words).or_else(|| missing(right, facts, words))
        }
        Expr::Not(inner)
        | Expr::Negate(inner)
        | Expr::Owns(inner)
        | Expr::DaysSince(inner)
        | Expr::In(inner, _) => missing(inner, facts, words),
        _ => None,
    }
}

/// What was found, operand by operand: `t.age is 16, c.channel is sms`.
fn operands(expr: &Expr, facts: &impl Facts, words: &Words<'_>) -> String {
    let mut found: Vec<String> = Vec::new();
    expr.visit(&mut |part| {
        let line = match part {
            _ if words.is_private(part) => "a private tag is otherwise".into(),
            Expr::Tag(..) | Expr::EnumText(..) | Expr::EnumIn { .. } | Expr::Context(_) | Expr::Data(_) => {
                match value(part, facts, words) {
                    Some(value) => format!("{} is {value}", words.name(part)),
                    None => format!("{} is missing", words.name(part)),
                }
            }
            Expr::HasTag(_) | Expr::HasContext(_) | Expr::HasData(_) => match part.holds(facts) {
                Some(true) if words.is_read_elsewhere(part, expr) => return,
                Some(true) => format!("{} is there", words.name(part)),
                _ => format!("{} is missing", words.name(part)),
            },
            Expr::Owns(product) => match (product.scalar(facts), part.holds(facts)) {
                (Some(Scalar::Text(product)), Some(true)) => format!("{product} is owned"),
                (Some(Scalar::Text(product)), Some(false)) => format!("{product} is not owned"),
                _ => return,
            },
            Expr::DaysSince(_) => match part.scalar(facts) {
                Some(Scalar::Number(days)) if !words.reads_private(part) => {
                    format!("that is {days:.1} days ago")
                }
                _ => return,
            },
            _ => return,
        };
        if !found.contains(&line) {
            found.push(line);
        }
    });
    found.join(", ")
}

fn value(expr: &Expr, facts: &impl Facts, words: &Words<'_>) -> Option<String> {
    if let Some(tag) = expr.own_tag() {
        return Some(match facts.tag(tag)? {
            TagValue::Enum(value) => words.enum_text(tag, *value),
            TagValue::Int(value) => value.to_string(),
            TagValue::Number(value) => value.to_string(),
            TagValue::Bool(value) => value.to_string(),
            TagValue::Text(value) => value.to_string(),
            TagValue::Time(value) => value.to_string(),
        });
    }
    Some(match expr.scalar(facts)? {
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Number(value) => value.to_string(),
        Scalar::Text(value) => value.to_owned(),
        Scalar::Time(value) => value.to_string(),
    })
}

impl<'a> Words<'a> {
    pub(super) fn new(dictionary: &'a Dictionary, private: &'a [TagNumber]) -> Self {
        Words { dictionary, private }
    }

    fn is_private(&self, part: &Expr) -> bool {
        part.own_tag().is_some_and(|tag| self.private.contains(&tag))
    }

    /// Its value is told, so that it is there need not be.
    fn is_read_elsewhere(&self, asked: &Expr, whole: &Expr) -> bool {
        let mut read = false;
        whole.visit(&mut |part| {
            read |= part != asked && part.own_tag().is_some() && part.own_tag() == asked.own_tag();
        });
        read
    }

    fn reads_private(&self, expr: &Expr) -> bool {
        let mut private = false;
        expr.visit(&mut |part| private |= self.is_private(part));
        private
    }

    fn needed(&self, expr: &Expr) -> String {
        if self.reads_private(expr) {
            return format!("a condition on {A_PRIVATE_TAG}");
        }
        self.written(expr)
    }

    fn name(&self, part: &Expr) -> String {
        match part {
            _ if self.is_private(part) => A_PRIVATE_TAG.into(),
            Expr::Context(path) | Expr::HasContext(path) => format!("c.{path}"),
            Expr::Data(field) | Expr::HasData(field) => format!("data.{field}"),
            _ => match part.own_tag().and_then(|tag| self.dictionary.id(tag)) {
                Some(id) => format!("t.{id}"),
                None => "a tag".into(),
            },
        }
    }

    fn enum_text(&self, tag: TagNumber, value: u16) -> String {
        self.dictionary.enum_text(tag, value).map_or_else(|| value.to_string(), |text| text.to_string())
    }

    fn written(&self, expr: &Expr) -> String {
        match expr {
            Expr::Literal(literal) => quoted(literal),
            Expr::Tag(..) | Expr::EnumText(..) | Expr::Context(_) | Expr::Data(_) => self.name(expr),
            Expr::EventTime => "event.time".into(),
            Expr::Now => "now()".into(),
            Expr::HasTag(_) | Expr::HasContext(_) | Expr::HasData(_) => format!("has({})", self.name(expr)),
            Expr::Owns(product) => format!("owns({})", self.written(product)),
            Expr::DaysSince(since) => format!("days_since({})", self.written(since)),
            Expr::EnumIn { tag, values, negated } => {
                let texts: Vec<String> =
                    values.iter().map(|v| format!("'{}'", self.enum_text(*tag, *v))).collect();
                match (texts.as_slice(), negated) {
                    ([one], false) => format!("{} == {one}", self.name(expr)),
                    ([one], true) => format!("{} != {one}", self.name(expr)),
                    (many, false) => format!("{} in [{}]", self.name(expr), many.join(", ")),
                    (many, true) => format!("!({} in [{}])", self.name(expr), many.join(", ")),
                }
            }
            Expr::In(inner, literals) => {
                let list: Vec<String> = literals.iter().map(quoted).collect();
                format!("{} in [{}]", self.inner(inner), list.join(", "))
            }
            Expr::Not(inner) => format!("!{}", self.inner(inner)),
            Expr::Negate(inner) => format!("-{}", self.inner(inner)),
            Expr::All(parts) => self.joined(parts, " && "),
            Expr::Any(parts) => self.joined(parts, " || "),
            Expr::Compare(sign, left, right) => {
                format!("{} {} {}", self.inner(left), sign.sign(), self.inner(right))
            }
            Expr::Arithmetic(sign, left, right) => {
                format!("{} {} {}", self.inner(left), sign.sign(), self.inner(right))
            }
        }
    }

    fn joined(&self, parts: &[Expr], sign: &str) -> String {
        let written: Vec<String> = parts
            .iter()
            .map(|part| match part {
                Expr::All(_) | Expr::Any(_) => self.inner(part),
                _ => self.written(part),
            })
            .collect();
        written.join(sign)
    }

    /// In parentheses, unless it is one word.
    fn inner(&self, expr: &Expr) -> String {
        match expr {
            Expr::All(_)
            | Expr::Any(_)
            | Expr::Compare(..)
            | Expr::Arithmetic(..)
            | Expr::In(..)
            | Expr::EnumIn { .. }
            | Expr::Not(_)
            | Expr::Negate(_) => format!("({})", self.written(expr)),
            _ => self.written(expr),
        }
    }
}

fn quoted(literal: &Literal) -> String {
    match literal {
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Number(value) => value.to_string(),
        Literal::Text(value) => format!("'{value}'"),
    }
}
