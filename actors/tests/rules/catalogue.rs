//! Random playbooks, customers and questions, drawn from a seed: small, and full of what two ways of deciding could disagree on.

use crate::fixture::{Subject, request, response};
use actors::call::{Command, ConsentState, DecisionRequest, Direction, ResponseKind, TagPatch};
use actors::playbook::compile::compile;
use actors::playbook::{Dictionary, Playbook};
use actors::timestamp::{DAY_MS, HOUR_MS};
use actors::value::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// A stream of draws.
pub struct Draw(u64);

impl Draw {
    pub fn seeded(seed: u64) -> Self {
        Draw(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }
}

const PURPOSES: [&str; 6] = ["marketing", "marketing", "marketing", "telesales", "service", "regulatory"];
const CHANNELS: [&str; 4] = ["app", "sms", "desk", "web"];

/// A playbook's text.
pub fn playbook_text(draw: &mut Draw, offers: u64) -> String {
    let mut text = String::from(
        "tenant: {zone: Europe/Berlin, currency: EUR}\nkpi: {active: clv}\ntags:\n  \
         - {id: a0, type: int}\n  - {id: a1, type: int, max_age: 20d}\n  - {id: a2, type: int, private: true}\n  \
         - {id: n0, type: number}\n  - {id: n1, type: number, max_age: 2d}\n  - {id: n2, type: number}\n  \
         - {id: e0, type: enum, values: [x, y, z]}\n  - {id: e1, type: enum, values: [u, v]}\n  \
         - {id: b0, type: bool}\n  - {id: b1, type: bool, private: true}\n  \
         - {id: s0, type: string}\n  - {id: d0, type: time}\n  - {id: d1, type: time}\n\
         events:\n  - type: bought\n    data: {what: string}\n    updates:\n      - {own: data.what}\n",
    );
    text.push_str("offers:\n");
    for n in 0..offers {
        offer(draw, n, offers, &mut text);
    }
    policy(draw, offers, &mut text);
    text
}

pub fn compiled(text: &str) -> Playbook {
    match compile(&[("random.yaml".to_owned(), text.to_owned())], &Dictionary::default()) {
        Ok(compiled) => compiled.playbook,
        Err(mistakes) => panic!("{}\n{text}", mistakes.iter().map(|m| format!("{m}\n")).collect::<String>()),
    }
}

fn offer(draw: &mut Draw, n: u64, offers: u64, text: &mut String) {
    write!(text, "  - {{id: o{n}").expect("text");
    if draw.chance(70) {
        write!(text, ", family: f{}", draw.below(offers.div_ceil(4).min(9))).expect("text");
    }
    if draw.chance(70) {
        write!(text, ", group: g{}", draw.below(3)).expect("text");
    }
    write!(text, ", owner: {}", draw.pick(&["own", "own", "partner:cafe", "partner:taxi"])).expect("text");
    write!(text, ", kind: {}", draw.pick(&["offer", "offer", "service", "info", "survey", "retention"]))
        .expect("text");
    write!(text, ", purpose: {}", draw.pick(&PURPOSES)).expect("text");
    if draw.chance(20) {
        text.push_str(draw.pick(&[
            ", valid: {from: 2026-11-11}",
            ", valid: {to: 2026-11-09}",
            ", valid: {from: 2026-01-01, to: 2027-01-01}",
            ", valid: {from: 2026-11-01, to: 2026-11-15}",
        ]));
    }
    if draw.chance(20) {
        text.push_str(", campaign: xmas");
    }
    if draw.chance(30) {
        write!(text, ", channels: [{}, {}]", draw.pick(&CHANNELS), draw.pick(&["app", "ivr"])).expect("text");
    }
    let value = draw.pick(&[
        "10",
        "10",
        "25",
        "25",
        "240",
        "29.9 * 12",
        "0",
        "-3",
        "1 / t.a0",
        "1e200",
        "1e308",
        "1e-200",
        "t.n0 * 2",
        "t.n0 * 2",
        "t.a0 - 3",
        "t.missing_or_not",
        "days_since(t.d0)",
        "1e300 * t.n0",
        "5 + t.n1 / t.a1",
    ]);
    write!(text, ", value: {{clv: \"{}\"}}", value.replace("missing_or_not", "n1 + 1")).expect("text");
    write!(text, ", prior: {{default: {}", draw.pick(&["0.01", "0.03", "0.03", "0.5", "0.97", "0.000001"]))
        .expect("text");
    text.push_str(draw.pick(&["}", "}", ", app: 0.2}", ", sms: 0.001, desk: 0.6}"]));
    if draw.chance(25) {
        write!(text, ", lever: {}", draw.pick(&["-100", "-50", "20", "900", "0"])).expect("text");
    }
    let terms: Vec<String> = (0..draw.below(6)).map(|_| affinity(draw)).collect();
    write!(text, ", affinity: [{}]", terms.join(", ")).expect("text");
    let mut rules = Vec::new();
    for layer in ["eligible", "applicable", "suitable"] {
        if draw.chance(40) {
            rules.push(format!("{layer}: \"{}\"", rule(draw, offers)));
        }
    }
    if draw.chance(25) {
        extras(draw, n, text);
    }
    if !rules.is_empty() {
        write!(text, ", rules: {{{}}}", rules.join(", ")).expect("text");
    }
    text.push_str("}\n");
}

/// What few offers declare: relations, places, triggers, volumes. Components come before their bundles.
fn extras(draw: &mut Draw, n: u64, text: &mut String) {
    match draw.below(8) {
        0 => text.push_str(", requires: [p1]"),
        1 => text.push_str(", excludes: [p2]"),
        2 if n > 0 => write!(text, ", excludes: [o{}]", draw.below(n)).expect("text"),
        3 if n > 0 => write!(text, ", follows: [o{}, p1]", draw.below(n)).expect("text"),
        4 if n > 0 => write!(text, ", components: [o{}]", draw.below(n)).expect("text"),
        5 => text.push_str(", place: {lat: 52.5, lon: 13.4, within_m: 2000}"),
        6 => write!(text, ", trigger: {{at: t.d0, lives: {}}}", draw.pick(&["5d", "60d"])).expect("text"),
        _ => text.push_str(draw.pick(&[", volume: 4", ", hours: [{days: [tue], local: [\"10:00-18:00\"]}]"])),
    }
}

fn affinity(draw: &mut Draw) -> String {
    let weight = draw.pick(&["0.5", "-0.5", "1.25", "2", "-3", "0", "0.1", "40", "-40"]);
    if draw.chance(40) {
        let equals = draw.pick(&[
            "tag: e0, equals: x",
            "tag: e0, equals: y",
            "tag: e1, equals: v",
            "tag: b0, equals: true",
            "tag: b1, equals: false",
            "tag: s0, equals: red",
            "tag: s0, equals: blue",
            "tag: a0, equals: 3",
            "tag: n0, equals: 2.5",
            "tag: d0, equals: \"2026-11-01T00:00:00Z\"",
        ]);
        return format!("{{{equals}, weight: {weight}}}");
    }
    let tag = draw.pick(&["a0", "a1", "a2", "n0", "n1", "n2"]);
    let curve = draw.pick(&[
        "center: 3, scale: 2",
        "center: 3, scale: 2",
        "center: 0, scale: 1",
        "center: 1, scale: -2",
        "center: 3, scale: 0.01",
        "center: 2, scale: 3, mean: 0.2",
        "center: -1e6, scale: 1e-3",
    ]);
    format!("{{tag: {tag}, weight: {weight}, {curve}}}")
}

fn rule(draw: &mut Draw, offers: u64) -> String {
    let parts: Vec<String> = (0..1 + draw.below(3)).map(|_| condition(draw, offers)).collect();
    parts.join(" && ")
}

fn condition(draw: &mut Draw, offers: u64) -> String {
    let sign = draw.pick(&["<", "<=", ">", ">=", "==", "!="]);
    match draw.below(12) {
        0..=2 => format!("t.{} {sign} {}", draw.pick(&["a0", "a1", "a2"]), draw.below(6)),
        3..=4 => format!("t.{} {sign} {}.5", draw.pick(&["n0", "n1", "a0"]), draw.below(6)),
        5 => format!("{} {sign} t.{}", draw.below(6), draw.pick(&["n2", "a1"])),
        6 => format!("c.offer != 'o{}'", draw.below(offers)),
        _ => draw
            .pick(&[
                "t.e0 == 'x'",
                "t.e0 != 'x'",
                "t.e0 in ['x', 'y']",
                "!(t.e1 in ['u'])",
                "t.b0",
                "!t.b0",
                "!t.b1",
                "has(t.a1)",
                "has(t.n1)",
                "!has(t.a2) || t.a2 < 3",
                "t.n1 > 2 || !has(t.n1)",
                "!has(t.a1)",
                "!owns('p1')",
                "!owns('p2')",
                "owns('p1')",
                "owns('p2') || t.b0",
                "days_since(t.d0) > 5",
                "t.s0 == 'red'",
                "t.s0 in ['red', 'green']",
                "c.channel == 'app'",
                "c.place == 'shop'",
                "has(c.place)",
                "c.family == 'f1'",
                "c.group != 'g1'",
                "t.a0 < t.a1",
                "t.a0 + t.a1 > 5",
                "t.b0 || t.b1",
                "!(t.a0 > 3 && t.b1)",
                "t.d0 < now()",
                "t.d0 < t.d1",
                "c.direction == 'inbound'",
                "t.a0 >= 9007199254740993",
                "t.n0 < 9007199254740992.0",
                "c.purpose == 'marketing'",
                "true",
            ])
            .to_owned(),
    }
}

fn policy(draw: &mut Draw, offers: u64, text: &mut String) {
    text.push_str("context_weights:\n  - {when: \"c.place == 'shop'\", weight: 10}\n");
    for _ in 0..draw.below(4) {
        let when = draw.pick(&["c.place == 'shop'", "t.b0", "t.a0 > 2", "c.channel == 'sms'", "true"]);
        let weight = draw.pick(&["-100", "-100", "-60", "30", "1000"]);
        let scope = match draw.below(4) {
            0 => format!(", offer: o{}", draw.below(offers)),
            1 if text.contains("group: g1") => ", group: g1".to_owned(),
            2 if text.contains("family: f0") => ", family: f0".to_owned(),
            _ => String::new(),
        };
        writeln!(text, "  - {{when: \"{when}\"{scope}, weight: {weight}}}").expect("text");
    }
    text.push_str("caps:\n  - {id: never, match: \"false\", limit: 1, window: {calendar: day}}\n");
    for n in 0..draw.below(4) {
        let matches = draw.pick(&[
            "c.purpose == 'marketing'",
            "c.purpose != 'service'",
            "c.family == 'f1'",
            "c.family in ['f0', 'f2']",
            "c.group == 'g1' && t.a0 > 2",
            "c.owner != 'own'",
            "c.offer == 'o1'",
            "true",
            "c.kind == 'offer'",
            "c.channel == 'sms'",
            "t.b0",
            "c.offer < 'o3'",
            "c.family == c.group",
        ]);
        let window = draw.pick(&["calendar: month", "calendar: day", "rolling: 7d", "rolling: 36h"]);
        let counts = draw.pick(&["reserved", "shown"]);
        let limit = draw.below(5);
        let reserve = draw.pick(&["", "", ", reserve: 3", ", reserve: 100"]);
        writeln!(
            text,
            "  - {{id: cap{n}, match: \"{matches}\", limit: {limit}, window: {{{window}}}, counts: {counts}{reserve}}}"
        )
        .expect("text");
    }
    text.push_str("suppress:\n  - {on: rejected, count: 1, scope: offer, then: forever}\n");
    for _ in 0..draw.below(3) {
        let on = draw.pick(&["rejected", "ignored", "clicked", "accepted"]);
        let scope = draw.pick(&["offer", "family", "group", "partner", "all"]);
        let then = draw.pick(&["forever", "suppress for 3d", "suppress for 30d"]);
        let channels = draw.pick(&["", ", channels: [app]", ", channels: [sms, desk]"]);
        writeln!(text, "  - {{on: {on}, count: 1, scope: {scope}, then: {then}{channels}}}").expect("text");
    }
    if draw.chance(40) {
        let matches = draw.pick(&["c.purpose == 'marketing'", "c.family == 'f1'", "t.a1 > 2", "true"]);
        writeln!(text, "quiet_hours: [{{match: \"{matches}\", local: [\"00:00-14:00\"], on_hit: defer}}]")
            .expect("text");
    }
    let exclusive = draw.chance(40);
    writeln!(
        text,
        "calendar: [{{id: xmas, segment: \"t.a0 > 1\", from: 2026-11-01, to: 2026-11-20, exclusive: {exclusive}}}]"
    )
    .expect("text");
    writeln!(text, "holdouts: [{{id: all, share: {}, salt: s}}]", draw.pick(&["0", "0", "0.3", "1"]))
        .expect("text");
    writeln!(text, "explore: {{start: {0}, steady: {0}, ramp: 1d}}", draw.pick(&["0", "0.5"])).expect("text");
    writeln!(text, "family_max: {}", 1 + draw.below(4)).expect("text");
    text.push_str("fit: [{usage: t.n0, min: 0.5, max: 2}]\n");
}

/// A customer with a past.
pub fn customer(draw: &mut Draw, name: u64, playbook: &Arc<Playbook>) -> Subject {
    let mut subject = Subject::named(&format!("customer {name}"), Arc::clone(playbook));
    for purpose in ["marketing", "telesales", "profiling"] {
        if draw.chance(80) {
            subject.consent(purpose, draw.pick(&["any", "any", "any", "app"]), ConsentState::Granted);
        }
    }
    for product in ["p1", "p2"] {
        if draw.chance(40) {
            subject.event("bought", &[("what", Value::Text(product.into()))]);
        }
    }
    for _ in 0..3 {
        let set = tags(draw);
        let as_of = Some(subject.now.plus_ms(-(draw.below(40) as i64) * DAY_MS));
        subject.apply(&Command::PatchTags(TagPatch { source: "test".into(), as_of, set, unset: vec![] }));
    }
    subject
}

fn tags(draw: &mut Draw) -> Vec<(String, Value)> {
    let mut set = Vec::new();
    let mut put = |draw: &mut Draw, tag: &str, value: Value| {
        if draw.chance(45) {
            set.push((tag.to_owned(), value));
        }
    };
    for tag in ["a0", "a1", "a2"] {
        let value = if draw.chance(3) { i64::MAX } else { draw.below(7) as i64 };
        put(draw, tag, Value::Int(value));
    }
    for tag in ["n0", "n1", "n2"] {
        let value = if draw.chance(3) { 1.5e308 } else { draw.below(14) as f64 / 2.0 - 0.5 };
        put(draw, tag, Value::Number(value));
    }
    let text = |text: &str| Value::Text(text.to_owned());
    let (e0, e1, s0) =
        (draw.pick(&["x", "y", "z"]), draw.pick(&["u", "v"]), draw.pick(&["red", "blue", "pink"]));
    put(draw, "e0", text(e0));
    put(draw, "e1", text(e1));
    put(draw, "s0", text(s0));
    let (b0, b1) = (draw.chance(50), draw.chance(50));
    put(draw, "b0", Value::Bool(b0));
    put(draw, "b1", Value::Bool(b1));
    let d0 = draw.pick(&["2026-11-01T00:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
    put(draw, "d0", text(d0));
    put(draw, "d1", text("2026-10-20T00:00:00Z"));
    set
}

/// A question.
pub fn question(draw: &mut Draw) -> DecisionRequest {
    let direction = if draw.chance(50) { Direction::Inbound } else { Direction::Outbound };
    let mut context = BTreeMap::new();
    if draw.chance(40) {
        let degrees = |lat, lon| {
            let fields = [("lat", lat), ("lon", lon)];
            Value::Map(fields.map(|(name, value)| (name.to_owned(), Value::Number(value))).into())
        };
        let place = match draw.below(4) {
            0 => degrees(52.5, 13.41),
            1 => degrees(48.1, 11.5),
            _ => Value::Text(draw.pick(&["shop", "home"]).to_owned()),
        };
        context.insert("place".to_owned(), place);
    }
    DecisionRequest {
        purpose: draw.chance(15).then(|| draw.pick(&PURPOSES).into()),
        context: Value::Map(context),
        limit: 1 + draw.below(13) as usize,
        ..request(draw.pick(&CHANNELS), direction)
    }
}

/// Asks, lets time pass, and answers something.
pub fn live_on(draw: &mut Draw, subject: &mut Subject, request: DecisionRequest) {
    let decision = subject.ask(request);
    if let Some(item) = decision.items.get(draw.below(3) as usize)
        && draw.chance(60)
    {
        let kind =
            [ResponseKind::Rejected, ResponseKind::Ignored, ResponseKind::Clicked, ResponseKind::Accepted]
                [draw.below(4) as usize];
        subject.respond(actors::call::Response {
            decision_id: Some(decision.decision_id.clone()),
            offer: Some(item.offer.to_string()),
            at: Some(subject.now),
            ..response(kind)
        });
    }
    if draw.chance(20) {
        let set = tags(draw);
        subject.apply(&Command::PatchTags(TagPatch {
            source: "test".into(),
            as_of: Some(subject.now),
            set,
            unset: vec![],
        }));
    }
    subject.wait([HOUR_MS / 7, 5 * HOUR_MS, DAY_MS][draw.below(3) as usize]);
}
