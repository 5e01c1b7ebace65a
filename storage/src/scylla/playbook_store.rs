//! Playbooks, activations and the tag dictionary: few, large, and written by compare-and-set.
//!
//! A body is cut into pieces named by what they hold and written first; the row that makes it count comes after, by LWT. A
//! crash in between leaves pieces that nobody names, and the next try writes the same ones again.

use super::{Scylla, outcome};
use crate::{Activation, PlaybookRow, PlaybookStore, StoreError, StoreFuture, StoredDictionary};

/// One piece: far below what a server takes in one request, large enough that a playbook of 128 MB is 512 of them.
const PIECE_BYTES: usize = 256 << 10;
/// How often an activation is numbered again because another node took the number.
const NUMBER_TRIES_MAX: usize = 10;

impl Scylla {
    pub(super) async fn put_body(&self, id: &str, body: &[u8]) -> Result<i32, StoreError> {
        let mut count = 0;
        for piece in body.chunks(PIECE_BYTES) {
            self.link.write(&self.statements.put_piece, (id, count, piece)).await?;
            count += 1;
        }
        Ok(count)
    }

    pub(super) async fn body(&self, id: &str, pieces: i32) -> Result<Vec<u8>, StoreError> {
        let mut body = Vec::new();
        for piece in 0..pieces {
            let answer = self.link.read(&self.statements.piece, (id, piece)).await?;
            let row = answer.maybe_first_row::<(Vec<u8>,)>().map_err(|error| outcome::of_shape(&error))?;
            let missing = || StoreError::Corrupt(format!("piece {piece} of {pieces} of {id} is missing"));
            body.extend(row.ok_or_else(missing)?.0);
        }
        Ok(body)
    }

    async fn playbook_head(&self, id: &str) -> Result<Option<(i64, i32)>, StoreError> {
        let answer = self.link.read(&self.statements.playbook, (id,)).await?;
        answer.maybe_first_row::<(i64, i32)>().map_err(|error| outcome::of_shape(&error))
    }

    async fn put_new_playbook(&self, row: &PlaybookRow) -> Result<(), StoreError> {
        if self.playbook_head(&row.id).await?.is_some() {
            return Ok(());
        }
        let pieces = self.put_body(&row.id, &row.body).await?;
        let values = (&*row.id, row.stored_at_ms, pieces);
        self.link.compare_and_set(&self.statements.put_playbook, values).await.map(drop)
    }

    async fn playbook_row(&self, id: &str) -> Result<Option<PlaybookRow>, StoreError> {
        let Some((stored_at_ms, pieces)) = self.playbook_head(id).await? else { return Ok(None) };
        let body = self.body(id, pieces).await?.into();
        Ok(Some(PlaybookRow { id: id.to_owned(), stored_at_ms, body }))
    }

    async fn all_playbooks(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let answer = self.link.read(&self.statements.playbooks, ()).await?;
        let rows = answer.rows::<(String, i64)>().map_err(|error| outcome::of_shape(&error))?;
        let mut all = rows.collect::<Result<Vec<_>, _>>().map_err(|error| outcome::of_shape(&error))?;
        all.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        Ok(all)
    }

    async fn note_activation(&self, activation: &Activation) -> Result<(), StoreError> {
        if self.playbook_head(&activation.playbook_id).await?.is_none() {
            return Err(StoreError::Unavailable("only a stored playbook can become active".into()));
        }
        for _ in 0..NUMBER_TRIES_MAX {
            let number = self.all_activations().await?.len() as i64 + 1;
            let values = (number, &*activation.playbook_id, activation.at_ms);
            if self.link.compare_and_set(&self.statements.put_activation, values).await? {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("other nodes keep activating playbooks at this moment".into()))
    }

    async fn all_activations(&self) -> Result<Vec<Activation>, StoreError> {
        let answer = self.link.read(&self.statements.activations, ()).await?;
        let rows = answer.rows::<(i64, String, i64)>().map_err(|error| outcome::of_shape(&error))?;
        let activation = |row: Result<(i64, String, i64), _>| {
            row.map(|(_, playbook_id, at_ms)| Activation { playbook_id, at_ms })
                .map_err(|error| outcome::of_shape(&error))
        };
        rows.map(activation).collect()
    }

    async fn dictionary_head(&self) -> Result<Option<(i64, String, i32)>, StoreError> {
        let answer = self.link.read(&self.statements.dictionary, ()).await?;
        answer.maybe_first_row::<(i64, String, i32)>().map_err(|error| outcome::of_shape(&error))
    }

    async fn stored_dictionary(&self) -> Result<Option<StoredDictionary>, StoreError> {
        let Some((version, body_id, pieces)) = self.dictionary_head().await? else { return Ok(None) };
        let body = self.body(&body_id, pieces).await?.into();
        Ok(Some(StoredDictionary { version: version as u64, body }))
    }

    async fn put_next_dictionary(&self, dictionary: &StoredDictionary) -> Result<(), StoreError> {
        let expected = dictionary.version.saturating_sub(1);
        let stored = self.dictionary_head().await?.map_or(0, |(version, ..)| version as u64);
        if dictionary.version == 0 || stored != expected {
            return Err(StoreError::Conflict { stored, expected });
        }
        let version = dictionary.version as i64;
        let body_id = format!("dictionary-{version}-{:032x}", xxhash_rust::xxh3::xxh3_128(&dictionary.body));
        let pieces = self.put_body(&body_id, &dictionary.body).await?;
        let applied = match stored {
            0 => {
                let values = (version, &*body_id, pieces);
                self.link.compare_and_set(&self.statements.put_first_dictionary, values).await?
            }
            stored => {
                let values = (version, &*body_id, pieces, stored as i64);
                self.link.compare_and_set(&self.statements.put_dictionary, values).await?
            }
        };
        match applied {
            true => Ok(()),
            false => {
                let stored = self.dictionary_head().await?.map_or(0, |(version, ..)| version as u64);
                Err(StoreError::Conflict { stored, expected })
            }
        }
    }
}

impl PlaybookStore for Scylla {
    fn put_playbook(&self, row: PlaybookRow) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.put_new_playbook(&row).await })
    }

    fn playbook<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<PlaybookRow>> {
        Box::pin(self.playbook_row(id))
    }

    fn playbooks(&self) -> StoreFuture<'_, Vec<(String, i64)>> {
        Box::pin(self.all_playbooks())
    }

    fn activate(&self, activation: Activation) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.note_activation(&activation).await })
    }

    fn activations(&self) -> StoreFuture<'_, Vec<Activation>> {
        Box::pin(self.all_activations())
    }

    fn put_dictionary(&self, dictionary: StoredDictionary) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.put_next_dictionary(&dictionary).await })
    }

    fn dictionary(&self) -> StoreFuture<'_, Option<StoredDictionary>> {
        Box::pin(self.stored_dictionary())
    }
}
