//! One part of a customer: kept as the bytes it was read from until somebody looks, and written back as it was until
//! somebody changes it.
//!
//! A turn so costs what it reads and changes, not what the customer is. Leaves out where sections lie in a snapshot
//! ([`super::snapshot`]).

use crate::error::Unreadable;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Arc, OnceLock};

/// How a part of a customer is written. Plain data is MessagePack by itself: derive `Serialize`, `Deserialize`,
/// `Default` and `PartialEq`. Parts that a turn often looks at have a form of their own.
pub trait Form: Default + PartialEq {
    /// Writes the part at the end of `out`.
    fn write_form(&self, out: &mut Vec<u8>);

    /// Reads what [`Form::write_form`] wrote, all of it. The bytes may be kept: they are a part of `section.snapshot`.
    ///
    /// # Errors
    /// [`Unreadable`] when it is damaged or of a newer version. Never panics, never allocates more than the bytes can
    /// hold.
    fn read_form(section: &SectionBytes) -> Result<Self, Unreadable>;

    /// Looks at everything inside, where [`Form::read_form`] puts that off.
    ///
    /// # Errors
    /// As [`Form::read_form`].
    fn check_form(&self) -> Result<(), Unreadable> {
        Ok(())
    }
}

impl<T: Serialize + DeserializeOwned + Default + PartialEq> Form for T {
    fn write_form(&self, out: &mut Vec<u8>) {
        rmp_serde::encode::write(out, self).expect("a part of a customer is plain data");
    }

    fn read_form(section: &SectionBytes) -> Result<Self, Unreadable> {
        rmp_serde::from_slice(section).map_err(|error| Unreadable::new("customer snapshot", error))
    }
}

/// The bytes of a section: a place in a snapshot that is shared by all its sections.
#[derive(Clone, Debug)]
pub struct SectionBytes {
    snapshot: Arc<[u8]>,
    place: Range<usize>,
}

impl SectionBytes {
    /// A place inside a snapshot.
    #[must_use]
    pub fn new(snapshot: &Arc<[u8]>, place: Range<usize>) -> Self {
        assert!(
            place.start <= place.end && place.end <= snapshot.len(),
            "a section lies inside its snapshot"
        );
        SectionBytes { snapshot: Arc::clone(snapshot), place }
    }

    /// A place inside this one.
    pub(super) fn part(&self, place: Range<usize>) -> Self {
        let start = self.place.start;
        SectionBytes::new(&self.snapshot, start + place.start..start + place.end)
    }
}

impl Deref for SectionBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.snapshot[self.place.clone()]
    }
}

/// A part of a customer.
///
/// Reading it ([`Deref`]) decodes it, once. Borrowing it to change ([`DerefMut`]) also marks it as changed, and a
/// changed section is encoded anew: look first, and borrow to change only when there is something to change. Its own
/// functions take no `self`, so that they never hide a method of what is inside.
pub struct Section<T> {
    /// As it was read; `None` when it is new or may have been changed.
    stored: Option<SectionBytes>,
    value: OnceLock<T>,
}

impl<T: Form> Section<T> {
    /// A section as it was read; no bytes hold nothing. It must have been [checked](Section::check) before, here or as
    /// another copy.
    pub(super) fn stored(bytes: SectionBytes) -> Self {
        Section { stored: Some(bytes).filter(|bytes| !bytes.is_empty()), value: OnceLock::new() }
    }

    /// Decodes the section for good and looks at everything in it.
    ///
    /// # Errors
    /// [`Unreadable`] when it is damaged or of a newer version.
    pub(super) fn check(this: &Self) -> Result<(), Unreadable> {
        let Some(stored) = &this.stored else { return Ok(()) };
        let value = T::read_form(stored)?;
        value.check_form()?;
        let _ = this.value.set(value);
        Ok(())
    }

    /// Borrows the section to change what is not written.
    pub(super) fn unwritten(this: &mut Self) -> &mut T {
        let _ = &**this;
        this.value.get_mut().expect("just decoded")
    }

    /// Whether nothing was changed since it was read.
    #[must_use]
    pub fn is_untouched(this: &Self) -> bool {
        this.stored.is_some()
    }

    /// Writes the section at the end of `out`: nothing for one that holds nothing.
    pub(super) fn write(this: &Self, out: &mut Vec<u8>) {
        match (&this.stored, this.value.get()) {
            (Some(stored), _) => out.extend_from_slice(stored),
            (None, Some(value)) if *value != T::default() => value.write_form(out),
            (None, _) => {}
        }
    }
}

impl<T: Form> Deref for Section<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.get_or_init(|| match &self.stored {
            Some(stored) => T::read_form(stored).expect("sections are checked before they are used"),
            None => T::default(),
        })
    }
}

impl<T: Form> DerefMut for Section<T> {
    fn deref_mut(&mut self) -> &mut T {
        let _ = &**self;
        self.stored = None;
        self.value.get_mut().expect("just decoded")
    }
}

impl<T: Form> Default for Section<T> {
    fn default() -> Self {
        Section { stored: None, value: OnceLock::new() }
    }
}

impl<T: Form> From<T> for Section<T> {
    fn from(value: T) -> Self {
        Section { stored: None, value: OnceLock::from(value) }
    }
}

impl<T: Clone> Clone for Section<T> {
    fn clone(&self) -> Self {
        Section { stored: self.stored.clone(), value: self.value.clone() }
    }
}

/// Equal when what is inside is equal, however it is written.
/// As the part itself.
impl<T: Form + Serialize> Serialize for Section<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<T: Form> PartialEq for Section<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Form> PartialEq<T> for Section<T> {
    fn eq(&self, other: &T) -> bool {
        **self == *other
    }
}

impl<T: Form + fmt::Debug> fmt::Debug for Section<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(value: &Vec<u64>) -> Section<Vec<u64>> {
        let mut bytes = vec![0xff; 3];
        value.write_form(&mut bytes);
        let snapshot: Arc<[u8]> = bytes.into();
        let end = snapshot.len();
        Section::stored(SectionBytes::new(&snapshot, 3..end))
    }

    fn written(section: &Section<Vec<u64>>) -> Vec<u8> {
        let mut out = Vec::new();
        Section::write(section, &mut out);
        out
    }

    #[test]
    fn what_is_only_read_is_written_back_as_it_was() {
        let section = stored(&vec![7, 8]);
        assert_eq!(section.iter().sum::<u64>(), 15);
        assert!(Section::is_untouched(&section));
        assert_eq!(written(&section), written(&vec![7, 8].into()));
    }

    #[test]
    fn what_is_changed_is_written_anew_and_what_is_empty_takes_no_bytes() {
        let mut section = stored(&vec![7, 8]);
        section.push(9);
        assert!(!Section::is_untouched(&section));
        assert_eq!(written(&section), written(&vec![7, 8, 9].into()));
        section.clear();
        assert!(written(&section).is_empty());
        assert!(written(&Section::default()).is_empty());
    }

    #[test]
    fn a_damaged_section_is_found_by_its_check() {
        let snapshot: Arc<[u8]> = vec![0xc1].into();
        let damaged = Section::<Vec<u64>>::stored(SectionBytes::new(&snapshot, 0..1));
        assert!(Section::check(&damaged).is_err());
        assert!(Section::check(&stored(&vec![1])).is_ok());
    }
}
