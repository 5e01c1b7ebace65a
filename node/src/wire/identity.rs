//! Who is who: other ids of a customer.

use crate::wire::bounds::{self, SOURCE_BYTES_MAX};
use crate::wire::decision::Bad;
use crate::wire::time::Time;
use actors::Name;
use actors::call::CustomerId;
use actors::call::identity::{Link, LinkState};
use actors::customer::view::MergeView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Another id of a customer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LinkAnswer {
    /// The id.
    pub alias: String,
    /// The line it belongs to.
    pub line: Option<Name>,
    /// Since when.
    pub since: Time,
    /// active; pending or ending when a change was not brought to its end: repeat it.
    pub state: &'static str,
    /// The id was a customer of its own, before a merge.
    pub merged: bool,
}

impl LinkAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(link: &Link) -> Self {
        LinkAnswer {
            alias: link.alias.as_str().to_owned(),
            line: link.pointer.line.clone(),
            since: Time(link.since),
            state: link.state.word(),
            merged: link.merged,
        }
    }
}

/// The ids that stand for the customer for certain.
#[must_use]
pub fn in_force(links: &[Link]) -> Vec<String> {
    let active = links.iter().filter(|link| link.state == LinkState::Active);
    active.map(|link| link.alias.as_str().to_owned()).collect()
}

/// What goes with a new alias.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct AliasBody {
    /// The line it belongs to, such as a SIM or a fixed line, at most 64 bytes.
    pub line: Option<String>,
}

impl AliasBody {
    /// The line as the actors know it.
    ///
    /// # Errors
    /// `bad_request` for an empty line, `text_too_long`.
    pub fn into_line(self) -> Result<Option<Name>, Bad> {
        let Some(line) = self.line else { return Ok(None) };
        if line.is_empty() {
            return Err(("bad_request", "line is empty; leave it out".to_owned()));
        }
        bounds::text("line", &line, SOURCE_BYTES_MAX).map_err(|detail| ("text_too_long", detail))?;
        Ok(Some(line.as_str().into()))
    }
}

/// What became of an alias.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AliasAnswer {
    /// The customer, under its own id.
    pub customer: String,
    /// The alias.
    pub alias: String,
    /// False when there was nothing to remove.
    pub applied: bool,
}

/// Names of merges are this long at most, bytes.
const MERGE_ID_BYTES_MAX: usize = 128;

/// Which customer to take in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct MergeBody {
    /// Any id of the customer to take in.
    pub from: String,
    /// Names the merge: repeated with the same name, it has one effect; to undo it, name it again. 1 to 128 bytes.
    pub merge_id: String,
}

/// Which merge to undo.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct UnmergeBody {
    /// The merge's name.
    pub merge_id: String,
}

impl MergeBody {
    /// Who is taken in, and the merge's name.
    ///
    /// # Errors
    /// `bad_request` for what is no id.
    pub fn into_merge(self) -> Result<(CustomerId, Name), Bad> {
        let from = CustomerId::new(&self.from).ok_or_else(|| {
            ("bad_request", "from must be 1 to 128 bytes without control characters".to_owned())
        })?;
        Ok((from, merge_id(&self.merge_id)?))
    }
}

impl UnmergeBody {
    /// The merge's name.
    ///
    /// # Errors
    /// `bad_request` for what is no name.
    pub fn into_merge_id(self) -> Result<Name, Bad> {
        merge_id(&self.merge_id)
    }
}

fn merge_id(text: &str) -> Result<Name, Bad> {
    match (1..=MERGE_ID_BYTES_MAX).contains(&text.len()) {
        true => Ok(text.into()),
        false => Err(("bad_request", format!("merge_id must be 1 to {MERGE_ID_BYTES_MAX} bytes"))),
    }
}

/// What became of a merge.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MergeAnswer {
    /// The survivor, under its own id.
    pub customer: String,
    /// Who was taken in, or goes on alone.
    pub from: String,
    /// The merge's name.
    pub merge_id: Name,
    /// False when it had been done before.
    pub applied: bool,
}

/// A customer that was taken in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MergedAnswer {
    /// The merge's name.
    pub merge_id: Name,
    /// Who was taken in.
    pub from: String,
    /// Since when.
    pub at: Time,
}

impl MergedAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(merge: &MergeView) -> Self {
        MergedAnswer {
            merge_id: merge.merge_id.clone(),
            from: merge.from.as_str().to_owned(),
            at: Time(merge.at),
        }
    }
}
