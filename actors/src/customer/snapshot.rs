//! A customer as bytes.
//!
//! Version 2: the version byte, a table of sections (a count, then each one's number and length), the sections in the
//! order of the table, and a checksum of everything before it. Each section is decoded when somebody first looks at it
//! and copied as it was when nobody changed it ([`Section`]), so a turn costs what it changes.
//!
//! To add a section: a field `Section<YourState>` in [`Customer`] and one line in the table below, with the next free
//! number. A section that is not there, in older bytes or because it holds nothing, is `YourState::default()`. Inside
//! a MessagePack section, fields may be added at the end with `#[serde(default)]`. A number is never given twice.
//! Then write the golden file of the version anew (`tests/rules/snapshots.rs` says how and until when).
//!
//! Damage is found before anything is used: bytes from outside become a [`Snapshot`] only when their checksum is right
//! and every section could be decoded, so that decoding one later can't fail. A newer version, and a section this
//! program does not know, are refused by name: an older program that carried them along could act against them.

mod version_1;

use crate::call::CustomerId;
use crate::customer::Customer;
use crate::customer::entry::{ALIAS_VERSION, Alias};
use crate::customer::section::{Section, SectionBytes};
use crate::error::Unreadable;
use std::ops::Range;
use std::sync::Arc;

/// The version written.
pub const VERSION: u8 = 2;

/// Declares the sections: number, field of [`Customer`].
macro_rules! sections {
    ($($number:literal => $field:ident),+ $(,)?) => {
        /// The numbers of the sections there are, ascending.
        const NUMBERS: &[u8] = &[$($number),+];

        /// A customer whose sections lie where `section` says. None is decoded.
        fn with_sections(id: &CustomerId, places: &Places) -> Customer {
            Customer { id: id.clone(), $($field: places.section($number)),+ }
        }

        /// Decodes every section.
        fn check_sections(customer: &Customer) -> Result<(), Unreadable> {
            $(Section::check(&customer.$field).map_err(|error| in_section(stringify!($field), &error))?;)+
            Ok(())
        }

        /// Writes every section and tells their numbers and lengths.
        fn write_sections(customer: &Customer, out: &mut Vec<u8>) -> [(u8, usize); NUMBERS.len()] {
            [$({
                let start = out.len();
                Section::write(&customer.$field, out);
                ($number, out.len() - start)
            }),+]
        }
    };
}

sections! {
    1 => tags,
    2 => derivations,
    3 => consents,
    4 => contacts,
    5 => refusals,
    6 => products,
    7 => recent,
    8 => standing,
    9 => decision_count,
    10 => swept_on,
    11 => identity,
    12 => life,
    13 => feedback,
    20 => exposures,
}

const WHAT: &str = "customer snapshot";
const CHECKSUM_BYTES: usize = 8;

/// A customer's bytes that are known to be whole: every section in them can be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(Arc<[u8]>);

impl Snapshot {
    /// A customer never seen: no bytes.
    #[must_use]
    pub fn none() -> Self {
        Snapshot(Arc::new([]))
    }

    /// Checks bytes from outside; no bytes are a customer never seen.
    ///
    /// # Errors
    /// [`Unreadable`] when they are damaged or of a newer version.
    pub fn check(bytes: Arc<[u8]>) -> Result<Self, Unreadable> {
        if !bytes.is_empty() {
            let nobody = CustomerId::new("-").expect("an id");
            decode(&nobody, &bytes)?;
        }
        Ok(Snapshot(bytes))
    }

    /// As [`check`](Self::check), for what is kept under any id: a customer, or an alias of one.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_entry(bytes: Arc<[u8]>) -> Result<Self, Unreadable> {
        match bytes.first() {
            Some(&ALIAS_VERSION) => Alias::decode(&bytes).map(|_| Snapshot(bytes)),
            _ => Snapshot::check(bytes),
        }
    }

    /// The bytes of an alias.
    pub(super) fn of_alias(bytes: Vec<u8>) -> Self {
        Snapshot(bytes.into())
    }

    /// Bytes that nobody will open.
    #[cfg(test)]
    pub(crate) fn unchecked(bytes: Vec<u8>) -> Self {
        Snapshot(bytes.into())
    }

    /// The customer, none of it decoded yet.
    #[must_use]
    pub fn open(&self, id: &CustomerId) -> Customer {
        match self.0.first() {
            None => Customer::new(id),
            Some(&VERSION) => {
                let places = Places::read(&self.0).expect("a snapshot is checked before it is one");
                with_sections(id, &places)
            }
            Some(_) => decode(id, &self.0).expect("a snapshot is checked before it is one"),
        }
    }

    /// The bytes, to be stored.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the customer was never seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Customer {
    /// A customer never seen before.
    #[must_use]
    pub fn new(id: &CustomerId) -> Self {
        with_sections(id, &Places::default())
    }

    /// The customer's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bodies = Vec::with_capacity(4096);
        let table = write_sections(self, &mut bodies);
        seal(&table, &bodies)
    }

    /// The customer as a snapshot to keep.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.encode().into())
    }

    /// Reads a customer from bytes of any version, all of it.
    ///
    /// # Errors
    /// [`Unreadable`] when they are damaged or of a newer version.
    pub fn decode(id: &CustomerId, bytes: &[u8]) -> Result<Customer, Unreadable> {
        decode(id, &bytes.into())
    }
}

