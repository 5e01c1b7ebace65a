//! From files to a playbook, checked as a whole: all mistakes are found at once, each with file, line and fix.
//!
//! files -> nodes ([`super::text`]) -> what was written ([`super::source`]) -> the playbook. The canonical form is
//! taken in the middle, so a playbook read back from it goes the same way as one read from files.

mod look_up;
mod tags;
mod events;
mod offers;
mod extras;
mod relations;
mod partners;
mod languages;
mod policy;
mod times;
mod journeys;
mod experiments;
mod stages;

use super::source::{self, Source};
use super::text::{At, Findings};
use super::{Dictionary, Extras, Mistake, Offer, Playbook, Severity, Tenant, text};
use crate::decision::index::OfferIndex;
use crate::value::Name;
use look_up::LookUp;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

/// Canonical forms beyond this are refused: it holds about 40,000 offers with thirty affinities each.
const CANONICAL_BYTES_MAX: usize = 128 << 20;
/// At most this many of one family in a decision, when the playbook does not say.
const FAMILY_MAX_DEFAULT: usize = 3;

/// A playbook and what its author should know.
#[derive(Debug)]
pub struct Compiled {
    /// The playbook; its dictionary is the extended one.
    pub playbook: Playbook,
    /// What works, perhaps not as meant.
    pub warnings: Vec<Mistake>,
}

/// Compiles files, given as name and text, in this order.
///
/// # Errors
/// Every mistake found, warnings among them, by file and line.
pub fn compile(files: &[(String, String)], dictionary: &Dictionary) -> Result<Compiled, Vec<Mistake>> {
    let mut findings = Findings::default();
    let nodes = text::read_all(files, &mut findings);
    let findings = RefCell::new(findings);
    let source = source::read(&nodes, &findings);
    drop(nodes);
    let mut findings = findings.into_inner();
    let playbook = lower(source, dictionary, &mut findings);
    let mut mistakes = findings.mistakes;
    let place = |file: &str| files.iter().position(|(name, _)| name == file);
    mistakes.sort_by_key(|mistake| (place(&mistake.file), mistake.line));
    match playbook {
        Some(playbook) if mistakes.iter().all(|mistake| mistake.severity == Severity::Warning) => {
            Ok(Compiled { playbook, warnings: mistakes })
        }
        _ => Err(mistakes),
    }
}

/// The playbook whose canonical form this is.
///
/// # Errors
/// When the bytes are not the canonical form of a sound playbook, or the dictionary can't take its tags.
pub fn from_canonical(bytes: &[u8], dictionary: &Dictionary) -> Result<Playbook, Vec<Mistake>> {
    let mut findings = Findings::default();
    findings.file("canonical form");
    let at = At { file: 0, line: 1 };
    let source: Option<Source> = match rmp_serde::from_slice(bytes) {
        Ok(source) if bytes.len() <= CANONICAL_BYTES_MAX => Some(source),
        Ok(_) => {
            findings.error(at, "the playbook is too large", "spread it over several tenants");
            None
        }
        Err(error) => {
            findings.error(
                at,
                format!("the bytes are no playbook: {error}"),
                "read them again from the store",
            );
            None
        }
    };
    let playbook = source.and_then(|source| lower(source, dictionary, &mut findings));
    match playbook {
        Some(playbook) if !findings.has_errors() => Ok(playbook),
        _ => Err(findings.mistakes),
    }
}

