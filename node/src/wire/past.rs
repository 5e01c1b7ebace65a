//! A customer's past, in pages: contacts, decisions, and the export of everything.

use crate::wire::consent::ConsentAnswer;
use crate::wire::customer::{ContactAnswer, CustomerAnswer};
use crate::wire::decision::DecisionAnswer;
use crate::wire::time::Time;
use actors::{Name, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Rows of a page when the caller does not say.
pub const PAGE_ROWS: usize = 50;
/// Most rows of a page: a decision takes some 10 KB.
pub const PAGE_ROWS_MAX: usize = 500;

/// Which part of the past.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct PageQuery {
    /// Only at or after this time.
    pub from: Option<Time>,
    /// Only before this time.
    pub to: Option<Time>,
    /// Rows of the page, 1 to 500; 50 when left out.
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which offer to explain.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct OfferQuery {
    /// Only this offer: why it, or why not.
    pub offer: Option<String>,
}

impl PageQuery {
    /// The page for the store.
    ///
    /// # Errors
    /// `bad_limit`, `bad_cursor`.
    pub fn page(&self) -> Result<storage::Page, (&'static str, String)> {
        let rows_max = usize::try_from(self.limit.unwrap_or(PAGE_ROWS as i64)).unwrap_or(0);
        if !(1..=PAGE_ROWS_MAX).contains(&rows_max) {
            return Err(("bad_limit", format!("limit must be 1 to {PAGE_ROWS_MAX}")));
        }
        let after = match &self.cursor {
            Some(cursor) => Some(read_cursor(cursor).ok_or_else(|| {
                ("bad_cursor", "cursor must be the next_cursor of the page before".to_string())
            })?),
            None => None,
        };
        let from_ms = self.from.map_or(i64::MIN, |at| at.0.ms());
        let to_ms = self.to.map_or(i64::MAX, |at| at.0.ms());
        Ok(storage::Page { from_ms, to_ms, after, rows_max })
    }
}

/// Where the next page goes on: the last row's time and id, hexadecimal so that nobody reads a meaning into it.
#[must_use]
pub fn write_cursor(at_ms: i64, id: &str) -> String {
    format!("{at_ms}:{id}").bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn read_cursor(hex: &str) -> Option<(i64, String)> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect();
    let text = String::from_utf8(bytes?).ok()?;
    let (at_ms, id) = text.split_once(':')?;
    Some((at_ms.parse().ok()?, id.to_string()))
}

/// A page of contacts, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ContactsPage {
    /// Newest first.
    pub contacts: Vec<ContactAnswer>,
    /// Where the next page goes on; null: this was the last.
    pub next_cursor: Option<String>,
}

/// A page of decisions, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DecisionsPage {
    /// Newest first.
    pub decisions: Vec<DecisionAnswer>,
    /// Where the next page goes on; null: this was the last.
    pub next_cursor: Option<String>,
}

/// Everything known of a customer, in one document.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExportAnswer {
    /// What is known now.
    #[serde(flatten)]
    pub head: ExportHead,
    /// All contacts, newest first.
    pub contacts: Vec<ContactAnswer>,
    /// All decisions, newest first.
    pub decisions: Vec<ExportedDecision>,
}

/// An export up to its lists.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExportHead {
    /// Whose.
    pub customer: String,
    /// When it was written.
    pub exported_at: Time,
    /// What is known now.
    pub view: CustomerAnswer,
    /// All consents ever recorded, oldest first.
    pub consent_history: Vec<ConsentAnswer>,
    /// What is kept beyond that, in the program's own form, which may change with it: tags of earlier playbooks, what derived
    /// tags are made of, responses that may add up to a refusal, hashes of ids heard before, stages, links and merges.
    pub state: Json,
}

/// A decision with its question.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExportedDecision {
    /// The answer.
    #[serde(flatten)]
    pub decision: DecisionAnswer,
    /// Where it was asked for.
    pub placement: Option<Name>,
    /// What was known of the moment.
    pub context: Json,
    /// The caller's name of the question.
    pub request_id: Option<String>,
}

/// Rows of an export that are read at once.
const EXPORT_ROWS: usize = 100;

/// All of the past, in pages.
#[must_use]
pub fn from_the_latest() -> storage::Page {
    let last = Timestamp::from_ms(i64::MAX).ms();
    storage::Page { from_ms: i64::MIN, to_ms: last, after: None, rows_max: EXPORT_ROWS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_row_and_nothing_else_is_one() {
        let check = |cursor: &str, expected: Option<(i64, &str)>| {
            let expected = expected.map(|(at_ms, id)| (at_ms, id.to_string()));
            assert_eq!(read_cursor(cursor), expected, "{cursor}");
        };
        check(&write_cursor(-5, "a:b-ü"), Some((-5, "a:b-ü")));
        for wrong in ["", "0", "zz", "üü", "3132", "ff3a61"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_page_has_1_to_500_rows() {
        let check = |limit: Option<i64>, expected: Option<usize>| {
            let page = PageQuery { limit, ..PageQuery::default() }.page();
            assert_eq!(page.map(|page| page.rows_max).ok(), expected, "{limit:?}");
        };
        check(None, Some(50));
        check(Some(1), Some(1));
        check(Some(500), Some(500));
        for wrong in [0, -1, 501, i64::MAX] {
            check(Some(wrong), None);
        }
    }
}
