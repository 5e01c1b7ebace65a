//! From tree to typed expression: names are looked up, types are checked, every fault is named.
//!
//! Fields of the context can be of any type, so what is compared with them is checked when the rule is.

mod names;

use super::expr::{Comparison, Expr, Literal, Operation};
use super::parse::Tree;
use super::{Fault, Scope, Wanted};
use crate::playbook::dictionary::{TagKind, TagNumber};
use crate::playbook::text::nearest;
use crate::value::Name;

/// What a part gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Bool,
    Number,
    Text,
    Time,
    Enum(TagNumber),
    /// Known only when the rule is checked.
    Any,
}

impl Type {
    fn word(self) -> &'static str {
        match self {
            Type::Bool => "true or false",
            Type::Number => "a number",
            Type::Text => "a string",
            Type::Time => "a time",
            Type::Enum(_) => "an enum",
            Type::Any => "a value",
        }
    }

    fn fits(self, wanted: Type) -> bool {
        self == wanted || self == Type::Any
    }
}

/// The tree as a condition.
///
/// # Errors
/// Every fault in it.
pub fn condition(tree: &Tree, scope: &Scope<'_>) -> Result<Expr, Vec<Fault>> {
    let mut checker = Checker { scope, faults: Vec::new() };
    let expr = checker.wanting(tree, Type::Bool);
    checker.done(expr)
}

/// The tree as a formula.
///
/// # Errors
/// Every fault in it.
pub fn formula(tree: &Tree, scope: &Scope<'_>, wanted: Wanted) -> Result<Expr, Vec<Fault>> {
    let mut checker = Checker { scope, faults: Vec::new() };
    let expr = match wanted {
        Wanted::Number => checker.wanting(tree, Type::Number),
        Wanted::Text => checker.wanting(tree, Type::Text),
        Wanted::Anything => checker.anything(tree),
        Wanted::Tag(tag) => checker.for_tag(tree, tag),
    };
    checker.done(expr)
}