/// Sections in the order in which they need each other: tags before rules, channels and calendar before offers.
fn lower(mut source: Source, dictionary: &Dictionary, findings: &mut Findings) -> Option<Playbook> {
    source.sort();
    let beginning = At { file: 0, line: 1 };
    if source.tags.is_empty() {
        findings.error(beginning, "the playbook declares no tags", "add a section `tags:`");
    }
    if source.offers.is_empty() {
        findings.error(beginning, "the playbook has no offers", "add a section `offers:`");
    }
    let dictionary = tags::dictionary(&source, dictionary, findings)?;
    let mut declared = tags::declared(&source, &dictionary, findings);
    let mut look_up = LookUp::new(&source, &dictionary, &declared, findings);
    let tenant = policy::tenant(&source, &mut look_up);
    let (events, derived) = events::events(&source, &mut look_up);
    let life_cycle = stages::life_cycle(&source, &events, &mut look_up);
    let pauses = stages::pauses(&source, &mut look_up);
    let fences = policy::fences(&source, &mut look_up);
    let channels = policy::channels(&source, &mut look_up);
    let calendar = policy::calendar(&source, &tenant.zone, &mut look_up);
    let kpi = offers::kpi(&source, &mut look_up);
    let fits = extras::fit_rules(&source, &mut look_up);
    let partners = partners::partners(&source, &mut look_up);
    let around = offers::Around { kpi: &kpi, zone: &tenant.zone, fits: &fits, partners: &partners };
    let offers = offers::offers(&source, &around, &mut look_up);
    let languages = languages::languages(&source, &mut look_up);
    let context_weights = policy::context_weights(&source, &mut look_up);
    let caps = policy::caps(&source, &mut look_up);
    let suppress = policy::suppress(&source, &mut look_up);
    let quiet_hours = times::quiet_hours(&source, &mut look_up);
    let holdouts = policy::holdouts(&source, &mut look_up);
    let experiments = experiments::experiments(&source, &mut look_up);
    let explore = policy::explore(&source, &mut look_up);
    let family_max = family_max(&source, &mut look_up);
    journeys::check(&source, &mut look_up);
    let learning = policy::learning(&source, &mut look_up);
    drop(look_up);
    for (tag, how) in derived {
        if let Some(tag) = declared.get_mut(&tag) {
            (tag.derived, tag.counted_on) = (how.derived, how.counted_on);
        }
    }
    let canonical: Arc<[u8]> = canonical(&source).into();
    let tag_numbers = declared.values().map(|tag| (tag.id.clone(), tag.number)).collect();
    let is_placed = |extras: &Extras| extras.place.is_some() || !extras.hours.is_empty();
    let placed = |(ix, offer): (usize, &Offer)| offer.extras.as_deref().is_some_and(is_placed).then_some(ix);
    let placed = offers.iter().enumerate().filter_map(placed).collect();
    let mut playbook = Playbook {
        id: id(&canonical),
        canonical,
        tenant,
        kpi,
        dictionary,
        tags: declared,
        tag_numbers,
        events,
        offers,
        context_weights,
        caps,
        suppress,
        quiet_hours,
        calendar,
        holdouts,
        experiments,
        explore,
        learning,
        family_max,
        channels,
        life_cycle,
        pauses,
        fences,
        goes_by_calendar: false,
        read_tags: HashSet::new(),
        placed,
        partners,
        languages,
        index: OfferIndex::default(),
    };
    playbook.goes_by_calendar = playbook
        .tags
        .values()
        .any(|tag| matches!(tag.derived, Some(super::Derived::Months(_) | super::Derived::Crosses { .. })));
    playbook.read_tags = read_tags(&playbook);
    playbook.index = OfferIndex::of(&playbook);
    Some(playbook)
}

fn family_max(source: &Source, look_up: &mut LookUp<'_>) -> usize {
    let Some(written) = &source.family_max else { return FAMILY_MAX_DEFAULT };
    usize::try_from(written.value).ok().filter(|max| (1..=1000).contains(max)).unwrap_or_else(|| {
        look_up.error(written.at, format!("family_max is {}", written.value), "give a number from 1");
        FAMILY_MAX_DEFAULT
    })
}

fn canonical(source: &Source) -> Vec<u8> {
    rmp_serde::to_vec_named(source).expect("text, numbers and lists are always written")
}

fn id(canonical: &[u8]) -> Name {
    let digits: String = Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.into()
}

/// Tags whose change can change a decision.
fn read_tags(playbook: &Playbook) -> HashSet<super::TagNumber> {
    let mut tags = HashSet::new();
    for offer in &playbook.offers {
        for rule in [&offer.eligible, &offer.applicable, &offer.suitable].into_iter().flatten() {
            tags.extend(rule.reads_tags());
        }
        tags.extend(offer.value.iter().flat_map(|value| value.reads_tags()));
        tags.extend(offer.affinity.iter().map(|affinity| match affinity {
            super::Affinity::Number { tag, .. } | super::Affinity::Equals { tag, .. } => *tag,
        }));
        if let Some(extras) = &offer.extras {
            tags.extend(extras.fit.iter().flat_map(|fit| fit.usage.reads_tags()));
            tags.extend(extras.trigger.iter().filter_map(|trigger| match trigger.at {
                super::extras::TriggerTime::Tag(tag) => Some(tag),
                super::extras::TriggerTime::Context(_) => None,
            }));
        }
    }
    let weights = playbook.context_weights.iter().map(|weight| &weight.when);
    let caps = playbook.caps.iter().map(|cap| &cap.matches);
    let quiet = playbook.quiet_hours.iter().map(|quiet| &quiet.matches);
    let segments = playbook.calendar.iter().filter_map(|entry| entry.segment.as_ref());
    let pauses = playbook.pauses.iter().map(|pause| &pause.when);
    for rule in weights.chain(caps).chain(quiet).chain(segments).chain(pauses) {
        tags.extend(rule.reads_tags());
    }
    tags.extend(playbook.tenant.zone_tag);
    tags.extend(playbook.tenant.bill_day_tag);
    tags
}

/// A tenant for a playbook without one: UTC and euros.
fn tenant_default() -> Tenant {
    Tenant { zone: jiff::tz::TimeZone::UTC, currency: "EUR".into(), zone_tag: None, bill_day_tag: None }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod stage_tests;
#[cfg(test)]
mod extras_tests;
#[cfg(test)]
mod damage_tests;
