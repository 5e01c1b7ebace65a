//! Contacts: what was offered to a customer by us, and what became of it.
//!
//! A contact takes its slot in the turn that decides. Receipts may come in any order and more than once: the state
//! follows from the set of what was heard. Leaves out how caps count them ([`crate::decision::contact_policy`]).

use crate::call::{Direction, ResponseKind};
use crate::customer::view::ContactView;
use crate::decision::totals::Unit;
use crate::error::Unreadable;
use crate::learning::Outcomes;
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};

/// One contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// Unique within the customer.
    pub id: String,
    /// The decision that reserved it.
    pub decision_id: String,
    /// What was offered.
    pub offer: Name,
    /// The offer's family.
    pub family: Name,
    /// The offer's group.
    pub group: Name,
    /// The offer's owner.
    pub owner: Name,
    /// The offer's kind.
    pub kind: Name,
    /// By which channel.
    pub channel: Name,
    /// For what purpose.
    pub purpose: Name,
    /// Who began.
    pub direction: Direction,
    /// When the slot was taken.
    pub reserved_at: Timestamp,
    /// It must not be sent at or after this.
    pub expires_at: Timestamp,
    /// The earliest moment by which it had certainly been sent, as far as is known.
    pub sent_at: Option<Timestamp>,
    /// Caps that read tags and matched when the slot was taken.
    pub matched_caps: Vec<Name>,
    heard: Heard,
    /// The line it goes to; `None`: whichever.
    #[serde(default)]
    pub line: Option<Name>,
    /// Who carries the channel's messages, as it was then; `None`: the channel itself.
    #[serde(default)]
    pub provider: Option<Name>,
    /// Units of totals that it took.
    #[serde(default)]
    pub units: Vec<Unit>,
}

/// The set of what was heard of a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Heard(u16);

impl Heard {
    fn has(self, kind: ResponseKind) -> bool {
        self.0 & Heard::bit(kind) != 0
    }

    fn add(&mut self, kind: ResponseKind) -> bool {
        let before = self.0;
        self.0 |= Heard::bit(kind);
        self.0 != before
    }

    fn bit(kind: ResponseKind) -> u16 {
        1 << match kind {
            ResponseKind::Sent => 0,
            ResponseKind::Delivered => 1,
            ResponseKind::Seen => 2,
            ResponseKind::Clicked => 3,
            ResponseKind::Accepted => 4,
            ResponseKind::Rejected => 5,
            ResponseKind::Ignored => 6,
            ResponseKind::Failed => 7,
            ResponseKind::Expired => 8,
            ResponseKind::Cancelled => 9,
        }
    }
}

/// What a receipt told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// The first of its kind.
    First,
    /// Heard before, and now with an earlier time of sending.
    EarlierThanKnown,
    /// Nothing new.
    HeardBefore,
}

/// What a contact is made of when its slot is taken.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// Unique within the customer.
    pub id: String,
    /// The decision that takes the slot.
    pub decision_id: String,
    /// Where it goes.
    pub channel: Name,
    /// To which line.
    pub line: Option<Name>,
    /// Who carries the channel's messages.
    pub provider: Option<Name>,
    /// Who began.
    pub direction: Direction,
    /// Now.
    pub at: Timestamp,
    /// It must not be sent at or after this.
    pub expires_at: Timestamp,
    /// Caps that read tags and match.
    pub matched_caps: Vec<Name>,
    /// Units of totals that it takes.
    pub units: Vec<Unit>,
}

impl Contact {
    /// Takes a slot for an offer.
    #[must_use]
    pub fn reserve(reservation: Reservation, offer: &crate::playbook::Offer) -> Self {
        Contact {
            id: reservation.id,
            decision_id: reservation.decision_id,
            offer: Name::clone(&offer.id),
            family: Name::clone(&offer.family),
            group: Name::clone(&offer.group),
            owner: Name::clone(&offer.owner),
            kind: offer.kind.word().into(),
            channel: reservation.channel,
            purpose: Name::clone(&offer.purpose),
            direction: reservation.direction,
            reserved_at: reservation.at,
            expires_at: reservation.expires_at,
            sent_at: None,
            matched_caps: reservation.matched_caps,
            heard: Heard::default(),
            line: reservation.line,
            provider: reservation.provider,
            units: reservation.units,
        }
    }

    /// Who carries it: the channel's provider, or the channel itself.
    #[must_use]
    pub fn provider(&self) -> &Name {
        self.provider.as_ref().unwrap_or(&self.channel)
    }

    /// Hears what became of it. Nothing was sent before it was reserved, whatever clock says so.
    pub fn hear(&mut self, kind: ResponseKind, at: Timestamp) -> Hearing {
        let at = at.max(self.reserved_at);
        let first = self.heard.add(kind);
        let earlier = proves_sent(kind) && self.sent_at.is_none_or(|known| at < known);
        if earlier {
            self.sent_at = Some(at);
        }
        match (first, earlier) {
            (true, _) => Hearing::First,
            (false, true) => Hearing::EarlierThanKnown,
            (false, false) => Hearing::HeardBefore,
        }
    }

