//! Whatever the order of the events: what is derived equals a recount of the list.

use super::*;
use crate::options::LATE_MAX_MS;
use crate::playbook::{CalendarUnit, MonthPick};
use crate::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use jiff::tz::TimeZone;
use proptest::prelude::*;

const TAG: TagNumber = TagNumber(1);
const MONTH_MS: i64 = 30 * DAY_MS;
const SUM: Derived = Derived::Window { window_ms: MONTH_MS, fold: WindowFold::Sum };
/// Somewhere in 2026, so that months and years change among the events.
const START_MS: i64 = 1_770_000_000_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(START_MS + ms)
}

fn present(ms: i64) -> Present {
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    Present { now: at(ms), calendar: Calendar { zone, bill_day: 5 } }
}

fn number(value: Option<(Made, Timestamp)>) -> Option<f64> {
    match value?.0 {
        Made::Number(number) => Some(number),
        other => panic!("{other:?}"),
    }
}

/// An event as its list has it.
type Listed = (i64, f64);

/// What the events come to, heard in this order, each as `said` tells it; between them time goes by and nothing is read.
fn derived_of(events: &[Listed], derived: &Derived, said: impl Fn(f64) -> Said, now_ms: i64) -> Option<f64> {
    let mut derivations = Derivations::default();
    for (ms, amount) in events {
        derivations.hear(TAG, derived, said(*amount), at(*ms), || None, &present(now_ms));
        derivations.forget_old(|_| Some(Some(derived)), &present(now_ms));
    }
    number(derivations.value(TAG, derived, &present(now_ms)))
}

/// Checks a recount against several orders: as listed, in time, and backwards.
fn check(
    events: &[Listed],
    derived: &Derived,
    said: impl Fn(f64) -> Said,
    now_ms: i64,
    recount: impl Fn(&[Listed]) -> Option<f64>,
) {
    let mut orders = vec![events.to_vec(); 3];
    orders[1].sort_by_key(|(ms, _)| *ms);
    orders[2].reverse();
    for order in orders {
        let found = derived_of(&order, derived, &said, now_ms);
        let expected = recount(events);
        let same = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
            (found, expected) => found == expected,
        };
        assert!(same, "{derived:?}: {found:?} instead of {expected:?} of {order:?} at {now_ms}");
    }
}

fn inside(window_ms: i64, now_ms: i64) -> impl Fn(&&Listed) -> bool {
    let bucket_ms = window::bucket_ms(window_ms);
    let first = window::first_bucket(window_ms, bucket_ms, at(now_ms));
    move |(ms, _)| at(*ms).ms().div_euclid(bucket_ms) >= first
}

fn events() -> impl Strategy<Value = Vec<Listed>> {
    let event = (0..120 * DAY_MS, -1000..100_000i32).prop_map(|(ms, amount)| (ms, f64::from(amount) / 8.0));
    proptest::collection::vec(event, 0..60)
}

