//! Decisions: exact by hand, the same in every channel, replayed to the byte, and explained.

use crate::fixture::{Subject, map, playbook, playbook_with, request};
use actors::call::{Command, DecisionRequest, Direction, Reply};
use actors::decision::explanation::Stage;
use actors::decision::log::LoggedDecision;
use actors::decision::{Arm, Decision};
use actors::timestamp::{DAY_MS, HOUR_MS};
use actors::value::Value;
use proptest::prelude::*;

fn adult() -> Subject {
    let mut ann = Subject::consenting(playbook());
    ann.tag("age", Value::Int(40));
    ann.tag("open_complaints", Value::Int(0));
    ann
}

fn order(decision: &Decision) -> Vec<&str> {
    decision.items.iter().map(|item| &*item.offer).collect()
}

#[test]
fn priority_is_p_times_c_times_v_times_l_as_computed_by_hand() {
    let mut ann = adult();
    ann.tag("usage_mb_30d", Value::Number(12_000.0));
    ann.tag("contract", Value::Text("prepaid".into()));
    let decision = ann.decide("sms", Direction::Inbound);
    // logit(0.02) + 0.8 * (12000 - 8000) / 4000 - 0.6 = -3.8918203 + 0.2; P = 1 / (1 + e^3.6918203) = 0.0243204
    let first = &decision.items[0];
    assert_eq!(&*first.offer, "data-xl");
    assert!((first.propensity - 0.024_320_4).abs() < 1e-6, "{}", first.propensity);
    assert_eq!((first.context_weight, first.value, first.lever), (1.0, 240.0, 1.0));
    assert!((first.priority - first.propensity * 240.0).abs() < 1e-12);
    // 0.05 x 60 = 3; 0.2 x 5 = 1; 0.1 x 1; the phone is not for sms.
    assert_eq!(order(&decision), ["data-xl", "data-s", "coupon", "bill-help"]);
}

#[test]
fn another_kpi_gives_another_order_and_no_offer_was_edited() {
    let mut ann = Subject::consenting(playbook_with(&[("active: clv", "active: cash")]));
    ann.tag("age", Value::Int(40));
    ann.tag("open_complaints", Value::Int(0));
    let decision = ann.decide("app", Direction::Inbound);
    // data-s: 0.05 x 600 = 30; data-xl: 0.03 x 358.8 = 10.76; phone 0.8; coupon 0.2; help 0.1
    assert_eq!(order(&decision), ["data-s", "data-xl", "phone", "coupon", "bill-help"]);
}

#[test]
fn the_place_weighs_as_computed_by_hand() {
    let mut ann = adult();
    let at_home = ann.decide("app", Direction::Inbound);
    assert_eq!(order(&at_home), ["data-xl", "data-s", "coupon", "phone", "bill-help"]);
    let in_shop = DecisionRequest {
        context: map(&[("place", Value::Text("shop".into()))]),
        ..request("app", Direction::Inbound)
    };
    let decision = ann.ask(in_shop);
    // The phone: 0.01 x (1 + 9) x 80 = 8 beats 0.03 x 240 = 7.2.
    assert_eq!(order(&decision), ["phone", "data-xl", "data-s", "coupon", "bill-help"]);
    assert_eq!(decision.items[0].context_weight, 10.0);
}

#[test]
fn every_drop_has_its_code_and_words() {
    let mut ann = Subject::consenting(playbook());
    ann.tag("age", Value::Int(16));
    ann.event("purchase", &[("offer", Value::Text("unlimited".into()))]);
    let decision = ann.decide("sms", Direction::Inbound);
    let explanation =
        ann.logged[0].explain(&ann.id, &ann.active.playbook, &ann.active.priors).expect("readable");
    let fate = |offer: &str| {
        explanation.fates.iter().find(|fate| &*fate.offer == offer).expect("every offer has one")
    };
    let minor = fate("data-xl");
    assert_eq!((minor.stage, minor.code), (Stage::Eligible, "not_eligible"));
    assert_eq!(minor.needed.as_deref(), Some("t.age >= 18"));
    assert!(minor.actual.as_ref().is_some_and(|actual| actual.contains("16")), "{:?}", minor.actual);
    assert_eq!(fate("phone").code, "channel");
    assert_eq!(fate("coupon").rank, Some(1));
    assert_eq!(explanation.fates.len(), 5);
    assert_eq!(explanation.decision, decision);

    let check = |subject: &mut Subject, code: &str| {
        let decision = subject.decide("app", Direction::Inbound);
        let logged = subject.logged.last().expect("logged");
        let explanation =
            logged.explain(&subject.id, &subject.active.playbook, &subject.active.priors).expect("readable");
        let fate = explanation.fates.iter().find(|fate| &*fate.offer == "data-xl").expect("there");
        assert_eq!(fate.code, code);
        assert!(decision.withheld.iter().any(|withheld| &*withheld.code == code), "{code}");
    };
    ann.wait(HOUR_MS);
    ann.tag("age", Value::Int(18));
    check(&mut ann, "not_applicable");
    let mut bob = Subject::consenting(playbook());
    check(&mut bob, "missing_tag");
    bob.tag("age", Value::Int(30));
    check(&mut bob, "missing_tag");
    bob.tag("open_complaints", Value::Int(1));
    check(&mut bob, "not_suitable");
}

