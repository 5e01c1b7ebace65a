//! The schema: made, made again, refused when it is not ours; and what an operator is told.

use crate::server::{connect, keyspace, options, server};
use scylla::client::session_builder::SessionBuilder;
use storage::scylla::migrate;
use storage::{Scylla, ScyllaOptions, StoreError};

/// A statement as an operator might type it.
async fn type_in(options: &ScyllaOptions, text: &str) {
    let session = SessionBuilder::new().known_nodes(&options.hosts).build().await.unwrap();
    session.query_unpaged(text.replace("ks", &options.keyspace), ()).await.unwrap();
}

async fn refusal(options: &ScyllaOptions) -> String {
    match Scylla::connect(options.clone()).await {
        Ok(_) => panic!("connected to {options:?}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_can_be_repeated_and_cut_short() {
    let Some(server) = server() else { return };
    let options = options(&server);
    let first = migrate(&options, 1).await.unwrap();
    assert_eq!((first.from, first.to as usize), (0, first.applied.len()));
    let again = migrate(&options, 1).await.unwrap();
    assert_eq!((again.from, again.to, again.applied.len()), (first.to, first.to, 0));
    // Cut short before the last file was noted: its tables are there, its version is not.
    type_in(
        &options,
        &format!("DELETE FROM ks.schema_versions WHERE one = 'all' AND version = {}", first.to),
    )
    .await;
    assert!(refusal(&options).await.contains("rapport store migrate"));
    assert_eq!(migrate(&options, 1).await.unwrap().applied.len(), 1);
    connect(&options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyspace_that_is_missing_or_empty_is_named_with_what_to_do() {
    let Some(server) = server() else { return };
    let missing = options(&server);
    let text = refusal(&missing).await;
    assert!(text.contains(&missing.keyspace) && text.contains("rapport store migrate"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_by_both() {
    let Some(server) = server() else { return };
    let options = keyspace(&server).await;
    type_in(&options, "INSERT INTO ks.schema_versions (one, version, name) VALUES ('all', 99, 'later')")
        .await;
    let told = refusal(&options).await;
    assert!(told.contains("schema version 99") && told.contains("use the program"), "{told}");
    assert!(matches!(migrate(&options, 1).await, Err(StoreError::Corrupt(text)) if text.contains("99")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_named() {
    let Some(server) = server() else { return };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let gone = ScyllaOptions { hosts: vec![nobody.clone()], connect_timeout_ms: 1000, ..options(&server) };
    let text = refusal(&gone).await;
    assert!(text.contains(&nobody) && text.contains("check that the server runs"), "{text}");
}
