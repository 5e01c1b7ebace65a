//! From files to a playbook, checked as a whole.

use super::{Dictionary, Mistake, Playbook};

/// A playbook and what its author should know.
#[derive(Debug)]
pub struct Compiled {
    /// The playbook; its dictionary is the extended one.
    pub playbook: Playbook,
    /// What works, perhaps not as meant.
    pub warnings: Vec<Mistake>,
}

/// Compiles files, given as name and text.
///
/// # Errors
/// Every mistake found, and the warnings among them.
pub fn compile(_files: &[(String, String)], _dictionary: &Dictionary) -> Result<Compiled, Vec<Mistake>> {
    Err(Vec::new())
}

/// The playbook whose canonical form this is.
///
/// # Errors
/// When the bytes are not the canonical form of a sound playbook, or the dictionary can't take its tags.
pub fn from_canonical(_bytes: &[u8], _dictionary: &Dictionary) -> Result<Playbook, Vec<Mistake>> {
    Err(Vec::new())
}
