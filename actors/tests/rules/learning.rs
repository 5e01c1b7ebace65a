//! Responses as evidence: what counts, that nothing counts twice, and that decisions taken with it replay.

use crate::fixture::{Subject, id, map, playbook, playbook_with, request, response};
use actors::Timestamp;
use actors::call::{
    Answer, Command, CustomerCall, DecisionRequest, Direction, Reply, Response, ResponseKind,
};
use actors::decision::Decision;
use actors::decision::log::LoggedDecision;
use actors::error::TurnError;
use actors::learning::{Change, Counts, EvidenceTable, Outcomes, PriorTable};
use actors::options::RegionOptions;
use actors::playbook::Playbook;
use actors::playbook::active::{Active, ActivePlaybook};
use actors::region::Region;
use actors::region::evidence::{evidence_before, evidence_table};
use actors::timestamp::{DAY_MS, HOUR_MS};
use actors::value::Value;
use cluster::{Epoch, Handle, Lease, NodeId, Placement, ShardCount};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use storage::faulty::{Fault, Faulty, Operation};
use storage::memory::Memory;
use storage::{EvidenceStore, StoreError};
use tokio::time::Instant;

fn learning() -> Arc<Playbook> {
    playbook_with(&[("learning: {enabled: false}", "learning: {enabled: true, strength: 10}")])
}

/// A customer whose evidence is counted as a shard would.
struct Counted {
    subject: Subject,
    counts: Counts,
}

impl Counted {
    fn new(playbook: Arc<Playbook>) -> Self {
        let mut subject = Subject::consenting(playbook);
        subject.tag("age", Value::Int(40));
        subject.tag("open_complaints", Value::Int(0));
        Counted { subject, counts: Counts::default() }
    }

    fn apply(&mut self, command: &Command) -> Reply {
        let outcome = self.subject.apply(command);
        for change in &outcome.evidence {
            assert!(outcome.changed, "evidence comes with a save");
            assert!(self.counts.add(change));
        }
        outcome.reply
    }

