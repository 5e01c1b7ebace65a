//! Some dozens of tags that lie next to each other, and their form as bytes.
//!
//! A block stands by itself: which tag is its first, how many there are and how many bytes it takes stand in the vector's
//! table. It is a row of bits. For each tag: the distance of its number from the one before (Rice's code, with the low
//! width that suits the block best), a code for the kind of its value, the value, and since when and by whom: one bit when
//! that is as for the tags before (a load brings many tags of one time), else the whole of it. Texts follow after the
//! bits. Numbers take the shortest form that gives them back bit for bit: most are short decimals, like 29.90.

use super::bits::{BitReader, BitWriter, rice_width};
use super::form::wrong;
use super::sources::SourceNumber;
use super::{BLOCK_TAGS_MAX, TagEntry};
use crate::customer::section::SectionBytes;
use crate::error::Unreadable;
use crate::playbook::{TagNumber, TagValue};
use crate::timestamp::Timestamp;
use std::sync::OnceLock;

/// 2020-01-01: times after it, to the year 2053, take few bits.
const EPOCH_MS: i64 = 1_577_836_800_000;

/// Codes of the kinds of values. The first eight take three bits, the others are [`kind::MORE`] or [`kind::RARE`] and
/// three bits more. Never reuse one.
mod kind {
    pub const FALSE: u64 = 0;
    pub const TRUE: u64 = 1;
    /// 0 to 127.
    pub const INT_SMALL: u64 = 2;
    /// 0 to 15.
    pub const ENUM_SMALL: u64 = 3;
    /// 0.00 to 1.27.
    pub const HUNDREDTHS_SMALL: u64 = 4;
    /// Up to 5,242.87 either way.
    pub const HUNDREDTHS: u64 = 5;
    pub const MORE: u64 = 6;
    pub const RARE: u64 = 7;

    pub const INT_16: u64 = 8;
    pub const INT_32: u64 = 9;
    pub const INT_64: u64 = 10;
    pub const ENUM: u64 = 11;
    /// A whole number, 0 to 1,023.
    pub const WHOLE_SMALL: u64 = 12;
    /// A whole number, up to half a million either way.
    pub const WHOLE: u64 = 13;
    pub const TENTHS: u64 = 14;
    pub const TEN_THOUSANDTHS: u64 = 15;

    /// A whole number, tenths … ten thousandths: two bits say which, and 32 for the number.
    pub const DECIMAL: u64 = 16;
    pub const NUMBER_32: u64 = 17;
    pub const NUMBER_64: u64 = 18;
    /// Text of less than 64 bytes.
    pub const TEXT_SHORT: u64 = 19;
    pub const TEXT: u64 = 20;
    /// A moment, to the second.
    pub const TIME_SECONDS: u64 = 21;
    pub const TIME: u64 = 22;
}

/// Decimal places a number is tried with, and the power of ten of each.
const POWERS: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];

/// A block in memory.
#[derive(Clone)]
pub struct Block {
    first: TagNumber,
    count: usize,
    /// As it was read; `None` when it was changed.
    stored: Option<SectionBytes>,
    entries: OnceLock<Vec<TagEntry>>,
}

impl Block {
    /// A block of at least one tag, sorted.
    pub(super) fn new(entries: Vec<TagEntry>) -> Self {
        Block {
            first: entries.first().map_or(TagNumber(0), |entry| entry.number),
            count: entries.len(),
            stored: None,
            entries: OnceLock::from(entries),
        }
    }

    /// A block as it was read, to be checked before it is used.
    pub(super) fn stored(first: TagNumber, count: usize, bytes: SectionBytes) -> Self {
        Block { first, count, stored: Some(bytes), entries: OnceLock::new() }
    }

