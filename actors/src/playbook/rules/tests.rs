//! Rules as their authors see them: what holds, what is unknown, what is refused, what is said.

use super::facts_map::FactsMap;
use super::*;
use crate::playbook::dictionary::Declaration;
use crate::timestamp::DAY_MS;
use crate::value::Value;

const NOW: i64 = 1_800_000_000_000;

fn dictionary() -> Dictionary {
    let contracts: Vec<Name> = ["prepaid", "postpaid", "hybrid"].map(Name::from).into();
    let tags = [
        ("age", TagKind::Int),
        ("mb", TagKind::Number),
        ("vip", TagKind::Bool),
        ("city", TagKind::Text),
        ("seen_at", TagKind::Time),
        ("left_at", TagKind::Time),
        ("income", TagKind::Int),
        ("absent", TagKind::Int),
        ("absent_flag", TagKind::Bool),
        ("contract", TagKind::Enum),
    ];
    let declared = tags.map(|(id, kind)| Declaration { id, kind, values: &[] });
    let dictionary = Dictionary::default().extended_by(declared).unwrap();
    dictionary.extended_by([Declaration { id: "contract", kind: TagKind::Enum, values: &contracts }]).unwrap()
}

fn scope(dictionary: &Dictionary) -> Scope<'_> {
    Scope::new(dictionary)
        .with_tag("age", TagKind::Int)
        .with_tag("mb", TagKind::Number)
        .with_tag("vip", TagKind::Bool)
        .with_tag("city", TagKind::Text)
        .with_tag("seen_at", TagKind::Time)
        .with_tag("left_at", TagKind::Time)
        .with_private_tag("income", TagKind::Int)
        .with_tag("absent", TagKind::Int)
        .with_tag("absent_flag", TagKind::Bool)
        .with_tag("contract", TagKind::Enum)
}

fn facts(dictionary: &Dictionary) -> FactsMap {
    let context: BTreeMap<String, Value> = [
        ("channel".to_owned(), Value::Text("sms".into())),
        ("visits".to_owned(), Value::Int(3)),
        ("place".to_owned(), Value::Map([("lat".to_owned(), Value::Number(52.5))].into())),
    ]
    .into();
    let mut facts = FactsMap::at(Timestamp::from_ms(NOW))
        .with_tag(dictionary, "age", TagValue::Int(16))
        .with_tag(dictionary, "mb", TagValue::Number(2.5))
        .with_tag(dictionary, "vip", TagValue::Bool(true))
        .with_tag(dictionary, "city", TagValue::Text("Ulm".into()))
        .with_tag(dictionary, "seen_at", TagValue::Time(Timestamp::from_ms(NOW - 10 * DAY_MS)))
        .with_tag(dictionary, "income", TagValue::Int(1234))
        .with_tag(dictionary, "contract", TagValue::Enum(1));
    facts.context = Value::Map(context);
    facts.owned.insert("sim".into());
    facts
}

fn holds(text: &str) -> Option<bool> {
    let dictionary = dictionary();
    let rule = Rule::compile(text, &scope(&dictionary)).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    rule.holds(&facts(&dictionary))
}

#[test]
fn rules_hold_or_not() {
    for (text, expected) in [
        ("t.age >= 16", true),
        ("18 <= t.age", false),
        ("t.age == 16.0 && t.mb < 3", true),
        ("-t.age < -15", true),
        ("t.contract == 'postpaid'", true),
        ("t.contract != 'postpaid'", false),
        ("t.contract in ['prepaid', 'postpaid']", true),
        ("!(t.contract in ['prepaid', 'postpaid'])", false),
        ("t.city in ['Ulm', 'Bonn'] && t.vip", true),
        ("t.city < 'Vlm'", true),
        ("!t.vip || t.age > 3", true),
        ("t.vip == true", true),
        ("has(t.age) && !has(t.absent)", true),
        ("owns('sim') && !owns('tv')", true),
        ("days_since(t.seen_at) == 10.0", true),
        ("t.seen_at < now()", true),
        ("c.channel == 'sms'", true),
        ("c.channel in ['app']", false),
        ("c.place.lat > 50 && c.visits + 1 == 4", true),
        ("has(c.place.lat) && !has(c.place.lon) && !has(c.place)", true),
        ("c.visits == 'three'", false),
        ("c.visits != 'three'", true),
        ("t.age / 3 > 5.33 && t.age / 3 < 5.34", true),
        ("7 / 2 == 3.5", true),
        ("2 + 3 * 4 - 1 == 13", true),
        ("(2 + 3) * 4 == 20", true),
        ("true", true),
    ] {
        assert_eq!(holds(text), Some(expected), "{text}");
    }
}

