//! All configuration, one version: the tags, events, offers and rules that customers and decisions go by.
//!
//! A playbook is read from files ([`source`]), checked as a whole and lowered to the form below ([`compile`]). The
//! form is immutable and shared by all shards of a node. Leaves out who activates it and where it is stored.

pub mod mistake;
pub mod text;
pub mod active;
pub mod source;
pub mod dictionary;
pub mod rules;
pub mod updates;
pub mod fences;
pub mod stages;
pub mod extras;
pub mod compile;
pub mod affinity;

pub use affinity::Affinity;
pub use dictionary::{Dictionary, TagKind, TagNumber, TagValue};
pub use extras::{Extras, Languages, Partner};
pub use fences::{Fence, Fences};
pub use mistake::{Mistake, Severity};
pub use rules::{Facts, Formula, Rule, Scalar, Verdict};
pub use stages::{LifeCycle, Move, Pause, Stage};
pub use updates::{Change, DataField, Derived, EventType, Folding, MonthPick, Update, WindowFold};

use crate::decision::index::OfferIndex;
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// One version of all configuration, compiled.
#[derive(Debug)]
pub struct Playbook {
    /// SHA-256 of the canonical form, hexadecimal.
    pub id: Name,
    /// The canonical form: bytes from which `compile::from_canonical` makes the same playbook.
    pub canonical: Arc<[u8]>,
    /// Whose customers, in which zone and money.
    pub tenant: Tenant,
    /// The KPI in whose units values are given.
    pub kpi: Name,
    /// Numbers of tags and of enum values, also those of earlier playbooks.
    pub dictionary: Arc<Dictionary>,
    /// The declared tags.
    pub tags: HashMap<TagNumber, Tag>,
    /// Numbers of the declared tags by id.
    pub tag_numbers: HashMap<Name, TagNumber>,
    /// Declared events by type.
    pub events: HashMap<Name, EventType>,
    /// All offers, sorted by id.
    pub offers: Vec<Offer>,
    /// Context weights (C), in the order of the files.
    pub context_weights: Vec<ContextWeight>,
    /// Frequency caps.
    pub caps: Vec<Cap>,
    /// What a response suppresses.
    pub suppress: Vec<Suppress>,
    /// When not to contact.
    pub quiet_hours: Vec<QuietHours>,
    /// Campaign calendar.
    pub calendar: Vec<CalendarEntry>,
    /// Control groups.
    pub holdouts: Vec<Holdout>,
    /// Experiments, in the order of the files: a customer takes part in the first that has a place for them.
    pub experiments: Vec<Experiment>,
    /// Exploration schedule.
    pub explore: Explore,
    /// Whether evidence from responses moves the priors.
    pub learning: Learning,
    /// At most this many offers of one family in a decision.
    pub family_max: usize,
    /// Channels by name. Empty: any channel named by an offer is taken as inbound and outbound.
    pub channels: BTreeMap<Name, Channel>,
    /// The stages of a customer's life.
    pub life_cycle: Option<LifeCycle>,
    /// What makes offers rest.
    pub pauses: Vec<Pause>,
    /// Places that customers come to.
    pub fences: Fences,
    /// Some tag is derived by months or other periods of the customer's calendar.
    pub goes_by_calendar: bool,
    /// Tags that some rule, value, weight or affinity reads: a change of one of them is a change that matters.
    pub read_tags: HashSet<TagNumber>,
    /// Places of the offers that have a place or opening hours.
    pub placed: Vec<usize>,
    /// Partners whose offers may read some tags only, sorted by id.
    pub partners: Vec<Partner>,
    /// How words are chosen and written.
    pub languages: Languages,
    /// The offers turned around, for deciding fast.
    pub index: OfferIndex,
}

