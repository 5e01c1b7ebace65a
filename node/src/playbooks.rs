//! The playbooks of a node: accepted, stored, put in force, found again to explain old decisions.
//!
//! Leaves out what makes a playbook valid (the compiler) and what happens when another one comes into force (the
//! dispatch and its region).

pub mod directory;

use actors::Timestamp;
use actors::options::Clock;
use actors::playbook::active::Active;
use actors::playbook::compile::{compile, from_canonical};
use actors::playbook::{Dictionary, Mistake, Playbook};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use storage::{Activation, PlaybookRow, Store, StoreError, StoredDictionary};

/// Compiled playbooks kept to explain decisions with: some 20 MB each for a large catalogue.
const KEPT_MAX: usize = 4;
/// How often a dictionary is compiled again because another node changed it meanwhile.
const DICTIONARY_TRIES_MAX: usize = 5;

/// A playbook's files: name and text.
pub type Files = Vec<(String, String)>;

/// Why a playbook was not accepted or not found.
#[derive(Debug, thiserror::Error)]
pub enum PlaybookError {
    /// Its author has to mend it; nothing was changed.
    #[error("the playbook has {} mistakes", .0.len())]
    Invalid(Vec<Mistake>),
    /// There is none with this id.
    #[error("no playbook {0}")]
    Unknown(String),
    /// The store did not answer. Storing again changes nothing that was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored can't be understood; an operator has to look.
    #[error("a stored playbook can't be read: {0}")]
    Unreadable(String),
}

/// A valid playbook.
pub struct Accepted {
    /// The playbook.
    pub playbook: Arc<Playbook>,
    /// What might not be as meant.
    pub warnings: Vec<Mistake>,
}

/// The playbooks of a node.
pub struct Playbooks {
    store: Arc<dyn Store>,
    clock: Clock,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
    /// The most recently used first.
    kept: Mutex<VecDeque<Arc<Playbook>>>,
}

impl Playbooks {
    /// Over a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Playbooks { store, clock, changing: tokio::sync::Mutex::default(), kept: Mutex::default() }
    }

    /// The playbook that was last put in force; `None` before the first.
    ///
    /// # Errors
    /// [`PlaybookError::Store`], [`PlaybookError::Unreadable`].
    pub async fn in_force(&self) -> Result<Option<Active>, PlaybookError> {
        let activations = self.store.activations().await?;
        let (Some(first), Some(last)) = (activations.first(), activations.last()) else { return Ok(None) };
        let playbook = self.by_id(&last.playbook_id).await?;
        Ok(Some(Active::new(playbook, Timestamp::from_ms(first.at_ms))))
    }

    /// Says whether a playbook is valid; stores nothing.
    ///
    /// # Errors
    /// [`PlaybookError::Invalid`], [`PlaybookError::Store`].
    pub async fn check(&self, files: Files) -> Result<Accepted, PlaybookError> {
        let (_, dictionary) = self.dictionary().await?;
        compiled(files, dictionary).await
    }

    /// Stores a valid playbook and the tags it adds to the dictionary.
    ///
    /// # Errors
    /// [`PlaybookError::Invalid`], [`PlaybookError::Store`].
    pub async fn accept(&self, files: Files) -> Result<Accepted, PlaybookError> {
        let _one_at_a_time = self.changing.lock().await;
        let accepted = self.numbered(files).await?;
        let row = PlaybookRow {
            id: accepted.playbook.id.to_string(),
            stored_at_ms: (self.clock)().ms(),
            body: Arc::clone(&accepted.playbook.canonical),
        };
        self.store.put_playbook(row).await?;
        self.keep(Arc::clone(&accepted.playbook));
        Ok(accepted)
    }

    /// Notes that a stored playbook is in force from now on, then calls `put_in_force`. Both happen before the next
    /// change begins: the store and the node never differ on which was last.
    ///
    /// # Errors
    /// [`PlaybookError::Unknown`], [`PlaybookError::Store`], [`PlaybookError::Unreadable`].
    pub async fn activate(&self, id: &str, put_in_force: impl FnOnce(Active)) -> Result<(), PlaybookError> {
        let _one_at_a_time = self.changing.lock().await;
        let playbook = self.by_id(id).await?;
        let now = (self.clock)();
        let first = self.store.activations().await?.first().map(|first| Timestamp::from_ms(first.at_ms));
        self.store.activate(Activation { playbook_id: id.to_string(), at_ms: now.ms() }).await?;
        put_in_force(Active::new(playbook, first.unwrap_or(now)));
        Ok(())
    }

    /// A stored playbook, compiled.
    ///
    /// # Errors
    /// [`PlaybookError::Unknown`], [`PlaybookError::Store`], [`PlaybookError::Unreadable`].
    pub async fn by_id(&self, id: &str) -> Result<Arc<Playbook>, PlaybookError> {
        if let Some(kept) = self.kept(id) {
            return Ok(kept);
        }
        let row = self.store.playbook(id).await?.ok_or_else(|| PlaybookError::Unknown(id.to_string()))?;
        let (_, dictionary) = self.dictionary().await?;
        let playbook = off_the_loop(move || from_canonical(&row.body, &dictionary)).await?;
        let playbook = Arc::new(playbook.map_err(|mistakes| PlaybookError::Unreadable(lines(&mistakes)))?);
        self.keep(Arc::clone(&playbook));
        Ok(playbook)
    }

    /// Compiles and makes sure that the store's dictionary has every tag's number before the playbook is used.
    async fn numbered(&self, files: Files) -> Result<Accepted, PlaybookError> {
        let mut tries = 1;
        loop {
            let (version, dictionary) = self.dictionary().await?;
            let before = dictionary.encode();
            let accepted = compiled(files.clone(), dictionary).await?;
            let after = accepted.playbook.dictionary.encode();
            if version > 0 && after == before {
                return Ok(accepted);
            }
            let next = StoredDictionary { version: version + 1, body: after.into() };
            match self.store.put_dictionary(next).await {
                Ok(()) => return Ok(accepted),
                Err(StoreError::Conflict { .. }) if tries < DICTIONARY_TRIES_MAX => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn dictionary(&self) -> Result<(u64, Dictionary), PlaybookError> {
        match self.store.dictionary().await? {
            None => Ok((0, Dictionary::default())),
            Some(stored) => Dictionary::decode(&stored.body)
                .map(|dictionary| (stored.version, dictionary))
                .map_err(|error| PlaybookError::Unreadable(error.to_string())),
        }
    }

    fn kept(&self, id: &str) -> Option<Arc<Playbook>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|playbook| *playbook.id == *id)?;
        let playbook = kept.remove(found)?;
        kept.push_front(Arc::clone(&playbook));
        Some(playbook)
    }

    fn keep(&self, playbook: Arc<Playbook>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.id != playbook.id);
        kept.push_front(playbook);
        kept.truncate(KEPT_MAX);
    }
}

/// Mistakes for people, one a line.
#[must_use]
pub fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

async fn compiled(files: Files, dictionary: Dictionary) -> Result<Accepted, PlaybookError> {
    let compiled =
        off_the_loop(move || compile(&files, &dictionary)).await?.map_err(PlaybookError::Invalid)?;
    Ok(Accepted { playbook: Arc::new(compiled.playbook), warnings: compiled.warnings })
}

/// A large catalogue takes a second to compile: that must not hold up the calls of this thread.
async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PlaybookError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| PlaybookError::Unreadable(format!("the compiler stopped: {error}")))
}
