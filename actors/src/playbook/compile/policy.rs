//! Tenant, channels and the rules of contact: weights, caps, suppressions, calendar, holdouts, exploration.

use super::look_up::LookUp;
use super::tenant_default;
use super::times::{Edge, moment};
use crate::call::{ResponseBy, ResponseKind};
use crate::learning::smoothing::STRENGTH_DEFAULT;
use crate::playbook::extras::Place;
use crate::playbook::fences::{Fence, Fences, LAT_MAX, RADIUS_M_MAX};
use crate::playbook::source::{Cap as WrittenCap, Located, Source, Suppress as WrittenSuppress, Text};
use crate::playbook::text::nearest;
use crate::playbook::{
    CalendarEntry, CalendarUnit, Cap, CapSubject, Channel, ContextWeight, Counts, Explore, Holdout, Learning,
    OfferScope, Suppress, SuppressScope, TagKind, Tenant, Window,
};
use crate::timestamp::DAY_MS;
use crate::value::Name;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Fences of a playbook at most: a few megabytes of grid.
const FENCES_MAX: usize = 100_000;
/// More contacts than anybody remembers: a cap beyond this is a slip.
const CAP_LIMIT_MAX: i64 = 100_000;
/// A total counts all customers: more than anybody has of them.
const TOTAL_LIMIT_MAX: i64 = 4_000_000_000;

pub fn tenant(source: &Source, look_up: &mut LookUp<'_>) -> Tenant {
    let mut tenant = tenant_default();
    let Some(written) = &source.tenant else { return tenant };
    if let Some(zone) = &written.zone {
        match TimeZone::get(&zone.value) {
            Ok(found) => tenant.zone = found,
            Err(_) => look_up.error(
                zone.at,
                format!("unknown time zone {}", zone.value),
                "write an IANA name, such as Europe/Berlin",
            ),
        }
    }
    if let Some(currency) = &written.currency {
        if currency.value.len() != 3 || !currency.value.bytes().all(|byte| byte.is_ascii_uppercase()) {
            look_up.error(
                currency.at,
                format!("{} is no currency", currency.value),
                "write its ISO 4217 code, such as EUR",
            );
        }
        tenant.currency = currency.value.as_str().into();
    }
    if let Some(tag) = written.zone_tag.as_ref().and_then(|id| look_up.tag(id, "tenant"))
        && let Some(id) = &written.zone_tag
    {
        if tag.kind != TagKind::Text {
            let what = format!("zone_tag {} is {}", tag.id, tag.kind.word());
            look_up.error(id.at, what, "name a string tag that holds an IANA name");
        }
        tenant.zone_tag = Some(tag.number);
    }
    if let Some(id) = &written.bill_day_tag
        && let Some(tag) = look_up.tag(id, "tenant")
    {
        if tag.kind != TagKind::Int {
            let what = format!("bill_day_tag {} is {}", tag.id, tag.kind.word());
            look_up.error(id.at, what, "name an int tag that holds a day of the month");
        }
        tenant.bill_day_tag = Some(tag.number);
    }
    tenant
}

/// Places that customers come to.
pub fn fences(source: &Source, look_up: &mut LookUp<'_>) -> Fences {
    look_up.unique(source.fences.iter().map(|fence| &fence.id), "fence");
    if let Some(over) = source.fences.get(FENCES_MAX) {
        let what = format!("there are {} fences", source.fences.len());
        look_up.error(over.id.at, what, format!("declare at most {FENCES_MAX}"));
    }
    let fence = |written: &crate::playbook::source::Fence| {
        let about = |what: &str| format!("{what} of fence {}", written.id.value);
        let lat = look_up.within(&written.lat, -LAT_MAX, LAT_MAX, &about("lat"));
        let lon = look_up.within(&written.lon, -180.0, 180.0, &about("lon"));
        let within_m = look_up.within(&written.radius_m, 10.0, RADIUS_M_MAX, &about("radius_m"));
        let group = written.group.as_ref().map(|group| group.value.as_str().into());
        let place = Place { lat: lat?, lon: lon?, within_m: within_m? };
        Some(Fence { id: written.id.value.as_str().into(), place, group })
    };
    Fences::new(source.fences.iter().filter_map(fence).collect())
}

pub fn channels(source: &Source, look_up: &mut LookUp<'_>) -> BTreeMap<Name, Channel> {
    let mut channels = BTreeMap::new();
    for (name, written) in &source.channels {
        let about = format!("channel {name}");
        let words = [("inbound", true), ("webhook", false)];
        let Some(inbound_only) = look_up.word(&written.kind, &about, &words) else { continue };
        match &written.url {
            Some(url) if !(url.value.starts_with("http://") || url.value.starts_with("https://")) => {
                look_up.error(
                    url.at,
                    format!("{about}: {} is no address", url.value),
                    "begin with http:// or https://",
                );
            }
            None if !inbound_only => look_up.error(written.kind.at, format!("{about} lacks url"), "add url"),
            _ => {}
        }
        let provider = written.provider.as_ref().map(|text| Name::from(text.value.as_str()));
        channels.insert(name.as_str().into(), Channel { inbound_only, provider });
    }
    channels
}

