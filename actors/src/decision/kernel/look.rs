//! One pass over the customer's tags.

use super::Scratch;
use crate::customer::is_stale;
use crate::decision::Basis;
use crate::decision::candidates::Case;
use crate::decision::index::OfferIndex;
use crate::decision::index::rules::apply_shared;

/// Finds what fails in each layer, and the strength of every feature.
pub fn look(case: &Case<'_>, index: &OfferIndex, scratch: &mut Scratch) {
    scratch.begin(index);
    let facts = &case.facts;
    if facts.basis == Basis::Full {
        for entry in facts.customer.tags.iter() {
            let Some(slot) = index.slots.of(entry.number) else { continue };
            let known = index.slots.slot(slot);
            if is_stale(known.age_max_ms, entry.as_of, facts.now) {
                continue;
            }
            scratch.present[slot as usize] = true;
            for group in &index.rules.groups[known.groups.start as usize..known.groups.end as usize] {
                let layer = group.layer as usize;
                group.apply(
                    &entry.value,
                    &mut scratch.fail[layer],
                    &mut scratch.unknown[layer],
                    index.offers,
                );
            }
            for feature in known.features.clone() {
                if let Some(strength) = index.affinity.features[feature as usize].strength(&entry.value) {
                    scratch.strengths[feature as usize] = strength;
                    scratch.active.push(feature);
                }
            }
        }
    }
    for slot in index.rules.slots.iter().filter(|slot| !scratch.present[**slot as usize]) {
        let groups = index.slots.slot(*slot).groups.clone();
        for group in &index.rules.groups[groups.start as usize..groups.end as usize] {
            group.need.add_to(&mut scratch.unknown[group.layer as usize], index.offers);
            group.ask.add_to(&mut scratch.fail[group.layer as usize], index.offers);
        }
    }
    for product in facts.customer.products.iter() {
        for (layer, members) in index.rules.failed_by_owning(product).into_iter().flatten().enumerate() {
            members.add_to(&mut scratch.fail[layer], index.offers);
        }
    }
    apply_shared(&index.rules.shared, facts, &mut scratch.fail, &mut scratch.unknown, index.offers);
}