#[test]
fn contributions_add_up_to_the_log_odds() {
    let mut ann = adult();
    ann.tag("usage_mb_30d", Value::Number(7_100.0));
    ann.tag("income", Value::Number(5_500.0));
    ann.tag("contract", Value::Text("prepaid".into()));
    ann.decide("app", Direction::Inbound);
    let explanation =
        ann.logged[0].explain(&ann.id, &ann.active.playbook, &ann.active.priors).expect("readable");
    let mut scored = 0;
    for score in explanation.fates.iter().filter_map(|fate| fate.score.as_ref()) {
        let sum = score.prior_logit + score.contributions.iter().map(|(_, part)| part).sum::<f64>();
        let logit = (score.propensity / (1.0 - score.propensity)).ln();
        assert!((sum - logit).abs() < 1e-6, "{score:?}");
        scored += 1;
    }
    assert_eq!(scored, 5);
}

#[test]
fn reasons_are_plain_and_never_name_a_private_tag() {
    let mut ann = adult();
    ann.tag("usage_mb_30d", Value::Number(12_400.0));
    ann.tag("income", Value::Number(9_000.0));
    let decision = ann.decide("desk", Direction::Inbound);
    let item = decision.items.iter().find(|item| &*item.offer == "data-xl").expect("there");
    let texts: Vec<&str> = item.reasons.iter().map(|reason| reason.text.as_str()).collect();
    assert_eq!(texts, ["data used in 30 days (MB): 12,400"]);
    assert!(item.reasons.iter().all(|reason| reason.contribution > 0.0));
    assert_eq!(
        item.script, "You use about 12,400 MB. Data XL fits. Why this: data used in 30 days (MB): 12,400.",
        "the sentence about a missing tag is left out"
    );
    assert!(!format!("{decision:?}").contains("income"));
    assert!(!format!("{decision:?}").contains("9,000"));
}

#[test]
fn a_stale_tag_is_a_missing_tag() {
    let rule = ("suitable: \"t.open_complaints == 0\"", "suitable: \"t.nps >= 0\"");
    let mut ann = Subject::consenting(playbook_with(&[rule]));
    ann.tag("age", Value::Int(40));
    ann.tag("nps", Value::Int(9));
    assert_eq!(ann.number_one("app"), "data-xl");
    ann.wait(30 * DAY_MS + 1);
    assert_eq!(ann.number_one("app"), "data-s");
}

#[test]
fn an_event_is_seen_by_the_very_next_decision() {
    let mut ann = adult();
    assert_eq!(ann.number_one("app"), "data-xl");
    ann.event("purchase", &[("offer", Value::Text("unlimited".into()))]);
    assert_eq!(ann.number_one("app"), "data-s");
}

#[test]
fn every_channel_gets_the_same_number_one_until_something_that_matters_changes() {
    let mut ann = adult();
    let told = ann.decide("sms", Direction::Outbound);
    assert_eq!(&*told.items[0].offer, "data-xl");
    for channel in ["desk", "app", "web", "ivr", "sms"] {
        ann.wait(HOUR_MS / 4);
        let decision = ann.decide(channel, Direction::Inbound);
        assert_eq!(&*decision.items[0].offer, "data-xl", "{channel}");
        let lineage = decision.lineage.expect("it says where it comes from");
        assert_eq!(lineage.decision_id, told.decision_id);
        assert_eq!(lineage.told, Some(("sms".into(), told.at)));
    }
    ann.event("usage", &[("mb", Value::Int(1))]);
    let decision = ann.decide("app", Direction::Inbound);
    assert_eq!(decision.lineage, None, "usage is read by a weight: decided anew");
}

#[test]
fn the_standing_offer_is_not_forced_on_a_channel_that_may_not_have_it() {
    let mut ann = adult();
    let in_shop = |channel| DecisionRequest {
        context: map(&[("place", Value::Text("shop".into()))]),
        ..request(channel, Direction::Inbound)
    };
    assert_eq!(&*ann.ask(in_shop("app")).items[0].offer, "phone");
    assert_eq!(&*ann.ask(in_shop("sms")).items[0].offer, "data-xl");
    let back = ann.ask(in_shop("web"));
    assert_eq!(&*back.items[0].offer, "phone", "it still stands where it may be shown");
    assert!(back.lineage.is_some());
}

