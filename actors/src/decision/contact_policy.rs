//! Frequency caps: how many contacts count, and when the next one becomes possible.
//!
//! I4: no cap is ever exceeded. A contact that may yet be sent counts in every window that it may be sent in: one
//! reserved just before midnight at the end of a month counts in both months until it is known when it left.

use crate::call::Direction;
use crate::customer::contact_history::{Contact, ContactHistory};
use crate::decision::context::{CaseFacts, ContactFacts};
use crate::decision::windows::calendar_window;
use crate::decision::{Basis, CapUse};
use crate::playbook::{Cap, Counts, Rule, Window};
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

/// How far a cap is used at the moment of `sending`, for a contact that may be sent within it.
#[must_use]
pub fn cap_use(cap: &Cap, history: &ContactHistory, sending: Sending, zone: &TimeZone) -> CapUse {
    let counting: Vec<&Contact> = history.iter().filter(|contact| counts(cap, contact)).collect();
    let used = used_at(cap.window, &counting, sending, zone);
    let next_free_at = (used >= cap.limit).then(|| next_free(cap, &counting, sending, zone)).flatten();
    CapUse { id: Name::clone(&cap.id), used, limit: cap.limit, next_free_at }
}

/// What a contact remembers of itself; a rule that reads more has to be asked when the contact is reserved.
const REMEMBERED: [&str; 8] =
    ["channel", "direction", "purpose", "provider", "offer", "family", "group", "kind"];

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

/// The largest number of counting contacts in any window that a contact sent within `sending` would fall into.
fn used_at(window: Window, counting: &[&Contact], sending: Sending, zone: &TimeZone) -> u32 {
    let holding = counting.iter().filter(|contact| contact.holds_slot());
    match window {
        Window::Rolling { length_ms } => {
            let reaches = |contact: &&&Contact| contact.span().1.plus_ms(length_ms) > sending.from;
            holding.filter(reaches).count() as u32
        }
        Window::Calendar(unit) => {
            let spans: Vec<_> = holding.map(|contact| contact.span()).collect();
            let last = sending.until.plus_ms(-1).max(sending.from);
            let (mut from, mut to) = calendar_window(unit, sending.from, zone);
            let mut most = 0;
            loop {
                let inside = spans.iter().filter(|(first, last)| *first < to && *last >= from).count();
                most = most.max(inside);
                if to > last {
                    return most as u32;
                }
                (from, to) = calendar_window(unit, to, zone);
            }
        }
    }
}

/// The first moment at which the cap has room again if nothing else is heard: one at which a window ends, or a contact
/// leaves it.
fn next_free(cap: &Cap, counting: &[&Contact], sending: Sending, zone: &TimeZone) -> Option<Timestamp> {
    let life_ms = sending.until.since_ms(sending.from);
    let mut moments: Vec<Timestamp> = Vec::new();
    for contact in counting {
        if let Window::Rolling { length_ms } = cap.window {
            moments.push(contact.span().1.plus_ms(length_ms));
        }
    }
    if let Window::Calendar(unit) = cap.window {
        let mut at = sending.from;
        for _ in 0..4 {
            at = calendar_window(unit, at, zone).1;
            moments.push(at);
        }
    }
    moments.sort_unstable();
    moments.into_iter().filter(|at| *at > sending.from).find(|at| {
        let then = Sending { from: *at, until: at.plus_ms(life_ms) };
        used_at(cap.window, counting, then, zone) < cap.limit
    })
}