#[test]
fn unknown_is_a_third_answer() {
    for (text, expected) in [
        ("t.absent > 1", None),
        ("!(t.absent > 1)", None),
        ("t.absent_flag", None),
        ("!t.absent_flag", None),
        ("t.age > 99 && t.absent > 1", Some(false)),
        ("t.absent > 1 && t.age > 99", Some(false)),
        ("t.absent > 1 && t.vip", None),
        ("t.vip || t.absent > 1", Some(true)),
        ("t.absent > 1 || t.vip", Some(true)),
        ("t.absent > 1 || !t.vip", None),
        ("!has(t.absent) || t.absent > 1", Some(true)),
        ("(t.absent > 1 || !t.vip) && t.age > 99", Some(false)),
        ("t.absent in [1]", None),
        ("!has(t.absent) || t.absent < 1", Some(true)),
        ("t.absent < 1 || !has(t.absent)", Some(true)),
        ("!has(t.age) || t.age > 16", Some(false)),
        ("!has(t.age) || t.absent > 16", None),
        ("has(t.absent) || t.absent > 16", None),
        ("c.unheard == 1", None),
        ("days_since(t.left_at) > 3", None),
        ("t.age / (t.age - 16) > 0", None),
        ("c.visits < 'three'", None),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
}

#[test]
fn a_rule_says_why_it_does_not_hold() {
    let dictionary = dictionary();
    let facts = facts(&dictionary);
    let fail = |needed: &str, actual: &str| Verdict::Fail { needed: needed.into(), actual: actual.into() };
    let missing = |name: &str| Verdict::Missing { name: name.into() };
    for (text, expected) in [
        ("t.vip", Verdict::Pass),
        ("t.vip && t.age >= 18", fail("t.age >= 18", "t.age is 16")),
        ("t.absent > 3 && 18 <= t.age", fail("t.age >= 18", "t.age is 16")),
        ("t.vip && t.absent > 3", missing("t.absent")),
        (
            "t.contract in ['prepaid', 'hybrid']",
            fail("t.contract in ['prepaid', 'hybrid']", "t.contract is postpaid"),
        ),
        ("t.contract != 'postpaid'", fail("t.contract != 'postpaid'", "t.contract is postpaid")),
        ("!t.vip", fail("!t.vip", "t.vip is true")),
        ("!owns('sim')", fail("!owns('sim')", "sim is owned")),
        ("owns('tv')", fail("owns('tv')", "tv is not owned")),
        ("c.channel == 'app'", fail("c.channel == 'app'", "c.channel is sms")),
        ("has(t.absent)", fail("has(t.absent)", "t.absent is missing")),
        ("c.place.lon > 3", missing("c.place.lon")),
        ("t.age > 20 || t.mb > 3", fail("t.age > 20 || t.mb > 3", "t.age is 16, t.mb is 2.5")),
        ("!has(t.age) || t.age > 16", fail("!has(t.age) || t.age > 16", "t.age is 16")),
        ("t.income > 2000", fail("a condition on a private tag", "a private tag is otherwise")),
        (
            "t.age > 20 || t.income > 2000",
            fail("a condition on a private tag", "t.age is 16, a private tag is otherwise"),
        ),
        ("10 / (t.age - 16) > 1", fail("(10 / (t.age - 16)) > 1", "can't be computed: t.age is 16")),
        (
            "days_since(t.seen_at) > 30",
            fail("days_since(t.seen_at) > 30", "that is 10.0 days ago, t.seen_at is 2027-01-05T08:00:00Z"),
        ),
    ] {
        let rule = Rule::compile(text, &scope(&dictionary)).unwrap();
        assert_eq!(rule.check(&facts, &dictionary), expected, "{text}");
    }
}

#[test]
fn a_missing_private_tag_is_not_named() {
    let dictionary = dictionary();
    let rule = Rule::compile("t.income > 2000", &scope(&dictionary)).unwrap();
    let verdict = rule.check(&FactsMap::at(Timestamp::from_ms(NOW)), &dictionary);
    assert_eq!(verdict, Verdict::Missing { name: "a private tag".into() });
}

#[test]
fn faulty_rules_are_refused_with_a_fix() {
    let dictionary = dictionary();
    for (text, what, fix) in [
        ("t.agee > 3", "unknown tag t.agee", "did you mean t.age?"),
        ("t.contract == 'prepayd'", "'prepayd' is not a value of t.contract", "did you mean 'prepaid'?"),
        ("t.contract in ['hybird']", "'hybird' is not a value of t.contract", "did you mean 'hybrid'?"),
        ("t.contract < 'prepaid'", "the values of t.contract have no order", "use ==, != or in"),
        ("t.contract == 3", "t.contract is compared with 3", "in quotes"),
        ("t.city > 3", "t.city is a string and 3 is a number", "one type"),
        ("t.city", "t.city is a string, where true or false is needed", "change one"),
        ("t.seen_at > '2026-01-01'", "a time is compared with a string", "days_since()"),
        ("t.seen_at > 3", "a time is compared with a number", "days_since()"),
        ("t.age + t.city > 3", "t.city is a string, where a number is needed", "change one"),
        ("t.age / 0 > 1", "a division by zero", "something else"),
        ("c.channel == 3", "c.channel is a string and 3 is a number", "one type"),
        ("t.age in ['a']", "t.age is a number, and a string is in its list", "one type"),
        ("t.age in []", "`in []` never holds", "at least one"),
        ("data.mb > 3", "data.mb is read outside an event", "use a tag"),
        ("sms", "sms is not known", "in quotes"),
        ("owns(3)", "3 is a number, where a string is needed", "change one"),
        ("now(3) > now()", "now() is given 1 values", "now()"),
        ("has(now())", "`has(now())` can't be read", "correct"),
        ("foo('x')", "there is no function foo()", "owns"),
    ] {
        let faults = Rule::compile(text, &scope(&dictionary)).expect_err(text);
        let found = faults.iter().any(|fault| fault.what.contains(what) && fault.fix.contains(fix));
        assert!(found, "{text}: {faults:?}");
    }
    let all =
        Rule::compile("t.agee > 3 && t.city > 3 && t.contract == 'x'", &scope(&dictionary)).unwrap_err();
    assert_eq!(all.len(), 3, "every fault of a rule is found: {all:?}");
}

#[test]
fn formulas_give_finite_numbers_or_nothing() {
    let dictionary = dictionary();
    let facts = facts(&dictionary);
    for (text, expected) in [
        ("240", Some(240.0)),
        ("29.9 * 12", Some(29.9 * 12.0)),
        ("t.age * 2 + 0.5", Some(32.5)),
        ("t.absent * 2", None),
        ("1 / (t.age - 16)", None),
        ("1e308 * t.age", None),
        ("9223372036854775807 + 1", Some(9_223_372_036_854_775_808.0)),
        ("-t.mb", Some(-2.5)),
        ("days_since(t.seen_at) * 2", Some(20.0)),
    ] {
        let formula = Formula::number(text, &scope(&dictionary)).unwrap();
        assert_eq!(formula.value(&facts), expected, "{text}");
    }
    assert!(Formula::number("t.city", &scope(&dictionary)).is_err());
}

#[test]
fn event_formulas_read_data_and_time() {
    let dictionary = dictionary();
    let field = |kind| DataField { kind, optional: false };
    let data: BTreeMap<Name, DataField> = [
        ("mb".into(), field(TagKind::Number)),
        ("kind".into(), field(TagKind::Text)),
        ("at".into(), field(TagKind::Time)),
    ]
    .into();
    let base = scope(&dictionary);
    let scope = base.with_data(&data);
    let mut facts = facts(&dictionary);
    facts.event_time = Some(Timestamp::from_ms(5));
    facts.data = Value::Map(
        [("mb".to_owned(), Value::Int(7)), ("kind".to_owned(), Value::Text("hybrid".into()))].into(),
    );
    let number = |id, kind| dictionary.number(id, kind).unwrap();
    let contract = number("contract", TagKind::Enum);
    for (text, tag, expected) in [
        ("data.mb * 2", number("mb", TagKind::Number), Some(Scalar::Int(14))),
        ("event.time", number("seen_at", TagKind::Time), Some(Scalar::Time(Timestamp::from_ms(5)))),
        ("data.kind", contract, Some(Scalar::Text("hybrid"))),
        ("'prepaid'", contract, Some(Scalar::Text("prepaid"))),
        ("t.contract", contract, Some(Scalar::Text("postpaid"))),
        ("data.at", number("seen_at", TagKind::Time), None),
        ("t.age > 3", number("vip", TagKind::Bool), Some(Scalar::Bool(true))),
    ] {
        let formula =
            Formula::for_tag(text, &scope, tag).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        assert_eq!(formula.scalar(&facts), expected, "{text}");
    }
    for (text, tag) in
        [("'prepayd'", contract), ("data.kind", number("age", TagKind::Int)), ("data.mbb", contract)]
    {
        assert!(Formula::for_tag(text, &scope, tag).is_err(), "{text}");
    }
}

#[test]
fn a_rule_knows_what_it_reads_and_which_part_is_flat() {
    let dictionary = dictionary();
    let rule = Rule::compile("t.age > 3 && t.age < 9 && c.place.lat > 1 && !owns('x')", &scope(&dictionary))
        .unwrap();
    assert_eq!(rule.reads_tags().collect::<Vec<_>>(), [dictionary.number("age", TagKind::Int).unwrap()]);
    assert_eq!(rule.reads_context(), [Name::from("place.lat")]);
    assert_eq!((rule.predicates().len(), rule.is_flat()), (2, false));
    let flat = Rule::compile(
        "t.age >= 18 && t.contract in ['prepaid'] && (!has(t.mb) || t.mb < 3)",
        &scope(&dictionary),
    )
    .unwrap();
    assert!(flat.is_flat());
    fn shared<T: std::fmt::Debug + Clone + Send + Sync>(_: &T) {}
    shared(&flat);
}