struct Checker<'a> {
    scope: &'a Scope<'a>,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn done(self, expr: Option<Expr>) -> Result<Expr, Vec<Fault>> {
        match expr {
            Some(expr) if self.faults.is_empty() => Ok(expr),
            _ => Err(self.faults),
        }
    }

    fn fault<T>(&mut self, what: String, fix: impl Into<String>) -> Option<T> {
        self.faults.push(Fault { what, fix: fix.into() });
        None
    }

    fn wanting(&mut self, tree: &Tree, wanted: Type) -> Option<Expr> {
        let (expr, found) = self.part(tree)?;
        match (expr, found) {
            (Expr::Tag(..) | Expr::EnumText(..), Type::Enum(tag)) if wanted == Type::Text => {
                Some(self.enum_text(tag))
            }
            (expr, found) if found.fits(wanted) => Some(expr),
            (_, found) => {
                let what =
                    format!("{} is {}, where {} is needed", written(tree), found.word(), wanted.word());
                self.fault(what, "change one of them")
            }
        }
    }

    fn anything(&mut self, tree: &Tree) -> Option<Expr> {
        match self.part(tree)? {
            (_, Type::Enum(tag)) => Some(self.enum_text(tag)),
            (expr, _) => Some(expr),
        }
    }

    fn for_tag(&mut self, tree: &Tree, tag: TagNumber) -> Option<Expr> {
        let wanted = match self.scope.dictionary.kind(tag)? {
            TagKind::Int | TagKind::Number => Type::Number,
            TagKind::Bool => Type::Bool,
            TagKind::Text => Type::Text,
            TagKind::Time => Type::Time,
            TagKind::Enum => {
                if let Tree::Text(value) = tree {
                    self.enum_value(tag, value)?;
                }
                Type::Text
            }
        };
        self.wanting(tree, wanted)
    }

    fn part(&mut self, tree: &Tree) -> Option<(Expr, Type)> {
        match tree {
            Tree::Bool(value) => Some((Expr::Literal(Literal::Bool(*value)), Type::Bool)),
            Tree::Int(value) => Some((Expr::Literal(Literal::Int(*value)), Type::Number)),
            Tree::Number(value) => Some((Expr::Literal(Literal::Number(*value)), Type::Number)),
            Tree::Text(value) => Some((Expr::Literal(Literal::Text(Name::from(value.as_str()))), Type::Text)),
            Tree::Path(path) => self.operand(path),
            Tree::Has(path) => self.presence(path),
            Tree::Call(name, args) => self.call(name, args),
            Tree::Not(inner) => Some((Expr::Not(Box::new(self.wanting(inner, Type::Bool)?)), Type::Bool)),
            Tree::Negate(inner) => Some((self.negated(inner)?, Type::Number)),
            Tree::All(parts) => Some((Expr::All(self.conditions(parts)?), Type::Bool)),
            Tree::Any(parts) => Some((Expr::Any(self.conditions(parts)?), Type::Bool)),
            Tree::Compare(comparison, left, right) => {
                Some((self.comparison(*comparison, left, right)?, Type::Bool))
            }
            Tree::Arithmetic(operation, left, right) => {
                Some((self.arithmetic(*operation, left, right)?, Type::Number))
            }
            Tree::In(left, right) => Some((self.membership(left, right)?, Type::Bool)),
            Tree::List(_) => self.fault("a list stands alone".into(), "lists follow `in`"),
        }
    }

    /// All parts are looked at, so that every fault is found.
    fn conditions(&mut self, parts: &[Tree]) -> Option<Box<[Expr]>> {
        let parts: Vec<Option<Expr>> = parts.iter().map(|part| self.wanting(part, Type::Bool)).collect();
        parts.into_iter().collect()
    }

    fn negated(&mut self, inner: &Tree) -> Option<Expr> {
        match self.wanting(inner, Type::Number)? {
            Expr::Literal(Literal::Int(int)) => Some(Expr::Literal(Literal::Int(int.wrapping_neg()))),
            Expr::Literal(Literal::Number(number)) => Some(Expr::Literal(Literal::Number(-number))),
            other => Some(Expr::Negate(Box::new(other))),
        }
    }

    fn call(&mut self, name: &str, args: &[Tree]) -> Option<(Expr, Type)> {
        match (name, args) {
            ("now", []) => Some((Expr::Now, Type::Time)),
            ("owns", [product]) => {
                Some((Expr::Owns(Box::new(self.wanting(product, Type::Text)?)), Type::Bool))
            }
            ("days_since", [since]) => {
                Some((Expr::DaysSince(Box::new(self.wanting(since, Type::Time)?)), Type::Number))
            }
            ("has", [Tree::Path(path)]) => self.presence(path),
            ("has", _) => self.fault("has() asks for one tag or field".into(), "write has(t.<tag>)"),
            _ => self.fault(
                format!("{name}() is given {} values", args.len()),
                "write owns('<offer>'), days_since(t.<tag>) or now()",
            ),
        }
    }

    fn comparison(&mut self, comparison: Comparison, left: &Tree, right: &Tree) -> Option<Expr> {
        let (left_part, right_part) = (self.part(left), self.part(right));
        let ((left_expr, left_type), (right_expr, right_type)) = (left_part?, right_part?);
        match (left_type, right_type) {
            (Type::Enum(tag), _) => return self.enum_comparison(tag, comparison, left, right),
            (_, Type::Enum(tag)) => return self.enum_comparison(tag, comparison, right, left),
            (Type::Bool, Type::Bool) if !comparison.is_equality() => {
                return self.fault(
                    format!("{} and {} have no order", written(left), written(right)),
                    "compare them with == or !=",
                );
            }
            (Type::Time, Type::Text | Type::Number) | (Type::Text | Type::Number, Type::Time) => {
                return self.fault(
                    format!(
                        "a time is compared with {}",
                        if left_type == Type::Time { right_type } else { left_type }.word()
                    ),
                    "compare it with now(), event.time or another time, or use days_since()",
                );
            }
            _ if left_type.fits(right_type) || right_type.fits(left_type) => {}
            _ => {
                let what = format!(
                    "{} is {} and {} is {}",
                    written(left),
                    left_type.word(),
                    written(right),
                    right_type.word()
                );
                return self.fault(what, "compare values of one type");
            }
        }
        Some(Expr::Compare(comparison, Box::new(left_expr), Box::new(right_expr)))
    }

    fn enum_comparison(
        &mut self,
        tag: TagNumber,
        comparison: Comparison,
        side: &Tree,
        other: &Tree,
    ) -> Option<Expr> {
        let Tree::Text(value) = other else {
            return self.fault(
                format!("{} is compared with {}", written(side), written(other)),
                "compare an enum with one of its values, in quotes",
            );
        };
        if !comparison.is_equality() {
            return self.fault(format!("the values of {} have no order", written(side)), "use ==, != or in");
        }
        let value = self.enum_value(tag, value)?;
        Some(Expr::EnumIn { tag, values: [value].into(), negated: comparison == Comparison::NotEqual })
    }

    fn enum_value(&mut self, tag: TagNumber, text: &str) -> Option<u16> {
        if let Some(value) = self.scope.dictionary.enum_value(tag, text) {
            return Some(value);
        }
        let id = self.scope.dictionary.id(tag).cloned().unwrap_or_default();
        let values = self.scope.dictionary.enum_values(tag);
        let fix = match nearest(text, values.iter().map(|value| &**value)) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!(
                "its values are {}",
                values.iter().take(12).map(|v| &**v).collect::<Vec<_>>().join(", ")
            ),
        };
        self.fault(format!("'{text}' is not a value of t.{id}"), fix)
    }

    fn enum_text(&self, tag: TagNumber) -> Expr {
        Expr::EnumText(tag, self.scope.dictionary.enum_values(tag).into())
    }

    fn membership(&mut self, left: &Tree, right: &Tree) -> Option<Expr> {
        let (expr, found) = self.part(left)?;
        let Tree::List(items) = right else {
            return self
                .fault(format!("`in` is followed by {}", written(right)), "write a list: in ['a', 'b']");
        };
        if items.is_empty() {
            return self.fault("`in []` never holds".into(), "name at least one value");
        }
        if let Type::Enum(tag) = found {
            let values: Vec<Option<u16>> = items
                .iter()
                .map(|item| match item {
                    Tree::Text(value) => self.enum_value(tag, value),
                    other => self.fault(
                        format!("{} is not text", written(other)),
                        "list values of the tag, in quotes",
                    ),
                })
                .collect();
            let mut values = values.into_iter().collect::<Option<Vec<u16>>>()?;
            values.sort_unstable();
            values.dedup();
            return Some(Expr::EnumIn { tag, values: values.into(), negated: false });
        }
        let literals: Vec<Option<Literal>> =
            items.iter().map(|item| self.listed(item, left, found)).collect();
        Some(Expr::In(Box::new(expr), literals.into_iter().collect::<Option<_>>()?))
    }

    fn listed(&mut self, item: &Tree, left: &Tree, wanted: Type) -> Option<Literal> {
        match self.part(item)? {
            (Expr::Literal(literal), found) if found.fits(wanted) || wanted == Type::Any => Some(literal),
            (Expr::Literal(_), found) => self.fault(
                format!("{} is {}, and {} is in its list", written(left), wanted.word(), found.word()),
                "list values of one type",
            ),
            _ => self.fault(format!("{} stands in a list", written(item)), "list plain values only"),
        }
    }

    fn arithmetic(&mut self, operation: Operation, left: &Tree, right: &Tree) -> Option<Expr> {
        let (left, right_part) = (self.wanting(left, Type::Number), self.wanting(right, Type::Number));
        let (left, right_part) = (left?, right_part?);
        let zero = || matches!(constant(&right_part), Some(Some(number)) if number == 0.0);
        if operation == Operation::Divide && zero() {
            return self.fault("a division by zero".into(), "divide by something else");
        }
        let sum = Expr::Arithmetic(operation, Box::new(left), Box::new(right_part));
        match constant(&sum) {
            Some(None) => self.fault("a number beyond all numbers".into(), "use smaller numbers"),
            _ => Some(sum),
        }
    }
}

