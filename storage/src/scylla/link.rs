//! The connection to the servers: one session, its own threads, a bound on what is in flight.
//!
//! The driver routes by token, prepares again what a restarted server has forgotten, and connects again by itself. Leaves
//! out what is asked.

use super::outcome;
use crate::{ScyllaOptions, StoreError, metrics};
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::ExecutionError;
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::serialize::batch::BatchValues;
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::Batch;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency};
use scylla::value::{CqlValue, Row};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Threads that speak with the servers. Two: reading and writing sockets is little work.
const THREADS: usize = 2;

/// A session and its bounds.
pub(super) struct Link {
    session: Session,
    pub keyspace: String,
    permits: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
    _threads: Threads,
}

impl Link {
    /// Connects. Waits as long as `connect_timeout_ms` for each server.
    pub async fn connect(options: &ScyllaOptions) -> Result<Link, StoreError> {
        options.check()?;
        let threads = Threads::start()?;
        let profile = ExecutionProfile::builder()
            .consistency(Consistency::LocalQuorum)
            .serial_consistency(Some(SerialConsistency::LocalSerial))
            .request_timeout(Some(Duration::from_millis(options.request_timeout_ms)))
            .speculative_execution_policy(None)
            .build();
        let mut builder = SessionBuilder::new()
            .known_nodes(&options.hosts)
            .connection_timeout(Duration::from_millis(options.connect_timeout_ms))
            .metadata_request_clientside_timeout(Duration::from_millis(options.connect_timeout_ms))
            .keepalive_interval(Duration::from_millis(options.keepalive_ms))
            .keepalive_timeout(Duration::from_millis(options.keepalive_ms))
            .keyspaces_to_fetch([&options.keyspace])
            .fetch_full_schema_metadata(false)
            .driver_config_reporting(false)
            .default_execution_profile_handle(profile.into_handle());
        if let Some(datacenter) = &options.datacenter {
            builder = builder.prefer_datacenter(datacenter.clone());
        }
        if let Some(user) = &options.user {
            builder = builder.user(user, options.password.as_deref().unwrap_or_default());
        }
        let session = threads.run(async move { builder.build().await }).await?;
        let hosts = options.hosts.join(",");
        let session = session
            .map_err(|error| StoreError::Unavailable(format!("{hosts}: {}", outcome::told(&error))))?;
        Ok(Link {
            session,
            keyspace: options.keyspace.clone(),
            permits: Semaphore::new(options.in_flight_max),
            waiting: AtomicUsize::new(0),
            waiting_max: options.waiting_max,
            _threads: threads,
        })
    }

    /// Prepares a statement; `ks.` in it stands for the keyspace.
    pub async fn prepare(&self, text: &str) -> Result<PreparedStatement, StoreError> {
        let text = text.replace("ks.", &format!("{}.", self.keyspace));
        let prepared = self.session.prepare(text).await;
        prepared.map_err(|error| StoreError::Unavailable(outcome::told(&error)))
    }

    /// Prepares a read: repeated by the driver when that may help.
    pub async fn prepare_read(&self, text: &str) -> Result<PreparedStatement, StoreError> {
        let mut prepared = self.prepare(text).await?;
        prepared.set_is_idempotent(true);
        Ok(prepared)
    }

    /// A statement without values, for schema changes and what must work before tables are there.
    pub async fn plain(&self, text: &str) -> Result<QueryResult, ExecutionError> {
        let text = text.replace("ks.", &format!("{}.", self.keyspace));
        self.session.query_unpaged(text, ()).await
    }

    /// Reads rows.
    pub async fn read(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<QueryRowsResult, StoreError> {
        let _permit = self.permit().await?;
        let result = self.session.execute_unpaged(statement, values).await;
        let result = result.map_err(|error| outcome::of_read(&error))?;
        result.into_rows_result().map_err(|error| outcome::of_shape(&error))
    }

    /// Writes; for what does not matter who wrote it (bodies named by what they hold).
    pub async fn write(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<(), StoreError> {
        let _permit = self.permit().await?;
        let result = self.session.execute_unpaged(statement, values).await;
        result.map(drop).map_err(|error| outcome::of_write(&error))
    }

    /// Writes one partition at once.
    pub async fn write_all(&self, batch: &Batch, values: impl BatchValues) -> Result<(), StoreError> {
        let result = self.session.batch(batch, values).await;
        result.map(drop).map_err(|error| outcome::of_write(&error))
    }

    /// Compare-and-set: whether it was applied.
    pub async fn compare_and_set(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<bool, StoreError> {
        let _permit = self.permit().await?;
        let result = self.session.execute_unpaged(statement, values).await;
        let rows = result.map_err(|error| outcome::of_write(&error))?.into_rows_result();
        let rows = rows.map_err(|error| outcome::of_shape(&error))?;
        let row = rows.first_row::<Row>().map_err(|error| outcome::of_shape(&error))?;
        match row.columns.first() {
            Some(Some(CqlValue::Boolean(applied))) => Ok(*applied),
            _ => Err(outcome::of_shape(&"no [applied] in it")),
        }
    }

    /// Leave to have one more request in flight.
    pub async fn permit(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let _waiting = Waiting::within(&self.waiting, self.waiting_max)?;
        let closed = |_| StoreError::Unavailable("the store is closed".into());
        self.permits.acquire().await.map_err(closed)
    }
}

/// Counts a caller while it waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn within(count: &'a AtomicUsize, waiting_max: usize) -> Result<Self, StoreError> {
        let before = count.fetch_add(1, Ordering::AcqRel);
        let waiting = Waiting(count);
        if before >= waiting_max {
            metrics::busy();
            return Err(StoreError::Busy { waiting_max });
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Threads of the driver's own: a busy shard must not keep an answer from being read.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> Result<Threads, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("storage-scylla")
            .enable_all()
            .build();
        let refused =
            |error| StoreError::Unavailable(format!("no threads to speak with the servers: {error}"));
        Ok(Threads(Some(runtime.map_err(refused)?)))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ended = || StoreError::Unavailable("the threads that speak with the servers have ended".into());
        let runtime = self.0.as_ref().ok_or_else(ended)?;
        runtime.spawn(work).await.map_err(|_| ended())
    }
}

impl Drop for Threads {
    /// A runtime may not be waited for on an async thread.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