    /// Adds what another copy of the same contact heard.
    fn absorb(&mut self, other: &Contact) {
        self.heard.0 |= other.heard.0;
        self.sent_at = match (self.sent_at, other.sent_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// The units of totals that it holds: in windows that it was, or may yet be, sent in.
    pub fn units_held(&self) -> impl Iterator<Item = &Unit> {
        let span = self.span();
        self.units.iter().filter(move |unit| self.holds_slot() && unit.reached_by(span))
    }

    /// Whether its slot is taken: until a receipt gives it back. A contact of which nothing is ever heard keeps its
    /// slot, so that a gateway without receipts can't lead to one message too many.
    #[must_use]
    pub fn holds_slot(&self) -> bool {
        !self.given_back()
    }

    /// Whether the customer said yes to it.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.heard.has(ResponseKind::Accepted)
    }

    /// The stretch of time in which it was, or may yet be, sent: first and last moment. Only a receipt of the sending
    /// itself says when it was; any other says that it was sent by then.
    #[must_use]
    pub fn span(&self) -> (Timestamp, Timestamp) {
        let last = self.expires_at.plus_ms(-1).max(self.reserved_at);
        match self.sent_at {
            Some(sent_at) if self.heard.has(ResponseKind::Sent) => (sent_at, sent_at),
            Some(sent_by) => (self.reserved_at, sent_by.min(last)),
            None => (self.reserved_at, last),
        }
    }

    /// The furthest state reached.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        use ResponseKind::{Accepted, Cancelled, Clicked, Delivered, Expired, Failed, Seen, Sent};
        let any = |kinds: &[ResponseKind]| kinds.iter().any(|kind| self.heard.has(*kind));
        if any(&[Clicked, Accepted]) {
            "clicked"
        } else if any(&[Seen]) || self.heard.has(ResponseKind::Rejected) {
            "seen"
        } else if any(&[Delivered]) {
            "delivered"
        } else if any(&[Failed]) {
            "failed"
        } else if any(&[Cancelled]) {
            "cancelled"
        } else if any(&[Expired]) {
            "expired"
        } else if any(&[Sent, ResponseKind::Ignored]) {
            "sent"
        } else if now >= self.expires_at {
            "expired"
        } else {
            "reserved"
        }
    }

    /// What it is as evidence of its offer: shown once it was sent, unless it never arrived.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes {
        let one = |kind| i64::from(self.heard.has(kind));
        let shown = self.sent_at.is_some() && self.holds_slot();
        Outcomes::new(i64::from(shown), one(ResponseKind::Clicked), one(ResponseKind::Accepted))
    }

    /// The contact for a person to read.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> ContactView {
        ContactView {
            contact_id: self.id.clone(),
            offer: Name::clone(&self.offer),
            channel: Name::clone(&self.channel),
            purpose: Name::clone(&self.purpose),
            line: self.line.clone(),
            state: self.state(now),
            at: self.reserved_at,
        }
    }

    /// The contact as a row beside its customer.
    #[must_use]
    pub fn to_row(&self) -> Vec<u8> {
        rmp_serde::to_vec(self).expect("a contact is plain data")
    }

    /// A failure, an expiry or a cancellation gives the slot back, unless the contact reached the customer after all.
    fn given_back(&self) -> bool {
        let back = [ResponseKind::Failed, ResponseKind::Expired, ResponseKind::Cancelled];
        back.iter().any(|kind| self.heard.has(*kind)) && !self.arrived()
    }

    fn arrived(&self) -> bool {
        use ResponseKind::{Accepted, Clicked, Delivered, Rejected, Seen};
        [Delivered, Seen, Clicked, Accepted, Rejected].iter().any(|kind| self.heard.has(*kind))
    }
}

/// Reads a row for a person, as the contact stands at `now`.
///
/// # Errors
/// [`Unreadable`] when the row is damaged or of a newer version.
pub fn view_of_row(row: &[u8], now: Timestamp) -> Result<ContactView, Unreadable> {
    let contact: Contact = rmp_serde::from_slice(row).map_err(|error| Unreadable::new("contact", error))?;
    Ok(contact.view(now))
}

fn proves_sent(kind: ResponseKind) -> bool {
    use ResponseKind::{Accepted, Clicked, Delivered, Ignored, Rejected, Seen, Sent};
    matches!(kind, Sent | Delivered | Seen | Clicked | Accepted | Rejected | Ignored)
}

/// A customer's contacts inside the longest window, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContactHistory {
    contacts: Vec<Contact>,
}

impl ContactHistory {
    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Contact> {
        self.contacts.iter()
    }

    /// Adds a contact.
    pub fn add(&mut self, contact: Contact) {
        self.contacts.push(contact);
    }