/// What a part gives that reads nothing: a number, or `Some(None)` when there is none; `None` when it reads something.
fn constant(expr: &Expr) -> Option<Option<f64>> {
    let finite = |number: f64| number.is_finite().then_some(number);
    match expr {
        Expr::Literal(Literal::Int(int)) => Some(Some(*int as f64)),
        Expr::Literal(Literal::Number(number)) => Some(finite(*number)),
        Expr::Negate(inner) => Some(constant(inner)?.map(|number| -number)),
        Expr::Arithmetic(operation, left, right) => {
            let (Some(left), Some(right)) = (constant(left)?, constant(right)?) else { return Some(None) };
            Some(finite(match operation {
                Operation::Add => left + right,
                Operation::Subtract => left - right,
                Operation::Multiply => left * right,
                Operation::Divide => left / right,
            }))
        }
        _ => None,
    }
}

/// A part as its author wrote it, shortened, for messages.
fn written(tree: &Tree) -> String {
    match tree {
        Tree::Bool(value) => value.to_string(),
        Tree::Int(value) => value.to_string(),
        Tree::Number(value) => value.to_string(),
        Tree::Text(value) => format!("'{value}'"),
        Tree::Path(path) => path.join("."),
        Tree::Has(path) => format!("has({})", path.join(".")),
        Tree::Call(name, _) => format!("{name}(..)"),
        Tree::List(_) => "a list".into(),
        Tree::Not(_) | Tree::All(_) | Tree::Any(_) | Tree::In(..) | Tree::Compare(..) => "a condition".into(),
        Tree::Negate(_) | Tree::Arithmetic(..) => "a sum".into(),
    }
}
