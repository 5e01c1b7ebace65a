//! The files of a playbook's directory.

use crate::error::{Failure, file_trouble};
use std::path::{Path, PathBuf};

/// Names, relative to the directory, and texts; sorted by name.
pub type Files = Vec<(String, String)>;

/// Directories inside directories are followed this far; deeper ones are no playbook but a loop.
const DEPTH_MAX: usize = 8;

/// Reads every YAML and JSON file below `dir`. Hidden ones are left out.
pub fn read(dir: &Path) -> Result<Files, Failure> {
    if !dir.is_dir() {
        return Err(Failure::Usage(format!("{}: not a directory", dir.display())));
    }
    let mut paths = Vec::new();
    gather(dir, DEPTH_MAX, &mut paths)?;
    if paths.is_empty() {
        return Err(Failure::Usage(format!("{}: no .yaml, .yml or .json file in it", dir.display())));
    }
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| file_trouble("read", &path, &error))?;
        let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        files.push((name, text));
    }
    files.sort();
    Ok(files)
}

fn gather(dir: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let trouble = |error: std::io::Error| file_trouble("read", dir, &error);
    for entry in std::fs::read_dir(dir).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() && depth > 0 {
            gather(&path, depth - 1, paths)?;
        } else if path
            .extension()
            .is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|it| ending == *it))
        {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_below_the_directory_are_read_in_the_order_of_their_names() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("offers")).expect("made");
        for name in ["tags.yaml", "offers/b.yml", "a.json", "README.md", ".hidden.yaml"] {
            std::fs::write(dir.path().join(name), name).expect("written");
        }
        let names: Vec<String> = read(dir.path()).expect("read").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.json", "offers/b.yml", "tags.yaml"]);
    }

    #[test]
    fn a_place_without_a_playbook_is_wrong_usage() {
        let dir = tempfile::tempdir().expect("a directory");
        for path in [dir.path().to_owned(), dir.path().join("nowhere")] {
            assert_eq!(read(&path).expect_err("nothing there").exit_code(), 2, "{}", path.display());
        }
    }
}
