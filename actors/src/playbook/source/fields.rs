//! Reading a map key by key: what is missing, of a wrong type or not asked for becomes a finding, and reading goes on.

use super::{Located, Text};
use crate::playbook::text::{At, Findings, Node, NodeKind, nearest};
use crate::value::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The keys of one map.
pub struct Fields<'a> {
    about: String,
    at: At,
    entries: &'a [(String, Node)],
    asked: Vec<&'static str>,
    findings: &'a RefCell<Findings>,
}

impl<'a> Fields<'a> {
    /// Opens a map; `about` names it in findings.
    pub fn open(node: &'a Node, about: &str, findings: &'a RefCell<Findings>) -> Option<Self> {
        let NodeKind::Map(entries) = &node.kind else {
            let what = format!("{about} is {}", node.word());
            findings.borrow_mut().error(node.at, what, "write a map: {key: value}");
            return None;
        };
        Some(Fields { about: about.to_owned(), at: node.at, entries, asked: Vec::new(), findings })
    }

    /// Names the map by its id from here on.
    pub fn rename(&mut self, about: String) {
        self.about = about;
    }

    /// Where the map begins.
    #[must_use]
    pub fn at(&self) -> At {
        self.at
    }

    /// Reports keys that nobody asked for.
    pub fn close(self) {
        for (key, node) in self.entries {
            if !self.asked.contains(&key.as_str()) {
                let fix = match nearest(key, self.asked.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("known keys are {}", self.asked.join(", ")),
                };
                let what = format!("{} has an unknown key {key}", self.about);
                self.findings.borrow_mut().error(node.at, what, fix);
            }
        }
    }

