//! Totals: read, and set if nobody came between (LWT). Asked for in slices, so far less often than customers are saved.
//!
//! A try whose answer is lost is not repeated here: what it may have granted is lost, which the contract allows.

use super::{Scylla, outcome};
use crate::{StoreError, StoreFuture, TotalLease, TotalStore, grantable};

/// How often a total is read again because somebody else set it in between.
const TRIES_MAX: usize = 16;

impl Scylla {
    /// `None`: never granted.
    async fn granted(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let answer = self.link.read(&self.statements.total, (name,)).await?;
        let row = answer.maybe_first_row::<(i64,)>().map_err(|error| outcome::of_shape(&error))?;
        Ok(row.map(|(granted,)| granted as u64))
    }

    async fn set_granted(&self, name: &str, before: Option<u64>, granted: u64) -> Result<bool, StoreError> {
        let granted = i64::try_from(granted).map_err(|error| outcome::of_shape(&error))?;
        match before {
            None => self.link.compare_and_set(&self.statements.put_first_total, (name, granted)).await,
            Some(before) => {
                let values = (granted, name, before as i64);
                self.link.compare_and_set(&self.statements.put_total, values).await
            }
        }
    }

    async fn lease_units(&self, lease: &TotalLease) -> Result<u64, StoreError> {
        for _ in 0..TRIES_MAX {
            let before = self.granted(&lease.name).await?;
            let units = grantable(before.unwrap_or(0), lease);
            if units == 0 || self.set_granted(&lease.name, before, before.unwrap_or(0) + units).await? {
                return Ok(units);
            }
        }
        Err(StoreError::Busy { waiting_max: TRIES_MAX })
    }

    async fn give_units_back(&self, name: &str, units: u64) -> Result<(), StoreError> {
        for _ in 0..TRIES_MAX {
            let Some(before) = self.granted(name).await? else { return Ok(()) };
            if units == 0 || self.set_granted(name, Some(before), before.saturating_sub(units)).await? {
                return Ok(());
            }
        }
        Err(StoreError::Busy { waiting_max: TRIES_MAX })
    }
}

impl TotalStore for Scylla {
    fn lease_total(&self, lease: TotalLease) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.lease_units(&lease).await })
    }

    fn give_back_total<'a>(&'a self, name: &'a str, units: u64) -> StoreFuture<'a, ()> {
        Box::pin(self.give_units_back(name, units))
    }

    fn granted_total<'a>(&'a self, name: &'a str) -> StoreFuture<'a, u64> {
        Box::pin(async move { Ok(self.granted(name).await?.unwrap_or(0)) })
    }
}
