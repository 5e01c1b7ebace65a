//! What was heard before: the ids of recent events, responses and requests.
//!
//! I9: the same id has one effect, for 48 hours or while so many newer ones have not come.

use crate::options::{CALL_IDS_MAX, EVENT_ID_KEPT_MS, EVENT_IDS_MAX};
use crate::timestamp::{HOUR_MS, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use xxhash_rust::xxh3::Xxh3;

/// Recent ids as 64-bit hashes, oldest first: two of 4,096 ids share one once in 10^12 customers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecentIds {
    events: Ring,
    responses: Ring,
    answered: Vec<(u64, String, Timestamp)>,
}

/// Hashes by the hour in which they were heard, hours in the order of their first use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Ring {
    hours: Vec<(i64, Packed)>,
}

/// Hashes, eight bytes each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Packed(#[serde(with = "serde_bytes")] Vec<u8>);

impl Ring {
    fn knows(&self, hash: u64) -> bool {
        let bytes = hash.to_le_bytes();
        self.hours.iter().any(|(_, hashes)| hashes.0.chunks_exact(8).any(|known| known == bytes))
    }

    fn hear(&mut self, hash: u64, now: Timestamp, ids_max: usize) {
        let hour = now.ms().div_euclid(HOUR_MS);
        match self.hours.last_mut() {
            Some((last, hashes)) if *last == hour => hashes.0.extend(hash.to_le_bytes()),
            _ => self.hours.push((hour, Packed(hash.to_le_bytes().to_vec()))),
        }
        let count: usize = self.hours.iter().map(|(_, hashes)| hashes.0.len() / 8).sum();
        if count > ids_max
            && let Some((_, oldest)) = self.hours.first_mut()
        {
            oldest.0.drain(..8);
            self.hours.retain(|(_, hashes)| !hashes.0.is_empty());
        }
    }

    /// Takes another's hashes in. All are kept until their hours go, even if there are more than the bound for a while.
    fn absorb(&mut self, other: &Ring) {
        let chunks = self.hours.iter().flat_map(|(_, hashes)| hashes.0.chunks_exact(8));
        let known: BTreeSet<Vec<u8>> = chunks.map(<[u8]>::to_vec).collect();
        for (hour, hashes) in &other.hours {
            for hash in hashes.0.chunks_exact(8).filter(|hash| !known.contains(*hash)) {
                match self.hours.iter_mut().find(|(known, _)| known == hour) {
                    Some((_, known)) => known.0.extend(hash),
                    None => self.hours.push((*hour, Packed(hash.to_vec()))),
                }
            }
        }
        self.hours.sort_by_key(|(hour, _)| *hour);
    }

    /// An hour goes when its last moment is 48 hours ago.
    fn forget_old(&mut self, now: Timestamp) {
        self.hours.retain(|(hour, _)| now.ms() - (hour + 1) * HOUR_MS <= EVENT_ID_KEPT_MS);
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
        for answered in &other.answered {
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
        self.answered.retain(|(_, _, heard_at)| now.since_ms(*heard_at) <= EVENT_ID_KEPT_MS);
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
