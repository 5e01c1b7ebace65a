//! Refusals and suppression: what is not offered any more, for ever or for a time.
//!
//! I6: a refused offer never returns. A refusal for ever has no end and nothing removes it but the erasure of the
//! customer.

use crate::call::{ResponseBy, ResponseKind};
use crate::options::{RESPONSE_KEPT_MS, RESPONSES_MAX};
use crate::playbook::{Offer, Suppress, SuppressScope};
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};

/// The scope id of a suppression that reaches everything.
const EVERYTHING: &str = "*";

/// What is suppressed, and the responses that may yet add up to a suppression.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Refusals {
    suppressed: Vec<Suppressed>,
    responses: Vec<Heard>,
}

/// Something that is not offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suppressed {
    /// How far it reaches.
    pub scope: SuppressScope,
    /// The offer, family, group or owner; `*` for everything.
    pub id: Name,
    /// Only in these channels; empty: all.
    pub channels: Vec<Name>,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None`: for ever.
    pub until: Option<Timestamp>,
}

/// What a response was about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The offer.
    pub offer: Name,
    /// Its family.
    pub family: Name,
    /// Its group.
    pub group: Name,
    /// Its owner.
    pub owner: Name,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Heard {
    kind: ResponseKind,
    subject: Subject,
    at: Timestamp,
    #[serde(default)]
    by: ResponseBy,
}

/// A response as suppression sees it.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    /// What became of the offer.
    pub kind: ResponseKind,
    /// Whose word it is.
    pub by: ResponseBy,
    /// When.
    pub at: Timestamp,
}

impl Subject {
    fn id(&self, scope: SuppressScope) -> Name {
        match scope {
            SuppressScope::Offer => Name::clone(&self.offer),
            SuppressScope::Family => Name::clone(&self.family),
            SuppressScope::Group => Name::clone(&self.group),
            SuppressScope::Partner => Name::clone(&self.owner),
            SuppressScope::All => EVERYTHING.into(),
        }
    }
}

impl From<&Offer> for Subject {
    fn from(offer: &Offer) -> Self {
        Subject {
            offer: Name::clone(&offer.id),
            family: Name::clone(&offer.family),
            group: Name::clone(&offer.group),
            owner: Name::clone(&offer.owner),
        }
    }
}

impl Suppressed {
    /// Whether it has not ended yet.
    #[must_use]
    pub fn lasts_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    fn reaches(&self, offer: &Offer, channel: &str, now: Timestamp) -> bool {
        let id: &str = match self.scope {
            SuppressScope::Offer => &offer.id,
            SuppressScope::Family => &offer.family,
            SuppressScope::Group => &offer.group,
            SuppressScope::Partner => &offer.owner,
            SuppressScope::All => EVERYTHING,
        };
        *self.id == *id && self.is_in_force(channel, now)
    }

    fn is_in_force(&self, channel: &str, now: Timestamp) -> bool {
        self.lasts_at(now) && (self.channels.is_empty() || self.channels.iter().any(|one| **one == *channel))
    }
}

impl Refusals {
    /// Everything suppressed now or later.
    pub fn iter(&self) -> impl Iterator<Item = &Suppressed> {
        self.suppressed.iter()
    }

    /// Everything that keeps some offer from this channel now.
    pub fn in_force(&self, channel: &str, now: Timestamp) -> impl Iterator<Item = &Suppressed> {
        self.suppressed.iter().filter(move |one| one.is_in_force(channel, now))
    }

    /// What keeps this offer from this channel now; a refusal for ever before one that ends.
    #[must_use]
    pub fn against(&self, offer: &Offer, channel: &str, now: Timestamp) -> Option<&Suppressed> {
        let reaching = self.suppressed.iter().filter(|one| one.reaches(offer, channel, now));
        reaching.max_by_key(|one| one.until.map_or(i64::MAX, Timestamp::ms))
    }

    /// What keeps a contact made before from its channel now.
    #[must_use]
    pub fn against_subject(&self, subject: &Subject, channel: &str, now: Timestamp) -> Option<&Suppressed> {
        let reaching = self.in_force(channel, now).filter(|one| one.id == subject.id(one.scope));
        reaching.max_by_key(|one| one.until.map_or(i64::MAX, Timestamp::ms))
    }

    /// Hears a response and follows the playbook's rules. Returns what became suppressed, as `scope:id`.
    pub fn hear(&mut self, said: Said, subject: &Subject, rules: &[Suppress]) -> Vec<String> {
        let Said { kind, by, at } = said;
        self.responses.push(Heard { kind, subject: subject.clone(), at, by });
        if self.responses.len() > RESPONSES_MAX {
            self.responses.remove(0);
        }
        let mut news = Vec::new();
        for rule in rules {
            if rule.on != kind || !rule.hears(by) || self.count(kind, subject, at, rule) < rule.count {
                continue;
            }
            let id = subject.id(rule.scope);
            let until = rule.for_ms.map(|for_ms| at.plus_ms(for_ms));
            let added = Suppressed { scope: rule.scope, id, channels: rule.channels.clone(), at, until };
            news.push(format!("{}:{}", rule.scope.word(), added.id));
            self.suppress(added);
        }
        news
    }

    /// Takes all of another's in: whatever either refused stays refused.
    pub fn absorb(&mut self, other: &Refusals) {
        for one in &other.suppressed {
            self.suppress(one.clone());
        }
        for heard in &other.responses {
            if !self.responses.contains(heard) {
                self.responses.push(heard.clone());
            }
        }
        self.responses.sort_by_key(|heard| heard.at);
        let surplus = self.responses.len().saturating_sub(RESPONSES_MAX);
        self.responses.drain(..surplus);
    }

    /// Drops suppressions that have ended and responses too old to count. Refusals for ever stay.
    pub fn forget_old(&mut self, now: Timestamp) {
        self.suppressed.retain(|one| one.lasts_at(now));
        self.responses.retain(|heard| now.since_ms(heard.at) <= RESPONSE_KEPT_MS);
    }

    /// Adds a suppression, or makes the one that is there last longer.
    fn suppress(&mut self, added: Suppressed) {
        let same = |one: &&mut Suppressed| {
            one.scope == added.scope && one.id == added.id && one.channels == added.channels
        };
        match self.suppressed.iter_mut().find(same) {
            Some(there) => {
                there.until = match (there.until, added.until) {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    _ => None,
                };
            }
            None => self.suppressed.push(added),
        }
    }

    fn count(&self, kind: ResponseKind, subject: &Subject, at: Timestamp, rule: &Suppress) -> u32 {
        let id = subject.id(rule.scope);
        let counts = |heard: &&Heard| {
            heard.kind == kind
                && rule.hears(heard.by)
                && heard.subject.id(rule.scope) == id
                && rule.within_ms.is_none_or(|within| at.since_ms(heard.at).abs() <= within)
        };
        self.responses.iter().filter(counts).count() as u32
    }
}
