//! The tag vector as bytes: numbers as distances, times as distances, values by their kind.
//!
//! A typical tag takes 3 to 8 bytes. Reading never panics and never allocates more than the input can hold.

use crate::customer::section::{Form, SectionBytes};
use crate::customer::tags::{TagEntry, TagVector};
use crate::error::Unreadable;
use crate::playbook::{TagNumber, TagValue};
use crate::timestamp::Timestamp;

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

impl Form for TagVector {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(encode(self));
    }

    fn read(section: &SectionBytes) -> Result<Self, Unreadable> {
        decode(section)
    }
}

/// Encodes the vector.
pub(super) fn encode(tags: &TagVector) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + tags.entries.len() * 6);
    put_unsigned(&mut out, tags.sources.len() as u64);
    for source in &tags.sources {
        put_text(&mut out, source);
    }
    put_unsigned(&mut out, tags.entries.len() as u64);
    let (mut number, mut as_of) = (0, 0);
    for entry in &tags.entries {
        put_unsigned(&mut out, u64::from(entry.number.0 - number));
        put_signed(&mut out, entry.as_of.ms().wrapping_sub(as_of));
        put_unsigned(&mut out, u64::from(entry.source));
        put_value(&mut out, &entry.value);
        (number, as_of) = (entry.number.0, entry.as_of.ms());
    }
    out
}

/// Decodes what [`encode`] made.
pub(super) fn decode(bytes: &[u8]) -> Result<TagVector, Unreadable> {
    let mut input = Input { bytes };
    let source_count = input.count(1)?;
    let sources = (0..source_count).map(|_| input.text().map(Into::into)).collect::<Result<Vec<_>, _>>()?;
    let entry_count = input.count(4)?;
    let mut entries = Vec::with_capacity(entry_count);
    let (mut number, mut as_of) = (0u32, 0i64);
    for ix in 0..entry_count {
        let step = u32::try_from(input.unsigned()?).map_err(|_| wrong("a tag number is too large"))?;
        if ix > 0 && step == 0 {
            return Err(wrong("a tag stands twice"));
        }
        number = number.checked_add(step).ok_or_else(|| wrong("a tag number is too large"))?;
        as_of = as_of.wrapping_add(input.signed()?);
        let source = u16::try_from(input.unsigned()?).map_err(|_| wrong("no such source"))?;
        if usize::from(source) >= source_count {
            return Err(wrong("no such source"));
        }
        let value = input.value()?;
        entries.push(TagEntry { number: TagNumber(number), value, as_of: Timestamp::from_ms(as_of), source });
    }
    if !input.bytes.is_empty() {
        return Err(wrong("bytes are left over"));
    }
    Ok(TagVector { entries, sources })
}

fn wrong(detail: &str) -> Unreadable {
    Unreadable::new(WHAT, detail)
}

fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_unsigned(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_unsigned(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &TagValue) {
    match value {
        TagValue::Int(int) => {
            out.push(kind::INT);
            put_signed(out, *int);
        }
        TagValue::Number(number) => put_number(out, *number),
        TagValue::Bool(false) => out.push(kind::FALSE),
        TagValue::Bool(true) => out.push(kind::TRUE),
        TagValue::Enum(value) => {
            out.push(kind::ENUM);
            put_unsigned(out, u64::from(*value));
        }
        TagValue::Text(text) => {
            out.push(kind::TEXT);
            put_text(out, text);
        }
        TagValue::Time(at) => {
            out.push(kind::TIME);
            put_signed(out, at.ms());
        }
    }
}

/// The shortest form that gives the same number back, bit for bit.
fn put_number(out: &mut Vec<u8>, number: f64) {
    let whole = number as i64;
    let narrow = number as f32;
    if (whole as f64).to_bits() == number.to_bits() && whole.unsigned_abs() < 1 << 27 {
        out.push(kind::NUMBER_INT);
        put_signed(out, whole);
    } else if f64::from(narrow).to_bits() == number.to_bits() {
        out.push(kind::NUMBER_32);
        out.extend_from_slice(&narrow.to_le_bytes());
    } else {
        out.push(kind::NUMBER_64);
        out.extend_from_slice(&number.to_le_bytes());
    }
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_value() -> impl Strategy<Value = TagValue> {
        prop_oneof![
            any::<i64>().prop_map(TagValue::Int),
            (-1e12..1e12f64).prop_map(TagValue::Number),
            (-100_000..100_000i32).prop_map(|n| TagValue::Number(f64::from(n))),
            any::<f32>()
                .prop_filter("finite", |n| n.is_finite())
                .prop_map(|n| TagValue::Number(f64::from(n))),
            any::<bool>().prop_map(TagValue::Bool),
            any::<u16>().prop_map(TagValue::Enum),
            "\\PC{0,20}".prop_map(|text| TagValue::Text(text.into())),
            (0..4_000_000_000_000i64).prop_map(|ms| TagValue::Time(Timestamp::from_ms(ms))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            tags in proptest::collection::vec((any::<u32>(), any_value(), 0..4_000_000_000_000i64, 0..5u8), 0..60)
        ) {
            let mut vector = TagVector::default();
            for (number, value, as_of, source) in tags {
                vector.put(TagNumber(number), value, Timestamp::from_ms(as_of), &format!("s{source}").into());
            }
            prop_assert_eq!(decode(&encode(&vector)), Ok(vector));
        }

        #[test]
        fn rubbish_is_refused_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_damaged_vector_never_panics(flip in 0usize..400, to: u8) {
            let mut vector = TagVector::default();
            for number in 0..40 {
                vector.put(TagNumber(number * 3), TagValue::Int(9), Timestamp::from_ms(5), &"crm".into());
            }
            let mut bytes = encode(&vector);
            let ix = flip % bytes.len();
            bytes[ix] = to;
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_huge_count_allocates_nothing() {
        let mut bytes = vec![0];
        put_unsigned(&mut bytes, u64::MAX >> 8);
        assert!(decode(&bytes).is_err());
    }
}
