//! Two customers made one, and two of one again: nothing that protects is lost, whoever dies in between.

use crate::fixture::{id, request, response};
use crate::identities::{Dies, World, word};
use actors::call::{
    Command, ConsentRecord, ConsentState, CustomerId, Direction, EventOutcome, Reply, Response, ResponseKind,
    TagPatch,
};
use actors::error::TurnError;
use actors::identity::{add_alias, call, erase, merge, unmerge};
use actors::timestamp::Timestamp;
use actors::value::Value;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl World {
    async fn merge(&self, into: &str, from: &str, merge_id: &str) -> Result<String, TurnError> {
        word(merge(self, &id(into), &id(from), merge_id.into()).await)
    }

    async fn unmerge(&self, into: &str, merge_id: &str) -> Result<String, TurnError> {
        word(unmerge(self, &id(into), merge_id.into()).await)
    }

    async fn say(&self, customer: &str, command: Command) -> Result<(CustomerId, Reply), TurnError> {
        let answer = call(self, &id(customer), Arc::new(command)).await?;
        Ok((answer.customer, answer.reply))
    }

    async fn consent(&self, customer: &str, purpose: &str, state: ConsentState, at_ms: i64) {
        let record = ConsentRecord {
            purpose: purpose.into(),
            channel: "any".into(),
            state,
            basis: None,
            source: None,
            text_version: None,
            at: Timestamp::from_ms(at_ms),
            expires_at: None,
        };
        self.say(customer, Command::PutConsents(vec![record])).await.expect("noted");
    }

    async fn consenting(&self, customer: &str) {
        for purpose in ["marketing", "profiling"] {
            self.consent(customer, purpose, ConsentState::Granted, 1).await;
        }
    }

    /// The contact of an outbound decision; `None` when the caps allow none.
    async fn contact(&self, customer: &str) -> Result<Option<String>, TurnError> {
        let mut asked = request("sms", Direction::Outbound);
        asked.purpose = Some("marketing".into());
        match self.say(customer, Command::Decide(Box::new(asked))).await?.1 {
            Reply::Decision(decision) => Ok(decision.items.first().and_then(|item| item.contact_id.clone())),
            other => panic!("{other:?}"),
        }
    }

    async fn refuse(&self, customer: &str, offer: &str) -> Result<(), TurnError> {
        let refusal = Response {
            decision_id: Some("d".into()),
            offer: Some(offer.into()),
            ..response(ResponseKind::Rejected)
        };
        match self.say(customer, Command::Respond(refusal)).await?.1 {
            Reply::Response(_) => Ok(()),
            other => panic!("{other:?}"),
        }
    }

    async fn tag(&self, customer: &str, tag: &str, value: i64, as_of_ms: i64) {
        let patch = TagPatch {
            source: "test".into(),
            as_of: Some(Timestamp::parse("2026-11-01T00:00:00Z").expect("a time").plus_ms(as_of_ms)),
            set: vec![(tag.into(), Value::Int(value))],
            unset: vec![],
        };
        self.say(customer, Command::PatchTags(patch)).await.expect("set");
    }

    async fn value(&self, customer: &str, tag: &str) -> Option<Value> {
        let view = self.view(customer).await;
        view.tags.iter().find(|known| &*known.id == tag).map(|known| known.value.clone())
    }

    /// What protects a customer: refusals, contacts, consent records.
    async fn protection(&self, customer: &str) -> BTreeSet<String> {
        let view = self.view(customer).await;
        let refusals = view.refusals.iter().map(|one| format!("refusal {}", one.id));
        let contacts = view.contacts.iter().map(|contact| format!("contact {}", contact.contact_id));
        let consents = view
            .consent_history
            .iter()
            .map(|record| format!("consent {} {:?} {}", record.purpose, record.state, record.at));
        refusals.chain(contacts).chain(consents).collect()
    }
}

