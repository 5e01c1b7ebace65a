//! Who said so: the names of the sources of a customer's tags, each once.
//!
//! Names are counted: one that no tag names any more is gone at once, and its place is free for the next.

use crate::error::Unreadable;
use crate::value::Name;

/// A source's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceNumber(pub u32);

impl SourceNumber {
    /// Said by nobody: it follows from something else.
    pub const DERIVED: SourceNumber = SourceNumber(u32::MAX);
}

/// The sources that some tag names.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Name, and how many tags name it; an empty name that none names is a free place.
    places: Vec<(Name, u32)>,
}

impl Sources {
    /// A source's name.
    pub(super) fn name(&self, source: SourceNumber) -> &Name {
        &self.places[source.0 as usize].0
    }

    /// One more tag names the source.
    pub(super) fn name_once_more(&mut self, name: &Name) -> SourceNumber {
        let known = self.places.iter().position(|(known, count)| *count > 0 && known == name);
        let free = || self.places.iter().position(|(_, count)| *count == 0);
        let ix = known.or_else(free).unwrap_or(self.places.len());
        if ix == self.places.len() {
            self.places.push(("".into(), 0));
        }
        let place = &mut self.places[ix];
        if place.1 == 0 {
            place.0 = Name::clone(name);
        }
        place.1 += 1;
        SourceNumber(ix as u32)
    }

    /// One tag less names the source.
    pub(super) fn name_once_less(&mut self, source: SourceNumber) {
        let Some(place) = self.places.get_mut(source.0 as usize) else { return };
        place.1 = place.1.saturating_sub(1);
        if place.1 == 0 {
            place.0 = "".into();
        }
        while self.places.last().is_some_and(|(_, count)| *count == 0) {
            self.places.pop();
        }
    }

    pub(super) fn places(&self) -> &[(Name, u32)] {
        &self.places
    }

    /// The table as it was written.
    pub(super) fn of(places: Vec<(Name, u32)>) -> Self {
        Sources { places }
    }

    /// Compares the counts with a recount.
    pub(super) fn check(&self, recount: &[u32]) -> Result<(), Unreadable> {
        let counts = self.places.iter().map(|(_, count)| count);
        match counts.eq(recount) {
            true => Ok(()),
            false => Err(Unreadable::new(super::form::WHAT, "its sources are miscounted")),
        }
    }
}
