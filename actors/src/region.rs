//! The shards of one node: starts them on first use, hands calls to them, drains them.
//!
//! Leaves out which node a shard belongs to (cluster), and what a call does (the customer).

pub mod evidence;

use crate::call::{Answer, CustomerCall};
use crate::error::TurnError;
use crate::options::{Clock, RegionOptions};
use crate::playbook::active::ActivePlaybook;
use crate::shard::{GiveBack, Shard, ShardActor, Waiting};
use actix::{Actor, Addr, Arbiter};
use evidence::Evidence;
pub use evidence::EvidenceStanding;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::Store;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// After its deadline a call in hand is waited for this much longer, to hear rather than guess what became of it: 1 s.
const LAST_WORD_MS: u64 = 1_000;
/// How often draining looks whether the last call was answered: 5 ms.
const DRAIN_POLL_MS: u64 = 5;

/// The shards of one node.
pub struct Region {
    shared: Arc<Shared>,
    arbiters: Vec<Arbiter>,
    shards: Vec<OnceLock<Hosted>>,
    stopping: AtomicBool,
}

/// A shard's actor and how many calls it has in hand.
struct Hosted {
    actor: Addr<ShardActor>,
    in_hand: AtomicU64,
}

/// What all shards of a node share.
pub(crate) struct Shared {
    pub options: RegionOptions,
    pub store: Arc<dyn Store>,
    pub playbook: ActivePlaybook,
    pub clock: Clock,
    pub ownership: cluster::Handle,
    pub resident_customers: AtomicU64,
    pub resident_bytes: AtomicU64,
    pub in_hand: AtomicU64,
    pub evidence: Arc<Evidence>,
}

impl Shared {
    /// Milliseconds since the node's monotonic clock began: the clock of leases.
    pub fn uptime_ms(&self) -> u64 {
        self.options.began.elapsed().as_millis() as u64
    }
}

/// How many customers are in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residency {
    /// Customers in memory.
    pub customers: u64,
    /// Bytes of their encoded states and what is kept beside each.
    pub bytes: u64,
    /// Calls in hand.
    pub calls: u64,
}

impl Region {
    /// Sets a region up. Must be called on a thread with an actix system; starts its own arbiters.
    #[must_use]
    pub fn start(
        options: RegionOptions,
        store: Arc<dyn Store>,
        playbook: ActivePlaybook,
        clock: Clock,
        ownership: cluster::Handle,
    ) -> Region {
        let arbiters: Vec<Arbiter> = (0..options.thread_count.max(1)).map(|_| Arbiter::new()).collect();
        let shards = (0..ownership.shard_count().get()).map(|_| OnceLock::new()).collect();
        let shared = Arc::new(Shared {
            options,
            store,
            playbook,
            clock,
            ownership,
            resident_customers: AtomicU64::new(0),
            resident_bytes: AtomicU64::new(0),
            in_hand: AtomicU64::new(0),
            evidence: Arc::default(),
        });
        let evidence = Arc::clone(&shared.evidence);
        arbiters[0].spawn(evidence.run(Arc::clone(&shared.store), shared.playbook.clone()));
        Region { shared, arbiters, shards, stopping: AtomicBool::new(false) }
    }

    /// Serves one call: the answer comes after the turn is durable.
    ///
    /// # Errors
    /// See [`TurnError`]: each says whether the call may have been applied.
    pub async fn call(&self, call: CustomerCall) -> Result<Answer, TurnError> {
        let options = &self.shared.options;
        let _in_node = InHand::within(&self.shared.in_hand, options.in_hand_max, "the node")?;
        if self.stopping.load(Ordering::Acquire) {
            return Err(overloaded("the node, which is stopping,"));
        }
        let shard = self.shard(self.shared.ownership.route(call.customer.hash64()).shard)?;
        let _in_shard = InHand::within(&shard.in_hand, options.waiting_per_shard_max, "the shard")?;
        let patience = call.deadline + Duration::from_millis(LAST_WORD_MS);
        let (reply, answered) = oneshot::channel();
        // What waits in the mailbox is bounded above: the actor's own bound would refuse a burst while it starts.
        shard.actor.do_send(Waiting { call, reply });
        match tokio::time::timeout_at(patience, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(TurnError::MaybeApplied("the shard stopped".to_owned())),
            Err(_) => Err(TurnError::MaybeApplied("the deadline passed before the answer".to_owned())),
        }
    }

    /// How much is in memory now.
    #[must_use]
    pub fn residency(&self) -> Residency {
        Residency {
            customers: self.shared.resident_customers.load(Ordering::Relaxed),
            bytes: self.shared.resident_bytes.load(Ordering::Relaxed),
            calls: self.shared.in_hand.load(Ordering::Relaxed),
        }
    }

    /// How far decisions are behind what was counted of responses.
    #[must_use]
    pub fn evidence(&self) -> EvidenceStanding {
        self.shared.evidence.standing()
    }

    /// Takes no more calls and waits until those in hand are answered, at most `patience_ms`. Returns how many were
    /// still in hand then. Afterwards the region's threads are gone.
    pub async fn drain(&self, patience_ms: u64) -> u64 {
        self.stopping.store(true, Ordering::Release);
        let until = Instant::now() + Duration::from_millis(patience_ms);
        while self.residency().calls > 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(DRAIN_POLL_MS)).await;
        }
        self.give_back(until).await;
        let kept = self.shared.evidence.keep_all(&*self.shared.store);
        let patience = until.max(Instant::now() + Duration::from_millis(LAST_WORD_MS));
        match tokio::time::timeout_at(patience, kept).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last evidence was not kept"),
            Err(_) => tracing::warn!("keeping the last evidence took too long"),
        }
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
        self.residency().calls
    }

    /// Lets every shard give its slices of totals back.
    async fn give_back(&self, until: Instant) {
        let asked = self.shards.iter().filter_map(OnceLock::get);
        let answers: Vec<_> = asked.map(|hosted| hosted.actor.send(GiveBack { deadline: until })).collect();
        for answer in answers {
            // What was not given back by then is lost: undershot, never overshot.
            let _ = tokio::time::timeout_at(until, answer).await;
        }
    }

    /// The shard's actor, started on its first call.
    fn shard(&self, id: cluster::ShardId) -> Result<&Hosted, TurnError> {
        let epoch = self.shared.ownership.owned(id).ok_or(TurnError::NotOwner { shard: id.0 })?;
        let place = &self.shards[id.0 as usize];
        Ok(place.get_or_init(|| {
            let shared = Arc::clone(&self.shared);
            let arbiter = &self.arbiters[id.0 as usize % self.arbiters.len()];
            let actor = ShardActor::start_in_arbiter(&arbiter.handle(), move |_| {
                ShardActor::new(Shard::new(id, epoch, shared))
            });
            Hosted { actor, in_hand: AtomicU64::new(0) }
        }))
    }
}

/// Counts a call while it is in hand, however it ends.
struct InHand<'a>(&'a AtomicU64);

impl<'a> InHand<'a> {
    fn within(count: &'a AtomicU64, max: usize, what: &'static str) -> Result<Self, TurnError> {
        let before = count.fetch_add(1, Ordering::AcqRel);
        let in_hand = InHand(count);
        if before >= max as u64 { Err(overloaded(what)) } else { Ok(in_hand) }
    }
}

fn overloaded(what: &'static str) -> TurnError {
    TurnError::Overloaded { what, retry_after_ms: 1_000 }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
