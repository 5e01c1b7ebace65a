//! The sample config file in docs/ is the one that the options generate.

#![allow(clippy::unwrap_used, reason = "a test")]

use node::NodeOptions;
use std::path::Path;

/// Set to write the file instead of comparing it.
const WRITE: &str = "RAPPORT_WRITE_SAMPLE";

#[test]
fn the_sample_in_docs_is_what_the_options_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rapport.sample.yaml");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, NodeOptions::sample()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == NodeOptions::sample(),
        "docs/rapport.sample.yaml is old; write it anew with {WRITE}=1"
    );
}
