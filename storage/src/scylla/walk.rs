//! All customers, in the order of their tokens: each page goes on where the last one ended on the ring.
//!
//! For transfers and plans over everybody, never for serving. Two ids with one token would be met as one: with 64 bits that
//! is not expected in a lifetime.

use super::customer_store::customer_of;
use super::{Scylla, outcome};
use crate::{StoreError, WalkPage, WalkPlace};
use scylla::value::{CqlValue, Row};
use std::sync::Arc;

impl Scylla {
    pub(super) async fn walk_page(
        &self,
        after: Option<WalkPlace>,
        rows_max: usize,
    ) -> Result<WalkPage, StoreError> {
        let unreadable =
            || StoreError::Unavailable("a walk goes on from a place that an earlier page named".into());
        let after = after.map_or(Ok(i64::MIN), |place| place.0.parse::<i64>().map_err(|_| unreadable()))?;
        let limit = i32::try_from(rows_max.max(1)).unwrap_or(i32::MAX);
        let answer = self.link.read(&self.statements.walk, (after, limit)).await?;
        let mut page = WalkPage { customers: Vec::new(), next: None };
        let (mut count, mut last) = (0, after);
        for row in answer.rows::<Row>().map_err(|error| outcome::of_shape(&error))? {
            let row = row.map_err(|error| outcome::of_shape(&error))?;
            let (Some(Some(CqlValue::Text(id))), cells) = (row.columns.first(), &row.columns[1..]) else {
                return Err(outcome::of_shape(&"a customer without an id"));
            };
            (count, last) = (count + 1, self.token(id)?);
            if let Some((stored, _)) = customer_of(cells)? {
                page.customers.push((Arc::from(id.as_str()), stored));
            }
        }
        page.next = (count == limit).then(|| WalkPlace(last.to_string()));
        Ok(page)
    }

    fn token(&self, id: &str) -> Result<i64, StoreError> {
        let token =
            self.statements.load.calculate_token(&(id,)).map_err(|error| outcome::of_shape(&error))?;
        token.map(|token| token.value()).ok_or_else(|| outcome::of_shape(&"a statement without a token"))
    }
}
