//! Loose values as they come from outside: the data of an event, the context of a request, the content of an offer.
//!
//! Shaped like JSON, without being JSON: only the node knows formats.

use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of something the playbook declares: a channel, a purpose, an offer, a family.
pub type Name = Arc<str>;

/// A value of any shape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Value {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; always finite.
    Number(f64),
    /// Text.
    Text(String),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Map(BTreeMap<String, Value>),
}

/// Written with its kind where programs read it back, so that a number stays the number it was; plain where people read.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename = "Value")]
        enum Tagged<'a> {
            Null,
            Bool(bool),
            Int(i64),
            Number(f64),
            Text(&'a str),
            List(&'a [Value]),
            Map(&'a BTreeMap<String, Value>),
        }
        let plain = serializer.is_human_readable();
        match self {
            Value::Null if plain => serializer.serialize_unit(),
            Value::Bool(value) if plain => value.serialize(serializer),
            Value::Int(value) if plain => value.serialize(serializer),
            Value::Number(value) if plain => value.serialize(serializer),
            Value::Text(value) if plain => value.serialize(serializer),
            Value::List(value) if plain => value.serialize(serializer),
            Value::Map(value) if plain => value.serialize(serializer),
            Value::Null => Tagged::Null.serialize(serializer),
            Value::Bool(value) => Tagged::Bool(*value).serialize(serializer),
            Value::Int(value) => Tagged::Int(*value).serialize(serializer),
            Value::Number(value) => Tagged::Number(*value).serialize(serializer),
            Value::Text(value) => Tagged::Text(value).serialize(serializer),
            Value::List(value) => Tagged::List(value).serialize(serializer),
            Value::Map(value) => Tagged::Map(value).serialize(serializer),
        }
    }
}

impl Value {
    /// Follows a dotted path through maps: `place.lat`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self, |value, step| match value {
            Value::Map(map) => map.get(step),
            _ => None,
        })
    }

    /// The text inside, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The kind of value in words, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Number(_) => "number",
            Value::Text(_) => "string",
            Value::List(_) => "list",
            Value::Map(_) => "object",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_back_with_its_kind() {
        let kinds = [
            Value::Null,
            Value::Bool(true),
            Value::Int(7),
            Value::Number(7.0),
            Value::Text("7".into()),
            Value::List(vec![Value::Int(7), Value::Number(7.0)]),
            Value::Map(BTreeMap::from([("seven".to_owned(), Value::Text("7".into()))])),
        ];
        for value in kinds {
            let bytes = rmp_serde::to_vec(&value).expect("plain data");
            assert_eq!(rmp_serde::from_slice::<Value>(&bytes).expect("readable"), value);
        }
    }
}
