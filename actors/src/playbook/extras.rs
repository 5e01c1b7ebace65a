//! What few offers declare: relations to others, a volume to fit, a place with opening hours, a trigger, variants.
//!
//! Kept apart from [`Offer`](super::Offer), so that an offer which declares none of it costs a pointer. What each of
//! them means for a customer is in [`crate::decision`].

use super::{Formula, TagNumber};
use crate::value::{Name, Value};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// What few offers declare.
#[derive(Debug, Default)]
pub struct Extras {
    /// How it stands to other offers and products.
    pub relations: Relations,
    /// What it holds, against what the customer uses.
    pub fit: Option<Fit>,
    /// Where it can be had.
    pub place: Option<Place>,
    /// When its place is open; empty: always.
    pub hours: Vec<OpenHours>,
    /// The zone of `hours`; `None`: the tenant's.
    pub zone: Option<TimeZone>,
    /// What it answers to, and for how long.
    pub trigger: Option<Trigger>,
    /// What the partner pays for it, in the tenant's currency.
    pub partner_pays: Option<f64>,
    /// Fewer customers than this must not be singled out by its rules; 0: any number may.
    pub audience_min: u64,
    /// Other words for some customers, in the order of the file.
    pub variants: Vec<Variant>,
}

impl Extras {
    /// Whether some stage before the score asks about any of it.
    #[must_use]
    pub fn are_asked(&self) -> bool {
        let Extras {
            relations: Relations { requires, excludes, follows, components, bundles, rivals: _ },
            fit,
            place,
            hours,
            zone: _,
            trigger,
            partner_pays: _,
            audience_min: _,
            variants: _,
        } = self;
        [requires, excludes, follows, components, bundles].into_iter().any(|ids| !ids.is_empty())
            || fit.is_some()
            || place.is_some()
            || !hours.is_empty()
            || trigger.is_some()
    }
}

/// How an offer stands to other offers and to products. All names are ids of offers or of products.
#[derive(Debug, Default)]
pub struct Relations {
    /// All of these are owned by whoever gets the offer.
    pub requires: Vec<Name>,
    /// None of these is.
    pub excludes: Vec<Name>,
    /// One of these was taken before: it is owned, or a contact with it was accepted.
    pub follows: Vec<Name>,
    /// What a bundle holds, the components of its components included.
    pub components: Vec<Name>,
    /// Bundles that hold this offer.
    pub bundles: Vec<Name>,
    /// Offers that never stand in one list with this one, by their places in the playbook, in ascending order.
    pub rivals: Vec<usize>,
}

/// A volume that has to fit what the customer uses.
#[derive(Debug)]
pub struct Fit {
    /// What the offer holds, in the unit of `usage`.
    pub volume: f64,
    /// What the customer uses.
    pub usage: Formula,
    /// The volume is at least this many times the usage.
    pub times_min: f64,
    /// The volume is at most this many times the usage.
    pub times_max: f64,
}

/// A place on the earth and how near one has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Metres.
    pub within_m: f64,
}

/// Mean radius of the earth (IUGG), in metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

impl Place {
    /// Great-circle distance in metres (haversine formula).
    #[must_use]
    pub fn distance_m(&self, lat: f64, lon: f64) -> f64 {
        let (from, to) = (lat.to_radians(), self.lat.to_radians());
        let (north, east) = (to - from, (self.lon - lon).to_radians());
        let half = (north / 2.0).sin().powi(2) + from.cos() * to.cos() * (east / 2.0).sin().powi(2);
        2.0 * EARTH_RADIUS_M * half.sqrt().min(1.0).asin()
    }
}

/// When a place is open.
#[derive(Debug)]
pub struct OpenHours {
    /// Local times of day as in [`QuietHours`](super::QuietHours).
    pub local: Vec<(u16, u16)>,
    /// On which weekdays they begin, Monday = 0; empty: every day.
    pub days: Vec<u8>,
    /// Local dates on which they do not begin.
    pub holidays: Vec<Date>,
}

/// What an offer answers to, and how long an answer makes sense.
#[derive(Debug)]
pub struct Trigger {
    /// Where the time of the trigger stands.
    pub at: TriggerTime,
    /// From its time on, this long.
    pub lives_ms: i64,
}

/// Where the time of a trigger stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerTime {
    /// In a tag of type time.
    Tag(TagNumber),
    /// In the context of the request, as text, by its dotted path.
    Context(Name),
}

/// An offer's words for some customers; a part left out means any.
#[derive(Debug)]
pub struct Variant {
    /// For customers of this language.
    pub language: Option<Name>,
    /// For customers who like this tone.
    pub tone: Option<Name>,
    /// Short plain name.
    pub title: Option<Name>,
    /// Content by channel; a channel it does not name has the offer's own.
    pub content: BTreeMap<Name, Value>,
}

/// A partner whose offers may read some tags only.
#[derive(Debug)]
pub struct Partner {
    /// Its name, as after `partner:`.
    pub id: Name,
    /// Tags its rules, formulas, affinities and texts may read.
    pub tags: Vec<TagNumber>,
    /// Fewer customers than this must not be singled out by one of its offers.
    pub audience_min: u64,
}

/// How words are chosen and written.
#[derive(Debug, Default)]
pub struct Languages {
    /// The tag that holds a customer's language.
    pub tag: Option<TagNumber>,
    /// The tag that holds the tone a customer likes.
    pub tone_tag: Option<TagNumber>,
    /// Fixed words by language.
    pub words: BTreeMap<Name, Words>,
    /// Those of a language without an entry: the entry `default`, else English ones.
    pub default_words: Words,
}

/// The fixed words of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Before the reasons in a script.
    pub why_this: Name,
    /// True.
    pub yes: Name,
    /// False.
    pub no: Name,
    /// Between groups of three digits.
    pub thousands: Name,
    /// Before the decimals.
    pub decimal: Name,
}

impl Default for Words {
    fn default() -> Self {
        Words {
            why_this: "Why this:".into(),
            yes: "yes".into(),
            no: "no".into(),
            thousands: ",".into(),
            decimal: ".".into(),
        }
    }
}