    /// The node of a key; an empty value counts as absent.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        let (_, node) = self.entries.iter().find(|(name, _)| name == key)?;
        (!matches!(node.kind, NodeKind::Null)).then_some(node)
    }

    /// Whether any of these keys is there. They count as asked for.
    pub fn knows_any(&mut self, keys: &[&'static str]) -> bool {
        self.asked.extend(keys);
        self.entries.iter().any(|(name, _)| keys.contains(&name.as_str()))
    }

    /// Reports a key that is not there.
    pub fn missing(&self, key: &str) {
        self.findings.borrow_mut().error(
            self.at,
            format!("{} lacks {key}", self.about),
            format!("add {key}"),
        );
    }

    /// Text.
    pub fn text(&mut self, key: &'static str) -> Option<Text> {
        let node = self.node(key)?;
        self.text_of(key, node)
    }

    /// Text that must be there.
    pub fn needed_text(&mut self, key: &'static str) -> Option<Text> {
        match self.node(key) {
            Some(node) => self.text_of(key, node),
            None => {
                self.missing(key);
                None
            }
        }
    }

    /// A rule or formula: text, or a plain number or truth value.
    pub fn expression(&mut self, key: &'static str) -> Option<Text> {
        let node = self.node(key)?;
        self.expression_of(key, node)
    }

    /// A rule or formula that must be there.
    pub fn needed_expression(&mut self, key: &'static str) -> Option<Text> {
        match self.node(key) {
            Some(node) => self.expression_of(key, node),
            None => {
                self.missing(key);
                None
            }
        }
    }

    /// A finite number.
    pub fn number(&mut self, key: &'static str) -> Option<Located<f64>> {
        let node = self.node(key)?;
        self.number_of(key, node)
    }

    /// A finite number that must be there.
    pub fn needed_number(&mut self, key: &'static str) -> Option<Located<f64>> {
        match self.node(key) {
            Some(node) => self.number_of(key, node),
            None => {
                self.missing(key);
                None
            }
        }
    }

    /// A whole number.
    pub fn int(&mut self, key: &'static str) -> Option<Located<i64>> {
        let node = self.node(key)?;
        match node.kind {
            NodeKind::Int(value) => Some(Located { value, at: node.at }),
            _ => self.wrong(key, node, "a whole number"),
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Option<Located<bool>> {
        let node = self.node(key)?;
        match node.kind {
            NodeKind::Bool(value) => Some(Located { value, at: node.at }),
            _ => self.wrong(key, node, "true or false"),
        }
    }

    /// The items of a list; none when it is absent.
    pub fn list(&mut self, key: &'static str) -> &'a [Node] {
        let Some(node) = self.node(key) else { return &[] };
        match &node.kind {
            NodeKind::List(items) => items,
            _ => {
                self.wrong::<()>(key, node, "a list");
                &[]
            }
        }
    }

    /// A list of texts; numbers in it are taken as text.
    pub fn texts(&mut self, key: &'static str) -> Vec<Text> {
        let items = self.list(key);
        items.iter().filter_map(|item| self.expression_of(key, item)).collect()
    }

    /// The entries of a map with free keys; none when it is absent.
    pub fn map(&mut self, key: &'static str) -> &'a [(String, Node)] {
        let Some(node) = self.node(key) else { return &[] };
        match &node.kind {
            NodeKind::Map(entries) => entries,
            _ => {
                self.wrong::<()>(key, node, "a map");
                &[]
            }
        }
    }

    /// A map of rules or formulas with free keys.
    pub fn expressions(&mut self, key: &'static str) -> BTreeMap<String, Text> {
        let entries = self.map(key);
        entries
            .iter()
            .filter_map(|(name, node)| Some((name.clone(), self.expression_of(name, node)?)))
            .collect()
    }

    /// A map of finite numbers with free keys.
    pub fn numbers(&mut self, key: &'static str) -> BTreeMap<String, Located<f64>> {
        let entries = self.map(key);
        entries.iter().filter_map(|(name, node)| Some((name.clone(), self.number_of(name, node)?))).collect()
    }

    /// A value of any shape.
    pub fn value(&mut self, key: &'static str) -> Option<Located<Value>> {
        let node = self.node(key)?;
        Some(Located { value: self.loose(node), at: node.at })
    }

    /// A map of values of any shape.
    pub fn values(&mut self, key: &'static str) -> BTreeMap<String, Located<Value>> {
        let entries = self.map(key);
        let located = |node: &Node| Located { value: self.loose(node), at: node.at };
        entries.iter().map(|(name, node)| (name.clone(), located(node))).collect()
    }

    /// Opens the map below a key.
    pub fn inner(&mut self, key: &'static str) -> Option<Fields<'a>> {
        let node = self.node(key)?;
        Fields::open(node, &format!("{key} of {}", self.about), self.findings)
    }

    /// The maps of a map with free keys.
    pub fn maps(&mut self, key: &'static str) -> Vec<(String, Fields<'a>)> {
        let entries = self.map(key);
        let open = |(name, node): &'a (String, Node)| {
            let about = format!("{name} in {key} of {}", self.about);
            Some((name.clone(), Fields::open(node, &about, self.findings)?))
        };
        entries.iter().filter_map(open).collect()
    }

    /// Reads each item of a list of maps; `item` names one in findings.
    pub fn nested<T>(
        &mut self,
        key: &'static str,
        item: &str,
        read: impl Fn(&mut Fields<'a>) -> Option<T>,
    ) -> Vec<T> {
        let about = format!("{item} of {}", self.about);
        let read_one = |node: &'a Node| {
            let mut fields = Fields::open(node, &about, self.findings)?;
            let result = read(&mut fields);
            fields.close();
            result
        };
        let items = self.list(key);
        items.iter().filter_map(read_one).collect()
    }

    /// A node as a loose value.
    #[must_use]
    pub fn loose(&self, node: &Node) -> Value {
        match &node.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Bool(value) => Value::Bool(*value),
            NodeKind::Int(value) => Value::Int(*value),
            NodeKind::Number(value) if value.is_finite() => Value::Number(*value),
            NodeKind::Number(_) => {
                self.wrong::<()>("a value", node, "a finite number");
                Value::Null
            }
            NodeKind::Text(value) => Value::Text(value.clone()),
            NodeKind::List(items) => Value::List(items.iter().map(|item| self.loose(item)).collect()),
            NodeKind::Map(entries) => {
                Value::Map(entries.iter().map(|(key, node)| (key.clone(), self.loose(node))).collect())
            }
        }
    }

    fn text_of(&self, key: &str, node: &Node) -> Option<Text> {
        match &node.kind {
            NodeKind::Text(value) => Some(Located { value: value.clone(), at: node.at }),
            _ => self.wrong(key, node, "text, in quotes if need be"),
        }
    }

    fn expression_of(&self, key: &str, node: &Node) -> Option<Text> {
        let value = match &node.kind {
            NodeKind::Text(value) => value.clone(),
            NodeKind::Bool(value) => value.to_string(),
            NodeKind::Int(value) => value.to_string(),
            // Written out in full, a large number would read as a whole one beyond 64 bits.
            NodeKind::Number(value) if value.is_finite() && value.abs() >= 1e15 => format!("{value:e}"),
            NodeKind::Number(value) if value.is_finite() => value.to_string(),
            _ => return self.wrong(key, node, "text"),
        };
        Some(Located { value, at: node.at })
    }

    fn number_of(&self, key: &str, node: &Node) -> Option<Located<f64>> {
        let value = match node.kind {
            NodeKind::Int(value) => value as f64,
            NodeKind::Number(value) if value.is_finite() => value,
            _ => return self.wrong(key, node, "a finite number"),
        };
        Some(Located { value, at: node.at })
    }

    fn wrong<T>(&self, key: &str, node: &Node, wanted: &str) -> Option<T> {
        let what = format!("{key} of {} is {}", self.about, node.word());
        self.findings.borrow_mut().error(node.at, what, format!("give {wanted}"));
        None
    }
}
