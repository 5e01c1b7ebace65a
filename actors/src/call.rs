//! What can be asked of a customer, and what it answers: one closed list of each.
//!
//! Leaves out how calls arrive and how answers are written down for the outside; that is the node's.

pub mod identity;

use crate::customer::export::Export;
use crate::customer::view::CustomerView;
use crate::decision::Decision;
use crate::decision::clearance::Objection;
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};
use identity::{Elsewhere, IdentityReply, IdentityStep, Via};
use std::fmt;
use std::sync::Arc;

/// A customer's id as the outside names it: 1 to 128 bytes without control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(Arc<str>);

impl CustomerId {
    /// `None` when the text is empty, longer than 128 bytes or holds control characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=128).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| CustomerId(text.into()))
    }

    /// The id as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id, shared.
    #[must_use]
    pub fn to_arc(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// A stable 64-bit hash: places the customer in a shard and in the store.
    #[must_use]
    pub fn hash64(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(self.0.as_bytes())
    }

    /// What logs may say of a customer: eight hexadecimal digits that tell customers apart without naming them.
    #[must_use]
    pub fn pseudonym(&self) -> String {
        format!("{:08x}", self.hash64() >> 32)
    }
}

/// The id as text.
impl serde::Serialize for CustomerId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Refuses what [`CustomerId::new`] refuses.
impl<'de> serde::Deserialize<'de> for CustomerId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        CustomerId::new(&text).ok_or_else(|| serde::de::Error::custom("not an id of a customer"))
    }
}

/// Never the id itself: it may be a telephone number.
impl fmt::Debug for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "customer {}", self.pseudonym())
    }
}

/// One command for one customer, with how long the caller will wait.
#[derive(Debug)]
pub struct CustomerCall {
    /// For whom.
    pub customer: CustomerId,
    /// The alias by which the customer was named; `None`: by its own id.
    pub via: Option<Via>,
    /// What. Shared, because a call by an alias asks two entries.
    pub command: Arc<Command>,
    /// The caller has gone after this; a turn not begun by then is not begun.
    pub deadline: tokio::time::Instant,
}

/// Everything that can be asked of a customer.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Hear events, in this order, saved together as one turn.
    Events(Vec<Event>),
    /// Decide the next best action.
    Decide(Box<DecisionRequest>),
    /// Hear what became of a contact or an offer.
    Respond(Response),
    /// Note consents.
    PutConsents(Vec<ConsentRecord>),
    /// Set and unset tags.
    PatchTags(TagPatch),
    /// Say whether a contact, named by its id, may leave now.
    Clearance(String),
    /// Show everything, for a person.
    View,
    /// Give out everything that is kept.
    Export,
    /// Forget everything. A customer with other ids says which have to be ended first.
    Erase,
    /// One step of a change of who is who.
    Identity(Box<IdentityStep>),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its identity, together with `source`.
    pub id: String,
    /// Who says so.
    pub source: String,
    /// Its type, as declared in the playbook.
    pub kind: String,
    /// When it happened; the time of arrival when the sender gave none.
    pub at: Option<Timestamp>,
    /// Its data.
    pub data: Value,
}

/// A question for the next best action.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DecisionRequest {
    /// Where the answer will be shown or sent.
    pub channel: Name,
    /// The place within the channel.
    pub placement: Option<Name>,
    /// Who began.
    pub direction: Direction,
    /// Only offers of this purpose; `None`: any.
    pub purpose: Option<Name>,
    /// What is known of the moment: place, session.
    pub context: Value,
    /// How many items at most, 1 to 13.
    pub limit: usize,
    /// The same id gets the same answer.
    pub request_id: Option<String>,
    /// The customer's line or device that the answer is for; `None`: whichever.
    #[serde(default)]
    pub line: Option<Name>,
}

/// Who began a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Direction {
    /// The customer came to us.
    Inbound,
    /// We go to the customer: a contact is reserved.
    Outbound,
}

impl Direction {
    /// The word used in requests, rules and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        }
    }
}

/// What became of a contact or an offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The contact it is about.
    pub contact_id: Option<String>,
    /// The decision it is about.
    pub decision_id: Option<String>,
    /// The offer it is about; the contact's offer when left out.
    pub offer: Option<String>,
    /// What happened.
    pub kind: ResponseKind,
    /// When; the time of arrival when the sender gave none.
    pub at: Option<Timestamp>,
    /// The same id has one effect.
    pub response_id: Option<String>,
    /// Why, in the customer's or agent's words.
    pub reason: Option<String>,
    /// Who says so.
    pub by: ResponseBy,
}

/// What can become of a contact or an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum ResponseKind {
    /// It left for the channel.
    Sent,
    /// It reached the device.
    Delivered,
    /// It was on the screen.
    Seen,
    /// It was followed.
    Clicked,
    /// Yes.
    Accepted,
    /// No.
    Rejected,
    /// Nothing came back.
    Ignored,
    /// It could not be delivered.
    Failed,
    /// Its time ran out before it was sent.
    Expired,
    /// It was called back before it was sent.
    Cancelled,
}

