//! How a store is set up.

use crate::StoreError;

/// How the embedded store is set up. Every bound is here, with its unit in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// Page cache of the writer, bytes. Default 64 MiB: the upper levels of the tree for tens of millions of
    /// customers, and the leaves of the busiest. Readers leave caching to the operating system.
    pub cache_bytes: usize,
    /// Most writes that share one commit. Default 512: larger groups gain little throughput and add the time of
    /// the whole group to everyone's wait.
    pub group_max: usize,
    /// Most writes that wait for the writer; one more is refused as busy. Default 4,096: eight full groups, a
    /// fraction of a second of work and about 10 MB of snapshots.
    pub waiting_writes_max: usize,
    /// Most reads that wait for a reader; one more is refused as busy. Default 4,096.
    pub waiting_reads_max: usize,
    /// Threads that read, each with a connection of its own. Default 2: one slow page of history does not hold up
    /// the loads behind it.
    pub reader_count: usize,
    /// Bytes of the write-ahead log not yet in the main file that start a checkpoint beside the writer.
    /// Default 32 MiB: rewritten pages are copied once, and a reopen after a crash reads little.
    pub checkpoint_bytes: u64,
    /// Bytes of the write-ahead log at which the writer waits for a checkpoint, so that the log stays bounded
    /// under steady load. Default 256 MiB, a few seconds of full load.
    pub wal_bytes_max: u64,
    /// Quiet time after which the write-ahead log is emptied, milliseconds. Default 1,000.
    pub idle_after_ms: u64,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        EmbeddedOptions {
            cache_bytes: 64 << 20,
            group_max: 512,
            waiting_writes_max: 4096,
            waiting_reads_max: 4096,
            reader_count: 2,
            checkpoint_bytes: 32 << 20,
            wal_bytes_max: 256 << 20,
            idle_after_ms: 1000,
        }
    }
}

impl EmbeddedOptions {
    /// Refuses options under which nothing could ever be served.
    ///
    /// Errors: [`Unavailable`](StoreError::Unavailable), naming the option.
    pub fn check(&self) -> Result<(), StoreError> {
        let counts = [
            ("group_max", self.group_max as u64),
            ("waiting_writes_max", self.waiting_writes_max as u64),
            ("waiting_reads_max", self.waiting_reads_max as u64),
            ("reader_count", self.reader_count as u64),
            ("checkpoint_bytes", self.checkpoint_bytes),
            ("idle_after_ms", self.idle_after_ms),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, value)| *value == 0) {
            return Err(StoreError::Unavailable(format!("option {name} must be at least 1")));
        }
        if self.wal_bytes_max < self.checkpoint_bytes {
            return Err(StoreError::Unavailable(
                "option wal_bytes_max must not be below checkpoint_bytes".into(),
            ));
        }
        Ok(())
    }
}

/// How the store over CQL is set up. Every bound is here, with its unit in its name.
#[derive(Clone, PartialEq, Eq)]
pub struct ScyllaOptions {
    /// Servers to begin with, as host:port; the others are heard of from them.
    pub hosts: Vec<String>,
    /// Where the tables are: 1 to 48 lower-case letters, digits and underscores. Default rapport.
    pub keyspace: String,
    /// The role to log in as; none where the servers ask for none.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// The data centre whose servers are asked, and whose quorum counts; that of the first server when left out.
    pub datacenter: Option<String>,
    /// How long one request may take, milliseconds. Default 2,000: a server that takes longer is as good as gone, and a
    /// caller with a deadline of 5 seconds still hears of it.
    pub request_timeout_ms: u64,
    /// How long a connection may take to come about, milliseconds. Default 5,000.
    pub connect_timeout_ms: u64,
    /// How often a quiet connection is tried, and how long its answer may take, milliseconds. Default 3,000: a server that
    /// vanished without a word is noticed in 6 seconds.
    pub keepalive_ms: u64,
    /// Most requests in flight. Default 1,024: more only wait inside the servers, where nobody can refuse them.
    pub in_flight_max: usize,
    /// Most callers that wait for one of those; one more is refused as busy. Default 4,096.
    pub waiting_max: usize,
    /// Most bytes that one turn may write. Default 8 MiB: half of the 16 MiB that servers take at their defaults.
    pub write_bytes_max: usize,
    /// How long a contact's row is kept, seconds. Default 63,072,000 (two years).
    pub contact_row_ttl_s: i32,
    /// How long a decision's row is kept, seconds. Default 34,560,000 (400 days): the same day last year can be explained.
    pub decision_row_ttl_s: i32,
}

