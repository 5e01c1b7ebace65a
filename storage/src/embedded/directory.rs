//! The store's directory, held by one process at a time.
//!
//! The lock is what makes tombstones short-lived: whoever holds the directory knows that no former owner of any
//! customer is still writing to it.

use crate::StoreError;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The database's file name.
pub(super) const FILE: &str = "store.db";

pub(super) struct Directory {
    path: PathBuf,
    /// Locked as long as it is open; the operating system lets go of it even when the process is killed.
    _lock: File,
}

impl Directory {
    /// Creates the directory if need be and locks it.
    pub(super) fn hold(path: &Path) -> Result<Directory, StoreError> {
        let unusable = |what: &str, error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("{}: cannot {what}: {error}", path.display()))
        };
        std::fs::create_dir_all(path).map_err(|error| unusable("create the directory", &error))?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join("lock"));
        let lock = lock.map_err(|error| unusable("create the lock file in it", &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Unavailable(format!(
                    "{}: already open in another process",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(unusable("lock it", &error)),
        }
        sync_entry(path).map_err(|error| unusable("flush it", &error))?;
        Ok(Directory { path: path.to_owned(), _lock: lock })
    }

    pub(super) fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }
}

/// A new directory survives the loss of power only when its parent is flushed too.
fn sync_entry(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()?;
    match path.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opener_is_refused_by_name_until_the_first_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new").join("store");
        let first = Directory::hold(&path).unwrap();
        let Err(StoreError::Unavailable(text)) = Directory::hold(&path) else { panic!("opened twice") };
        assert!(text.contains("already open") && text.contains("store"), "{text}");
        drop(first);
        Directory::hold(&path).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "in the way").unwrap();
        let Err(StoreError::Unavailable(text)) = Directory::hold(&path) else { panic!("opened a file") };
        assert!(text.contains("cannot create the directory"), "{text}");
    }
}
