//! Numbers for tags and for the values of enum tags, stable over all playbooks.
//!
//! Customers remember numbers, so a number is never given twice: the dictionary only grows. A tag that changes its
//! type gets a new number, and its old values are no longer seen.

use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

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
    /// All types, in the order they are listed to authors.
    pub const ALL: [TagKind; 6] =
        [TagKind::Int, TagKind::Number, TagKind::Bool, TagKind::Enum, TagKind::Text, TagKind::Time];

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

/// Tags of all playbooks together: far above any one playbook, far below what a bad file could claim.
const TAG_COUNT_MAX: usize = 4_000_000;
/// Values of one enum tag: they are remembered in 16 bits.
pub const ENUM_VALUE_COUNT_MAX: usize = 65_535;

/// All tags ever declared.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    entries: Vec<Entry>,
    by_id: HashMap<Name, Vec<TagNumber>>,
    enums: HashMap<TagNumber, HashMap<Name, u16>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    id: Name,
    kind: TagKind,
    values: Vec<Name>,
}

/// A tag as a playbook declares it.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its type.
    pub kind: TagKind,
    /// The values of an enum tag; else empty.
    pub values: &'a [Name],
}

/// Why a dictionary can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DictionaryError {
    /// More values than 16 bits can number, those of earlier playbooks included. Use another tag id.
    #[error("tag {id} has had more than {ENUM_VALUE_COUNT_MAX} values over all playbooks")]
    TooManyValues {
        /// The tag.
        id: Name,
    },
    /// More tags than a dictionary holds, those of earlier playbooks included.
    #[error("more than {TAG_COUNT_MAX} tags over all playbooks")]
    TooManyTags,
    /// The bytes are no dictionary. Read them again from the store.
    #[error("not a tag dictionary: {0}")]
    Unreadable(String),
}

impl Dictionary {
    /// The number of the tag with this id and type.
    #[must_use]
    pub fn number(&self, id: &str, kind: TagKind) -> Option<TagNumber> {
        self.by_id.get(id)?.iter().copied().find(|tag| self.kind(*tag) == Some(kind))
    }

    /// The id of a tag.
    #[must_use]
    pub fn id(&self, tag: TagNumber) -> Option<&Name> {
        Some(&self.entry(tag)?.id)
    }

    /// The type of a tag.
    #[must_use]
    pub fn kind(&self, tag: TagNumber) -> Option<TagKind> {
        Some(self.entry(tag)?.kind)
    }

    /// The number of a value of an enum tag.
    #[must_use]
    pub fn enum_value(&self, tag: TagNumber, text: &str) -> Option<u16> {
        self.enums.get(&tag)?.get(text).copied()
    }

    /// The value of an enum tag with this number.
    #[must_use]
    pub fn enum_text(&self, tag: TagNumber, value: u16) -> Option<&Name> {
        self.entry(tag)?.values.get(usize::from(value))
    }

    /// All values an enum tag ever had, by number.
    #[must_use]
    pub fn enum_values(&self, tag: TagNumber) -> &[Name] {
        self.entry(tag).map_or(&[], |entry| &entry.values)
    }

