//! The clocks of the command line: when an import began, how long a call took.
//!
//! Everything else gets its time as an argument; these are the only places of this crate that look.

use actors::timestamp::Timestamp;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The moment it is, in UTC.
#[allow(
    clippy::disallowed_methods,
    reason = "the edge of the process: commands pass this moment on as an argument"
)]
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Measures from its start.
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[allow(clippy::disallowed_methods, reason = "measures what the operator waits for; decides nothing")]
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
