//! Numbers for tags and for the values of enum tags, stable over all playbooks.
//!
//! Customers remember numbers, so a number is never given twice: the dictionary only grows. A tag that changes its
//! type gets a new number, and its old values are no longer seen.

use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A tag's number in the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagNumber(pub u32);

/// A tag's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TagKind {
    /// A whole number.
    Int,
    /// A finite number.
    Number,
    /// Yes or no.
    Bool,
    /// One of the listed values.
    Enum,
    /// Text, at most 256 bytes.
    Text,
    /// A moment.
    Time,
}

impl TagKind {
    /// The word used in playbooks.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            TagKind::Int => "int",
            TagKind::Number => "number",
            TagKind::Bool => "bool",
            TagKind::Enum => "enum",
            TagKind::Text => "string",
            TagKind::Time => "time",
        }
    }
}

/// A tag's value. An enum value is its number among the values of its tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TagValue {
    /// A whole number.
    Int(i64),
    /// A finite number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// One of the listed values.
    Enum(u16),
    /// Text.
    Text(Box<str>),
    /// A moment.
    Time(Timestamp),
}

/// All tags ever declared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dictionary {
    entries: Vec<Entry>,
    #[serde(skip)]
    by_id: HashMap<(Name, TagKind), TagNumber>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    id: Name,
    kind: TagKind,
    values: Vec<Name>,
}
