//! What few offers declare: each by a table of customer, moment and what becomes of the offer.

use crate::fixture::{Subject, at, map, playbook_of, request};
use actors::call::{DecisionRequest, Direction, ResponseKind};
use actors::decision::explanation::{Fate, Stage};
use actors::timestamp::{HOUR_MS, MINUTE_MS};
use actors::value::Value;
use actors::{Timestamp, playbook::Playbook};
use std::sync::Arc;

const TAGS: &str = "tenant: {zone: Europe/Berlin}
tags:
  - {id: usage_mb, type: number}
  - {id: landed_at, type: time}
  - {id: age, type: int}
events:
  - {type: bought, data: {what: string}, updates: [{own: data.what}]}
  - {type: landed, data: {}, updates: [{tag: landed_at, set: event.time}]}
explore: {start: 0, steady: 0, ramp: 1d}
";

fn playbook(offers: &str) -> Arc<Playbook> {
    playbook_of(&format!("{TAGS}offers:\n{offers}"))
}

/// `id` with a value and a prior, so that 100 x value is its priority for everybody.
fn offer(id: &str, value: u32, extras: &str) -> String {
    format!("  - {{id: {id}, value: {{clv: {value}}}, prior: {{default: 0.1}}, family: {id}, {extras}}}\n")
}

fn owner_of(playbook: &Arc<Playbook>, products: &[&str]) -> Subject {
    let mut ann = Subject::consenting(Arc::clone(playbook));
    for product in products {
        ann.event("bought", &[("what", Value::Text((*product).into()))]);
    }
    ann
}

fn fate(subject: &mut Subject, ask: DecisionRequest, offer: &str) -> Fate {
    subject.ask(ask);
    let logged = subject.logged.last().expect("logged");
    let explanation =
        logged.explain(&subject.id, &subject.active.playbook, &subject.active.priors).expect("readable");
    assert!(explanation.replay_matches);
    explanation.fates.into_iter().find(|fate| &*fate.offer == offer).expect("every offer has one")
}

fn inbound() -> DecisionRequest {
    request("app", Direction::Inbound)
}

#[test]
fn an_offer_stands_to_what_is_owned_as_its_relations_say() {
    let offers = [
        offer("tv", 10, "requires: [line, box], excludes: [cable]"),
        offer("insurance", 10, "follows: [phone-a, phone-b]"),
        offer("home", 10, "components: [line, tv-pack]"),
        offer("tv-pack", 10, "components: [sport, film]"),
        offer("sport", 10, ""),
        offer("film", 10, ""),
    ];
    let playbook = playbook(&offers.concat());
    let check = |owned: &[&str], offer: &str, code: &str, actual: Option<&str>| {
        let fate = fate(&mut owner_of(&playbook, owned), inbound(), offer);
        assert_eq!((fate.code, fate.actual.as_deref()), (code, actual), "{offer} for an owner of {owned:?}");
        assert!(code == "shown" || fate.stage == Stage::Applicable, "{fate:?}");
    };
    check(&[], "tv", "requires", Some("line is not owned"));
    check(&["line"], "tv", "requires", Some("box is not owned"));
    check(&["line", "box"], "tv", "shown", None);
    check(&["line", "box", "cable"], "tv", "excluded", Some("cable is owned"));
    check(&[], "insurance", "follows", Some("none of them was taken"));
    check(&["phone-b"], "insurance", "shown", None);
    check(&["line"], "home", "component_owned", Some("line is owned"));
    check(&["film"], "home", "component_owned", Some("film is owned"));
    check(&["film"], "tv-pack", "component_owned", Some("film is owned"));
    check(&["home"], "film", "in_owned_bundle", Some("home is owned"));
    check(&["tv-pack"], "sport", "in_owned_bundle", Some("tv-pack is owned"));
    check(&["sport"], "film", "shown", None);
}

