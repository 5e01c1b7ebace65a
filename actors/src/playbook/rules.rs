//! Rules and formulas: a subset of CEL, checked against the tag dictionary and lowered to flat typed predicates.
//!
//! A rule over a missing tag is unknown, which is a third answer beside yes and no: `false && unknown` is no,
//! `true || unknown` is yes, everything else it touches stays unknown. `has(t.x)` asks.

//!
//! Reading order: text to tree ([`parse`]), tree to typed expression ([`check`], [`expr`]), expression to the form
//! that is evaluated ([`lower`]), the answer ([`eval`]) and its explanation ([`explain`]).

pub mod parse;
pub mod expr;
pub mod check;
pub mod lower;
pub mod eval;
pub mod explain;
#[cfg(test)]
pub mod facts_map;

use crate::playbook::DataField;
use crate::playbook::dictionary::{Dictionary, TagKind, TagNumber, TagValue};
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};
pub use expr::{Comparison, Literal};
pub use lower::{Predicate, Test};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// What a rule may read. Whoever checks a rule brings an implementation.
pub trait Facts {
    /// `t.x`: the customer's tag, `None` when missing, stale or not to be used.
    fn tag(&self, tag: TagNumber) -> Option<&TagValue>;
    /// `c.x`: a field of the contact or of the context, by its dotted path.
    fn context(&self, path: &str) -> Option<Scalar<'_>>;
    /// `data.x`: a field of the event being applied; outside events there is none.
    fn data(&self, _path: &str) -> Option<Scalar<'_>> {
        None
    }
    /// `event.time`; outside events there is none.
    fn event_time(&self) -> Option<Timestamp> {
        None
    }
    /// `owns('x')`: whether the customer owns the product.
    fn owns(&self, product: &str) -> bool;
    /// `now()`.
    fn now(&self) -> Timestamp;
}

/// A simple value while a rule is checked. Numbers are finite.
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

impl<'a> Scalar<'a> {
    /// A loose value as a rule sees it; lists, objects and null are nothing to compare.
    #[must_use]
    pub fn of(value: &'a Value) -> Option<Scalar<'a>> {
        match value {
            Value::Bool(value) => Some(Scalar::Bool(*value)),
            Value::Int(value) => Some(Scalar::Int(*value)),
            Value::Number(value) => Some(Scalar::Number(*value)),
            Value::Text(value) => Some(Scalar::Text(value)),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }
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

/// What may be named in a rule.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    dictionary: &'a Dictionary,
    tags: Arc<HashMap<&'a str, (TagNumber, TagKind)>>,
    private: Arc<HashSet<TagNumber>>,
    data: Option<&'a BTreeMap<Name, DataField>>,
}

impl<'a> Scope<'a> {
    /// No tags yet: only `c.*` and functions.
    #[must_use]
    pub fn new(dictionary: &'a Dictionary) -> Self {
        Scope { dictionary, tags: Arc::default(), private: Arc::default(), data: None }
    }

    /// Adds `t.<id>`, when the dictionary knows it with this type.
    #[must_use]
    pub fn with_tag(mut self, id: &'a str, kind: TagKind) -> Self {
        if let Some(number) = self.dictionary.number(id, kind) {
            Arc::make_mut(&mut self.tags).insert(id, (number, kind));
        }
        self
    }

    /// Adds `t.<id>` as a tag that messages never name.
    #[must_use]
    pub fn with_private_tag(mut self, id: &'a str, kind: TagKind) -> Self {
        if let Some(number) = self.dictionary.number(id, kind) {
            Arc::make_mut(&mut self.private).insert(number);
        }
        self.with_tag(id, kind)
    }

    /// The same scope in the updates of an event: adds `data.<field>` and `event.time`.
    #[must_use]
    pub fn with_data(&self, data: &'a BTreeMap<Name, DataField>) -> Scope<'a> {
        Scope { data: Some(data), ..self.clone() }
    }
}

/// What is wrong with a rule, without its place in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, naming the thing.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

/// A condition, ready to be checked. Copies share it.
#[derive(Clone, Debug)]
pub struct Rule(Arc<Compiled<lower::Code>>);

/// A formula that gives a value. Copies share it.
#[derive(Clone, Debug)]
pub struct Formula(Arc<Compiled<expr::Expr>>);

/// What is evaluated, and what is known of it without evaluating it.
#[derive(Debug)]
struct Compiled<C> {
    code: C,
    about: About,
}

/// What is known of a rule or formula without evaluating it.
#[derive(Clone, Debug)]
struct About {
    text: Name,
    tags: Box<[TagNumber]>,
    private: Box<[TagNumber]>,
    context: Box<[Name]>,
    products: bool,
}

impl Rule {
    /// Reads and checks a condition.
    ///
    /// # Errors
    /// Everything found wrong with it.
    pub fn compile(text: &str, scope: &Scope<'_>) -> Result<Rule, Vec<Fault>> {
        let tree = parse::parse(text).map_err(|fault| vec![fault])?;
        let expr = check::condition(&tree, scope)?;
        let about = About::of(text, &expr, scope);
        Ok(Rule(Arc::new(Compiled { code: lower::lower(expr), about })))
    }

    /// Whether the rule holds; `None`: unknown, a tag or field it needs is missing.
    #[must_use]
    pub fn holds(&self, facts: &impl Facts) -> Option<bool> {
        self.0.code.holds(facts)
    }

    /// Whether the rule holds, and if not, why. Costs nothing more than [`Rule::holds`] when it does.
    #[must_use]
    pub fn check(&self, facts: &impl Facts, dictionary: &Dictionary) -> Verdict {
        match self.holds(facts) {
            Some(true) => Verdict::Pass,
            _ => {
                explain::explain(&self.0.code, facts, &explain::Words::new(dictionary, &self.0.about.private))
            }
        }
    }

    /// Comparisons of one tag each, all of which must hold.
    #[must_use]
    pub fn predicates(&self) -> &[Predicate] {
        &self.0.code.predicates
    }

    /// Whether [`Rule::predicates`] say all there is to the rule.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.0.code.rest.is_none()
    }

    /// What there is to the rule beside its predicates.
    pub(crate) fn rest(&self) -> Option<&expr::Expr> {
        self.0.code.rest.as_ref()
    }

    /// Tags the rule reads, each once.
    pub fn reads_tags(&self) -> impl Iterator<Item = TagNumber> {
        self.0.about.tags.iter().copied()
    }

    /// Paths below `c.` the rule reads, each once.
    #[must_use]
    pub fn reads_context(&self) -> &[Name] {
        &self.0.about.context
    }

    /// Whether the rule asks what the customer owns.
    #[must_use]
    pub fn reads_products(&self) -> bool {
        self.0.about.products
    }

    /// The rule as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.about.text
    }
}

impl Formula {
    /// Reads and checks a formula that gives a number.
    ///
    /// # Errors
    /// Everything found wrong with it.
    pub fn number(text: &str, scope: &Scope<'_>) -> Result<Formula, Vec<Fault>> {
        Formula::compile(text, scope, Wanted::Number)
    }

