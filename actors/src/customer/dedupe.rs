//! What was heard before: the ids of recent events, responses and requests.
//!
//! I9: the same id has one effect, for 48 hours or while so many newer ones have not come.

use crate::customer::packed::{Input, put_unsigned};
use crate::customer::section::{Form, Section, SectionBytes};
use crate::error::Unreadable;
use crate::options::{CALL_IDS_MAX, EVENT_ID_KEPT_MS, EVENT_IDS_MAX};
use crate::timestamp::{HOUR_MS, Timestamp};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::Xxh3;

/// Recent ids as 64-bit hashes, oldest first: two of 4,096 ids share one once in 10^12 customers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecentIds {
    events: Ring,
    responses: Ring,
    answered: Section<Vec<Answered>>,
}

/// A request, the decision that answered it, and when.
type Answered = (u64, String, Timestamp);

/// Hashes in the order in which they were heard, eight bytes each, so that a look-up runs over bytes as they are stored.
#[derive(Clone, Debug, Default, PartialEq)]
struct Ring {
    /// (hour since 1970, how many were heard in it), in the order of their first use.
    hours: Vec<(i64, usize)>,
    hashes: Vec<u8>,
}

/// As (hour since 1970, hash) pairs, for the export.
impl Serialize for Ring {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |hash: &[u8]| hash.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
        serializer.collect_seq(self.by_hour().map(|(hour, hash)| (hour, text(hash))))
    }
}

impl Ring {
    fn knows(&self, hash: u64) -> bool {
        let bytes = hash.to_le_bytes();
        self.hashes.chunks_exact(8).any(|known| known == bytes)
    }

    fn hear(&mut self, hash: u64, now: Timestamp, ids_max: usize) {
        let hour = now.ms().div_euclid(HOUR_MS);
        match self.hours.last_mut() {
            Some((last, count)) if *last == hour => *count += 1,
            _ => self.hours.push((hour, 1)),
        }
        self.hashes.extend(hash.to_le_bytes());
        if self.hashes.len() / 8 > ids_max {
            self.drop_first(1);
        }
    }

    /// Takes another's hashes in. All are kept until their hours go, even if there are more than the bound for a while.
    fn absorb(&mut self, other: &Ring) {
        let known: BTreeSet<&[u8]> = self.hashes.chunks_exact(8).collect();
        let mut by_hour: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        for (hour, hash) in self.by_hour().chain(other.by_hour().filter(|(_, hash)| !known.contains(hash))) {
            by_hour.entry(hour).or_default().extend(hash);
        }
        *self = Ring {
            hours: by_hour.iter().map(|(hour, hashes)| (*hour, hashes.len() / 8)).collect(),
            hashes: by_hour.into_values().flatten().collect(),
        };
    }

    /// Each hash with the hour in which it was heard.
    fn by_hour(&self) -> impl Iterator<Item = (i64, &[u8])> {
        let hours = self.hours.iter().flat_map(|(hour, count)| std::iter::repeat_n(*hour, *count));
        hours.zip(self.hashes.chunks_exact(8))
    }

    /// An hour goes when its last moment is 48 hours ago.
    fn forget_old(&mut self, now: Timestamp) {
        let is_old = |hour: i64| {
            now.ms().saturating_sub(hour.saturating_add(1).saturating_mul(HOUR_MS)) > EVENT_ID_KEPT_MS
        };
        let mut kept = Ring::default();
        let mut rest = &self.hashes[..];
        for (hour, count) in &self.hours {
            let (hashes, after) = rest.split_at(count * 8);
            if !is_old(*hour) {
                kept.hours.push((*hour, *count));
                kept.hashes.extend_from_slice(hashes);
            }
            rest = after;
        }
        *self = kept;
    }

    fn drop_first(&mut self, count: usize) {
        self.hashes.drain(..count * 8);
        if let Some((_, first)) = self.hours.first_mut() {
            *first -= count;
        }
        self.hours.retain(|(_, count)| *count > 0);
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_unsigned(out, self.hours.len() as u64);
        for (hour, count) in &self.hours {
            put_unsigned(out, *hour as u64);
            put_unsigned(out, *count as u64);
        }
        out.extend_from_slice(&self.hashes);
    }

    fn read(input: &mut Input<'_>) -> Result<Self, Unreadable> {
        let hour_count = input.count(2)?;
        let mut ring = Ring { hours: Vec::with_capacity(hour_count), hashes: Vec::new() };
        let mut hash_count = 0usize;
        for _ in 0..hour_count {
            let hour = input.unsigned()? as i64;
            let count = input.count(1)?;
            if count == 0 {
                return Err(input.wrong("an hour holds nothing"));
            }
            hash_count = hash_count.checked_add(count).ok_or_else(|| input.wrong("a count is too large"))?;
            ring.hours.push((hour, count));
        }
        let bytes = hash_count.checked_mul(8).ok_or_else(|| input.wrong("a count is too large"))?;
        ring.hashes = input.take(bytes)?.to_vec();
        Ok(ring)
    }
}

/// Two rings, then the answers.
impl Form for RecentIds {
    fn write_form(&self, out: &mut Vec<u8>) {
        self.events.write(out);
        self.responses.write(out);
        Section::write(&self.answered, out);
    }

    fn read_form(section: &SectionBytes) -> Result<Self, Unreadable> {
        let mut input = Input::new(section, "recent ids");
        let events = Ring::read(&mut input)?;
        let responses = Ring::read(&mut input)?;
        Ok(RecentIds { events, responses, answered: Section::stored(input.rest()) })
    }

