//! What changed between two snapshots, as bytes: copies out of the one before, and what is new.
//!
//! A turn changes a few hundred bytes of a few thousand; the rest stands where it stood, or a little beside it. Knows
//! nothing of what the bytes mean: a change says what became of a customer, never what was asked. Leaves out
//! compression: there is little to gain in a tag vector.
//!
//! Form: the length of the result; then, until it is reached: a distance from where the last copy ended, how many bytes
//! to copy from there, how many new bytes follow, the new bytes. Numbers are LEB128, the distance is zigzag.

/// Shorter copies cost about as much as they save.
const COPY_BYTES_MIN: usize = 8;
/// A longer result is damage, not a customer: 64 MiB.
const RESULT_BYTES_MAX: usize = 64 << 20;

/// The change that makes `after` out of `before`.
pub(crate) fn diff(before: &[u8], after: &[u8]) -> Vec<u8> {
    let places = Places::of(before);
    let mut change = Vec::with_capacity(64 + after.len() / 8);
    put(&mut change, after.len() as u64);
    let mut piece = Piece::default();
    let (mut copied_to, mut at) = (0, 0);
    while at < after.len() {
        let beside = piece.copy_to + (at - piece.new_from);
        let Some(copy_from) = places.longest(after, at, beside) else {
            at += 1;
            continue;
        };
        let len = common(&before[copy_from..], &after[at..]);
        piece.write(&mut change, &mut copied_to, &after[piece.new_from..at]);
        at += len;
        piece = Piece { copy_from, copy_to: copy_from + len, new_from: at };
    }
    piece.write(&mut change, &mut copied_to, &after[piece.new_from..]);
    change
}

/// Makes the result out of `before` and a change; `None` when the change is damaged or belongs to other bytes.
pub(crate) fn apply(before: &[u8], change: &[u8]) -> Option<Vec<u8>> {
    let mut rest = change;
    let len = usize::try_from(take(&mut rest)?).ok().filter(|len| *len <= RESULT_BYTES_MAX)?;
    let mut result = Vec::with_capacity(len.min(before.len() + change.len()));
    let mut copied_to = 0_i64;
    while !rest.is_empty() {
        let from = usize::try_from(copied_to.checked_add(unzigzag(take(&mut rest)?))?).ok()?;
        let to = from.checked_add(usize::try_from(take(&mut rest)?).ok()?)?;
        let new = usize::try_from(take(&mut rest)?).ok()?;
        result.extend_from_slice(before.get(from..to)?);
        result.extend_from_slice(rest.get(..new)?);
        rest = &rest[new..];
        copied_to = i64::try_from(to).ok()?;
        if result.len() > len {
            return None;
        }
    }
    (result.len() == len).then_some(result)
}

/// A copy out of the bytes before, and where in the bytes after the new ones behind it begin.
#[derive(Clone, Copy, Default)]
struct Piece {
    copy_from: usize,
    copy_to: usize,
    new_from: usize,
}

impl Piece {
    fn write(self, change: &mut Vec<u8>, copied_to: &mut usize, new: &[u8]) {
        if self.copy_to == self.copy_from && new.is_empty() {
            return;
        }
        put(change, zigzag(self.copy_from as i64 - *copied_to as i64));
        put(change, (self.copy_to - self.copy_from) as u64);
        put(change, new.len() as u64);
        change.extend_from_slice(new);
        *copied_to = self.copy_to;
    }
}

/// Where each run of [`COPY_BYTES_MIN`] bytes was last seen, by a hash of it; false finds are told by comparing.
struct Places<'a> {
    before: &'a [u8],
    last_seen: Vec<u32>,
    shift: u32,
}

const NOWHERE: u32 = u32::MAX;

