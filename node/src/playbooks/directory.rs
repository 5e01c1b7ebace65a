//! A playbook as a directory of YAML and JSON files.

use crate::error::NodeError;
use crate::playbooks::Files;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of a playbook at most: one for each of many teams, and no wrong directory by accident.
const FILES_MAX: usize = 1000;

/// The files of a directory and its sub-directories, sorted by name, named relative to it.
///
/// # Errors
/// [`NodeError::Options`] naming the directory or file that can't be read.
pub fn read(dir: &Path) -> Result<Files, NodeError> {
    let mut paths = Vec::new();
    collect(dir, &mut paths)?;
    paths.sort();
    if paths.is_empty() {
        return Err(NodeError::Options(format!("{}: no .yaml, .yml or .json file", dir.display())));
    }
    paths.into_iter().map(|path| file(dir, &path)).collect()
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<(), NodeError> {
    for entry in fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
        let path = entry.map_err(|error| unreadable(dir, &error))?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path
            .extension()
            .is_some_and(|kind| ["yaml", "yml", "json"].iter().any(|known| kind == *known))
        {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            return Err(NodeError::Options(format!("{}: more than {FILES_MAX} files", dir.display())));
        }
    }
    Ok(())
}

fn file(dir: &Path, path: &Path) -> Result<(String, String), NodeError> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let name = path.strip_prefix(dir).unwrap_or(path).display().to_string();
    Ok((name, text))
}

fn unreadable(path: &Path, error: &std::io::Error) -> NodeError {
    NodeError::Options(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_its_files_in_one_order_whatever_the_disk_says() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("offers")).unwrap();
        for (name, text) in
            [("tags.yaml", "t"), ("offers/b.json", "b"), ("offers/a.yml", "a"), ("README.md", "x")]
        {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let files = read(dir.path()).unwrap();
        let expected = [("offers/a.yml", "a"), ("offers/b.json", "b"), ("tags.yaml", "t")];
        assert_eq!(files, expected.map(|(name, text)| (name.to_string(), text.to_string())));
    }

    #[test]
    fn a_directory_without_a_playbook_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for missing in [dir.path().to_path_buf(), dir.path().join("nowhere")] {
            let error = read(&missing).unwrap_err().to_string();
            assert!(error.contains(&missing.display().to_string()), "{error}");
        }
    }
}