    fn check_form(&self) -> Result<(), Unreadable> {
        Section::check(&self.answered)
    }
}

/// As written by version 1: hashes by the hour.
#[derive(Deserialize)]
pub(super) struct RecentIdsOfVersion1 {
    events: RingOfVersion1,
    responses: RingOfVersion1,
    answered: Vec<Answered>,
}

#[derive(Deserialize)]
struct RingOfVersion1 {
    hours: Vec<(i64, serde_bytes::ByteBuf)>,
}

impl From<RecentIdsOfVersion1> for RecentIds {
    fn from(old: RecentIdsOfVersion1) -> Self {
        let ring = |old: RingOfVersion1| {
            let whole = |hashes: &[u8]| hashes.len() / 8;
            Ring {
                hours: old.hours.iter().map(|(hour, hashes)| (*hour, whole(hashes))).collect(),
                hashes: old
                    .hours
                    .iter()
                    .flat_map(|(_, hashes)| &hashes[..whole(hashes) * 8])
                    .copied()
                    .collect(),
            }
        };
        RecentIds { events: ring(old.events), responses: ring(old.responses), answered: old.answered.into() }
    }
}

/// An id heard, as remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdHash(u64);

impl IdHash {
    /// The identity of an event: its source and id.
    #[must_use]
    pub fn event(source: &str, id: &str) -> Self {
        IdHash::of(&["event", source, id])
    }

    /// The identity of a response.
    #[must_use]
    pub fn response(id: &str) -> Self {
        IdHash::of(&["response", id])
    }

    /// The identity of a response without an id of its own: the same word about the same offer of the same decision.
    #[must_use]
    pub fn nameless_response(decision_id: &str, offer: &str, word: &str) -> Self {
        IdHash::of(&["nameless", decision_id, offer, word])
    }

    /// The identity of a request for a decision.
    #[must_use]
    pub fn request(id: &str) -> Self {
        IdHash::of(&["request", id])
    }

    /// Each part with its length, so that no two lists of parts read the same.
    fn of(parts: &[&str]) -> Self {
        let mut hasher = Xxh3::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        IdHash(hasher.digest())
    }
}

impl RecentIds {
    /// Whether the event was heard before.
    #[must_use]
    pub fn knows_event(&self, id: IdHash) -> bool {
        self.events.knows(id.0)
    }

    /// Remembers an event heard now.
    pub fn hear_event(&mut self, id: IdHash, now: Timestamp) {
        self.events.hear(id.0, now, EVENT_IDS_MAX);
    }

    /// Whether the response was heard before.
    #[must_use]
    pub fn knows_response(&self, id: IdHash) -> bool {
        self.responses.knows(id.0)
    }

    /// Remembers a response heard now.
    pub fn hear_response(&mut self, id: IdHash, now: Timestamp) {
        self.responses.hear(id.0, now, CALL_IDS_MAX);
    }

    /// The decision that answered a request before.
    #[must_use]
    pub fn answer(&self, request: IdHash) -> Option<&str> {
        self.answered.iter().find(|(hash, _, _)| *hash == request.0).map(|(_, decision, _)| decision.as_str())
    }

    /// Remembers which decision answered a request.
    pub fn answered(&mut self, request: IdHash, decision_id: &str, now: Timestamp) {
        self.answered.push((request.0, decision_id.to_owned(), now));
        if self.answered.len() > CALL_IDS_MAX {
            self.answered.remove(0);
        }
    }

    /// Also knows all that another heard. Of one request that both answered, the own answer counts.
    pub fn absorb(&mut self, other: &RecentIds) {
        self.events.absorb(&other.events);
        self.responses.absorb(&other.responses);
        for answered in other.answered.iter() {
            if self.answer(IdHash(answered.0)).is_none() {
                self.answered.push(answered.clone());
            }
        }
        self.answered.sort_by_key(|(_, _, at)| *at);
    }

    /// Drops ids that were heard long ago.
    pub fn forget_old(&mut self, now: Timestamp) {
        self.events.forget_old(now);
        self.responses.forget_old(now);
        let is_old = |(_, _, heard_at): &Answered| now.since_ms(*heard_at) > EVENT_ID_KEPT_MS;
        if self.answered.iter().any(is_old) {
            self.answered.retain(|answered| !is_old(answered));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_known_for_48_hours_or_4096_newer_ones() {
        let start = Timestamp::from_ms(0);
        let mut ids = RecentIds::default();
        let first = IdHash::event("crm", "1");
        assert!(!ids.knows_event(first));
        ids.hear_event(first, start);
        ids.forget_old(start.plus_ms(EVENT_ID_KEPT_MS));
        assert!(ids.knows_event(first));
        ids.forget_old(start.plus_ms(EVENT_ID_KEPT_MS + HOUR_MS + 1));
        assert!(!ids.knows_event(first));

        ids.hear_event(first, start);
        for n in 1..EVENT_IDS_MAX {
            ids.hear_event(IdHash::event("crm", &format!("x{n}")), start.plus_ms(n as i64 * 1_000));
        }
        assert!(ids.knows_event(first));
        ids.hear_event(IdHash::event("crm", "one more"), start);
        assert!(!ids.knows_event(first));
    }

    #[test]
    fn ids_of_different_kinds_and_sources_do_not_meet() {
        let all = [
            IdHash::event("a", "bc"),
            IdHash::event("ab", "c"),
            IdHash::response("abc"),
            IdHash::request("abc"),
        ];
        for (ix, id) in all.iter().enumerate() {
            assert!(all[ix + 1..].iter().all(|other| other != id));
        }
    }
}