pub fn context_weights(source: &Source, look_up: &mut LookUp<'_>) -> Vec<ContextWeight> {
    let groups: BTreeSet<&str> = source
        .offers
        .iter()
        .filter_map(|offer| offer.group.as_ref())
        .map(|text| text.value.as_str())
        .collect();
    let families: BTreeSet<&str> =
        source.offers.iter().map(|offer| offer.family.as_ref().unwrap_or(&offer.id).value.as_str()).collect();
    let offers: BTreeSet<&str> = source.offers.iter().map(|offer| offer.id.value.as_str()).collect();
    let mut weights = Vec::new();
    for written in &source.context_weights {
        let about = "context weight";
        for (name, known, what) in [
            (&written.group, &groups, "group"),
            (&written.family, &families, "family"),
            (&written.offer, &offers, "offer"),
        ] {
            if let Some(name) = name
                && !known.contains(name.value.as_str())
            {
                let fix = match nearest(&name.value, known.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("name a {what} of some offer"),
                };
                look_up.error(name.at, format!("{about}: no offer has the {what} {}", name.value), fix);
            }
        }
        let when = look_up.rule(&written.when, about);
        let weight = look_up.within(&written.weight, -100.0, 1_000_000.0, "a context weight");
        let named = |text: &Option<Text>| text.as_ref().map(|text| Name::from(text.value.as_str()));
        let scope = OfferScope {
            group: named(&written.group),
            family: named(&written.family),
            offer: named(&written.offer),
        };
        if let (Some(when), Some(weight)) = (when, weight) {
            weights.push(ContextWeight { when, scope, weight });
        }
    }
    weights
}

pub fn caps(source: &Source, look_up: &mut LookUp<'_>) -> Vec<Cap> {
    look_up.unique(source.caps.iter().map(|cap| &cap.id), "cap");
    source.caps.iter().filter_map(|written| cap(written, look_up)).collect()
}

fn cap(written: &WrittenCap, look_up: &mut LookUp<'_>) -> Option<Cap> {
    let about = format!("cap {}", written.id.value);
    let subject = match written.subject.as_ref() {
        Some(subject) => look_up.word(
            subject,
            &about,
            &[
                ("customer", CapSubject::Customer),
                ("line", CapSubject::Line),
                ("offer_total", CapSubject::OfferTotal),
            ],
        ),
        None => Some(CapSubject::Customer),
    };
    let matches = look_up.rule(&written.matches, &about);
    let total = subject == Some(CapSubject::OfferTotal);
    let limit_max = if total { TOTAL_LIMIT_MAX } else { CAP_LIMIT_MAX };
    if !(0..=limit_max).contains(&written.limit.value) {
        let what = format!("{about}: the limit is {}", written.limit.value);
        look_up.error(written.limit.at, what, format!("give a number from 0 to {limit_max}"));
    }
    let window = match (&written.calendar, &written.rolling) {
        (None, None) if total => Some(Window::Life),
        (_, Some(rolling)) if total => {
            let fix =
                "write window: {calendar: month}, or leave the window out for a total for its whole life";
            look_up.error(rolling.at, format!("{about} is a total, and totals do not roll"), fix);
            None
        }
        _ => window(written, &about, look_up),
    };
    let words = [("reserved", Counts::Reserved), ("shown", Counts::Shown)];
    let counts =
        written.counts.as_ref().map_or(Some(Counts::Reserved), |text| look_up.word(text, &about, &words));
    let limit = u32::try_from(written.limit.value).ok();
    let reserve = written.reserve.as_ref();
    let reserve = reserve.and_then(|it| look_up.within(it, 0.0, 1e12, &format!("{about}: reserve")));
    Some(Cap {
        id: written.id.value.as_str().into(),
        matches: matches?,
        subject: subject?,
        limit: limit?,
        window: window?,
        counts: counts?,
        reserve,
    })
}

fn window(written: &WrittenCap, about: &str, look_up: &mut LookUp<'_>) -> Option<Window> {
    let units = [
        ("day", CalendarUnit::Day),
        ("week", CalendarUnit::Week),
        ("month", CalendarUnit::Month),
        ("quarter", CalendarUnit::Quarter),
    ];
    match (&written.calendar, &written.rolling) {
        (Some(unit), None) => look_up.word(unit, about, &units).map(Window::Calendar),
        (None, Some(text)) => look_up.duration(text, about).map(|length_ms| Window::Rolling { length_ms }),
        _ => {
            let what = format!("{about} has not one window");
            look_up.error(written.id.at, what, "write window: {calendar: month} or {rolling: 7d}");
            None
        }
    }
}

