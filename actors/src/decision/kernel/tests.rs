//! The kernel's memory: it is sized by the catalogue, once.

use super::*;
use crate::call::{Command, CustomerId, DecisionRequest, Direction, TagPatch};
use crate::customer::{Customer, Turn};
use crate::decision::{Moment, decide};
use crate::playbook::Dictionary;
use crate::playbook::active::Active;
use crate::playbook::compile::compile;
use crate::timestamp::Timestamp;
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

fn active(offers: usize) -> Active {
    let mut text = String::from("tags:\n");
    for n in 0..40 {
        text.push_str(&format!("  - {{id: t{n}, type: number}}\n"));
    }
    text.push_str("offers:\n");
    for n in 0..offers {
        text.push_str(&format!(
            "  - {{id: o{n}, purpose: service, value: {{clv: \"{}\"}}, rules: {{eligible: \"t.t{} < {}\"}}, \
             affinity: [{{tag: t{}, weight: 1, center: 5, scale: 3}}]}}\n",
            1 + n % 7,
            n % 40,
            n % 11,
            n * 7 % 40
        ));
    }
    let compiled = compile(&[("p.yaml".to_owned(), text)], &Dictionary::default()).expect("sound");
    Active::new(Arc::new(compiled.playbook), Timestamp::from_ms(0))
}

fn capacities() -> Vec<usize> {
    SCRATCH.with_borrow(|scratch| {
        let sets = scratch.fail.iter().chain(&scratch.unknown);
        let sets = sets.chain([&scratch.survivors, &scratch.held_out, &scratch.marked]);
        let lists = [
            scratch.present.capacity(),
            scratch.strengths.capacity(),
            scratch.active.capacity(),
            scratch.values.capacity(),
            scratch.sums.capacity(),
            scratch.context.capacity(),
            scratch.candidates.capacity(),
            scratch.scored.capacity(),
            scratch.floors.capacity(),
        ];
        sets.map(Bits::capacity).chain(lists).collect()
    })
}

#[test]
fn the_first_decision_sizes_the_memory_and_no_later_one_makes_it_grow() {
    let active = active(300);
    let request = DecisionRequest {
        channel: "app".into(),
        placement: None,
        direction: Direction::Inbound,
        purpose: None,
        context: Value::Map(BTreeMap::new()),
        limit: 13,
        request_id: None,
        line: None,
    };
    let id = CustomerId::new("ann").expect("an id");
    let mut sized = None;
    for round in 0..60u64 {
        let now = Timestamp::from_ms(round as i64);
        let mut customer = Customer::new(&id);
        // The first one knows nothing; later ones know more and more.
        let set =
            (0..round % 41).map(|n| (format!("t{n}"), Value::Number((n * round % 10) as f64))).collect();
        let patch = TagPatch { source: "t".into(), as_of: Some(now), set, unset: vec![] };
        let turn = Turn { active: &active, now, before: &[], left: &[] };
        assert!(round == 0 || customer.apply(&Command::PatchTags(patch), turn).changed || round % 41 == 0);
        let moment = Moment {
            left: Vec::new(),
            now,
            decision_id: format!("d-{round}"),
            learning_since: now,
            priors: Arc::clone(&active.priors),
        };
        let decided = decide(&customer, &active.playbook, &request, &moment);
        assert!(decided.decision.items.len() <= 13);
        assert_eq!(*sized.get_or_insert_with(capacities), capacities(), "decision {round}");
    }
}
