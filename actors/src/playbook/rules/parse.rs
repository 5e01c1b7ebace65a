//! From text to a tree. The only file that knows the `cel` crate.
//!
//! The crate's parser goes down the stack with each level of a rule and each step of a chain, so length and depth
//! are bounded before it sees a text; signs that no rule needs are refused at the same time.

use super::Fault;
use super::expr::{Comparison, Operation};
use cel::common::ast::{Expr as CelExpr, IdedExpr, LiteralValue, operators};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A rule of this length fills a screen; longer ones hold a list that belongs into a tag.
pub const RULE_BYTES_MAX: usize = 4096;
/// Parentheses, lists and calls inside each other.
const NESTING_MAX: usize = 24;
/// Steps of chains (`a + b + c`, `c.x.y`) on the way from the whole to its innermost part.
const CHAIN_MAX: usize = 96;
/// What an author may use, for messages.
const LANGUAGE: &str = "use comparisons, && || !, in, + - * /, has(), owns(), days_since(), now()";

/// A rule as written: names are not looked up yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `true`
    Bool(bool),
    /// `18`
    Int(i64),
    /// `29.9`
    Number(f64),
    /// `'sms'`
    Text(String),
    /// `t.age`, `c.place.lat`
    Path(Vec<String>),
    /// `has(t.age)`
    Has(Vec<String>),
    /// `[1, 2]`
    List(Vec<Tree>),
    /// `owns('x')`
    Call(String, Vec<Tree>),
    /// `!x`
    Not(Box<Tree>),
    /// `-x`
    Negate(Box<Tree>),
    /// `a && b && ..`
    All(Vec<Tree>),
    /// `a || b || ..`
    Any(Vec<Tree>),
    /// `a < b`
    Compare(Comparison, Box<Tree>, Box<Tree>),
    /// `a + b`
    Arithmetic(Operation, Box<Tree>, Box<Tree>),
    /// `a in b`
    In(Box<Tree>, Box<Tree>),
}

/// Reads a rule or formula.
///
/// # Errors
/// When it is too long, too deep, broken, or outside the subset.
pub fn parse(text: &str) -> Result<Tree, Fault> {
    if let Some(number) = plain_number(text) {
        return Ok(number);
    }
    bounded(text)?;
    match catch_unwind(AssertUnwindSafe(|| cel::parser::Parser::new().parse(text))) {
        Ok(Ok(expr)) => tree(expr),
        Ok(Err(errors)) => {
            let first = errors.errors.first().map_or("it can't be read", |error| error.msg.as_str());
            Err(fault(format!("`{text}` can't be read: {first}"), "correct the expression"))
        }
        Err(_) => Err(fault(format!("`{text}` can't be read"), "correct the expression")),
    }
}

/// Most formulas of a catalogue are numbers: these need no parser.
fn plain_number(text: &str) -> Option<Tree> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !digits || text.starts_with('.') || text.ends_with('.') || text.len() > 15 {
        return None;
    }
    match text.parse::<i64>() {
        Ok(int) => Some(Tree::Int(int)),
        Err(_) => text.parse().ok().map(Tree::Number),
    }
}

fn bounded(text: &str) -> Result<(), Fault> {
    if text.len() > RULE_BYTES_MAX {
        let what = format!("a rule is {} bytes long", text.len());
        return Err(fault(what, "keep it within 4096 bytes, for instance by deriving a tag"));
    }
    if text.trim().is_empty() {
        return Err(fault("a rule is empty".into(), "write a condition, or leave the key out"));
    }
    let mut depth = Depth { open: vec![0], chained: 0 };
    let mut chars = text.chars().peekable();
    while let Some(sign) = chars.next() {
        match sign {
            '\'' | '"' => skip_text(sign, &mut chars),
            '(' | '[' => depth.enter()?,
            ')' | ']' => depth.leave(),
            '&' | '|' | ',' => depth.rest(),
            '.' | '+' | '-' | '*' | '/' | '<' | '>' | '=' | '!' => depth.step()?,
            ' ' if chars.peek() == Some(&'i') => depth.step()?,
            '_' | ' ' | '\t' | '\n' | '\r' => {}
            _ if sign.is_ascii_alphanumeric() => {}
            _ => return Err(fault(format!("`{sign}` is not part of the rule language"), LANGUAGE)),
        }
    }
    Ok(())
}

