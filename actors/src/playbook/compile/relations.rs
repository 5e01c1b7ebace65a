//! Relations between offers: they must not go in a circle nor contradict each other, and every offer learns what
//! others say of it.

use super::look_up::LookUp;
use crate::playbook::source::extras::Extras as Written;
use crate::playbook::source::{Offer as WrittenOffer, Source, Text};
use crate::playbook::text::nearest;
use crate::playbook::{Extras, Offer};
use crate::value::Name;
use std::collections::{BTreeMap, BTreeSet};

/// Checks the relations of all offers and completes them: components of components, bundles and rivals.
pub fn link(source: &Source, offers: &mut [Offer], look_up: &mut LookUp<'_>) {
    let related: Vec<(&WrittenOffer, &Written)> =
        source.offers.iter().filter_map(|offer| Some((offer, offer.extras.as_deref()?))).collect();
    if related.is_empty() {
        return;
    }
    let known: BTreeSet<&str> = source.offers.iter().map(|offer| offer.id.value.as_str()).collect();
    for (offer, written) in &related {
        names(offer, written, &known, look_up);
        contradictions(offer, written, look_up);
    }
    if !circles(&related, look_up) {
        complete(offers);
    }
}

/// Products need not be offers, so only a name that looks like a slip is told.
fn names(offer: &WrittenOffer, written: &Written, known: &BTreeSet<&str>, look_up: &mut LookUp<'_>) {
    let lists = [&written.requires, &written.excludes, &written.follows, &written.components];
    for name in lists.into_iter().flatten().filter(|name| !known.contains(name.value.as_str())) {
        if let Some(near) = nearest(&name.value, known.iter().copied()) {
            let what = format!("offer {}: no offer is named {}", offer.id.value, name.value);
            look_up.warning(name.at, what, format!("it counts as a product; did you mean {near}?"));
        }
    }
}

fn contradictions(offer: &WrittenOffer, written: &Written, look_up: &mut LookUp<'_>) {
    let needed = written.requires.iter().map(|name| (name, "requires"));
    for (name, word) in needed.chain(written.components.iter().map(|name| (name, "holds"))) {
        if written.excludes.iter().any(|other| other.value == name.value) {
            let what = format!("offer {} {word} and excludes {}", offer.id.value, name.value);
            look_up.error(name.at, what, "keep one of the two");
        }
    }
    if let Some(name) = written.excludes.iter().find(|name| name.value == offer.id.value) {
        let what = format!("offer {} excludes itself", offer.id.value);
        look_up.error(name.at, what, "write !owns('..') under applicable to sell it once");
    }
}

/// What has to come first goes first: whoever requires, follows or holds another comes after it, so these relations
/// must not lead back to where they began.
fn circles(related: &[(&WrittenOffer, &Written)], look_up: &mut LookUp<'_>) -> bool {
    let edges: BTreeMap<&str, Vec<&Text>> = related
        .iter()
        .map(|(offer, written)| {
            let after = [&written.requires, &written.follows, &written.components];
            (offer.id.value.as_str(), after.into_iter().flatten().collect())
        })
        .collect();
    let mut found = false;
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in edges.keys() {
        // The path walked from the start, each with its next edge to follow. A catalogue may chain thousands of
        // offers, so the path is kept here and not on the stack.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((at, next)) = path.last_mut() {
            let edge = edges.get(at).and_then(|edges| edges.get(*next));
            let (from, Some(edge)) = (*at, edge) else {
                done.insert(at);
                path.pop();
                continue;
            };
            *next += 1;
            let to = edge.value.as_str();
            if let Some(begins) = path.iter().position(|(passed, _)| *passed == to) {
                let circle: Vec<&str> =
                    path[begins..].iter().map(|(passed, _)| *passed).chain([to]).collect();
                let what = format!("offer {from}: relations go in a circle: {}", circle.join(" -> "));
                look_up.error(edge.at, what, "remove one of them");
                found = true;
            } else if !done.contains(to) && edges.contains_key(to) {
                path.push((to, 0));
            }
        }
    }
    found
}

/// Tells every offer what others say of it. Relations go in no circle here.
fn complete(offers: &mut [Offer]) {
    let place = |offers: &[Offer], id: &str| offers.binary_search_by(|offer| (*offer.id).cmp(id)).ok();
    let mut holds: BTreeMap<usize, Vec<Name>> = BTreeMap::new();
    for (ix, offer) in offers.iter().enumerate() {
        let components = offer.extras.as_ref().map_or(&[][..], |extras| &extras.relations.components);
        if !components.is_empty() {
            holds.insert(ix, all_components(offers, components));
        }
    }
    let mut rivals: Vec<(usize, usize)> = Vec::new();
    let mut bundles: Vec<(usize, Name)> = Vec::new();
    for (ix, offer) in offers.iter().enumerate() {
        let excluded = offer.extras.as_ref().map_or(&[][..], |extras| &extras.relations.excludes);
        rivals.extend(excluded.iter().filter_map(|id| Some((ix, place(offers, id)?))));
        for component in holds.get(&ix).into_iter().flatten().filter_map(|id| place(offers, id)) {
            rivals.push((ix, component));
            bundles.push((component, Name::clone(&offer.id)));
        }
    }
    for (ix, components) in holds {
        relations_of(&mut offers[ix]).components = components;
    }
    for (ix, bundle) in bundles {
        relations_of(&mut offers[ix]).bundles.push(bundle);
    }
    for (one, other) in rivals {
        relations_of(&mut offers[one]).rivals.push(other);
        relations_of(&mut offers[other]).rivals.push(one);
    }
    for extras in offers.iter_mut().filter_map(|offer| offer.extras.as_mut()) {
        extras.relations.rivals.sort_unstable();
        extras.relations.rivals.dedup();
    }
}

/// Components and what they hold in turn, each once, in the order in which they are met.
fn all_components(offers: &[Offer], direct: &[Name]) -> Vec<Name> {
    let mut found: Vec<Name> = Vec::new();
    let mut open: Vec<&Name> = direct.iter().rev().collect();
    while let Some(id) = open.pop() {
        if found.contains(id) {
            continue;
        }
        found.push(Name::clone(id));
        let inner =
            offers.binary_search_by(|offer| offer.id.cmp(id)).ok().and_then(|ix| offers[ix].extras.as_ref());
        open.extend(inner.into_iter().flat_map(|extras| extras.relations.components.iter().rev()));
    }
    found
}

fn relations_of(offer: &mut Offer) -> &mut crate::playbook::extras::Relations {
    &mut offer.extras.get_or_insert_with(|| Box::new(Extras::default())).relations
}
