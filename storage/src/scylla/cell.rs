//! The cells of a customer: a whole snapshot, and the changes since.
//!
//! Every cell says under which mark and for which revision it was written, and has a check sum over that and the snapshot it
//! comes to. A change counts only when it is younger than the snapshot, of the same epoch and of the revision that follows; whatever
//! else lies in a slot of the ring is left over. Leaves out how cells get to the server.

use super::mark::Mark;
use crate::{StoreError, StoredCustomer, delta};
use std::sync::Arc;

/// After so many revisions a whole snapshot is written, at the latest: reads stay one row, and a change that got lost
/// could never be the last word on more than 15 turns.
pub(super) const SNAPSHOT_EVERY: u64 = 16;

/// The form of both kinds of cells.
const VERSION: u8 = 1;
const HEAD_BYTES: usize = 1 + 8 + 8 + 4;

/// A whole snapshot's cell.
pub(super) fn whole(mark: Mark, revision: u64, snapshot: &[u8]) -> Vec<u8> {
    cell(mark, revision, snapshot, snapshot)
}

/// A change's cell and its slot in the ring, when a change does: never the sixteenth time, and never when it would be as
/// long as half the snapshot.
pub(super) fn change(mark: Mark, revision: u64, before: &[u8], after: &[u8]) -> Option<(usize, Vec<u8>)> {
    let slot = slot_of(revision)?;
    let change = delta::diff(before, after);
    (change.len() <= after.len() / 2).then(|| (slot, cell(mark, revision, after, &change)))
}

/// The slot of a revision, counted from 0; none for those that are written whole.
fn slot_of(revision: u64) -> Option<usize> {
    ((revision % SNAPSHOT_EVERY) as usize).checked_sub(1)
}

/// The customer that the cells make, and the mark of its last write. `changes` are the slots in order.
///
/// Errors: [`Corrupt`](StoreError::Corrupt) when a cell is damaged, of a newer form, or missing.
pub(super) fn assemble(
    state: &[u8],
    changes: &[Option<&[u8]>],
) -> Result<(StoredCustomer, Mark), StoreError> {
    let whole = Cell::read(state)?;
    whole.checked(whole.body)?;
    let follows = |cell: &Cell<'_>| cell.mark > whole.mark && cell.mark.fence() == whole.mark.fence();
    let mut snapshot: Option<Vec<u8>> = None;
    let (mut mark, mut revision) = (whole.mark, whole.revision);
    let mut last = revision;
    for slot in changes.iter().flatten() {
        let cell = Cell::read(slot)?;
        last = if follows(&cell) { last.max(cell.revision) } else { last };
    }
    while revision < last {
        let next = slot_of(revision + 1).and_then(|slot| *changes.get(slot)?);
        let next = next.map(Cell::read).transpose()?;
        let Some(next) = next.filter(|next| follows(next) && next.revision == revision + 1) else {
            return Err(corrupt(&format!("the change of revision {} is missing", revision + 1)));
        };
        snapshot = Some(next.applied_to(snapshot.as_deref().unwrap_or(whole.body))?);
        (mark, revision) = (next.mark, next.revision);
    }
    let snapshot: Arc<[u8]> = snapshot.map_or_else(|| Arc::from(whole.body), Arc::from);
    Ok((StoredCustomer { fence: mark.fence(), revision, snapshot }, mark))
}

struct Cell<'a> {
    mark: Mark,
    revision: u64,
    check: u32,
    body: &'a [u8],
}

impl<'a> Cell<'a> {
    fn read(bytes: &'a [u8]) -> Result<Cell<'a>, StoreError> {
        let (head, body) =
            bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| corrupt("a cell is cut short"))?;
        if head[0] != VERSION {
            return Err(corrupt(&format!("a cell has form {}, this program knows {VERSION}", head[0])));
        }
        let number =
            |at: usize| head[at..at + 8].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let check = head[17..].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
        Ok(Cell { mark: Mark(number(1)), revision: number(9), check, body })
    }

    fn applied_to(&self, before: &[u8]) -> Result<Vec<u8>, StoreError> {
        let after = delta::apply(before, self.body).ok_or_else(|| self.damaged())?;
        self.checked(&after).map(|()| after)
    }

    fn checked(&self, snapshot: &[u8]) -> Result<(), StoreError> {
        if check(self.mark, self.revision, snapshot) == self.check { Ok(()) } else { Err(self.damaged()) }
    }

