//! What a tag vector promises, whatever blocks its tags lie in: checked beside a plain map.

use super::*;
use crate::customer::section::{Form, SectionBytes};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

pub(crate) fn any_value() -> impl Strategy<Value = TagValue> {
    prop_oneof![
        any::<i64>().prop_map(TagValue::Int),
        (-200..200i64).prop_map(TagValue::Int),
        (-1e12..1e12f64).prop_map(TagValue::Number),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(TagValue::Number),
        (-10_000_000..10_000_000i32, 0..6u8)
            .prop_map(|(digits, places)| TagValue::Number(f64::from(digits) / 10f64.powi(places.into()))),
        any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| TagValue::Number(f64::from(n))),
        Just(TagValue::Number(-0.0)),
        any::<bool>().prop_map(TagValue::Bool),
        any::<u16>().prop_map(TagValue::Enum),
        (0..20u16).prop_map(TagValue::Enum),
        "\\PC{0,90}".prop_map(|text| TagValue::Text(text.into())),
        any_time().prop_map(TagValue::Time),
    ]
}

/// To the minute, to the second, to the millisecond, and long ago.
pub(crate) fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        (26_000_000..40_000_000i64).prop_map(|minutes| at(minutes * 60_000)),
        (1_570_000_000..2_000_000_000i64).prop_map(|seconds| at(seconds * 1_000)),
        (1_570_000_000_000..2_000_000_000_000i64).prop_map(at),
        any::<i64>().prop_map(at),
    ]
}

/// One change of a vector.
#[derive(Clone, Debug)]
enum Step {
    Write(u32, TagValue, i64, u8),
    Put(u32, TagValue, Timestamp, u8),
    Remove(u32, i64),
    Save,
}

fn any_step() -> impl Strategy<Value = Step> {
    let number = prop_oneof![0..300u32, any::<u32>()];
    prop_oneof![
        6 => (number, any_value(), 0..50i64, 0..4u8).prop_map(|(n, value, ms, by)| Step::Write(n, value, ms, by)),
        3 => (0..300u32, any_value(), any_time(), 0..9u8).prop_map(|(n, value, ms, by)| Step::Put(n, value, ms, by)),
        3 => (0..300u32, 0..60i64).prop_map(|(n, ms)| Step::Remove(n, ms)),
        1 => Just(Step::Save),
    ]
}

/// Bit for bit: a zero below nothing is not a zero.
fn same(one: &TagValue, other: &TagValue) -> bool {
    match (one, other) {
        (TagValue::Number(one), TagValue::Number(other)) => one.to_bits() == other.to_bits(),
        _ => one == other,
    }
}

fn bytes_of(tags: &TagVector) -> Vec<u8> {
    let mut bytes = Vec::new();
    Form::write_form(tags, &mut bytes);
    bytes
}

fn read(bytes: &[u8]) -> Result<TagVector, crate::error::Unreadable> {
    let bytes: Arc<[u8]> = bytes.into();
    let length = bytes.len();
    let tags = TagVector::read_form(&SectionBytes::new(&bytes, 0..length))?;
    tags.check_form()?;
    Ok(tags)
}

/// Through bytes, without decoding more than the next step needs.
fn saved(tags: &TagVector) -> TagVector {
    let bytes: Arc<[u8]> = bytes_of(tags).into();
    let length = bytes.len();
    match length {
        0 => TagVector::default(),
        _ => TagVector::read_form(&SectionBytes::new(&bytes, 0..length)).expect("readable"),
    }
}

type Model = BTreeMap<u32, (TagValue, Timestamp, String)>;

fn check_same(tags: &TagVector, model: &Model) {
    assert_eq!(tags.len(), model.len());
    for (entry, (number, (value, as_of, source))) in tags.iter().zip(model) {
        assert_eq!((entry.number.0, entry.as_of, &**tags.source(entry)), (*number, *as_of, source.as_str()));
        assert!(same(&entry.value, value), "{number}: {:?} for {value:?}", entry.value);
    }
    let named: std::collections::BTreeSet<&str> =
        model.values().map(|(_, _, source)| source.as_str()).collect();
    let kept: Vec<&str> =
        tags.sources.places().iter().map(|(name, _)| &**name).filter(|name| !name.is_empty()).collect();
    assert_eq!(kept.len(), named.len(), "a source that no tag names is gone: {kept:?}");
    assert!(tags.sources.places().len() <= 10, "free places are used again");
}