#[test]
fn an_accepted_contact_counts_as_taken() {
    let playbook = playbook(&(offer("phone", 10, "") + &offer("insurance", 90, "follows: [phone]")));
    let mut ann = Subject::consenting(playbook);
    let sent = ann.decide("sms", Direction::Outbound);
    assert_eq!(&*sent.items[0].offer, "phone");
    assert_eq!(fate(&mut ann, inbound(), "insurance").code, "follows");
    ann.receipt(sent.items[0].contact_id.as_deref().expect("a contact"), ResponseKind::Accepted);
    assert_eq!(fate(&mut ann, inbound(), "insurance").rank, Some(1));
}

#[test]
fn rivals_and_a_bundle_with_its_parts_never_stand_in_one_list() {
    let offers = [
        offer("home", 90, "components: [line, tv]"),
        offer("line", 80, ""),
        offer("tv", 70, ""),
        offer("solo", 60, "excludes: [duo]"),
        offer("duo", 50, ""),
        offer("trio", 40, "excludes: [solo]"),
    ];
    let playbook = playbook(&offers.concat());
    let check = |owned: &[&str], expected: &[&str]| {
        let decision = owner_of(&playbook, owned).ask(inbound());
        let shown: Vec<&str> = decision.items.iter().map(|item| &*item.offer).collect();
        assert_eq!(shown, expected, "{owned:?}");
    };
    check(&[], &["home", "solo"]);
    // Without the bundle its parts come forward; without solo its rivals.
    check(&["line"], &["line", "tv", "solo"]);
    check(&["duo"], &["home", "duo", "trio"]);
    let fate = fate(&mut owner_of(&playbook, &[]), inbound(), "tv");
    assert_eq!((fate.stage, fate.code), (Stage::Diversity, "rival_in_list"));
    assert_eq!(fate.actual.as_deref(), Some("home is in the list"));
}

#[test]
fn a_volume_fits_the_usage_or_is_not_offered() {
    let plans = offer("plan-4gb", 90, "volume: 4096") + &offer("plan-3gb", 10, "volume: 3072");
    let rule = "fit: [{usage: t.usage_mb, min: 1, max: 1.5}]\n";
    let check = |text: &str, usage_mb: Option<f64>, code: &str| {
        let mut ann = Subject::consenting(playbook(text));
        if let Some(usage_mb) = usage_mb {
            ann.tag("usage_mb", Value::Number(usage_mb));
        }
        let fate = fate(&mut ann, inbound(), "plan-4gb");
        assert_eq!(fate.code, code, "{usage_mb:?}");
        assert!(code == "shown" || fate.stage == Stage::Suitable);
    };
    let on = format!("{plans}{rule}");
    // 2.3 GB a month never gets 4 GB while the rule is on, however much it is worth.
    check(&on, Some(2.3 * 1024.0), "oversized");
    check(&plans, Some(2.3 * 1024.0), "shown");
    check(&on, Some(4096.0 / 1.5), "shown");
    check(&on, Some(4096.0), "shown");
    check(&on, Some(4097.0), "undersized");
    check(&on, None, "missing_tag");
}

fn at_place(lat: f64, lon: f64) -> DecisionRequest {
    let place = map(&[("lat", Value::Number(lat)), ("lon", Value::Number(lon))]);
    DecisionRequest { context: map(&[("place", place)]), ..inbound() }
}

