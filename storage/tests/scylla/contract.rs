//! The common contract, on the server.

use crate::server::{connect, keyspace, server};
use std::sync::Arc;
use storage::contract::common;

#[tokio::test(flavor = "multi_thread")]
async fn the_store_over_cql_keeps_the_contract() {
    let Some(server) = server() else { return };
    for check in common() {
        println!("contract: {}", check.name);
        let store = Arc::new(connect(&keyspace(&server).await).await);
        (check.run)(store).await;
    }
}
