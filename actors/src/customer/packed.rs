//! Counts and lengths in as few bytes as they need, for the parts of a customer that have a form of their own.

use crate::customer::section::SectionBytes;
use crate::error::Unreadable;

/// Writes a number, seven bits a byte.
pub(super) fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a section from its start.
pub(super) struct Input<'a> {
    section: &'a SectionBytes,
    at: usize,
    what: &'static str,
}

impl<'a> Input<'a> {
    pub fn new(section: &'a SectionBytes, what: &'static str) -> Self {
        Input { section, at: 0, what }
    }

    pub fn wrong(&self, detail: &str) -> Unreadable {
        Unreadable::new(self.what, detail)
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let taken = self.section[self.at..].get(..count).ok_or_else(|| self.wrong("it is cut off"))?;
        self.at += count;
        Ok(taken)
    }

    /// The next bytes, to be decoded later.
    pub fn part(&mut self, length: usize) -> Result<SectionBytes, Unreadable> {
        let start = self.at;
        self.take(length)?;
        Ok(self.section.part(start..self.at))
    }

    /// Everything that is left, to be decoded later.
    pub fn rest(&self) -> SectionBytes {
        self.section.part(self.at..self.section.len())
    }

    pub fn unsigned(&mut self) -> Result<u64, Unreadable> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.section.get(self.at).ok_or_else(|| self.wrong("it is cut off"))?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.wrong("a number does not end"))
    }

    /// A count of things that take at least `bytes_each`: more than the rest can hold is refused before anything is
    /// allocated.
    pub fn count(&mut self, bytes_each: usize) -> Result<usize, Unreadable> {
        let count = usize::try_from(self.unsigned()?).unwrap_or(usize::MAX);
        if count > (self.section.len() - self.at) / bytes_each {
            return Err(self.wrong("a count is too large"));
        }
        Ok(count)
    }

    pub fn text(&mut self) -> Result<&'a str, Unreadable> {
        let length = self.count(1)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| self.wrong("text is not UTF-8"))
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), Unreadable> {
        match self.at == self.section.len() {
            true => Ok(()),
            false => Err(self.wrong("bytes are left over")),
        }
    }
}