    /// How many tags there ever were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there never was a tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// This dictionary and the declared tags; numbers given before stay.
    ///
    /// # Errors
    /// When there are more tags or enum values than can be numbered.
    pub fn extended_by<'a>(
        &self,
        tags: impl IntoIterator<Item = Declaration<'a>>,
    ) -> Result<Dictionary, DictionaryError> {
        let mut extended = self.clone();
        for tag in tags {
            extended.extend_by_one(tag)?;
        }
        Ok(extended)
    }

    /// MessagePack of the entries in the order of their numbers.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec(&self.entries).expect("names and lists of names are always written")
    }

    /// Reads what [`Dictionary::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are not that.
    pub fn decode(bytes: &[u8]) -> Result<Dictionary, DictionaryError> {
        let entries: Vec<Entry> =
            rmp_serde::from_slice(bytes).map_err(|error| DictionaryError::Unreadable(error.to_string()))?;
        let mut dictionary = Dictionary::default();
        for (ix, entry) in entries.iter().enumerate() {
            let tag = dictionary.extend_by_one(Declaration {
                id: &entry.id,
                kind: entry.kind,
                values: &entry.values,
            })?;
            if tag.0 as usize != ix || dictionary.enum_values(tag).len() != entry.values.len() {
                return Err(DictionaryError::Unreadable(format!("tag {} is there twice", entry.id)));
            }
        }
        Ok(dictionary)
    }

    fn extend_by_one(&mut self, declared: Declaration<'_>) -> Result<TagNumber, DictionaryError> {
        let tag = match self.number(declared.id, declared.kind) {
            Some(tag) => tag,
            None => self.append(declared)?,
        };
        let entry = &mut self.entries[tag.0 as usize];
        if declared.kind != TagKind::Enum {
            return Ok(tag);
        }
        let numbers = self.enums.entry(tag).or_default();
        for value in declared.values {
            if numbers.contains_key(value) {
                continue;
            }
            let number = u16::try_from(entry.values.len())
                .ok()
                .filter(|_| entry.values.len() < ENUM_VALUE_COUNT_MAX)
                .ok_or_else(|| DictionaryError::TooManyValues { id: entry.id.clone() })?;
            numbers.insert(value.clone(), number);
            entry.values.push(value.clone());
        }
        Ok(tag)
    }

    fn append(&mut self, declared: Declaration<'_>) -> Result<TagNumber, DictionaryError> {
        let number = u32::try_from(self.entries.len())
            .ok()
            .filter(|_| self.entries.len() < TAG_COUNT_MAX)
            .ok_or(DictionaryError::TooManyTags)?;
        let id: Name = Arc::from(declared.id);
        self.by_id.entry(id.clone()).or_default().push(TagNumber(number));
        self.entries.push(Entry { id, kind: declared.kind, values: Vec::new() });
        Ok(TagNumber(number))
    }

    fn entry(&self, tag: TagNumber) -> Option<&Entry> {
        self.entries.get(tag.0 as usize)
    }
}

/// Equal when they give the same numbers.
impl PartialEq for Dictionary {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(values: &[&str]) -> Vec<Name> {
        values.iter().map(|value| Name::from(*value)).collect()
    }

    fn declare<'a>(id: &'a str, kind: TagKind, values: &'a [Name]) -> Declaration<'a> {
        Declaration { id, kind, values }
    }

    #[test]
    fn numbers_stay_when_the_dictionary_grows() {
        let first = names(&["prepaid", "postpaid"]);
        let second = names(&["hybrid", "prepaid"]);
        let old = Dictionary::default()
            .extended_by([declare("age", TagKind::Int, &[]), declare("contract", TagKind::Enum, &first)])
            .unwrap();
        let new = old
            .extended_by([
                declare("contract", TagKind::Enum, &second),
                declare("age", TagKind::Number, &[]),
                declare("city", TagKind::Text, &[]),
            ])
            .unwrap();
        let contract = new.number("contract", TagKind::Enum).unwrap();
        assert_eq!(Some(contract), old.number("contract", TagKind::Enum));
        for (value, number) in [("prepaid", 0), ("postpaid", 1), ("hybrid", 2)] {
            assert_eq!(new.enum_value(contract, value), Some(number), "{value}");
            assert_eq!(new.enum_text(contract, number).map(|name| &**name), Some(value));
        }
        assert_eq!(new.number("age", TagKind::Int), Some(TagNumber(0)));
        assert_eq!(new.number("age", TagKind::Number), Some(TagNumber(2)), "a new type is a new tag");
        assert_eq!(new.number("agee", TagKind::Int), None);
        assert_eq!(Dictionary::decode(&new.encode()).unwrap(), new);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let values = names(&["a", "b"]);
        let good = Dictionary::default().extended_by([declare("x", TagKind::Enum, &values)]).unwrap();
        let bytes = good.encode();
        for end in 0..bytes.len() {
            assert!(Dictionary::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        let twice = vec![good.entries[0].clone(), good.entries[0].clone()];
        assert!(Dictionary::decode(&rmp_serde::to_vec(&twice).unwrap()).is_err());
    }

    #[test]
    fn an_enum_never_outgrows_its_sixteen_bits() {
        let values: Vec<Name> = (0..=ENUM_VALUE_COUNT_MAX).map(|ix| Name::from(ix.to_string())).collect();
        let full = Dictionary::default()
            .extended_by([declare("x", TagKind::Enum, &values[..ENUM_VALUE_COUNT_MAX])])
            .unwrap();
        let over = full.extended_by([declare("x", TagKind::Enum, &values)]);
        assert_eq!(over.unwrap_err(), DictionaryError::TooManyValues { id: "x".into() });
    }
}