    /// One contact by its id.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Contact> {
        self.contacts.iter_mut().find(|contact| contact.id == id)
    }

    /// The contact that a decision reserved for an offer (for any offer when none is named).
    #[must_use]
    pub fn of_decision(&self, decision_id: &str, offer: Option<&str>) -> Option<&Contact> {
        let fits = |contact: &&Contact| {
            contact.decision_id == decision_id && offer.is_none_or(|offer| *contact.offer == *offer)
        };
        self.contacts.iter().find(fits)
    }

    /// Takes another's contacts in; of one that both know, all that either heard.
    pub fn absorb(&mut self, other: &ContactHistory) {
        for contact in &other.contacts {
            match self.get_mut(&contact.id) {
                Some(known) => known.absorb(contact),
                // Units of totals stay with the copy that took them: given back by both, they would be granted twice.
                None => self.contacts.push(Contact { units: Vec::new(), ..contact.clone() }),
            }
        }
        self.contacts.sort_by(|a, b| (a.reserved_at, &a.id).cmp(&(b.reserved_at, &b.id)));
    }

    /// Drops contacts that no window of `kept_ms` can reach any more.
    pub fn forget_old(&mut self, kept_ms: i64, now: Timestamp) {
        self.contacts.retain(|contact| now.since_ms(contact.span().1) <= kept_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResponseKind::{
        Accepted, Cancelled, Clicked, Delivered, Expired, Failed, Ignored, Rejected, Seen, Sent,
    };

    fn contact() -> Contact {
        Contact {
            id: "c-1".into(),
            decision_id: "d-1".into(),
            offer: "o".into(),
            family: "f".into(),
            group: "g".into(),
            owner: "own".into(),
            kind: "offer".into(),
            channel: "sms".into(),
            purpose: "marketing".into(),
            direction: Direction::Outbound,
            reserved_at: Timestamp::from_ms(0),
            expires_at: Timestamp::from_ms(1000),
            sent_at: None,
            matched_caps: vec![],
            heard: Heard::default(),
            line: None,
            provider: None,
            units: vec![],
        }
    }

    fn check(receipts: &[ResponseKind], state: &str, holds_slot: bool) {
        let mut forwards = contact();
        let mut backwards = contact();
        let now = Timestamp::from_ms(500);
        for (ix, kind) in receipts.iter().enumerate() {
            forwards.hear(*kind, Timestamp::from_ms(ix as i64));
            let again = forwards.hear(*kind, Timestamp::from_ms(ix as i64));
            assert_eq!(again, Hearing::HeardBefore, "a repeated receipt is no news");
        }
        for (ix, kind) in receipts.iter().enumerate().rev() {
            backwards.hear(*kind, Timestamp::from_ms(ix as i64));
        }
        assert_eq!(forwards, backwards, "{receipts:?}: the order does not matter");
        assert_eq!((forwards.state(now), forwards.holds_slot()), (state, holds_slot), "{receipts:?}");
    }

    #[test]
    fn the_state_follows_from_what_was_heard_in_any_order() {
        check(&[], "reserved", true);
        check(&[Sent], "sent", true);
        check(&[Sent, Delivered, Seen, Clicked], "clicked", true);
        check(&[Sent, Failed], "failed", false);
        check(&[Failed], "failed", false);
        check(&[Expired], "expired", false);
        check(&[Cancelled], "cancelled", false);
        check(&[Failed, Delivered], "delivered", true);
        check(&[Rejected], "seen", true);
        check(&[Accepted], "clicked", true);
        check(&[Ignored], "sent", true);
        check(&[Cancelled, Seen], "seen", true);
    }

    #[test]
    fn a_silent_contact_keeps_its_slot_and_reads_as_expired() {
        let silent = contact();
        assert!(silent.holds_slot());
        assert_eq!(silent.state(Timestamp::from_ms(999)), "reserved");
        assert_eq!(silent.state(Timestamp::from_ms(1_000)), "expired");
    }

    #[test]
    fn nothing_was_sent_before_it_was_reserved() {
        let mut contact = contact();
        contact.hear(Sent, Timestamp::from_ms(-9_000_000));
        assert_eq!(contact.sent_at, Some(contact.reserved_at));
    }

    #[test]
    fn a_receipt_of_reading_says_only_that_it_was_sent_before() {
        let check = |receipts: &[(ResponseKind, i64)], expected: (i64, i64)| {
            let mut contact = contact();
            for (kind, at) in receipts {
                contact.hear(*kind, Timestamp::from_ms(*at));
            }
            assert_eq!((contact.span().0.ms(), contact.span().1.ms()), expected, "{receipts:?}");
        };
        check(&[], (0, 999));
        check(&[(Seen, 500)], (0, 500));
        check(&[(Clicked, 90_000)], (0, 999));
        check(&[(Clicked, 90_000), (Sent, 700)], (700, 700));
        check(&[(Sent, 700), (Delivered, 701), (Clicked, 90_000)], (700, 700));
    }

    #[test]
    fn a_row_reads_back_for_a_person() {
        let mut contact = contact();
        contact.hear(Sent, Timestamp::from_ms(5));
        let now = Timestamp::from_ms(9);
        assert_eq!(view_of_row(&contact.to_row(), now), Ok(contact.view(now)));
        assert!(view_of_row(b"rubbish", now).is_err());
    }
}