impl Default for ScyllaOptions {
    fn default() -> Self {
        ScyllaOptions {
            hosts: vec!["127.0.0.1:9042".into()],
            keyspace: "rapport".into(),
            user: None,
            password: None,
            datacenter: None,
            request_timeout_ms: 2000,
            connect_timeout_ms: 5000,
            keepalive_ms: 3000,
            in_flight_max: 1024,
            waiting_max: 4096,
            write_bytes_max: 8 << 20,
            contact_row_ttl_s: 63_072_000,
            decision_row_ttl_s: 34_560_000,
        }
    }
}

/// Never shows the password.
impl std::fmt::Debug for ScyllaOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (hosts, keyspace) = (&self.hosts, &self.keyspace);
        f.debug_struct("ScyllaOptions")
            .field("hosts", hosts)
            .field("keyspace", keyspace)
            .finish_non_exhaustive()
    }
}

impl ScyllaOptions {
    /// Refuses options under which nothing could ever be served.
    ///
    /// Errors: [`Unavailable`](StoreError::Unavailable), naming the option.
    pub fn check(&self) -> Result<(), StoreError> {
        let wrong = |what: String| Err(StoreError::Unavailable(what));
        if self.hosts.is_empty() || self.hosts.iter().any(|host| !host.contains(':')) {
            return wrong("option hosts must name servers as host:port".into());
        }
        let named =
            |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let starts = |name: &str| name.starts_with(|first: char| first.is_ascii_lowercase());
        if !named(&self.keyspace) || !starts(&self.keyspace) || self.keyspace.len() > 48 {
            return wrong(format!(
                "option keyspace must be 1 to 48 lower-case letters, digits and underscores and begin with a letter, not {:?}",
                self.keyspace
            ));
        }
        let counts = [
            ("request_timeout_ms", self.request_timeout_ms),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("keepalive_ms", self.keepalive_ms),
            ("in_flight_max", self.in_flight_max as u64),
            ("write_bytes_max", self.write_bytes_max as u64),
            ("contact_row_ttl_s", u64::try_from(self.contact_row_ttl_s).unwrap_or(0)),
            ("decision_row_ttl_s", u64::try_from(self.decision_row_ttl_s).unwrap_or(0)),
        ];
        match counts.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => wrong(format!("option {name} must be at least 1")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_could_reach_no_server_are_refused_by_name() {
        let defaults = ScyllaOptions::default;
        assert_eq!(defaults().check(), Ok(()));
        for (options, name) in [
            (ScyllaOptions { hosts: vec![], ..defaults() }, "hosts"),
            (ScyllaOptions { hosts: vec!["localhost".into()], ..defaults() }, "hosts"),
            (ScyllaOptions { keyspace: "Rapport; drop".into(), ..defaults() }, "keyspace"),
            (ScyllaOptions { keyspace: String::new(), ..defaults() }, "keyspace"),
            (ScyllaOptions { in_flight_max: 0, ..defaults() }, "in_flight_max"),
            (ScyllaOptions { decision_row_ttl_s: -1, ..defaults() }, "decision_row_ttl_s"),
        ] {
            let Err(StoreError::Unavailable(text)) = options.check() else { panic!("{name} was accepted") };
            assert!(text.contains(name), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let options = ScyllaOptions { password: Some("hunter2".into()), ..ScyllaOptions::default() };
        assert!(!format!("{options:?}").contains("hunter2"));
    }

    #[test]
    fn options_that_could_serve_nothing_are_refused_by_name() {
        let defaults = EmbeddedOptions::default;
        assert_eq!(defaults().check(), Ok(()));
        for (options, name) in [
            (EmbeddedOptions { group_max: 0, ..defaults() }, "group_max"),
            (EmbeddedOptions { reader_count: 0, ..defaults() }, "reader_count"),
            (EmbeddedOptions { wal_bytes_max: 1, ..defaults() }, "wal_bytes_max"),
        ] {
            let Err(StoreError::Unavailable(text)) = options.check() else { panic!("{name} was accepted") };
            assert!(text.contains(name), "{text}");
        }
    }
}
