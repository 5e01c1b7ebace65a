//! The keys of [`NodeOptions`], found in the struct itself: its fields in their order, its types, its words.
//!
//! Nothing here names a field, so a new option cannot be forgotten in the file, the environment or the sample.

use super::NodeOptions;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// All keys, in the order of the fields.
pub(super) fn known() -> Vec<String> {
    let written = serde_json::to_string(&NodeOptions::default()).unwrap_or_default();
    serde_json::from_str::<Keys>(&written).map(|keys| keys.0).unwrap_or_default()
}

/// `options` with one key set; else what is wrong with the key or the value.
pub(super) fn set(options: &NodeOptions, key: &str, value: Value) -> Result<NodeOptions, String> {
    let mut fields = fields_of(options);
    if !fields.contains_key(key) {
        return Err(match nearest(key) {
            Some(near) => format!("unknown key {key}; did you mean {near}?"),
            None => format!("unknown key {key}; known are {}", known().join(", ")),
        });
    }
    fields.insert(key.to_string(), value);
    serde_json::from_value(Value::Object(fields)).map_err(|error| format!("{key}: {error}"))
}

/// As [`set`], from a text that does not say whether it is a word or a number.
pub(super) fn set_text(options: &NodeOptions, key: &str, text: &str) -> Result<NodeOptions, String> {
    set(options, key, Value::from(text)).or_else(|as_word| match text.parse::<u64>() {
        Ok(number) => set(options, key, Value::from(number)),
        Err(_) => Err(as_word),
    })
}

/// The sample config file: each key with its words above it, at its default, commented out.
pub(super) fn sample() -> String {
    let schema = schemars::schema_for!(NodeOptions);
    let defaults = fields_of(&NodeOptions::default());
    let head = "# How a Rapport node is set up. Every key is a variable as well (RAPPORT_NODE_ID), the most used ones are\n\
                # flags (--node-id). Flags override variables, variables override this file. Take the # away to change\n\
                # a value.\n";
    known().iter().fold(head.to_string(), |mut text, key| {
        let property = schema.pointer(&format!("/properties/{key}/description"));
        text.push('\n');
        for line in property.and_then(Value::as_str).unwrap_or_default().lines() {
            text.push_str(&format!("# {line}\n"));
        }
        let value = match &defaults[key] {
            Value::String(word) => word.clone(),
            Value::Null => "null".to_string(),
            other => other.to_string(),
        };
        text + &format!("#{key}: {value}\n")
    })
}

fn fields_of(options: &NodeOptions) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// The known key that differs in the fewest letters, if it is at most two.
fn nearest(key: &str) -> Option<String> {
    let by_distance = known().into_iter().map(|near| (distance(key, &near), near)).min()?;
    (by_distance.0 <= 2).then_some(by_distance.1)
}

/// Letters to change, add or take away to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 0..to.len() {
            let changed = diagonal + usize::from(letter != to[j]);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

/// The keys of a JSON object in the order they are written in.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
