//! Several ids for one customer: what callers hear, whoever dies in between.

use crate::fixture::{at, id, map, playbook};
use actors::call::identity::{Elsewhere, LinkState};
use actors::call::{Answer, Command, CustomerCall, CustomerId, Event, EventOutcome, Reply};
use actors::customer::entry::Entry;
use actors::customer::snapshot::Snapshot;
use actors::customer::view::CustomerView;
use actors::error::TurnError;
use actors::identity::{Ask, Change, Entries, add_alias, call, erase, remove_alias};
use actors::options::RegionOptions;
use actors::playbook::active::{Active, ActivePlaybook};
use actors::region::Region;
use actors::value::Value;
use cluster::{Epoch, Handle, Lease, NodeId, Placement, ShardCount};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use storage::memory::Memory;
use storage::{CustomerKey, CustomerStore};
use tokio::time::Instant;

/// A region, and a caller of it that dies after a number of turns.
pub struct World {
    region: Region,
    store: Arc<Memory>,
    /// Turns until the caller dies; `None`: it lives.
    dies_in: Cell<Option<(u32, Dies)>>,
    events: Cell<u64>,
}

/// Whether the turn at which the caller dies was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dies {
    Before,
    After,
}

impl World {
    pub fn new() -> Self {
        let store = Arc::new(Memory::default());
        let node = NodeId::new("n1").expect("a name");
        let placement = Placement::all_on(&node, Epoch(1), ShardCount::new(16).expect("a power of two"));
        let ownership = Handle::new(node, placement, Lease::until(u64::MAX, 0));
        let now = at("2026-11-10T12:00:00Z");
        let active = ActivePlaybook::new(Active::new(playbook(), now));
        let options = RegionOptions { thread_count: 1, ..RegionOptions::default() };
        let region = Region::start(options, store.clone(), active, Arc::new(move || now), ownership);
        World { region, store, dies_in: Cell::new(None), events: Cell::new(0) }
    }

    pub fn die_in(&self, death: Option<(u32, Dies)>) {
        self.dies_in.set(death);
    }

    /// One new event; who heard it.
    pub async fn hear(&self, customer: &str) -> Result<CustomerId, TurnError> {
        self.events.set(self.events.get() + 1);
        self.hear_again(customer, self.events.get()).await.map(|(heard_by, outcome)| {
            assert_eq!(outcome, EventOutcome::Accepted);
            heard_by
        })
    }

    pub async fn hear_again(
        &self,
        customer: &str,
        event: u64,
    ) -> Result<(CustomerId, EventOutcome), TurnError> {
        let event = Event {
            id: format!("e{event}"),
            source: "/test".into(),
            kind: "usage".into(),
            at: None,
            data: map(&[("mb", Value::Int(1))]),
        };
        let answer = call(self, &id(customer), Arc::new(Command::Events(vec![event]))).await?;
        match answer.reply {
            Reply::Events(mut outcomes) => Ok((answer.customer, outcomes.remove(0))),
            other => panic!("{other:?}"),
        }
    }

