//! `rapport store`: the files of a stopped node.

use crate::cli::StoreCommand;
use crate::error::Failure;
use crate::output::{print, print_json, say};
use serde_json::json;

/// Runs one verb.
pub fn run(command: &StoreCommand) -> Result<(), Failure> {
    let StoreCommand::Compact { data_dir, json } = command;
    say(&format_args!("compacting {}: about a minute for each 10 GB", data_dir.display()));
    let compacted = node::compact_store(data_dir).map_err(Failure::Failed)?;
    if *json {
        print_json(&json!({"before_bytes": compacted.before_bytes, "after_bytes": compacted.after_bytes}));
    } else {
        let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        print(&format_args!(
            "compacted: {:.1} MB before, {:.1} MB now; nothing of erased customers is left in it",
            megabytes(compacted.before_bytes),
            megabytes(compacted.after_bytes)
        ));
    }
    Ok(())
}
