//! The fast kernel decides exactly what the plain walk decides: the same bytes for every random playbook, customer and question.

use crate::catalogue::{Draw, compiled, customer, live_on, playbook_text, question};
use crate::fixture::Subject;
use actors::call::DecisionRequest;
use actors::decision::kernel::{Form, Kernel};
use actors::decision::walk::Walk;
use actors::decision::{Decided, Moment, Way, decide_by};
use actors::playbook::Playbook;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a decision in some way comes to: its bytes, the slots it takes and what stands afterwards.
fn decided(way: &mut impl Way, subject: &Subject, request: &DecisionRequest) -> (Vec<u8>, String, Decided) {
    let mut customer = subject.customer();
    customer.refresh(&subject.active.playbook, subject.now);
    let moment = Moment {
        left: Vec::new(),
        now: subject.now,
        decision_id: format!("d-{}", subject.now.ms()),
        learning_since: subject.active.learning_since,
        priors: Arc::clone(&subject.active.priors),
    };
    let decided = decide_by(way, &customer, &subject.active.playbook, request, &moment);
    let bytes = rmp_serde::to_vec(&decided.decision).expect("plain data");
    (bytes, format!("{:?} {:?}", decided.contacts, decided.standing), decided)
}

/// The first difference between the plain walk and any form of the kernel.
fn difference(subject: &Subject, request: &DecisionRequest) -> Result<Decided, String> {
    let (bytes, rest, walked) = decided(&mut Walk, subject, request);
    for form in [Form::Rows, Form::Postings, Form::Cheaper] {
        let (other_bytes, other_rest, other) = decided(&mut Kernel::of_form(form), subject, request);
        if bytes != other_bytes || rest != other_rest {
            return Err(format!("{form:?}\nwalk   {:#?}\nkernel {:#?}", walked.decision, other.decision));
        }
    }
    Ok(walked)
}

/// Lets some customers of a random playbook live for a while; every question is put to all ways.
fn live(
    seed: u64,
    playbook: Playbook,
    (customers, questions): (u64, u64),
    mut see: impl FnMut(Result<Decided, String>) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut draw = Draw::seeded(seed);
    let playbook = Arc::new(playbook);
    for name in 0..customers {
        let mut subject = customer(&mut draw, name, &playbook);
        for _ in 0..questions {
            let request = question(&mut draw);
            see(difference(&subject, &request))?;
            live_on(&mut draw, &mut subject, request);
        }
    }
    Ok(())
}

fn agree(seed: u64, offers: u64, lives: (u64, u64)) -> Result<(), TestCaseError> {
    let text = playbook_text(&mut Draw::seeded(!seed), offers);
    live(seed, compiled(&text), lives, |seen| {
        seen.map(|_| ()).map_err(|difference| TestCaseError::fail(format!("{text}\n{difference}")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 40, ..ProptestConfig::default() })]
    #[test]
    fn the_kernel_decides_what_the_walk_decides(seed: u64, offers in 1..40u64) {
        agree(seed, offers, (4, 5))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 4, ..ProptestConfig::default() })]
    #[test]
    fn the_kernel_decides_what_the_walk_decides_of_many_offers(seed: u64, offers in 150..700u64) {
        agree(seed, offers, (4, 4))?;
    }
}

/// The random cases reach every stage: otherwise the two tests above would say little.
#[test]
fn random_cases_meet_every_reason() {
    let mut met = BTreeSet::new();
    let (mut items, mut ghosts, mut lineages) = (0, 0, 0);
    for seed in 0..60 {
        let text = playbook_text(&mut Draw::seeded(!seed), 30);
        live(seed, compiled(&text), (3, 4), |seen| {
            let decision = seen.map_err(TestCaseError::fail)?.decision;
            met.extend(decision.withheld.iter().map(|withheld| withheld.code.to_string()));
            items += decision.items.len();
            ghosts += usize::from(decision.ghost.is_some());
            lineages += usize::from(decision.lineage.is_some());
            Ok(())
        })
        .expect("the kernel agrees");
    }
    for code in [
        "channel",
        "purpose",
        "not_yet_valid",
        "no_longer_valid",
        "consent",
        "calendar",
        "not_eligible",
        "not_applicable",
        "not_suitable",
        "missing_tag",
        "refused",
        "suppressed",
        "cap",
        "quiet_hours",
        "holdout",
        "no_value",
        "not_finite",
        "reserve_price",
        "requires",
        "excluded",
        "follows",
        "out_of_reach",
        "no_trigger",
        "expired",
        "oversized",
    ] {
        assert!(met.contains(code), "no random case meets {code}: {met:?}");
    }
    assert!(
        items > 1_000 && ghosts > 20 && lineages > 20,
        "{items} items, {ghosts} ghosts, {lineages} lineages"
    );
}

/// An index that was made of slightly other offers is what a broken kernel looks like.
#[test]
fn a_broken_kernel_is_seen() {
    let check = |from: &str, to: &str| {
        let seen = (0..40u64).any(|seed| {
            let text = playbook_text(&mut Draw::seeded(!seed), 30);
            let mut playbook = compiled(&text);
            playbook.index = compiled(&text.replace(from, to)).index;
            live(seed, playbook, (3, 4), |seen| seen.map(|_| ()).map_err(TestCaseError::fail)).is_err()
        });
        assert!(seen, "{from} became {to} in the index, and nobody noticed");
    };
    check("t.a0 >= ", "t.a0 > ");
    check("t.e0 == 'x'", "t.e0 == 'y'");
    check("!owns('p1')", "!owns('p2')");
    check("has(t.a1)", "has(t.n1)");
    check("days_since(t.d0) > 5", "days_since(t.d0) > 50");
    check("max_age: 20d", "max_age: 30d");
    check("weight: 1.25, center: 3", "weight: 1.2, center: 3");
    check("equals: red", "equals: blue");
    check("value: {clv: \"25\"}", "value: {clv: \"-25\"}");
    check("valid: {to: 2026-11-09}", "valid: {from: 2026-01-01, to: 2027-01-01}");
    check("c.family == 'f1'", "c.purpose == 'f1'");
}