/// Whose playbook it is.
#[derive(Debug)]
pub struct Tenant {
    /// The zone of calendars and quiet hours for customers without one of their own.
    pub zone: jiff::tz::TimeZone,
    /// ISO 4217 code.
    pub currency: Name,
    /// The tag that holds a customer's own zone (an IANA name).
    pub zone_tag: Option<TagNumber>,
    /// The tag that holds the day of the month on which a customer's billing month begins.
    pub bill_day_tag: Option<TagNumber>,
}

/// A declared tag.
#[derive(Debug)]
pub struct Tag {
    /// Its id in the playbook.
    pub id: Name,
    /// Its number in the dictionary.
    pub number: TagNumber,
    /// Its type.
    pub kind: TagKind,
    /// Never named in a reason or a script.
    pub private: bool,
    /// Older values count as missing.
    pub age_max_ms: Option<i64>,
    /// What it is, in plain words.
    pub text: Name,
    /// How it is told as a reason, with `{{ value }}` for its value; `None`: its text and its value.
    pub reason: Option<Name>,
    /// Text and reason in other languages.
    pub translations: BTreeMap<Name, TagWords>,
    /// How events derive it, if its value is made of more than its last change.
    pub derived: Option<Derived>,
    /// Events count on to it (`add`, `max`, `min`), and nothing in the playbook sets it.
    pub counted_on: bool,
}

/// A tag's words in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagWords {
    /// What it is, in plain words.
    pub text: Option<Name>,
    /// How it is told as a reason, with `{{ value }}` for its value.
    pub reason: Option<Name>,
}

/// What kind of action an offer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferKind {
    /// Something to buy.
    Offer,
    /// A service action.
    Service,
    /// Keeping a customer.
    Retention,
    /// Information.
    Info,
    /// A question to the customer.
    Survey,
}

impl OfferKind {
    /// The word used in playbooks and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            OfferKind::Offer => "offer",
            OfferKind::Service => "service",
            OfferKind::Retention => "retention",
            OfferKind::Info => "info",
            OfferKind::Survey => "survey",
        }
    }
}

/// An offer or action that can be chosen.
#[derive(Debug)]
pub struct Offer {
    /// Unique in the playbook.
    pub id: Name,
    /// Short plain name.
    pub title: Name,
    /// `own` or `partner:NAME`.
    pub owner: Name,
    /// Offers of one family replace each other.
    pub family: Name,
    /// Group for context weights.
    pub group: Name,
    /// What kind of action.
    pub kind: OfferKind,
    /// Purpose of a contact with it: marketing, service, regulatory, telesales...
    pub purpose: Name,
    /// The exclusive calendar entry it belongs to.
    pub campaign: Option<Name>,
    /// First moment of validity.
    pub valid_from: Option<Timestamp>,
    /// First moment after validity.
    pub valid_to: Option<Timestamp>,
    /// Price in the tenant's currency.
    pub price: Option<f64>,
    /// Value formula for the ACTIVE KPI; `None`: the offer gives none and counts as worth 0.
    pub value: Option<Formula>,
    /// Prior probability where a channel has none of its own, within [1e-6, 1 - 1e-6].
    pub prior_default: f64,
    /// Prior probability by channel, within [1e-6, 1 - 1e-6].
    pub prior: BTreeMap<Name, f64>,
    /// Shifts of the log-odds.
    pub affinity: Vec<Affinity>,
    /// Lever in percent: L = 1 + lever / 100.
    pub lever: f64,
    /// May have it.
    pub eligible: Option<Rule>,
    /// Makes sense now.
    pub applicable: Option<Rule>,
    /// Right for them.
    pub suitable: Option<Rule>,
    /// Channels it may be shown in; empty: all.
    pub channels: Vec<Name>,
    /// Content by channel.
    pub content: BTreeMap<Name, Value>,
    /// What few offers declare.
    pub extras: Option<Box<Extras>>,
}

impl Offer {
    /// The prior as written for a channel, else for any.
    #[must_use]
    pub fn prior_in(&self, channel: &str) -> f64 {
        self.prior.get(channel).copied().unwrap_or(self.prior_default)
    }

