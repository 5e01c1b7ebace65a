//! The server of the tests, and keyspaces of their own on it.

use scylla::client::session_builder::SessionBuilder;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::scylla::migrate;
use storage::{Scylla, ScyllaOptions};

/// Servers under test share two cores with the tests.
const PATIENCE_MS: u64 = 20_000;

/// Where the server is; `None`, after saying so, when there is none.
pub fn server() -> Option<String> {
    let server = std::env::var("RAPPORT_TEST_CQL").ok().filter(|server| !server.is_empty());
    if server.is_none() {
        assert!(
            std::env::var_os("RAPPORT_TEST_CQL_REQUIRED").is_none(),
            "RAPPORT_TEST_CQL names no CQL server, and RAPPORT_TEST_CQL_REQUIRED asks for one"
        );
        eprintln!("skipped: RAPPORT_TEST_CQL names no CQL server");
    }
    server
}

/// Options with a keyspace of its own, not made yet.
pub fn options(server: &str) -> ScyllaOptions {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let keyspace = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    ScyllaOptions {
        hosts: vec![server.into()],
        keyspace,
        request_timeout_ms: PATIENCE_MS,
        connect_timeout_ms: PATIENCE_MS,
        keepalive_ms: PATIENCE_MS,
        ..ScyllaOptions::default()
    }
}

/// An empty keyspace with tables.
pub async fn keyspace(server: &str) -> ScyllaOptions {
    let options = options(server);
    migrate(&options, 1).await.unwrap_or_else(|error| panic!("{error}"));
    options
}

/// Drops a keyspace that was used up: a small server has memory for some dozens.
pub async fn drop_keyspace(options: &ScyllaOptions) {
    let session = SessionBuilder::new().known_nodes(&options.hosts).build().await.unwrap();
    session.query_unpaged(format!("DROP KEYSPACE {}", options.keyspace), ()).await.unwrap();
}

/// A store as one process has it.
pub async fn connect(options: &ScyllaOptions) -> Scylla {
    Scylla::connect(options.clone()).await.unwrap_or_else(|error| panic!("{error}"))
}
