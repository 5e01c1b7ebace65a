//! The tag vector of version 1: numbers as distances, times as distances, values by their kind.

use crate::customer::tags::TagVector;
use crate::error::Unreadable;
use crate::playbook::{TagNumber, TagValue};
use crate::timestamp::Timestamp;
use crate::value::Name;

const WHAT: &str = "tag vector";

/// Kind bytes. Never reuse one.
mod kind {
    pub const INT: u8 = 0;
    pub const NUMBER_32: u8 = 1;
    pub const NUMBER_64: u8 = 2;
    pub const FALSE: u8 = 3;
    pub const TRUE: u8 = 4;
    pub const ENUM: u8 = 5;
    pub const TEXT: u8 = 6;
    pub const TIME: u8 = 7;
    pub const NUMBER_INT: u8 = 8;
}

/// Decodes the vector.
pub(in crate::customer::snapshot) fn decode(bytes: &[u8]) -> Result<TagVector, Unreadable> {
    let mut input = Input { bytes };
    let source_count = input.count(1)?;
    let sources =
        (0..source_count).map(|_| input.text().map(Into::into)).collect::<Result<Vec<Name>, _>>()?;
    let entry_count = input.count(4)?;
    let mut tags = TagVector::default();
    let (mut number, mut as_of) = (0u32, 0i64);
    for ix in 0..entry_count {
        let step = u32::try_from(input.unsigned()?).map_err(|_| wrong("a tag number is too large"))?;
        if ix > 0 && step == 0 {
            return Err(wrong("a tag stands twice"));
        }
        number = number.checked_add(step).ok_or_else(|| wrong("a tag number is too large"))?;
        as_of = as_of.wrapping_add(input.signed()?);
        let source = usize::try_from(input.unsigned()?).ok().and_then(|ix| sources.get(ix));
        let source = source.ok_or_else(|| wrong("no such source"))?;
        let value = input.value()?;
        tags.put(TagNumber(number), value, Timestamp::from_ms(as_of), source);
    }
    if !input.bytes.is_empty() {
        return Err(wrong("bytes are left over"));
    }
    Ok(tags)
}

fn wrong(detail: &str) -> Unreadable {
    Unreadable::new(WHAT, detail)
}

struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(|| wrong("it is cut off"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn unsigned(&mut self) -> Result<u64, Unreadable> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(wrong("a number does not end"))
    }

    fn signed(&mut self) -> Result<i64, Unreadable> {
        let folded = self.unsigned()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    /// A count of things that take at least `bytes_each`: more than the rest can hold is refused before anything is
    /// allocated.
    fn count(&mut self, bytes_each: usize) -> Result<usize, Unreadable> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| wrong("a count is too large"))?;
        if count > self.bytes.len() / bytes_each {
            return Err(wrong("a count is too large"));
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<&'a str, Unreadable> {
        let length = self.count(1)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| wrong("text is not UTF-8"))
    }

    fn value(&mut self) -> Result<TagValue, Unreadable> {
        let [kind] = self.array()?;
        Ok(match kind {
            kind::INT => TagValue::Int(self.signed()?),
            kind::NUMBER_INT => TagValue::Number(self.signed()? as f64),
            kind::NUMBER_32 => TagValue::Number(f64::from(f32::from_le_bytes(self.array()?))),
            kind::NUMBER_64 => TagValue::Number(f64::from_le_bytes(self.array()?)),
            kind::FALSE => TagValue::Bool(false),
            kind::TRUE => TagValue::Bool(true),
            kind::ENUM => {
                TagValue::Enum(u16::try_from(self.unsigned()?).map_err(|_| wrong("no such enum value"))?)
            }
            kind::TEXT => TagValue::Text(self.text()?.into()),
            kind::TIME => TagValue::Time(Timestamp::from_ms(self.signed()?)),
            other => return Err(Unreadable::new(WHAT, format!("kind {other} is of a newer version"))),
        })
    }
}
