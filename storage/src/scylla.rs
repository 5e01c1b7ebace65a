//! The store that a cluster shares: ScyllaDB, or any server that speaks CQL as Apache Cassandra does.
//!
//! Compares nothing on the way of a turn: every write carries a mark made of the owner's epoch, and the highest mark wins,
//! so a former owner can neither overwrite nor bring anything back (`mark`, `cell`). One partition a customer, one
//! request a turn, one read an activation. Playbooks, the dictionary and ownership are compared and set by the servers
//! (LWT), which customers never are: it would cost four times as much, and must not be mixed with plain writes.
//!
//! Leaves out TLS (use a private network), materialized views and everything else that only one of the two servers has.
//!
//! Reading order: the order of writes (`mark`), what is written (`cell`), how (`link`, `statements`,
//! `outcome`), customers (`customer_store`, `decision_log`, `walk`), what all share (`playbook_store`, `ownership`), and
//! how the tables come about (`migrate`).

mod mark;
mod cell;
mod outcome;
mod link;
mod statements;
mod customer_store;
mod decision_log;
mod walk;
mod playbook_store;
mod evidence_store;
mod due_index;
mod total_store;
mod ownership;
pub(crate) mod migrate;

use crate::{ScyllaOptions, StoreError};
use due_index::Hours;
use link::Link;
use mark::Marks;
use statements::Statements;

pub use migrate::{Migrated, migrate};
pub use ownership::{Claim, Claimant};

/// Remembers in ScyllaDB.
///
/// Of all stores on one keyspace, one at a time may own the customers: see [`Scylla::claim`].
pub struct Scylla {
    link: Link,
    /// Boxed: there are many, and every future of a store would carry them.
    statements: Box<Statements>,
    marks: Marks,
    hours: Hours,
    options: ScyllaOptions,
}

impl Scylla {
    /// Connects and checks the schema. Needs a tokio runtime to wait on.
    ///
    /// Errors: [`Unavailable`](StoreError::Unavailable) when no server answers, refuses the role, or its tables are not
    /// those of this program; the text says what to do.
    pub async fn connect(options: ScyllaOptions) -> Result<Scylla, StoreError> {
        let link = Link::connect(&options).await?;
        migrate::check(&link).await?;
        let statements = Box::pin(Statements::prepare(&link)).await?;
        Ok(Scylla { link, statements, marks: Marks::new(), hours: Hours::new(), options })
    }
}
