//! One turn: one command of one customer, from start to saved.
//!
//! Start reading here. The reply leaves only after the save: it never speaks of a state that a crash could take back.

use crate::call::{Answer, Command, CustomerCall, CustomerId, Receipt, Reply};
use crate::customer::entry::{After, Entry};
use crate::customer::snapshot::Snapshot;
use crate::customer::{Outcome, Turn};
use crate::decision::totals::UnitsLeft;
use crate::error::TurnError;
use crate::metrics;
use crate::options::{CONSENT_RESERVE_BYTES, SNAPSHOT_BYTES_MAX};
use crate::shard::Shard;
use std::cmp::Ordering;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use storage::{ContactRow, CustomerKey, DecisionRow, Fence, Save, StoreError, StoredCustomer};
use tokio::time::{Instant, timeout_at};

/// The store gets at least this long, however short the deadline: a save begun is better heard of than guessed at.
const STORE_PATIENCE_MS: u64 = 500;

/// A customer between activation and save.
pub(super) struct Active {
    /// As stored; `None` for one never seen.
    stored: Option<StoredCustomer>,
    /// As checked, for who wants to look inside; to erase a customer nobody has to.
    snapshot: Result<Snapshot, TurnError>,
}

impl Active {
    /// Saved turns so far.
    fn revision(&self) -> u64 {
        self.stored.as_ref().map_or(0, |stored| stored.revision)
    }
}

impl Shard {
    /// Takes the turn and tells the truth about it.
    pub(super) async fn turn(&self, call: CustomerCall) -> Result<Answer, TurnError> {
        let began = Instant::now();
        let command = metrics::command_label(&call.command);
        let result = self.turn_of(&call).await;
        metrics::turn_ended(command, result.as_ref().err(), began.elapsed());
        result
    }

    async fn turn_of(&self, call: &CustomerCall) -> Result<Answer, TurnError> {
        if Instant::now() >= call.deadline {
            return Err(TurnError::DeadlinePassed);
        }
        self.still_owner().map_err(|()| TurnError::NotOwner { shard: self.id.0 })?;
        let customer = self.activate(call).await?;
        if customer.snapshot.is_err() && *call.command == Command::Erase {
            return self.erase(call, &customer).await;
        }
        let (outcome, after) = self.apply_within_totals(call, &customer).await?;
        let revision = match after {
            After::Kept(snapshot) => self.save_with_units(call, customer, snapshot, &outcome).await?,
            After::Same => self.take_over(call, &customer).await?,
            After::Nothing => return self.erase(call, &customer).await,
        };
        self.shared.evidence.count(self.id.0, self.epoch.0, &outcome.evidence);
        self.still_owner().map_err(|()| lost_lease(&outcome))?;
        outcome.decisions.iter().for_each(|logged| metrics::decided(&logged.decision));
        Ok(self.answer(call, outcome.reply, revision))
    }

    /// The customer from memory, or read from the store. One that a former owner wrote is kept in memory only after it was
    /// taken over: what is in memory is ours.
    async fn activate(&self, call: &CustomerCall) -> Result<Active, TurnError> {
        if let Some(idle) = self.resident.borrow_mut().touch(&call.customer) {
            let snapshot = Arc::clone(idle.snapshot.bytes());
            let stored = StoredCustomer { fence: self.fence(), revision: idle.revision, snapshot };
            return Ok(Active { stored: Some(stored), snapshot: Ok(idle.snapshot) });
        }
        let key = key_of(&call.customer);
        let loaded = patiently(call.deadline, self.shared.store.load(&key)).await;
        let stored = match loaded {
            None => return Err(TurnError::Unavailable("reading the customer took too long".to_owned())),
            Some(loaded) => loaded.map_err(|error| not_applied(error, self.id.0))?,
        };
        let Some(stored) = stored else { return Ok(Active { stored: None, snapshot: Ok(Snapshot::none()) }) };
        let whose = stored.fence.cmp(&self.fence());
        if whose == Ordering::Greater {
            return Err(TurnError::NotOwner { shard: self.id.0 });
        }
        let active = Active { snapshot: checked(call, &stored.snapshot), stored: Some(stored) };
        if whose == Ordering::Equal {
            self.keep(call, &active);
        }
        Ok(active)
    }

    fn keep(&self, call: &CustomerCall, active: &Active) {
        if let Ok(snapshot) = &active.snapshot {
            self.counted(|resident| resident.keep(&call.customer, snapshot.clone(), active.revision()));
        }
    }