    /// Reads and checks a formula that gives a value for a tag of the given type.
    ///
    /// # Errors
    /// Everything found wrong with it.
    pub fn for_tag(text: &str, scope: &Scope<'_>, tag: TagNumber) -> Result<Formula, Vec<Fault>> {
        Formula::compile(text, scope, Wanted::Tag(tag))
    }

    /// Reads and checks a formula that gives text, such as a product's name.
    ///
    /// # Errors
    /// Everything found wrong with it.
    pub fn text_value(text: &str, scope: &Scope<'_>) -> Result<Formula, Vec<Fault>> {
        Formula::compile(text, scope, Wanted::Text)
    }

    /// Reads and checks a formula that gives anything: a thing to be told from others.
    ///
    /// # Errors
    /// Everything found wrong with it.
    pub fn thing(text: &str, scope: &Scope<'_>) -> Result<Formula, Vec<Fault>> {
        Formula::compile(text, scope, Wanted::Anything)
    }

    fn compile(text: &str, scope: &Scope<'_>, wanted: Wanted) -> Result<Formula, Vec<Fault>> {
        let tree = parse::parse(text).map_err(|fault| vec![fault])?;
        let expr = check::formula(&tree, scope, wanted)?;
        let about = About::of(text, &expr, scope);
        Ok(Formula(Arc::new(Compiled { code: expr, about })))
    }

    /// The formula's number, always finite; `None` when something is missing or divided by zero.
    #[must_use]
    pub fn value(&self, facts: &impl Facts) -> Option<f64> {
        match self.0.code.scalar(facts)? {
            Scalar::Int(int) => Some(int as f64),
            Scalar::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The formula's value; an enum tag's value is its text. `None` when something is missing or divided by zero.
    #[must_use]
    pub fn scalar<'a>(&'a self, facts: &'a impl Facts) -> Option<Scalar<'a>> {
        self.0.code.scalar(facts)
    }

    /// The formula's number where it reads nothing; `None`: it depends on what it reads, or can't be computed.
    #[must_use]
    pub fn constant(&self) -> Option<f64> {
        let mut reads = false;
        self.0.code.visit(&mut |part| reads |= part.is_read());
        if reads { None } else { self.value(&Nothing) }
    }

    /// Tags the formula reads, each once.
    pub fn reads_tags(&self) -> impl Iterator<Item = TagNumber> {
        self.0.about.tags.iter().copied()
    }

    /// Paths below `c.` the formula reads, each once.
    #[must_use]
    pub fn reads_context(&self) -> &[Name] {
        &self.0.about.context
    }

    /// The formula as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.about.text
    }
}

/// The facts of nobody at no time, for what reads none.
struct Nothing;

impl Facts for Nothing {
    fn tag(&self, _tag: TagNumber) -> Option<&TagValue> {
        None
    }

    fn context(&self, _path: &str) -> Option<Scalar<'_>> {
        None
    }

    fn owns(&self, _product: &str) -> bool {
        false
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(0)
    }
}

/// What a formula is to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A number.
    Number,
    /// Text.
    Text,
    /// Whatever it is.
    Anything,
    /// A value for this tag.
    Tag(TagNumber),
}

impl About {
    fn of(text: &str, expr: &expr::Expr, scope: &Scope<'_>) -> About {
        let mut tags = Vec::new();
        let mut context = Vec::new();
        let mut products = false;
        expr.visit(&mut |part| {
            tags.extend(part.own_tag());
            products |= matches!(part, expr::Expr::Owns(_));
            if let expr::Expr::Context(path) | expr::Expr::HasContext(path) = part {
                context.push(path.clone());
            }
        });
        tags.sort_unstable();
        tags.dedup();
        context.sort_unstable();
        context.dedup();
        let private = tags.iter().copied().filter(|tag| scope.private.contains(tag)).collect();
        About { text: Arc::from(text), private, tags: tags.into(), context: context.into(), products }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod oracle_tests;