    fn damaged(&self) -> StoreError {
        corrupt(&format!("the cell of revision {} is damaged", self.revision))
    }
}

/// A cell that comes to `snapshot` and holds `body`.
fn cell(mark: Mark, revision: u64, snapshot: &[u8], body: &[u8]) -> Vec<u8> {
    let mut cell = Vec::with_capacity(HEAD_BYTES + body.len());
    cell.push(VERSION);
    cell.extend_from_slice(&mark.0.to_le_bytes());
    cell.extend_from_slice(&revision.to_le_bytes());
    cell.extend_from_slice(&check(mark, revision, snapshot).to_le_bytes());
    cell.extend_from_slice(body);
    cell
}

fn check(mark: Mark, revision: u64, snapshot: &[u8]) -> u32 {
    xxhash_rust::xxh3::xxh3_64_with_seed(snapshot, mark.0 ^ revision.rotate_left(32)) as u32
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fence;

    fn mark(epoch: u64, sequence: u64) -> Mark {
        Mark((epoch << 30) | sequence)
    }

    fn snapshot(revision: u64) -> Vec<u8> {
        (0..1000_u64).map(|at| if at == 13 * revision % 1000 { 255 } else { at as u8 }).collect()
    }

    /// What is stored after the revisions up to `last` were saved one after the other in one epoch.
    fn saved(epoch: u64, last: u64) -> (Vec<u8>, Vec<Option<Vec<u8>>>) {
        let (mut state, mut slots) = (Vec::new(), vec![None; 15]);
        for revision in 1..=last {
            let now = mark(epoch, revision);
            match change(now, revision, &snapshot(revision - 1), &snapshot(revision)).filter(|_| revision > 1)
            {
                Some((slot, cell)) => slots[slot] = Some(cell),
                None => state = whole(now, revision, &snapshot(revision)),
            }
        }
        (state, slots)
    }

    fn read(state: &[u8], slots: &[Option<Vec<u8>>]) -> Result<(StoredCustomer, Mark), StoreError> {
        assemble(state, &slots.iter().map(Option::as_deref).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check_read(state: &[u8], slots: &[Option<Vec<u8>>], epoch: u64, revision: u64) {
        let (stored, _) = read(state, slots).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((stored.fence, stored.revision), (Fence(epoch), revision));
        assert_eq!(*stored.snapshot, *snapshot(revision));
    }

    #[test]
    fn every_revision_is_read_back_over_three_rounds_of_the_ring() {
        for last in 1..50 {
            let (state, slots) = saved(3, last);
            check_read(&state, &slots, 3, last);
        }
    }

    #[test]
    fn what_is_left_in_the_ring_is_ignored() {
        let (_, mut slots) = saved(3, 15);
        let state = whole(mark(3, 20), 16, &snapshot(16));
        check_read(&state, &slots, 3, 16);
        let state = whole(mark(4, 1), 12, &snapshot(12));
        check_read(&state, &slots, 4, 12);
        // A former owner's change of the very next revision, delivered late.
        slots[12] = change(mark(3, 99), 13, &snapshot(12), &snapshot(13)).map(|(_, cell)| cell);
        check_read(&state, &slots, 4, 12);
    }

    #[test]
    fn a_gap_and_damage_are_told_and_never_served() {
        let (state, slots) = saved(3, 9);
        for slot in 1..8 {
            let mut holed = slots.clone();
            holed[slot] = None;
            assert!(matches!(read(&state, &holed), Err(StoreError::Corrupt(_))), "without slot {slot}");
        }
        for at in 0..slots[4].as_ref().map_or(0, Vec::len) {
            let mut damaged = slots.clone();
            damaged[4].as_mut().unwrap_or_else(|| panic!("a change"))[at] ^= 0x40;
            assert!(matches!(read(&state, &damaged), Err(StoreError::Corrupt(_))), "byte {at}");
        }
        assert!(matches!(read(&[], &slots), Err(StoreError::Corrupt(_))));
        assert!(matches!(read(&[9; 40], &slots), Err(StoreError::Corrupt(text)) if text.contains("form 9")));
    }

    #[test]
    fn a_change_as_long_as_half_the_snapshot_is_written_whole() {
        assert!(change(mark(1, 2), 2, &[1; 100], &snapshot(5)).is_none());
        assert!(change(mark(1, 2), 32, &snapshot(1), &snapshot(2)).is_none());
    }
}