    /// The command's outcome, and what to keep afterwards. A bug in here costs the turn, never the shard.
    pub(super) fn apply(
        &self,
        call: &CustomerCall,
        active: &Active,
        left: &[UnitsLeft],
    ) -> Result<(Outcome, After), TurnError> {
        let before = active.snapshot.as_ref().map_err(TurnError::clone)?;
        let playbook = self.shared.playbook.current();
        let turn = Turn { active: &playbook, now: (self.shared.clock)(), before: before.bytes(), left };
        let applied = catch_unwind(AssertUnwindSafe(|| {
            let id = &call.customer;
            Entry::open(id, before).apply(id, &call.command, call.via.as_ref(), turn)
        }));
        let (outcome, after) = applied.map_err(|_| {
            tracing::error!(shard = self.id.0, customer = call.customer.pseudonym(), "a turn panicked");
            TurnError::Corrupt("a turn of this customer failed; nothing was changed".to_owned())
        })?;
        match after {
            After::Kept(snapshot) if snapshot.len() > bytes_max(&call.command) => {
                Ok((Outcome::refused("customer_too_large", too_large(snapshot.len())), After::Same))
            }
            after => Ok((outcome, after)),
        }
    }

    /// Saves, and settles what the turn moved of totals. What may have been saved has taken its units.
    async fn save_with_units(
        &self,
        call: &CustomerCall,
        before: Active,
        snapshot: Snapshot,
        outcome: &Outcome,
    ) -> Result<u64, TurnError> {
        let saved = self.save(call, before, snapshot, outcome).await;
        match &saved {
            Ok(_) => self.settle(&outcome.units, call.deadline).await,
            Err(TurnError::MaybeApplied(_)) => self.settle_doubtful(&outcome.units),
            Err(_) => self.untake(&outcome.units),
        }
        saved
    }

    /// Makes the turn durable. If that fails, or nobody knows, the customer is forgotten: the next call reads again.
    async fn save(
        &self,
        call: &CustomerCall,
        before: Active,
        snapshot: Snapshot,
        outcome: &Outcome,
    ) -> Result<u64, TurnError> {
        let revision = before.revision() + 1;
        let save = Save {
            customer: key_of(&call.customer),
            fence: self.fence(),
            revision,
            snapshot: Arc::clone(snapshot.bytes()),
            before: before.stored,
            contacts: contact_rows(outcome),
            decisions: decision_rows(outcome),
        };
        let saved = patiently(call.deadline, self.shared.store.save(save)).await;
        let error = match saved {
            Some(Ok(())) => {
                self.counted(|resident| resident.keep(&call.customer, snapshot, revision));
                return Ok(revision);
            }
            Some(Err(error)) => not_applied(error, self.id.0),
            None => TurnError::MaybeApplied("saving took too long".to_owned()),
        };
        self.counted(|resident| resident.forget(&call.customer));
        Err(error)
    }

    /// Nothing is to be saved: a customer that a former owner wrote is made ours before anything of it is shown.
    async fn take_over(&self, call: &CustomerCall, active: &Active) -> Result<u64, TurnError> {
        let Some(stored) = &active.stored else { return Ok(0) };
        if stored.fence < self.fence() {
            let key = key_of(&call.customer);
            let taken = self.shared.store.take_over(&key, self.fence(), stored);
            match patiently(call.deadline, taken).await {
                Some(Ok(())) => self.keep(call, active),
                Some(Err(error)) => return Err(nothing_asked(not_applied(error, self.id.0))),
                None => {
                    return Err(TurnError::Unavailable("taking the customer over took too long".to_owned()));
                }
            }
        }
        Ok(stored.revision)
    }

    async fn erase(&self, call: &CustomerCall, active: &Active) -> Result<Answer, TurnError> {
        let key = key_of(&call.customer);
        let erased =
            patiently(call.deadline, self.shared.store.erase(&key, self.fence(), active.revision())).await;
        self.counted(|resident| resident.forget(&call.customer));
        let erasure = match erased {
            Some(Ok(erasure)) => erasure,
            Some(Err(error)) => return Err(not_applied(error, self.id.0)),
            None => return Err(TurnError::MaybeApplied("erasing took too long".to_owned())),
        };
        self.still_owner().map_err(|()| TurnError::MaybeApplied("the lease ran out".to_owned()))?;
        let at = (self.shared.clock)();
        let receipt = Receipt {
            receipt_id: receipt_id(self.id.0, active.revision(), at.ms()),
            at,
            removed: [erasure.snapshots, erasure.contacts, erasure.decisions],
        };
        Ok(self.answer(call, Reply::Erased(receipt), 0))
    }

