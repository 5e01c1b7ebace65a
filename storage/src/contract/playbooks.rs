//! Playbooks, which was active when, and the tag dictionary.

use super::samples::bytes;
use crate::{Activation, PlaybookRow, Store, StoreError, StoredDictionary};
use std::sync::Arc;

type Shared = Arc<dyn Store>;

fn playbook(id: &str, stored_at_ms: i64) -> PlaybookRow {
    PlaybookRow { id: id.into(), stored_at_ms, body: bytes(&format!("body of {id}")) }
}

fn activation(playbook_id: &str, at_ms: i64) -> Activation {
    Activation { playbook_id: playbook_id.into(), at_ms }
}

pub(super) async fn a_playbook_is_stored_once(store: Shared) {
    for row in [playbook("p2", 5), playbook("p1", 9), playbook("p2", 99)] {
        assert_eq!(store.put_playbook(row).await, Ok(()));
    }
    assert_eq!(store.playbook("p2").await, Ok(Some(playbook("p2", 5))));
    assert_eq!(store.playbook("p3").await, Ok(None));
    assert_eq!(store.playbooks().await, Ok(vec![("p2".into(), 5), ("p1".into(), 9)]));
}

pub(super) async fn activations_are_kept_in_order(store: Shared) {
    for id in ["p1", "p2"] {
        assert_eq!(store.put_playbook(playbook(id, 1)).await, Ok(()));
    }
    assert_eq!(store.activations().await, Ok(vec![]));
    let noted = [activation("p1", 20), activation("p2", 30), activation("p1", 10)];
    for activation in noted.clone() {
        assert_eq!(store.activate(activation).await, Ok(()));
    }
    assert_eq!(store.activations().await, Ok(noted.to_vec()));
}

pub(super) async fn only_a_stored_playbook_becomes_active(store: Shared) {
    assert!(matches!(store.activate(activation("p1", 1)).await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.activations().await, Ok(vec![]));
}

pub(super) async fn the_dictionary_grows_by_one_version(store: Shared) {
    let dictionary = |version| StoredDictionary { version, body: bytes(&format!("tags {version}")) };
    let conflict = |stored, expected| Err(StoreError::Conflict { stored, expected });
    assert_eq!(store.dictionary().await, Ok(None));
    assert_eq!(store.put_dictionary(dictionary(2)).await, conflict(0, 1));
    assert_eq!(store.put_dictionary(dictionary(1)).await, Ok(()));
    assert_eq!(store.put_dictionary(dictionary(1)).await, conflict(1, 0));
    assert_eq!(store.put_dictionary(dictionary(2)).await, Ok(()));
    assert_eq!(store.put_dictionary(dictionary(4)).await, conflict(2, 3));
    assert_eq!(store.dictionary().await, Ok(Some(dictionary(2))));
}
