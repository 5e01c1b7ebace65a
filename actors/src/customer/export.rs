//! Everything remembered of a customer, for the export: what the view shows, and what it does not.
//!
//! A customer is taken apart here field by field, so a new field does not compile until somebody says what an export
//! tells of it.

use crate::customer::Customer;
use crate::customer::dedupe::RecentIds;
use crate::customer::derive::Derivations;
use crate::customer::exposure::Exposures;
use crate::customer::identity::Identity;
use crate::customer::refusal::Refusals;
use crate::customer::stage::Life;
use crate::customer::view::CustomerView;
use crate::decision::standing::Standing;
use crate::playbook::{Playbook, TagNumber, TagValue};
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::Serialize;

/// A customer, for the export.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// What a person is shown.
    pub view: CustomerView,
    /// The rest, as it is kept.
    pub state: ExportState,
}

/// What is kept of a customer beyond what the view shows. Its form follows the program's and may change with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExportState {
    /// Tags that the playbook in force does not declare, by their number.
    pub undeclared_tags: Vec<UndeclaredTag>,
    /// What windows, fading sums and months are made of.
    pub derivations: Derivations,
    /// Refusals, and the responses that may yet add up to one.
    pub refusals: Refusals,
    /// Hashes of events, responses and requests heard before.
    pub recent: RecentIds,
    /// Number ones that stand.
    pub standing: Vec<Standing>,
    /// Decisions taken so far.
    pub decision_count: u64,
    /// The stages it went through.
    pub life: Life,
    /// Other ids and merges, with how far each has come.
    pub identity: Identity,
    /// Number ones shown that may yet be answered.
    pub exposures: Exposures,
}

/// A tag that the playbook in force does not declare.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UndeclaredTag {
    /// Its number.
    pub number: TagNumber,
    /// Its value.
    pub value: TagValue,
    /// When it was true.
    pub as_of: Timestamp,
    /// Who said so.
    pub source: Name,
}

impl Customer {
    pub(super) fn export(&self, playbook: &Playbook, now: Timestamp) -> Export {
        // Shown as a whole by the view: consents, contacts, products, feedback. `swept_on` says nothing of the customer.
        let Customer {
            id: _,
            tags,
            derivations,
            consents: _,
            contacts: _,
            refusals,
            products: _,
            recent,
            standing,
            decision_count,
            feedback: _,
            life,
            swept_on: _,
            identity,
            exposures,
        } = self;
        let undeclared = tags.iter().filter(|entry| !playbook.tags.contains_key(&entry.number));
        let undeclared_tags = undeclared.map(|entry| UndeclaredTag {
            number: entry.number,
            value: entry.value.clone(),
            as_of: entry.as_of,
            source: Name::clone(tags.source(entry)),
        });
        let state = ExportState {
            undeclared_tags: undeclared_tags.collect(),
            derivations: (**derivations).clone(),
            refusals: (**refusals).clone(),
            recent: (**recent).clone(),
            standing: (**standing).clone(),
            decision_count: **decision_count,
            life: (**life).clone(),
            identity: (**identity).clone(),
            exposures: (**exposures).clone(),
        };
        Export { view: self.view(playbook, now), state }
    }
}