    /// L = 1 + lever / 100.
    #[must_use]
    pub fn lever_factor(&self) -> f64 {
        1.0 + self.lever / 100.0
    }
}

/// A weight that a context gives to some offers: C = 1 + sum / 100.
#[derive(Debug)]
pub struct ContextWeight {
    /// When it counts. May read `c.*` and `t.*`.
    pub when: Rule,
    /// Which offers: all that match every given part.
    pub scope: OfferScope,
    /// Percent.
    pub weight: f64,
}

/// Which offers are meant; a part left out means any.
#[derive(Debug, Default)]
pub struct OfferScope {
    /// Only this group.
    pub group: Option<Name>,
    /// Only this family.
    pub family: Option<Name>,
    /// Only this offer.
    pub offer: Option<Name>,
}

/// A frequency cap.
#[derive(Debug)]
pub struct Cap {
    /// Its id.
    pub id: Name,
    /// Which contacts count.
    pub matches: Rule,
    /// Over what they are counted together.
    pub subject: CapSubject,
    /// How many at most.
    pub limit: u32,
    /// In which time.
    pub window: Window,
    /// What counts.
    pub counts: Counts,
    /// Its last place is kept for an offer of at least this priority.
    pub reserve: Option<f64>,
}

/// Over what a cap counts contacts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapSubject {
    /// All contacts of a customer, over all lines.
    Customer,
    /// The contacts of each line apart. A contact that names no line may have gone to any, and counts for each.
    Line,
    /// All contacts of all customers: a total, granted to shards in slices.
    OfferTotal,
}

/// The time over which a cap counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// A calendar unit in the customer's zone.
    Calendar(CalendarUnit),
    /// Every stretch of this length.
    Rolling {
        /// Its length.
        length_ms: i64,
    },
    /// From the first contact on, for ever. Only for totals.
    Life,
}

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    /// Midnight to midnight.
    Day,
    /// Monday to Monday.
    Week,
    /// First to first.
    Month,
    /// January, April, July, October.
    Quarter,
}

/// Which contacts a cap counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Contacts we began (outbound), from their reservation on.
    Reserved,
    /// Those and offers shown when the customer came to us.
    Shown,
}

/// What a response suppresses.
#[derive(Debug)]
pub struct Suppress {
    /// Which response: rejected, ignored, clicked or accepted.
    pub on: crate::call::ResponseKind,
    /// Only when it is this one's word; `None`: anybody's.
    pub by: Option<crate::call::ResponseBy>,
    /// After how many of them.
    pub count: u32,
    /// Within this time; `None`: ever.
    pub within_ms: Option<i64>,
    /// What is suppressed.
    pub scope: SuppressScope,
    /// In which channels; empty: all.
    pub channels: Vec<Name>,
    /// For how long; `None`: for ever.
    pub for_ms: Option<i64>,
}

impl Suppress {
    /// Whether the rule counts a word of this one.
    #[must_use]
    pub fn hears(&self, by: crate::call::ResponseBy) -> bool {
        self.by.is_none_or(|one| one == by)
    }
}

/// How far a suppression reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum SuppressScope {
    /// The offer.
    Offer,
    /// Its family.
    Family,
    /// Its group.
    Group,
    /// All offers of its owner.
    Partner,
    /// Every offer.
    All,
}

impl SuppressScope {
    /// The word used in playbooks and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SuppressScope::Offer => "offer",
            SuppressScope::Family => "family",
            SuppressScope::Group => "group",
            SuppressScope::Partner => "partner",
            SuppressScope::All => "all",
        }
    }
}

/// When contacts of a kind wait.
#[derive(Debug)]
pub struct QuietHours {
    /// Which contacts.
    pub matches: Rule,
    /// Local times of day, minutes after midnight, start included, end excluded; an end before its start reaches
    /// into the next day.
    pub local: Vec<(u16, u16)>,
    /// On which weekdays they begin, Monday = 0; empty: every day.
    pub days: Vec<u8>,
    /// Local dates that are quiet all day.
    pub holidays: Vec<jiff::civil::Date>,
    /// What becomes of a contact.
    pub on_hit: OnQuiet,
}