impl ResponseKind {
    /// The word used in requests.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ResponseKind::Sent => "sent",
            ResponseKind::Delivered => "delivered",
            ResponseKind::Seen => "seen",
            ResponseKind::Clicked => "clicked",
            ResponseKind::Accepted => "accepted",
            ResponseKind::Rejected => "rejected",
            ResponseKind::Ignored => "ignored",
            ResponseKind::Failed => "failed",
            ResponseKind::Expired => "expired",
            ResponseKind::Cancelled => "cancelled",
        }
    }
}

/// Whose word a response is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ResponseBy {
    /// The customer's (or the channel's on the customer's behalf).
    #[default]
    Customer,
    /// An agent's judgement.
    Agent,
}

/// A consent for a purpose in a channel.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ConsentRecord {
    /// marketing, telesales, location, profiling, ...
    pub purpose: Name,
    /// A channel, or `any`.
    pub channel: Name,
    /// What the customer said.
    pub state: ConsentState,
    /// Lawful basis.
    pub basis: Option<String>,
    /// Who recorded it.
    pub source: Option<String>,
    /// Version of the text the customer saw.
    pub text_version: Option<String>,
    /// When the customer said it.
    pub at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// What a customer said to a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ConsentState {
    /// Yes.
    Granted,
    /// No.
    Denied,
    /// Yes once, no longer.
    Withdrawn,
    /// Not asked.
    Unknown,
}

/// Tags from outside, as of a time.
#[derive(Clone, Debug, PartialEq)]
pub struct TagPatch {
    /// Who says so, at most 64 bytes.
    pub source: String,
    /// When it was true; the time of arrival when left out.
    pub as_of: Option<Timestamp>,
    /// Tags to set by id. An older `as_of` than the tag's own changes nothing.
    pub set: Vec<(String, Value)>,
    /// Tags to remove by id.
    pub unset: Vec<String>,
}

/// A customer's answer, with where it came from.
#[derive(Debug)]
pub struct Answer {
    /// Who answered: an alias in the call is followed to its customer.
    pub customer: CustomerId,
    /// What the customer says.
    pub reply: Reply,
    /// Saved turns of the customer so far; 0 for one never seen.
    pub revision: u64,
    /// The customer's shard.
    pub shard: u32,
    /// The owner's epoch.
    pub epoch: u64,
}

/// What a customer says to each command.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// To [`Command::Events`]: one outcome for each, in order.
    Events(Vec<EventOutcome>),
    /// To [`Command::Decide`].
    Decision(Arc<Decision>),
    /// To [`Command::Decide`] with a request id answered before: the log holds the answer.
    DecidedBefore {
        /// The decision taken then.
        decision_id: String,
    },
    /// To [`Command::Respond`].
    Response(ResponseOutcome),
    /// To [`Command::PutConsents`]: how many were news.
    Consents {
        /// Records that changed the current state or the history.
        noted: usize,
    },
    /// To [`Command::PatchTags`].
    Tags(PatchOutcome),
    /// To [`Command::Clearance`]: everything that speaks against sending now; empty: it may leave.
    Clearance(Vec<Objection>),
    /// To [`Command::View`].
    View(Box<CustomerView>),
    /// To [`Command::Export`].
    Export(Box<Export>),
    /// To [`Command::Erase`].
    Erased(Receipt),
    /// The command cannot be followed; nothing was changed.
    Refused(Refusal),
    /// To any command: somebody else has to be asked; nothing was changed.
    Elsewhere(Elsewhere),
    /// To [`Command::Identity`], and to [`Command::Erase`] of a customer with other ids.
    Identity(IdentityReply),
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq)]
pub enum EventOutcome {
    /// Applied.
    Accepted,
    /// Heard before; no second effect.
    Duplicate,
    /// Not applied.
    Rejected(Refusal),
}

/// Why something was not done: a code for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One of a closed list: `unknown_event_type`, `bad_event_data`, `unknown_tag`...
    pub code: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
}

/// What a response did.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ResponseOutcome {
    /// False when it had been heard before.
    pub applied: bool,
    /// The contact's state afterwards.
    pub contact_state: Option<&'static str>,
    /// What is suppressed from now on, as `scope:id`.
    pub suppressed: Vec<String>,
    /// Why it was not applied.
    pub detail: Option<String>,
}

/// What a tag patch did.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PatchOutcome {
    /// Tags changed.
    pub changed: usize,
    /// Tags left alone because a newer (or the same) value was there.
    pub kept: usize,
}

/// Proof of an erasure, without saying of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Names the erasure.
    pub receipt_id: String,
    /// When.
    pub at: Timestamp,
    /// Snapshots, contacts and decisions removed.
    pub removed: [u64; 3],
}
