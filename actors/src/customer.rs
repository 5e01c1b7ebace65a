//! One customer: everything remembered of a subscriber, and what each command does to it.
//!
//! Plain functions of customer, command, playbook and time. Leaves out when a turn happens and where the result is kept
//! ([`crate::shard`]).

pub mod event;
pub mod tags;
pub mod derive;
pub mod stage;
pub mod consent;
pub mod contact_history;
pub mod exposure;
pub mod refusal;
pub mod dedupe;
pub mod response;
pub mod feedback;
pub mod patch;
pub mod identity;
pub mod section;
mod packed;
pub mod snapshot;
pub mod entry;
pub mod view;
pub mod export;

use crate::call::{
    Command, ConsentRecord, ConsentState, CustomerId, DecisionRequest, Direction, EventOutcome, Refusal,
    Reply,
};
use crate::decision::clearance::may_send;
use crate::decision::log::LoggedDecision;
use crate::decision::standing::Standing;
use crate::decision::totals::{UnitMoves, UnitsLeft};
use crate::decision::{Decision, Moment, decide};
use crate::learning::{Change, Outcomes};
use crate::options::{CLOCK_STEP_MS_MAX, CONTACT_KEPT_MS_MIN, CONTACT_LIVES_MS, FUTURE_MAX_MS};
use crate::playbook::active::Active;
use crate::playbook::{Derived, EventType, Playbook, Tag, TagKind, TagNumber, TagValue, Update, Window};
use crate::timestamp::{DAY_MS, MINUTE_MS, Timestamp};
use crate::value::Name;
use consent::Consents;
use contact_history::{Contact, ContactHistory};
use dedupe::{IdHash, RecentIds};
use derive::calendar::Calendar;
use derive::{Derivations, Made, Present};
use exposure::Exposures;
use feedback::Feedback;
use identity::Identity;
use refusal::Refusals;
use section::Section;
use stage::Life;
use std::collections::BTreeSet;
use std::sync::Arc;
use tags::{DERIVED_SOURCE, TagVector};

/// Standing number ones kept: one for each purpose that is asked for by name, and one for any.
const STANDING_MAX: usize = 4;

/// Everything remembered of one subscriber.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    id: CustomerId,
    /// What is known.
    pub tags: Section<TagVector>,
    /// What windows and fading sums are made of.
    pub derivations: Section<Derivations>,
    /// What was consented to.
    pub consents: Section<Consents>,
    /// What was offered by us.
    pub contacts: Section<ContactHistory>,
    /// What is not offered any more.
    pub refusals: Section<Refusals>,
    /// Products owned.
    pub products: Section<BTreeSet<Name>>,
    /// Ids heard before.
    pub recent: Section<RecentIds>,
    /// Number ones that stand.
    pub standing: Section<Vec<Standing>>,
    /// How many decisions were taken: makes their ids differ.
    pub decision_count: Section<u64>,
    /// What agents said of offers.
    pub feedback: Section<Feedback>,
    /// The stages it went through.
    pub life: Section<Life>,
    /// The day (since 1970, UTC) on which what is past was last dropped.
    pub swept_on: Section<i64>,
    /// Other ids of the same customer.
    pub identity: Section<Identity>,
    /// Number ones shown when the customer came to us.
    pub exposures: Section<Exposures>,
}

/// What a turn has at hand besides the customer and the command.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The playbook in force.
    pub active: &'a Active,
    /// Now.
    pub now: Timestamp,
    /// The customer as encoded before the turn; empty for one never seen.
    pub before: &'a [u8],
    /// Totals that have little or nothing left for this turn; of all others there is enough.
    pub left: &'a [UnitsLeft],
}

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    /// The answer; to be given only after what changed is saved.
    pub reply: Reply,
    /// Whether the customer has to be saved.
    pub changed: bool,
    /// Contacts made or changed.
    pub contacts: Vec<Contact>,
    /// Decisions taken.
    pub decisions: Vec<LoggedDecision>,
    /// What is to be counted as evidence once the turn is saved.
    pub evidence: Vec<Change>,
    /// Units of totals taken and given back.
    pub units: UnitMoves,
}