#[test]
fn a_shop_is_in_reach_and_open_or_not_offered() {
    let shop =
        "place: {lat: 52.52, lon: 13.405, within_m: 2000}, hours: [{days: [tue], local: [\"10:00-20:00\"]}]";
    let playbook = playbook(&(offer("shop", 90, shop) + &offer("online", 10, "")));
    let check = |now: &str, ask: DecisionRequest, code: &str, free_at: Option<&str>| {
        let mut ann = Subject::consenting(Arc::clone(&playbook));
        ann.now = at(now);
        let fate = fate(&mut ann, ask, "shop");
        assert_eq!((fate.code, fate.next_free_at), (code, free_at.map(at)), "{now}");
    };
    let (tuesday_noon, tuesday_night) = ("2026-11-10T13:00:00Z", "2026-11-10T19:00:00Z");
    check(tuesday_noon, at_place(52.53, 13.405), "shown", None);
    check(tuesday_noon, at_place(52.54, 13.405), "out_of_reach", None);
    check(tuesday_noon, at_place(91.0, 13.405), "place_unknown", None);
    check(tuesday_noon, inbound(), "place_unknown", None);
    check(tuesday_night, at_place(52.52, 13.405), "closed", Some("2026-11-17T09:00:00Z"));
}

#[test]
fn the_place_changes_the_ranking_and_what_stands() {
    let shops = offer("mitte", 50, "place: {lat: 52.52, lon: 13.405, within_m: 2000}")
        + &offer("potsdam", 60, "place: {lat: 52.39, lon: 13.065, within_m: 2000}")
        + &offer("online", 10, "");
    let mut ann = Subject::consenting(playbook(&shops));
    let mut first = |ask: DecisionRequest| ann.ask(ask).items[0].offer.to_string();
    assert_eq!(first(inbound()), "online");
    assert_eq!(first(at_place(52.52, 13.40)), "mitte");
    assert_eq!(first(at_place(52.39, 13.06)), "potsdam");
    assert_eq!(first(inbound()), "online");
}

#[test]
fn a_late_trigger_is_dropped() {
    let roaming = offer("roaming", 90, "trigger: {at: t.landed_at, lives: 30m}");
    let cart = offer("cart", 80, "trigger: {at: c.cart.left_at, lives: 1h}");
    let playbook = playbook(&format!("{roaming}{cart}{}", offer("news", 1, "")));
    let check = |waited_ms: i64, code: &str| {
        let mut ann = Subject::consenting(Arc::clone(&playbook));
        assert_eq!(fate(&mut ann, inbound(), "roaming").code, "no_trigger");
        ann.event("landed", &[]);
        ann.wait(waited_ms);
        let fate = fate(&mut ann, inbound(), "roaming");
        assert_eq!(fate.code, code, "after {waited_ms} ms");
        assert!(code == "shown" || fate.stage == Stage::Validity);
    };
    check(0, "shown");
    check(30 * MINUTE_MS - 1, "shown");
    check(30 * MINUTE_MS, "expired");
    let check = |left_at: &str, code: &str| {
        let cart = map(&[("left_at", Value::Text(left_at.into()))]);
        let ask = DecisionRequest { context: map(&[("cart", cart)]), ..inbound() };
        let mut ann = Subject::consenting(Arc::clone(&playbook));
        assert_eq!(fate(&mut ann, ask, "cart").code, code, "{left_at}");
    };
    check("2026-11-10T11:00:00.001Z", "shown");
    check("2026-11-10T11:00:00Z", "expired");
    check("2026-11-10T12:00:00.001Z", "no_trigger");
    check("an hour ago", "no_trigger");
}

#[test]
fn what_answers_to_a_trigger_is_sent_before_its_time_ends() {
    let roaming = offer("roaming", 90, "trigger: {at: t.landed_at, lives: 30m}");
    let mut ann = Subject::consenting(playbook(&(roaming + &offer("news", 1, ""))));
    ann.event("landed", &[]);
    ann.wait(10 * MINUTE_MS);
    let decision = ann.decide("sms", Direction::Outbound);
    let ends: Timestamp = ann.now.plus_ms(20 * MINUTE_MS);
    assert_eq!((&*decision.items[0].offer, decision.expires_at), ("roaming", ends));
    assert_eq!(ann.customer().contacts.iter().next().expect("a contact").expires_at, ends);
    // It does not stand any longer than that.
    ann.wait(20 * MINUTE_MS);
    assert_eq!(&*ann.decide("app", Direction::Inbound).items[0].offer, "news");
}

