//! `rapport store`: the files of a stopped node, and keyspaces in ScyllaDB.

use super::node::{below_flags, trouble};
use crate::cli::{KeyspaceArgs, StoreCommand};
use crate::error::Failure;
use crate::output::{print, print_json, say};
use node::NodeOptions;
use serde_json::json;
use std::path::Path;

/// Runs one verb.
pub fn run(command: &StoreCommand) -> Result<(), Failure> {
    match command {
        StoreCommand::Compact { data_dir, json } => compact(data_dir, *json),
        StoreCommand::Migrate { keyspace, replicas, json } => migrate(&named(keyspace)?, *replicas, *json),
        StoreCommand::Export(args) => {
            let options = named(&args.keyspace)?;
            say(&format_args!("copying {} into keyspace {}", args.data_dir.display(), options.keyspace));
            moved(node::export_store(&options, &args.data_dir, heard), args.json)
        }
        StoreCommand::Import(args) => {
            let options = named(&args.keyspace)?;
            say(&format_args!("copying keyspace {} into {}", options.keyspace, args.data_dir.display()));
            moved(node::import_store(&options, &args.data_dir, heard), args.json)
        }
    }
}

fn compact(data_dir: &Path, json: bool) -> Result<(), Failure> {
    say(&format_args!("compacting {}: about a minute for each 10 GB", data_dir.display()));
    let compacted = node::compact_store(data_dir).map_err(Failure::Failed)?;
    if json {
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

fn migrate(options: &NodeOptions, replicas: u32, json: bool) -> Result<(), Failure> {
    say(&format_args!("migrating keyspace {} at {}", options.keyspace, options.scylla));
    let schema = node::migrate_store(options, replicas).map_err(Failure::Failed)?;
    if json {
        print_json(&json!({
            "keyspace": options.keyspace, "from": schema.from, "to": schema.to, "applied": schema.applied,
        }));
    } else if schema.applied.is_empty() {
        print(&format_args!("keyspace {} is at version {}; nothing to do", options.keyspace, schema.to));
    } else {
        let applied = schema.applied.join(", ");
        print(&format_args!(
            "keyspace {}: version {} is now {} ({applied})",
            options.keyspace, schema.from, schema.to
        ));
    }
    Ok(())
}

/// Talks now and then, so that a long move is seen to move.
fn heard(customers: u64) {
    const SAY_EVERY: u64 = 25_600;
    if customers > 0 && customers.is_multiple_of(SAY_EVERY) {
        say(&format_args!("{customers} customers are over"));
    }
}

fn moved(copied: Result<node::Copied, String>, json: bool) -> Result<(), Failure> {
    let copied = copied.map_err(Failure::Failed)?;
    let node::Copied { customers, contacts, decisions, snapshot_bytes, playbooks, evidence } = copied;
    if json {
        print_json(&json!({
            "customers": customers, "contacts": contacts, "decisions": decisions, "snapshot_bytes": snapshot_bytes,
            "playbooks": playbooks, "evidence": evidence,
        }));
    } else {
        print(&format_args!(
            "copied {customers} customers, {contacts} contacts, {decisions} decisions, {playbooks} playbooks"
        ));
    }
    Ok(())
}

/// The options of a node, with the keyspace that the flags name.
fn named(args: &KeyspaceArgs) -> Result<NodeOptions, Failure> {
    let mut options =
        below_flags(args.config.as_deref(), std::env::vars()).map_err(|error| trouble(&error))?;
    options.store = node::StoreKind::Scylla;
    options.scylla = args.scylla.clone().unwrap_or(options.scylla);
    options.keyspace = args.keyspace.clone().unwrap_or(options.keyspace);
    options.check().map_err(|error| trouble(&error))?;
    Ok(options)
}
