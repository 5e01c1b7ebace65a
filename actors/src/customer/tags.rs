//! The tag vector: what is known of a customer, sparse and sorted by tag number.
//!
//! It is kept in blocks of some dozens of tags. A block is decoded when a tag in it is looked at and written back as it
//! was when none of its tags changed, so a turn that touches five tags pays for five blocks, not for the vector.
//! Reading order: one block as bytes ([`block`]), bits ([`bits`]), who said so ([`sources`]), the vector as bytes
//! (`form`). Leaves out what a tag means and whether it is stale; that is the playbook's.

pub mod bits;
pub mod block;
pub mod sources;
mod form;
#[cfg(test)]
pub(crate) mod tests;

use crate::playbook::{TagNumber, TagValue};
use crate::timestamp::Timestamp;
use crate::value::Name;
use block::Block;
use sources::{SourceNumber, Sources};
use std::fmt;
use std::sync::LazyLock;

/// A block is cut in two when it would have more tags than this.
const BLOCK_TAGS_MAX: usize = 64;
/// Tags of a block that is cut anew: room to grow, and few enough to decode in about a microsecond.
const BLOCK_TAGS: usize = 48;

/// The source of values that follow from others.
pub static DERIVED_SOURCE: LazyLock<Name> = LazyLock::new(|| "derived".into());

/// A customer's tags. Sorted by number, each number at most once.
///
/// Times are kept to the millisecond and values bit for bit, whatever form they take as bytes.
#[derive(Clone, Default)]
pub struct TagVector {
    blocks: Vec<Block>,
    sources: Sources,
    /// Values that time alone moves, as of this turn: they follow from what they are derived of and are not written. They
    /// stand before values of the same number in the blocks.
    moving: Vec<TagEntry>,
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
    source: SourceNumber,
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
        if let Ok(ix) = self.moving_place(number) {
            return Some(&self.moving[ix]);
        }
        self.kept(number)
    }

    /// All tags, by number.
    pub fn iter(&self) -> impl Iterator<Item = &TagEntry> {
        let mut moving = self.moving.iter().peekable();
        let mut kept = self.blocks.iter().flat_map(Block::entries).peekable();
        std::iter::from_fn(move || match (moving.peek(), kept.peek()) {
            (Some(first), Some(second)) => {
                if second.number <= first.number {
                    let hidden = second.number == first.number;
                    let second = kept.next();
                    return if hidden { moving.next() } else { second };
                }
                moving.next()
            }
            (Some(_), None) => moving.next(),
            (None, _) => kept.next(),
        })
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let hidden = self.moving.iter().filter(|entry| self.kept(entry.number).is_some()).count();
        self.kept_count() + self.moving.len() - hidden
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.moving.is_empty()
    }

    /// Who said so.
    #[must_use]
    pub fn source(&self, entry: &TagEntry) -> &Name {
        match entry.source {
            SourceNumber::DERIVED => &DERIVED_SOURCE,
            source => self.sources.name(source),
        }
    }

    /// Writes the value unless what is there is newer; at the same time another value still replaces it.
    pub fn write(&mut self, number: TagNumber, value: TagValue, as_of: Timestamp, source: &Name) -> Written {
        let Some(there) = self.kept(number) else {
            self.put(number, value, as_of, source);
            return Written::Changed;
        };
        let same = there.value == value;
        if there.as_of > as_of || (same && there.as_of == as_of) {
            return Written::Kept;
        }
        self.put(number, value, as_of, source);
        if same { Written::Refreshed } else { Written::Changed }
    }

    /// Puts the value there whatever its time.
    pub fn put(&mut self, number: TagNumber, value: TagValue, as_of: Timestamp, source: &Name) {
        let source = self.sources.name_once_more(source);
        let entry = TagEntry { number, value, as_of, source };
        let ix = self.block_of(number);
        let Some(block) = self.blocks.get_mut(ix) else {
            self.blocks.push(Block::new(vec![entry]));
            return;
        };
        if let Some(replaced) = block.put(entry) {
            self.sources.name_once_less(replaced.source);
        }
        if block.len() > BLOCK_TAGS_MAX {
            let is_last = ix + 1 == self.blocks.len();
            let stays = if is_last { BLOCK_TAGS } else { BLOCK_TAGS_MAX / 2 };
            let rest = self.blocks[ix].split_off(stays);
            self.blocks.insert(ix + 1, rest);
        }
    }

    /// Removes the tag unless it is newer than `as_of`, whether it is written or moved by time. Whether it was there.
    pub fn remove(&mut self, number: TagNumber, as_of: Timestamp) -> bool {
        if self.get(number).is_none_or(|there| there.as_of > as_of) {
            return false;
        }
        self.stand_still(number);
        if self.kept(number).is_none() {
            return true;
        }
        let ix = self.block_of(number);
        let removed = self.blocks[ix].remove(number);
        if self.blocks[ix].len() == 0 {
            self.blocks.remove(ix);
        }
        if let Some(removed) = &removed {
            self.sources.name_once_less(removed.source);
        }
        true
    }

    /// Sets a value that time alone moves, for this turn. It is not written.
    pub fn move_to(&mut self, number: TagNumber, value: TagValue, as_of: Timestamp) {
        let entry = TagEntry { number, value, as_of, source: SourceNumber::DERIVED };
        match self.moving_place(number) {
            Ok(ix) => self.moving[ix] = entry,
            Err(ix) => self.moving.insert(ix, entry),
        }
    }

    /// Forgets a value that time alone moves.
    pub fn stand_still(&mut self, number: TagNumber) {
        if let Ok(ix) = self.moving_place(number) {
            self.moving.remove(ix);
        }
    }

    /// The tag as it is written, whatever time made of it.
    fn kept(&self, number: TagNumber) -> Option<&TagEntry> {
        self.blocks.get(self.block_of(number))?.get(number)
    }

    fn kept_count(&self) -> usize {
        self.blocks.iter().map(Block::len).sum()
    }

    /// The block in which the tag is, or would be.
    fn block_of(&self, number: TagNumber) -> usize {
        self.blocks.partition_point(|block| block.first() <= number).saturating_sub(1)
    }

    fn moving_place(&self, number: TagNumber) -> Result<usize, usize> {
        self.moving.binary_search_by_key(&number, |entry| entry.number)
    }
}

/// Equal when the same is known, from the same sources, however it lies in blocks.
impl PartialEq for TagVector {
    fn eq(&self, other: &Self) -> bool {
        if self.is_empty() || other.is_empty() {
            return self.is_empty() == other.is_empty();
        }
        let told = |tags: &TagVector| -> Vec<_> {
            tags.iter().map(|entry| (entry.number, entry.as_of, Name::clone(tags.source(entry)))).collect()
        };
        told(self) == told(other)
            && self.iter().zip(other.iter()).all(|(one, another)| one.value == another.value)
    }
}

impl fmt::Debug for TagVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |entry| {
            let TagEntry { number, value, as_of, .. }: &TagEntry = entry;
            (number, value, as_of, self.source(entry))
        };
        f.debug_list().entries(self.iter().map(told)).finish()
    }
}
