//! What shards have counted, and the frozen tables made of it.
//!
//! Counts are compared on their fence and set by the servers: they are flushed now and then, by one owner a shard. Leaves
//! out pieces for counts: a shard's are one cell, so `write_bytes_max` bounds them.

use super::{Scylla, outcome};
use crate::{EvidenceStore, Fence, ShardEvidence, StoreError, StoreFuture};
use std::sync::Arc;

/// Partitions that all shards share: each stays small, and all are read in one pass at a start.
const PARTS: u32 = 64;

impl Scylla {
    async fn put_counts(&self, evidence: &ShardEvidence) -> Result<(), StoreError> {
        if evidence.body.len() > self.options.write_bytes_max {
            let (bytes, max) = (evidence.body.len(), self.options.write_bytes_max);
            let what = format!(
                "a shard's evidence has {bytes} bytes, at most {max} are sent: raise write_bytes_max"
            );
            return Err(StoreError::Unavailable(what));
        }
        let (fence, body) = (evidence.fence.0 as i64, &evidence.body[..]);
        let (part, shard) = place(evidence.shard);
        let values = (fence, body, part, shard, fence);
        if self.link.compare_and_set(&self.statements.put_evidence, values).await? {
            return Ok(());
        }
        let values = (part, shard, fence, body);
        if self.link.compare_and_set(&self.statements.put_first_evidence, values).await? {
            return Ok(());
        }
        let stored = self.counts(evidence.shard).await?.map_or(Fence(0), |stored| stored.fence);
        match stored > evidence.fence {
            true => Err(StoreError::Fenced { stored, ours: evidence.fence }),
            false => {
                Err(StoreError::Unavailable("another writer of this shard's evidence came between".into()))
            }
        }
    }

    async fn counts(&self, shard: u32) -> Result<Option<ShardEvidence>, StoreError> {
        let answer = self.link.read(&self.statements.evidence, place(shard)).await?;
        let row = answer.maybe_first_row::<(i64, Vec<u8>)>().map_err(|error| outcome::of_shape(&error))?;
        Ok(row.map(|(fence, body)| ShardEvidence { shard, fence: Fence(fence as u64), body: body.into() }))
    }

    async fn all_counts(&self) -> Result<Vec<ShardEvidence>, StoreError> {
        let mut all = Vec::new();
        for part in 0..PARTS {
            let answer = self.link.read(&self.statements.all_evidence, (part as i32,)).await?;
            let rows = answer.rows::<(i32, i64, Vec<u8>)>().map_err(|error| outcome::of_shape(&error))?;
            for row in rows {
                let (shard, fence, body) = row.map_err(|error| outcome::of_shape(&error))?;
                all.push(ShardEvidence {
                    shard: shard as u32,
                    fence: Fence(fence as u64),
                    body: body.into(),
                });
            }
        }
        all.sort_by_key(|evidence| evidence.shard);
        Ok(all)
    }

    async fn table_pieces(&self, id: &str) -> Result<Option<i32>, StoreError> {
        let answer = self.link.read(&self.statements.evidence_table, (id,)).await?;
        let row = answer.maybe_first_row::<(i32,)>().map_err(|error| outcome::of_shape(&error))?;
        Ok(row.map(|(pieces,)| pieces))
    }

    async fn put_table(&self, id: &str, body: &[u8]) -> Result<(), StoreError> {
        if self.table_pieces(id).await?.is_some() {
            return Ok(());
        }
        let pieces = self.put_body(&body_id(id), body).await?;
        self.link.compare_and_set(&self.statements.put_evidence_table, (id, pieces)).await.map(drop)
    }

    /// Reads a whole table, a small one: only a transfer asks for it.
    async fn table_ids(&self) -> Result<Vec<String>, StoreError> {
        let answer = self.link.read(&self.statements.evidence_tables, ()).await?;
        let rows = answer.rows::<(String,)>().map_err(|error| outcome::of_shape(&error))?;
        rows.map(|row| row.map(|(id,)| id).map_err(|error| outcome::of_shape(&error))).collect()
    }

    async fn table(&self, id: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        match self.table_pieces(id).await? {
            Some(pieces) => Ok(Some(self.body(&body_id(id), pieces).await?.into())),
            None => Ok(None),
        }
    }
}

fn place(shard: u32) -> (i32, i32) {
    ((shard % PARTS) as i32, shard as i32)
}

fn body_id(table: &str) -> String {
    format!("evidence-{table}")
}

impl EvidenceStore for Scylla {
    fn put_evidence(&self, evidence: ShardEvidence) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.put_counts(&evidence).await })
    }

    fn evidence(&self, shard: u32) -> StoreFuture<'_, Option<ShardEvidence>> {
        Box::pin(self.counts(shard))
    }

    fn all_evidence(&self) -> StoreFuture<'_, Vec<ShardEvidence>> {
        Box::pin(self.all_counts())
    }

    fn put_evidence_table<'a>(&'a self, id: &'a str, body: Arc<[u8]>) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.put_table(id, &body).await })
    }

    fn evidence_tables(&self) -> StoreFuture<'_, Vec<String>> {
        Box::pin(self.table_ids())
    }

    fn evidence_table<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<Arc<[u8]>>> {
        Box::pin(self.table(id))
    }
}