impl<'a> Places<'a> {
    fn of(before: &'a [u8]) -> Self {
        let bits = before.len().next_power_of_two().trailing_zeros().clamp(4, 20);
        let mut places = Places { before, last_seen: vec![NOWHERE; 1 << bits], shift: 64 - bits };
        for at in (0..before.len().saturating_sub(COPY_BYTES_MIN - 1)).rev() {
            if let Some(slot) = places.slot(before, at) {
                places.last_seen[slot] = u32::try_from(at).unwrap_or(NOWHERE);
            }
        }
        places
    }

    fn slot(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let run = bytes.get(at..at + COPY_BYTES_MIN)?.try_into().ok()?;
        // The golden ratio spreads runs that differ little over the whole table.
        Some((u64::from_le_bytes(run).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize)
    }

    /// The better of two places to copy from: the one in step with what was copied before, and the one in the table.
    fn longest(&self, after: &[u8], at: usize, beside: usize) -> Option<usize> {
        let seen = self.slot(after, at).map(|slot| self.last_seen[slot] as usize);
        let length = |from: usize| common(self.before.get(from..).unwrap_or_default(), &after[at..]);
        let candidates = [Some(beside), seen].into_iter().flatten().map(|from| (length(from), from));
        candidates.filter(|(length, _)| *length >= COPY_BYTES_MIN).max().map(|(_, from)| from)
    }
}

/// How many bytes two texts begin with together.
fn common(a: &[u8], b: &[u8]) -> usize {
    let eights = a.chunks_exact(8).zip(b.chunks_exact(8)).take_while(|(a, b)| a == b).count() * 8;
    eights + a[eights..].iter().zip(&b[eights..]).take_while(|(a, b)| a == b).count()
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `bytes` with a few places overwritten, cut out or filled in.
    fn edited(mut bytes: Vec<u8>, edits: Vec<(usize, usize, Vec<u8>)>) -> Vec<u8> {
        for (from, len, new) in edits {
            let from = from % (bytes.len() + 1);
            let to = (from + len).min(bytes.len());
            bytes.splice(from..to, new);
        }
        bytes
    }

    fn edits() -> impl Strategy<Value = Vec<(usize, usize, Vec<u8>)>> {
        let edit = (any::<usize>(), 0..40_usize, prop::collection::vec(any::<u8>(), 0..40));
        prop::collection::vec(edit, 0..6)
    }

    proptest! {
        #[test]
        fn a_change_makes_the_result(before in prop::collection::vec(any::<u8>(), 0..3000), edits in edits()) {
            let after = edited(before.clone(), edits);
            prop_assert_eq!(apply(&before, &diff(&before, &after)), Some(after));
        }

        #[test]
        fn repetitive_bytes_are_changed_as_well(before in prop::collection::vec(0..2u8, 0..300), edits in edits()) {
            let after = edited(before.clone(), edits);
            prop_assert_eq!(apply(&before, &diff(&before, &after)), Some(after));
        }

        #[test]
        fn a_change_grows_with_what_changed(before in prop::collection::vec(any::<u8>(), 2000..3000), edits in edits()) {
            let touched: usize = edits.iter().map(|(_, cut, new)| 3 * COPY_BYTES_MIN + cut + new.len()).sum();
            let after = edited(before.clone(), edits);
            prop_assert!(diff(&before, &after).len() <= 16 + touched);
        }

        #[test]
        fn damage_is_never_more_than_refused(before in prop::collection::vec(any::<u8>(), 0..200), change in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(result) = apply(&before, &change) {
                prop_assert!(result.len() <= RESULT_BYTES_MAX);
            }
        }
    }

    #[test]
    fn a_cut_change_is_refused() {
        let (before, after) = (vec![7; 500], edited(vec![7; 500], vec![(250, 3, vec![1, 2, 3, 4])]));
        let change = diff(&before, &after);
        for len in 0..change.len() {
            assert_eq!(apply(&before, &change[..len]), None, "cut at {len}");
        }
        assert_eq!(apply(&before[..100], &change), None, "made for other bytes");
    }
}
