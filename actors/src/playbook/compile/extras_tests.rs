//! Mistakes in what few offers declare: each is found with its file, its line and a fix.

use super::*;

const TAGS: &str = "tags:
  - {id: age, type: int}
  - {id: income, type: int, private: true}
  - {id: seen_at, type: time}
  - {id: usage, type: number}
  - {id: language, type: string}
";

fn findings(rest: &str) -> Vec<String> {
    let files = [("tags.yaml".to_owned(), TAGS.to_owned()), ("offers.yaml".to_owned(), rest.to_owned())];
    match compile(&files, &Dictionary::default()) {
        Ok(compiled) => compiled.warnings.iter().map(ToString::to_string).collect(),
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

/// The offers, one a line from line 2 on, and the first finding expected of them; empty: none.
fn check(rest: &str, expected: &str) {
    let found = findings(rest);
    match expected {
        "" => assert!(found.is_empty(), "{rest}\n{found:#?}"),
        _ => assert!(found.iter().any(|it| it.starts_with(expected)), "{rest}\nnot {expected}\n{found:#?}"),
    }
}

fn offers(lines: &[&str]) -> String {
    let line = |line: &&str| format!("  - {{value: {{clv: 1}}, {line}}}\n");
    format!("offers:\n{}", lines.iter().map(line).collect::<String>())
}

#[test]
fn relations_do_not_go_in_circles_nor_against_each_other() {
    check(&offers(&["id: a, requires: [b]", "id: b, follows: [c]", "id: c, components: [d]", "id: d"]), "");
    check(
        &offers(&["id: a, requires: [b]", "id: b, follows: [c]", "id: c, components: [a]"]),
        "offers.yaml:4: offer c: relations go in a circle: a -> b -> c -> a; remove one of them",
    );
    check(&offers(&["id: a, requires: [a]"]), "offers.yaml:2: offer a: relations go in a circle: a -> a;");
    check(
        &offers(&["id: z, follows: [b]", "id: b, requires: [c]", "id: c, requires: [b]"]),
        "offers.yaml:4: offer c: relations go in a circle: b -> c -> b;",
    );
    check(
        &offers(&["id: a, requires: [b], excludes: [b]"]),
        "offers.yaml:2: offer a requires and excludes b;",
    );
    check(
        &offers(&["id: a, components: [b], excludes: [b]"]),
        "offers.yaml:2: offer a holds and excludes b;",
    );
    check(&offers(&["id: a, excludes: [a]"]), "offers.yaml:2: offer a excludes itself;");
    check(&offers(&["id: a, excludes: [b]", "id: b, excludes: [a]"]), "");
    check(
        &offers(&["id: insurance, follows: [phonee]", "id: phone"]),
        "offers.yaml:2: warning: offer insurance: no offer is named phonee; it counts as a product; did you mean phone?",
    );
    check(&offers(&["id: insurance, follows: [anything-else]"]), "");
}

#[test]
fn a_chain_of_thousands_of_offers_is_walked() {
    let chain: String = (0..3_000)
        .map(|n| format!("  - {{id: o{n}, value: {{clv: 1}}, requires: [o{}]}}\n", n + 1))
        .collect();
    check(&format!("offers:\n{chain}  - {{id: o3000, value: {{clv: 1}}}}\n"), "");
    let circle = findings(&format!("offers:\n{chain}  - {{id: o3000, value: {{clv: 1}}, requires: [o0]}}\n"));
    assert!(circle[0].contains("relations go in a circle"), "{}", &circle[0][..200]);
}

#[test]
fn places_hours_and_triggers_are_sound() {
    let shop = "id: a, place: {lat: 52.5, lon: 13.4, within_m: 500, zone: Europe/Berlin}";
    check(&offers(&[&format!("{shop}, hours: [{{days: [mon], local: [\"10:00-20:00\"]}}]")]), "");
    check(
        &offers(&["id: a, place: {lat: 95, lon: 13, within_m: 1}"]),
        "offers.yaml:2: lat of offer a is 95;",
    );
    check(&offers(&["id: a, place: {lat: 5, lon: 13}"]), "offers.yaml:2: place of offer a lacks within_m;");
    check(
        &offers(&["id: a, place: {lat: 5, lon: 13, within_m: 1, zone: Europe/Berlinn}"]),
        "offers.yaml:2: offer a: unknown time zone Europe/Berlinn;",
    );
    check(&offers(&["id: a, hours: [{days: [mon]}]"]), "offers.yaml:2: offer a, hours name no time;");
    check(
        &offers(&["id: a, hours: [{days: [monday], local: [\"10-20\"]}]"]),
        "offers.yaml:2: offer a, hours: `10-20` is no time of day;",
    );
    check(&offers(&["id: a, trigger: {at: t.seen_at, lives: 30m}"]), "");
    check(
        &offers(&["id: a, trigger: {at: t.age, lives: 30m}"]),
        "offers.yaml:2: offer a, trigger: tag age is int",
    );
    check(
        &offers(&["id: a, trigger: {at: t.seen, lives: 30m}"]),
        "offers.yaml:2: offer a, trigger: unknown tag seen;",
    );
    check(
        &offers(&["id: a, trigger: {at: soon, lives: 30m}"]),
        "offers.yaml:2: offer a, trigger: soon is no tag",
    );
    check(
        &offers(&["id: a, trigger: {at: c.x, lives: long}"]),
        "offers.yaml:2: offer a, trigger: long is not a dur",
    );
}

#[test]
fn volumes_have_a_rule_that_can_hold() {
    let plan = offers(&["id: a, family: plans, volume: 4096"]);
    check(&format!("{plan}fit: [{{family: plans, usage: t.usage}}]\n"), "");
    check(
        &format!("{plan}fit: [{{family: planz, usage: t.usage}}]\n"),
        "offers.yaml:3: fit rule: no offer with a volume has the family planz; did you mean plans?",
    );
    check(
        &format!("{plan}fit: [{{usage: t.usag}}]\n"),
        "offers.yaml:3: fit rule, usage: unknown tag t.usag;",
    );
    check(
        &format!("{plan}fit: [{{usage: t.usage, min: 2}}]\n"),
        "offers.yaml:3: fit rule: min 2 is above max 1.5;",
    );
    check(&offers(&["id: a, volume: -1"]), "offers.yaml:2: volume of offer a is -1;");
}

#[test]
fn a_partners_offer_reads_what_the_partner_may() {
    let partners = "partners: [{id: cafe, tags: [age], audience_min: 500}]\n";
    let with = |line: &str| format!("{}{partners}", offers(&[line]));
    let owned = "id: a, owner: \"partner:cafe\"";
    check(&with(&format!("{owned}, rules: {{eligible: \"t.age > 3\"}}, partner_pays: 2")), "");
    let refused = |part: &str, tag: &str| {
        format!(
            "offers.yaml:2: offer a, {part}: partner cafe may not read tag {tag}; leave it out, or add it to the tags of partner cafe"
        )
    };
    for (line, part, tag) in [
        ("rules: {eligible: \"t.income > 3\"}", "eligible", "income"),
        ("rules: {applicable: \"has(t.usage)\"}", "applicable", "usage"),
        ("rules: {suitable: \"t.age > 3 && t.usage > 3\"}", "suitable", "usage"),
        ("affinity: [{tag: usage, weight: 1, center: 1, scale: 1}]", "affinity", "usage"),
        ("content: {app: {texts: [\"{{ t.usage }} MB\"]}}", "content", "usage"),
        ("variants: [{language: de, content: {app: {t: \"{{ t.usage }} MB\"}}}]", "content", "usage"),
        ("trigger: {at: t.seen_at, lives: 1h}", "trigger", "seen_at"),
    ] {
        check(&with(&format!("{owned}, {line}")), &refused(part, tag));
    }
    let other_kpi = "offers:\n  - {id: a, owner: \"partner:cafe\", value: {clv: 1, cash: t.usage}}\n";
    check(&format!("{other_kpi}{partners}"), &refused("value", "usage"));
    check(
        &with("id: a, owner: \"partner:caffe\""),
        "offers.yaml:2: offer a: unknown partner caffe; did you mean cafe?",
    );
    check(&with("id: a, partner_pays: 2"), "offers.yaml:2: offer a is our own, and partner_pays is given;");
    check(&offers(&["id: a, audience_min: -3"]), "offers.yaml:2: audience_min of offer a is -3;");
    // Without the section, partners may read what we may.
    check(&offers(&["id: a, owner: \"partner:cafe\", rules: {eligible: \"t.income > 3\"}"]), "");
}

#[test]
fn words_name_no_private_tag_and_are_chosen_by_text() {
    let good = "languages: {tag: language, words: {de: {why_this: \"Darum:\", yes: ja}}}\n";
    check(&format!("{}{good}", offers(&["id: a, variants: [{language: de, title: Daten}]"])), "");
    check(
        &offers(&["id: a, variants: [{language: de, content: {app: {t: \"{{ t.income }}\"}}}]"]),
        "offers.yaml:2: offer a, variant, content of app: tag income is private;",
    );
    check(&offers(&["id: a, variants: [{title: Daten}]"]), "offers.yaml:2: offer a: a variant names neither");
    check(
        &format!("{}languages: {{tag: age}}\n", offers(&["id: a"])),
        "offers.yaml:3: languages: tag age is int",
    );
    check(
        &format!("{}languages: {{words: {{de: {{jes: ja}}}}}}\n", offers(&["id: a"])),
        "offers.yaml:3: de in words of languages has an unknown key jes; did you mean yes?",
    );
    let tags =
        |reason: &str| format!("tags: [{{id: mb, type: int, reason: \"{reason}\"}}]\n{}", offers(&["id: a"]));
    check(&tags("you use {{ value }} MB"), "");
    check(
        &tags("you use {{ t.income }} MB"),
        "offers.yaml:1: the reason of tag mb does not hold just {{ value }};",
    );
    check(&tags("you use much"), "offers.yaml:1: the reason of tag mb does not hold just {{ value }};");
}

#[test]
fn numbers_that_are_none_are_refused_with_their_line() {
    let check = |line: &str, expected: &str| {
        let found = findings(&format!("offers:\n  - {{id: a, value: {{clv: 1}}, {line}}}\n"));
        assert!(found.iter().any(|it| it.starts_with(expected)), "{line}: {found:#?}");
    };
    check("lever: .nan", "offers.yaml:2: lever of offer a is a number");
    check("lever: .inf", "offers.yaml:2: lever of offer a is a number");
    check("price: 1e999", "offers.yaml:2: price of offer a is");
    check(
        "affinity: [{tag: age, weight: .nan, center: 1, scale: 1}]",
        "offers.yaml:2: weight of an affinity",
    );
    check(
        "affinity: [{tag: age, weight: 1, center: -.inf, scale: 1}]",
        "offers.yaml:2: center of an affinity",
    );
    check("prior: {default: .nan}", "offers.yaml:2: default of offer a is a number");
    let formula = |formula: &str, expected: &str| {
        let text = format!("offers:\n  - id: a\n    value: {{clv: 1, cash: \"{formula}\"}}\n");
        let found = findings(&text);
        assert!(found.iter().any(|it| it.starts_with(expected)), "{formula}: {found:#?}");
    };
    formula("3 / 0", "offers.yaml:3: offer a, value in cash: a division by zero;");
    formula("3 / (2 - 2)", "offers.yaml:3: offer a, value in cash: a division by zero;");
    formula("t.age / (0 * 5)", "offers.yaml:3: offer a, value in cash: a division by zero;");
    formula("1e308 * 10", "offers.yaml:3: offer a, value in cash: a number beyond all numbers;");
    formula(
        "-(1e200 * 1e200) + t.age",
        "offers.yaml:3: offer a, value in cash: a number beyond all numbers;",
    );
    let long = format!(
        "offers:\n  - id: a\n    value: {{clv: 1}}\n    rules: {{eligible: \"{}\"}}\n",
        "t.age > 1 || ".repeat(900_000) + "true"
    );
    assert!(long.len() > 10 << 20);
    let found = findings(&long);
    assert!(found.iter().any(|it| it.starts_with("offers.yaml:4: offer a, eligible:")), "{:?}", found.len());
    assert!(found.iter().all(|it| it.len() < 1_000), "a mistake does not repeat a text of megabytes");
}
