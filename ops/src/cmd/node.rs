//! `rapport node`: one node in the foreground, until SIGTERM or Ctrl-C.
//!
//! Gathers the options, flags over RAPPORT_* variables over the configuration file, and leaves the rest to the node.

use crate::cli::{NodeArgs, StoreKind};
use crate::error::Failure;
use crate::output::print;
use node::{NodeError, NodeOptions};
use std::path::Path;

/// Serves until told to stop.
pub fn run(args: NodeArgs) -> Result<(), Failure> {
    if args.sample_config {
        print(&NodeOptions::sample().trim_end());
        return Ok(());
    }
    let options = gather(args, std::env::vars()).map_err(|error| trouble(&error))?;
    options.check().map_err(|error| trouble(&error))?;
    node::run(options).map_err(|error| trouble(&error))
}

fn gather(
    args: NodeArgs,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<NodeOptions, NodeError> {
    let mut options = below_flags(args.config.as_deref(), variables)?;
    options.node_id = args.node_id.unwrap_or(options.node_id);
    options.data_dir = args.data_dir.unwrap_or(options.data_dir);
    options.http = args.http.unwrap_or(options.http);
    options.playbook_dir = args.playbook.or(options.playbook_dir);
    options.scylla = args.scylla.unwrap_or(options.scylla);
    options.keyspace = args.keyspace.unwrap_or(options.keyspace);
    options.store = match args.store {
        Some(StoreKind::Embedded) => node::StoreKind::Embedded,
        Some(StoreKind::Scylla) => node::StoreKind::Scylla,
        None => options.store,
    };
    Ok(options)
}

/// The options as the file and the environment have them.
pub fn below_flags(
    config: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<NodeOptions, NodeError> {
    let from_file = match config {
        Some(path) => NodeOptions::from_file(path)?,
        None => NodeOptions::default(),
    };
    from_file.with_environment(variables)
}

/// What the operator typed or wrote into a file is wrong usage; all else is the world's.
pub fn trouble(error: &NodeError) -> Failure {
    match error {
        NodeError::Options(what) => Failure::Usage(what.clone()),
        NodeError::Listen { .. } => Failure::Failed(format!("{error}; choose another address with --http")),
        other => Failure::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let config = dir.path().join("rapport.yaml");
        std::fs::write(&config, "node_id: file\nhttp: file:1\ndata_dir: file\n").expect("written");
        let args = NodeArgs {
            node_id: Some("flag".to_owned()),
            data_dir: None,
            http: None,
            store: Some(StoreKind::Scylla),
            scylla: Some("flag:1,flag:2".to_owned()),
            keyspace: None,
            playbook: None,
            config: Some(config),
            sample_config: false,
        };
        let variables = [
            ("RAPPORT_NODE_ID", "variable"),
            ("RAPPORT_HTTP", "variable:1"),
            ("RAPPORT_KEYSPACE", "Not this"),
        ];
        let variables = variables.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let options = gather(args, variables).expect("gathered");
        assert_eq!((options.node_id.as_str(), options.http.as_str()), ("flag", "variable:1"));
        assert_eq!(options.data_dir.as_os_str(), "file");
        assert_eq!((options.scylla.as_str(), options.keyspace.as_str()), ("flag:1,flag:2", "Not this"));
        let refused = trouble(&options.check().expect_err("no name for a keyspace"));
        assert_eq!(refused.exit_code(), 2);
        assert!(refused.to_string().contains("keyspace"), "{refused}");
    }
}
