//! Ten thousand decisions of random playbooks and customers: each is taken again from its log row, to the byte, and tells
//! the fate of every offer.

use crate::fixture::{Subject, playbook_of, request};
use actors::call::{DecisionRequest, Direction, ResponseKind};
use actors::decision::log::LoggedDecision;
use actors::playbook::Playbook;
use actors::timestamp::{HOUR_MS, MINUTE_MS};
use actors::value::Value;
use std::fmt::Write;
use std::sync::Arc;

/// Dice that always fall the same way (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

const CHANNELS: [&str; 4] = ["app", "sms", "desk", "web"];

/// A playbook with something of everything, and offers that differ from roll to roll.
fn playbook(dice: &mut Dice) -> Arc<Playbook> {
    let mut text = String::from(
        "tags:
  - {id: a, type: number, reason: \"about {{ value }}\"}
  - {id: b, type: int, private: true}
  - {id: plan, type: enum, values: [x, y]}
  - {id: language, type: string}
  - {id: at, type: time}
events:
  - {type: bought, data: {what: string}, updates: [{own: data.what}, {tag: at, set: event.time}]}
languages: {tag: language}
fit: [{usage: t.a, max: 2}]
holdouts: [{id: h, share: 0.1, salt: s}]
explore: {start: 0.4, steady: 0.3, ramp: 10d}
family_max: 2
suppress: [{on: rejected, scope: offer, then: forever}]
quiet_hours: [{match: \"c.purpose == 'marketing'\", local: [\"22:00-07:00\"]}]
context_weights: [{when: \"c.channel == 'desk'\", family: f1, weight: 40}, {when: \"t.b > 50\", family: f2, weight: 90}]
",
    );
    let reserve = dice.below(8);
    writeln!(
        text,
        "caps: [{{id: m, match: \"c.purpose == 'marketing'\", limit: {}, window: {{rolling: 2d}}, reserve: {reserve}}}]",
        1 + dice.below(3)
    )
    .expect("text");
    text.push_str("offers:\n");
    for n in 0..9 {
        let rule = dice.one(&["true", "t.a > 30", "t.b < 70 || t.plan == 'x'", "has(t.b)", "!owns('o1')"]);
        let value = dice.one(&["40", "t.a", "t.a / t.b", "60 - t.b", "1e308 * t.a"]);
        let extras = dice.one(&[
            "",
            "excludes: [o0, o1]",
            "requires: [o2]",
            "follows: [o1, o2]",
            "volume: 60",
            "trigger: {at: t.at, lives: 5h}",
            "hours: [{local: [\"08:00-14:00\"]}]",
            "partner_pays: 2, owner: \"partner:p\"",
            "variants: [{language: de, title: \"Angebot\"}]",
        ]);
        // Nothing is required of itself or in a circle: o0 to o2 have no relations.
        let extras = if n < 3 { "" } else { extras };
        writeln!(
            text,
            "  - {{id: o{n}, family: f{}, purpose: {}, prior: {{default: 0.{}}}, value: {{clv: \"{value}\"}}, \
             rules: {{eligible: \"{rule}\"}}, affinity: [{{tag: a, weight: 0.{}, center: 50, scale: 20}}, \
             {{tag: b, weight: 0.4, center: 40, scale: 30}}, {{tag: plan, equals: x, weight: -0.7}}], {extras}}}",
            if n < 4 { n } else { dice.below(4) },
            dice.one(&["marketing", "marketing", "service"]),
            1 + dice.below(8),
            dice.below(10),
        )
        .expect("text");
    }
    playbook_of(&text)
}

/// Something happens to the customer.
fn live(subject: &mut Subject, dice: &mut Dice) {
    subject.wait((dice.below(9 * 60) as i64) * MINUTE_MS);
    match dice.below(8) {
        0 => drop(subject.tag("a", Value::Number(dice.below(1_000) as f64 / 10.0))),
        1 => drop(subject.tag("b", Value::Int(dice.below(100) as i64))),
        2 => drop(subject.tag("plan", Value::Text(dice.one(&["x", "y"]).into()))),
        3 => drop(subject.tag("language", Value::Text(dice.one(&["de", "en"]).into()))),
        4 => drop(subject.event("bought", &[("what", Value::Text(dice.one(&["o1", "o2", "o5"]).into()))])),
        _ => {}
    }
}

fn ask(dice: &mut Dice) -> DecisionRequest {
    let direction = if dice.below(3) == 0 { Direction::Outbound } else { Direction::Inbound };
    DecisionRequest { limit: 1 + dice.below(13) as usize, ..request(dice.one(&CHANNELS), direction) }
}

fn check(logged: &LoggedDecision, subject: &Subject) -> usize {
    let logged = LoggedDecision::decode(&logged.encode()).expect("readable");
    let active = &subject.active;
    let explanation = logged.explain(&subject.id, &active.playbook, &active.priors).expect("readable");
    assert!(explanation.replay_matches, "{:?}", logged.decision);
    assert_eq!(explanation.fates.len(), active.playbook.offers.len(), "every offer has one fate");
    for score in explanation.fates.iter().filter_map(|fate| fate.score.as_ref()) {
        let sum = score.prior_logit + score.contributions.iter().map(|(_, part)| part).sum::<f64>();
        let logit = (score.propensity / (1.0 - score.propensity)).ln();
        assert!((sum - logit).abs() < 1e-6, "{score:?}");
        let product = score.propensity * score.context_weight * score.value * score.lever;
        assert!((product - score.priority).abs() <= 1e-9 * product.abs(), "{score:?}");
        assert!(score.contributions.iter().all(|(tag, _)| &**tag != "b"), "b is private");
    }
    for item in &logged.decision.items {
        assert!(item.reasons.iter().all(|reason| reason.contribution != 0.0), "{item:?}");
        assert!(item.reasons.len() <= 3 && !item.script.contains("b:"), "{item:?}");
    }
    logged.decision.items.len()
}

#[test]
fn ten_thousand_logged_decisions_replay_to_the_byte() {
    let mut dice = Dice(0x5eed_0fa1_1d1c);
    let (mut decisions, mut items) = (0, 0);
    for _ in 0..50 {
        let playbook = playbook(&mut dice);
        for name in 0..20 {
            let mut subject = Subject::named(&format!("c{name}"), Arc::clone(&playbook));
            subject.consent_all();
            subject.wait(HOUR_MS);
            for _ in 0..10 {
                live(&mut subject, &mut dice);
                let decision = subject.ask(ask(&mut dice));
                let contact = decision.items.iter().find_map(|item| item.contact_id.clone());
                if let Some(contact) = contact.filter(|_| dice.below(3) == 0) {
                    let kinds = [
                        ResponseKind::Sent,
                        ResponseKind::Accepted,
                        ResponseKind::Rejected,
                        ResponseKind::Failed,
                    ];
                    subject.receipt(&contact, kinds[dice.below(4) as usize]);
                }
            }
            for logged in &subject.logged {
                items += check(logged, &subject);
                decisions += 1;
            }
        }
    }
    assert_eq!(decisions, 10_000);
    assert!(items > 10_000, "{items} items: the playbooks give something to look at");
}
