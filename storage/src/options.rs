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

#[cfg(test)]
mod tests {
    use super::*;

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
