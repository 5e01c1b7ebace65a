//! Every store keeps the contract.

use std::sync::Arc;
use storage::contract::{keeps_the_contract, scratch};
use storage::{EmbeddedOptions, Faulty, Memory};

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    keeps_the_contract(|| Arc::new(Memory::new())).await;
}

#[tokio::test]
async fn a_faulty_store_without_faults_keeps_the_contract() {
    keeps_the_contract(|| Arc::new(Faulty::new(Arc::new(Memory::new())))).await;
}

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    let mut dirs = Vec::new();
    keeps_the_contract(|| {
        let (dir, store) = scratch(EmbeddedOptions::default()).unwrap();
        dirs.push(dir);
        Arc::new(store)
    })
    .await;
}