#[actix::test]
async fn two_merged_customers_are_one_under_both_ids() {
    let world = World::new();
    for name in ["ann", "bob"] {
        world.consenting(name).await;
    }
    world.refuse("bob", "data-xl").await.expect("refused");
    world.hear_again("bob", 900).await.expect("heard");
    add_alias(&world, &id("bob"), &id("msisdn:1"), None).await.expect("added").expect("not refused");
    let (ours, theirs) = (world.protection("ann").await, world.protection("bob").await);
    assert_eq!(world.merge("ann", "bob", "m1").await, Ok("done".into()));
    for name in ["ann", "bob", "msisdn:1"] {
        assert_eq!(world.view(name).await.customer, id("ann"), "{name}");
        assert!(world.protection(name).await.is_superset(&(&ours | &theirs)), "{name}");
        let again = world.hear_again(name, 900).await.expect("heard");
        assert_eq!(again, (id("ann"), EventOutcome::Duplicate), "{name}: one event has one effect");
    }
    assert_eq!(world.merge("ann", "bob", "m1").await, Ok("done".into()), "repeated");
    for (into, from, merge_id, expected) in [
        ("ann", "bob", "m2", "same_customer"),
        ("ann", "nobody", "m3", "unknown_customer"),
        ("nobody", "ann", "m4", "unknown_customer"),
    ] {
        assert_eq!(world.merge(into, from, merge_id).await.as_deref(), Ok(expected), "{into} {from}");
    }
    assert_eq!(world.view("ann").await.customer, id("ann"), "what was refused left nobody waiting");
}

#[actix::test]
async fn a_cap_counts_the_contacts_of_both() {
    let world = World::new();
    for (name, contacts) in [("ann", 3), ("bob", 2)] {
        world.consenting(name).await;
        for _ in 0..contacts {
            assert!(world.contact(name).await.expect("decided").is_some(), "{name}");
        }
    }
    world.merge("ann", "bob", "m1").await.expect("merged");
    assert_eq!(world.view("bob").await.contacts.len(), 5);
    for name in ["ann", "bob"] {
        assert_eq!(world.contact(name).await, Ok(None), "{name}: four a month");
    }
    world.unmerge("ann", "m1").await.expect("undone");
    for name in ["ann", "bob"] {
        assert_eq!(world.view(name).await.customer, id(name));
        assert_eq!(world.contact(name).await, Ok(None), "{name}: what was counted stays counted");
    }
}

#[actix::test]
async fn the_latest_word_on_consent_counts_over_both_histories() {
    for (ann_at, bob_at, permitted) in [(10, 20, false), (20, 10, true), (10, 10, false)] {
        let world = World::new();
        world.consent("ann", "profiling", ConsentState::Granted, 1).await;
        world.consent("ann", "marketing", ConsentState::Granted, ann_at).await;
        world.consent("bob", "marketing", ConsentState::Withdrawn, bob_at).await;
        for (into, from) in [("ann", "bob"), ("bob", "ann")] {
            assert_eq!(world.merge(into, from, into).await, Ok("done".into()));
            let contact = world.contact("ann").await.expect("decided");
            assert_eq!(contact.is_some(), permitted, "granted {ann_at}, withdrawn {bob_at}, into {into}");
            world.unmerge(into, into).await.expect("undone");
        }
    }
}

#[actix::test]
async fn tags_are_the_newest_of_both_and_go_back_unless_somebody_changed_them() {
    let world = World::new();
    world.tag("ann", "age", 30, 1).await;
    world.tag("ann", "nps", 5, 9).await;
    world.tag("bob", "age", 40, 2).await;
    world.tag("bob", "nps", 7, 8).await;
    world.tag("bob", "open_complaints", 1, 1).await;
    world.tag("bob", "largest_mb", 100, 1).await;
    let check = async |name: &str, expected: [Option<i64>; 4]| {
        for (tag, expected) in ["age", "nps", "open_complaints", "largest_mb"].into_iter().zip(expected) {
            let value = match world.value(name, tag).await {
                Some(Value::Number(number)) => Some(number as i64),
                Some(Value::Int(int)) => Some(int),
                _ => None,
            };
            assert_eq!(value, expected, "{tag} of {name}");
        }
    };
    world.merge("ann", "bob", "m1").await.expect("merged");
    check("bob", [Some(40), Some(5), Some(1), Some(100)]).await;
    world.tag("bob", "open_complaints", 0, 3).await;
    assert_eq!(world.unmerge("bob", "m1").await, Ok("done".into()), "named by either id");
    check("ann", [Some(30), Some(5), Some(0), None]).await;
    check("bob", [Some(40), Some(7), Some(1), Some(100)]).await;
    assert_eq!(world.unmerge("ann", "m1").await, Ok("done".into()), "repeated");
    assert_eq!(world.merge("ann", "bob", "m1").await, Ok("merge_undone".into()));
    assert_eq!(world.unmerge("ann", "m9").await, Ok("unknown_merge".into()));
}