    /// Whether this node still owns the shard under the epoch it began with, by its lease on the monotonic clock.
    fn still_owner(&self) -> Result<(), ()> {
        let ownership = &self.shared.ownership;
        let owner = ownership.owned(self.id) == Some(self.epoch);
        if owner && ownership.lease().held_at(self.shared.uptime_ms()) { Ok(()) } else { Err(()) }
    }

    /// The epoch as the store sees it.
    fn fence(&self) -> Fence {
        Fence(self.epoch.0)
    }

    fn answer(&self, call: &CustomerCall, reply: Reply, revision: u64) -> Answer {
        Answer { customer: call.customer.clone(), reply, revision, shard: self.id.0, epoch: self.epoch.0 }
    }
}

/// What the store gave, if it is whole: looked through once, here, so that a turn can decode as little as it needs.
fn checked(call: &CustomerCall, bytes: &Arc<[u8]>) -> Result<Snapshot, TurnError> {
    let checked = catch_unwind(|| Snapshot::check_entry(Arc::clone(bytes))).map_err(|_| {
        tracing::error!(customer = call.customer.pseudonym(), "checking a snapshot panicked");
        TurnError::Corrupt("this customer can't be checked".to_owned())
    })?;
    checked.map_err(|error| TurnError::Corrupt(error.to_string()))
}

/// Waits until the deadline, but long enough for the store to speak; `None` when it did not.
pub(super) async fn patiently<T>(deadline: Instant, answer: impl Future<Output = T>) -> Option<T> {
    let until = deadline.max(Instant::now() + Duration::from_millis(STORE_PATIENCE_MS));
    timeout_at(until, answer).await.ok()
}

fn key_of(customer: &CustomerId) -> CustomerKey {
    CustomerKey { hash: customer.hash64(), id: customer.to_arc() }
}

/// What a store's error means for the caller.
fn not_applied(error: StoreError, shard: u32) -> TurnError {
    match error {
        StoreError::Fenced { .. } => TurnError::NotOwner { shard },
        StoreError::Busy { .. } => TurnError::Overloaded { what: "the store", retry_after_ms: 200 },
        StoreError::MaybeApplied(detail) => TurnError::MaybeApplied(detail),
        StoreError::Corrupt(detail) => TurnError::Corrupt(detail),
        error @ (StoreError::Conflict { .. } | StoreError::Unavailable(_)) => {
            TurnError::Unavailable(error.to_string())
        }
    }
}

/// Whether a take-over was stored changes nothing for the caller: it asked for no change.
fn nothing_asked(error: TurnError) -> TurnError {
    match error {
        TurnError::MaybeApplied(detail) => TurnError::Unavailable(detail),
        error => error,
    }
}

/// Consents have a reserve of their own: a customer full of other things can still say no. A change of who is who uses it, too: one
/// that keeps a customer's state is a little larger than that.
fn bytes_max(command: &Command) -> usize {
    match command {
        Command::PutConsents(_) | Command::Identity(_) => SNAPSHOT_BYTES_MAX + CONSENT_RESERVE_BYTES,
        _ => SNAPSHOT_BYTES_MAX,
    }
}

fn too_large(bytes: usize) -> String {
    format!(
        "the customer would take {bytes} bytes, at most {SNAPSHOT_BYTES_MAX} are kept; nothing was changed. \
         Unset tags or send shorter texts"
    )
}

/// The lease ran out between save and reply: what was saved may be a former owner's.
fn lost_lease(outcome: &Outcome) -> TurnError {
    let detail = if outcome.changed { "the lease ran out after the save" } else { "the lease ran out" };
    TurnError::MaybeApplied(detail.to_owned())
}

fn contact_rows(outcome: &Outcome) -> Vec<ContactRow> {
    let row = |contact: &crate::customer::contact_history::Contact| ContactRow {
        contact_id: contact.id.clone(),
        at_ms: contact.reserved_at.ms(),
        body: contact.to_row().into(),
    };
    outcome.contacts.iter().map(row).collect()
}

fn decision_rows(outcome: &Outcome) -> Vec<DecisionRow> {
    let row = |logged: &crate::decision::log::LoggedDecision| DecisionRow {
        decision_id: logged.decision.decision_id.clone(),
        at_ms: logged.decision.at.ms(),
        body: logged.encode().into(),
    };
    outcome.decisions.iter().map(row).collect()
}

/// Says nothing of the customer.
fn receipt_id(shard: u32, revision: u64, at_ms: i64) -> String {
    let text = format!("{shard}\n{revision}\n{at_ms}");
    format!("e-{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}