fn decode(id: &CustomerId, bytes: &Arc<[u8]>) -> Result<Customer, Unreadable> {
    match bytes.first() {
        None => Err(Unreadable::new(WHAT, "it is empty")),
        Some(1) => version_1::decode(id, &bytes[1..]),
        Some(&VERSION) => {
            check_checksum(bytes)?;
            let customer = with_sections(id, &Places::read(bytes)?);
            check_sections(&customer)?;
            Ok(customer)
        }
        Some(version) => Err(Unreadable::new(
            WHAT,
            format!("version {version} is newer than {VERSION}; upgrade this node"),
        )),
    }
}

fn in_section(section: &str, error: &Unreadable) -> Unreadable {
    Unreadable::new(WHAT, format!("section {section}: {}", error.detail))
}

/// Version, table, bodies, checksum.
fn seal(table: &[(u8, usize)], bodies: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + table.len() * 4 + bodies.len() + CHECKSUM_BYTES);
    let there = table.iter().filter(|(_, length)| *length > 0);
    bytes.extend([VERSION, there.clone().count() as u8]);
    for (number, length) in there {
        bytes.push(*number);
        put_length(&mut bytes, *length);
    }
    bytes.extend_from_slice(bodies);
    bytes.extend(checksum(&bytes));
    bytes
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    xxhash_rust::xxh3::xxh3_64(bytes).to_le_bytes()
}

fn check_checksum(bytes: &[u8]) -> Result<(), Unreadable> {
    match bytes.split_last_chunk::<CHECKSUM_BYTES>() {
        Some((sealed, sum)) if checksum(sealed) == *sum => Ok(()),
        _ => Err(Unreadable::new(WHAT, "it is damaged: its checksum is wrong")),
    }
}

fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Where each section lies.
#[derive(Default)]
struct Places {
    snapshot: Option<Arc<[u8]>>,
    places: [Range<usize>; NUMBERS.len()],
}

impl Places {
    /// Reads the table. Sections follow each other without a gap and end at the checksum.
    fn read(snapshot: &Arc<[u8]>) -> Result<Self, Unreadable> {
        let end = snapshot.len().checked_sub(CHECKSUM_BYTES).ok_or_else(cut_off)?;
        let mut input = &snapshot[..end];
        let [_version, count] = take(&mut input)?;
        let mut table = [(0, 0); NUMBERS.len()];
        if usize::from(count) > table.len() {
            return Err(Unreadable::new(WHAT, "it has sections of a newer version; upgrade this node"));
        }
        let table = &mut table[..usize::from(count)];
        for place in table.iter_mut() {
            let [number] = take(&mut input)?;
            *place = (number, take_length(&mut input)?);
        }
        if !table.is_sorted_by_key(|(number, _)| *number) {
            return Err(Unreadable::new(WHAT, "its sections are not in order"));
        }
        let mut places = Places { snapshot: Some(Arc::clone(snapshot)), ..Places::default() };
        let mut start = end - input.len();
        for (number, length) in table {
            let Ok(ix) = NUMBERS.binary_search(number) else {
                let detail = format!("section {number} is of a newer version; upgrade this node");
                return Err(Unreadable::new(WHAT, detail));
            };
            let stop = start.checked_add(*length).filter(|stop| *stop <= end).ok_or_else(cut_off)?;
            if !places.places[ix].is_empty() || *length == 0 {
                return Err(Unreadable::new(WHAT, format!("section {number} is there twice or empty")));
            }
            places.places[ix] = start..stop;
            start = stop;
        }
        if start != end {
            return Err(Unreadable::new(WHAT, "bytes are left over"));
        }
        Ok(places)
    }

    fn section<T: super::section::Form>(&self, number: u8) -> Section<T> {
        let place = NUMBERS.binary_search(&number).map(|ix| self.places[ix].clone());
        match (&self.snapshot, place) {
            (Some(snapshot), Ok(place)) => Section::stored(SectionBytes::new(snapshot, place)),
            _ => Section::default(),
        }
    }
}

fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], Unreadable> {
    let (taken, rest) = input.split_first_chunk::<N>().ok_or_else(cut_off)?;
    *input = rest;
    Ok(*taken)
}

/// At most four bytes: far beyond the largest customer.
fn take_length(input: &mut &[u8]) -> Result<usize, Unreadable> {
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        let [byte] = take(input)?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(length);
        }
    }
    Err(Unreadable::new(WHAT, "a length does not end"))
}

fn cut_off() -> Unreadable {
    Unreadable::new(WHAT, "it is cut off")
}
