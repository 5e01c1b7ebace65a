//! Who may write customers: one process at a time, each under an epoch of its own.
//!
//! The epoch is claimed by compare-and-set, so two processes never have the same one. The holder counts a beat up while it
//! lives; a claimant that sees the beat stand still for a whole lease knows that the holder's lease has run out, by its
//! own monotonic clock alone. This is what one owner of all shards needs; leaves out how shards are spread over nodes.

use super::{Scylla, outcome};
use crate::StoreError;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a claimant looks whether the holder still lives.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Who wants the shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The node's name, for people.
    pub node: String,
    /// Tells this node's data directory from every other. Whoever holds the directory knows that no former process of it
    /// is alive, and need not wait for it.
    pub holder: String,
    /// Into how many shards the customers are cut; what the first claimant said stays.
    pub shard_count: u32,
    /// How long a holder that has shown a sign of life may act on it, milliseconds.
    pub lease_ms: u64,
    /// How much longer a claimant waits, because clocks run at different speeds, milliseconds.
    pub drift_margin_ms: u64,
    /// Now, milliseconds since 1970 in UTC, for the history.
    pub at_ms: i64,
}

/// A claim that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Nobody else ever had or will have this epoch.
    pub epoch: u64,
    /// As the first claimant said.
    pub shard_count: u32,
    beat: i64,
}

/// What is written of the holder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    epoch: i64,
    beat: i64,
    holder: Option<String>,
    node: Option<String>,
    shard_count: i32,
}

impl Scylla {
    /// Claims all shards under a new epoch. Waits out the lease of a holder that shows no sign of life.
    ///
    /// Errors: [`Unavailable`](StoreError::Unavailable) when another node holds them and lives, naming it;
    /// [`MaybeApplied`](StoreError::MaybeApplied) when the server did not say: claim again.
    pub async fn claim(&self, claimant: &Claimant) -> Result<Claim, StoreError> {
        let held = self.held(claimant).await?;
        if !is_free(&held, claimant) {
            self.outlive(&held, claimant).await?;
        }
        let (epoch, statements) = (held.epoch + 1, &self.statements);
        let values = (epoch, &*claimant.holder, &*claimant.node, held.epoch, held.beat);
        if !self.link.compare_and_set(&statements.claim, values).await? {
            return Err(StoreError::Unavailable(
                "another node has just claimed the shards: stop one of the two".into(),
            ));
        }
        let row = (epoch, &*claimant.node, &*claimant.holder, claimant.at_ms);
        self.link.write(&statements.put_history, row).await?;
        Ok(Claim { epoch: epoch as u64, shard_count: held.shard_count as u32, beat: 0 })
    }

    /// A sign of life. `false` when another node has taken the shards: for good, under this claim.
    ///
    /// Errors: the server did not say; the lease simply runs on until the next sign is heard.
    pub async fn renew(&self, claim: &mut Claim) -> Result<bool, StoreError> {
        let beat = claim.beat + 1;
        let renewed = self.link.compare_and_set(&self.statements.renew, (beat, claim.epoch as i64)).await?;
        claim.beat = beat;
        Ok(renewed)
    }

    /// Gives the shards back, so that the next claimant need not wait.
    ///
    /// Errors: the server did not say; then the next one waits.
    pub async fn release(&self, claim: &Claim) -> Result<(), StoreError> {
        self.link.compare_and_set(&self.statements.release, (claim.epoch as i64,)).await.map(drop)
    }

    /// Who began which epoch, the latest first, at most 100: (epoch, node, claimed_at_ms).
    ///
    /// Errors: the server did not answer.
    pub async fn ownership_history(&self) -> Result<Vec<(u64, String, i64)>, StoreError> {
        let answer = self.link.read(&self.statements.history, ()).await?;
        let rows = answer.rows::<(i64, String, i64)>().map_err(|error| outcome::of_shape(&error))?;
        let row = |row: Result<(i64, String, i64), _>| {
            row.map(|(epoch, node, at_ms)| (epoch as u64, node, at_ms))
                .map_err(|error| outcome::of_shape(&error))
        };
        rows.map(row).collect()
    }

    /// What is written of the holder; the first claimant ever writes the row it reads.
    async fn held(&self, claimant: &Claimant) -> Result<Held, StoreError> {
        if let Some(held) = self.holder().await? {
            return Ok(held);
        }
        let shard_count = i32::try_from(claimant.shard_count).unwrap_or(i32::MAX);
        self.link.compare_and_set(&self.statements.put_first_ownership, (shard_count,)).await?;
        let missing = || StoreError::Unavailable("the row of ownership can't be read back; try again".into());
        self.holder().await?.ok_or_else(missing)
    }

    async fn holder(&self) -> Result<Option<Held>, StoreError> {
        type Columns = (i64, i64, Option<String>, Option<String>, i32);
        let answer = self.link.read(&self.statements.ownership, ()).await?;
        let row = answer.maybe_first_row::<Columns>().map_err(|error| outcome::of_shape(&error))?;
        Ok(row.map(|(epoch, beat, holder, node, shard_count)| Held {
            epoch,
            beat,
            holder,
            node,
            shard_count,
        }))
    }

    /// Waits until the holder's lease has certainly run out; an error when it lives.
    async fn outlive(&self, held: &Held, claimant: &Claimant) -> Result<(), StoreError> {
        let node = held.node.as_deref().unwrap_or("another node");
        let wait_ms = claimant.lease_ms + claimant.drift_margin_ms;
        tracing::info!(%node, wait_ms, "waiting whether the holder of the shards shows a sign of life");
        let until = Instant::now() + Duration::from_millis(wait_ms);
        while Instant::now() < until {
            sleep(LOOK_EVERY).await;
            match self.holder().await? {
                Some(now) if now.epoch == held.epoch && now.beat == held.beat => {
                    if is_free(&now, claimant) {
                        return Ok(());
                    }
                }
                _ => {
                    return Err(StoreError::Unavailable(format!(
                        "node {node} holds the shards and lives; one node serves a keyspace: stop it first, or use another \
                         --keyspace"
                    )));
                }
            }
        }
        Ok(())
    }
}

fn is_free(held: &Held, claimant: &Claimant) -> bool {
    held.holder.as_ref().is_none_or(|holder| *holder == claimant.holder)
}
