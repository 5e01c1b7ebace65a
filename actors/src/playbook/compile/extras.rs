//! The optional parts of an offer: volume, place, hours, trigger, partner's pay, variants.
//!
//! Leaves out relations, which need all offers ([`super::relations`]), and what partners may read ([`super::partners`]).

use super::look_up::LookUp;
use super::offers::template;
use super::times::{DAYS, date, span};
use crate::playbook::extras::{Fit, OpenHours, Place, Relations, Trigger, TriggerTime, Variant};
use crate::playbook::source::extras as written;
use crate::playbook::source::{Located, Offer as WrittenOffer, Source, Text};
use crate::playbook::text::nearest;
use crate::playbook::{Extras, Formula, TagKind};
use crate::value::Name;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// What is sold may be this many times what is used, when a fit rule does not say.
const FIT_MAX_DEFAULT: f64 = 1.5;
/// Half the way around the earth.
const WITHIN_M_MAX: f64 = 20_040_000.0;

/// A rule about volumes, for some offers.
pub struct FitRule {
    family: Option<Name>,
    group: Option<Name>,
    usage: Formula,
    times_min: f64,
    times_max: f64,
}

/// The fit rules, in the order of the files.
pub fn fit_rules(source: &Source, look_up: &mut LookUp<'_>) -> Vec<FitRule> {
    let about = "fit rule";
    let with_volume: Vec<&WrittenOffer> = source
        .offers
        .iter()
        .filter(|offer| offer.extras.as_ref().is_some_and(|extras| extras.volume.is_some()))
        .collect();
    let families: BTreeSet<&str> = with_volume.iter().map(|offer| family(offer)).collect();
    let groups: BTreeSet<&str> =
        with_volume.iter().filter_map(|offer| offer.group.as_ref()).map(|text| text.value.as_str()).collect();
    let mut rules = Vec::new();
    for rule in &source.fit {
        for (name, known, what) in [(&rule.family, &families, "family"), (&rule.group, &groups, "group")] {
            if let Some(name) = name
                && !known.contains(name.value.as_str())
            {
                let fix = match nearest(&name.value, known.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "give offers of it a volume, or leave the rule out".into(),
                };
                let what = format!("{about}: no offer with a volume has the {what} {}", name.value);
                look_up.error(name.at, what, fix);
            }
        }
        let usage = look_up.number(&rule.usage, &format!("{about}, usage"));
        let mut times = |number: &Option<Located<f64>>, default: f64, what: &str| match number {
            Some(number) => look_up.within(number, 0.0, 1e6, &format!("{about}: {what}")).unwrap_or(default),
            None => default,
        };
        let (times_min, times_max) = (times(&rule.min, 0.0, "min"), times(&rule.max, FIT_MAX_DEFAULT, "max"));
        if times_min > times_max {
            let what = format!("{about}: min {times_min} is above max {times_max}");
            look_up.error(rule.usage.at, what, "give a min that is not above max (1.5 when left out)");
        }
        if let Some(usage) = usage {
            let named = |text: &Option<Text>| text.as_ref().map(|text| Name::from(text.value.as_str()));
            let (family, group) = (named(&rule.family), named(&rule.group));
            rules.push(FitRule { family, group, usage, times_min, times_max });
        }
    }
    rules
}

fn family(offer: &WrittenOffer) -> &str {
    offer.family.as_ref().unwrap_or(&offer.id).value.as_str()
}

/// The optional parts of an offer, its relations as written.
pub fn extras(
    offer: &WrittenOffer,
    fits: &[FitRule],
    about: &str,
    look_up: &mut LookUp<'_>,
) -> Option<Box<Extras>> {
    let written = offer.extras.as_deref()?;
    let place = written.place.as_ref();
    Some(Box::new(Extras {
        relations: Relations {
            requires: names(&written.requires),
            excludes: names(&written.excludes),
            follows: names(&written.follows),
            components: names(&written.components),
            ..Relations::default()
        },
        fit: fit(offer, written, fits, about, look_up),
        place: place.and_then(|it| location(it, about, look_up)),
        hours: written.hours.iter().filter_map(|it| hours(it, about, look_up)).collect(),
        zone: place.and_then(|it| it.zone.as_ref()).and_then(|it| zone(it, about, look_up)),
        trigger: written.trigger.as_ref().and_then(|it| trigger(it, about, look_up)),
        partner_pays: partner_pays(offer, written, about, look_up),
        audience_min: audience_min(written.audience_min.as_ref(), about, look_up),
        variants: written.variants.iter().map(|it| variant(it, about, look_up)).collect(),
    }))
}

fn names(texts: &[Text]) -> Vec<Name> {
    texts.iter().map(|text| text.value.as_str().into()).collect()
}

