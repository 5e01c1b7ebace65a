//! Frequency caps: how many contacts count, and when the next one becomes possible.
//!
//! I4: no cap is ever exceeded. A contact that may yet be sent counts in every window that it may be sent in: one
//! reserved just before midnight at the end of a month counts in both months until it is known when it left.

use crate::call::Direction;
use crate::customer::contact_history::{Contact, ContactHistory};
use crate::decision::context::{CaseFacts, ContactFacts};
use crate::decision::totals::is_total;
use crate::decision::windows::{calendar_window, next_calendar_windows};
use crate::decision::{Basis, CapUse};
use crate::playbook::{Cap, CapSubject, Counts, Rule, Window};
use crate::timestamp::Timestamp;
use crate::value::Name;
use jiff::tz::TimeZone;

/// The stretch in which a contact that is reserved now may be sent.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// Now.
    pub from: Timestamp,
    /// It must not be sent at or after this.
    pub until: Timestamp,
}

/// The slot that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AskedSlot<'a> {
    /// When the contact may be sent.
    pub sending: Sending,
    /// To which line; `None`: whichever.
    pub line: Option<&'a Name>,
    /// In whose calendar.
    pub zone: &'a TimeZone,
}

/// How far a cap is used for the slot that is asked for.
#[must_use]
pub fn cap_use(cap: &Cap, history: &ContactHistory, slot: AskedSlot<'_>) -> CapUse {
    let counting: Vec<&Contact> =
        history.iter().filter(|contact| contact.holds_slot() && counts(cap, contact)).collect();
    let used = used_at(cap, &counting, slot);
    let next_free_at = (used >= cap.limit).then(|| next_free(cap, &counting, slot)).flatten();
    CapUse { id: Name::clone(&cap.id), used, limit: cap.limit, next_free_at }
}

/// How others use a cap, where they leave this contact no room; `None` where a place is held for it, or the cap is not
/// about it. Of contacts that have not left, those reserved first come first.
#[must_use]
pub fn cap_against(
    cap: &Cap,
    history: &ContactHistory,
    contact: &Contact,
    slot: AskedSlot<'_>,
) -> Option<CapUse> {
    if is_total(cap) || !counts(cap, contact) {
        return None;
    }
    let first = |other: &Contact| {
        other.sent_at.is_some() || (other.reserved_at, &other.id) < (contact.reserved_at, &contact.id)
    };
    let others = history.iter().filter(|other| other.id != contact.id && first(other));
    let counting: Vec<&Contact> = others.filter(|other| other.holds_slot() && counts(cap, other)).collect();
    let used = used_at(cap, &counting, slot);
    (used >= cap.limit).then(|| CapUse {
        id: Name::clone(&cap.id),
        used,
        limit: cap.limit,
        next_free_at: next_free(cap, &counting, slot),
    })
}

/// What a contact remembers of itself; a rule that reads more has to be asked when the contact is reserved.
pub(crate) const REMEMBERED: [&str; 10] =
    ["channel", "direction", "purpose", "line", "provider", "owner", "offer", "family", "group", "kind"];

/// Whether a contact counts for a cap: it is one of those that the cap is about. A rule that reads more than a contact
/// remembers was asked when it was reserved, with everything as it was. Regulatory messages never count.
fn counts(cap: &Cap, contact: &Contact) -> bool {
    if !is_capped(&contact.purpose)
        || (cap.counts == Counts::Reserved && contact.direction == Direction::Inbound)
    {
        return false;
    }
    if asked_when_reserved(cap) {
        return contact.matched_caps.contains(&cap.id);
    }
    cap.matches.holds(&ContactFacts::of(contact)) == Some(true)
}

/// Whether the cap's rule has to be asked when the contact is reserved.
#[must_use]
pub fn asked_when_reserved(cap: &Cap) -> bool {
    let rule = &cap.matches;
    let reads_moment = || rule.reads_context().iter().any(|path| !REMEMBERED.contains(&&**path));
    rule.reads_tags().next().is_some() || rule.reads_products() || reads_moment()
}

