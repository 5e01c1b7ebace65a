//! The same answers as the `cel` crate's interpreter, for random expressions over tags that are there.

use super::facts_map::FactsMap;
use super::*;
use crate::playbook::dictionary::Declaration;
use proptest::prelude::*;

const NUMBERS: [&str; 3] = ["a", "b", "c"];
const FLAGS: [&str; 2] = ["p", "q"];
const TEXTS: [&str; 2] = ["u", "v"];

fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(&NUMBERS[..]).prop_map(|tag| format!("t.{tag}")),
        (-40i32..40).prop_map(|number| format!("{:?}", f64::from(number) / 4.0)),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(&["+", "-", "*"][..]), inner.clone())
                .prop_map(|(left, sign, right)| format!("({left} {sign} {right})")),
            (inner.clone(), 1i32..40).prop_map(|(part, by)| format!("({part} / {:?})", f64::from(by) / 4.0)),
            inner.prop_map(|part| format!("-({part})")),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(&["==", "!=", "<", "<=", ">", ">="][..]);
    let text = prop::sample::select(&["'x'", "'y'", "'zz'"][..]);
    let leaf = prop_oneof![
        (number(), sign.clone(), number()).prop_map(|(left, sign, right)| format!("{left} {sign} {right}")),
        prop::sample::select(&FLAGS[..]).prop_map(|tag| format!("t.{tag}")),
        (prop::sample::select(&TEXTS[..]), sign, text.clone())
            .prop_map(|(tag, sign, text)| format!("t.{tag} {sign} {text}")),
        (prop::sample::select(&TEXTS[..]), prop::collection::vec(text, 1..3))
            .prop_map(|(tag, list)| format!("t.{tag} in [{}]", list.join(", "))),
        prop::sample::select(&["has(t.a)", "has(t.u)", "true", "false"][..]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) && ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) || ({right})")),
            inner.prop_map(|part| format!("!({part})")),
        ]
    })
}

/// What the interpreter says.
fn interpreted(text: &str, numbers: [f64; 3], flags: [bool; 2], texts: [&str; 2]) -> bool {
    let program = cel::Program::compile(text).unwrap();
    let mut context = cel::Context::default();
    let mut tags: HashMap<String, cel::Value> = HashMap::new();
    tags.extend(NUMBERS.iter().zip(numbers).map(|(id, value)| ((*id).to_owned(), cel::Value::Float(value))));
    tags.extend(FLAGS.iter().zip(flags).map(|(id, value)| ((*id).to_owned(), cel::Value::Bool(value))));
    tags.extend(TEXTS.iter().zip(texts).map(|(id, value)| ((*id).to_owned(), value.into())));
    context.add_variable_from_value("t", tags);
    match program.execute(&context) {
        Ok(cel::Value::Bool(answer)) => answer,
        other => panic!("{text}: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn ours_and_the_interpreter_agree(
        text in condition(),
        numbers in prop::array::uniform3(-8i32..8),
        flags in prop::array::uniform2(any::<bool>()),
        texts in prop::array::uniform2(prop::sample::select(&["x", "y", "zz", "w"][..])),
    ) {
        let kinds = NUMBERS.map(|id| (id, TagKind::Number)).into_iter()
            .chain(FLAGS.map(|id| (id, TagKind::Bool))).chain(TEXTS.map(|id| (id, TagKind::Text)));
        let declared = kinds.clone().map(|(id, kind)| Declaration { id, kind, values: &[] });
        let dictionary = Dictionary::default().extended_by(declared).unwrap();
        let scope = kinds.fold(Scope::new(&dictionary), |scope, (id, kind)| scope.with_tag(id, kind));
        let numbers = numbers.map(|number| f64::from(number) / 2.0);
        let mut facts = FactsMap::at(Timestamp::from_ms(0));
        for (id, value) in NUMBERS.iter().zip(numbers) {
            facts = facts.with_tag(&dictionary, id, TagValue::Number(value));
        }
        for (id, value) in FLAGS.iter().zip(flags) {
            facts = facts.with_tag(&dictionary, id, TagValue::Bool(value));
        }
        for (id, value) in TEXTS.iter().zip(texts) {
            facts = facts.with_tag(&dictionary, id, TagValue::Text(value.into()));
        }
        let rule = Rule::compile(&text, &scope).map_err(|faults| TestCaseError::fail(format!("{text}: {faults:?}")))?;
        prop_assert_eq!(rule.holds(&facts), Some(interpreted(&text, numbers, flags, texts)), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        let dictionary = Dictionary::default();
        let _ = Rule::compile(&text, &Scope::new(&dictionary));
    }

    #[test]
    fn any_signs_of_the_language_are_read_or_refused(text in "[tc.()\\[\\]&|!<>=+*/'\" a1-]{0,60}") {
        let dictionary = Dictionary::default();
        let _ = Rule::compile(&text, &Scope::new(&dictionary));
    }
}