proptest! {
    /// Newer wins, at the same time the later word wins, older never: as in a map, whatever blocks the tags lie in.
    #[test]
    fn a_vector_is_a_map_in_which_newer_wins(steps in proptest::collection::vec(any_step(), 0..400)) {
        let (mut tags, mut model) = (TagVector::default(), Model::new());
        for step in steps {
            match step {
                Step::Write(number, value, ms, by) => {
                    let source = format!("s{by}");
                    let there = model.get(&number);
                    let expected = match there {
                        Some((_, as_of, _)) if *as_of > at(ms) => Written::Kept,
                        Some((known, as_of, _)) if *known == value && *as_of == at(ms) => Written::Kept,
                        Some((known, _, _)) if *known == value => Written::Refreshed,
                        _ => Written::Changed,
                    };
                    let written = tags.write(TagNumber(number), value.clone(), at(ms), &source.as_str().into());
                    prop_assert_eq!(written, expected);
                    if expected != Written::Kept {
                        model.insert(number, (value, at(ms), source));
                    }
                }
                Step::Put(number, value, as_of, by) => {
                    let source = format!("s{by}");
                    tags.put(TagNumber(number), value.clone(), as_of, &source.as_str().into());
                    model.insert(number, (value, as_of, source));
                }
                Step::Remove(number, ms) => {
                    let goes = model.get(&number).is_some_and(|(_, as_of, _)| *as_of <= at(ms));
                    prop_assert_eq!(tags.remove(TagNumber(number), at(ms)), goes);
                    if goes {
                        model.remove(&number);
                    }
                }
                Step::Save => tags = saved(&tags),
            }
        }
        check_same(&tags, &model);
        if !model.is_empty() {
            let again = read(&bytes_of(&tags)).expect("readable");
            check_same(&again, &model);
            prop_assert_eq!(again, tags);
        }
    }

    #[test]
    fn rubbish_is_refused_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn a_damaged_vector_never_panics(
        tags in proptest::collection::vec((0..2_000u32, any_value(), any_time(), 0..5u8), 1..200),
        place in any::<proptest::sample::Index>(), to: u8, cut in any::<proptest::sample::Index>()
    ) {
        let mut vector = TagVector::default();
        for (number, value, as_of, source) in tags {
            vector.put(TagNumber(number), value, as_of, &format!("s{source}").as_str().into());
        }
        let mut bytes = bytes_of(&vector);
        prop_assert!(read(&bytes[..cut.index(bytes.len())]).is_err(), "a cut is always seen");
        let ix = place.index(bytes.len());
        bytes[ix] = to;
        if let Ok(tags) = read(&bytes) {
            let again = bytes_of(&tags);
            // Bytes, not values: damage can make a number that is none, which is not even equal to itself.
            prop_assert_eq!(bytes_of(&read(&again).expect("what we write we read")), again);
        }
    }
}

#[test]
fn a_huge_count_allocates_nothing() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert!(read(&huge).is_err(), "sources");
    let blocks: Vec<u8> = [0].into_iter().chain(huge).collect();
    assert!(read(&blocks).is_err(), "blocks");
    let tags: Vec<u8> = [0, 1, 5].into_iter().chain(huge).chain([3, 0, 0, 0]).collect();
    assert!(read(&tags).is_err(), "tags of a block");
}

#[test]
fn an_older_value_never_overwrites_a_newer_one() {
    let mut tags = TagVector::default();
    let mut check = |value: i64, as_of: i64, expected: Written, left: i64| {
        assert_eq!(tags.write(TagNumber(7), TagValue::Int(value), at(as_of), &"crm".into()), expected);
        assert_eq!(tags.get(TagNumber(7)).map(|entry| entry.value.clone()), Some(TagValue::Int(left)));
    };
    check(1, 100, Written::Changed, 1);
    check(2, 99, Written::Kept, 1);
    check(1, 100, Written::Kept, 1);
    check(3, 100, Written::Changed, 3);
    check(3, 200, Written::Refreshed, 3);
}

/// One block is changed; the bytes of the others are the same as before.
#[test]
fn a_block_that_nobody_changed_is_copied() {
    let mut tags = TagVector::default();
    for number in 0..600 {
        tags.put(TagNumber(number * 150), TagValue::Int(i64::from(number % 90)), at(0), &"lake".into());
    }
    let mut tags = saved(&tags);
    let before = tags.blocks.len();
    assert_eq!(before, 13);
    tags.put(TagNumber(300 * 150), TagValue::Int(-5), at(7), &"app".into());
    assert_eq!(tags.blocks.iter().filter(|block| block.is_changed()).count(), 1);
    let again = saved(&tags);
    assert_eq!(again.blocks.len(), before);
    assert_eq!(again, tags);
}

/// Times that differ by a millisecond stay different, so that newer wins after a save as before.
#[test]
fn times_are_kept_to_the_millisecond() {
    for ms in [1_794_312_000_000, 1_794_312_000_001, 1_794_312_001_000, -1, i64::MIN] {
        let mut tags = TagVector::default();
        tags.put(TagNumber(1), TagValue::Bool(true), at(ms), &"crm".into());
        let mut tags = saved(&tags);
        assert_eq!(tags.get(TagNumber(1)).map(|entry| entry.as_of), Some(at(ms)));
        if ms > i64::MIN {
            let older = tags.write(TagNumber(1), TagValue::Bool(false), at(ms - 1), &"crm".into());
            assert_eq!(older, Written::Kept);
        }
    }
}

#[test]
fn values_that_time_moves_stand_before_the_others_and_are_not_written() {
    let mut tags = TagVector::default();
    for number in [2, 5, 9] {
        tags.put(TagNumber(number), TagValue::Int(0), at(1), &"crm".into());
    }
    for number in [1, 5, 10] {
        tags.move_to(TagNumber(number), TagValue::Int(7), at(2));
    }
    let told = |tags: &TagVector| -> Vec<(u32, String)> {
        tags.iter().map(|entry| (entry.number.0, tags.source(entry).to_string())).collect()
    };
    let named = |names: &[(u32, &str)]| -> Vec<(u32, String)> {
        names.iter().map(|(number, name)| (*number, (*name).to_owned())).collect()
    };
    let all = [(1, "derived"), (2, "crm"), (5, "derived"), (9, "crm"), (10, "derived")];
    assert_eq!(told(&tags), named(&all));
    assert_eq!(tags.len(), 5);
    assert_eq!(tags.get(TagNumber(5)).map(|entry| &entry.value), Some(&TagValue::Int(7)));
    assert_eq!(told(&saved(&tags)), named(&[(2, "crm"), (5, "crm"), (9, "crm")]));
    assert!(tags.remove(TagNumber(5), at(2)), "neither of them is left");
    assert_eq!(tags.get(TagNumber(5)), None);
}