#[test]
fn the_standing_offer_takes_its_room_in_a_cap_like_any_other() {
    let by_sms = ("prior: {default: 0.2}", "prior: {default: 0.2, sms: 0.99}");
    let shown = (
        "limit: 4, window: {calendar: month}, counts: reserved",
        "limit: 2, window: {calendar: day}, counts: shown",
    );
    let mut ann = Subject::consenting(playbook_with(&[by_sms, shown]));
    ann.tag("age", Value::Int(40));
    ann.tag("open_complaints", Value::Int(0));
    let told = ann.ask(DecisionRequest { limit: 1, ..request("sms", Direction::Inbound) });
    assert_eq!(order(&told), ["coupon"]);
    // One place is left in the cap. The coupon stands, though three offers weigh more in the app.
    assert_eq!(order(&ann.decide("app", Direction::Inbound)), ["coupon", "bill-help"]);
}

#[test]
fn the_same_request_id_gets_the_same_decision() {
    let mut ann = adult();
    let ask = DecisionRequest { request_id: Some("r-1".into()), ..request("sms", Direction::Outbound) };
    let first = ann.ask(ask.clone());
    for _ in 0..2 {
        let again = ann.apply(&Command::Decide(Box::new(ask.clone())));
        assert_eq!(again.reply, Reply::DecidedBefore { decision_id: first.decision_id.clone() });
        assert!(!again.changed && again.contacts.is_empty());
    }
}

#[test]
fn a_control_group_gets_service_only_and_its_ghost_is_logged() {
    let mut ann = Subject::consenting(playbook_with(&[(
        "holdouts: []",
        "holdouts: [{id: universal, share: 1.0, salt: u}]",
    )]));
    let decision = ann.decide("app", Direction::Inbound);
    assert_eq!(decision.arm, Arm::Control);
    assert_eq!(order(&decision), ["bill-help"]);
    assert_eq!(decision.ghost.as_deref(), Some("coupon"));
    assert!(ann.customer().contacts.iter().next().is_none(), "a ghost takes no slot");
}

#[test]
fn exploring_decisions_are_the_stated_share_and_log_their_probability() {
    let playbook = playbook_with(&[("explore: {start: 0, steady: 0", "explore: {start: 0.2, steady: 0.2")]);
    let (mut explored, mut best_first) = (0, 0);
    for n in 0..2_000 {
        let mut ann = Subject::named(&format!("customer {n}"), playbook.clone());
        ann.consent_all();
        let decision = ann.decide("app", Direction::Inbound);
        let first = &decision.items[0];
        // Three offers need no tags: coupon 1.0, phone 0.8, help 0.1.
        let expected = if &*first.offer == "coupon" { 0.8 + 0.2 / 3.0 } else { 0.2 / 3.0 };
        assert!((first.shown_probability - expected).abs() < 1e-12, "{}", first.shown_probability);
        explored += usize::from(decision.arm == Arm::Test);
        best_first += usize::from(&*first.offer == "coupon");
    }
    assert!((340..460).contains(&explored), "{explored} of 2000 explore");
    assert!((1_650..1_810).contains(&best_first), "{best_first} of 2000 lead with the best");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_logged_decision_replays_to_the_same_bytes(
        steps in proptest::collection::vec((0..6u8, 0..100i64, 0..20 * DAY_MS), 1..12)
    ) {
        let playbook = playbook_with(&[("explore: {start: 0, steady: 0", "explore: {start: 0.5, steady: 0.3")]);
        let mut ann = Subject::consenting(playbook);
        for (kind, number, wait) in steps {
            ann.wait(wait);
            match kind {
                0 => { ann.tag("age", Value::Int(number)); }
                1 => { ann.event("usage", &[("mb", Value::Int(number * 100))]); }
                2 => { ann.tag("open_complaints", Value::Int(number % 2)); }
                3 => { ann.decide("sms", Direction::Outbound); }
                _ => { ann.decide("app", Direction::Inbound); }
            }
        }
        for logged in &ann.logged {
            let logged = LoggedDecision::decode(&logged.encode()).expect("readable");
            let explanation = logged.explain(&ann.id, &ann.active.playbook, &ann.active.priors).expect("readable");
            prop_assert!(explanation.replay_matches);
            let decision = &logged.decision;
            prop_assert!(decision.items.len() <= 13);
            let mut offers = order(decision);
            offers.sort_unstable();
            offers.dedup();
            prop_assert_eq!(offers.len(), decision.items.len(), "distinct");
        }
    }

    #[test]
    fn a_replay_with_another_log_is_seen_to_differ(tamper in 1..1000i64) {
        let mut ann = adult();
        ann.decide("app", Direction::Inbound);
        let mut logged = ann.logged[0].clone();
        std::sync::Arc::make_mut(&mut logged.decision).items[0].value += tamper as f64;
        let explanation = logged.explain(&ann.id, &ann.active.playbook, &ann.active.priors).expect("readable");
        prop_assert!(!explanation.replay_matches);
    }
}
