//! Partners: their offers may read the tags they are allowed to, and no others. They never see a customer; this keeps
//! them from aiming at what is none of their business.

use super::extras::audience_min;
use super::look_up::LookUp;
use crate::playbook::source::{Offer as WrittenOffer, Source};
use crate::playbook::text::{At, nearest};
use crate::playbook::{Offer, Partner, TagNumber};
use crate::value::Value;

/// The declared partners, sorted by id.
pub fn partners(source: &Source, look_up: &mut LookUp<'_>) -> Vec<Partner> {
    look_up.unique(source.partners.iter().map(|partner| &partner.id), "partner");
    let mut partners = Vec::new();
    for written in &source.partners {
        let about = format!("partner {}", written.id.value);
        let tags = written.tags.iter().filter_map(|tag| Some(look_up.tag(tag, &about)?.number)).collect();
        let audience_min = audience_min(written.audience_min.as_ref(), &about, look_up);
        partners.push(Partner { id: written.id.value.as_str().into(), tags, audience_min });
    }
    partners
}

/// Checks what an offer reads against what its owner may. Where no partners are declared, all may read everything.
pub fn check(
    offer: &mut Offer,
    written: &WrittenOffer,
    partners: &[Partner],
    about: &str,
    look_up: &mut LookUp<'_>,
) {
    let Some(name) = offer.owner.strip_prefix("partner:").filter(|_| !partners.is_empty()) else { return };
    let at = written.owner.as_ref().map_or(written.id.at, |owner| owner.at);
    let Some(partner) = partners.iter().find(|partner| *partner.id == *name) else {
        let fix = match nearest(name, partners.iter().map(|partner| &*partner.id)) {
            Some(near) => format!("did you mean {near}?"),
            None => "declare it under partners, with the tags it may read".into(),
        };
        look_up.error(at, format!("{about}: unknown partner {name}"), fix);
        return;
    };
    for (tag, at, part) in read_tags(offer, written, look_up) {
        if !partner.tags.contains(&tag) {
            let id = look_up.dictionary().id(tag).cloned().unwrap_or_default();
            let what = format!("{about}, {part}: partner {name} may not read tag {id}");
            look_up.error(at, what, format!("leave it out, or add it to the tags of partner {name}"));
        }
    }
    if partner.audience_min > 0 {
        let extras = offer.extras.get_or_insert_with(Box::default);
        extras.audience_min = extras.audience_min.max(partner.audience_min);
    }
}

/// Every tag the offer reads, with its place in the files and what it is read for.
fn read_tags(
    offer: &Offer,
    written: &WrittenOffer,
    look_up: &LookUp<'_>,
) -> Vec<(TagNumber, At, &'static str)> {
    let mut read = Vec::new();
    let rules = [
        (&offer.eligible, &written.eligible, "eligible"),
        (&offer.applicable, &written.applicable, "applicable"),
        (&offer.suitable, &written.suitable, "suitable"),
    ];
    for (rule, text, part) in rules {
        if let (Some(rule), Some(text)) = (rule, text) {
            read.extend(rule.reads_tags().map(|tag| (tag, text.at, part)));
        }
    }
    for text in written.value.values() {
        let formula = look_up.known_number(&text.value);
        read.extend(formula.into_iter().flat_map(|it| it.reads_tags()).map(|tag| (tag, text.at, "value")));
    }
    for affinity in &written.affinity {
        read.extend(look_up.known_tag(&affinity.tag.value).map(|tag| (tag, affinity.tag.at, "affinity")));
    }
    let extras = written.extras.as_deref();
    if let Some(trigger) = extras.and_then(|extras| extras.trigger.as_ref()) {
        let id = trigger.at.value.strip_prefix("t.");
        read.extend(id.and_then(|id| look_up.known_tag(id)).map(|tag| (tag, trigger.at.at, "trigger")));
    }
    let variants = extras.into_iter().flat_map(|extras| &extras.variants);
    for content in written.content.values().chain(variants.flat_map(|it| it.content.values())) {
        let mut named = Vec::new();
        placeholders(&content.value, &mut named);
        let tags = named.into_iter().filter_map(|id| look_up.known_tag(id));
        read.extend(tags.map(|tag| (tag, content.at, "content")));
    }
    read
}

/// Tags named in the texts of a content.
fn placeholders<'a>(value: &'a Value, named: &mut Vec<&'a str>) {
    match value {
        Value::Text(text) => {
            let inner = text.split("{{").skip(1).filter_map(|part| part.split_once("}}"));
            named.extend(inner.filter_map(|(name, _)| name.trim().strip_prefix("t.")));
        }
        Value::List(items) => items.iter().for_each(|item| placeholders(item, named)),
        Value::Map(entries) => entries.values().for_each(|item| placeholders(item, named)),
        _ => {}
    }
}
