//! Evidence of a node's shards: counted in the turn that heard it, kept under the shard's fence, published to decisions.
//!
//! A turn adds to its shard's counts right after its save. Every half second what changed is written to the store, and,
//! when a table is due, all shards' counts are merged, frozen, stored and only then used: a decision never names a table
//! that a replay could not find. Leaves out what counts as evidence (the customer) and what it does to priors
//! ([`crate::learning`]).

use crate::error::Unreadable;
use crate::learning::schedule::table_is_due;
use crate::learning::{Change, Counts, EvidenceTable, ShardCounts};
use crate::metrics;
use crate::playbook::active::ActivePlaybook;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storage::{Fence, ShardEvidence, Store, StoreError};
use tokio::time::{Instant, interval};
use tracing::warn;

/// How often counts that changed are written: 500 ms. What is lost in a crash is not older than twice that.
const ROUND: Duration = Duration::from_millis(500);
/// Bytes of counts written in one round at most, so that evidence never crowds out customers: 4 MiB. What is left waits
/// for the next round.
const ROUND_BYTES_MAX: usize = 4 << 20;

/// The counts of a node's shards.
#[derive(Default)]
pub(crate) struct Evidence {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the store held when this node began: the shards that have counted nothing since.
    stored: ShardCounts,
    is_read: bool,
    open: BTreeMap<u32, Open>,
    /// Where the next round of writing begins.
    next: u32,
    /// Changes counted, ever.
    changes: u64,
    /// Changes in the table in force.
    published: u64,
}

/// A shard that has counted something under its present owner.
struct Open {
    epoch: u64,
    counts: Counts,
    /// Whether what the store held is in `counts`.
    is_whole: bool,
    is_saved: bool,
}

/// How far decisions are behind what was counted.
#[derive(Clone, Debug, Default)]
pub struct EvidenceStanding {
    /// Changes counted by this node's shards and before, ever.
    pub changes: u64,
    /// Changes that are not in the table in force yet.
    pub waiting: u64,
}

impl Evidence {
    /// Counts what a saved turn of a shard brought.
    pub fn count(&self, shard: u32, epoch: u64, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let mut state = self.state();
        let open = state.open.entry(shard).or_insert_with(|| Open::new(epoch));
        if open.epoch < epoch {
            *open = Open::new(epoch);
        }
        for change in changes {
            if !open.counts.add(change) {
                metrics::evidence_without_room();
            }
        }
        open.is_saved = false;
        state.changes += changes.len() as u64;
    }

    /// How far decisions are behind.
    pub fn standing(&self) -> EvidenceStanding {
        let state = self.state();
        EvidenceStanding { changes: state.changes, waiting: state.changes.saturating_sub(state.published) }
    }

    /// Keeps and publishes until the task is dropped.
    pub async fn run(self: Arc<Self>, store: Arc<dyn Store>, active: ActivePlaybook) {
        let mut rounds = interval(ROUND);
        let (mut published_at, mut failing) = (Instant::now(), false);
        self.state().published = active.current().evidence.map_or(0, |table| table.counts().changes());
        loop {
            rounds.tick().await;
            let result = self.round(&store, &active, &mut published_at).await;
            if let Err(error) = &result
                && !failing
            {
                warn!(%error, "evidence is not kept for now");
            }
            failing = result.is_err();
            metrics::evidence_round(result.is_ok());
        }
    }

