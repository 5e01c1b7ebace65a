//! How answers look: tables for people, JSON for programs, bars while one waits.
//!
//! Data goes to stdout. Bars go to stderr and only when that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::fmt;
use std::io::Write;

/// What the reader of stdout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A person: tables and sentences.
    Text,
    /// A program: one JSON document.
    Json,
}

/// Prints data. A reader that has gone (`rapport ... | head`) is not an error.
pub fn print(text: &dyn fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Talks, on stderr. A listener that has gone must not stop the work.
pub fn say(text: &dyn fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints one JSON document.
pub fn print_json(value: &Value) {
    print(&format_args!("{value:#}"));
}

/// Columns of text under a header, as wide as they need to be.
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

impl Table {
    /// An empty table. A header that ends in `>` is right-aligned, for numbers.
    pub fn new(header: &[&'static str]) -> Self {
        Table { header: header.to_vec(), rows: Vec::new(), indent: 0 }
    }

    /// The same table, `columns` further to the right.
    pub fn indented(mut self, columns: usize) -> Self {
        self.indent = columns;
        self
    }

    /// Adds a row with one cell for each header.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        debug_assert_eq!(cells.len(), self.header.len(), "a cell for each header");
        self.rows.push(cells);
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.header.iter().map(|name| name.trim_end_matches('>')).collect();
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([names[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        let header: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        for (at, row) in std::iter::once(&header).chain(&self.rows).enumerate() {
            let cells = row.iter().zip(&self.header).zip(&widths).map(|((cell, name), width)| {
                if name.ends_with('>') { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{:indent$}{}", "", line.trim_end(), indent = self.indent)?;
        }
        Ok(())
    }
}

/// A bar over `total` things; nothing is drawn unless stderr is a terminal.
pub fn bar(total: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>22} {wide_bar} {pos}/{len} {per_sec} {eta}");
    ProgressBar::new(total)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_prefix(what)
}

/// A bar over the bytes of a file.
pub fn bytes_bar(total: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>22} {wide_bar} {bytes}/{total_bytes} {eta} {msg}");
    ProgressBar::new(total)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_prefix(what)
}

/// A JSON value the way a person writes it: no quotes around text, whole numbers without a point.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(x) if !number.is_i64() && !number.is_u64() => short(x),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// A number with as many digits as one can use: 0.0312, 3.14, 240.
pub fn short(x: f64) -> String {
    let digits = if x.abs() >= 100.0 || x == 0.0 {
        0
    } else if x.abs() >= 1.0 {
        2
    } else {
        4
    };
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A count with its thousands apart: 1,234,567.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time without its fractions of a second: `2026-03-01 09:00:00Z`. Anything else stays as it is.
pub fn moment(value: &Value) -> String {
    let Some(at) = value.as_str().and_then(actors::timestamp::Timestamp::parse) else { return plain(value) };
    actors::timestamp::Timestamp::from_ms(at.ms() - at.ms().rem_euclid(1_000)).to_string().replace('T', " ")
}

/// The text under `key`, or `-`.
pub fn field(value: &Value, key: &str) -> String {
    plain(&value[key])
}

/// The list under `key`, or nothing.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_is_as_wide_as_its_longest_cell_and_ends_no_line_in_spaces() {
        let mut table = Table::new(&["offer", "used>", "why"]).indented(2);
        table.row(["data-xl".to_owned(), "4".to_owned(), String::new()]);
        table.row(["x".to_owned(), "12".to_owned(), "cap".to_owned()]);
        assert_eq!(table.to_string(), "  offer    used  why\n  data-xl     4\n  x          12  cap");
    }

    #[test]
    fn numbers_are_short_and_counts_are_grouped() {
        for (x, expected) in
            [(0.0, "0"), (0.03127, "0.0313"), (0.5, "0.5"), (3.0, "3"), (2.346, "2.35"), (240.4, "240")]
        {
            assert_eq!(short(x), expected);
        }
        for (count, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), expected);
        }
    }

    #[test]
    fn json_is_shown_without_its_quotes() {
        let check = |value: Value, expected: &str| assert_eq!(plain(&value), expected);
        check(json!(null), "-");
        check(json!("a b"), "a b");
        check(json!(12), "12");
        check(json!(12.0), "12");
        check(json!(["a"]), "[\"a\"]");
        assert_eq!(moment(&json!("2026-03-01T09:00:00.123Z")), "2026-03-01 09:00:00Z");
    }
}