pub fn suppress(source: &Source, look_up: &mut LookUp<'_>) -> Vec<Suppress> {
    source.suppress.iter().filter_map(|written| suppression(written, look_up)).collect()
}

fn suppression(written: &WrittenSuppress, look_up: &mut LookUp<'_>) -> Option<Suppress> {
    let about = "suppression";
    let responses = [
        ("rejected", ResponseKind::Rejected),
        ("ignored", ResponseKind::Ignored),
        ("clicked", ResponseKind::Clicked),
        ("accepted", ResponseKind::Accepted),
    ];
    let scopes = [
        SuppressScope::Offer,
        SuppressScope::Family,
        SuppressScope::Group,
        SuppressScope::Partner,
        SuppressScope::All,
    ];
    let on = look_up.word(&written.on, about, &responses);
    let scope = look_up.word(&written.scope, about, &scopes.map(|scope| (scope.word(), scope)));
    let count = written.count.clone().unwrap_or(Located { value: 1, at: written.on.at });
    if !(1..=1000).contains(&count.value) {
        look_up.error(count.at, format!("{about}: count is {}", count.value), "give a number from 1 to 1000");
    }
    let within_ms = match &written.within {
        Some(text) => look_up.duration(text, about).map(Some),
        None => Some(None),
    };
    let for_ms = match written.then.value.as_str() {
        "forever" => Some(None),
        then => {
            let length = then.strip_prefix("suppress for ").unwrap_or(then).to_owned();
            look_up.duration(&Text { value: length, at: written.then.at }, about).map(Some)
        }
    };
    let channels: Vec<Name> =
        written.channels.iter().filter_map(|name| look_up.channel(&name.value, name.at, about)).collect();
    let count = u32::try_from(count.value).ok();
    let words = [("customer", ResponseBy::Customer), ("agent", ResponseBy::Agent)];
    let by = match &written.by {
        Some(text) => look_up.word(text, about, &words).map(Some),
        None => Some(None),
    };
    Some(Suppress {
        on: on?,
        by: by?,
        count: count?,
        within_ms: within_ms?,
        scope: scope?,
        channels,
        for_ms: for_ms?,
    })
}

pub fn calendar(source: &Source, zone: &TimeZone, look_up: &mut LookUp<'_>) -> Vec<CalendarEntry> {
    look_up.unique(source.calendar.iter().map(|entry| &entry.id), "calendar entry");
    let mut entries = Vec::new();
    for written in &source.calendar {
        let about = format!("calendar entry {}", written.id.value);
        let from = moment(&written.from, Edge::First, zone, &about, look_up);
        let to = moment(&written.to, Edge::Last, zone, &about, look_up);
        let segment = look_up.rule_if_any(written.segment.as_ref(), &about);
        let (Some(from), Some(to)) = (from, to) else { continue };
        if from >= to {
            look_up.error(written.to.at, format!("{about} ends before it begins"), "change the dates");
        }
        let id = written.id.value.as_str().into();
        entries.push(CalendarEntry { id, segment, from, to, exclusive: written.exclusive });
    }
    entries
}

pub fn holdouts(source: &Source, look_up: &mut LookUp<'_>) -> Vec<Holdout> {
    look_up.unique(source.holdouts.iter().map(|holdout| &holdout.id), "holdout");
    let mut holdouts = Vec::new();
    for written in &source.holdouts {
        let share =
            look_up.within(&written.share, 0.0, 1.0, &format!("share of holdout {}", written.id.value));
        if let Some(share) = share {
            let buckets = (share * 10_000.0).round() as u32;
            let (id, salt) = (written.id.value.as_str().into(), written.salt.value.as_str().into());
            holdouts.push(Holdout { id, buckets, salt });
        }
    }
    holdouts
}

/// A tenth of the decisions explore, when the playbook does not say.
pub fn explore(source: &Source, look_up: &mut LookUp<'_>) -> Explore {
    let mut explore = Explore { start: 0.1, steady: 0.1, ramp_ms: 60 * DAY_MS };
    if let Some(written) = &source.explore {
        explore.start = look_up.within(&written.start, 0.0, 1.0, "start of explore").unwrap_or(explore.start);
        explore.steady =
            look_up.within(&written.steady, 0.0, 1.0, "steady of explore").unwrap_or(explore.steady);
        explore.ramp_ms = look_up.duration(&written.ramp, "explore").unwrap_or(explore.ramp_ms);
    }
    explore
}

/// Evidence moves priors unless the playbook says otherwise.
pub fn learning(source: &Source, look_up: &mut LookUp<'_>) -> Learning {
    if matches!(source.learning, Some(Located { value: false, .. })) {
        return Learning::Frozen;
    }
    let written = source.learning_strength.as_ref();
    let strength = written.and_then(|number| look_up.within(number, 1.0, 1e9, "strength of learning"));
    Learning::Smoothed { strength: strength.unwrap_or(STRENGTH_DEFAULT) }
}