impl Outcome {
    fn unchanged(reply: Reply) -> Self {
        Outcome {
            reply,
            changed: false,
            contacts: Vec::new(),
            decisions: Vec::new(),
            evidence: Vec::new(),
            units: UnitMoves::default(),
        }
    }

    fn changed(reply: Reply) -> Self {
        Outcome { changed: true, ..Outcome::unchanged(reply) }
    }

    pub(crate) fn refused(code: &'static str, detail: impl Into<String>) -> Self {
        Outcome::unchanged(Reply::Refused(Refusal { code, detail: detail.into() }))
    }
}

impl Customer {
    /// The customer's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Follows one command. [`Command::Erase`] is not for the customer: there is nobody left to answer ([`entry`]).
    #[must_use]
    pub fn apply(&mut self, command: &Command, turn: Turn<'_>) -> Outcome {
        match command {
            // An event refreshes what it reads, and leaves alone what it does not.
            Command::Events(_) => {
                self.sweep_once_a_day(&turn.active.playbook, turn.now);
                if self.may_know_places(&turn.active.playbook) {
                    self.forget_places(turn.now);
                }
            }
            _ => self.refresh(&turn.active.playbook, turn.now),
        }
        match command {
            Command::Events(events) => {
                let outcomes: Vec<EventOutcome> =
                    events.iter().map(|event| self.on_event(event, turn)).collect();
                let changed = outcomes.contains(&EventOutcome::Accepted);
                Outcome { changed, ..Outcome::unchanged(Reply::Events(outcomes)) }
            }
            Command::Decide(request) => self.on_decide(request, turn),
            Command::Respond(response) => self.on_response(response, turn),
            Command::PutConsents(records) => self.on_consents(records, turn),
            Command::PatchTags(patch) => self.on_patch(patch, turn),
            Command::Clearance(contact_id) => self.on_clearance(contact_id, turn),
            Command::View => {
                Outcome::unchanged(Reply::View(Box::new(self.view(&turn.active.playbook, turn.now))))
            }
            Command::Export => {
                Outcome::unchanged(Reply::Export(Box::new(self.export(&turn.active.playbook, turn.now))))
            }
            Command::Identity(step) => self.on_identity(step, turn),
            Command::Erase => Outcome::refused("erase_is_not_a_turn", "erasures are done by the shard"),
        }
    }

    /// Brings everything that time alone moves up to `now`. Doing it twice changes nothing more.
    pub fn refresh(&mut self, playbook: &Playbook, now: Timestamp) {
        self.sweep_once_a_day(playbook, now);
        self.forget_places(now);
        let moving = self.derivations.moving_tags();
        if moving.is_empty() {
            return;
        }
        let present = self.present(playbook, now);
        for number in moving {
            if let Some(tag) = playbook.tags.get(&number) {
                self.refresh_derived(tag, &present);
            }
        }
    }

    /// Whether something that the playbook derives of places is kept; told by the tags alone.
    fn may_know_places(&self, playbook: &Playbook) -> bool {
        let of_places = |tag: &Tag| matches!(tag.derived, Some(Derived::Dwell { .. }));
        self.derivations.tags().any(|number| playbook.tags.get(&number).is_some_and(of_places))
    }

    /// Without consent to `location` nothing stays of where the customer was.
    fn forget_places(&mut self, now: Timestamp) {
        let places = self.derivations.place_tags();
        if places.is_empty() || self.consents.permits_location(now) {
            return;
        }
        for tag in places {
            self.derivations.forget(tag);
            self.tags.remove(tag, Timestamp::from_ms(i64::MAX));
        }
    }