#[actix::test]
async fn merges_lie_within_each_other_and_are_undone_from_the_outside() {
    let world = World::new();
    for (name, tag) in [("ann", "age"), ("bob", "nps"), ("cid", "open_complaints")] {
        world.tag(name, tag, 1, 1).await;
        add_alias(&world, &id(name), &id(&format!("msisdn:{name}")), None)
            .await
            .expect("added")
            .expect("fine");
    }
    world.merge("bob", "cid", "m1").await.expect("merged");
    world.merge("ann", "msisdn:bob", "m2").await.expect("merged");
    for name in ["cid", "msisdn:cid", "bob", "msisdn:bob", "msisdn:ann"] {
        assert_eq!(world.view(name).await.customer, id("ann"), "{name}");
    }
    assert_eq!(world.view("ann").await.links.len(), 5);
    assert_eq!(world.unmerge("ann", "m1").await, Ok("unknown_merge".into()));
    world.unmerge("ann", "m2").await.expect("undone");
    for (name, owner) in [("cid", "bob"), ("msisdn:cid", "bob"), ("msisdn:bob", "bob"), ("msisdn:ann", "ann")]
    {
        assert_eq!(world.view(name).await.customer, id(owner), "{name}");
    }
    world.unmerge("bob", "m1").await.expect("undone");
    for name in ["ann", "bob", "cid"] {
        assert_eq!(world.view(&format!("msisdn:{name}")).await.customer, id(name));
        assert_eq!(world.view(name).await.links.len(), 1);
    }
}

#[actix::test]
async fn an_erased_customer_takes_those_it_took_in_along() {
    for named in ["ann", "bob", "cid", "x"] {
        let world = World::new();
        for name in ["ann", "bob", "cid"] {
            world.consenting(name).await;
            world.contact(name).await.expect("decided");
        }
        add_alias(&world, &id("cid"), &id("x"), None).await.expect("added").expect("fine");
        world.merge("bob", "cid", "m1").await.expect("merged");
        world.merge("ann", "bob", "m2").await.expect("merged");
        let answer = erase(&world, &id(named)).await.expect("erased").expect("not refused");
        assert!(matches!(answer.reply, Reply::Erased(receipt) if receipt.removed == [4, 3, 3]), "{named}");
        for name in ["ann", "bob", "cid", "x"] {
            assert_eq!(world.entry(name).await, None, "{name}");
        }
    }
}

/// A change of who is who, or something that protects.
#[derive(Clone, Debug)]
enum Op {
    Hear(usize),
    Refuse(usize, usize),
    Contact(usize),
    Alias(usize, usize),
    Merge(usize, usize, usize),
    Unmerge(usize, usize),
}

const NAMES: [&str; 5] = ["ann", "bob", "cid", "x", "y"];
const OFFERS: [&str; 2] = ["data-xl", "data-s"];

fn histories() -> impl Strategy<Value = Vec<(Op, Option<(u32, Dies)>)>> {
    let name = 0..NAMES.len();
    let merge_id = 0..4usize;
    let op = prop_oneof![
        2 => name.clone().prop_map(Op::Hear),
        2 => (name.clone(), 0..OFFERS.len()).prop_map(|(name, offer)| Op::Refuse(name, offer)),
        2 => name.clone().prop_map(Op::Contact),
        1 => (name.clone(), 3..NAMES.len()).prop_map(|(name, alias)| Op::Alias(name, alias)),
        5 => (name.clone(), name.clone(), merge_id.clone()).prop_map(|(into, from, m)| Op::Merge(into, from, m)),
        3 => (name, merge_id).prop_map(|(into, m)| Op::Unmerge(into, m)),
    ];
    let dies = prop_oneof![Just(Dies::Before), Just(Dies::After)];
    prop::collection::vec((op, prop::option::of((0..8u32, dies))), 1..20)
}

