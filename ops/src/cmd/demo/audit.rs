//! Whether the promises held, read back from the node as anybody could.

use super::crowd::{self, Stage};
use super::day::was_meant;
use super::player::OUTBOUND;
use crate::error::Failure;
use crate::output::list;
use serde_json::Value;
use std::sync::Mutex;

/// The regulator's rule in the sample playbook.
const MONTH_CAP: &str = "month4";

/// What was found.
#[derive(Debug, Default)]
pub struct Audit {
    /// Customers looked at: all whom a campaign meant.
    pub customers: u64,
    /// Customers by marketing contacts that count this month.
    pub by_contacts: Vec<u64>,
    /// Customers whose own count of the cap differs from the contacts listed.
    pub differing: u64,
    /// The cap's limit, as the node states it.
    pub limit: u64,
}

impl Audit {
    /// The most marketing contacts any customer has this month.
    pub fn contacts_max(&self) -> u64 {
        self.by_contacts.len().saturating_sub(1) as u64
    }

    /// Whether the cap held for everybody.
    pub fn holds(&self) -> bool {
        self.contacts_max() <= self.limit
    }

    fn note(&mut self, view: &Value) {
        let contacts = usize::try_from(counting(list(view, "contacts"))).unwrap_or(usize::MAX);
        if self.by_contacts.len() <= contacts {
            self.by_contacts.resize(contacts + 1, 0);
        }
        self.by_contacts[contacts] += 1;
        self.customers += 1;
        let cap = list(view, "caps").iter().find(|cap| cap["id"] == MONTH_CAP);
        if let Some(cap) = cap {
            self.limit = cap["limit"].as_u64().unwrap_or(self.limit);
            self.differing += u64::from(cap["used"].as_u64() != Some(contacts as u64));
        }
    }
}

/// Marketing contacts that take a place in the month: begun by us, not given back. What was shown to customers who
/// came to us takes none. All were made today.
pub fn counting(contacts: &[Value]) -> u64 {
    let given_back = ["failed", "expired", "cancelled"];
    let one_of = |words: &[&str], value: &Value| words.iter().any(|word| value == word);
    let counts = |contact: &&Value| {
        contact["purpose"] == "marketing"
            && one_of(&OUTBOUND, &contact["channel"])
            && !one_of(&given_back, &contact["state"])
    };
    contacts.iter().filter(counts).count() as u64
}

/// Reads every customer whom a campaign meant.
pub fn of(stage: Stage<'_>) -> Result<Audit, Failure> {
    let audit = Mutex::new(Audit::default());
    crowd::all(stage, "checking the caps", &|player, block| {
        for subscriber in block.iter().filter(|it| was_meant(stage, it)) {
            let view = player.view(&subscriber.id)?;
            audit.lock().unwrap_or_else(std::sync::PoisonError::into_inner).note(&view);
        }
        Ok(())
    })?;
    Ok(audit.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fifth_contact_is_found_and_failed_or_shown_ones_do_not_count() {
        let view = |states: &[&str]| {
            let sent = |state| json!({"purpose": "marketing", "channel": "sms", "state": state});
            let mut contacts: Vec<Value> = states.iter().map(sent).collect();
            let used = contacts.len();
            contacts.push(json!({"purpose": "marketing", "channel": "app", "state": "reserved"}));
            json!({ "contacts": contacts, "caps": [{"id": "month4", "used": used, "limit": 4}] })
        };
        let mut audit = Audit::default();
        audit.note(&view(&["sent", "seen", "reserved", "delivered"]));
        assert!(audit.holds() && audit.contacts_max() == 4 && audit.differing == 0, "{audit:?}");
        audit.note(&view(&["sent", "sent", "sent", "sent", "failed"]));
        assert!(audit.holds(), "{audit:?}");
        assert_eq!(audit.differing, 1, "the node counted a failed one");
        audit.note(&view(&["sent", "sent", "sent", "sent", "clicked"]));
        assert!(!audit.holds() && audit.contacts_max() == 5, "{audit:?}");
    }
}