    /// What time alone moves, as far as an event of this kind reads or changes it.
    fn refresh_for(&mut self, kind: &EventType, playbook: &Playbook, present: &Present) {
        for number in kind.updates.iter().flat_map(Update::tags) {
            let derived = playbook.tags.get(&number).filter(|tag| tag.derived.is_some());
            if let Some(tag) = derived.filter(|tag| self.derivations.moves(tag.number)) {
                self.refresh_derived(tag, present);
            }
        }
    }

    fn sweep_once_a_day(&mut self, playbook: &Playbook, now: Timestamp) {
        let today = now.ms().div_euclid(DAY_MS);
        if self.swept_on != today {
            self.sweep(playbook, now);
            self.forget_places(now);
            *self.swept_on = today;
        }
    }

    /// Drops what is past: what nothing that reads it would count any more. Once a day is enough, so that most turns
    /// need not even look.
    fn sweep(&mut self, playbook: &Playbook, now: Timestamp) {
        self.recent.forget_old(now);
        self.refusals.forget_old(now);
        self.contacts.forget_old(contact_kept_ms(playbook), now);
        self.standing.retain(|standing| now < standing.expires_at);
        let present = self.present(playbook, now);
        let declared = |number| playbook.tags.get(&number).map(|tag| tag.derived.as_ref());
        self.derivations.forget_old(declared, &present);
        if !self.exposures.is_empty() {
            self.exposures.forget_old(now);
        }
    }

    /// The tag's value if rules may use it: declared, there, and not stale.
    #[must_use]
    pub fn fresh_tag(&self, number: TagNumber, playbook: &Playbook, now: Timestamp) -> Option<&TagValue> {
        let tag = playbook.tags.get(&number)?;
        let entry = self.tags.get(number)?;
        (!is_stale(tag.age_max_ms, entry.as_of, now)).then_some(&entry.value)
    }

    /// Whether the customer owns the product.
    #[must_use]
    pub fn owns(&self, product: &str) -> bool {
        self.products.contains(product)
    }

    /// The zone of the customer's calendar: the customer's own, else the tenant's.
    #[must_use]
    pub fn zone(&self, playbook: &Playbook, now: Timestamp) -> jiff::tz::TimeZone {
        let own = playbook.tenant.zone_tag.and_then(|number| self.fresh_tag(number, playbook, now));
        let named = match own {
            Some(TagValue::Text(name)) => jiff::tz::TimeZone::get(name).ok(),
            _ => None,
        };
        named.unwrap_or_else(|| playbook.tenant.zone.clone())
    }

    /// Now and the customer's calendar, which is looked up only where the playbook derives something by it.
    fn present(&self, playbook: &Playbook, now: Timestamp) -> Present {
        if !playbook.goes_by_calendar {
            return Present { now, calendar: Calendar::default() };
        }
        let bill_day = playbook.tenant.bill_day_tag.and_then(|number| self.fresh_tag(number, playbook, now));
        let bill_day = match bill_day {
            Some(TagValue::Int(day)) => (*day).clamp(1, 31) as i8,
            _ => 1,
        };
        Present { now, calendar: Calendar { zone: self.zone(playbook, now), bill_day } }
    }

