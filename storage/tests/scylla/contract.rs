//! The common contract, on the server.

use crate::server::{connect, drop_keyspace, keyspace, server};
use std::sync::Arc;
use storage::contract::common;

#[tokio::test(flavor = "multi_thread")]
async fn the_store_over_cql_keeps_the_contract() {
    let Some(server) = server() else { return };
    for check in common() {
        println!("contract: {}", check.name);
        let options = keyspace(&server).await;
        (check.run)(Arc::new(connect(&options).await)).await;
        drop_keyspace(&options).await;
    }
}
