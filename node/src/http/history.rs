//! A customer's rows, under all the ids they were written: one that was merged in keeps its own.
//!
//! Pages of several ids are merged into one order, newest first. Leaves out what the rows say.

use actors::call::CustomerId;
use actors::customer::view::CustomerView;
use storage::{ContactRow, CustomerKey, DecisionRow, Page, Store, StoreError};

/// The ids under which a customer's rows are kept, its own first.
#[derive(Clone, Debug)]
pub struct History {
    ids: Vec<CustomerId>,
}

/// A page, and where the next one goes on.
#[derive(Debug)]
pub struct Rows<R> {
    /// Newest first.
    pub rows: Vec<R>,
    /// `(at_ms, id)` of the last row when there may be more.
    pub next: Option<(i64, String)>,
}

/// What rows are ordered and told apart by.
trait Row {
    fn place(&self) -> (i64, &str);
}

impl Row for ContactRow {
    fn place(&self) -> (i64, &str) {
        (self.at_ms, &self.contact_id)
    }
}

impl Row for DecisionRow {
    fn place(&self) -> (i64, &str) {
        (self.at_ms, &self.decision_id)
    }
}

impl History {
    /// Of a customer as it showed itself.
    #[must_use]
    pub fn of(view: &CustomerView) -> Self {
        let merged = view.links.iter().filter(|link| link.merged).map(|link| link.alias.clone());
        History { ids: std::iter::once(view.customer.clone()).chain(merged).collect() }
    }

    /// A page of contacts. A contact changed after a merge has a newer row under the customer's own id.
    ///
    /// # Errors
    /// The store's.
    pub async fn contacts(&self, store: &dyn Store, page: &Page) -> Result<Rows<ContactRow>, StoreError> {
        let mut pages = Vec::with_capacity(self.ids.len());
        for id in &self.ids {
            pages.push(store.contacts(&key(id), page.clone()).await?);
        }
        Ok(merge(pages, page.rows_max))
    }

    /// A page of decisions.
    ///
    /// # Errors
    /// The store's.
    pub async fn decisions(&self, store: &dyn Store, page: &Page) -> Result<Rows<DecisionRow>, StoreError> {
        let mut pages = Vec::with_capacity(self.ids.len());
        for id in &self.ids {
            pages.push(store.decisions(&key(id), page.clone()).await?);
        }
        Ok(merge(pages, page.rows_max))
    }

    /// One decision, and the id it was taken for.
    ///
    /// # Errors
    /// The store's.
    pub async fn decision(
        &self,
        store: &dyn Store,
        decision_id: &str,
    ) -> Result<Option<(CustomerId, DecisionRow)>, StoreError> {
        for id in &self.ids {
            if let Some(row) = store.decision(&key(id), decision_id).await? {
                return Ok(Some((id.clone(), row)));
            }
        }
        Ok(None)
    }
}

/// Of rows with the same place the one of the earlier list is taken.
fn merge<R: Row>(pages: Vec<Vec<R>>, rows_max: usize) -> Rows<R> {
    let mut full = pages.iter().any(|rows| rows.len() >= rows_max);
    let mut rows: Vec<R> = pages.into_iter().flatten().collect();
    rows.sort_by(|a, b| b.place().cmp(&a.place()));
    rows.dedup_by(|later, earlier| later.place() == earlier.place());
    full |= rows.len() > rows_max;
    rows.truncate(rows_max);
    let last = rows.last().filter(|_| full).map(Row::place);
    let next = last.map(|(at_ms, id)| (at_ms, id.to_owned()));
    Rows { rows, next }
}

fn key(customer: &CustomerId) -> CustomerKey {
    CustomerKey { hash: customer.hash64(), id: customer.to_arc() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at_ms: i64, id: &str, body: u8) -> ContactRow {
        ContactRow { contact_id: id.into(), at_ms, body: [body].as_slice().into() }
    }

    #[test]
    fn pages_of_several_ids_are_one_order_and_no_row_is_skipped_or_told_twice() {
        let all = [
            vec![row(9, "a", 0), row(7, "b", 0), row(3, "c", 0), row(1, "d", 0)],
            vec![row(8, "e", 1), row(7, "b", 1), row(2, "f", 1)],
        ];
        for rows_max in 1..8 {
            let (mut after, mut told) = (None::<(i64, String)>, Vec::new());
            loop {
                let page = |rows: &Vec<ContactRow>| -> Vec<ContactRow> {
                    let later = |row: &&ContactRow| {
                        after.as_ref().is_none_or(|(at_ms, id)| row.place() < (*at_ms, id.as_str()))
                    };
                    rows.iter().filter(later).take(rows_max).cloned().collect()
                };
                let merged = merge(all.iter().map(page).collect(), rows_max);
                assert!(merged.rows.len() <= rows_max);
                told.extend(merged.rows.iter().map(|row| (row.contact_id.clone(), row.body[0])));
                match merged.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            let told: Vec<(&str, u8)> = told.iter().map(|(id, body)| (id.as_str(), *body)).collect();
            let expected = [("a", 0), ("e", 1), ("b", 0), ("c", 0), ("f", 1), ("d", 0)];
            assert_eq!(told, expected, "{rows_max} rows a page");
        }
    }
}