/// Text between quotes, escapes included. One that never ends is found by the parser.
fn skip_text(quote: char, chars: &mut impl Iterator<Item = char>) {
    while let Some(sign) = chars.next() {
        if sign == quote {
            return;
        }
        if sign == '\\' {
            chars.next();
        }
    }
}

/// How deep the parser will be.
struct Depth {
    /// Steps of the chain at each open level.
    open: Vec<usize>,
    /// Their sum.
    chained: usize,
}

impl Depth {
    fn enter(&mut self) -> Result<(), Fault> {
        self.open.push(0);
        if self.open.len() > NESTING_MAX {
            return Err(fault(
                format!("a rule has more than {NESTING_MAX} levels of parentheses"),
                "split it",
            ));
        }
        Ok(())
    }

    fn leave(&mut self) {
        if self.open.len() > 1 {
            self.chained -= self.open.pop().unwrap_or(0);
        }
    }

    /// A new term begins: the chain before it is done.
    fn rest(&mut self) {
        if let Some(steps) = self.open.last_mut() {
            self.chained -= *steps;
            *steps = 0;
        }
    }

    fn step(&mut self) -> Result<(), Fault> {
        if let Some(steps) = self.open.last_mut() {
            *steps += 1;
            self.chained += 1;
        }
        if self.chained > CHAIN_MAX {
            return Err(fault(format!("a rule has more than {CHAIN_MAX} operations in a row"), "split it"));
        }
        Ok(())
    }
}

fn tree(expr: IdedExpr) -> Result<Tree, Fault> {
    match expr.expr {
        CelExpr::Literal(value) => literal(&value),
        CelExpr::Ident(name) => Ok(Tree::Path(vec![name])),
        CelExpr::Select(select) => {
            let mut path = path(*select.operand)?;
            path.push(select.field);
            Ok(if select.test { Tree::Has(path) } else { Tree::Path(path) })
        }
        CelExpr::List(list) => Ok(Tree::List(trees(list.elements)?)),
        CelExpr::Call(call) if call.target.is_none() => operation(&call.func_name, trees(call.args)?),
        CelExpr::Call(call) => {
            Err(fault(format!("`.{}(..)` is not part of the rule language", call.func_name), LANGUAGE))
        }
        _ => Err(fault("a rule uses a part of CEL that playbooks do without".into(), LANGUAGE)),
    }
}

fn trees(exprs: Vec<IdedExpr>) -> Result<Vec<Tree>, Fault> {
    exprs.into_iter().map(tree).collect()
}

fn path(expr: IdedExpr) -> Result<Vec<String>, Fault> {
    match tree(expr)? {
        Tree::Path(path) => Ok(path),
        _ => Err(fault(
            "a `.` follows something without fields".into(),
            "write t.<tag>, c.<path> or data.<field>",
        )),
    }
}

fn literal(value: &LiteralValue) -> Result<Tree, Fault> {
    match value {
        LiteralValue::Boolean(value) => Ok(Tree::Bool(*value.inner())),
        LiteralValue::Int(value) => Ok(Tree::Int(*value.inner())),
        LiteralValue::Double(value) if value.inner().is_finite() => Ok(Tree::Number(*value.inner())),
        LiteralValue::String(value) => Ok(Tree::Text(value.inner().to_owned())),
        LiteralValue::Null => Err(fault("null is not a value here".into(), "ask has(..) instead")),
        _ => Err(fault("a literal is no number, text, true or false".into(), "use one of these")),
    }
}

