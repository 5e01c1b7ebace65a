//! From text to a tree: the subset of CEL that playbooks use.
//!
//! One pass over the words of a rule (`lex`), a function for each strength of binding. Length and depth are bounded, since
//! rules come from the network too. That trees are those of CEL is tested against the `cel` crate.

mod lex;

use super::Fault;
use super::expr::{Comparison, Operation};
use lex::Word;

/// A rule of this length fills a screen; longer ones hold a list that belongs into a tag.
pub const RULE_BYTES_MAX: usize = 4096;
/// Parentheses, lists and calls inside each other.
const NESTING_MAX: usize = 24;
/// Operations inside each other, those of a chain (`a + b + c`) included, and steps of a path.
const HEIGHT_MAX: usize = 97;
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
    if text.len() > RULE_BYTES_MAX {
        let what = format!("a rule is {} bytes long", text.len());
        return Err(fault(what, "keep it within 4096 bytes, for instance by deriving a tag"));
    }
    let words = lex::words(text)?;
    if words.is_empty() {
        return Err(fault("a rule is empty".into(), "write a condition, or leave the key out"));
    }
    let mut reader = Reader { text, words: words.into_iter(), nesting: 0 };
    let whole = reader.any()?;
    match reader.words.next() {
        None => Ok(whole.tree),
        Some(word) => {
            Err(reader.broken(&format!("{} stands where an operator or the end belongs", told(&word))))
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    words: std::vec::IntoIter<Word>,
    nesting: usize,
}

/// A tree and how many operations stand inside each other in it.
struct Part {
    tree: Tree,
    height: usize,
}

type Read = Result<Part, Fault>;

impl Reader<'_> {
    /// `a || b || ..`
    fn any(&mut self) -> Read {
        self.chain(
            "||",
            Reader::all,
            |parts| match parts {
                Tree::Any(parts) => Ok(parts),
                other => Err(other),
            },
            Tree::Any,
        )
    }

    /// `a && b && ..`
    fn all(&mut self) -> Read {
        self.chain(
            "&&",
            Reader::comparison,
            |parts| match parts {
                Tree::All(parts) => Ok(parts),
                other => Err(other),
            },
            Tree::All,
        )
    }

    /// Parts joined by one sign, as one flat list: `(a && b) && c` is three.
    fn chain(
        &mut self,
        sign: &'static str,
        part: impl Fn(&mut Self) -> Read,
        open: impl Fn(Tree) -> Result<Vec<Tree>, Tree>,
        close: impl Fn(Vec<Tree>) -> Tree,
    ) -> Read {
        let first = part(self)?;
        if !self.next_is(sign) {
            return Ok(first);
        }
        let mut height = first.height;
        let mut parts = open(first.tree).unwrap_or_else(|one| vec![one]);
        while self.take(sign) {
            let next = part(self)?;
            height = height.max(next.height);
            match open(next.tree) {
                Ok(more) => parts.extend(more),
                Err(one) => parts.push(one),
            }
        }
        above(height, close(parts))
    }

    /// `a < b`, `a in b`
    fn comparison(&mut self) -> Read {
        let mut left = self.sum()?;
        loop {
            let comparison = match self.peek() {
                Some(Word::Sign("==")) => Some(Comparison::Equal),
                Some(Word::Sign("!=")) => Some(Comparison::NotEqual),
                Some(Word::Sign("<")) => Some(Comparison::Less),
                Some(Word::Sign("<=")) => Some(Comparison::LessOrEqual),
                Some(Word::Sign(">")) => Some(Comparison::Greater),
                Some(Word::Sign(">=")) => Some(Comparison::GreaterOrEqual),
                Some(Word::Name(name)) if name == "in" => None,
                _ => return Ok(left),
            };
            self.words.next();
            left = joined(left, self.sum()?, |left, right| match comparison {
                Some(comparison) => Tree::Compare(comparison, left, right),
                None => Tree::In(left, right),
            })?;
        }
    }

    /// `a + b`, `a - b`
    fn sum(&mut self) -> Read {
        self.arithmetic([("+", Operation::Add), ("-", Operation::Subtract)], Reader::product)
    }

    /// `a * b`, `a / b`
    fn product(&mut self) -> Read {
        self.arithmetic([("*", Operation::Multiply), ("/", Operation::Divide)], Reader::signed)
    }

    fn arithmetic(
        &mut self,
        operations: [(&'static str, Operation); 2],
        part: impl Fn(&mut Self) -> Read,
    ) -> Read {
        let mut left = part(self)?;
        while let Some(operation) =
            operations.iter().find_map(|(sign, operation)| self.take(sign).then_some(*operation))
        {
            left = joined(left, part(self)?, |left, right| Tree::Arithmetic(operation, left, right))?;
        }
        Ok(left)
    }

    /// `!x`, `-x`. Two of them undo each other; the minus of a plain number belongs to the number.
    fn signed(&mut self) -> Read {
        if let [Word::Sign("-"), Word::Int(_) | Word::Number(_), ..] = self.words.as_slice() {
            return self.member();
        }
        for (sign, wrap) in [("!", Tree::Not as fn(Box<Tree>) -> Tree), ("-", Tree::Negate)] {
            let mut count = 0;
            while self.take(sign) {
                count += 1;
            }
            if count > HEIGHT_MAX {
                return Err(fault(format!("a rule has {count} times `{sign}` in a row"), "one is enough"));
            }
            if count > 0 {
                let part = self.member()?;
                return if count % 2 == 1 { above(part.height, wrap(Box::new(part.tree))) } else { Ok(part) };
            }
        }
        self.member()
    }

    /// A value, and the fields below it.
    fn member(&mut self) -> Read {
        let mut part = self.value()?;
        while let Some(Word::Sign(sign @ ("." | "["))) = self.peek() {
            if *sign == "[" {
                return Err(fault(
                    "`x[..]` is not part of the rule language".into(),
                    "name the field: c.a.b",
                ));
            }
            self.words.next();
            let Some(Word::Name(field)) = self.words.next() else {
                return Err(self.broken("a field's name belongs after the `.`"));
            };
            if matches!(field.as_str(), "true" | "false" | "null" | "in") {
                return Err(self.broken(&format!("`{field}` can't name a field")));
            }
            if self.next_is("(") {
                return Err(fault(format!("`.{field}(..)` is not part of the rule language"), LANGUAGE));
            }
            let Tree::Path(path) = &mut part.tree else {
                let what = "a `.` follows something without fields".into();
                return Err(fault(what, "write t.<tag>, c.<path> or data.<field>"));
            };
            path.push(field);
            part = bounded(part.height + 1, part.tree)?;
        }
        Ok(part)
    }

    fn value(&mut self) -> Read {
        match self.words.next() {
            Some(Word::Int(int)) => self.int(i64::try_from(int).ok()),
            Some(Word::Number(number)) => Ok(leaf(Tree::Number(number))),
            Some(Word::Sign("-")) => match self.words.next() {
                Some(Word::Int(int)) => self.int(0i64.checked_sub_unsigned(int)),
                Some(Word::Number(number)) => Ok(leaf(Tree::Number(-number))),
                _ => Err(self.broken("a `-` stands where a value belongs")),
            },
            Some(Word::Text(text)) => Ok(leaf(Tree::Text(text))),
            Some(Word::Sign("(")) => self.inside(|reader| {
                let part = reader.any()?;
                reader.needs(")")?;
                Ok(part)
            }),
            Some(Word::Sign("[")) => self.inside(|reader| reader.listed("]", Tree::List)),
            Some(Word::Name(name)) => match name.as_str() {
                "true" => Ok(leaf(Tree::Bool(true))),
                "false" => Ok(leaf(Tree::Bool(false))),
                "null" => Err(fault("null is not a value here".into(), "ask has(..) instead")),
                "in" => Err(self.broken("`in` stands where a value belongs")),
                _ if self.take("(") => self.inside(|reader| reader.call(name)),
                _ => Ok(leaf(Tree::Path(vec![name]))),
            },
            Some(word) => Err(self.broken(&format!("{} stands where a value belongs", told(&word)))),
            None => Err(self.broken("it ends where a value belongs")),
        }
    }

    fn call(&mut self, name: String) -> Read {
        if !matches!(name.as_str(), "has" | "owns" | "days_since" | "now") {
            return Err(fault(
                format!("there is no function {name}()"),
                "the functions are has, owns, days_since and now",
            ));
        }
        let call = self.listed(")", |args| Tree::Call(name, args))?;
        match call.tree {
            Tree::Call(name, args) if name == "has" => match <[Tree; 1]>::try_from(args) {
                Ok([Tree::Path(path)]) if path.len() > 1 => Ok(leaf(Tree::Has(path))),
                Ok(_) => Err(self.broken("has(..) asks for a field, such as t.age")),
                Err(args) => Ok(leaf(Tree::Call(name, args))),
            },
            _ => Ok(call),
        }
    }

    /// `a, b, ..` up to the closing sign.
    fn listed(&mut self, end: &'static str, close: impl FnOnce(Vec<Tree>) -> Tree) -> Read {
        let mut parts = Vec::new();
        let mut height = 0;
        while !self.next_is(end) {
            let part = self.any()?;
            height = height.max(part.height);
            parts.push(part.tree);
            if !self.take(",") {
                break;
            }
            if end == ")" && self.next_is(end) {
                return Err(self.broken("a value belongs after the last `,`"));
            }
        }
        self.needs(end)?;
        above(height, close(parts))
    }

    /// What stands between parentheses, brackets, or those of a call.
    fn inside(&mut self, read: impl FnOnce(&mut Self) -> Read) -> Read {
        self.nesting += 1;
        if self.nesting >= NESTING_MAX {
            let what = format!("a rule has more than {} levels of parentheses", NESTING_MAX - 1);
            return Err(fault(what, "split it"));
        }
        let part = read(self)?;
        self.nesting -= 1;
        Ok(part)
    }

    fn int(&self, int: Option<i64>) -> Read {
        int.map(|int| leaf(Tree::Int(int))).ok_or_else(|| self.broken("a whole number is too large"))
    }

    fn peek(&self) -> Option<&Word> {
        self.words.as_slice().first()
    }

    fn next_is(&self, sign: &'static str) -> bool {
        self.peek() == Some(&Word::Sign(sign))
    }

    fn take(&mut self, sign: &'static str) -> bool {
        self.next_is(sign) && self.words.next().is_some()
    }

    fn needs(&mut self, sign: &'static str) -> Result<(), Fault> {
        match self.take(sign) {
            true => Ok(()),
            false => Err(self.broken(&format!("a `{sign}` is missing"))),
        }
    }

    fn broken(&self, why: &str) -> Fault {
        fault(format!("`{}` can't be read: {why}", self.text), "correct the expression")
    }
}

fn leaf(tree: Tree) -> Part {
    Part { tree, height: 1 }
}

/// An operation over parts of this height.
fn above(height: usize, tree: Tree) -> Read {
    bounded(height + 1, tree)
}

fn joined(left: Part, right: Part, join: impl FnOnce(Box<Tree>, Box<Tree>) -> Tree) -> Read {
    above(left.height.max(right.height), join(Box::new(left.tree), Box::new(right.tree)))
}

fn bounded(height: usize, tree: Tree) -> Read {
    match height <= HEIGHT_MAX {
        true => Ok(Part { tree, height }),
        false => {
            let what = format!("a rule has more than {} operations inside each other", HEIGHT_MAX - 1);
            Err(fault(what, "split it"))
        }
    }
}

/// A word for messages.
fn told(word: &Word) -> String {
    match word {
        Word::Name(name) => format!("`{name}`"),
        Word::Int(int) => format!("`{int}`"),
        Word::Number(number) => format!("`{number}`"),
        Word::Text(text) => format!("'{text}'"),
        Word::Sign(sign) => format!("`{sign}`"),
    }
}

fn fault(what: String, fix: &str) -> Fault {
    Fault { what, fix: fix.into() }
}

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod tests;