    pub async fn view(&self, customer: &str) -> Box<CustomerView> {
        match call(self, &id(customer), Arc::new(Command::View)).await.expect("a view").reply {
            Reply::View(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub async fn count(&self, customer: &str) -> i64 {
        let view = self.view(customer).await;
        match view.tags.iter().find(|tag| &*tag.id == "calls").map(|tag| &tag.value) {
            Some(Value::Int(count)) => *count,
            None => 0,
            other => panic!("{other:?}"),
        }
    }

    pub async fn entry(&self, customer: &str) -> Option<Entry> {
        let customer = id(customer);
        let key = CustomerKey { hash: customer.hash64(), id: customer.to_arc() };
        let stored = self.store.load(&key).await.expect("loaded")?;
        let kept = Snapshot::check_entry(stored.snapshot).expect("readable");
        Some(Entry::open(&customer, &kept))
    }

    async fn add(&self, customer: &str, alias: &str) -> Result<String, TurnError> {
        word(add_alias(self, &id(customer), &id(alias), None).await)
    }

    async fn remove(&self, customer: &str, alias: &str) -> Result<String, TurnError> {
        word(remove_alias(self, &id(customer), &id(alias)).await)
    }

    async fn erase(&self, customer: &str) -> Result<String, TurnError> {
        word(erase(self, &id(customer)).await)
    }
}

/// `done`, or the code of the refusal.
pub fn word<T>(change: Change<T, TurnError>) -> Result<String, TurnError> {
    Ok(match change? {
        Ok(_) => "done".to_owned(),
        Err(refusal) => refusal.code.to_owned(),
    })
}

impl Entries for World {
    type Error = TurnError;

    async fn ask(&self, ask: Ask) -> Result<Answer, TurnError> {
        let died = || TurnError::MaybeApplied("the caller died".to_owned());
        let dies = match self.dies_in.get() {
            Some((0, dies)) => Some(dies),
            Some((turns, dies)) => {
                self.dies_in.set(Some((turns - 1, dies)));
                None
            }
            None => None,
        };
        if dies == Some(Dies::Before) {
            return Err(died());
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        let Ask { customer, via, command } = ask;
        let answer = self.region.call(CustomerCall { customer, via, command, deadline }).await;
        if dies.is_some() { Err(died()) } else { answer }
    }
}

#[actix::test]
async fn an_alias_speaks_for_its_customer_until_it_is_removed() {
    let world = World::new();
    world.hear("ann").await.expect("heard");
    assert_eq!(world.add("ann", "msisdn:1").await, Ok("done".into()));
    assert_eq!(world.add("msisdn:1", "mail:a").await, Ok("done".into()), "an alias may be named anywhere");
    assert_eq!(world.hear("msisdn:1").await, Ok(id("ann")));
    assert_eq!(world.hear("mail:a").await, Ok(id("ann")));
    for name in ["ann", "msisdn:1", "mail:a"] {
        let view = world.view(name).await;
        assert_eq!(view.customer, id("ann"), "{name}");
        let links: Vec<_> = view.links.iter().map(|link| (link.alias.as_str(), link.state)).collect();
        assert_eq!(links, [("mail:a", LinkState::Active), ("msisdn:1", LinkState::Active)]);
        assert_eq!(world.count(name).await, 3);
    }
    assert_eq!(world.remove("ann", "msisdn:1").await, Ok("done".into()));
    assert_eq!(world.hear("msisdn:1").await, Ok(id("msisdn:1")));
    assert_eq!((world.count("msisdn:1").await, world.count("mail:a").await), (1, 3));
}

#[actix::test]
async fn an_id_is_one_customers_alias_and_no_customer_of_its_own() {
    let world = World::new();
    let check = async |customer: &str, alias: &str, expected: &str| {
        assert_eq!(world.add(customer, alias).await.as_deref(), Ok(expected), "{alias} of {customer}");
    };
    world.hear("bob").await.expect("heard");
    check("ann", "bob", "alias_is_customer").await;
    check("ann", "ann", "alias_is_the_customer").await;
    check("ann", "x", "done").await;
    check("ann", "x", "done").await;
    check("bob", "x", "alias_taken").await;
    assert_eq!(world.remove("bob", "x").await, Ok("done".into()), "it was not there");
    for (customer, links) in [("ann", 1), ("bob", 0)] {
        assert_eq!(world.view(customer).await.links.len(), links, "{customer} lists only what it got");
    }
    assert_eq!(world.hear("x").await, Ok(id("ann")));
    for n in 1..64 {
        check("ann", &format!("device:{n}"), "done").await;
    }
    check("ann", "device:64", "too_many_aliases").await;
}

#[actix::test]
async fn an_erased_customer_leaves_no_alias_and_its_ids_begin_anew() {
    let world = World::new();
    world.hear("ann").await.expect("heard");
    for alias in ["x", "y"] {
        world.add("ann", alias).await.expect("added");
    }
    let answer = erase(&world, &id("x")).await.expect("erased").expect("not refused");
    assert!(matches!(answer.reply, Reply::Erased(receipt) if receipt.removed == [3, 0, 0]));
    for name in ["ann", "x", "y"] {
        assert_eq!(world.entry(name).await, None, "{name}");
        assert_eq!(world.hear(name).await, Ok(id(name)));
        assert_eq!(world.count(name).await, 1);
    }
}

/// An alias whose customer does not list it can only be left by a caller that died between two steps for longer than a removal took.
#[actix::test]
async fn an_alias_that_its_customer_does_not_know_is_nobodys() {
    let world = World::new();
    world.die_in(Some((2, Dies::Before)));
    assert!(world.add("ann", "x").await.is_err());
    world.die_in(None);
    let pointer = world.view("ann").await.links[0].pointer.clone();
    assert_eq!(world.remove("ann", "x").await, Ok("done".into()));
    let late = actors::call::identity::IdentityStep::BecomeAlias(pointer);
    let command = Arc::new(Command::Identity(Box::new(late)));
    world.ask(Ask { customer: id("x"), via: None, command }).await.expect("a late step");
    let raw = Ask { customer: id("x"), via: None, command: Arc::new(Command::View) };
    let answer = world.ask(raw).await.expect("an answer");
    assert!(matches!(answer.reply, Reply::Elsewhere(Elsewhere::AliasOf(_))), "the entry was set");
    assert_eq!(world.hear("x").await, Ok(id("x")), "and cleared by the first who named it");
    assert_eq!(world.count("ann").await, 0);
}

/// A change of who is who, or an event.
#[derive(Clone, Debug)]
enum Op {
    Hear(usize),
    Add(usize, usize),
    Remove(usize, usize),
    Erase(usize),
}

/// Customers and ids that may become aliases.
const NAMES: [&str; 6] = ["ann", "bob", "cid", "x", "y", "z"];

fn ops() -> impl Strategy<Value = Vec<(Op, Option<(u32, Dies)>)>> {
    let name = 0..NAMES.len();
    let op = prop_oneof![
        4 => name.clone().prop_map(Op::Hear),
        4 => (name.clone(), 3..NAMES.len()).prop_map(|(customer, alias)| Op::Add(customer, alias)),
        2 => (name.clone(), 3..NAMES.len()).prop_map(|(customer, alias)| Op::Remove(customer, alias)),
        1 => name.prop_map(Op::Erase),
    ];
    let dies = prop_oneof![Just(Dies::Before), Just(Dies::After)];
    prop::collection::vec((op, prop::option::of((0..6u32, dies))), 1..24)
}

impl World {
    /// Every entry that points to somebody is on that customer's list.
    async fn assert_lists_are_complete(&self) {
        for name in NAMES {
            let raw = Ask { customer: id(name), via: None, command: Arc::new(Command::View) };
            let Reply::Elsewhere(Elsewhere::AliasOf(pointer)) = self.ask(raw).await.expect("a reply").reply
            else {
                continue;
            };
            // The id that the caller of an erasure named is the only one to outlive its customer.
            if self.entry(pointer.customer.as_str()).await.is_none() {
                continue;
            }
            let view = self.view(pointer.customer.as_str()).await;
            assert!(view.links.iter().any(|link| link.alias == id(name)), "{name} is on no list");
        }
    }
}

/// Follows a history. After each change that was acknowledged, at the first try or when repeated, what was told is true.
async fn follow(history: Vec<(Op, Option<(u32, Dies)>)>) {
    let world = World::new();
    let mut heard: BTreeMap<CustomerId, i64> = BTreeMap::new();
    for (op, death) in history {
        let owner_of = async |name: usize| world.view(NAMES[name]).await.customer;
        let owner = match op {
            Op::Hear(name) | Op::Add(name, _) | Op::Remove(name, _) | Op::Erase(name) => owner_of(name).await,
        };
        world.die_in(death);
        let tried = match op {
            Op::Hear(name) => {
                // Heard for certain: repeated with the same id when the caller died.
                world.events.set(world.events.get() + 1);
                let event = world.events.get();
                let first = world.hear_again(NAMES[name], event).await;
                world.die_in(None);
                let (by, _) = match first {
                    Ok(heard) => heard,
                    Err(_) => world.hear_again(NAMES[name], event).await.expect("heard"),
                };
                *heard.entry(by).or_default() += 1;
                continue;
            }
            Op::Add(customer, alias) => world.add(NAMES[customer], NAMES[alias]).await,
            Op::Remove(customer, alias) => world.remove(NAMES[customer], NAMES[alias]).await,
            Op::Erase(name) => world.erase(NAMES[name]).await,
        };
        world.die_in(None);
        world.assert_lists_are_complete().await;
        match op {
            Op::Add(customer, alias) => {
                let told = match tried {
                    Ok(told) => told,
                    Err(_) => world.add(NAMES[customer], NAMES[alias]).await.expect("added"),
                };
                let by = world.view(NAMES[alias]).await.customer;
                assert_eq!(told == "done" || told == "alias_is_the_customer", by == owner, "{told}");
            }
            Op::Remove(_, alias) => {
                if tried.is_err() {
                    world.remove(owner.as_str(), NAMES[alias]).await.expect("removed");
                }
                let by = owner_of(alias).await;
                assert!(by != owner || by == id(NAMES[alias]), "removed");
            }
            Op::Erase(name) => {
                // Repeated under the same name, whichever of the ids it was.
                if tried.is_err() {
                    assert_eq!(world.erase(NAMES[name]).await, Ok("done".into()));
                }
                heard.remove(&owner);
                for name in [owner.as_str(), NAMES[name]] {
                    assert_eq!(world.entry(name).await, None, "{name} is forgotten");
                }
            }
            Op::Hear(_) => {}
        }
        world.assert_lists_are_complete().await;
    }
    for (customer, expected) in heard {
        assert_eq!(world.count(customer.as_str()).await, expected, "{}", customer.as_str());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn who_is_who_stays_true_whoever_dies_between_two_steps(history in ops()) {
        actix::System::new().block_on(follow(history));
    }
}
