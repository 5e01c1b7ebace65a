//! One file for each noun of the command line.

pub mod demo;
pub mod node;
pub mod playbook;
pub mod customer;
pub mod import;
pub mod cluster;
pub mod learning;
pub mod store;

use crate::cli::{Cli, Command, Talk};
use crate::client::Client;
use crate::error::Failure;
use crate::output::Shape;

/// Runs the command that was asked for.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Node(args) => node::run(args),
        Command::Playbook(command) => playbook::run(command),
        Command::Customer(command) => customer::run(command),
        Command::Import(command) => import::run(&command),
        Command::Cluster(command) => cluster::run(&command),
        Command::Learning(command) => learning::run(&command),
        Command::Store(command) => store::run(&command),
    }
}

/// The node to talk to and the shape of the answer.
fn open(talk: &Talk) -> (Client, Shape) {
    (Client::new(&talk.server), if talk.json { Shape::Json } else { Shape::Text })
}

/// A time from the command line.
fn time_flag(flag: &str, text: &str) -> Result<actors::timestamp::Timestamp, Failure> {
    actors::timestamp::Timestamp::parse(text).ok_or_else(|| {
        Failure::Usage(format!("{flag} {text}: not a time; write it like 2026-03-01T09:00:00Z"))
    })
}