/// An operator or function, as the parser names them.
fn operation(name: &str, mut args: Vec<Tree>) -> Result<Tree, Fault> {
    let compare = |comparison, args| pair(args).map(|(left, right)| Tree::Compare(comparison, left, right));
    let arithmetic =
        |operation, args| pair(args).map(|(left, right)| Tree::Arithmetic(operation, left, right));
    match name {
        operators::EQUALS => compare(Comparison::Equal, args),
        operators::NOT_EQUALS => compare(Comparison::NotEqual, args),
        operators::LESS => compare(Comparison::Less, args),
        operators::LESS_EQUALS => compare(Comparison::LessOrEqual, args),
        operators::GREATER => compare(Comparison::Greater, args),
        operators::GREATER_EQUALS => compare(Comparison::GreaterOrEqual, args),
        operators::ADD => arithmetic(Operation::Add, args),
        operators::SUBSTRACT => arithmetic(Operation::Subtract, args),
        operators::MULTIPLY => arithmetic(Operation::Multiply, args),
        operators::DIVIDE => arithmetic(Operation::Divide, args),
        operators::IN => pair(args).map(|(left, right)| Tree::In(left, right)),
        operators::LOGICAL_NOT if args.len() == 1 => Ok(Tree::Not(Box::new(args.remove(0)))),
        operators::NEGATE if args.len() == 1 => Ok(Tree::Negate(Box::new(args.remove(0)))),
        operators::LOGICAL_AND => Ok(Tree::All(flattened(args, |part| match part {
            Tree::All(parts) => Ok(parts),
            other => Err(other),
        }))),
        operators::LOGICAL_OR => Ok(Tree::Any(flattened(args, |part| match part {
            Tree::Any(parts) => Ok(parts),
            other => Err(other),
        }))),
        "owns" | "days_since" | "now" | "has" => Ok(Tree::Call(name.to_owned(), args)),
        operators::INDEX => {
            Err(fault("`x[..]` is not part of the rule language".into(), "name the field: c.a.b"))
        }
        _ if name.starts_with(|first: char| first.is_ascii_alphabetic()) => Err(fault(
            format!("there is no function {name}()"),
            "the functions are has, owns, days_since and now",
        )),
        _ => Err(fault(format!("the operator {} is not known", name.replace('_', "")), LANGUAGE)),
    }
}

fn pair(args: Vec<Tree>) -> Result<(Box<Tree>, Box<Tree>), Fault> {
    match <[Tree; 2]>::try_from(args) {
        Ok([left, right]) => Ok((Box::new(left), Box::new(right))),
        Err(_) => Err(fault("an operator lacks a side".into(), "write both sides")),
    }
}

/// `(a && b) && c` is one list of three.
fn flattened(args: Vec<Tree>, open: impl Fn(Tree) -> Result<Vec<Tree>, Tree>) -> Vec<Tree> {
    args.into_iter().flat_map(|part| open(part).unwrap_or_else(|other| vec![other])).collect()
}

fn fault(what: String, fix: &str) -> Fault {
    Fault { what, fix: fix.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_small_stack(text: String) -> Result<Tree, Fault> {
        std::thread::Builder::new().stack_size(2 << 20).spawn(move || parse(&text)).unwrap().join().unwrap()
    }

    #[test]
    fn a_rule_can_not_exhaust_the_stack() {
        let deep = [
            ("(".repeat(4000), false),
            (format!("{}1{}", "(".repeat(23), ")".repeat(23)), true),
            (format!("{}1{}", "(".repeat(24), ")".repeat(24)), false),
            (format!("1{}", " + 1".repeat(96)), true),
            (format!("1{}", " + 1".repeat(97)), false),
            (format!("1{} > 1", " - 1".repeat(900)), false),
            (format!("{}1{}", "1 + (1 + (1 - ".repeat(11), "))".repeat(11)), true),
            (format!("c{}", ".a".repeat(2000)), false),
            (format!("{}c.x", "!".repeat(2000)), false),
            (format!("{}c.x", "!(".repeat(2000)), false),
            ("a in ".repeat(800), false),
            (format!("c.x == 1{}", " && c.x == 1".repeat(300)), true),
            (format!("c.x in [1{}]", ",1".repeat(1500)), true),
            ("x".repeat(5000), false),
            ("a?b:".repeat(900), false),
        ];
        for (text, good) in deep {
            let begin: String = text.chars().take(40).collect();
            assert_eq!(on_a_small_stack(text).is_ok(), good, "{begin}");
        }
    }

    #[test]
    fn what_is_not_in_the_subset_is_refused() {
        for text in [
            "",
            " ",
            "t.age >=",
            "[1].map(x, x)",
            "{1: 2}",
            "t.a % 2",
            "a ? b : c",
            "size(t.a)",
            "t.a[0]",
            "null",
            "'x",
            "b'x'",
            "1u",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn conjunctions_are_one_flat_list() {
        let Ok(Tree::All(parts)) = parse("c.a && c.b && (c.c && c.d) && c.e") else { panic!("a list") };
        let names: Vec<String> = parts
            .into_iter()
            .map(|part| match part {
                Tree::Path(path) => path.join("."),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(names, ["c.a", "c.b", "c.c", "c.d", "c.e"]);
    }
}