    fn decide(&mut self, channel: &str, direction: Direction) -> Decision {
        match self.apply(&Command::Decide(Box::new(request(channel, direction)))) {
            Reply::Decision(decision) => (*decision).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn respond(&mut self, decision: &Decision, offer: Option<&str>, kind: ResponseKind) {
        let response = Response {
            decision_id: Some(decision.decision_id.clone()),
            offer: offer.map(str::to_owned),
            at: Some(self.subject.now),
            ..response(kind)
        };
        self.apply(&Command::Respond(response));
    }

    #[track_caller]
    fn check(&self, offer: &str, channel: &str, expected: (i64, i64, i64)) {
        let expected = Outcomes::new(expected.0, expected.1, expected.2);
        assert_eq!(self.counts.of(offer, channel), expected, "{offer} {channel}");
    }
}

#[test]
fn a_number_one_shown_counts_once_a_day_and_its_acceptance_once() {
    let mut ann = Counted::new(learning());
    let first = ann.decide("app", Direction::Inbound);
    assert_eq!(&*first.items[0].offer, "data-xl");
    ann.check("data-xl", "app", (1, 0, 0));
    let again = ann.decide("app", Direction::Inbound);
    ann.check("data-xl", "app", (1, 0, 0));
    ann.decide("web", Direction::Inbound);
    ann.check("data-xl", "web", (1, 0, 0));
    for _ in 0..3 {
        ann.respond(&again, Some("data-xl"), ResponseKind::Clicked);
        ann.respond(&again, Some("data-xl"), ResponseKind::Accepted);
        ann.respond(&first, Some("data-xl"), ResponseKind::Accepted);
    }
    // `again` repeated what `first` had shown, so `first` could mean either showing by now, and none is taken.
    ann.check("data-xl", "app", (1, 1, 1));
    ann.check("data-xl", "web", (1, 0, 0));
    ann.subject.wait(DAY_MS);
    ann.decide("app", Direction::Inbound);
    ann.check("data-xl", "app", (2, 1, 1));
}

#[test]
fn what_stands_further_down_or_was_never_shown_is_no_evidence() {
    let mut ann = Counted::new(learning());
    let decision = ann.decide("app", Direction::Inbound);
    let second = decision.items[1].offer.to_string();
    ann.respond(&decision, Some(&second), ResponseKind::Accepted);
    ann.check(&second, "app", (0, 0, 0));
    let made_up = Decision { decision_id: "d-made-up".into(), ..decision };
    ann.respond(&made_up, Some("phone"), ResponseKind::Accepted);
    ann.check("phone", "app", (0, 0, 0));
    assert_eq!(ann.counts.len(), 1, "only what was shown");
}

#[test]
fn a_contact_we_began_counts_when_it_is_sent_and_not_when_it_fails() {
    let mut ann = Counted::new(learning());
    let decision = ann.decide("sms", Direction::Outbound);
    let offer = decision.items[0].offer.to_string();
    ann.check(&offer, "sms", (0, 0, 0));
    for (kind, expected) in [
        (ResponseKind::Sent, (1, 0, 0)),
        (ResponseKind::Sent, (1, 0, 0)),
        (ResponseKind::Failed, (0, 0, 0)),
        (ResponseKind::Delivered, (1, 0, 0)),
        (ResponseKind::Clicked, (1, 1, 0)),
        (ResponseKind::Accepted, (1, 1, 1)),
        (ResponseKind::Accepted, (1, 1, 1)),
    ] {
        ann.respond(&decision, None, kind);
        ann.check(&offer, "sms", expected);
    }
}

#[test]
fn nothing_is_counted_where_priors_are_frozen() {
    let mut ann = Counted::new(playbook());
    let decision = ann.decide("app", Direction::Inbound);
    ann.respond(&decision, Some("data-xl"), ResponseKind::Accepted);
    let decision = ann.decide("sms", Direction::Outbound);
    ann.respond(&decision, None, ResponseKind::Sent);
    assert!(ann.counts.is_empty() && ann.subject.customer().exposures.is_empty());
}

fn table(pairs: &[(&str, &str, i64, i64)]) -> Arc<EvidenceTable> {
    let mut counts = Counts::default();
    for (offer, channel, shown, accepted) in pairs {
        let outcomes = Outcomes::new(*shown, 0, *accepted);
        counts.add(&Change { offer: (*offer).into(), channel: (*channel).into(), outcomes });
    }
    Arc::new(EvidenceTable::freeze(counts))
}

#[test]
fn evidence_changes_the_order_and_only_in_its_channel() {
    let mut ann = Counted::new(learning());
    // data-xl is worth 240 x 0.03 = 7.2 and data-s 60 x 0.05 = 3. After 90 silent showings of data-xl its prior is
    // 0.3 / 100: 0.72.
    let evidence = table(&[("data-xl", "app", 90, 0)]);
    ann.subject.active = ann.subject.active.clone().learned(evidence);
    assert_eq!(&*ann.decide("app", Direction::Inbound).items[0].offer, "data-s");
    let mut bob = Counted::new(learning());
    bob.subject.active = ann.subject.active.clone();
    assert_eq!(&*bob.decide("web", Direction::Inbound).items[0].offer, "data-xl");
}

#[test]
fn another_playbook_keeps_what_was_learned() {
    let evidence = table(&[("data-xl", "app", 90, 0)]);
    let now = Timestamp::from_ms(0);
    let in_force = ActivePlaybook::new(Active::new(learning(), now));
    in_force.learn(&evidence);
    let next = playbook_with(&[("learning: {enabled: false}", "learning: {strength: 90}")]);
    in_force.switch(Active::new(Arc::clone(&next), now));
    let current = in_force.current();
    assert_eq!(*current.priors, PriorTable::learned(&next, &evidence));
    assert_eq!(current.priors.evidence(), Some(evidence.id()));
    in_force.switch(Active::new(playbook(), now));
    assert_eq!(in_force.current().priors.evidence(), None, "frozen");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_decision_taken_with_evidence_replays_with_that_evidence_and_no_other(
        shown in 1..500i64, rate in 0.0..1.0f64, steps in proptest::collection::vec((0..3u8, 1..48i64), 1..12),
    ) {
        let accepted = (shown as f64 * rate) as i64;
        let evidence = table(&[("data-xl", "app", shown, accepted), ("coupon", "sms", shown, accepted)]);
        let mut ann = Counted::new(learning());
        ann.subject.active = ann.subject.active.clone().learned(Arc::clone(&evidence));
        for (step, hours) in steps {
            ann.subject.wait(hours * HOUR_MS);
            match step {
                0 => { ann.decide("app", Direction::Inbound); }
                1 => { ann.decide("sms", Direction::Outbound); }
                _ => { ann.subject.event("usage", &[("mb", Value::Int(hours * 500))]); }
            }
        }
        let active = &ann.subject.active;
        let other = Arc::new(PriorTable::written(&active.playbook));
        for logged in &ann.subject.logged {
            let logged = LoggedDecision::decode(&logged.encode()).expect("readable");
            prop_assert_eq!(logged.evidence.as_ref(), Some(evidence.id()));
            let explained = logged.explain(&ann.subject.id, &active.playbook, &active.priors).expect("readable");
            prop_assert!(explained.replay_matches);
            prop_assert_eq!(&explained.models, &["affinity-1".to_owned(), format!("evidence:{}", evidence.id())]);
            prop_assert!(logged.explain(&ann.subject.id, &active.playbook, &other).is_err());
        }
    }
}

/// A node's region over a store that outlives it.
struct Bench {
    region: Region,
    store: Arc<Faulty>,
    active: ActivePlaybook,
}

fn start(store: &Arc<Faulty>, epoch: u64) -> Bench {
    let node = NodeId::new("n1").expect("a name");
    let shards = ShardCount::new(16).expect("a power of two");
    let placement = Placement::all_on(&node, Epoch(epoch), shards);
    let ownership = Handle::new(node, placement, Lease::until(u64::MAX, 0));
    let now = Timestamp::parse("2026-11-10T12:00:00Z").expect("a time");
    let active = ActivePlaybook::new(Active::new(learning(), now));
    let options = RegionOptions::default();
    let region = Region::start(options, store.clone(), active.clone(), Arc::new(move || now), ownership);
    Bench { region, store: Arc::clone(store), active }
}

impl Bench {
    async fn call(&self, customer: &str, command: Command) -> Result<Answer, TurnError> {
        let deadline = Instant::now() + Duration::from_secs(10);
        self.region
            .call(CustomerCall { customer: id(customer), via: None, command: Arc::new(command), deadline })
            .await
    }

    /// The customer comes to us and takes what is first.
    async fn accept(&self, customer: &str) -> String {
        let question = DecisionRequest { context: map(&[]), ..request("app", Direction::Inbound) };
        let answer = self.call(customer, Command::Decide(Box::new(question))).await.expect("a decision");
        let Reply::Decision(decision) = answer.reply else { panic!("no decision") };
        let offer = decision.items[0].offer.to_string();
        let response = Response {
            decision_id: Some(decision.decision_id.clone()),
            offer: Some(offer.clone()),
            ..response(ResponseKind::Accepted)
        };
        self.call(customer, Command::Respond(response)).await.expect("heard");
        offer
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Active) -> bool) -> Active {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let active = self.active.current();
            if is_so(&active) {
                return active;
            }
            assert!(Instant::now() < patience, "{what} did not happen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn accepted(active: &Active, offer: &str) -> u64 {
    active.evidence.as_ref().map_or(0, |table| table.counts().of(offer, "app").accepted())
}

fn faulty() -> Arc<Faulty> {
    Arc::new(Faulty::new(Arc::new(Memory::default())))
}

#[actix::test]
async fn what_is_heard_moves_priors_within_seconds_and_outlives_the_node() {
    let store = faulty();
    let bench = start(&store, 1);
    let offer = bench.accept("ann").await;
    for n in 0..9 {
        assert_eq!(bench.accept(&format!("customer {n}")).await, offer);
    }
    assert_eq!(bench.region.evidence().changes, 20, "counted in the turns that heard it");
    let learned = bench.until("a table", |active| accepted(active, &offer) == 10).await;
    assert_eq!(bench.region.evidence().waiting, 0);
    let table = learned.evidence.clone().expect("a table");
    assert_eq!(evidence_table(&*store, table.id()).await.as_ref(), Ok(&*table), "stored before it is used");
    let ix = learned.playbook.offer_ix(&offer).expect("an offer");
    let written = PriorTable::written(&learned.playbook);
    assert!(learned.priors.prior_logit(ix, "app") > written.prior_logit(ix, "app"));
    assert_eq!(bench.region.drain(10_000).await, 0);

    let before = evidence_before(&*store).await.expect("readable").expect("evidence");
    assert_eq!(before, table, "the same counts are the same table");
    let next = start(&store, 2);
    next.active.learn(&before);
    next.accept("bob").await;
    next.until("counting on", |active| accepted(active, &offer) == 11).await;
    next.region.drain(10_000).await;
    let total = evidence_before(&*store).await.expect("readable").expect("evidence");
    assert_eq!(total.counts().of(&offer, "app").accepted(), 11);
}

#[actix::test]
async fn counts_that_could_not_be_written_are_written_later() {
    let store = faulty();
    let bench = start(&store, 1);
    for fault in [
        Fault::FailBefore(StoreError::Unavailable("switched off".into())),
        Fault::ApplyThenUnknown,
        Fault::SkipThenUnknown,
        Fault::Busy,
    ] {
        bench.store.queue(Operation::PutEvidence, fault);
    }
    let offer = bench.accept("ann").await;
    bench.until("a table", |active| accepted(active, &offer) == 1).await;
    assert_eq!(bench.region.drain(10_000).await, 0);
    let total = evidence_before(&*store).await.expect("readable").expect("evidence");
    assert_eq!(total.counts().of(&offer, "app"), Outcomes::new(1, 0, 1));
}

#[actix::test]
async fn a_turn_that_was_not_saved_counts_nothing_and_its_repetition_once() {
    let store = faulty();
    let bench = start(&store, 1);
    bench.store.queue(Operation::Save, Fault::FailBefore(StoreError::Unavailable("switched off".into())));
    let question = Command::Decide(Box::new(request("app", Direction::Inbound)));
    assert!(bench.call("ann", question).await.is_err());
    assert_eq!(bench.region.evidence().changes, 0);
    bench.accept("ann").await;
    assert_eq!(bench.region.evidence().changes, 2);
}

#[actix::test]
async fn a_former_owner_cannot_overwrite_its_successors_counts() {
    let store = faulty();
    let former = start(&store, 1);
    let offer = former.accept("ann").await;
    let successor = start(&store, 2);
    successor.accept("ann's neighbour").await;
    successor.region.drain(10_000).await;
    former.region.drain(10_000).await;
    let total = evidence_before(&*store).await.expect("readable").expect("evidence");
    let kept = total.counts().of(&offer, "app").accepted();
    assert!((1..=2).contains(&kept), "{kept}: the successor's is there, the former owner's if it came first");
    for evidence in store.all_evidence().await.expect("readable") {
        let counts = Counts::decode(&evidence.body).expect("readable");
        assert!(counts.changes() >= 2, "each owner counted a showing and an acceptance");
    }
}
