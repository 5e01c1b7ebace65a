//! The offer section: defaults, ranges, rules, values in the active KPI, affinities and templates.

use super::extras::{FitRule, extras};
use super::look_up::LookUp;
use super::times::{Edge, moment};
use super::{partners, relations};
use crate::playbook::source::{Affinity as WrittenAffinity, Located, Offer as WrittenOffer, Source, Text};
use crate::playbook::text::{At, nearest};
use crate::playbook::{Affinity, Formula, Offer, OfferKind, Partner, Tag, TagKind, TagNumber, TagValue};
use crate::timestamp::Timestamp;
use crate::value::{Name, Value};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Probabilities stay this far from 0 and 1, where log-odds end.
const PROBABILITY_MIN: f64 = 1e-6;
/// What an offer without priors is taken for.
const PRIOR_DEFAULT: f64 = 0.01;
/// Purposes with a meaning in consent and contact policy.
const PURPOSES: [&str; 6] = ["marketing", "service", "regulatory", "telesales", "location", "profiling"];
const KINDS: [OfferKind; 5] =
    [OfferKind::Offer, OfferKind::Service, OfferKind::Retention, OfferKind::Info, OfferKind::Survey];

/// The active KPI. Some offer must have a value in it, and those that have none are named.
pub fn kpi(source: &Source, look_up: &mut LookUp<'_>) -> Name {
    let keys: BTreeSet<&str> =
        source.offers.iter().flat_map(|offer| offer.value.keys().map(String::as_str)).collect();
    let written = source.kpi.clone().unwrap_or(Text { value: "clv".into(), at: At { file: 0, line: 1 } });
    let active = written.value.as_str();
    if !keys.is_empty() && !keys.contains(active) {
        let fix = match nearest(active, keys.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!(
                "set kpi: {{active: ..}} to one of {}",
                keys.into_iter().collect::<Vec<_>>().join(", ")
            ),
        };
        look_up.error(written.at, format!("no offer has a value in the active KPI {active}"), fix);
        return active.into();
    }
    for offer in source.offers.iter().filter(|offer| !offer.value.contains_key(active)) {
        let what = format!("offer {} has no value in the active KPI {active}", offer.id.value);
        look_up.warning(offer.id.at, what, "it counts as worth 0: add the value");
    }
    active.into()
}

/// What offers are read against.
pub struct Around<'a> {
    /// The active KPI.
    pub kpi: &'a str,
    /// The tenant's zone.
    pub zone: &'a TimeZone,
    /// Rules about volumes.
    pub fits: &'a [FitRule],
    /// The declared partners.
    pub partners: &'a [Partner],
}

/// All offers, sorted by id.
pub fn offers(source: &Source, around: &Around<'_>, look_up: &mut LookUp<'_>) -> Vec<Offer> {
    look_up.unique(source.offers.iter().map(|offer| &offer.id), "offer");
    let calendar: BTreeSet<&str> = source.calendar.iter().map(|entry| entry.id.value.as_str()).collect();
    let mut offers: Vec<Offer> =
        source.offers.iter().map(|written| offer(written, around, &calendar, look_up)).collect();
    relations::link(source, &mut offers, look_up);
    offers
}

fn offer(
    written: &WrittenOffer,
    around: &Around<'_>,
    calendar: &BTreeSet<&str>,
    look_up: &mut LookUp<'_>,
) -> Offer {
    let Around { kpi, zone, .. } = *around;
    let id = written.id.value.as_str();
    let about = format!("offer {id}");
    let (valid_from, valid_to) = validity(written, zone, &about, look_up);
    let (prior_default, prior) = priors(written, &about, look_up);
    if let Some(campaign) = &written.campaign
        && !calendar.contains(campaign.value.as_str())
    {
        let what = format!("{about}: no calendar entry is named {}", campaign.value);
        look_up.warning(campaign.at, what, "add it to the calendar, or correct the name");
    }
    templates(written, &about, look_up);
    let named = |text: &Option<Text>, default: &str, look_up: &mut LookUp<'_>| -> Name {
        look_up.name(text.as_ref().map_or(default, |text| text.value.as_str()))
    };
    let mut offer = Offer {
        id: look_up.name(id),
        title: named(&written.title, id, look_up),
        owner: owner(written.owner.as_ref(), &about, look_up),
        family: named(&written.family, id, look_up),
        group: named(&written.group, "", look_up),
        kind: kind(written.kind.as_ref(), &about, look_up),
        purpose: purpose(written.purpose.as_ref(), &about, look_up),
        campaign: written.campaign.as_ref().map(|text| look_up.name(&text.value)),
        valid_from,
        valid_to,
        price: written
            .price
            .as_ref()
            .and_then(|price| look_up.within(price, 0.0, 1e9, &format!("price of {about}"))),
        value: value(written, kpi, &about, look_up),
        prior_default,
        prior,
        affinity: written.affinity.iter().filter_map(|term| affinity(term, &about, look_up)).collect(),
        lever: lever(written, &about, look_up),
        eligible: look_up.rule_if_any(written.eligible.as_ref(), &format!("{about}, eligible")),
        applicable: look_up.rule_if_any(written.applicable.as_ref(), &format!("{about}, applicable")),
        suitable: look_up.rule_if_any(written.suitable.as_ref(), &format!("{about}, suitable")),
        channels: written
            .channels
            .iter()
            .filter_map(|name| look_up.channel(&name.value, name.at, &about))
            .collect(),
        content: written
            .content
            .iter()
            .map(|(key, value)| (look_up.name(key), value.value.clone()))
            .collect(),
        extras: extras(written, around.fits, &about, look_up),
    };
    partners::check(&mut offer, written, around.partners, &about, look_up);
    offer
}

