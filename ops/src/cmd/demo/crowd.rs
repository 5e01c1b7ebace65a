//! Many subscribers at once, over a few connections.
//!
//! Each subscriber is handled by one connection within a stage, and stages follow each other: so what happens to one
//! subscriber happens in order.

use super::interrupt::Interrupt;
use super::player::Player;
use super::subscribers::Subscriber;
use super::tally::Tally;
use super::world::World;
use crate::client::{CallError, Client};
use crate::clock::Stopwatch;
use crate::error::Failure;
use crate::output::bar;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// Connections at once: twice the cores of a small machine, so that neither side waits for the other.
const CONNECTIONS: usize = 4;
/// Subscribers handled together: their events travel in one request.
const BLOCK: u32 = 100;

/// Who plays, where, and who may stop it.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// The world.
    pub world: &'a World,
    /// The node.
    pub client: &'a Client,
    /// Ctrl-C.
    pub interrupt: &'a Interrupt,
}

/// What is done with a block of subscribers.
pub type Play<'a> = dyn Fn(&mut Player<'_>, &[Subscriber]) -> Result<(), CallError> + Sync + 'a;

/// Runs `play` for all subscribers, a block at a time, and gives what was counted and how long it took.
pub fn all(stage: Stage<'_>, title: &'static str, play: &Play<'_>) -> Result<(Tally, Duration), Failure> {
    let Stage { world, client, interrupt } = stage;
    let bar = bar(u64::from(world.customers), title);
    let next = AtomicU32::new(0);
    let stopwatch = Stopwatch::start();
    let work = || -> Result<Tally, CallError> {
        let mut player = Player::new(world, client);
        loop {
            let from = next.fetch_add(BLOCK, Ordering::Relaxed);
            if from >= world.customers || interrupt.is_raised() {
                return Ok(player.tally);
            }
            let to = (from + BLOCK).min(world.customers);
            let block: Vec<Subscriber> = (from..to).map(|number| Subscriber::of(world, number)).collect();
            play(&mut player, &block).inspect_err(|_| next.store(world.customers, Ordering::Relaxed))?;
            bar.inc(u64::from(to - from));
        }
    };
    let tallies: Vec<Result<Tally, CallError>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    bar.finish_and_clear();
    let mut sum = Tally::new();
    for tally in tallies {
        sum.add(&tally?);
    }
    interrupt.check()?;
    Ok((sum, stopwatch.elapsed()))
}
