//! The tag vector: what is known of a customer, sparse and sorted by tag number.
//!
//! Leaves out what a tag means and whether it is stale; that is the playbook's.

use crate::playbook::{TagNumber, TagValue};
use crate::timestamp::Timestamp;
use crate::value::Name;

/// A customer's tags. Sorted by number, each number at most once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TagVector {
    pub(super) entries: Vec<TagEntry>,
    pub(super) sources: Vec<Name>,
}

/// A tag's value, since when it holds, and who said so.
#[derive(Clone, Debug, PartialEq)]
pub struct TagEntry {
    /// Which tag.
    pub number: TagNumber,
    /// Its value.
    pub value: TagValue,
    /// When it was true.
    pub as_of: Timestamp,
    pub(super) source: u16,
}

/// Whether a newer value was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The value is another one now.
    Changed,
    /// The value is the same; it is known to be true at a later time.
    Refreshed,
    /// Nothing changed: what was there is as new or newer.
    Kept,
}

impl TagVector {
    /// The tag, if it is there.
    #[must_use]
    pub fn get(&self, number: TagNumber) -> Option<&TagEntry> {
        self.place(number).ok().map(|ix| &self.entries[ix])
    }

    /// All tags, by number.
    pub fn iter(&self) -> impl Iterator<Item = &TagEntry> {
        self.entries.iter()
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Who said so.
    #[must_use]
    pub fn source(&self, entry: &TagEntry) -> &Name {
        &self.sources[usize::from(entry.source)]
    }

    /// Writes the value unless what is there is newer; at the same time another value still replaces it.
    pub fn write(&mut self, number: TagNumber, value: TagValue, as_of: Timestamp, source: &Name) -> Written {
        match self.place(number) {
            Ok(ix) => {
                let there = &self.entries[ix];
                let same = there.value == value;
                if there.as_of > as_of || (same && there.as_of == as_of) {
                    return Written::Kept;
                }
                let source = self.source_number(source);
                self.entries[ix] = TagEntry { number, value, as_of, source };
                if same { Written::Refreshed } else { Written::Changed }
            }
            Err(ix) => {
                let source = self.source_number(source);
                self.entries.insert(ix, TagEntry { number, value, as_of, source });
                Written::Changed
            }
        }
    }

    /// Puts the value there whatever its time: the value of a derived tag follows from what it is derived of.
    pub fn put(&mut self, number: TagNumber, value: TagValue, as_of: Timestamp, source: &Name) {
        let source = self.source_number(source);
        let entry = TagEntry { number, value, as_of, source };
        match self.place(number) {
            Ok(ix) => self.entries[ix] = entry,
            Err(ix) => self.entries.insert(ix, entry),
        }
    }

    /// Removes the tag unless it is newer than `as_of`. Whether it was removed.
    pub fn remove(&mut self, number: TagNumber, as_of: Timestamp) -> bool {
        match self.place(number) {
            Ok(ix) if self.entries[ix].as_of <= as_of => {
                self.entries.remove(ix);
                true
            }
            _ => false,
        }
    }

    fn place(&self, number: TagNumber) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&number, |entry| entry.number)
    }

    fn source_number(&mut self, source: &Name) -> u16 {
        if let Some(at) = self.sources.iter().position(|known| known == source) {
            return at as u16;
        }
        if self.sources.len() >= usize::from(u16::MAX) {
            self.drop_unused_sources();
        }
        self.sources.push(Name::clone(source));
        (self.sources.len() - 1) as u16
    }

    /// Forgets sources that no tag names any more.
    pub(super) fn drop_unused_sources(&mut self) {
        let mut kept: Vec<Name> = Vec::new();
        let mut numbers: Vec<Option<u16>> = vec![None; self.sources.len()];
        for entry in &mut self.entries {
            let old = usize::from(entry.source);
            entry.source = *numbers[old].get_or_insert_with(|| {
                kept.push(Name::clone(&self.sources[old]));
                (kept.len() - 1) as u16
            });
        }
        self.sources = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn an_older_value_never_overwrites_a_newer_one() {
        let mut tags = TagVector::default();
        let mut check = |value: i64, as_of: i64, expected: Written, left: i64| {
            assert_eq!(tags.write(TagNumber(7), TagValue::Int(value), at(as_of), &"crm".into()), expected);
            assert_eq!(tags.get(TagNumber(7)).map(|entry| entry.value.clone()), Some(TagValue::Int(left)));
        };
        check(1, 100, Written::Changed, 1);
        check(2, 50, Written::Kept, 1);
        check(1, 100, Written::Kept, 1);
        check(3, 100, Written::Changed, 3);
        check(3, 200, Written::Refreshed, 3);
    }

    #[test]
    fn sources_that_no_tag_names_are_forgotten() {
        let mut tags = TagVector::default();
        for n in 0..10 {
            tags.write(TagNumber(1), TagValue::Int(n), at(n), &format!("source {n}").into());
        }
        tags.write(TagNumber(2), TagValue::Bool(true), at(1), &"other".into());
        tags.drop_unused_sources();
        assert_eq!(tags.sources.len(), 2);
        let entry = tags.get(TagNumber(1)).expect("there");
        assert_eq!(&**tags.source(entry), "source 9");
    }
}
