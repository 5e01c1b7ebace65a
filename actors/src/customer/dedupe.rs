//! What was heard before: the ids of recent events, responses and requests.
//!
//! I9: the same id has one effect, for 48 hours or while [`EVENT_IDS_MAX`] newer ones have not come.

use crate::options::{EVENT_ID_KEPT_MS, EVENT_IDS_MAX};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// Recent ids as 64-bit hashes, oldest first: two of 128 ids share one once in 10^15 customers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecentIds {
    heard: Vec<(u64, Timestamp)>,
    answered: Vec<(u64, String, Timestamp)>,
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
    /// Whether the id was heard before.
    #[must_use]
    pub fn knows(&self, id: IdHash) -> bool {
        self.heard.iter().any(|(hash, _)| *hash == id.0)
    }

    /// Remembers an id heard now.
    pub fn hear(&mut self, id: IdHash, now: Timestamp) {
        self.heard.push((id.0, now));
        if self.heard.len() > EVENT_IDS_MAX {
            self.heard.remove(0);
        }
    }

    /// The decision that answered a request before.
    #[must_use]
    pub fn answer(&self, request: IdHash) -> Option<&str> {
        self.answered.iter().find(|(hash, _, _)| *hash == request.0).map(|(_, decision, _)| decision.as_str())
    }

    /// Remembers which decision answered a request.
    pub fn answered(&mut self, request: IdHash, decision_id: &str, now: Timestamp) {
        self.answered.push((request.0, decision_id.to_owned(), now));
        if self.answered.len() > EVENT_IDS_MAX {
            self.answered.remove(0);
        }
    }

    /// Drops ids that were heard long ago.
    pub fn forget_old(&mut self, now: Timestamp) {
        self.heard.retain(|(_, heard_at)| now.since_ms(*heard_at) <= EVENT_ID_KEPT_MS);
        self.answered.retain(|(_, _, heard_at)| now.since_ms(*heard_at) <= EVENT_ID_KEPT_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_for_48_hours_or_128_newer_ones() {
        let start = Timestamp::from_ms(0);
        let mut ids = RecentIds::default();
        let first = IdHash::event("crm", "1");
        assert!(!ids.knows(first));
        ids.hear(first, start);
        ids.forget_old(start.plus_ms(EVENT_ID_KEPT_MS));
        assert!(ids.knows(first));
        ids.forget_old(start.plus_ms(EVENT_ID_KEPT_MS + 1));
        assert!(!ids.knows(first));

        ids.hear(first, start);
        for n in 1..EVENT_IDS_MAX {
            ids.hear(IdHash::event("crm", &format!("x{n}")), start);
        }
        assert!(ids.knows(first));
        ids.hear(IdHash::event("crm", "one more"), start);
        assert!(!ids.knows(first));
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