/// Regulatory messages have no caps; whether a cap is about service messages, its rule says.
#[must_use]
pub fn is_capped(purpose: &str) -> bool {
    purpose != "regulatory"
}

/// Whether a protective rule (a cap's, quiet hours') is about this contact. Where tags may not be used, a rule that needs
/// one protects: not to be profiled must not mean to be contacted more.
#[must_use]
pub fn binds(rule: &Rule, facts: &CaseFacts<'_>) -> bool {
    let blind = || facts.basis == Basis::ContextOnly && rule.reads_tags().next().is_some();
    rule.holds(facts).unwrap_or_else(blind)
}

/// The largest number of counting contacts in any window that the asked contact could fall into, on any line that it
/// could go to.
fn used_at(cap: &Cap, counting: &[&Contact], slot: AskedSlot<'_>) -> u32 {
    match cap.subject {
        CapSubject::Customer | CapSubject::OfferTotal => used_in(cap.window, counting, slot),
        CapSubject::Line => {
            let mut lines: Vec<Option<&Name>> = match slot.line {
                Some(line) => vec![Some(line)],
                None => counting.iter().map(|contact| contact.line.as_ref()).chain([None]).collect(),
            };
            lines.sort_unstable();
            lines.dedup();
            let on = |line: Option<&Name>| -> Vec<&Contact> {
                let same = |contact: &&&Contact| contact.line.is_none() || contact.line.as_ref() == line;
                counting.iter().filter(same).copied().collect()
            };
            lines.into_iter().map(|line| used_in(cap.window, &on(line), slot)).max().unwrap_or(0)
        }
    }
}

fn used_in(window: Window, counting: &[&Contact], slot: AskedSlot<'_>) -> u32 {
    let sending = slot.sending;
    match window {
        Window::Rolling { length_ms } => {
            let reaches = |contact: &&&Contact| contact.span().1.plus_ms(length_ms) > sending.from;
            counting.iter().filter(reaches).count() as u32
        }
        Window::Life => counting.len() as u32,
        Window::Calendar(unit) => {
            let spans: Vec<_> = counting.iter().map(|contact| contact.span()).collect();
            let last = sending.until.plus_ms(-1).max(sending.from);
            let (mut from, mut to) = calendar_window(unit, sending.from, slot.zone);
            let mut most = 0;
            loop {
                let inside = spans.iter().filter(|(first, last)| *first < to && *last >= from).count();
                most = most.max(inside);
                if to > last {
                    return most as u32;
                }
                (from, to) = calendar_window(unit, to, slot.zone);
            }
        }
    }
}

/// One contact reaches into three days at most: 24 hours around a day of 23.
const WINDOWS_OF_A_CONTACT_MAX: usize = 3;

/// The first moment at which the cap has room again if nothing else is heard: one at which a window ends, or a contact
/// leaves it.
fn next_free(cap: &Cap, counting: &[&Contact], slot: AskedSlot<'_>) -> Option<Timestamp> {
    let sending = slot.sending;
    let life_ms = sending.until.since_ms(sending.from);
    let has_room = |at: &Timestamp| {
        let sending = Sending { from: *at, until: at.plus_ms(life_ms) };
        used_at(cap, counting, AskedSlot { sending, ..slot }) < cap.limit
    };
    if cap.limit == 0 {
        return None;
    }
    match cap.window {
        Window::Rolling { length_ms } => {
            let leaves = counting.iter().map(|contact| contact.span().1.plus_ms(length_ms));
            let mut moments: Vec<Timestamp> = leaves.filter(|at| *at > sending.from).collect();
            moments.sort_unstable();
            moments.into_iter().find(has_room)
        }
        Window::Life => None,
        // A window without room holds a contact: behind as many as all contacts can reach into there is room.
        Window::Calendar(unit) => {
            let windows_max = WINDOWS_OF_A_CONTACT_MAX * (counting.len() + 1);
            next_calendar_windows(unit, sending.from, slot.zone).take(windows_max).find(has_room)
        }
    }
}