/// What every name has been promised so far.
#[derive(Default)]
struct Promised {
    protection: BTreeMap<usize, BTreeSet<String>>,
    events: BTreeMap<usize, BTreeSet<u64>>,
}

impl Promised {
    /// Names that are one customer have been promised the same.
    async fn check(&mut self, world: &World) {
        let mut owners: BTreeMap<CustomerId, Vec<usize>> = BTreeMap::new();
        for (ix, name) in NAMES.iter().enumerate() {
            owners.entry(world.view(name).await.customer).or_default().push(ix);
        }
        for names in owners.values() {
            let protection: BTreeSet<String> =
                names.iter().flat_map(|ix| self.protection.entry(*ix).or_default().clone()).collect();
            let events: BTreeSet<u64> =
                names.iter().flat_map(|ix| self.events.entry(*ix).or_default().clone()).collect();
            for ix in names {
                let there = world.protection(NAMES[*ix]).await;
                let missing: Vec<_> = protection.difference(&there).collect();
                assert!(missing.is_empty(), "{} lost {missing:?}", NAMES[*ix]);
                self.protection.insert(*ix, there);
                self.events.insert(*ix, events.clone());
            }
        }
    }
}

/// Follows a history; a caller that died asks again only every other time.
async fn follow(history: Vec<(Op, Option<(u32, Dies)>)>) {
    let world = World::new();
    let mut promised = Promised::default();
    for name in &NAMES[..3] {
        world.consenting(name).await;
    }
    for (turn, (op, death)) in history.into_iter().enumerate() {
        let event = 1_000 + turn as u64;
        for attempt in 0..2 {
            world.die_in(death.filter(|_| attempt == 0));
            let done = match &op {
                Op::Hear(name) => world.hear_again(NAMES[*name], event).await.map(|_| "heard".to_owned()),
                Op::Refuse(name, offer) => {
                    world.refuse(NAMES[*name], OFFERS[*offer]).await.map(|()| "refused".into())
                }
                Op::Contact(name) => world.contact(NAMES[*name]).await.map(|contact| format!("{contact:?}")),
                Op::Alias(name, alias) => {
                    word(add_alias(&world, &id(NAMES[*name]), &id(NAMES[*alias]), None).await)
                }
                Op::Merge(into, from, m) => world.merge(NAMES[*into], NAMES[*from], &format!("m{m}")).await,
                Op::Unmerge(into, m) => world.unmerge(NAMES[*into], &format!("m{m}")).await,
            };
            world.die_in(None);
            match (&op, done.as_deref()) {
                (Op::Hear(name), Ok(_)) => {
                    promised.events.entry(*name).or_default().insert(event);
                }
                (Op::Refuse(name, offer), Ok(_)) => {
                    promised
                        .protection
                        .entry(*name)
                        .or_default()
                        .insert(format!("refusal {}", OFFERS[*offer]));
                }
                _ => {}
            }
            promised.check(&world).await;
            if done.is_ok() || turn % 2 == 0 {
                break;
            }
        }
    }
    for (ix, events) in &promised.events {
        for event in events {
            let (_, outcome) = world.hear_again(NAMES[*ix], *event).await.expect("heard");
            assert_eq!(outcome, EventOutcome::Duplicate, "event {event} again by {}", NAMES[*ix]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn merging_and_parting_lose_nothing_that_protects_whoever_dies_between_two_steps(history in histories()) {
        actix::System::new().block_on(follow(history));
    }
}

/// The check above sees a merge that forgets.
#[actix::test]
async fn a_lost_refusal_is_seen() {
    let world = World::new();
    let mut promised = Promised::default();
    world.refuse("ann", "data-s").await.expect("refused");
    promised.check(&world).await;
    erase(&world, &id("ann")).await.expect("erased").expect("fine");
    assert!(!world.protection("ann").await.is_superset(&promised.protection[&0]));
}
