//! The same trees as the `cel` crate's parser reads. The only file that knows its parser.

use super::{LANGUAGE, Tree, fault, parse};
use crate::playbook::rules::Fault;
use crate::playbook::rules::expr::{Comparison, Operation};
use cel::common::ast::{Expr as CelExpr, IdedExpr, LiteralValue, operators};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the crate reads, as one of our trees; `None` when it refuses the text, or the subset does without what it holds.
fn read_by_cel(text: &str) -> Option<Tree> {
    let parsed = catch_unwind(AssertUnwindSafe(|| cel::parser::Parser::new().parse(text)));
    tree(parsed.ok()?.ok()?).ok()
}

fn check(text: &str) {
    assert_eq!(parse(text).ok(), read_by_cel(text), "{text}");
}

#[test]
fn operators_bind_as_in_cel() {
    for text in [
        "c.a || c.b && c.c",
        "(c.a || c.b) && !c.c",
        "1 + 2 * 3 - 4 / 5",
        "1 - 2 - 3 < 4 + 5",
        "c.a < 1 == true",
        "!c.a == c.b",
        "!!c.a",
        "!!!(c.a)",
        "--c.a",
        "---c.a",
        "-(1 + c.a)",
        "-18",
        "- 18",
        "--18",
        "---18",
        "!-18",
        "-!c.a",
        "!-c.a",
        "1 - -1",
        "1 -1",
        "-9223372036854775808",
        "9223372036854775807",
        "9223372036854775808",
        "0x1F",
        "1.5e3 + .5 - 1e-2",
        "1e999",
        "c.a in [1, 2] && 'x' in ['x']",
        "t.a in ['a', 'b',]",
        "[]",
        "owns('x',)",
        "now(1, [2, 3])",
        "has(t.a) || has(c.a.b)",
        "has(t)",
        "has(t.a, t.b)",
        "owns('x') && days_since(t.a) > 3 && now() > t.b",
        r#"c.a == 'it\'s' || c.a == "\"\\\n\u00e9""#,
        "c.a // a comment\n && c.b",
        "c.a ? c.b : c.c",
        "c.a[0]",
        "1u",
        "1a",
        "c.a c.b",
        "c.",
        "(c.a",
        "c.a)",
        "true.a",
        "c.a && ",
        "a.true",
    ] {
        check(text);
    }
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "t.a",
            "c.b.d",
            "data.x",
            "1",
            "2.5",
            "'x'",
            "true",
            "false",
            "has(t.a)",
            "owns('x')",
            "now()",
            "-3",
        ][..],
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let sign = prop::sample::select(
            &["&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", " in "][..],
        );
        prop_oneof![
            (inner.clone(), sign, inner.clone())
                .prop_map(|(left, sign, right)| format!("{left} {sign} {right}")),
            inner.clone().prop_map(|part| format!("({part})")),
            inner.clone().prop_map(|part| format!("!{part}")),
            inner.clone().prop_map(|part| format!("-{part}")),
            prop::collection::vec(inner, 0..4).prop_map(|parts| format!("[{}]", parts.join(", "))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn expressions_are_read_as_by_cel(text in expression()) {
        prop_assert_eq!(parse(&text).ok(), read_by_cel(&text), "{}", text);
    }

    #[test]
    fn signs_in_any_order_are_read_as_by_cel_or_refused(
        words in prop::collection::vec(
            prop::sample::select(&["t.a", "1", "2.5", "'x'", "(", ")", "[", "]", ",", "&&", "||", "!", "-", "+", "==",
                "in", "<", "has(t.a)", " "][..]), 1..9)
    ) {
        let text = words.join(" ");
        // The crate takes a comma without values for an empty list.
        prop_assume!(!text.contains("[ ,"));
        prop_assert_eq!(parse(&text).ok(), read_by_cel(&text), "{}", text);
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
