//! Turns over a store that fails on demand: what the caller hears, and whether it was true afterwards.

use crate::fixture::{id, map, playbook};
use actors::Timestamp;
use actors::call::{Answer, Command, ConsentRecord, ConsentState, CustomerCall, Event, EventOutcome, Reply};
use actors::error::TurnError;
use actors::options::RegionOptions;
use actors::playbook::active::{Active, ActivePlaybook};
use actors::region::Region;
use actors::value::Value;
use cluster::{Epoch, Handle, Lease, NodeId, Placement, ShardCount};
use std::sync::Arc;
use std::time::Duration;
use storage::faulty::{Fault, Faulty, Operation};
use storage::memory::Memory;
use storage::{Store, StoreError};
use tokio::time::Instant;

struct Bench {
    region: Region,
    store: Arc<Faulty>,
    ownership: Handle,
}

fn bench_with(options: RegionOptions) -> Bench {
    bench_over(options, Arc::new(Memory::default()), Epoch(1))
}

fn bench_over(options: RegionOptions, stored: Arc<dyn Store>, epoch: Epoch) -> Bench {
    let store = Arc::new(Faulty::new(stored));
    let node = NodeId::new("n1").expect("a name");
    let shards = ShardCount::new(16).expect("a power of two");
    let placement = Placement::all_on(&node, epoch, shards);
    let ownership = Handle::new(node, placement, Lease::until(u64::MAX, 0));
    let now = Timestamp::parse("2026-11-10T12:00:00Z").expect("a time");
    let active = ActivePlaybook::new(Active::new(playbook(), now));
    let region = Region::start(options, store.clone(), active, Arc::new(move || now), ownership.clone());
    Bench { region, store, ownership }
}

fn bench() -> Bench {
    bench_with(RegionOptions::default())
}

impl Bench {
    async fn call(&self, customer: &str, command: Command) -> Result<Answer, TurnError> {
        self.call_within(10_000, customer, command).await
    }

    async fn call_within(&self, ms: u64, customer: &str, command: Command) -> Result<Answer, TurnError> {
        let deadline = Instant::now() + Duration::from_millis(ms);
        self.region
            .call(CustomerCall { customer: id(customer), via: None, command: Arc::new(command), deadline })
            .await
    }

    async fn hear(&self, customer: &str, event: &str) -> Result<EventOutcome, TurnError> {
        let answer = self.call(customer, usage(event)).await?;
        match answer.reply {
            Reply::Events(mut outcomes) => Ok(outcomes.remove(0)),
            other => panic!("{other:?}"),
        }
    }

    async fn count(&self, customer: &str) -> Value {
        match self.call(customer, Command::View).await.expect("a view").reply {
            Reply::View(view) => {
                view.tags.iter().find(|tag| &*tag.id == "calls").map_or(Value::Null, |tag| tag.value.clone())
            }
            other => panic!("{other:?}"),
        }
    }
}

fn unavailable() -> Fault {
    Fault::FailBefore(StoreError::Unavailable("switched off".into()))
}

fn usage(id: &str) -> Command {
    Command::Events(vec![Event {
        id: id.into(),
        source: "/test".into(),
        kind: "usage".into(),
        at: None,
        data: map(&[("mb", Value::Int(1))]),
    }])
}

#[actix::test]
async fn turns_of_a_customer_are_served_one_at_a_time_in_order() {
    let bench = bench();
    let calls = (0..50).map(|n| bench.call("ann", usage(&format!("e{n}"))));
    let answers = futures_util::future::join_all(calls).await;
    let revisions: Vec<u64> = answers.into_iter().map(|answer| answer.expect("served").revision).collect();
    assert_eq!(revisions, (1..=50).collect::<Vec<_>>());
    assert_eq!(bench.count("ann").await, Value::Int(50));
}

#[actix::test]
async fn a_turn_that_may_be_saved_has_one_effect_when_it_is_repeated() {
    let faults = [Fault::ApplyThenUnknown, Fault::SkipThenUnknown, unavailable()];
    for (fault, applied) in faults.into_iter().zip([true, false, false]) {
        let bench = bench();
        assert_eq!(bench.hear("ann", "e0").await, Ok(EventOutcome::Accepted));
        bench.store.queue(Operation::Save, fault);
        match bench.hear("ann", "e1").await {
            Err(TurnError::MaybeApplied(_)) => {}
            Err(TurnError::Unavailable(_)) => assert!(!applied),
            other => panic!("an outcome that is not known was reported as {other:?}"),
        }
        let expected = if applied { EventOutcome::Duplicate } else { EventOutcome::Accepted };
        assert_eq!(bench.hear("ann", "e1").await, Ok(expected));
        assert_eq!(bench.count("ann").await, Value::Int(2));
    }
}

