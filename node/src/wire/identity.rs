//! Who is who: other ids of a customer.

use crate::wire::bounds::{self, SOURCE_BYTES_MAX};
use crate::wire::decision::Bad;
use crate::wire::time::Time;
use actors::Name;
use actors::call::identity::{Link, LinkState};
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