    pub(super) fn first(&self) -> TagNumber {
        self.first
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_changed(&self) -> bool {
        self.stored.is_none()
    }

    pub(super) fn entries(&self) -> &[TagEntry] {
        self.entries.get_or_init(|| match &self.stored {
            Some(stored) => {
                decode(self.first, self.count, stored).expect("blocks are checked before they are used")
            }
            None => Vec::new(),
        })
    }

    pub(super) fn get(&self, number: TagNumber) -> Option<&TagEntry> {
        let entries = self.entries();
        place(entries, number).ok().map(|ix| &entries[ix])
    }

    /// Puts a tag there and gives back what it replaces.
    pub(super) fn put(&mut self, entry: TagEntry) -> Option<TagEntry> {
        self.change(|entries| match place(entries, entry.number) {
            Ok(ix) => Some(std::mem::replace(&mut entries[ix], entry)),
            Err(ix) => {
                entries.insert(ix, entry);
                None
            }
        })
    }

    pub(super) fn remove(&mut self, number: TagNumber) -> Option<TagEntry> {
        self.change(|entries| place(entries, number).ok().map(|ix| entries.remove(ix)))
    }

    /// Keeps the first `count` tags and gives back a block of the others.
    pub(super) fn split_off(&mut self, count: usize) -> Block {
        Block::new(self.change(|entries| entries.split_off(count)))
    }

    /// Decodes the block for good.
    pub(super) fn check(&self) -> Result<(), Unreadable> {
        if let Some(stored) = &self.stored {
            let _ = self.entries.set(decode(self.first, self.count, stored)?);
        }
        Ok(())
    }

    /// Writes the block's bytes at the end of `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match &self.stored {
            Some(stored) => out.extend_from_slice(stored),
            None => encode(self.entries(), out),
        }
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Vec<TagEntry>) -> T) -> T {
        let _ = self.entries();
        self.stored = None;
        let entries = self.entries.get_mut().expect("just decoded");
        let result = change(entries);
        self.count = entries.len();
        if let Some(first) = entries.first() {
            self.first = first.number;
        }
        result
    }
}

fn place(entries: &[TagEntry], number: TagNumber) -> Result<usize, usize> {
    entries.binary_search_by_key(&number, |entry| entry.number)
}

/// Since when, and by whom.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    as_of: Timestamp,
    source: SourceNumber,
}

impl Stamp {
    fn of(entry: &TagEntry) -> Self {
        Stamp { as_of: entry.as_of, source: entry.source }
    }
}