#[actix::test]
async fn what_waits_behind_a_failed_save_is_told_so_and_was_not_begun() {
    let bench = bench();
    bench.hear("ann", "e0").await.expect("heard");
    let gate = storage::faulty::Gate::new();
    bench.store.queue(Operation::Save, Fault::HoldBefore(gate.clone()));
    let behind = async {
        gate.arrival().await;
        tokio::join!(bench.hear("ann", "e2"), bench.hear("bob", "e1"))
    };
    let (first, (second, other)) = tokio::join!(bench.call_within(1_500, "ann", usage("e1")), behind);
    assert!(matches!(first, Err(TurnError::MaybeApplied(_))), "{first:?}");
    assert!(matches!(second, Err(TurnError::Unavailable(_))), "{second:?}");
    assert_eq!(other, Ok(EventOutcome::Accepted), "another customer is not meant");
    for event in ["e1", "e2"] {
        assert_eq!(bench.hear("ann", event).await, Ok(EventOutcome::Accepted));
    }
    assert_eq!(bench.count("ann").await, Value::Int(3));
}

#[actix::test]
async fn without_a_lease_nothing_is_acknowledged() {
    let bench = bench();
    bench.hear("ann", "e0").await.expect("heard");
    let gate = storage::faulty::Gate::new();
    bench.store.queue(Operation::Save, Fault::HoldBefore(gate.clone()));
    let heard = bench.hear("ann", "e1");
    let lost = async {
        gate.arrival().await;
        bench.ownership.lease().give_up();
        gate.release();
    };
    let (heard, ()) = tokio::join!(heard, lost);
    assert!(matches!(heard, Err(TurnError::MaybeApplied(_))), "{heard:?}");
    assert!(matches!(bench.hear("ann", "e2").await, Err(TurnError::NotOwner { .. })));
}

#[actix::test]
async fn a_call_whose_deadline_has_passed_is_not_begun() {
    let bench = bench();
    let deadline = Instant::now();
    let late = bench
        .region
        .call(CustomerCall { customer: id("ann"), via: None, command: Arc::new(usage("e1")), deadline })
        .await;
    assert_eq!(late.expect_err("too late"), TurnError::DeadlinePassed);
    assert_eq!(bench.count("ann").await, Value::Null);
}

#[actix::test]
async fn one_customers_queue_is_bounded_and_the_others_are_served() {
    let bench = bench_with(RegionOptions { waiting_per_customer_max: 4, ..RegionOptions::default() });
    let gate = storage::faulty::Gate::new();
    bench.store.queue(Operation::Save, Fault::HoldBefore(gate.clone()));
    let flood = futures_util::future::join_all((0..20).map(|n| bench.call("ann", usage(&format!("e{n}")))));
    let open = async {
        gate.arrival().await;
        assert!(bench.hear("bob", "e1").await.is_ok());
        gate.release();
    };
    let (answers, ()) = tokio::join!(flood, open);
    let served = answers.iter().filter(|answer| answer.is_ok()).count();
    let overloaded =
        answers.iter().filter(|answer| matches!(answer, Err(TurnError::Overloaded { .. }))).count();
    assert_eq!(served + overloaded, 20);
    assert!(overloaded > 0);
    assert_eq!(bench.count("ann").await, Value::Int(served as i64));
}

#[actix::test]
async fn passivated_customers_come_back_as_they_were() {
    let bench = bench_with(RegionOptions { resident_bytes_max: 20_000, ..RegionOptions::default() });
    for n in 0..300 {
        bench.hear(&format!("customer {n}"), "e1").await.expect("heard");
    }
    let residency = bench.region.residency();
    // Each of the 16 shards may hold the customer that it serves beyond the budget: 16 x 300 bytes.
    assert!(residency.bytes <= 20_000 + 16 * 300, "{residency:?}");
    assert!(residency.customers > 0 && residency.customers < 300, "{residency:?}");
    for n in 0..300 {
        assert_eq!(bench.count(&format!("customer {n}")).await, Value::Int(1));
    }
}

