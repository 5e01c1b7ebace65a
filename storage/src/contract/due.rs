//! What is due when.

use super::samples::customer;
use crate::{DueRow, Fence, Store};
use std::sync::Arc;

type Shared = Arc<dyn Store>;

const HOUR_MS: i64 = 3_600_000;

fn row(shard: u32, at_ms: i64, n: u64, key: &str) -> DueRow {
    DueRow { shard, at_ms, customer: customer(n).id, key: key.into() }
}

pub(super) async fn what_is_due_is_read_oldest_first_and_bounded(store: Shared) {
    let mut rows: Vec<_> = (0..20).map(|n| row(3, (n % 7) * HOUR_MS + n, n as u64, "wait")).collect();
    assert_eq!(store.put_due(Fence(1), rows.clone()).await, Ok(()));
    assert_eq!(store.put_due(Fence(1), vec![row(4, 0, 99, "another shard's")]).await, Ok(()));
    rows.sort();
    for rows_max in [0, 1, 6, 20, 99] {
        let expected: Vec<_> = rows.iter().take(rows_max).cloned().collect();
        assert_eq!(store.due(3, i64::MAX, rows_max).await, Ok(expected), "at most {rows_max}");
    }
    for until_ms in [0, 1, HOUR_MS, 3 * HOUR_MS + 4, 7 * HOUR_MS] {
        let expected: Vec<_> = rows.iter().filter(|row| row.at_ms < until_ms).cloned().collect();
        assert_eq!(store.due(3, until_ms, 99).await, Ok(expected), "before {until_ms}");
    }
    assert_eq!(store.due(5, i64::MAX, 99).await, Ok(vec![]));
}

pub(super) async fn what_is_done_is_not_due_again(store: Shared) {
    let (first, second) = (row(3, 10, 1, "a"), row(3, 10, 1, "b"));
    for _ in 0..2 {
        assert_eq!(store.put_due(Fence(1), vec![first.clone(), second.clone()]).await, Ok(()));
    }
    for _ in 0..2 {
        assert_eq!(store.remove_due(Fence(1), vec![first.clone()]).await, Ok(()));
        assert_eq!(store.due(3, HOUR_MS, 99).await, Ok(vec![second.clone()]));
    }
    assert_eq!(store.remove_due(Fence(1), vec![second]).await, Ok(()));
    assert_eq!(store.due(3, 9 * HOUR_MS, 99).await, Ok(vec![]));
    // Also in an hour that was read and found empty before.
    assert_eq!(store.put_due(Fence(1), vec![first.clone()]).await, Ok(()));
    assert_eq!(store.due(3, 9 * HOUR_MS, 99).await, Ok(vec![first]));
}

pub(super) async fn times_before_1970_are_times(store: Shared) {
    let rows: Vec<_> = [-2 * HOUR_MS, -1, 0].map(|at_ms| row(0, at_ms, 1, "wait")).to_vec();
    assert_eq!(store.put_due(Fence(1), rows.clone()).await, Ok(()));
    assert_eq!(store.due(0, 0, 99).await, Ok(rows[..2].to_vec()));
}