    async fn round(
        &self,
        store: &Arc<dyn Store>,
        active: &ActivePlaybook,
        published_at: &mut Instant,
    ) -> Result<(), StoreError> {
        self.keep(&**store).await?;
        let standing = self.standing();
        let since_ms = published_at.elapsed().as_millis() as u64;
        if !self.state().is_read || !table_is_due(since_ms, standing.waiting, standing.changes) {
            return Ok(());
        }
        *published_at = Instant::now();
        let total = self.state().total();
        let table = frozen(total).await?;
        publish(&**store, &table).await?;
        self.state().published = table.counts().changes();
        let active = active.clone();
        // Moving the priors of a large catalogue takes milliseconds: not on a thread that serves customers.
        let learned = tokio::task::spawn_blocking(move || active.learn(&table)).await;
        metrics::evidence_published();
        learned.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// Writes everything, before the node stops.
    pub async fn keep_all(&self, store: &dyn Store) -> Result<(), StoreError> {
        self.keep(store).await?;
        while !self.unsaved().is_empty() {
            self.keep(store).await?;
        }
        Ok(())
    }

    /// Writes shards' counts that changed, so many bytes at a time.
    async fn keep(&self, store: &dyn Store) -> Result<(), StoreError> {
        self.read(store).await?;
        let mut bytes = 0;
        for shard in self.unsaved() {
            if bytes >= ROUND_BYTES_MAX {
                self.state().next = shard;
                return Ok(());
            }
            let Some(evidence) = self.to_save(shard) else { continue };
            bytes += evidence.body.len();
            let fence = evidence.fence;
            match store.put_evidence(evidence).await {
                Ok(()) => {}
                // Somebody else owns it by now and counts on from what was written last.
                Err(StoreError::Fenced { .. }) => self.close(shard, fence.0),
                Err(error) => {
                    self.not_saved(shard, fence.0);
                    return Err(error);
                }
            }
        }
        self.state().next = 0;
        Ok(())
    }

    /// Reads what was counted before: of all shards once, and of those that began to count since.
    async fn read(&self, store: &dyn Store) -> Result<(), StoreError> {
        if !self.state().is_read {
            let stored = read_all(store).await?;
            let mut state = self.state();
            state.changes += stored.total().changes();
            (state.stored, state.is_read) = (stored, true);
        }
        let partial: Vec<u32> =
            self.state().open.iter().filter(|(_, open)| !open.is_whole).map(|(shard, _)| *shard).collect();
        for shard in partial {
            let before = store.evidence(shard).await?;
            let before = before.map(|evidence| counts_of(&evidence)).transpose()?.unwrap_or_default();
            if let Some(open) = self.state().open.get_mut(&shard).filter(|open| !open.is_whole) {
                open.counts.merge(&before);
                open.is_whole = true;
            }
        }
        Ok(())
    }

    /// From where the last round stopped.
    fn unsaved(&self) -> Vec<u32> {
        let state = self.state();
        let unsaved = |(shard, open): (&u32, &Open)| (open.is_whole && !open.is_saved).then_some(*shard);
        let (after, before) = (state.open.range(state.next..), state.open.range(..state.next));
        after.chain(before).filter_map(unsaved).collect()
    }

    fn to_save(&self, shard: u32) -> Option<ShardEvidence> {
        let mut state = self.state();
        let open = state.open.get_mut(&shard)?;
        open.is_saved = true;
        let (fence, body) = (Fence(open.epoch), open.counts.encode().into());
        Some(ShardEvidence { shard, fence, body })
    }

    fn not_saved(&self, shard: u32, epoch: u64) {
        if let Some(open) = self.state().open.get_mut(&shard).filter(|open| open.epoch == epoch) {
            open.is_saved = false;
        }
    }

    fn close(&self, shard: u32, epoch: u64) {
        let mut state = self.state();
        if state.open.get(&shard).is_some_and(|open| open.epoch == epoch) {
            state.open.remove(&shard);
        }
    }

    /// A panic elsewhere leaves counts that are right or not yet added.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// All shards together; of those that count here, what is counted here.
    fn total(&self) -> Counts {
        let mut all = self.stored.clone();
        for (shard, open) in &self.open {
            if open.is_whole {
                all.hear(*shard, open.epoch, open.counts.clone());
            }
        }
        all.total()
    }
}

impl Open {
    fn new(epoch: u64) -> Self {
        Open { epoch, counts: Counts::default(), is_whole: false, is_saved: false }
    }
}

/// What was counted before a node started, as a table that is stored and may be used; `None`: nothing.
///
/// # Errors
/// Those of the store; [`StoreError::Corrupt`] when counts can't be read.
pub async fn evidence_before(store: &dyn Store) -> Result<Option<Arc<EvidenceTable>>, StoreError> {
    let total = read_all(store).await?.total();
    if total.is_empty() {
        return Ok(None);
    }
    let table = frozen(total).await?;
    publish(store, &table).await?;
    Ok(Some(table))
}

/// A table that a decision names.
///
/// # Errors
/// Those of the store; [`StoreError::Corrupt`] when it is not there or can't be read.
pub async fn evidence_table(store: &dyn Store, id: &str) -> Result<EvidenceTable, StoreError> {
    let bytes = store.evidence_table(id).await?;
    let bytes = bytes.ok_or_else(|| StoreError::Corrupt(format!("evidence table {id} is not there")))?;
    EvidenceTable::read(id, &bytes).map_err(|error| corrupt(&error))
}

async fn read_all(store: &dyn Store) -> Result<ShardCounts, StoreError> {
    let mut shards = ShardCounts::default();
    for evidence in store.all_evidence().await? {
        shards.hear(evidence.shard, evidence.fence.0, counts_of(&evidence)?);
    }
    Ok(shards)
}

async fn frozen(counts: Counts) -> Result<Arc<EvidenceTable>, StoreError> {
    let table = tokio::task::spawn_blocking(move || EvidenceTable::freeze(counts)).await;
    table.map(Arc::new).map_err(|error| StoreError::Unavailable(error.to_string()))
}

async fn publish(store: &dyn Store, table: &EvidenceTable) -> Result<(), StoreError> {
    store.put_evidence_table(table.id(), table.bytes().into()).await
}

fn counts_of(evidence: &ShardEvidence) -> Result<Counts, StoreError> {
    Counts::decode(&evidence.body).map_err(|error| corrupt(&error))
}

fn corrupt(error: &Unreadable) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