proptest! {
    #[test]
    fn a_window_equals_a_recount_in_any_order(events in events(), now_ms in 0..130 * DAY_MS) {
        let kept = |events: &[Listed]| -> Vec<f64> {
            events.iter().filter(inside(MONTH_MS, now_ms)).map(|(_, amount)| *amount).collect()
        };
        let window = |fold| Derived::Window { window_ms: MONTH_MS, fold };
        check(&events, &SUM, Said::Amount, now_ms, |list| {
            (!list.is_empty()).then(|| kept(list).iter().fold(0.0, |sum, amount| sum + amount))
        });
        check(&events, &window(WindowFold::Least), Said::Amount, now_ms, |list| {
            kept(list).into_iter().reduce(f64::min)
        });
        check(&events, &window(WindowFold::Largest), Said::Amount, now_ms, |list| {
            kept(list).into_iter().reduce(f64::max)
        });
        check(&events, &Derived::Mean { window_ms: MONTH_MS }, Said::Amount, now_ms, |list| {
            let kept = kept(list);
            (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / kept.len() as f64)
        });
    }

    #[test]
    fn a_fading_sum_equals_a_recount_in_any_order(events in events(), later_ms in 0..90 * DAY_MS) {
        let now_ms = 120 * DAY_MS + later_ms;
        let half_life_ms = 7 * DAY_MS;
        check(&events, &Derived::Ewma { half_life_ms }, Said::Amount, now_ms, |list| {
            let left = |ms: i64| (-((now_ms - ms) as f64) / half_life_ms as f64).exp2();
            (!list.is_empty()).then(|| list.iter().map(|(ms, amount)| amount * left(*ms)).sum())
        });
    }

    #[test]
    fn months_equal_a_recount_in_any_order(events in events(), now_ms in 0..200 * DAY_MS, reach in 0..6u8) {
        let calendar = present(0).calendar;
        let month = |ms: i64| calendar.month(at(ms));
        let current = month(now_ms);
        let sum_of = |list: &[Listed], wanted: i64| -> f64 {
            list.iter().filter(|(ms, _)| month(*ms) == wanted).map(|(_, amount)| amount).sum()
        };
        let first = |list: &[Listed]| list.iter().map(|(ms, _)| month(*ms)).min();
        check(&events, &Derived::Months(MonthPick::Back(reach)), Said::Amount, now_ms, |list| {
            let wanted = current - i64::from(reach);
            (first(list)? <= wanted).then(|| sum_of(list, wanted))
        });
        check(&events, &Derived::Months(MonthPick::MeanOf(reach + 1)), Said::Amount, now_ms, |list| {
            let from = first(list)?.max(current - i64::from(reach) - 1);
            let complete: Vec<f64> = (from..current).map(|month| sum_of(list, month)).collect();
            (!complete.is_empty()).then(|| complete.iter().sum::<f64>() / complete.len() as f64)
        });
    }

    #[test]
    fn a_threshold_is_crossed_once_a_period_in_any_order(events in events(), now_ms in 0..130 * DAY_MS) {
        let calendar = present(0).calendar;
        for per in [CalendarUnit::Day, CalendarUnit::Week, CalendarUnit::Month, CalendarUnit::Quarter] {
            let crosses = Derived::Crosses { thresholds: Box::new([50.0, 80.0, 100.0]), per };
            let said = |amount| Said::Towards(amount, Measure::PercentOf(Some(40_000.0)));
            check(&events, &crosses, said, now_ms, |list| {
                let current = calendar.period(per, at(now_ms));
                let sum: f64 = list
                    .iter()
                    .filter(|(ms, _)| calendar.period(per, at(*ms)) == current)
                    .map(|(_, amount)| amount.max(0.0))
                    .sum();
                let reached = [100.0, 80.0, 50.0].into_iter().find(|percent| sum / 40_000.0 * 100.0 >= *percent);
                (!list.is_empty()).then(|| reached.unwrap_or(0.0))
            });
        }
    }

    /// Counted events and causes come mixed, each later than it happened, but not too late.
    #[test]
    fn what_is_near_equals_a_recount_in_any_order(
        all in proptest::collection::vec((0..LATE_MAX_MS, 0..3u64, any::<bool>()), 0..near::WAITING_MAX)
    ) {
        let (window_ms, within_ms) = (MONTH_MS, 6 * HOUR_MS);
        let derived = Derived::Near { window_ms, within_ms };
        let now_ms = LATE_MAX_MS;
        // The amount carries the key and, in its sign, the side.
        let listed: Vec<Listed> =
            all.iter().map(|(ms, key, counted)| (*ms, if *counted { 1.0 } else { -1.0 } * (*key as f64 + 1.0))).collect();
        let said = |code: f64| {
            Said::Near(if code > 0.0 { Side::Counted } else { Side::Cause }, code.abs() as u64)
        };
        check(&listed, &derived, said, now_ms, |list| {
            let near = |event: &&Listed| {
                list.iter().any(|cause| cause.1 == -event.1 && (cause.0 - event.0).abs() <= within_ms)
            };
            let counted = list.iter().filter(|event| event.1 > 0.0).filter(near);
            (!list.is_empty()).then(|| counted.filter(inside(window_ms, now_ms)).count() as f64)
        });
    }
}

#[test]
#[should_panic(expected = "instead of")]
fn a_sum_that_misses_a_late_event_is_seen() {
    check(&[(DAY_MS, 1.0), (0, 2.0)], &SUM, Said::Amount, 2 * DAY_MS, |_| Some(1.0));
}

#[test]
fn a_percentage_waits_until_what_it_is_of_is_known() {
    let crosses = Derived::Crosses { thresholds: Box::new([80.0, 100.0]), per: CalendarUnit::Month };
    let mut derivations = Derivations::default();
    let mut check = |amount: f64, full: Option<f64>, ms: i64, expected: f64| {
        let said = Said::Towards(amount, Measure::PercentOf(full));
        derivations.hear(TAG, &crosses, said, at(ms), || None, &present(ms));
        let value = number(derivations.value(TAG, &crosses, &present(ms)));
        assert_eq!(value, Some(expected), "at {ms}");
    };
    check(9_000.0, None, 0, 0.0);
    check(0.0, Some(10_000.0), MINUTE_MS, 80.0);
    check(0.0, Some(20_000.0), 2 * MINUTE_MS, 80.0);
    check(11_000.0, Some(20_000.0), 3 * MINUTE_MS, 100.0);
    check(1.0, Some(20_000.0), 40 * DAY_MS, 0.0);
}