/// The import runs past without anybody calling those in use in the meantime.
#[actix::test]
async fn a_mass_import_does_not_push_out_those_in_use() {
    let bench = bench_with(RegionOptions { resident_bytes_max: 60_000, ..RegionOptions::default() });
    let hear_all = async |kind: &str, count: usize, event: &str| -> u64 {
        let loads = bench.store.calls(Operation::Load);
        for n in 0..count {
            bench.hear(&format!("{kind} {n}"), event).await.expect("heard");
        }
        bench.store.calls(Operation::Load) - loads
    };
    for event in ["e1", "e2", "e3"] {
        hear_all("hot", 40, event).await;
    }
    hear_all("imported", 600, "e1").await;
    let missed = hear_all("hot", 40, "e4").await;
    assert!(missed <= 2, "{missed} of 40 had to be read again");
    let imported = hear_all("imported", 400, "e2").await;
    assert!(imported >= 300, "the check sees who was pushed out: {imported} of 400");
}

#[actix::test]
async fn draining_answers_what_is_in_hand_and_takes_nothing_more() {
    let bench = bench();
    let gate = storage::faulty::Gate::new();
    bench.store.queue(Operation::Save, Fault::HoldBefore(gate.clone()));
    let drain = async {
        gate.arrival().await;
        gate.release();
        bench.region.drain(5_000).await
    };
    let (heard, left) = tokio::join!(bench.hear("ann", "e1"), drain);
    assert_eq!((heard, left), (Ok(EventOutcome::Accepted), 0));
    assert!(matches!(bench.hear("ann", "e2").await, Err(TurnError::Overloaded { .. })));
}

#[actix::test]
async fn an_erased_customer_is_a_new_one() {
    let bench = bench();
    bench.hear("ann", "e1").await.expect("heard");
    let erased = bench.call("ann", Command::Erase).await.expect("erased");
    assert!(matches!(erased.reply, Reply::Erased(receipt) if receipt.removed[0] == 1));
    assert_eq!(bench.count("ann").await, Value::Null);
    assert_eq!(bench.hear("ann", "e1").await, Ok(EventOutcome::Accepted));
    let again = bench.call("ann", Command::View).await.expect("a view");
    assert_eq!(again.revision, 1);
}

#[actix::test]
async fn a_customer_that_would_grow_too_large_is_refused_and_stays_as_it_was() {
    let bench = bench();
    bench.hear("ann", "e1").await.expect("heard");
    let huge = Command::PutConsents(
        (0..500)
            .map(|n| ConsentRecord {
                purpose: "marketing".into(),
                channel: "sms".into(),
                state: ConsentState::Granted,
                basis: Some("x".repeat(4_000)),
                source: None,
                text_version: None,
                at: Timestamp::from_ms(n),
                expires_at: None,
            })
            .collect(),
    );
    let refused = bench.call("ann", huge).await.expect("an answer");
    assert!(matches!(refused.reply, Reply::Refused(refusal) if refusal.code == "customer_too_large"));
    assert_eq!(bench.call("ann", Command::View).await.expect("a view").revision, 1);
}

#[actix::test]
async fn a_former_owners_customer_is_taken_over_once_and_before_anything_of_it_is_shown() {
    let stored: Arc<dyn Store> = Arc::new(Memory::default());
    let former = bench_over(RegionOptions::default(), Arc::clone(&stored), Epoch(1));
    for customer in ["ann", "bob"] {
        former.hear(customer, "e1").await.expect("heard");
        former.call(customer, Command::View).await.expect("a view");
    }
    assert_eq!(former.store.calls(Operation::TakeOver), 0, "what we wrote ourselves is ours");

    let successor = bench_over(RegionOptions::default(), stored, Epoch(2));
    let unknown = Fault::FailBefore(StoreError::MaybeApplied("no answer".into()));
    successor.store.queue(Operation::TakeOver, unknown);
    let refused = successor.call("ann", Command::View).await;
    assert!(matches!(refused, Err(TurnError::Unavailable(_))), "{refused:?}");
    for _ in 0..3 {
        assert_eq!(successor.count("ann").await, Value::Int(1));
    }
    assert_eq!(successor.store.calls(Operation::TakeOver), 2, "once refused, once done");
    successor.hear("bob", "e2").await.expect("heard");
    assert_eq!(successor.count("bob").await, Value::Int(2));
    assert_eq!(successor.store.calls(Operation::TakeOver), 2, "a save takes over as well");
    assert_eq!(successor.store.calls(Operation::Load), 3);

    former.region.drain(0).await;
    let former = bench_over(RegionOptions::default(), successor.store.clone(), Epoch(1));
    let late = former.call("bob", Command::View).await;
    assert!(matches!(late, Err(TurnError::NotOwner { .. })), "{late:?}");
}
