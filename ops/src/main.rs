//! `rapport`: one program that runs a node, shows a whole demo, and is the operator's tool.
//!
//! Reads the command line, runs the command and turns its outcome into an exit code: 0 done, 1 failed, 2 wrong usage.
//! Data goes to stdout, talk to stderr. Leaves out all rules about customers: those are the node's, behind HTTP.

mod cli;
mod cmd;
mod client;
mod clock;
mod output;
mod error;

use clap::Parser;
use error::Failure;
use output::say;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cmd::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Told) {
                say(&format_args!("rapport: {failure}"));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
