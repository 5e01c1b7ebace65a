//! When the priors move: soon while little is known, more rarely once a few outcomes more change nothing.
//!
//! Every table is stored for good, because decisions name it, so tables are made only as often as they teach something.

/// Between two tables at least, in milliseconds: 2 s.
pub const BETWEEN_TABLES_MS: u64 = 2_000;
/// What was counted is in a table after this long at most, however little it is, in milliseconds: 60 s.
pub const TABLE_WAITS_MS_MAX: u64 = 60_000;
/// Less than this share of new outcomes moves a prior by less than anybody would notice.
const NEWS_SHARE: f64 = 0.01;

/// Whether a new table is due: `since_ms` after the last one, with `changes` counted of which `news` are not in it.
#[must_use]
pub fn table_is_due(since_ms: u64, news: u64, changes: u64) -> bool {
    let enough = news as f64 >= changes as f64 * NEWS_SHARE;
    news > 0 && (since_ms >= TABLE_WAITS_MS_MAX || since_ms >= BETWEEN_TABLES_MS && enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_soon_at_first_and_rarely_later() {
        let check = |since_ms, news, changes, expected| {
            assert_eq!(table_is_due(since_ms, news, changes), expected, "{since_ms} {news} {changes}");
        };
        check(1_999, 1, 1, false);
        check(2_000, 1, 1, true);
        check(2_000, 1, 100, true);
        check(2_000, 1, 1_000, false);
        check(2_000, 10, 1_000, true);
        check(60_000, 1, 1_000_000, true);
        check(u64::MAX, 0, 1_000, false);
    }
}