#[test]
fn the_last_slot_is_kept_for_something_worth_it() {
    let offers = offer("cheap", 20, "") + &offer("dear", 90, "rules: {eligible: \"t.age > 60\"}");
    let cap = "caps: [{id: two, match: \"true\", limit: 2, window: {calendar: month}, reserve: 5}]\n";
    let mut ann = Subject::consenting(playbook(&format!("{offers}{cap}")));
    // 0.1 x 20 = 2: enough while two slots are free, too little for the last.
    assert_eq!(&*ann.decide("sms", Direction::Outbound).items[0].offer, "cheap");
    ann.wait(25 * HOUR_MS);
    let held = ann.decide("sms", Direction::Outbound);
    assert!(held.items.is_empty());
    let reserve = held.withheld.iter().find(|it| &*it.code == "reserve_price").expect("it says why");
    assert_eq!(reserve.cap.as_ref().map(|cap| (&*cap.id, cap.used, cap.limit)), Some(("two", 1, 2)));
    assert_eq!(ann.customer().contacts.iter().count(), 1, "the slot is not burnt");
    ann.tag("age", Value::Int(61));
    let decision = ann.decide("sms", Direction::Outbound);
    assert_eq!((&*decision.items[0].offer, decision.items.len()), ("dear", 1));
    let fate = fate(&mut ann, inbound(), "cheap");
    assert_eq!(fate.code, "shown", "where the customer came to us no slot is taken");
}

#[test]
fn the_last_place_on_show_is_kept_as_well() {
    let offers = offer("cheap", 20, "") + &offer("dear", 90, "") + &offer("middle", 60, "");
    let cap = "caps: [{id: shown, match: \"true\", limit: 2, window: {calendar: day}, counts: shown, reserve: 7}]\n";
    let mut ann = Subject::consenting(playbook(&format!("{offers}{cap}")));
    let decision = ann.ask(inbound());
    let shown: Vec<&str> = decision.items.iter().map(|item| &*item.offer).collect();
    assert_eq!(shown, ["dear"], "middle is worth 6, and the last place is kept for 7");
}

#[test]
fn what_a_partner_pays_is_told_beside_its_offer() {
    let offers = offer("coupon", 90, "owner: \"partner:cafe\", partner_pays: 0.8") + &offer("own", 10, "");
    let mut ann = Subject::consenting(playbook(&offers));
    let decision = ann.ask(inbound());
    let pays: Vec<_> = decision.items.iter().map(|item| (&*item.offer, item.partner_pays)).collect();
    assert_eq!(pays, [("coupon", Some(0.8)), ("own", None)], "a partner's offer can win");
}

#[test]
fn a_score_that_is_no_number_drops_its_offer_and_not_the_decision() {
    let playbook = playbook(
        "  - {id: by-zero, value: {clv: 1 / t.age}, prior: {default: 0.1}}
  - {id: beyond, value: {clv: 1e308 * t.usage_mb}, prior: {default: 0.1}}
  - {id: heavy, value: {clv: 1e307}, prior: {default: 0.9}, lever: 100000}
  - {id: sound, value: {clv: 1}, prior: {default: 0.1}}
",
    );
    let mut ann = Subject::consenting(playbook);
    ann.tag("age", Value::Int(0));
    ann.tag("usage_mb", Value::Number(100.0));
    let decision = ann.ask(inbound());
    let shown: Vec<&str> = decision.items.iter().map(|item| &*item.offer).collect();
    assert_eq!(shown, ["sound"]);
    for offer in ["by-zero", "beyond", "heavy"] {
        let fate = fate(&mut ann, inbound(), offer);
        assert_eq!((fate.stage, fate.code), (Stage::Score, "not_finite"), "{offer}");
        assert!(fate.actual.is_some());
    }
    let withheld = decision.withheld.iter().find(|it| &*it.code == "not_finite").expect("told");
    assert_eq!(withheld.offers, 3);
}
