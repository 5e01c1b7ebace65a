//! The optional parts of an offer as written, and the sections that belong to them.

use super::fields::Fields;
use super::{Located, Text};
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! sections {
    ($($(#[doc = $doc:literal])* $name:ident { $($field:ident: $type:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the fields are the keys of the playbook, described in its reference")]
        pub struct $name { $(pub $field: $type,)* }
    )*};
}

sections! {
    /// What few offers declare
    Extras {
        requires: Vec<Text>, excludes: Vec<Text>, follows: Vec<Text>, components: Vec<Text>,
        volume: Option<Located<f64>>, place: Option<Place>, hours: Vec<OpenHours>, trigger: Option<Trigger>,
        partner_pays: Option<Located<f64>>, audience_min: Option<Located<i64>>, variants: Vec<Variant>,
    }
    /// `place` of an offer
    Place { lat: Located<f64>, lon: Located<f64>, within_m: Located<f64>, zone: Option<Text>, }
    /// One of an offer's `hours`
    OpenHours { local: Vec<Text>, days: Vec<Text>, holidays: Vec<Text>, place: Located<()>, }
    /// `trigger` of an offer
    Trigger { at: Text, lives: Text, }
    /// One of an offer's `variants`
    Variant {
        language: Option<Text>, tone: Option<Text>, title: Option<Text>, content: BTreeMap<String, Located<Value>>,
        place: Located<()>,
    }
    /// One of `fit`
    Fit {
        usage: Text, min: Option<Located<f64>>, max: Option<Located<f64>>, family: Option<Text>, group: Option<Text>,
    }
    /// One of `partners`
    Partner { id: Text, tags: Vec<Text>, audience_min: Option<Located<i64>>, }
    /// `languages`
    Languages { tag: Option<Text>, tone_tag: Option<Text>, words: BTreeMap<String, Words>, }
    /// The fixed words of one of `languages`
    Words {
        why_this: Option<Text>, yes: Option<Text>, no: Option<Text>, thousands: Option<Text>, decimal: Option<Text>,
    }
}

/// The keys of an offer that belong here.
const KEYS: [&str; 11] = [
    "requires",
    "excludes",
    "follows",
    "components",
    "volume",
    "place",
    "hours",
    "trigger",
    "partner_pays",
    "audience_min",
    "variants",
];

/// The optional parts of an offer; `None` when it has none of them.
pub(super) fn extras(fields: &mut Fields<'_>) -> Option<Box<Extras>> {
    if !fields.knows_any(&KEYS) {
        return None;
    }
    Some(Box::new(Extras {
        requires: fields.texts("requires"),
        excludes: fields.texts("excludes"),
        follows: fields.texts("follows"),
        components: fields.texts("components"),
        volume: fields.number("volume"),
        place: place(fields),
        hours: fields.nested("hours", "hours", open_hours),
        trigger: trigger(fields),
        partner_pays: fields.number("partner_pays"),
        audience_min: fields.int("audience_min"),
        variants: fields.nested("variants", "a variant", variant),
    }))
}

fn place(fields: &mut Fields<'_>) -> Option<Place> {
    let mut place = fields.inner("place")?;
    let (lat, lon) = (place.needed_number("lat"), place.needed_number("lon"));
    let (within_m, zone) = (place.needed_number("within_m"), place.text("zone"));
    place.close();
    Some(Place { lat: lat?, lon: lon?, within_m: within_m?, zone })
}

fn open_hours(fields: &mut Fields<'_>) -> Option<OpenHours> {
    let (local, days, holidays) = (fields.texts("local"), fields.texts("days"), fields.texts("holidays"));
    Some(OpenHours { local, days, holidays, place: Located { value: (), at: fields.at() } })
}

fn trigger(fields: &mut Fields<'_>) -> Option<Trigger> {
    let mut trigger = fields.inner("trigger")?;
    let (at, lives) = (trigger.needed_text("at"), trigger.needed_text("lives"));
    trigger.close();
    Some(Trigger { at: at?, lives: lives? })
}

fn variant(fields: &mut Fields<'_>) -> Option<Variant> {
    let (language, tone, title) = (fields.text("language"), fields.text("tone"), fields.text("title"));
    let place = Located { value: (), at: fields.at() };
    Some(Variant { language, tone, title, content: fields.values("content"), place })
}

pub(super) fn fit(fields: &mut Fields<'_>) -> Option<Fit> {
    let usage = fields.needed_expression("usage");
    let (min, max) = (fields.number("min"), fields.number("max"));
    let (family, group) = (fields.text("family"), fields.text("group"));
    Some(Fit { usage: usage?, min, max, family, group })
}

pub(super) fn partner(fields: &mut Fields<'_>) -> Option<Partner> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("partner {}", id.value));
    }
    let (tags, audience_min) = (fields.texts("tags"), fields.int("audience_min"));
    Some(Partner { id: id?, tags, audience_min })
}

pub(super) fn languages(mut fields: Fields<'_>) -> Languages {
    let (tag, tone_tag) = (fields.text("tag"), fields.text("tone_tag"));
    let read = |mut fields: Fields<'_>| {
        let words = Words {
            why_this: fields.text("why_this"),
            yes: fields.text("yes"),
            no: fields.text("no"),
            thousands: fields.text("thousands"),
            decimal: fields.text("decimal"),
        };
        fields.close();
        words
    };
    let words = fields.maps("words").into_iter().map(|(name, fields)| (name, read(fields))).collect();
    fields.close();
    Languages { tag, tone_tag, words }
}
