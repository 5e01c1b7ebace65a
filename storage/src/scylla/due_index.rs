//! What is due when: one partition a shard and hour, and a list of a shard's hours that hold anything.
//!
//! An hour is listed before anything is noted in it, and taken off the list when it is past and empty. The two must not
//! cross, or a row would be in an hour that nobody reads: noting and taking off exclude each other by a lock, which is enough
//! because a shard has one owner. Rows carry marks like customers do, so a former owner's removal loses.

use super::{Scylla, outcome};
use crate::{DueIndex, DueRow, Fence, StoreError, StoreFuture};
use std::collections::BTreeSet;
use tokio::sync::RwLock;

/// An hour: a partition then holds what falls due in a shard of some ten thousand customers in that time.
const BUCKET_MS: i64 = 3_600_000;
/// Hours looked at in one call: a shard that was away for a month is caught up with in two.
const BUCKETS_AT_ONCE: i32 = 400;
/// Locks that shards share.
const LOCKS: usize = 64;

/// Keeps noting and taking hours off the list apart.
pub(super) struct Hours(Vec<RwLock<()>>);

impl Hours {
    pub fn new() -> Hours {
        Hours((0..LOCKS).map(|_| RwLock::default()).collect())
    }

    fn of(&self, shard: u32) -> &RwLock<()> {
        &self.0[shard as usize % LOCKS]
    }
}

impl Scylla {
    async fn note(&self, fence: Fence, rows: &[DueRow]) -> Result<(), StoreError> {
        let Some(shard) = rows.first().map(|row| row.shard) else { return Ok(()) };
        let _noting = self.hours.of(shard).read().await;
        let hours: BTreeSet<i64> = rows.iter().map(|row| bucket_of(row.at_ms)).collect();
        for hour in hours {
            let (attempt, statement) =
                (self.marks.attempt(key_of(shard), fence)?, &self.statements.put_due_bucket);
            self.link
                .write(statement, (shard as i32, hour, attempt.mark.timestamp(), attempt.mark.timestamp()))
                .await?;
            attempt.applied();
        }
        for row in rows {
            let (attempt, statement) = (self.marks.attempt(key_of(shard), fence)?, &self.statements.put_due);
            let timestamp = attempt.mark.timestamp();
            let values =
                (shard as i32, bucket_of(row.at_ms), row.at_ms, &*row.customer, &*row.key, timestamp);
            self.link.write(statement, values).await?;
            attempt.applied();
        }
        Ok(())
    }

    async fn remove(&self, fence: Fence, rows: &[DueRow]) -> Result<(), StoreError> {
        for row in rows {
            let (attempt, statement) =
                (self.marks.attempt(key_of(row.shard), fence)?, &self.statements.remove_due);
            let timestamp = attempt.mark.timestamp();
            let values =
                (timestamp, row.shard as i32, bucket_of(row.at_ms), row.at_ms, &*row.customer, &*row.key);
            self.link.write(statement, values).await?;
            attempt.applied();
        }
        Ok(())
    }

    async fn due_rows(&self, shard: u32, until_ms: i64, rows_max: usize) -> Result<Vec<DueRow>, StoreError> {
        let last = bucket_of(until_ms);
        let answer =
            self.link.read(&self.statements.due_buckets, (shard as i32, last, BUCKETS_AT_ONCE)).await?;
        let hours = answer.rows::<(i64, i64)>().map_err(|error| outcome::of_shape(&error))?;
        let hours = hours.collect::<Result<Vec<_>, _>>().map_err(|error| outcome::of_shape(&error))?;
        let mut due = Vec::new();
        for (hour, listed_at) in hours {
            if due.len() == rows_max {
                break;
            }
            let rows = self.rows_of(shard, hour, until_ms, rows_max - due.len()).await?;
            if rows.is_empty() && hour < last {
                self.take_off(shard, hour, listed_at).await?;
            }
            due.extend(rows);
        }
        Ok(due)
    }

    async fn rows_of(
        &self,
        shard: u32,
        hour: i64,
        until_ms: i64,
        rows_max: usize,
    ) -> Result<Vec<DueRow>, StoreError> {
        let limit = i32::try_from(rows_max).unwrap_or(i32::MAX);
        let answer = self.link.read(&self.statements.due, (shard as i32, hour, until_ms, limit)).await?;
        let rows = answer.rows::<(i64, String, String)>().map_err(|error| outcome::of_shape(&error))?;
        let row = |row: Result<(i64, String, String), _>| {
            let (at_ms, customer, key) = row.map_err(|error| outcome::of_shape(&error))?;
            Ok(DueRow { shard, at_ms, customer: customer.into(), key })
        };
        rows.map(row).collect()
    }

    /// Takes an hour off the list if it is still empty. Under the mark it was listed with: listed again, it stays.
    async fn take_off(&self, shard: u32, hour: i64, listed_at: i64) -> Result<(), StoreError> {
        let _alone = self.hours.of(shard).write().await;
        if self.rows_of(shard, hour, i64::MAX, 1).await?.is_empty() {
            self.link.write(&self.statements.remove_due_bucket, (listed_at, shard as i32, hour)).await?;
        }
        Ok(())
    }
}

fn bucket_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(BUCKET_MS)
}

/// What a shard's marks are remembered by.
fn key_of(shard: u32) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(&shard.to_le_bytes(), 0x0064_7565)
}

impl DueIndex for Scylla {
    fn put_due(&self, fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.note(fence, &rows).await })
    }

    fn remove_due(&self, fence: Fence, rows: Vec<DueRow>) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.remove(fence, &rows).await })
    }

    fn due(&self, shard: u32, until_ms: i64, rows_max: usize) -> StoreFuture<'_, Vec<DueRow>> {
        Box::pin(self.due_rows(shard, until_ms, rows_max))
    }
}