fn fit(
    offer: &WrittenOffer,
    written: &written::Extras,
    fits: &[FitRule],
    about: &str,
    look_up: &mut LookUp<'_>,
) -> Option<Fit> {
    let volume = look_up.within(written.volume.as_ref()?, 0.0, 1e15, &format!("volume of {about}"))?;
    let meant = |rule: &&FitRule| {
        rule.family.as_ref().is_none_or(|it| **it == *family(offer))
            && rule
                .group
                .as_ref()
                .is_none_or(|it| offer.group.as_ref().is_some_and(|group| **it == *group.value))
    };
    let rule = fits.iter().find(meant)?;
    let (usage, times_min, times_max) = (rule.usage.clone(), rule.times_min, rule.times_max);
    Some(Fit { volume, usage, times_min, times_max })
}

fn location(written: &written::Place, about: &str, look_up: &mut LookUp<'_>) -> Option<Place> {
    let lat = look_up.within(&written.lat, -90.0, 90.0, &format!("lat of {about}"));
    let lon = look_up.within(&written.lon, -180.0, 180.0, &format!("lon of {about}"));
    let within_m = look_up.within(&written.within_m, 0.0, WITHIN_M_MAX, &format!("within_m of {about}"));
    Some(Place { lat: lat?, lon: lon?, within_m: within_m? })
}

fn zone(text: &Text, about: &str, look_up: &mut LookUp<'_>) -> Option<TimeZone> {
    let zone = TimeZone::get(&text.value).ok();
    if zone.is_none() {
        let what = format!("{about}: unknown time zone {}", text.value);
        look_up.error(text.at, what, "write an IANA name, such as Europe/Berlin");
    }
    zone
}

fn hours(written: &written::OpenHours, about: &str, look_up: &mut LookUp<'_>) -> Option<OpenHours> {
    let about = format!("{about}, hours");
    if written.local.is_empty() {
        look_up.error(written.place.at, format!("{about} name no time"), "add local: [\"10:00-20:00\"]");
        return None;
    }
    Some(OpenHours {
        local: written.local.iter().filter_map(|text| span(text, &about, look_up)).collect(),
        days: written.days.iter().filter_map(|text| look_up.word(text, &about, &DAYS)).collect(),
        holidays: written.holidays.iter().filter_map(|text| date(text, &about, look_up)).collect(),
    })
}

fn trigger(written: &written::Trigger, about: &str, look_up: &mut LookUp<'_>) -> Option<Trigger> {
    let about = format!("{about}, trigger");
    let lives_ms = look_up.duration(&written.lives, &about);
    let at = match (written.at.value.strip_prefix("t."), written.at.value.strip_prefix("c.")) {
        (Some(id), _) => {
            let id = Text { value: id.to_owned(), at: written.at.at };
            let tag = look_up.tag(&id, &about)?;
            if tag.kind != TagKind::Time {
                let what = format!("{about}: tag {} is {}, not a time", tag.id, tag.kind.word());
                look_up.error(written.at.at, what, "name a tag of type time");
            }
            TriggerTime::Tag(tag.number)
        }
        (_, Some(path)) if !path.is_empty() => TriggerTime::Context(path.into()),
        _ => {
            let what = format!("{about}: {} is no tag and no field of the context", written.at.value);
            look_up.error(written.at.at, what, "write t.<tag> or c.<field>");
            return None;
        }
    };
    Some(Trigger { at, lives_ms: lives_ms? })
}

fn partner_pays(
    offer: &WrittenOffer,
    written: &written::Extras,
    about: &str,
    look_up: &mut LookUp<'_>,
) -> Option<f64> {
    let pays = written.partner_pays.as_ref()?;
    if offer.owner.as_ref().is_none_or(|owner| owner.value == "own") {
        let what = format!("{about} is our own, and partner_pays is given");
        look_up.error(pays.at, what, "leave it out, or name the owner as partner:NAME");
    }
    look_up.within(pays, 0.0, 1e9, &format!("partner_pays of {about}"))
}

/// A count of customers; 0 when nothing is written.
pub fn audience_min(written: Option<&Located<i64>>, about: &str, look_up: &mut LookUp<'_>) -> u64 {
    let Some(written) = written else { return 0 };
    u64::try_from(written.value).unwrap_or_else(|_| {
        let what = format!("audience_min of {about} is {}", written.value);
        look_up.error(written.at, what, "give a number from 0");
        0
    })
}

fn variant(written: &written::Variant, about: &str, look_up: &mut LookUp<'_>) -> Variant {
    if written.language.is_none() && written.tone.is_none() {
        let what = format!("{about}: a variant names neither language nor tone");
        look_up.error(written.place.at, what, "add language: de or tone: casual");
    }
    for (channel, content) in &written.content {
        if channel != "default" {
            look_up.channel(channel, content.at, &format!("{about}, variant"));
        }
        template(&content.value, content.at, &format!("{about}, variant, content of {channel}"), look_up);
    }
    let named = |text: &Option<Text>| text.as_ref().map(|text| Name::from(text.value.as_str()));
    Variant {
        language: named(&written.language),
        tone: named(&written.tone),
        title: named(&written.title),
        content: written
            .content
            .iter()
            .map(|(channel, value)| (channel.as_str().into(), value.value.clone()))
            .collect(),
    }
}