fn validity(
    written: &WrittenOffer,
    zone: &TimeZone,
    about: &str,
    look_up: &mut LookUp<'_>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let from = written.valid_from.as_ref().and_then(|text| moment(text, Edge::First, zone, about, look_up));
    let to = written.valid_to.as_ref().and_then(|text| moment(text, Edge::Last, zone, about, look_up));
    if let (Some(from), Some(to), Some(text)) = (from, to, &written.valid_to)
        && from >= to
    {
        look_up.error(
            text.at,
            format!("{about} is valid to {} before it begins", text.value),
            "change the dates",
        );
    }
    (from, to)
}

fn owner(text: Option<&Text>, about: &str, look_up: &mut LookUp<'_>) -> Name {
    let Some(text) = text else { return look_up.name("own") };
    if text.value != "own" && text.value.strip_prefix("partner:").is_none_or(str::is_empty) {
        look_up.error(text.at, format!("{about}: unknown owner {}", text.value), "write own or partner:NAME");
    }
    look_up.name(&text.value)
}

fn kind(text: Option<&Text>, about: &str, look_up: &mut LookUp<'_>) -> OfferKind {
    let words = KINDS.map(|kind| (kind.word(), kind));
    text.and_then(|text| look_up.word(text, about, &words)).unwrap_or(OfferKind::Offer)
}

/// A misspelt purpose would slip past consent and caps, so what is near a known one is a mistake.
fn purpose(text: Option<&Text>, about: &str, look_up: &mut LookUp<'_>) -> Name {
    let Some(text) = text else { return look_up.name("marketing") };
    if !PURPOSES.contains(&text.value.as_str()) {
        let what = format!("{about}: {} is no known purpose", text.value);
        match nearest(&text.value, PURPOSES) {
            Some(near) => look_up.error(text.at, what, format!("did you mean {near}?")),
            None => look_up.warning(text.at, what, format!("known are {}", PURPOSES.join(", "))),
        }
    }
    look_up.name(&text.value)
}

/// Every formula is checked, the one of the active KPI is kept.
fn value(written: &WrittenOffer, kpi: &str, about: &str, look_up: &mut LookUp<'_>) -> Option<Formula> {
    let mut active = None;
    for (key, text) in &written.value {
        let formula = look_up.number(text, &format!("{about}, value in {key}"));
        if key == kpi {
            active = formula;
        }
    }
    active
}

fn priors(written: &WrittenOffer, about: &str, look_up: &mut LookUp<'_>) -> (f64, BTreeMap<Name, f64>) {
    let mut default = PRIOR_DEFAULT;
    let mut by_channel = BTreeMap::new();
    for (key, number) in &written.prior {
        let Some(probability) = probability(number, &format!("prior {key} of {about}"), look_up) else {
            continue;
        };
        if key == "default" {
            default = probability;
        } else if let Some(channel) = look_up.channel(key, number.at, about) {
            by_channel.insert(channel, probability);
        }
    }
    (default, by_channel)
}

fn probability(number: &Located<f64>, about: &str, look_up: &mut LookUp<'_>) -> Option<f64> {
    if number.value > 0.0 && number.value < 1.0 {
        return Some(number.value.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN));
    }
    look_up.error(
        number.at,
        format!("{about} is {}", number.value),
        "give a probability between 0 and 1, both excluded",
    );
    None
}

fn lever(written: &WrittenOffer, about: &str, look_up: &mut LookUp<'_>) -> f64 {
    let lever = written.lever.as_ref();
    lever
        .and_then(|lever| look_up.within(lever, -100.0, 100_000.0, &format!("lever of {about}")))
        .unwrap_or(0.0)
}

fn affinity(written: &WrittenAffinity, about: &str, look_up: &mut LookUp<'_>) -> Option<Affinity> {
    let about = format!("{about}, affinity {}", written.tag.value);
    let tag = look_up.tag(&written.tag, &about)?;
    let weight = look_up.within(&written.weight, -1000.0, 1000.0, &format!("{about}: weight"))?;
    let shape = [&written.center, &written.scale, &written.mean].into_iter().flatten().next();
    match (&written.equals, shape) {
        (Some(equals), None) => {
            let value = equal_value(&equals.value, equals.at, tag, &about, look_up)?;
            Some(Affinity::Equals { tag: tag.number, weight, value })
        }
        (Some(_), Some(shape)) => {
            look_up.error(
                shape.at,
                format!("{about} has equals and a curve"),
                "keep equals, or center and scale",
            );
            None
        }
        (None, _) => curve(written, tag, weight, &about, look_up),
    }
}