/// What becomes of a contact in quiet hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnQuiet {
    /// It is decided again later.
    Defer,
    /// It is dropped.
    Drop,
    /// It goes by another channel.
    SwitchChannel,
}

/// A campaign's time.
#[derive(Debug)]
pub struct CalendarEntry {
    /// The campaign's id; offers name it in `campaign`.
    pub id: Name,
    /// Whom it is for; `None`: everybody.
    pub segment: Option<Rule>,
    /// First moment.
    pub from: Timestamp,
    /// First moment after.
    pub to: Timestamp,
    /// Marketing offers of no or another campaign wait meanwhile.
    pub exclusive: bool,
}

/// A control group.
#[derive(Debug)]
pub struct Holdout {
    /// Its id.
    pub id: Name,
    /// Its size in buckets of 10,000.
    pub buckets: u32,
    /// Draws the group.
    pub salt: Name,
}

/// A comparison of ways to decide, by customers dealt into arms.
#[derive(Debug)]
pub struct Experiment {
    /// Its id.
    pub id: Name,
    /// Deals the customers.
    pub salt: Name,
    /// How many of 10,000 buckets take part. Growing, it only lets more in.
    pub ramp_buckets: u64,
    /// Off: nobody takes part, from the next turn on.
    pub enabled: bool,
    /// Its arms; their shares make a whole.
    pub arms: Vec<ExperimentArm>,
}

/// One way to decide.
#[derive(Debug)]
pub struct ExperimentArm {
    /// Its id.
    pub id: Name,
    /// Buckets below this one, and not below that of the arm before, are dealt to it.
    pub upto_bucket: u64,
    /// The share of exploring decisions here; `None`: the playbook's.
    pub explore: Option<f64>,
    /// A marketer's own list: the first of these that may be shown is the number one. Empty: the best is.
    pub list: Vec<Name>,
}

/// How large the share of exploring decisions is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Explore {
    /// Share on the first day.
    pub start: f64,
    /// Share after the ramp.
    pub steady: f64,
    /// Length of the way from `start` to `steady`, a straight line.
    pub ramp_ms: i64,
}

/// Whether and how evidence from responses moves the priors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Learning {
    /// Priors stay as they are written.
    Frozen,
    /// Priors move.
    Smoothed {
        /// Earlier showings that a prior stands for: the larger, the slower it moves. At least 1.
        strength: f64,
    },
}

impl Learning {
    /// The strength of a prior; `None` when priors stay.
    #[must_use]
    pub fn strength(self) -> Option<f64> {
        match self {
            Learning::Frozen => None,
            Learning::Smoothed { strength } => Some(strength),
        }
    }
}

/// How a channel is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The customer comes to us; nothing can be sent.
    pub inbound_only: bool,
    /// Who carries its messages, and may limit them; `None`: the channel stands for itself.
    pub provider: Option<Name>,
}

impl Playbook {
    /// The offer with this id.
    #[must_use]
    pub fn offer(&self, id: &str) -> Option<&Offer> {
        self.offer_ix(id).map(|ix| &self.offers[ix])
    }

    /// The place of the offer with this id among all offers.
    #[must_use]
    pub fn offer_ix(&self, id: &str) -> Option<usize> {
        self.offers.binary_search_by(|offer| (*offer.id).cmp(id)).ok()
    }

    /// Who carries the messages of a channel, where the playbook says so.
    #[must_use]
    pub fn provider(&self, channel: &str) -> Option<&Name> {
        self.channels.get(channel)?.provider.as_ref()
    }

    /// A declared tag by its id.
    #[must_use]
    pub fn tag(&self, id: &str) -> Option<&Tag> {
        self.tags.get(self.tag_numbers.get(id)?)
    }
}
