//! May a reserved contact leave now? Asked again at its dispatch: since the decision a consent may have been withdrawn, an
//! offer refused, the night come, a cap lowered.
//!
//! I5: no contact without a valid consent at its dispatch. A plain function; leaves out who asks and who sends.

use crate::customer::Customer;
use crate::customer::contact_history::Contact;
use crate::customer::refusal::Subject;
use crate::decision::contact_policy::{AskedSlot, REMEMBERED, Sending, cap_against};
use crate::decision::context::ContactFacts;
use crate::decision::windows::quiet_until;
use crate::playbook::{Facts, Pause, Playbook, Rule, Scalar, TagNumber, TagValue};
use crate::timestamp::Timestamp;
use crate::value::Name;

/// Why a contact may not leave now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// expired, not_reserved, consent, calendar, paused, refused, suppressed, cap or quiet_hours.
    pub code: &'static str,
    /// For people.
    pub detail: String,
    /// When it ends, if it does by itself.
    pub until: Option<Timestamp>,
}

/// Everything that speaks against sending a contact now; empty: it may leave.
#[must_use]
pub fn may_send(
    contact: &Contact,
    customer: &Customer,
    playbook: &Playbook,
    now: Timestamp,
) -> Vec<Objection> {
    let tags_may_be_used = customer.consents.permits_profiling(&contact.channel, now);
    let facts = SendingFacts { contact, customer, playbook, tags_may_be_used, now };
    let zone = customer.zone(playbook, now);
    let sending = Sending { from: now, until: contact.expires_at.max(now.plus_ms(1)) };
    let slot = AskedSlot { sending, line: contact.line.as_ref(), zone: &zone };
    let full = playbook.caps.iter().filter_map(|cap| cap_against(cap, &customer.contacts, contact, slot));
    let caps = full.map(|used| Objection {
        code: "cap",
        detail: format!("cap {} is used {} of {} times", used.id, used.used, used.limit),
        until: used.next_free_at,
    });
    let loud = playbook.quiet_hours.iter().filter(|hours| facts.bound_by(&hours.matches));
    let quiet = loud.filter_map(|hours| quiet_until(hours, now, &zone)).map(|until| Objection {
        code: "quiet_hours",
        detail: "contacts of this kind rest now".to_owned(),
        until: Some(until),
    });
    let first = [gone(contact, now), consent(&facts), calendar(&facts), paused(&facts), refusal(&facts)];
    first.into_iter().flatten().chain(caps).chain(quiet).collect()
}

/// It was sent, given up, or is too late.
fn gone(contact: &Contact, now: Timestamp) -> Option<Objection> {
    let (code, detail) = match contact.state(now) {
        "reserved" => return None,
        "expired" => ("expired", format!("it had to leave before {}", contact.expires_at)),
        state => ("not_reserved", format!("it is {state} already")),
    };
    Some(Objection { code, detail, until: None })
}

fn consent(facts: &SendingFacts<'_>) -> Option<Objection> {
    let (contact, consents) = (facts.contact, &facts.customer.consents);
    let permitted = consents.permits(&contact.purpose, &contact.channel, facts.now);
    let detail = || format!("no consent in force to {} by {}", contact.purpose, contact.channel);
    (!permitted).then(|| Objection { code: "consent", detail: detail(), until: None })
}

/// Other campaigns that have the customer to themselves now, as at the decision.
fn calendar(facts: &SendingFacts<'_>) -> Option<Objection> {
    let (contact, playbook, now) = (facts.contact, facts.playbook, facts.now);
    if matches!(&*contact.purpose, "service" | "regulatory") {
        return None;
    }
    let campaign = playbook.offer(&contact.offer).and_then(|offer| offer.campaign.as_ref());
    let in_force: Vec<_> = playbook
        .calendar
        .iter()
        .filter(|entry| entry.exclusive && entry.from <= now && now < entry.to)
        .filter(|entry| entry.segment.as_ref().is_none_or(|segment| segment.holds(facts) == Some(true)))
        .collect();
    if in_force.iter().any(|entry| campaign == Some(&entry.id)) {
        return None;
    }
    let last = in_force.iter().max_by_key(|entry| entry.to)?;
    let detail = format!("campaign {} has the customer to itself", last.id);
    Some(Objection { code: "calendar", detail, until: Some(last.to) })
}

/// Sales rest, whatever was consented to: an open complaint, an open case of care.
fn paused(facts: &SendingFacts<'_>) -> Option<Objection> {
    let known = SendingFacts { tags_may_be_used: true, ..*facts };
    let on = |pause: &&Pause| pause.rests(&facts.contact.purpose) && pause.when.holds(&known) == Some(true);
    let pause = facts.playbook.pauses.iter().find(on)?;
    let detail = format!("pause {} is on", pause.id);
    Some(Objection { code: "paused", detail, until: None })
}

fn refusal(facts: &SendingFacts<'_>) -> Option<Objection> {
    let contact = facts.contact;
    let subject = Subject {
        offer: Name::clone(&contact.offer),
        family: Name::clone(&contact.family),
        group: Name::clone(&contact.group),
        owner: Name::clone(&contact.owner),
    };
    let found = facts.customer.refusals.against_subject(&subject, &contact.channel, facts.now)?;
    let code = if found.until.is_some() { "suppressed" } else { "refused" };
    let detail = format!("the customer refused {} {}", found.scope.word(), found.id);
    Some(Objection { code, detail, until: found.until })
}

/// What rules may read when a contact is sent: the customer as it is now, and of the moment of the decision only what the
/// contact remembers.
struct SendingFacts<'a> {
    contact: &'a Contact,
    customer: &'a Customer,
    playbook: &'a Playbook,
    tags_may_be_used: bool,
    now: Timestamp,
}

impl SendingFacts<'_> {
    /// A protective rule that needs what is not to be used, or no longer known, protects.
    fn bound_by(&self, rule: &Rule) -> bool {
        let forgotten = || rule.reads_context().iter().any(|path| !REMEMBERED.contains(&&**path));
        let blind = || !self.tags_may_be_used && rule.reads_tags().next().is_some();
        rule.holds(self).unwrap_or_else(|| blind() || forgotten())
    }
}

impl Facts for SendingFacts<'_> {
    fn tag(&self, tag: TagNumber) -> Option<&TagValue> {
        self.customer.fresh_tag(tag, self.playbook, self.now).filter(|_| self.tags_may_be_used)
    }

    fn context(&self, path: &str) -> Option<Scalar<'_>> {
        ContactFacts::of(self.contact).field(path)
    }

    fn owns(&self, product: &str) -> bool {
        self.customer.owns(product)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