/// Writes tags as a block.
pub(super) fn encode(entries: &[TagEntry], out: &mut Vec<u8>) {
    let mut bits = BitWriter::new(out);
    let low_width = low_width(entries);
    bits.put(u64::from(low_width), 5);
    let mut run: Option<Stamp> = None;
    for (ix, entry) in entries.iter().enumerate() {
        if ix > 0 {
            bits.put_rice(step(entries, ix), low_width);
        }
        put_value(&mut bits, &entry.value);
        let stamp = Stamp::of(entry);
        if run == Some(stamp) {
            bits.put(0, 1);
            continue;
        }
        if run.is_some() {
            // A time of its own stands alone; one that the next tag shares begins a run.
            let begins_run = entries.get(ix + 1).is_some_and(|next| Stamp::of(next) == stamp);
            bits.put(if begins_run { 0b01 } else { 0b11 }, 2);
            if begins_run {
                run = Some(stamp);
            }
        } else {
            run = Some(stamp);
        }
        put_stamp(&mut bits, stamp);
    }
    bits.finish();
    for entry in entries {
        if let TagValue::Text(text) = &entry.value {
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Reads what [`encode`] wrote. All of `bytes` is the block's.
fn decode(first: TagNumber, count: usize, bytes: &[u8]) -> Result<Vec<TagEntry>, Unreadable> {
    if count == 0 || count > BLOCK_TAGS_MAX {
        return Err(wrong("a block has no tags or too many"));
    }
    let mut bits = BitReader::new(bytes);
    let low_width = bits.take(5) as u32;
    let mut entries = Vec::with_capacity(count);
    let mut texts: Vec<(usize, usize)> = Vec::new();
    let (mut number, mut run) = (first.0, None);
    for ix in 0..count {
        if ix > 0 {
            let step = bits.take_rice(low_width).checked_add(1);
            number = step
                .and_then(|step| number.checked_add(step))
                .ok_or_else(|| wrong("a tag number is too large"))?;
        }
        let value = match take_value(&mut bits)? {
            Taken::Value(value) => value,
            Taken::TextOf(length) => {
                texts.push((ix, length));
                TagValue::Bool(false)
            }
        };
        let stamp = match run {
            None => *run.insert(take_stamp(&mut bits)),
            Some(stamp) if bits.take(1) == 0 => stamp,
            Some(_) => {
                let alone = bits.take(1) == 1;
                let stamp = take_stamp(&mut bits);
                if !alone {
                    run = Some(stamp);
                }
                stamp
            }
        };
        entries.push(TagEntry { number: TagNumber(number), value, as_of: stamp.as_of, source: stamp.source });
    }
    let mut rest = bytes.get(bits.bytes_read()..).ok_or_else(|| wrong("it is cut off"))?;
    for (ix, length) in texts {
        let (text, after) = rest.split_at_checked(length).ok_or_else(|| wrong("it is cut off"))?;
        let text = std::str::from_utf8(text).map_err(|_| wrong("text is not UTF-8"))?;
        entries[ix].value = TagValue::Text(text.into());
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(wrong("bytes are left over in a block")) }
}

fn step(entries: &[TagEntry], ix: usize) -> u32 {
    entries[ix].number.0 - entries[ix - 1].number.0 - 1
}

/// The low width that takes the fewest bits for the distances of this block.
fn low_width(entries: &[TagEntry]) -> u32 {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return 0 };
    let mean = (last.number.0 - first.number.0) / entries.len() as u32;
    let middle = mean.checked_ilog2().unwrap_or(0);
    let bits = |low_width: &u32| -> u32 {
        (1..entries.len()).map(|ix| rice_width(step(entries, ix), *low_width)).sum()
    };
    (middle.saturating_sub(1)..=(middle + 1).min(31)).min_by_key(bits).unwrap_or(middle)
}

/// What was read of a value.
enum Taken {
    Value(TagValue),
    /// Text of so many bytes, which follows later.
    TextOf(usize),
}

fn put_value(bits: &mut BitWriter<'_>, value: &TagValue) {
    match value {
        TagValue::Bool(false) => put_kind(bits, kind::FALSE),
        TagValue::Bool(true) => put_kind(bits, kind::TRUE),
        TagValue::Int(int) => put_int(bits, *int),
        TagValue::Number(number) => put_number(bits, *number),
        TagValue::Enum(value) if *value < 16 => put(bits, kind::ENUM_SMALL, u64::from(*value), 4),
        TagValue::Enum(value) => put(bits, kind::ENUM, u64::from(*value), 16),
        TagValue::Text(text) if text.len() < 64 => put(bits, kind::TEXT_SHORT, text.len() as u64, 6),
        TagValue::Text(text) => put(bits, kind::TEXT, text.len() as u64, 32),
        TagValue::Time(at) => match whole_units(*at, 1_000, 31) {
            Some(seconds) => put(bits, kind::TIME_SECONDS, seconds, 31),
            None => {
                put_kind(bits, kind::TIME);
                bits.put_word(at.ms() as u64);
            }
        },
    }
}

fn put_int(bits: &mut BitWriter<'_>, int: i64) {
    let folded = fold(int);
    if (0..128).contains(&int) {
        put(bits, kind::INT_SMALL, int as u64, 7);
    } else if folded >> 16 == 0 {
        put(bits, kind::INT_16, folded, 16);
    } else if folded >> 32 == 0 {
        put(bits, kind::INT_32, folded, 32);
    } else {
        put_kind(bits, kind::INT_64);
        bits.put_word(folded);
    }
}

/// The shortest form that gives the same number back, bit for bit.
fn put_number(bits: &mut BitWriter<'_>, number: f64) {
    let narrow = number as f32;
    match decimal(number) {
        Some((0, folded @ 0..2_048)) if folded % 2 == 0 => put(bits, kind::WHOLE_SMALL, folded / 2, 10),
        Some((0, folded @ 0..0x10_0000)) => put(bits, kind::WHOLE, folded, 20),
        Some((1, folded @ 0..0x1_0000)) => put(bits, kind::TENTHS, folded, 16),
        Some((2, folded @ 0..256)) if folded % 2 == 0 => put(bits, kind::HUNDREDTHS_SMALL, folded / 2, 7),
        Some((2, folded @ 0..0x10_0000)) => put(bits, kind::HUNDREDTHS, folded, 20),
        Some((4, folded @ 0..0x1_0000)) => put(bits, kind::TEN_THOUSANDTHS, folded, 16),
        Some((places, folded)) if places < 4 => put(bits, kind::DECIMAL, folded << 2 | places as u64, 34),
        _ if f64::from(narrow).to_bits() == number.to_bits() => {
            put(bits, kind::NUMBER_32, u64::from(narrow.to_bits()), 32);
        }
        _ => {
            put_kind(bits, kind::NUMBER_64);
            bits.put_word(number.to_bits());
        }
    }
}

/// The fewest decimal places that give the number back exactly, and its digits, folded, in 32 bits.
fn decimal(number: f64) -> Option<(usize, u64)> {
    POWERS.iter().enumerate().find_map(|(places, power)| {
        let digits = (number * power).round();
        let whole = digits as i64;
        let exact = digits.abs() < 2_147_483_648.0 && (whole as f64 / power).to_bits() == number.to_bits();
        exact.then(|| (places, fold(whole)))
    })
}

fn take_value(bits: &mut BitReader<'_>) -> Result<Taken, Unreadable> {
    let code = match bits.take(3) {
        kind::MORE => kind::INT_16 + bits.take(3),
        kind::RARE => kind::DECIMAL + bits.take(3),
        direct => direct,
    };
    let number = |places: usize, digits: i64| TagValue::Number(digits as f64 / POWERS[places]);
    Ok(Taken::Value(match code {
        kind::FALSE => TagValue::Bool(false),
        kind::TRUE => TagValue::Bool(true),
        kind::INT_SMALL => TagValue::Int(bits.take(7) as i64),
        kind::ENUM_SMALL => TagValue::Enum(bits.take(4) as u16),
        kind::HUNDREDTHS_SMALL => number(2, bits.take(7) as i64),
        kind::HUNDREDTHS => number(2, unfold(bits.take(20))),
        kind::INT_16 => TagValue::Int(unfold(bits.take(16))),
        kind::INT_32 => TagValue::Int(unfold(bits.take(32))),
        kind::INT_64 => TagValue::Int(unfold(bits.take_word())),
        kind::ENUM => TagValue::Enum(bits.take(16) as u16),
        kind::WHOLE_SMALL => number(0, bits.take(10) as i64),
        kind::WHOLE => number(0, unfold(bits.take(20))),
        kind::TENTHS => number(1, unfold(bits.take(16))),
        kind::TEN_THOUSANDTHS => number(4, unfold(bits.take(16))),
        kind::DECIMAL => {
            let places = bits.take(2) as usize;
            number(places, unfold(bits.take(32)))
        }
        kind::NUMBER_32 => TagValue::Number(f64::from(f32::from_bits(bits.take(32) as u32))),
        kind::NUMBER_64 => TagValue::Number(f64::from_bits(bits.take_word())),
        kind::TEXT_SHORT => return Ok(Taken::TextOf(bits.take(6) as usize)),
        kind::TEXT => return Ok(Taken::TextOf(bits.take(32) as usize)),
        kind::TIME_SECONDS => TagValue::Time(Timestamp::from_ms(EPOCH_MS + bits.take(31) as i64 * 1_000)),
        kind::TIME => TagValue::Time(Timestamp::from_ms(bits.take_word() as i64)),
        _ => return Err(wrong("a kind of value is of a newer version")),
    }))
}

/// Since when in the widest unit that holds it exactly: minutes, seconds, milliseconds.
fn put_stamp(bits: &mut BitWriter<'_>, stamp: Stamp) {
    if let Some(minutes) = whole_units(stamp.as_of, 60_000, 24) {
        bits.put(minutes << 2, 26);
    } else if let Some(seconds) = whole_units(stamp.as_of, 1_000, 31) {
        bits.put(seconds << 2 | 1, 33);
    } else if let Some(ms) = whole_units(stamp.as_of, 1, 40) {
        bits.put(ms << 2 | 2, 42);
    } else {
        bits.put(3, 2);
        bits.put_word(stamp.as_of.ms() as u64);
    }
    match stamp.source.0 {
        source @ 0..15 => bits.put(u64::from(source), 4),
        source => bits.put(u64::from(source) << 4 | 15, 36),
    }
}

fn take_stamp(bits: &mut BitReader<'_>) -> Stamp {
    let ms = match bits.take(2) {
        0 => EPOCH_MS + bits.take(24) as i64 * 60_000,
        1 => EPOCH_MS + bits.take(31) as i64 * 1_000,
        2 => EPOCH_MS + bits.take(40) as i64,
        _ => bits.take_word() as i64,
    };
    let source = match bits.take(4) {
        15 => bits.take(32),
        source => source,
    };
    Stamp { as_of: Timestamp::from_ms(ms), source: SourceNumber(source as u32) }
}

/// The time since 2020 in units of `unit_ms`, if that is exact and fits.
fn whole_units(at: Timestamp, unit_ms: i64, width: u32) -> Option<u64> {
    let since = at.ms().checked_sub(EPOCH_MS).filter(|since| since % unit_ms == 0)?;
    u64::try_from(since / unit_ms).ok().filter(|units| units >> width == 0)
}

fn put(bits: &mut BitWriter<'_>, code: u64, value: u64, width: u32) {
    put_kind(bits, code);
    bits.put(value, width);
}

fn put_kind(bits: &mut BitWriter<'_>, code: u64) {
    match code {
        0..8 => bits.put(code, 3),
        8..16 => bits.put((code - 8) << 3 | kind::MORE, 6),
        _ => bits.put((code - 16) << 3 | kind::RARE, 6),
    }
}

/// Small numbers of either sign become small numbers without one.
fn fold(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unfold(folded: u64) -> i64 {
    (folded >> 1) as i64 ^ -((folded & 1) as i64)
}
