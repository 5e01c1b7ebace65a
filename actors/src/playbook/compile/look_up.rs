//! What the sections ask while they are compiled: tags, rules, words, names and durations, with findings for what is not there.

use super::times::duration;
use crate::playbook::rules::{Fault, Scope};
use crate::playbook::source::{Located, Source, Text};
use crate::playbook::text::{At, Findings, nearest};
use crate::playbook::{Dictionary, Formula, Rule, Tag, TagNumber};
use crate::value::Name;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Tags, rules already compiled, and the findings.
pub struct LookUp<'a> {
    scope: Scope<'a>,
    dictionary: &'a Dictionary,
    tags: HashMap<&'a str, &'a Tag>,
    rules: HashMap<String, Result<Rule, Vec<Fault>>>,
    formulas: HashMap<String, Result<Formula, Vec<Fault>>>,
    names: HashSet<Name>,
    /// Declared channels; empty: any.
    pub channels: BTreeMap<&'a str, ()>,
    findings: &'a mut Findings,
}

impl<'a> LookUp<'a> {
    pub fn new(
        source: &'a Source,
        dictionary: &'a Dictionary,
        declared: &'a HashMap<TagNumber, Tag>,
        findings: &'a mut Findings,
    ) -> Self {
        let mut scope = Scope::new(dictionary);
        let mut tags: HashMap<&str, &Tag> = HashMap::new();
        for tag in declared.values() {
            scope = match tag.private {
                true => scope.with_private_tag(&tag.id, tag.kind),
                false => scope.with_tag(&tag.id, tag.kind),
            };
            tags.insert(&tag.id, tag);
        }
        let channels = source.channels.keys().map(|name| (name.as_str(), ())).collect();
        LookUp {
            scope,
            dictionary,
            tags,
            rules: HashMap::new(),
            formulas: HashMap::new(),
            names: HashSet::new(),
            channels,
            findings,
        }
    }

    pub fn scope(&self) -> &Scope<'a> {
        &self.scope
    }

    pub fn dictionary(&self) -> &'a Dictionary {
        self.dictionary
    }

    pub fn error(&mut self, at: At, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.error(at, what, fix);
    }

    pub fn warning(&mut self, at: At, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.warning(at, what, fix);
    }

    /// A declared tag.
    pub fn tag(&mut self, id: &Text, about: &str) -> Option<&'a Tag> {
        if let Some(tag) = self.tags.get(id.value.as_str()) {
            return Some(tag);
        }
        if self.findings.is_full() {
            return None;
        }
        let fix = match nearest(&id.value, self.tags.keys().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => "declare it under tags".into(),
        };
        self.error(id.at, format!("{about}: unknown tag {}", id.value), fix);
        None
    }

    /// A condition outside events. Catalogues repeat themselves, so each text is compiled once.
    pub fn rule(&mut self, text: &Text, about: &str) -> Option<Rule> {
        let compiled = match self.rules.get(&text.value) {
            Some(compiled) => compiled.clone(),
            None if self.findings.is_full() => return None,
            None => {
                let compiled = Rule::compile(&text.value, &self.scope);
                self.rules.insert(text.value.clone(), compiled.clone());
                compiled
            }
        };
        self.sound(compiled, text.at, about)
    }

    /// A condition that may be left out.
    pub fn rule_if_any(&mut self, text: Option<&Text>, about: &str) -> Option<Rule> {
        self.rule(text?, about)
    }

    /// A formula outside events.
    pub fn number(&mut self, text: &Text, about: &str) -> Option<Formula> {
        let compiled = match self.formulas.get(&text.value) {
            Some(compiled) => compiled.clone(),
            None if self.findings.is_full() => return None,
            None => {
                let compiled = Formula::number(&text.value, &self.scope);
                self.formulas.insert(text.value.clone(), compiled.clone());
                compiled
            }
        };
        self.sound(compiled, text.at, about)
    }

    /// A formula compiled before and found sound.
    pub fn known_number(&self, text: &str) -> Option<&Formula> {
        self.formulas.get(text)?.as_ref().ok()
    }

    /// The number of a declared tag.
    pub fn known_tag(&self, id: &str) -> Option<TagNumber> {
        self.tags.get(id).map(|tag| tag.number)
    }

    /// Reports the faults of what was compiled.
    pub fn sound<T>(&mut self, compiled: Result<T, Vec<Fault>>, at: At, about: &str) -> Option<T> {
        match compiled {
            Ok(compiled) => Some(compiled),
            Err(faults) => {
                for fault in faults {
                    self.error(at, format!("{about}: {}", fault.what), fault.fix);
                }
                None
            }
        }
    }

    /// One of a closed set of words.
    pub fn word<T: Copy>(&mut self, text: &Text, about: &str, words: &[(&'static str, T)]) -> Option<T> {
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*meaning);
        }
        let fix = match nearest(&text.value, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("use {}", words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")),
        };
        self.error(text.at, format!("{about}: {} is not known", text.value), fix);
        None
    }

    /// A length of time in milliseconds: `30d`, `12h`, `15m`, `60s`, `2w`.
    pub fn duration(&mut self, text: &Text, about: &str) -> Option<i64> {
        duration(text, about, self.findings)
    }

    /// A declared channel.
    pub fn channel(&mut self, name: &str, at: At, about: &str) -> Option<Name> {
        if self.channels.is_empty() || self.channels.contains_key(name) {
            return Some(self.name(name));
        }
        let fix = match nearest(name, self.channels.keys().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => "declare it under channels".into(),
        };
        self.error(at, format!("{about}: unknown channel {name}"), fix);
        None
    }

    /// A name that many offers share: one copy serves them all.
    pub fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.names.get(text) {
            return Name::clone(name);
        }
        let name: Name = text.into();
        self.names.insert(Name::clone(&name));
        name
    }

    /// A number within `from..=to`.
    pub fn within(&mut self, number: &Located<f64>, from: f64, to: f64, about: &str) -> Option<f64> {
        if (from..=to).contains(&number.value) {
            return Some(number.value);
        }
        let what = format!("{about} is {}", number.value);
        self.error(number.at, what, format!("give a number from {from} to {to}"));
        None
    }

    /// Reports ids that stand there twice, and ids that are no ids.
    pub fn unique<'b>(&mut self, ids: impl IntoIterator<Item = &'b Text>, about: &str) {
        let mut seen: HashSet<&str> = HashSet::new();
        for id in ids {
            if id.value.is_empty() || id.value.len() > 128 || id.value.chars().any(char::is_control) {
                self.error(id.at, format!("{about} has an unusable id"), "give an id of 1 to 128 bytes");
            } else if !seen.insert(&id.value) {
                self.error(
                    id.at,
                    format!("{about} {} is there twice", id.value),
                    "rename or remove one of them",
                );
            }
        }
    }
}
