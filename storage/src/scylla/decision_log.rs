//! A customer's contacts and decisions, newest first; without those of turns that never became part of the customer.

use super::customer_store::Kind;
use super::mark::Mark;
use super::{Scylla, outcome};
use crate::{ContactRow, CustomerKey, DecisionLog, DecisionRow, Page, StoreError, StoreFuture};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows asked for at once: a decision holds a snapshot, so this is at most a few hundred kilobytes.
const ROWS_AT_ONCE: usize = 100;

/// A row as read, and the mark it was written under.
struct Found {
    at_ms: i64,
    key: String,
    body: Arc<[u8]>,
    mark: Mark,
}

/// Spans of marks, ends excluded, in which whatever was written does not count.
struct Dead(Vec<(Mark, Mark)>);

impl Dead {
    fn covers(&self, mark: Mark) -> bool {
        self.0.iter().any(|(from, to)| *from < mark && mark < *to)
    }
}

impl Scylla {
    async fn page(&self, customer: &CustomerKey, kind: Kind, page: &Page) -> Result<Vec<Found>, StoreError> {
        let dead = self.dead(customer).await?;
        let mut found = Vec::new();
        // Before everything at `to_ms`, as no key is empty; or before the row that the last page ended with.
        let mut below = (page.to_ms, String::new());
        if let Some(after) = page.after.clone().filter(|after| *after < below) {
            below = after;
        }
        while found.len() < page.rows_max {
            let wanted = ROWS_AT_ONCE.min(page.rows_max - found.len());
            let rows = self.rows_below(customer, kind, page.from_ms, &below, wanted).await?;
            let count = rows.len();
            if let Some(last) = rows.last() {
                below = (last.at_ms, last.key.clone());
            }
            found.extend(rows.into_iter().filter(|row| !dead.covers(row.mark)));
            if count < wanted {
                break;
            }
        }
        Ok(found)
    }

    async fn rows_below(
        &self,
        customer: &CustomerKey,
        kind: Kind,
        from_ms: i64,
        below: &(i64, String),
        rows_max: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let kind = kind.code();
        let values = (
            &*customer.id,
            kind,
            below.0,
            &*below.1,
            kind,
            from_ms,
            "",
            i32::try_from(rows_max).unwrap_or(i32::MAX),
        );
        let answer = self.link.read(&self.statements.rows, values).await?;
        let rows = answer.rows::<(i64, String, Vec<u8>, i64)>().map_err(|error| outcome::of_shape(&error))?;
        let found = rows.map(|row| {
            let (at_ms, key, body, written) = row.map_err(|error| outcome::of_shape(&error))?;
            Ok(Found { at_ms, key, body: body.into(), mark: Mark::from_timestamp(written) })
        });
        found.collect()
    }

    async fn row(
        &self,
        customer: &CustomerKey,
        kind: Kind,
        at_ms: i64,
        key: &str,
    ) -> Result<Option<(Vec<u8>, Mark)>, StoreError> {
        let values = (&*customer.id, kind.code(), at_ms, key);
        let answer = self.link.read(&self.statements.row, values).await?;
        let row = answer.maybe_first_row::<(Vec<u8>, i64)>().map_err(|error| outcome::of_shape(&error))?;
        Ok(row.map(|(body, written)| (body, Mark::from_timestamp(written))))
    }

    async fn dead(&self, customer: &CustomerKey) -> Result<Dead, StoreError> {
        let answer = self.link.read(&self.statements.dead, (&*customer.id,)).await?;
        let row = answer.maybe_first_row::<(String, Option<BTreeMap<i64, i64>>)>();
        let spans = row.map_err(|error| outcome::of_shape(&error))?.and_then(|(_, spans)| spans);
        let marks = |(from, to)| (Mark::from_timestamp(from), Mark::from_timestamp(to));
        Ok(Dead(spans.unwrap_or_default().into_iter().map(marks).collect()))
    }

    async fn decision_by_id(
        &self,
        customer: &CustomerKey,
        decision_id: &str,
    ) -> Result<Option<DecisionRow>, StoreError> {
        let Some((place, _)) = self.row(customer, Kind::DecisionPlace, 0, decision_id).await? else {
            return Ok(None);
        };
        let at_ms = place.try_into().map(i64::from_le_bytes);
        let at_ms = at_ms.map_err(|_| StoreError::Corrupt("the place of a decision is no time".into()))?;
        let Some((body, mark)) = self.row(customer, Kind::Decision, at_ms, decision_id).await? else {
            return Ok(None);
        };
        if self.dead(customer).await?.covers(mark) {
            return Ok(None);
        }
        Ok(Some(DecisionRow { decision_id: decision_id.to_owned(), at_ms, body: body.into() }))
    }
}

impl DecisionLog for Scylla {
    fn contacts<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<ContactRow>> {
        Box::pin(async move {
            let found = self.page(customer, Kind::Contact, &page).await?;
            let row = |row: Found| ContactRow { contact_id: row.key, at_ms: row.at_ms, body: row.body };
            Ok(found.into_iter().map(row).collect())
        })
    }

    fn decisions<'a>(&'a self, customer: &'a CustomerKey, page: Page) -> StoreFuture<'a, Vec<DecisionRow>> {
        Box::pin(async move {
            let found = self.page(customer, Kind::Decision, &page).await?;
            let row = |row: Found| DecisionRow { decision_id: row.key, at_ms: row.at_ms, body: row.body };
            Ok(found.into_iter().map(row).collect())
        })
    }

    fn decision<'a>(
        &'a self,
        customer: &'a CustomerKey,
        decision_id: &'a str,
    ) -> StoreFuture<'a, Option<DecisionRow>> {
        Box::pin(self.decision_by_id(customer, decision_id))
    }
}
