//! The tag vector as bytes: its sources, a table of its blocks, the blocks.
//!
//! A typical tag takes three to four bytes, with its time and source. Reading never panics and never allocates more than
//! the input can hold.

use super::block::Block;
use super::sources::Sources;
use super::{BLOCK_TAGS, TagEntry, TagVector};
use crate::customer::packed::{Input, put_unsigned};
use crate::customer::section::{Form, SectionBytes};
use crate::error::Unreadable;
use crate::playbook::TagNumber;

pub(super) const WHAT: &str = "tag vector";
/// A block takes at least so many bytes in table and body.
const BLOCK_BYTES_MIN: usize = 4;

impl Form for TagVector {
    fn write_form(&self, out: &mut Vec<u8>) {
        if self.blocks.is_empty() {
            return;
        }
        let places = self.sources.places();
        put_unsigned(out, places.len() as u64);
        for (name, count) in places {
            put_unsigned(out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
            put_unsigned(out, u64::from(*count));
        }
        match self.is_to_be_cut_anew() {
            true => put_blocks(out, &self.cut_anew()),
            false => put_blocks(out, &self.blocks),
        }
    }

    fn read_form(section: &SectionBytes) -> Result<Self, Unreadable> {
        let mut input = Input::new(section, WHAT);
        let source_count = input.count(2)?;
        let mut sources = Vec::with_capacity(source_count);
        for _ in 0..source_count {
            let name = input.text()?.into();
            let count = u32::try_from(input.unsigned()?).map_err(|_| wrong("a source has too many tags"))?;
            sources.push((name, count));
        }
        let blocks = take_blocks(&mut input)?;
        input.end()?;
        Ok(TagVector { blocks, sources: Sources::of(sources), moving: Vec::new() })
    }

    fn check_form(&self) -> Result<(), Unreadable> {
        let mut recount = vec![0; self.sources.places().len()];
        let mut last: Option<TagNumber> = None;
        for block in &self.blocks {
            block.check()?;
            if last.is_some_and(|last| block.first() <= last) {
                return Err(wrong("its blocks are not in order"));
            }
            for entry in block.entries() {
                let count =
                    recount.get_mut(entry.source.0 as usize).ok_or_else(|| wrong("no such source"))?;
                *count += 1;
            }
            last = block.entries().last().map(|entry| entry.number);
        }
        self.sources.check(&recount)
    }
}

impl TagVector {
    /// When all of it is encoded anyhow, or removals have left too many small blocks.
    fn is_to_be_cut_anew(&self) -> bool {
        self.blocks.iter().all(Block::is_changed)
            || self.blocks.len() > 2 + 2 * self.kept_count() / BLOCK_TAGS
    }

    /// The same tags in blocks of about the same size.
    fn cut_anew(&self) -> Vec<Block> {
        let entries: Vec<TagEntry> = self.blocks.iter().flat_map(Block::entries).cloned().collect();
        let block_count = entries.len().div_ceil(BLOCK_TAGS).max(1);
        let block_tags = entries.len().div_ceil(block_count).max(1);
        entries.chunks(block_tags).map(|chunk| Block::new(chunk.to_vec())).collect()
    }
}

fn put_blocks(out: &mut Vec<u8>, blocks: &[Block]) {
    put_unsigned(out, blocks.len() as u64);
    let mut bodies = Vec::with_capacity(blocks.iter().map(|block| block.len() * 5).sum());
    let mut previous = 0;
    for block in blocks {
        let start = bodies.len();
        block.write(&mut bodies);
        put_unsigned(out, u64::from(block.first().0 - previous));
        put_unsigned(out, block.len() as u64);
        put_unsigned(out, (bodies.len() - start) as u64);
        previous = block.first().0;
    }
    out.extend_from_slice(&bodies);
}

pub(super) fn wrong(detail: &str) -> Unreadable {
    Unreadable::new(WHAT, detail)
}

/// The table, and where the blocks lie that follow it.
fn take_blocks(input: &mut Input<'_>) -> Result<Vec<Block>, Unreadable> {
    let block_count = input.count(BLOCK_BYTES_MIN)?;
    let mut table = Vec::with_capacity(block_count);
    let mut first = 0u32;
    for _ in 0..block_count {
        let step = u32::try_from(input.unsigned()?).ok();
        first = step
            .and_then(|step| first.checked_add(step))
            .ok_or_else(|| wrong("a tag number is too large"))?;
        let count = usize::try_from(input.unsigned()?).unwrap_or(usize::MAX);
        table.push((TagNumber(first), count, input.count(1)?));
    }
    let block = |(first, count, length)| Ok(Block::stored(first, count, input.part(length)?));
    table.into_iter().map(block).collect()
}
