//! A small sound playbook, the same with every kind of mistake, and what must come out of each.

use super::*;
use crate::playbook::{
    Affinity, Change, Counts, Derived, Learning, SuppressScope, TagKind, TagValue, Window, WindowFold,
};
use crate::timestamp::{DAY_MS, Timestamp};

pub(super) const TAGS: &str = "tenant: {zone: Europe/Berlin, currency: EUR, zone_tag: home_zone}
kpi: {active: clv}
tags:
  - {id: age, type: int, max_age: 40d}
  - {id: contract, type: enum, values: [prepaid, postpaid]}
  - {id: usage_mb_30d, type: number, text: \"megabytes in 30 days\"}
  - {id: recent_mb, type: number}
  - {id: home_zone, type: string}
  - {id: income, type: int, private: true}
  - {id: last_roaming_at, type: time}
";

pub(super) const EVENTS: &str = "events:
  - type: telco.usage.data
    data: {mb: number, roaming: bool, product: string?}
    updates:
      - {tag: usage_mb_30d, sum: data.mb, window: 30d}
      - {tag: recent_mb, ewma: data.mb, half_life: 7d}
      - {tag: last_roaming_at, set: event.time, when: data.roaming}
      - {tag: contract, set: \"'prepaid'\"}
      - {own: data.product, when: has(data.product)}
";

pub(super) const OFFERS: &str = "offers:
  - id: data-xl
    owner: partner:ACME
    family: data-plan
    group: growth
    valid: {from: 2026-01-01, to: 2026-12-31}
    price: 29.9
    value: {clv: 240, cash_flow: \"29.9 * 12\"}
    prior: {default: 0.03, sms: 0.02}
    affinity:
      - {tag: usage_mb_30d, weight: 0.8, center: 8000, scale: 4000, mean: 0.5}
      - {tag: contract, equals: prepaid, weight: -0.6}
    rules: {eligible: \"t.age >= 18\", suitable: \"t.income > 100\"}
    channels: [sms]
    content: {sms: {text: \"You use {{ t.usage_mb_30d }} MB\"}}
  - {id: bare}
channels: {sms: {kind: webhook, url: \"http://127.0.0.1:9090/sms\"}, app: {kind: inbound}}
caps: [{id: month4, match: \"c.purpose == 'marketing'\", subject: customer, limit: 4, window: {calendar: month}, counts: reserved}]
suppress: [{on: rejected, count: 2, within: 60d, scope: family, then: forever}, {on: ignored, scope: offer, then: 30d}]
quiet_hours: [{match: \"c.purpose == 'marketing'\", local: [\"21:00-08:00\"], days: [sat, sun], on_hit: drop, expire: 24h}]
calendar: [{id: xmas, segment: \"t.contract == 'prepaid'\", from: 2026-12-20, to: 2026-12-27, exclusive: true}]
holdouts: [{id: universal, share: 0.02, salt: u-2026}]
explore: {start: 0.5, steady: 0.1, ramp: 60d}
context_weights: [{when: \"c.place == 'shop'\", group: growth, weight: 30}]
family_max: 2
";

fn files(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

pub(super) fn sound() -> Compiled {
    let files = files(&[("tags.yaml", TAGS), ("events.yaml", EVENTS), ("offers.yaml", OFFERS)]);
    compile(&files, &Dictionary::default()).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// Mistakes as `file:line what; fix`.
fn mistakes(texts: &[(&str, &str)]) -> Vec<String> {
    match compile(&files(texts), &Dictionary::default()) {
        Ok(compiled) => compiled.warnings.iter().map(ToString::to_string).collect(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_sound_playbook_is_compiled_as_written() {
    let Compiled { playbook, warnings } = sound();
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let lacks = "offers.yaml:16: warning: offer bare has no value in the active KPI clv; it counts as worth 0: add the value";
    assert_eq!(warnings, [lacks]);
    let number = |id: &str| playbook.tag(id).unwrap().number;
    assert_eq!(playbook.tenant.zone_tag, Some(number("home_zone")));
    let usage = playbook.tag("usage_mb_30d").unwrap();
    assert_eq!(usage.derived, Some(Derived::Window { window_ms: 30 * DAY_MS, fold: WindowFold::Sum }));
    assert_eq!(&*usage.text, "megabytes in 30 days");
    assert_eq!(playbook.tag("recent_mb").unwrap().derived, Some(Derived::Ewma { half_life_ms: 7 * DAY_MS }));
    assert_eq!(&*playbook.tag("recent_mb").unwrap().text, "recent mb");
    assert_eq!(playbook.tag("age").unwrap().age_max_ms, Some(40 * DAY_MS));
    let updates = &playbook.events["telco.usage.data"].updates;
    assert!(matches!(updates[0].change, Change::Amount(tag, _) if tag == usage.number));
    assert!(matches!(updates[1].change, Change::Amount(..)));
    assert!(matches!(updates[2].change, Change::Set(..)) && updates[2].when.is_some());
    assert!(matches!(updates[4].change, Change::Own(_)));
    let offer = playbook.offer("data-xl").unwrap();
    assert_eq!(offer.valid_from, Timestamp::parse("2026-01-01T00:00:00+01:00"));
    assert_eq!(offer.valid_to, Timestamp::parse("2027-01-01T00:00:00+01:00"), "the last day counts");
    assert_eq!(offer.value.as_ref().unwrap().text(), "240");
    assert_eq!((offer.prior_default, offer.prior["sms"]), (0.03, 0.02));
    let contract = playbook.tag("contract").unwrap();
    assert_eq!(contract.kind, TagKind::Enum);
    assert!(matches!(&offer.affinity[1], Affinity::Equals { value: TagValue::Enum(0), .. }));
    let bare = playbook.offer("bare").unwrap();
    assert_eq!(
        (&*bare.owner, &*bare.family, &*bare.purpose, bare.prior_default),
        ("own", "bare", "marketing", 0.01)
    );
    assert_eq!((playbook.caps[0].limit, playbook.caps[0].counts), (4, Counts::Reserved));
    assert!(matches!(playbook.caps[0].window, Window::Calendar(_)));
    assert_eq!((playbook.suppress[0].scope, playbook.suppress[0].for_ms), (SuppressScope::Family, None));
    assert_eq!((playbook.suppress[1].count, playbook.suppress[1].for_ms), (1, Some(30 * DAY_MS)));
    assert_eq!(
        (&playbook.quiet_hours[0].local[..], &playbook.quiet_hours[0].days[..]),
        (&[(1260, 480)][..], &[5, 6][..])
    );
    assert_eq!((playbook.holdouts[0].buckets, playbook.family_max), (200, 2));
    let mut read: Vec<&str> = playbook.read_tags.iter().map(|tag| &*playbook.tags[tag].id).collect();
    read.sort_unstable();
    assert_eq!(read, ["age", "contract", "home_zone", "income", "usage_mb_30d"]);
}

#[test]
fn the_canonical_form_gives_the_same_playbook() {
    let first = sound().playbook;
    let again = from_canonical(&first.canonical, &Dictionary::default()).unwrap();
    assert_eq!(
        (&again.id, &again.canonical, &again.dictionary),
        (&first.id, &first.canonical, &first.dictionary)
    );
    assert_eq!(first.id.len(), 64);
    assert_eq!(format!("{:?}", again.offers), format!("{:?}", first.offers));
    assert_eq!(format!("{:?}", again.caps), format!("{:?}", first.caps));
    for end in 0..first.canonical.len().min(300) {
        assert!(from_canonical(&first.canonical[..end], &Dictionary::default()).is_err(), "cut at {end}");
    }
}

#[test]
fn files_comments_and_order_play_no_part_in_the_id() {
    let moved =
        OFFERS.replace("  - {id: bare}\n", "").replace("offers:\n", "# first\noffers:\n  - {id: bare}\n");
    let one = format!("{EVENTS}{moved}");
    let other = compile(&files(&[("all.yaml", &one), ("tags.yaml", TAGS)]), &Dictionary::default()).unwrap();
    assert_eq!(other.playbook.id, sound().playbook.id);
    let changed = OFFERS.replace("limit: 4", "limit: 5");
    let texts = files(&[("tags.yaml", TAGS), ("events.yaml", EVENTS), ("offers.yaml", &changed)]);
    assert_ne!(compile(&texts, &Dictionary::default()).unwrap().playbook.id, sound().playbook.id);
}

#[test]
fn numbers_of_an_earlier_playbook_stay() {
    let first = sound().playbook;
    let tags = TAGS
        .replace("{id: age,", "{id: aaa, type: bool}\n  - {id: age,")
        .replace("[prepaid,", "[hybrid, prepaid,");
    let texts = files(&[("tags.yaml", &tags), ("events.yaml", EVENTS), ("offers.yaml", OFFERS)]);
    let second = compile(&texts, &first.dictionary).unwrap().playbook;
    for tag in first.tags.values() {
        assert_eq!(second.tag(&tag.id).unwrap().number, tag.number, "{}", tag.id);
    }
    let contract = second.tag("contract").unwrap().number;
    assert_eq!(second.dictionary.enum_value(contract, "prepaid"), Some(0));
    assert_eq!(second.dictionary.enum_value(contract, "hybrid"), Some(2));
}

#[test]
fn every_mistake_of_three_files_is_found_in_one_run() {
    let tags = "tenant: {zone: Europe/Berlinn}
kpi: {active: clvv}
tags:
  - {id: age, type: integer}
  - {id: contract, type: enum, values: [prepaid, prepaid]}
  - {id: income, type: int, private: true}
  - {id: income, type: int}
  - {id: usage, type: number, max_age: 40}
  - {type: int}
";
    let offers = "offers:
  - id: a
    value: {clv: \"t.usagee * 2\"}
    prior: {default: 1.5}
    rulez: {eligible: \"true\"}
    affinity: [{tag: usage, weight: 1, center: 3, scale: 0}]
    rules:
      eligible: \"t.contract == 'prepayd'\"
    channels: [smss]
    content: {sms: {text: \"{{ t.income }}\"}}
  - {id: a, kind: ofer, purpose: marketting, owner: me}
  - {id: b, valid: {from: 2026-02-01, to: 2026-01-01}, price: cheap}
channels: {sms: {kind: webhook}}
";
    let rules = "caps:
  - {id: c, match: \"c.purpose == 3\", limit: -1, window: {calendar: fortnight}, subject: offer_totl}
  - {id: roll, match: \"true\", limit: 1, window: {rolling: 7d}, subject: offer_total}
  - {id: bare, match: \"true\", limit: 1, subject: line}
suppress: [{on: refused, scope: offer, then: never}]
quiet_hours: [{match: \"true\", local: [\"21-8\"]}]
kpi: {active: clv}
events:
  - type: e
    data: {mb: numbr}
    updates:
      - {tag: usage, sum: \"1\", add: \"2\"}
      - {tag: usage, sum: \"1\", window: 30d}
      - {tag: usage, set: \"3\"}
holdouts: [{id: u, share: 2, salt: s}]
";
    let found = mistakes(&[("tags.yaml", tags), ("offers.yaml", offers), ("rules.yaml", rules)]);
    let expected = [
        "tags.yaml:1: unknown time zone Europe/Berlinn",
        "tags.yaml:2: no offer has a value in the active KPI clvv; did you mean clv?",
        "tags.yaml:4: tag age: unknown type integer",
        "tags.yaml:5: tag contract lists prepaid twice",
        "tags.yaml:7: tag income is there twice",
        "tags.yaml:8: max_age of tag usage is a whole number",
        "tags.yaml:9: tag lacks id",
        "offers.yaml:3: offer a, value in clv: unknown tag t.usagee; did you mean t.usage?",
        "offers.yaml:4: prior default of offer a is 1.5",
        "offers.yaml:5: offer a has an unknown key rulez; did you mean rules?",
        "offers.yaml:6: offer a, affinity usage: scale is 0",
        "offers.yaml:8: offer a, eligible: 'prepayd' is not a value of t.contract; did you mean 'prepaid'?",
        "offers.yaml:9: offer a: unknown channel smss; did you mean sms?",
        "offers.yaml:10: offer a, content of sms: tag income is private",
        "offers.yaml:11: offer a is there twice",
        "offers.yaml:11: offer a: ofer is not known; did you mean offer?",
        "offers.yaml:11: offer a: marketting is no known purpose; did you mean marketing?",
        "offers.yaml:11: offer a: unknown owner me",
        "offers.yaml:12: offer b is valid to 2026-01-01 before it begins",
        "offers.yaml:12: price of offer b is text",
        "offers.yaml:13: channel sms lacks url",
        "rules.yaml:2: cap c: offer_totl is not known; did you mean offer_total?",
        "rules.yaml:3: cap roll is a total, and totals do not roll",
        "rules.yaml:4: cap bare has not one window",
        "rules.yaml:2: cap c: c.purpose is a string and 3 is a number",
        "rules.yaml:2: cap c: the limit is -1",
        "rules.yaml:2: cap c: fortnight is not known",
        "rules.yaml:5: suppression: refused is not known",
        "rules.yaml:5: suppression: never is not a duration",
        "rules.yaml:6: quiet hours: `21-8` is no time of day",
        "rules.yaml:7: kpi is given twice",
        "rules.yaml:10: event e: data field mb has the unknown type numbr",
        "rules.yaml:12: event e: an update has 2 changes",
        "rules.yaml:14: event e: tag usage is changed in two ways",
        "rules.yaml:15: share of holdout u is 2",
    ];
    for line in expected {
        assert!(
            found.iter().any(|mistake| mistake.starts_with(line)),
            "not found: {line}\nfound: {found:#?}"
        );
    }
    assert_eq!(
        found.iter().filter(|mistake| !mistake.contains("warning: ")).count(),
        expected.len(),
        "{found:#?}"
    );
}

#[test]
fn a_broken_file_hides_no_mistake_of_another() {
    let found = mistakes(&[
        ("broken.yaml", "offers: [{id: a}\n"),
        ("tags.yaml", "tags: [{id: age, type: itn}]\n"),
        ("twice.yaml", "offers:\n  - {id: a, id: b, prior: {default: 7}}\n"),
        ("empty.yaml", ""),
    ]);
    for begin in [
        "broken.yaml:",
        "tags.yaml:1: tag age: unknown type itn; did you mean int?",
        "twice.yaml:2: the key id is given twice",
        "twice.yaml:2: prior default of offer a is 7",
    ] {
        assert!(found.iter().any(|mistake| mistake.starts_with(begin)), "{begin}: {found:#?}");
    }
}

#[test]
fn tags_and_offers_must_be_there() {
    let found = mistakes(&[]);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn json_is_read_as_well() {
    let json = "{\"tags\": [{\"id\": \"age\", \"type\": \"int\"}], \"offers\": [{\"id\": \"a\", \"value\": {\"clv\": \"t.age\"}}]}";
    let compiled = compile(&files(&[("all.json", json)]), &Dictionary::default()).unwrap();
    assert_eq!(compiled.warnings, []);
}

#[test]
fn journeys_are_checked_and_their_author_warned() {
    let journeys = |steps: &str| {
        format!(
            "journeys:\n  - id: j\n    entry: {{when: \"t.age > 10\", reentry: never}}\n    steps:\n{steps}"
        )
    };
    let base = [("tags.yaml", TAGS), ("events.yaml", EVENTS), ("offers.yaml", OFFERS)];
    let good = journeys(
        "      - {id: s1, offer: bare, on_accept: s2, on_ignore: {after: 14d, then: s1, max: 2}}\n      - {id: s2, wait: {event: telco.usage.data, timeout: 7d}, then: end, else: s1}\n      - {id: s3, branch: [{when: \"t.age < 26\", then: s1}, {then: end}]}\n",
    );
    let found = mistakes(&[base[0], base[1], base[2], ("j.yaml", &good)]);
    assert!(
        found.iter().any(|line| line.starts_with("j.yaml:2: warning: journeys are checked but not run yet")),
        "{found:#?}"
    );
    assert_eq!(found.len(), 2, "{found:#?}");
    let bad = journeys(
        "      - {id: s1, offer: baree, on_accept: s9}\n      - {id: s1, wait: {event: x, timeout: soon}, then: end, set_tag: {agee: 1}}\n",
    );
    let found = mistakes(&[base[0], base[1], base[2], ("j.yaml", &bad)]);
    for line in [
        "j.yaml:5: journey j: unknown offer baree; did you mean bare?",
        "j.yaml:5: journey j: unknown step s9",
        "j.yaml:6: journey j: step s1 is there twice",
        "j.yaml:6: journey j: unknown event x",
        "j.yaml:6: journey j: soon is not a duration",
        "j.yaml:6: journey j: unknown tag agee; did you mean age?",
    ] {
        assert!(found.iter().any(|mistake| mistake.starts_with(line)), "{line}: {found:#?}");
    }
}

#[test]
fn learning_is_on_unless_it_is_switched_off() {
    let smoothed = |strength| Learning::Smoothed { strength };
    for (text, expected) in [
        ("", smoothed(200.0)),
        ("learning: {enabled: true}", smoothed(200.0)),
        ("learning: {enabled: true, strength: 50}", smoothed(50.0)),
        ("learning: {enabled: false, strength: 50}", Learning::Frozen),
    ] {
        let files = [("tags.yaml", TAGS), ("events.yaml", EVENTS), ("offers.yaml", OFFERS), ("l.yaml", text)];
        let compiled = compile(&self::files(&files), &Dictionary::default()).expect("sound");
        assert_eq!(compiled.playbook.learning, expected, "{text}");
    }
    let found = mistakes(&[
        ("tags.yaml", TAGS),
        ("events.yaml", EVENTS),
        ("offers.yaml", OFFERS),
        ("l.yaml", "learning: {strength: 0.5}"),
    ]);
    let expected = "l.yaml:1: strength of learning is 0.5; give a number from 1 to 1000000000";
    assert_eq!(found.last().map(String::as_str), Some(expected));
}

#[test]
fn every_mistake_in_how_a_tag_is_derived_is_named_with_its_fix() {
    let check = |update: &str, expected: &str| {
        let events = format!(
            "events:\n  - type: e\n    data: {{mb: number, cell: string}}\n    updates:\n      - {update}\n  - type: f\n    data: {{mb: number}}\n"
        );
        let found = mistakes(&[("tags.yaml", TAGS), ("events.yaml", &events), ("offers.yaml", OFFERS)]);
        let line = format!("events.yaml:5: event e{expected}");
        assert!(found.iter().any(|mistake| mistake.starts_with(&line)), "{update}\n{line}\n{found:#?}");
    };
    check("{tag: recent_mb, avg: data.mb}", ": avg lacks window; add window: 30d");
    check("{tag: recent_mb, ewma: data.mb}", ": ewma lacks half_life; add half_life: 7d");
    check("{tag: recent_mb, set: data.mb, window: 3d}", ": set has no window; use sum, count, avg");
    check("{tag: recent_mb, sum: data.mb, half_life: 3d}", ": sum has no half_life; use ewma");
    check("{tag: recent_mb, sum: data.mb, per: month}", ": sum has no per; use crosses");
    check("{tag: recent_mb, sum: data.mb, at: [1]}", ": sum has no at; use crosses");
    check("{tag: recent_mb, max: data.mb, on: data.cell}", ": max has no on; use near");
    check("{own: data.cell, window: 3d}", ": own has no window");
    check("{tag: recent_mb, sum: data.mb, window: 3d, month: 1}", ": sum has window and month; keep one");
    check("{tag: recent_mb, sum: data.mb, month: 1, months: 3}", ": sum has month and months; keep one");
    check(
        "{tag: recent_mb, sum: data.mb, month: 25}",
        ": 25 is no count of months; give a whole number from 0 to 24",
    );
    check(
        "{tag: recent_mb, sum: data.mb, months: 0}",
        ": 0 is no count of months; give a whole number from 1 to 24",
    );
    check("{tag: recent_mb, sum: data.mb, months: x}", ": x is no count of months");
    check("{tag: recent_mb, crosses: data.mb, at: [80]}", ": crosses lacks per; add per: month");
    check("{tag: recent_mb, crosses: data.mb, per: month}", ": crosses has 0 thresholds; give 1 to 32");
    check("{tag: recent_mb, crosses: data.mb, at: [100, 80], per: month}", ": threshold 80 is out of order");
    check("{tag: recent_mb, crosses: data.mb, at: [0], per: month}", ": threshold 0 is out of order");
    check("{tag: recent_mb, crosses: data.mb, at: [x], per: month}", ": threshold x is out of order");
    check("{tag: recent_mb, crosses: data.mb, at: [1], per: moon}", ": moon is not known");
    check("{tag: recent_mb, crosses: data.mb, at: [1], per: day, of: t.agee}", ": unknown tag t.agee");
    check("{tag: recent_mb, near: f, within: 1h}", ": near lacks window; add window: 30d");
    check("{tag: recent_mb, near: f, within: soon, window: 3d}", ": soon is not a duration");
    check("{tag: recent_mb, near: g, within: 1h, window: 3d}", ": unknown event g");
    check(
        "{tag: recent_mb, near: f, within: 1h, window: 3d, on: data.cell}",
        " near f: the event has no field data.cell",
    );
    check("{tag: home_zone, distinct: data.cell}", ": tag home_zone is string, and sums are numbers");
    check("{tag: home_zone, take: \"1\"}", ": take of tag home_zone, which is string");
    check("{tag: recent_mb, distinct: data.sell}", ": the event has no field data.sell");
}

#[test]
fn a_number_that_is_set_and_counted_on_is_replayed_in_order() {
    let how = |updates: &str| {
        let events = format!("events:\n  - type: e\n    data: {{mb: number}}\n    updates: [{updates}]\n");
        let texts = files(&[("tags.yaml", TAGS), ("events.yaml", &events), ("offers.yaml", OFFERS)]);
        let playbook = compile(&texts, &Dictionary::default()).expect("sound").playbook;
        let tag = playbook.tag("recent_mb").expect("declared");
        (tag.derived == Some(Derived::Ledger), tag.counted_on)
    };
    let (add, set) = ("{tag: recent_mb, add: data.mb}", "{tag: recent_mb, set: data.mb}");
    assert_eq!(how(add), (false, true));
    assert_eq!(how(set), (false, false));
    assert_eq!(how("{tag: recent_mb, max: data.mb}"), (false, true));
    for other in [set, "{tag: recent_mb, max: data.mb}", "{tag: recent_mb, unset: true}"] {
        assert_eq!(how(&format!("{add}, {other}")), (true, false), "{other}");
    }
    assert_eq!(how("{tag: recent_mb, take: data.mb}"), (true, false));
}

#[test]
fn experiments_are_whole_and_name_what_exists() {
    let check = |text: &str, expected: &[&str]| {
        let text = format!("experiments: [{{id: x, salt: s, {text}}}]");
        let files =
            [("tags.yaml", TAGS), ("events.yaml", EVENTS), ("offers.yaml", OFFERS), ("x.yaml", &text)];
        let found: Vec<String> =
            mistakes(&files).into_iter().filter(|line| line.starts_with("x.yaml")).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("arms: [{id: a, share: 0.5}, {id: b, share: 0.5, list: [data-xl], explore: 0.3}]", &[]);
    check("ramp: 5, enabled: false, arms: [{id: a, share: 1}]", &[]);
    check(
        "arms: [{id: a, share: 0.5}, {id: b, share: 0.4}]",
        &[
            "x.yaml:1: experiment x: the shares of its arms add up to 0.9; let them add up to 1; keep customers out with ramp",
        ],
    );
    check(
        "arms: [{id: a, share: 1, list: [data-xxl]}]",
        &["x.yaml:1: experiment x, arm a: unknown offer data-xxl; did you mean data-xl?"],
    );
    check(
        "ramp: 101, arms: [{id: a, share: 1}]",
        &["x.yaml:1: experiment x: ramp is 101; give a number from 0 to 100"],
    );
    check(
        "arms: [{id: a, share: 0.5}, {id: a, share: 0.5}]",
        &["x.yaml:1: experiment x: arm a is there twice; rename or remove one of them"],
    );
}
