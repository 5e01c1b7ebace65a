//! A moment in UTC, to the millisecond.
//!
//! Leaves out the clock: moments come in as arguments.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z. Between the years 1 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day of 24 hours in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;

const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 253_402_207_200_000;

impl Timestamp {
    /// The moment `ms` milliseconds after 1970 began in UTC, held between the years 1 and 9999.
    #[must_use]
    pub fn from_ms(ms: i64) -> Self {
        Timestamp(ms.clamp(FIRST_MS, LAST_MS))
    }

    /// Milliseconds since 1970 began in UTC.
    #[must_use]
    pub fn ms(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 time with its offset, cut to the millisecond. `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Timestamp::from_ms(at.as_millisecond()))
    }

    /// The moment `ms` later (or earlier, when negative).
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Timestamp::from_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this; negative when `earlier` is later.
    #[must_use]
    pub fn since_ms(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same moment for calendar arithmetic.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Timestamp::from_ms(at.as_millisecond())
    }
}

/// RFC 3339 in UTC with `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_offset_and_written_in_utc() {
        let check = |input: &str, expected: Option<&str>| {
            assert_eq!(Timestamp::parse(input).map(|at| at.to_string()).as_deref(), expected, "{input}");
        };
        check("2026-03-01T10:00:00+01:00", Some("2026-03-01T09:00:00Z"));
        check("2026-03-01T09:00:00.1239Z", Some("2026-03-01T09:00:00.123Z"));
        check("2026-03-01T09:00:00", None);
        check("yesterday", None);
    }

    #[test]
    fn arithmetic_stays_within_the_calendar() {
        for ms in [i64::MIN, i64::MAX] {
            assert!(!Timestamp::from_ms(ms).plus_ms(ms).to_string().is_empty());
        }
    }
}