    fn on_decide(&mut self, request: &DecisionRequest, turn: Turn<'_>) -> Outcome {
        let request_hash = request.request_id.as_deref().map(IdHash::request);
        if let Some(decision_id) = request_hash.and_then(|hash| self.recent.answer(hash)) {
            let decision_id = decision_id.to_owned();
            return Outcome::unchanged(Reply::DecidedBefore { decision_id });
        }
        let moment = Moment {
            now: turn.now,
            decision_id: self.next_decision_id(turn.now),
            learning_since: turn.active.learning_since,
            left: turn.left.to_vec(),
            priors: Arc::clone(&turn.active.priors),
        };
        let decided = decide(self, &turn.active.playbook, request, &moment);
        *self.decision_count += 1;
        for contact in &decided.contacts {
            self.contacts.add(contact.clone());
        }
        if let Some(standing) = decided.standing {
            self.stand(standing);
        }
        if let Some(hash) = request_hash {
            self.recent.answered(hash, &moment.decision_id, turn.now);
        }
        let decision = Arc::new(decided.decision);
        let logged = LoggedDecision {
            decision: Arc::clone(&decision),
            request: request.clone(),
            snapshot: turn.before.to_vec(),
            learning_since: turn.active.learning_since,
            evidence: moment.priors.evidence().cloned(),
            left: moment.left,
        };
        let evidence = self.exposed(&decision, &turn.active.playbook);
        Outcome {
            contacts: decided.contacts,
            decisions: vec![logged],
            evidence: evidence.into_iter().collect(),
            units: UnitMoves { taken: decided.taken, ..UnitMoves::default() },
            ..Outcome::changed(Reply::Decision(decision))
        }
    }

    /// The number one shown to a customer who came to us is evidence from now on. What we began is so once it is sent.
    fn exposed(&mut self, decision: &Decision, playbook: &Playbook) -> Option<Change> {
        let first = decision.items.first().filter(|_| decision.direction == Direction::Inbound)?;
        if !learns_in(playbook, &decision.channel) {
            return None;
        }
        let outcomes =
            self.exposures.show(&first.offer, &decision.channel, &decision.decision_id, decision.at);
        change(&first.offer, &decision.channel, outcomes)
    }

    fn on_clearance(&self, contact_id: &str, turn: Turn<'_>) -> Outcome {
        match self.contacts.iter().find(|contact| contact.id == *contact_id) {
            Some(contact) => {
                Outcome::unchanged(Reply::Clearance(may_send(contact, self, &turn.active.playbook, turn.now)))
            }
            None => Outcome::refused("unknown_contact", format!("this customer has no contact {contact_id}")),
        }
    }

    fn on_consents(&mut self, records: &[ConsentRecord], turn: Turn<'_>) -> Outcome {
        let implausible = records.iter().find_map(|record| implausible(record, turn.now));
        if let Some(refusal) = implausible {
            return Outcome::unchanged(Reply::Refused(refusal));
        }
        let mut news: Vec<&ConsentRecord> = Vec::new();
        for record in records {
            if self.consents.is_news(record) && !news.contains(&record) {
                news.push(record);
            }
        }
        let grants = news.iter().filter(|record| record.state == ConsentState::Granted).count();
        if grants > 0 && self.consents.history().len() + news.len() > consent::RECORDS_MAX {
            return Outcome::refused(
                "too_many_consents",
                format!(
                    "at most {} consent records are kept for one customer; a denial or withdrawal is always noted",
                    consent::RECORDS_MAX
                ),
            );
        }
        for record in &news {
            self.consents.add((*record).clone());
        }
        let noted = news.len();
        if noted == 0 {
            return Outcome::unchanged(Reply::Consents { noted });
        }
        self.forget_places(turn.now);
        self.changed_for_decisions();
        Outcome::changed(Reply::Consents { noted })
    }

    /// Something that decisions read has changed: what stood stands no longer.
    fn changed_for_decisions(&mut self) {
        if !self.standing.is_empty() {
            self.standing.clear();
        }
    }

    fn stand(&mut self, standing: Standing) {
        let stays = |other: &Standing| {
            other.asked_purpose != standing.asked_purpose && standing.at < other.expires_at
        };
        self.standing.retain(stays);
        self.standing.push(standing);
        if self.standing.len() > STANDING_MAX {
            self.standing.remove(0);
        }
    }

