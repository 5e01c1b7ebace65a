//! What a customer's channels were told, what the node knows afterwards, and what is wrong between the two.

use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Events of one customer at most: digits of base 16 that a number keeps exactly.
pub const EVENTS_MAX: u32 = 8;

/// What the channels said of one customer, and what they heard back.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// By the event's place: whether it was acknowledged.
    pub events: BTreeMap<u32, bool>,
    /// By request id: the answer, if there was one.
    pub decisions: BTreeMap<String, Option<Vec<u8>>>,
}

/// What the node knows of a customer.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// How many events were applied.
    pub heard: u64,
    /// Digit k of base 16: how often event k was applied.
    pub applied: u64,
    /// Id and time of every contact.
    pub contacts: Vec<(String, String)>,
    /// Answers to acknowledged requests, asked again.
    pub repeated: BTreeMap<String, Vec<u8>>,
}

impl Ledger {
    /// Adds what another channel of the same customer knows.
    pub fn merge(&mut self, other: Ledger) {
        self.events.extend(other.events);
        self.decisions.extend(other.decisions);
    }

    /// Calls that were answered.
    pub fn acknowledged(&self) -> usize {
        self.events.values().filter(|acknowledged| **acknowledged).count()
            + self.decisions.values().flatten().count()
    }

    /// Calls that may or may not have had an effect.
    pub fn unanswered(&self) -> usize {
        self.events.len() + self.decisions.len() - self.acknowledged()
    }
}

/// What is lost, doubled or too much; nothing, if all is well.
pub fn complaints(customer: &str, ledger: &Ledger, found: &Found) -> Vec<String> {
    let mut complaints = of_events(ledger, found);
    complaints.extend(of_decisions(ledger, found));
    complaints.extend(of_caps(found));
    complaints.into_iter().map(|complaint| format!("{customer}: {complaint}")).collect()
}

fn of_events(ledger: &Ledger, found: &Found) -> Vec<String> {
    let times = |event: u32| (found.applied >> (4 * event)) & 0xf;
    let mut complaints = Vec::new();
    for (event, acknowledged) in &ledger.events {
        match (times(*event), acknowledged) {
            (1, _) | (0, false) => {}
            (0, true) => complaints.push(format!("event {event} was acknowledged and is lost")),
            (n, _) => complaints.push(format!("event {event} was applied {n} times")),
        }
    }
    let applied: u64 = (0..16).map(times).sum();
    if applied != found.heard {
        complaints.push(format!("{} events are counted and {applied} applied", found.heard));
    }
    complaints
}

fn of_decisions(ledger: &Ledger, found: &Found) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut promised = BTreeSet::new();
    let mut open = 0;
    for (request, answer) in &ledger.decisions {
        let Some(answer) = answer else {
            open += 1;
            continue;
        };
        if found.repeated.get(request) != Some(answer) {
            complaints.push(format!("request {request} gets another answer than before"));
        }
        if let Some(contact) = contact_of(answer)
            && !promised.insert(contact.clone())
        {
            complaints.push(format!("contact {contact} was promised twice"));
        }
    }
    let mut there = BTreeSet::new();
    for (contact, _) in &found.contacts {
        if !there.insert(contact.clone()) {
            complaints.push(format!("contact {contact} is there twice"));
        }
    }
    complaints.extend(
        promised.difference(&there).map(|contact| format!("contact {contact} was promised and is lost")),
    );
    let unpromised = there.difference(&promised).count();
    if unpromised > open {
        complaints.push(format!("{unpromised} contacts nobody was told of, with {open} requests unanswered"));
    }
    complaints
}

/// The zone of the tests' playbook is UTC: a month is the first seven letters of a time.
fn of_caps(found: &Found) -> Vec<String> {
    let mut months: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, at) in &found.contacts {
        *months.entry(&at[..7]).or_default() += 1;
    }
    let too_many = months.into_iter().filter(|(_, count)| *count > 4);
    too_many.map(|(month, count)| format!("{count} marketing contacts in {month}")).collect()
}

/// The contact that an answer reserved.
fn contact_of(answer: &[u8]) -> Option<String> {
    let decision: Json = serde_json::from_slice(answer).expect("an answer is JSON");
    decision["items"][0]["contact_id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(contact: &str) -> Vec<u8> {
        format!("{{\"items\":[{{\"contact_id\":\"{contact}\"}}]}}").into_bytes()
    }

    /// Events 0 and 1 and request r1 acknowledged, event 2 and request r2 not.
    fn ledger() -> Ledger {
        Ledger {
            events: BTreeMap::from([(0, true), (1, true), (2, false)]),
            decisions: BTreeMap::from([("r1".into(), Some(answer("k1"))), ("r2".into(), None)]),
        }
    }

    fn found() -> Found {
        Found {
            heard: 2,
            applied: 0x11,
            contacts: vec![("k1".into(), "2026-11-02T00:00:00Z".into())],
            repeated: BTreeMap::from([("r1".into(), answer("k1"))]),
        }
    }

    #[test]
    fn what_was_lost_doubled_or_too_much_is_seen() {
        let check = |change: &dyn Fn(&mut Found), expected: &[&str]| {
            let mut found = found();
            change(&mut found);
            assert_eq!(complaints("c", &ledger(), &found), expected);
        };
        let contact = |id: &str, month: &str| (id.to_owned(), format!("2026-{month}-02T00:00:00Z"));
        check(&|_| {}, &[]);
        check(&|it| (it.heard, it.applied) = (3, 0x111), &[]);
        check(&|it| (it.heard, it.applied) = (1, 0x10), &["c: event 0 was acknowledged and is lost"]);
        check(&|it| (it.heard, it.applied) = (3, 0x12), &["c: event 0 was applied 2 times"]);
        check(&|it| it.heard = 5, &["c: 5 events are counted and 2 applied"]);
        check(&|it| it.contacts.clear(), &["c: contact k1 was promised and is lost"]);
        check(&|it| it.contacts.push(contact("k1", "11")), &["c: contact k1 is there twice"]);
        check(&|it| it.contacts.push(contact("k2", "11")), &[]);
        check(
            &|it| it.contacts.extend([contact("k2", "11"), contact("k3", "12")]),
            &["c: 2 contacts nobody was told of, with 1 requests unanswered"],
        );
        check(
            &|it| drop(it.repeated.insert("r1".into(), answer("k9"))),
            &["c: request r1 gets another answer than before"],
        );
        let five = |months: [&'static str; 4]| {
            let ids = ["k2", "k3", "k4", "k5"];
            move |it: &mut Found| {
                it.contacts.extend(ids.iter().zip(months).map(|(id, month)| contact(id, month)));
            }
        };
        let unexpected = "c: 4 contacts nobody was told of, with 1 requests unanswered";
        check(&five(["11"; 4]), &[unexpected, "c: 5 marketing contacts in 2026-11"]);
        check(&five(["11", "11", "11", "12"]), &[unexpected]);
    }
}
