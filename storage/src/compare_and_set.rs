//! May this write happen? The one rule of fencing and revisions, for every store that compares before it sets.
//!
//! Plain functions of what is stored and what is asked; leaves out where it is stored.

use crate::{Fence, StoreError};

/// What a store knows of a customer before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// Never written, as far as the store remembers.
    Nothing,
    /// Erased under this fence.
    Erased(Fence),
    /// Saved.
    Customer { fence: Fence, revision: u64 },
}

impl Stored {
    fn fence(self) -> Fence {
        match self {
            Stored::Nothing => Fence(0),
            Stored::Erased(fence) | Stored::Customer { fence, .. } => fence,
        }
    }

    fn revision(self) -> u64 {
        match self {
            Stored::Nothing | Stored::Erased(_) => 0,
            Stored::Customer { revision, .. } => revision,
        }
    }
}

/// May `revision` be saved under `ours`? It has to follow the stored revision directly.
pub(crate) fn admit_save(stored: Stored, ours: Fence, revision: u64) -> Result<(), StoreError> {
    admit_fence(stored.fence(), ours)?;
    let Some(expected) = revision.checked_sub(1) else {
        return Err(StoreError::Unavailable("a save makes revision 1 or a later one, never 0".into()));
    };
    admit_revision(stored, expected)
}

/// May a customer be put back at `revision`? Where nobody is, or the same one.
pub(crate) fn admit_restore(stored: Stored, ours: Fence, revision: u64) -> Result<(), StoreError> {
    admit_fence(stored.fence(), ours)?;
    match stored.revision() == revision {
        true => Ok(()),
        false => admit_revision(stored, 0),
    }
}

/// May the customer that was read at `revision` be erased under `ours`? Whoever is not there, may.
pub(crate) fn admit_erase(stored: Stored, ours: Fence, revision: u64) -> Result<(), StoreError> {
    admit_fence(stored.fence(), ours)?;
    match stored {
        Stored::Nothing | Stored::Erased(_) => Ok(()),
        Stored::Customer { .. } => admit_revision(stored, revision),
    }
}

/// May `ours` write over what was written under `stored`?
pub(crate) fn admit_fence(stored: Fence, ours: Fence) -> Result<(), StoreError> {
    match ours < stored {
        true => Err(StoreError::Fenced { stored, ours }),
        false => Ok(()),
    }
}

fn admit_revision(stored: Stored, expected: u64) -> Result<(), StoreError> {
    match stored.revision() == expected {
        true => Ok(()),
        false => Err(StoreError::Conflict { stored: stored.revision(), expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: Stored = Stored::Customer { fence: Fence(5), revision: 3 };

    #[track_caller]
    fn check_save(stored: Stored, fence: u64, revision: u64, expected: &Result<(), StoreError>) {
        assert_eq!(&admit_save(stored, Fence(fence), revision), expected);
    }

    #[test]
    fn a_save_follows_the_stored_revision_directly() {
        check_save(Stored::Nothing, 0, 1, &Ok(()));
        check_save(Stored::Nothing, 0, 2, &Err(StoreError::Conflict { stored: 0, expected: 1 }));
        check_save(SAVED, 5, 4, &Ok(()));
        check_save(SAVED, 6, 4, &Ok(()));
        check_save(SAVED, 5, 3, &Err(StoreError::Conflict { stored: 3, expected: 2 }));
        check_save(SAVED, 5, 5, &Err(StoreError::Conflict { stored: 3, expected: 4 }));
    }

    #[test]
    fn a_lower_fence_is_refused_before_revisions_are_looked_at() {
        let fenced = |ours| Err(StoreError::Fenced { stored: Fence(5), ours: Fence(ours) });
        check_save(SAVED, 4, 4, &fenced(4));
        check_save(SAVED, 4, 9, &fenced(4));
        check_save(Stored::Erased(Fence(5)), 4, 1, &fenced(4));
        check_save(Stored::Erased(Fence(5)), 5, 1, &Ok(()));
    }

    #[test]
    fn revision_zero_is_never_saved() {
        assert!(matches!(admit_save(Stored::Nothing, Fence(1), 0), Err(StoreError::Unavailable(_))));
    }

    #[test]
    fn an_erasure_needs_the_revision_read_unless_nobody_is_there() {
        assert_eq!(admit_erase(SAVED, Fence(5), 3), Ok(()));
        assert_eq!(admit_erase(SAVED, Fence(5), 2), Err(StoreError::Conflict { stored: 3, expected: 2 }));
        assert_eq!(admit_erase(Stored::Nothing, Fence(0), 7), Ok(()));
        assert!(matches!(admit_erase(Stored::Erased(Fence(5)), Fence(4), 0), Err(StoreError::Fenced { .. })));
    }
}