    /// Unique: no two decisions of a customer share both count and time, even after an erasure.
    fn next_decision_id(&self, now: Timestamp) -> String {
        let text = format!("{}\n{}\n{}", self.id.as_str(), *self.decision_count, now.ms());
        format!("d-{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }

    /// Tells the tag vector what a derived tag is now, or that it is nothing now. Whether its value is another one.
    fn refresh_derived(&mut self, tag: &Tag, present: &Present) -> bool {
        let Some(derived) = &tag.derived else { return false };
        let before = self.tags.get(tag.number);
        let Some((made, as_of)) = self.derivations.value(tag.number, derived, present) else {
            let was_there = before.is_some();
            if was_there {
                self.tags.remove(tag.number, Timestamp::from_ms(i64::MAX));
            }
            return was_there;
        };
        let value = match (made, tag.kind) {
            (Made::Number(number), TagKind::Int) => TagValue::Int(number.round() as i64),
            (Made::Number(number), _) => TagValue::Number(number),
            (Made::Stay { fence, .. }, TagKind::Text) => TagValue::Text((*fence).into()),
            (Made::Stay { since, .. }, TagKind::Time) => TagValue::Time(since),
            (Made::Stay { .. }, TagKind::Bool) => TagValue::Bool(true),
            (Made::Stay { lasted_ms, .. }, TagKind::Int) => TagValue::Int(lasted_ms / MINUTE_MS),
            (Made::Stay { lasted_ms, .. }, _) => TagValue::Number((lasted_ms / MINUTE_MS) as f64),
        };
        let changed = before.is_none_or(|entry| entry.value != value);
        if changed || before.is_none_or(|entry| entry.as_of != as_of) {
            match derived {
                // A ledger's number stays as it is until somebody changes it.
                Derived::Ledger => self.tags.put(tag.number, value, as_of, &DERIVED_SOURCE),
                _ => Section::unwritten(&mut self.tags).move_to(tag.number, value, as_of),
            }
        }
        changed
    }
}

/// Whether outcomes in a channel are counted. A channel that the playbook does not declare is a slip of the caller's.
fn learns_in(playbook: &Playbook, channel: &str) -> bool {
    playbook.learning.strength().is_some()
        && (playbook.channels.is_empty() || playbook.channels.contains_key(channel))
}

fn change(offer: &Name, channel: &Name, outcomes: Outcomes) -> Option<Change> {
    let change = || Change { offer: Name::clone(offer), channel: Name::clone(channel), outcomes };
    (!outcomes.is_zero()).then(change)
}

/// A consent may be as old as the customer, but it does not come from the future nor end before it begins.
fn implausible(record: &ConsentRecord, now: Timestamp) -> Option<Refusal> {
    let refusal = |code, detail| Some(Refusal { code, detail });
    if record.at.since_ms(now) > FUTURE_MAX_MS {
        let detail = format!(
            "consent to {}: at {} is in the future; send when it was given",
            record.purpose, record.at
        );
        return refusal("time_in_future", detail);
    }
    if record.expires_at.is_some_and(|end| end <= record.at) {
        let detail = format!("consent to {} ends before it begins; mend expires_at", record.purpose);
        return refusal("bad_consents", detail);
    }
    None
}

/// Whether a value is too old to be used. A stale tag is a missing tag.
#[must_use]
pub fn is_stale(age_max_ms: Option<i64>, as_of: Timestamp, now: Timestamp) -> bool {
    age_max_ms.is_some_and(|age_max_ms| now.since_ms(as_of) > age_max_ms)
}

/// How long contacts stay with their customer: the longest window of any cap.
fn contact_kept_ms(playbook: &Playbook) -> i64 {
    let windows = playbook.caps.iter().map(|cap| match cap.window {
        Window::Rolling { length_ms } => length_ms.saturating_add(CONTACT_LIVES_MS + CLOCK_STEP_MS_MAX),
        Window::Calendar(_) | Window::Life => CONTACT_KEPT_MS_MIN,
    });
    windows.max().unwrap_or(0).max(CONTACT_KEPT_MS_MIN)
}
