//! A frozen table of evidence: what decisions are taken with, named by its content.
//!
//! Counts move with every response; decisions must replay. So decisions look at a table that never changes and write its
//! id into their log row. Leaves out where tables are kept.

use crate::error::Unreadable;
use crate::learning::Counts;
use crate::value::Name;
use sha2::{Digest, Sha256};

/// Counts, frozen. The same counts have the same id on every node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceTable {
    id: Name,
    counts: Counts,
    bytes: Vec<u8>,
}

impl EvidenceTable {
    /// Freezes counts.
    #[must_use]
    pub fn freeze(counts: Counts) -> EvidenceTable {
        let bytes = counts.encode();
        EvidenceTable { id: id(&bytes), counts, bytes }
    }

    /// Reads a table and checks that it is the one its id says.
    ///
    /// # Errors
    /// [`Unreadable`] when it is damaged, another one, or of a newer version.
    pub fn read(wanted: &str, bytes: &[u8]) -> Result<EvidenceTable, Unreadable> {
        let found = id(bytes);
        if *found != *wanted {
            return Err(Unreadable::new(
                "evidence table",
                format!("{wanted} was asked for, this is {found}"),
            ));
        }
        Ok(EvidenceTable { id: found, counts: Counts::decode(bytes)?, bytes: bytes.to_vec() })
    }

    /// SHA-256 of the bytes, hexadecimal.
    #[must_use]
    pub fn id(&self) -> &Name {
        &self.id
    }

    /// What is counted.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The table's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn id(bytes: &[u8]) -> Name {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::{Change, Outcomes};

    fn counts(shown: i64) -> Counts {
        let mut counts = Counts::default();
        counts.add(&Change {
            offer: "data-xl".into(),
            channel: "app".into(),
            outcomes: Outcomes::new(shown, 0, 1),
        });
        counts
    }

    #[test]
    fn a_table_is_named_by_what_it_says() {
        let table = EvidenceTable::freeze(counts(5));
        assert_eq!(table, EvidenceTable::freeze(counts(5)));
        assert_ne!(table.id(), EvidenceTable::freeze(counts(6)).id());
        assert_eq!(EvidenceTable::read(table.id(), table.bytes()), Ok(table.clone()));
    }

    #[test]
    fn a_table_under_another_name_is_refused() {
        let (one, two) = (EvidenceTable::freeze(counts(5)), EvidenceTable::freeze(counts(6)));
        assert!(EvidenceTable::read(one.id(), two.bytes()).is_err());
        let mut damaged = one.bytes().to_vec();
        *damaged.last_mut().expect("bytes") ^= 1;
        assert!(EvidenceTable::read(one.id(), &damaged).is_err());
    }
}
