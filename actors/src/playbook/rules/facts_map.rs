//! Facts in a map, for tests of rules and of what uses them.

use super::{Facts, Scalar};
use crate::playbook::dictionary::{Dictionary, TagKind, TagNumber, TagValue};
use crate::timestamp::Timestamp;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Facts that own what they know.
#[derive(Clone, Debug)]
pub struct FactsMap {
    /// `t.*`
    pub tags: BTreeMap<TagNumber, TagValue>,
    /// `c.*`, a map
    pub context: Value,
    /// `data.*`, a map
    pub data: Value,
    /// `event.time`
    pub event_time: Option<Timestamp>,
    /// `owns(..)`
    pub owned: BTreeSet<String>,
    /// `now()`
    pub now: Timestamp,
}

impl FactsMap {
    /// Knows nothing but the time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let nothing = Value::Map(BTreeMap::new());
        FactsMap {
            tags: BTreeMap::new(),
            context: nothing.clone(),
            data: nothing,
            event_time: None,
            owned: BTreeSet::new(),
            now,
        }
    }

    /// Knows this tag, when the dictionary does; of the value's type.
    #[must_use]
    pub fn with_tag(mut self, dictionary: &Dictionary, id: &str, value: TagValue) -> Self {
        let kind = match value {
            TagValue::Int(_) => TagKind::Int,
            TagValue::Number(_) => TagKind::Number,
            TagValue::Bool(_) => TagKind::Bool,
            TagValue::Enum(_) => TagKind::Enum,
            TagValue::Text(_) => TagKind::Text,
            TagValue::Time(_) => TagKind::Time,
        };
        self.tags.extend(dictionary.number(id, kind).map(|tag| (tag, value)));
        self
    }
}

impl Facts for FactsMap {
    fn tag(&self, tag: TagNumber) -> Option<&TagValue> {
        self.tags.get(&tag)
    }

    fn context(&self, path: &str) -> Option<Scalar<'_>> {
        Scalar::of(self.context.at(path)?)
    }

    fn data(&self, path: &str) -> Option<Scalar<'_>> {
        Scalar::of(self.data.at(path)?)
    }

    fn event_time(&self) -> Option<Timestamp> {
        self.event_time
    }

    fn owns(&self, product: &str) -> bool {
        self.owned.contains(product)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
