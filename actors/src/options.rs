//! How the actors of a node are set up.

use crate::timestamp::{DAY_MS, Timestamp};
use std::sync::Arc;
use tokio::time::Instant;

/// Tells the time. The node brings the real one; tests bring their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Options of a region.
#[derive(Clone, Debug)]
pub struct RegionOptions {
    /// Threads that serve shards; 2 by default, usually one a core.
    pub thread_count: usize,
    /// Bytes of idle customers kept in memory by the whole node; beyond that the longest idle are passivated.
    /// 1 GiB by default.
    pub resident_bytes_max: u64,
    /// Calls that may wait for one customer; 64 by default: more than that for one person is a loop somewhere.
    pub waiting_per_customer_max: usize,
    /// Calls that may wait in one shard; 4,096 by default.
    pub waiting_per_shard_max: usize,
    /// Calls that the node may have in hand; 65,536 by default.
    pub in_hand_max: usize,
    /// When the node's monotonic clock began, on which its lease counts; now by default.
    pub began: Instant,
}

impl Default for RegionOptions {
    fn default() -> Self {
        RegionOptions {
            thread_count: 2,
            resident_bytes_max: 1 << 30,
            waiting_per_customer_max: 64,
            waiting_per_shard_max: 4096,
            in_hand_max: 65_536,
            began: Instant::now(),
        }
    }
}

/// Event ids a customer remembers at most, to tell a repeated event: 4,096, twice what one lot of a stream holds, so
/// that a request repeated as a whole still meets its own ids.
pub const EVENT_IDS_MAX: usize = 4096;
/// Ids of responses, and of requests for decisions, remembered at most: 128 each.
pub const CALL_IDS_MAX: usize = 128;
/// How long an id is remembered at least, unless so many newer ones came: 48 hours.
pub const EVENT_ID_KEPT_MS: i64 = 2 * DAY_MS;
/// Events and tags from further in the future than this are refused (clocks differ): 10 minutes.
pub const FUTURE_MAX_MS: i64 = 10 * 60_000;
/// An event may come this late after it happened and still leave the state that it would have left in time: 35 days, for
/// roaming files come up to 30 days late. A later one still counts, but removals it should have known of may be forgotten.
pub const LATE_MAX_MS: i64 = 35 * DAY_MS;
/// Events older than this are refused (a unit was mistaken, or a field was empty): 3 years.
pub const PAST_MAX_MS: i64 = 1096 * DAY_MS;
/// A decision stands this long, unless something that matters changes: 24 hours.
pub const DECISION_STANDS_MS: i64 = DAY_MS;
/// A reserved contact must not be sent later than this after its reservation: 24 hours.
pub const CONTACT_LIVES_MS: i64 = DAY_MS;
/// Clocks that step may have run ahead by this much before they are set right: 7 days. What a window needs is kept as
/// much longer.
pub const CLOCK_STEP_MS_MAX: i64 = 7 * DAY_MS;
/// Contacts stay with their customer at least this long, whatever the caps: 101 days, more than any quarter and a
/// clock's step.
pub const CONTACT_KEPT_MS_MIN: i64 = 94 * DAY_MS + CLOCK_STEP_MS_MAX;
/// What was shown when a customer came to us is remembered this long for its response: 30 days.
pub const EXPOSURE_KEPT_MS: i64 = 30 * DAY_MS;
/// Showings remembered for one customer at most, about 40 bytes each; the oldest go first.
pub const EXPOSURES_MAX: usize = 16;
/// Responses counted for suppression are kept this long at most: 1 year.
pub const RESPONSE_KEPT_MS: i64 = 366 * DAY_MS;
/// Responses kept for one customer at most; the oldest go first.
pub const RESPONSES_MAX: usize = 256;
/// Encoded customers larger than this are refused rather than saved: 1 MiB.
pub const SNAPSHOT_BYTES_MAX: usize = 1 << 20;
/// Kept free beyond [`SNAPSHOT_BYTES_MAX`] for consents: 64 KiB.
pub const CONSENT_RESERVE_BYTES: usize = 64 << 10;