#[test]
fn a_removal_takes_what_was_before_it_and_leaves_what_came_after() {
    let mut derivations = Derivations::default();
    let mut say = |amount: f64, day: i64| {
        derivations.hear(TAG, &SUM, Said::Amount(amount), at(day * DAY_MS), || None, &present(20 * DAY_MS));
    };
    say(5.0, 1);
    say(7.0, 9);
    derivations.begin(TAG, &SUM, at(5 * DAY_MS), &present(20 * DAY_MS));
    derivations.hear(TAG, &SUM, Said::Amount(100.0), at(2 * DAY_MS), || None, &present(20 * DAY_MS));
    let value = derivations.value(TAG, &SUM, &present(20 * DAY_MS));
    assert_eq!(number(value), Some(7.0));
}

#[test]
fn a_window_of_another_length_keeps_what_it_held() {
    let mut derivations = Derivations::default();
    let quarter = Derived::Window { window_ms: 90 * DAY_MS, fold: WindowFold::Sum };
    derivations.hear(TAG, &SUM, Said::Amount(5.0), at(0), || None, &present(0));
    derivations.hear(TAG, &quarter, Said::Amount(2.0), at(DAY_MS), || None, &present(DAY_MS));
    let value = derivations.value(TAG, &quarter, &present(40 * DAY_MS));
    assert_eq!(number(value), Some(7.0));
}

#[test]
fn a_tag_that_is_derived_in_another_way_begins_anew() {
    let mut derivations = Derivations::default();
    derivations.hear(TAG, &SUM, Said::Amount(5.0), at(0), || None, &present(0));
    let mean = Derived::Mean { window_ms: MONTH_MS };
    assert_eq!(derivations.value(TAG, &mean, &present(0)), None);
    derivations.forget_old(|_| Some(Some(&mean)), &present(0));
    assert_eq!(derivations.moving_tags(), []);
}

#[test]
fn derivations_read_back_as_written_and_snapshots_of_old_too() {
    let mut derivations = Derivations::default();
    let all = [
        (SUM, Said::Amount(2.5)),
        (Derived::Window { window_ms: MONTH_MS, fold: WindowFold::Least }, Said::Amount(2.5)),
        (Derived::Mean { window_ms: MONTH_MS }, Said::Amount(2.5)),
        (Derived::Ewma { half_life_ms: DAY_MS }, Said::Amount(2.5)),
        (Derived::Distinct { window_ms: None }, Said::Thing(7)),
        (Derived::Months(MonthPick::Back(1)), Said::Amount(2.5)),
        (
            Derived::Crosses { thresholds: Box::new([1.0]), per: CalendarUnit::Day },
            Said::Towards(2.5, Measure::Amount),
        ),
        (Derived::Near { window_ms: MONTH_MS, within_ms: DAY_MS }, Said::Near(Side::Cause, 7)),
        (Derived::Ledger, Said::Entry(Entry::Add(2.5))),
        (Derived::Dwell { stay_ms: 0, group: None }, Said::Seen(Sighting::default())),
    ];
    for (n, (derived, said)) in all.iter().enumerate() {
        derivations.hear(TagNumber(n as u32), derived, said.clone(), at(0), || None, &present(0));
    }
    derivations.marks.begin(TagNumber(99), at(0));
    let mut bytes = Vec::new();
    derivations.write_form(&mut bytes);
    let snapshot = std::sync::Arc::<[u8]>::from(bytes);
    for end in 0..snapshot.len() {
        let cut = SectionBytes::new(&snapshot, 0..end);
        let read = Derivations::read_form(&cut).and_then(|read| read.check_form().map(|()| read));
        assert_ne!(read, Ok(derivations.clone()), "cut at {end}");
    }
    let mut read =
        Derivations::read_form(&SectionBytes::new(&snapshot, 0..snapshot.len())).expect("readable");
    read.check_form().expect("whole");
    assert_eq!(read, derivations);
    read.parts.remove(TagNumber(3));
    assert_ne!(read, derivations);

    let mut window = Window::new(MONTH_MS, at(0));
    window.hear(2.5, at(0), Over { window_ms: MONTH_MS, now: at(0) }, WindowFold::Sum);
    let old = (BTreeMap::from([(TAG, window)]), BTreeMap::<TagNumber, FadingSum>::new());
    let read: DerivationsOfVersion1 =
        rmp_serde::from_slice(&rmp_serde::to_vec(&old).expect("plain")).expect("readable");
    let read = Derivations::from(read);
    assert_eq!(number(read.value(TAG, &SUM, &present(0))), Some(2.5));
}