fn curve(
    written: &WrittenAffinity,
    tag: &Tag,
    weight: f64,
    about: &str,
    look_up: &mut LookUp<'_>,
) -> Option<Affinity> {
    if !matches!(tag.kind, TagKind::Int | TagKind::Number) {
        let what = format!("{about}: the tag is {}, not a number", tag.kind.word());
        look_up.error(written.tag.at, what, "use equals");
        return None;
    }
    let (Some(center), Some(scale)) = (&written.center, &written.scale) else {
        look_up.error(written.tag.at, format!("{about} lacks center or scale"), "add both, or use equals");
        return None;
    };
    if scale.value == 0.0 {
        look_up.error(
            scale.at,
            format!("{about}: scale is 0"),
            "give the width of a step, such as a standard deviation",
        );
        return None;
    }
    let mean_logit = match &written.mean {
        Some(mean) => {
            let mean = probability(mean, &format!("{about}: mean"), look_up)?;
            (mean / (1.0 - mean)).ln()
        }
        None => 0.0,
    };
    Some(Affinity::Number { tag: tag.number, weight, center: center.value, scale: scale.value, mean_logit })
}

/// The value an affinity compares a tag with, in the tag's own type.
fn equal_value(value: &Value, at: At, tag: &Tag, about: &str, look_up: &mut LookUp<'_>) -> Option<TagValue> {
    match (tag.kind, value) {
        (TagKind::Int, Value::Int(value)) => Some(TagValue::Int(*value)),
        (TagKind::Number, Value::Int(value)) => Some(TagValue::Number(*value as f64)),
        (TagKind::Number, Value::Number(value)) => Some(TagValue::Number(*value)),
        (TagKind::Bool, Value::Bool(value)) => Some(TagValue::Bool(*value)),
        (TagKind::Text, Value::Text(value)) => Some(TagValue::Text(value.as_str().into())),
        (TagKind::Time, Value::Text(value)) => {
            let at_time = Timestamp::parse(value);
            if at_time.is_none() {
                look_up.error(at, format!("{about}: {value} is no time"), "write 2026-01-31T12:00:00Z");
            }
            at_time.map(TagValue::Time)
        }
        (TagKind::Enum, Value::Text(text)) => enum_value(text, at, tag.number, about, look_up),
        (kind, value) => {
            let what = format!("{about}: equals is {}, and the tag is {}", value.kind(), kind.word());
            look_up.error(at, what, "give a value of the tag's type");
            None
        }
    }
}

fn enum_value(text: &str, at: At, tag: TagNumber, about: &str, look_up: &mut LookUp<'_>) -> Option<TagValue> {
    let dictionary = look_up.dictionary();
    if let Some(value) = dictionary.enum_value(tag, text) {
        return Some(TagValue::Enum(value));
    }
    let values = dictionary.enum_values(tag);
    let fix = match nearest(text, values.iter().map(|value| &**value)) {
        Some(near) => format!("did you mean {near}?"),
        None => "use one of the tag's values".into(),
    };
    look_up.error(at, format!("{about}: {text} is not a value of the tag"), fix);
    None
}

fn templates(written: &WrittenOffer, about: &str, look_up: &mut LookUp<'_>) {
    for (key, content) in &written.content {
        if !look_up.channels.is_empty() && !look_up.channels.contains_key(key.as_str()) && key != "default" {
            look_up.warning(
                content.at,
                format!("{about}: content for the unknown channel {key}"),
                "correct the name",
            );
        }
        template(&content.value, content.at, &format!("{about}, content of {key}"), look_up);
    }
}

/// Checks every text of a content: each `{{ t.tag }}` names a declared tag that is not private.
pub fn template(value: &Value, at: At, about: &str, look_up: &mut LookUp<'_>) {
    match value {
        Value::Text(text) => placeholders(text, at, about, look_up),
        Value::List(items) => items.iter().for_each(|item| template(item, at, about, look_up)),
        Value::Map(entries) => entries.values().for_each(|item| template(item, at, about, look_up)),
        _ => {}
    }
}

/// `{{ t.tag }}`, where the tag is declared and not private.
fn placeholders(text: &str, at: At, about: &str, look_up: &mut LookUp<'_>) {
    for part in text.split("{{").skip(1) {
        let Some((inner, _)) = part.split_once("}}") else {
            look_up.error(at, format!("{about}: {{{{ is not closed"), "close it with }}");
            continue;
        };
        let Some(id) = inner.trim().strip_prefix("t.") else {
            look_up.error(at, format!("{about}: {{{{{inner}}}}} is no tag"), "write {{ t.<tag> }}");
            continue;
        };
        let tag = look_up.tag(&Text { value: id.to_owned(), at }, about);
        if tag.is_some_and(|tag| tag.private) {
            look_up.error(at, format!("{about}: tag {id} is private"), "leave it out of texts");
        }
    }
}
