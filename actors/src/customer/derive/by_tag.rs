//! Something kept for some tags, each decoded when its tag is touched and copied as it was when it is not.

use crate::customer::packed::{Input, put_unsigned};
use crate::customer::section::{Form, Section};
use crate::error::Unreadable;
use crate::playbook::TagNumber;
use serde::{Serialize, Serializer};

/// What is kept, sorted by tag.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ByTag<T: Form> {
    kept: Vec<(TagNumber, Section<T>)>,
}

impl<T: Form> Default for ByTag<T> {
    fn default() -> Self {
        ByTag { kept: Vec::new() }
    }
}

/// As a map, for the export.
impl<T: Form + Serialize> Serialize for ByTag<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<T: Form> ByTag<T> {
    pub fn get(&self, tag: TagNumber) -> Option<&T> {
        self.place(tag).ok().map(|ix| &*self.kept[ix].1)
    }

    pub fn get_mut(&mut self, tag: TagNumber) -> Option<&mut T> {
        self.place(tag).ok().map(|ix| &mut *self.kept[ix].1)
    }

    pub fn insert(&mut self, tag: TagNumber, value: T) {
        match self.place(tag) {
            Ok(ix) => self.kept[ix].1 = value.into(),
            Err(ix) => self.kept.insert(ix, (tag, value.into())),
        }
    }

    pub fn remove(&mut self, tag: TagNumber) {
        if let Ok(ix) = self.place(tag) {
            self.kept.remove(ix);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (TagNumber, &T)> {
        self.kept.iter().map(|(tag, value)| (*tag, &**value))
    }

    /// The tags, without a look at what is kept of them.
    pub fn tags(&self) -> impl Iterator<Item = TagNumber> {
        self.kept.iter().map(|(tag, _)| *tag)
    }

    /// Keeps what `stays` says, which may also change it.
    pub fn retain(&mut self, mut stays: impl FnMut(TagNumber, &mut T) -> bool) {
        self.kept.retain_mut(|(tag, value)| stays(*tag, value));
    }

    /// A count, each tag and length, and everything.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_unsigned(out, self.kept.len() as u64);
        let mut bodies = Vec::with_capacity(self.kept.len() * 64);
        let mut previous = 0;
        for (tag, value) in &self.kept {
            let start = bodies.len();
            Section::write(value, &mut bodies);
            put_unsigned(out, u64::from(tag.0 - previous));
            put_unsigned(out, (bodies.len() - start) as u64);
            previous = tag.0;
        }
        out.extend_from_slice(&bodies);
    }

    pub fn read(input: &mut Input<'_>) -> Result<Self, Unreadable> {
        let count = input.count(2)?;
        let mut table = Vec::with_capacity(count);
        let mut tag = 0u32;
        for ix in 0..count {
            let step = u32::try_from(input.unsigned()?).ok().filter(|step| ix == 0 || *step > 0);
            let next = step.and_then(|step| tag.checked_add(step));
            tag = next.ok_or_else(|| input.wrong("its tags are not in order"))?;
            table.push((TagNumber(tag), input.count(1)?));
        }
        let kept = |(tag, length)| Ok((tag, Section::stored(input.part(length)?)));
        Ok(ByTag { kept: table.into_iter().map(kept).collect::<Result<_, _>>()? })
    }

    /// Decodes everything for good.
    pub fn check(&self) -> Result<(), Unreadable> {
        self.kept.iter().try_for_each(|(_, value)| Section::check(value))
    }

    fn place(&self, tag: TagNumber) -> Result<usize, usize> {
        self.kept.binary_search_by_key(&tag, |(other, _)| *other)
    }
}
