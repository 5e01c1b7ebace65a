//! What the author of a playbook wrote, section by section, before anything is looked up.
//!
//! The canonical form of a playbook is this, in MessagePack: comments, files and the order of what has no order play
//! no part in it, and neither do places in files, which every value carries beside itself. What is given as text
//! (durations, rules, dates) stays text here; the compiler reads it.

pub mod fields;
pub mod extras;
mod read;
mod read_policy;

pub use extras::Extras;
pub use read::{CHANGES, read};

use super::text::At;
use crate::error::Unreadable;
use crate::value::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// A value and its place, which is not part of the canonical form.
#[derive(Clone, Debug, Default)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: At,
}

/// Text and its place.
pub type Text = Located<String>;

impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Located { value: T::deserialize(deserializer)?, at: At::default() })
    }
}

/// A whole playbook as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the keys of the playbook, described in its reference")]
pub struct Source {
    pub tenant: Option<Tenant>,
    pub kpi: Option<Text>,
    pub tags: Vec<Tag>,
    pub events: Vec<Event>,
    pub offers: Vec<Offer>,
    pub context_weights: Vec<ContextWeight>,
    pub caps: Vec<Cap>,
    pub suppress: Vec<Suppress>,
    pub quiet_hours: Vec<QuietHours>,
    pub calendar: Vec<CalendarEntry>,
    pub holdouts: Vec<Holdout>,
    pub explore: Option<Explore>,
    pub family_max: Option<Located<i64>>,
    pub learning: Option<Located<bool>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_strength: Option<Located<f64>>,
    pub fences: Vec<Fence>,
    pub lifecycle: Option<LifeCycle>,
    pub pauses: Vec<Pause>,
    pub journeys: Vec<Journey>,
    pub channels: BTreeMap<String, Channel>,
    #[serde(default)]
    pub fit: Vec<extras::Fit>,
    #[serde(default)]
    pub partners: Vec<extras::Partner>,
    #[serde(default)]
    pub languages: Option<extras::Languages>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<Experiment>,
}

impl Source {
    /// What its author wrote, from a playbook's canonical form.
    ///
    /// # Errors
    /// [`Unreadable`] when the bytes are no playbook of this version.
    pub fn from_canonical(canonical: &[u8]) -> Result<Source, Unreadable> {
        rmp_serde::from_slice(canonical).map_err(|error| Unreadable::new("canonical playbook", error))
    }

    /// Sorts what has no order. Updates, weights, suppressions, quiet hours, fit rules,
    /// holdouts and experiments keep theirs.
    pub fn sort(&mut self) {
        self.tags.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        self.events.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        self.offers.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        self.caps.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        self.calendar.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        self.pauses.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        self.fences.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        self.journeys.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        self.partners.sort_by(|a, b| a.id.value.cmp(&b.id.value));
    }
}

macro_rules! sections {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the fields are the keys of the playbook, described in its reference")]
        pub struct $name { $($(#[$attribute])* pub $field: $type,)* }
    )*};
}

sections! {
    /// `tenant`
    Tenant { zone: Option<Text>, currency: Option<Text>, zone_tag: Option<Text>, bill_day_tag: Option<Text>, }
    /// One of `tags`
    Tag {
        id: Text, kind: Text, values: Vec<Text>, max_age: Option<Text>, private: bool, text: Option<Text>,
        reason: Option<Text>, translations: Option<BTreeMap<String, TagWords>>,
    }
    /// A tag's words in another language
    TagWords { text: Option<Text>, reason: Option<Text>, }
    /// One of `events`
    Event { id: Text, data: BTreeMap<String, Text>, updates: Vec<Update>, }
    /// One of an event's `updates`; `changes` holds `set`, `sum` and their like as written, `terms` what goes with them
    Update {
        tag: Option<Text>, changes: BTreeMap<String, Text>, terms: BTreeMap<String, Text>, at: Vec<Text>,
        when: Option<Text>, place: Located<()>,
    }
    /// One of `offers`
    Offer {
        id: Text, title: Option<Text>, owner: Option<Text>, family: Option<Text>, group: Option<Text>,
        kind: Option<Text>, purpose: Option<Text>, campaign: Option<Text>, valid_from: Option<Text>,
        valid_to: Option<Text>, price: Option<Located<f64>>, value: BTreeMap<String, Text>,
        prior: BTreeMap<String, Located<f64>>, affinity: Vec<Affinity>, lever: Option<Located<f64>>,
        eligible: Option<Text>, applicable: Option<Text>, suitable: Option<Text>, channels: Vec<Text>,
        content: BTreeMap<String, Located<Value>>, extras: Option<Box<Extras>>,
    }
    /// One of an offer's `affinity`
    Affinity {
        tag: Text, weight: Located<f64>, center: Option<Located<f64>>, scale: Option<Located<f64>>,
        mean: Option<Located<f64>>, equals: Option<Located<Value>>,
    }
    /// One of `context_weights`
    ContextWeight {
        when: Text, group: Option<Text>, family: Option<Text>, offer: Option<Text>, weight: Located<f64>,
    }
    /// One of `caps`
    Cap {
        id: Text, matches: Text, subject: Option<Text>, limit: Located<i64>, calendar: Option<Text>,
        rolling: Option<Text>, counts: Option<Text>, reserve: Option<Located<f64>>,
    }
    /// One of `suppress`
    Suppress {
        on: Text, by: Option<Text>, count: Option<Located<i64>>, within: Option<Text>, scope: Text, channels: Vec<Text>, then: Text,
    }
    /// One of `quiet_hours`
    QuietHours {
        matches: Text, local: Vec<Text>, days: Vec<Text>, holidays: Vec<Text>, on_hit: Option<Text>,
        expire: Option<Text>,
    }
    /// One of `calendar`
    CalendarEntry { id: Text, segment: Option<Text>, from: Text, to: Text, exclusive: bool, }
    /// One of `holdouts`
    Holdout { id: Text, share: Located<f64>, salt: Text, }
    /// One of `experiments`
    Experiment { id: Text, salt: Text, ramp: Option<Located<f64>>, enabled: Option<Located<bool>>, arms: Vec<ExperimentArm>, }
    /// One of an experiment's `arms`
    ExperimentArm { id: Text, share: Located<f64>, explore: Option<Located<f64>>, list: Vec<Text>, }
    /// `explore`
    Explore { start: Located<f64>, steady: Located<f64>, ramp: Text, }
    /// `lifecycle`
    LifeCycle { tag: Text, stages: Vec<Text>, moves: Vec<Move>, }
    /// One of the life cycle's `moves`
    Move { from: Vec<Text>, to: Text, on: Option<Text>, when: Option<Text>, }
    /// One of `pauses`
    Pause { id: Text, when: Text, purposes: Vec<Text>, }
    /// One of `fences`
    Fence { id: Text, lat: Located<f64>, lon: Located<f64>, radius_m: Located<f64>, group: Option<Text>, }
    /// One of `channels`
    Channel { kind: Text, url: Option<Text>,
        /// Left out of the canonical form when there is none, so that ids of older playbooks stay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<Text>,
    }
    /// One of `journeys`: the definition as written, and what in it names or asks something
    Journey { id: Text, definition: Value, rules: Vec<Text>, steps: Vec<Text>, targets: Vec<Text>, offers: Vec<Text>,
        events: Vec<Text>, tags: Vec<Text>, durations: Vec<Text>, }
}
