//! A preflight at work: the stored customers walked page by page, at a bounded rate, beside everything else.
//!
//! One at a time: it takes a share of the machine. Leaves out what is counted and judged
//! ([`actors::decision::preflight`]).

use actors::Name;
use actors::call::CustomerId;
use actors::customer::entry::Entry;
use actors::customer::snapshot::Snapshot;
use actors::decision::preflight::{Preflight, Report};
use actors::options::Clock;
use actors::playbook::active::Active;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage::{Store, StoreError, StoredCustomer, WalkPlace};
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

/// Customers read at once: some 200 KB, and a few milliseconds of a reader's time.
const PAGE_ROWS: usize = 64;
/// Customers walked in a second when the request does not say: a small part of one core for a catalogue of hundreds.
pub const CUSTOMERS_PER_SECOND: u32 = 2_000;

/// How far to go and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Customers in a second at most.
    pub per_second: u32,
    /// Customers at most; `None`: all.
    pub customers_max: Option<u64>,
}

/// The preflight of this node: the one at work, or the last one.
#[derive(Default)]
pub struct Preflights(Mutex<Option<Arc<Run>>>);

/// One preflight.
pub struct Run {
    /// Names it.
    pub id: String,
    /// The playbook looked at.
    pub playbook: Name,
    walked: AtomicU64,
    unreadable: AtomicU64,
    stopped: AtomicBool,
    ended: Mutex<Option<Ended>>,
}

/// How a preflight ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// With a report.
    Done(Box<Done>),
    /// Somebody stopped it.
    Stopped,
    /// The store could not be walked to the end.
    Failed(String),
}

/// What a preflight found, and what it took.
#[derive(Clone, Debug)]
pub struct Done {
    /// What was found.
    pub report: Report,
    /// Whether every stored customer was looked at.
    pub complete: bool,
    /// The mean time of a decision, in microseconds.
    pub decision_us_mean: f64,
    /// The longest time that one customer's decisions took on average, in microseconds.
    pub decision_us_max: f64,
}

/// Time spent on decisions.
#[derive(Default)]
struct Cost {
    total: Duration,
    decisions: u64,
    us_max: f64,
}

impl Preflights {
    /// Begins one; `None`: another is at work. Must be called within an actix system.
    #[must_use]
    pub fn begin(&self, active: Active, pace: Pace, store: Arc<dyn Store>, clock: Clock) -> Option<Arc<Run>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_some_and(|run| run.ended().is_none()) {
            return None;
        }
        let run = Arc::new(Run {
            id: format!("pf-{:x}", (clock)().ms()),
            playbook: Name::clone(&active.playbook.id),
            walked: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            ended: Mutex::new(None),
        });
        *last = Some(Arc::clone(&run));
        let work = Arc::clone(&run);
        // It ends by itself; whoever asks finds it under `last`.
        std::mem::drop(actix_web::rt::spawn(async move {
            let ended = walk(&work, Preflight::new(active), pace, &store, &clock).await;
            info!(preflight = work.id, customers = work.walked(), "a preflight has ended");
            *work.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        }));
        Some(run)
    }

    /// The one at work, or the last one.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Run {
    /// Customers looked at so far.
    #[must_use]
    pub fn walked(&self) -> u64 {
        self.walked.load(Ordering::Relaxed)
    }

    /// Customers whose snapshot could not be read.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// How it ended; `None`: it is at work.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it to stop after the page at hand.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

async fn walk(
    run: &Arc<Run>,
    preflight: Preflight,
    pace: Pace,
    store: &Arc<dyn Store>,
    clock: &Clock,
) -> Ended {
    let began = Instant::now();
    let left = |run: &Run| pace.customers_max.map_or(u64::MAX, |max| max.saturating_sub(run.walked()));
    let mut work = (preflight, Cost::default());
    let mut after: Option<WalkPlace> = None;
    let complete = loop {
        if run.stopped.load(Ordering::Relaxed) {
            return Ended::Stopped;
        }
        let rows_max = PAGE_ROWS.min(usize::try_from(left(run)).unwrap_or(PAGE_ROWS));
        if rows_max == 0 {
            break false;
        }
        let page = match store.walk(after, rows_max).await {
            Ok(page) => page,
            Err(error) => return failed(&error),
        };
        let (shared, now) = (Arc::clone(run), (clock)());
        // Not on a thread that serves customers: decisions over a large catalogue take milliseconds each.
        let looked = tokio::task::spawn_blocking(move || {
            for (id, stored) in &page.customers {
                look(&shared, &mut work, id, stored, now);
            }
            work
        });
        work = match looked.await {
            Ok(work) => work,
            Err(error) => return Ended::Failed(format!("a customer could not be looked at: {error}")),
        };
        let Some(next) = page.next else { break true };
        after = Some(next);
        let due = Duration::from_secs_f64(run.walked() as f64 / f64::from(pace.per_second.max(1)));
        sleep_until(began + due).await;
    };
    let (preflight, cost) = work;
    Ended::Done(Box::new(Done {
        report: preflight.report(),
        complete,
        decision_us_mean: cost.total.as_secs_f64() * 1e6 / cost.decisions.max(1) as f64,
        decision_us_max: cost.us_max,
    }))
}

fn failed(error: &StoreError) -> Ended {
    warn!(%error, "a preflight could not walk the store");
    Ended::Failed(error.to_string())
}

/// Counts one customer. One that can't be read is counted as such: an operator has to look, the walk goes on.
fn look(
    run: &Run,
    (preflight, cost): &mut (Preflight, Cost),
    id: &str,
    stored: &StoredCustomer,
    now: actors::Timestamp,
) {
    let entry = CustomerId::new(id)
        .and_then(|id| Some(Entry::open(&id, &Snapshot::check_entry(Arc::clone(&stored.snapshot)).ok()?)));
    let mut customer = match entry {
        Some(Entry::Customer(customer)) => customer,
        // Its customer is met under its own id.
        Some(Entry::Alias(_)) => return,
        None => {
            run.walked.fetch_add(1, Ordering::Relaxed);
            run.unreadable.fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    run.walked.fetch_add(1, Ordering::Relaxed);
    customer.refresh(preflight.playbook(), now);
    preflight.count_rules(&customer, now);
    let began = Instant::now();
    let decisions = preflight.decide(&customer, now);
    let took = began.elapsed();
    cost.total += took;
    cost.decisions += decisions;
    cost.us_max = cost.us_max.max(took.as_secs_f64() * 1e6 / decisions.max(1) as f64);
}
