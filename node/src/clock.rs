//! The one place that reads the system's wall clock.
//!
//! Everything else is told the time. Leaves out waiting: deadlines are on the monotonic clock of tokio.

use actors::Timestamp;
use actors::options::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock of this machine, which never goes backwards within the process: when the system's clock is set
/// back, time stands still until it has caught up.
#[must_use]
pub fn wall() -> Clock {
    forward_only(system_ms)
}

fn forward_only(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
    let latest = AtomicI64::new(i64::MIN);
    Arc::new(move || {
        let now = now_ms();
        Timestamp::from_ms(latest.fetch_max(now, Ordering::AcqRel).max(now))
    })
}

#[allow(clippy::disallowed_methods, reason = "the one real clock")]
fn system_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_while_the_system_clock_is_behind() {
        let readings = [5_000, 3_000, 4_999, 5_001];
        let at = AtomicI64::new(0);
        let clock = forward_only(move || readings[at.fetch_add(1, Ordering::Relaxed) as usize]);
        let seen: Vec<i64> = readings.iter().map(|_| clock().ms()).collect();
        assert_eq!(seen, [5_000, 5_000, 5_000, 5_001]);
    }
}
