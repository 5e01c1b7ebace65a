//! Contacts and decisions, looked back at in pages.

use super::samples::{contact, customer, decision, save};
use crate::{ContactRow, Page, Store};
use std::sync::Arc;

type Shared = Arc<dyn Store>;

const ALL: Page = Page { from_ms: i64::MIN, to_ms: i64::MAX, after: None, rows_max: 1000 };

/// Times repeat in threes, so that ids have to break ties.
fn thirty_contacts() -> Vec<ContactRow> {
    (0..30).map(|i| contact(&format!("c{i:02}"), i64::from(i / 3) * 10 - 50, &format!("body {i}"))).collect()
}

async fn with_thirty_contacts(store: &Shared) -> Vec<ContactRow> {
    let mut first = save(&customer(1), 1, 1);
    first.contacts = thirty_contacts();
    assert_eq!(store.save(first).await, Ok(()));
    let mut newest_first = thirty_contacts();
    newest_first.reverse();
    newest_first
}

pub(super) async fn a_page_is_newest_first_and_bounded(store: Shared) {
    let newest_first = with_thirty_contacts(&store).await;
    for rows_max in [0, 1, 7, 30, 99] {
        let page = store.contacts(&customer(1), Page { rows_max, ..ALL }).await;
        assert_eq!(page, Ok(newest_first.iter().take(rows_max).cloned().collect()));
    }
}

pub(super) async fn pages_follow_each_other_without_gap_or_repeat(store: Shared) {
    let newest_first = with_thirty_contacts(&store).await;
    for rows_max in [1, 4, 30] {
        let (mut seen, mut after) = (Vec::new(), None);
        for _ in 0..=newest_first.len() {
            let page =
                store.contacts(&customer(1), Page { after, rows_max, ..ALL }).await.unwrap_or_default();
            after = page.last().map(|row| (row.at_ms, row.contact_id.clone()));
            seen.extend(page);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, newest_first);
    }
}

pub(super) async fn a_page_keeps_to_its_times(store: Shared) {
    let newest_first = with_thirty_contacts(&store).await;
    for (from_ms, to_ms) in [(-50, 50), (0, 10), (0, 0), (10, 0), (-9, 11), (i64::MIN, 0)] {
        for after in
            [None, Some((0, "c16".to_owned())), Some((999, "z".to_owned())), Some((-999, String::new()))]
        {
            let follows = |row: &ContactRow| {
                after.as_ref().is_none_or(|(at_ms, id)| (row.at_ms, &row.contact_id) < (*at_ms, id))
            };
            let wanted = |row: &&ContactRow| row.at_ms >= from_ms && row.at_ms < to_ms && follows(row);
            let expected: Vec<_> = newest_first.iter().filter(wanted).cloned().collect();
            let page = Page { from_ms, to_ms, after: after.clone(), rows_max: 100 };
            assert_eq!(store.contacts(&customer(1), page.clone()).await, Ok(expected), "{page:?}");
        }
    }
}

pub(super) async fn a_contact_is_replaced_by_its_id(store: Shared) {
    let mut first = save(&customer(1), 1, 1);
    first.contacts = vec![contact("c1", 10, "reserved"), contact("c2", 20, "reserved")];
    assert_eq!(store.save(first).await, Ok(()));
    let mut second = save(&customer(1), 1, 2);
    second.contacts = vec![contact("c1", 10, "sent")];
    assert_eq!(store.save(second).await, Ok(()));
    let expected = vec![contact("c2", 20, "reserved"), contact("c1", 10, "sent")];
    assert_eq!(store.contacts(&customer(1), ALL).await, Ok(expected));
}

pub(super) async fn a_decision_is_found_by_its_id(store: Shared) {
    let mut first = save(&customer(1), 1, 1);
    first.decisions = (0..20).map(|i| decision(&format!("d{i}"), 100 - i)).collect();
    assert_eq!(store.save(first.clone()).await, Ok(()));
    assert_eq!(store.decisions(&customer(1), ALL).await, Ok(first.decisions.clone()));
    for row in first.decisions {
        assert_eq!(store.decision(&customer(1), &row.decision_id).await, Ok(Some(row.clone())));
    }
    assert_eq!(store.decision(&customer(1), "d20").await, Ok(None));
}

pub(super) async fn rows_belong_to_one_customer(store: Shared) {
    for n in 1..=3 {
        let mut first = save(&customer(n), 1, 1);
        first.contacts = vec![contact("same", 1, &format!("contact of {n}"))];
        first.decisions = vec![decision("same", i64::try_from(n).unwrap_or(0))];
        assert_eq!(store.save(first).await, Ok(()));
    }
    for n in 1..=3 {
        let expected = vec![contact("same", 1, &format!("contact of {n}"))];
        assert_eq!(store.contacts(&customer(n), ALL).await, Ok(expected));
        let found = store.decision(&customer(n), "same").await;
        assert_eq!(found.map(|row| row.map(|row| row.at_ms)), Ok(i64::try_from(n).ok()));
    }
}
