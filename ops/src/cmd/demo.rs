//! `rapport demo`: a node in this process, made-up subscribers, a telco day through its HTTP API, and a report.
//!
//! Nothing is faked: every event, consent and decision is a call over HTTP, and the report counts the answers.

mod chance;
mod world;
pub(super) mod playbook;
mod subscribers;
mod events;
mod tally;
mod player;
mod interrupt;
mod crowd;
mod day;
mod audit;
mod story;
mod report;

use crate::cli::DemoArgs;
use crate::client::Client;
use crate::clock::now;
use crate::error::{Failure, file_trouble};
use crate::output::{print, say};
use crowd::Stage;
use interrupt::Interrupt;
use node::{Background, NodeOptions};
use report::Report;
use std::path::PathBuf;
use world::World;

/// Plays, reports, and serves until Ctrl-C.
pub fn run(args: &DemoArgs) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let (_temporary, data_dir) = place(args)?;
    let log = "error".to_owned();
    let options = NodeOptions { data_dir, http: args.http.clone(), log, ..NodeOptions::default() };
    options.check().map_err(|error| super::node::trouble(&error))?;
    let node = Background::start(options).map_err(|error| super::node::trouble(&error))?;
    let server = format!("http://{}", node.address());
    say(&format_args!("a node answers at {server}; {} subscribers move in", args.customers));
    let held = show(args, &server, &interrupt);
    if held.is_ok() && !args.exit {
        interrupt.wait();
    }
    node.stop().map_err(|error| super::node::trouble(&error))?;
    if held? { Ok(()) } else { Err(Failure::Failed("the monthly cap was exceeded".to_owned())) }
}

/// A directory of its own, gone when the first value is dropped, unless one was named.
fn place(args: &DemoArgs) -> Result<(Option<tempfile::TempDir>, PathBuf), Failure> {
    if let Some(dir) = &args.data_dir {
        return Ok((None, dir.clone()));
    }
    let made = tempfile::Builder::new().prefix("rapport-demo-").tempdir();
    let dir = made.map_err(|error| file_trouble("make a directory in", &std::env::temp_dir(), &error))?;
    let path = dir.path().to_owned();
    Ok((Some(dir), path))
}

/// Plays and reports; says whether the promises held.
fn show(args: &DemoArgs, server: &str, interrupt: &Interrupt) -> Result<bool, Failure> {
    let client = Client::new(server);
    playbook::apply(&client)?;
    let world = World::new(args.seed, args.customers, now());
    let stage = Stage { world: &world, client: &client, interrupt };
    let played = day::play(stage)?;
    let audit = audit::of(stage)?;
    let stories = story::all(stage)?;
    print(&report::render(&Report { world: &world, played: &played, audit: &audit, stories: &stories }));
    if !args.exit {
        let customer = stories.last().map_or("c-000000", |story| story.customer.as_str());
        print(&format_args!("\n{}", report::invitation(server, customer)));
    }
    Ok(audit.holds())
}
