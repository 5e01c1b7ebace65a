//! A CSV table, record by record, that loses no more than the broken record.
//!
//! A quote that is never closed would swallow the rest of the file. So a record that does not come out right is given
//! up after its first line, and reading goes on with the line after it.

use super::lines::{Line, Lines};
use super::row::Reject;
use std::collections::VecDeque;
use std::io::{self, BufRead};

/// A quoted cell may hold line ends; a record with more of them is taken for a quote that was never closed.
const LINES_PER_RECORD_MAX: usize = 64;

/// What became of reading one record.
#[derive(Debug, PartialEq, Eq)]
pub enum Record {
    /// As many cells as the header has columns.
    Cells {
        /// Its first line in the file.
        line: u64,
        /// Its cells.
        cells: csv::StringRecord,
    },
    /// Not a record of this table.
    Unreadable(Reject),
}

/// Reads a table with a header.
pub struct TableReader<R> {
    lines: Lines<R>,
    given_back: VecDeque<Line>,
    columns: Vec<String>,
}

impl<R: BufRead> TableReader<R> {
    /// Reads the header; `None` when the file is empty or its first line is not text.
    pub fn new(reader: R) -> io::Result<Option<Self>> {
        let mut lines = Lines::new(reader);
        let Some(header) = lines.next_line()? else { return Ok(None) };
        let columns = match header.text() {
            Ok(text) if !header.is_blank() => cells(text).iter().map(|name| name.trim().to_owned()).collect(),
            _ => return Ok(None),
        };
        Ok(Some(TableReader { lines, given_back: VecDeque::new(), columns }))
    }

    /// The names in the header.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next record; `None` after the last. Blank lines are no records.
    pub fn next_record(&mut self) -> io::Result<Option<Record>> {
        loop {
            let Some(first) = self.next_line()? else { return Ok(None) };
            if !first.is_blank() {
                return self.record(first).map(Some);
            }
        }
    }

    fn record(&mut self, mut whole: Line) -> io::Result<Record> {
        let mut further = Vec::new();
        while quote_is_open(&whole.bytes) && !whole.cut && further.len() < LINES_PER_RECORD_MAX {
            let Some(line) = self.next_line()? else { break };
            whole.bytes.push(b'\n');
            whole.bytes.extend(&line.bytes);
            whole.cut = line.cut;
            further.push(line);
        }
        let judged = self.judge(&whole);
        if matches!(judged, Record::Unreadable(_)) {
            further.into_iter().rev().for_each(|line| self.given_back.push_front(line));
        }
        Ok(judged)
    }

    fn judge(&self, whole: &Line) -> Record {
        let text = match whole.text() {
            Ok(text) => text,
            Err(reject) => return Record::Unreadable(reject),
        };
        if quote_is_open(&whole.bytes) {
            let detail = "a quote is opened and never closed";
            return Record::Unreadable(Reject::new(whole.number, "unclosed_quote", detail));
        }
        let cells = cells(text);
        if cells.len() != self.columns.len() {
            let detail = format!("{} cells, but the header has {} columns", cells.len(), self.columns.len());
            return Record::Unreadable(Reject::new(whole.number, "wrong_column_count", detail));
        }
        Record::Cells { line: whole.number, cells }
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        match self.given_back.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next_line(),
        }
    }
}

fn cells(text: &str) -> csv::StringRecord {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(text.len().max(1))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => record,
        Ok(false) | Err(_) => csv::StringRecord::new(),
    }
}

/// Whether a quoted cell is still open at the end of `bytes`. A quote inside an unquoted cell is a character.
fn quote_is_open(bytes: &[u8]) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum At {
        CellBegins,
        Unquoted,
        Quoted,
        QuoteInQuoted,
    }
    let end = bytes.iter().fold(At::CellBegins, |at, byte| match (at, byte) {
        (At::Quoted, b'"') => At::QuoteInQuoted,
        (At::CellBegins | At::QuoteInQuoted, b'"') | (At::Quoted, _) => At::Quoted,
        (_, b',') => At::CellBegins,
        _ => At::Unquoted,
    });
    end == At::Quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<String> {
        let mut table = TableReader::new(text).expect("read").expect("a header");
        let mut seen = Vec::new();
        while let Some(record) = table.next_record().expect("read") {
            seen.push(match record {
                Record::Cells { line, cells } => {
                    format!("{line}: {}", cells.iter().collect::<Vec<_>>().join("|"))
                }
                Record::Unreadable(reject) => format!("{}: {}", reject.line, reject.code),
            });
        }
        seen
    }

    #[test]
    fn a_broken_record_costs_itself_and_nothing_else() {
        let check = |text: &[u8], expected: &[&str]| {
            assert_eq!(read(text), expected, "{}", String::from_utf8_lossy(text));
        };
        check(b"a,b\n1,2\r\n\n3,4", &["2: 1|2", "4: 3|4"]);
        check(b"a,b\n1\n1,2,3\n3,4\n", &["2: wrong_column_count", "3: wrong_column_count", "4: 3|4"]);
        check(b"a,b\n\xff,2\n3,4\n", &["2: not_utf8", "3: 3|4"]);
        check(b"a,b\n\"x\ny\",2\n3,4\n", &["2: x\ny|2", "4: 3|4"]);
        check(b"a,b\n\"x,2\n3,4\n5,6\n", &["2: unclosed_quote", "3: 3|4", "4: 5|6"]);
        check(b"a,b\n\"x,2\n3,4\n5,\"6\"\n7,8\n", &["2: wrong_column_count", "3: 3|4", "4: 5|6", "5: 7|8"]);
        check(b"a,b\n5\" pipe,2\n\"say \"\"hi\"\"\",4\n", &["2: 5\" pipe|2", "3: say \"hi\"|4"]);
    }

    #[test]
    fn a_file_without_a_header_is_no_table() {
        for text in [&b""[..], b"\n1,2\n", b"\xff\n"] {
            assert!(TableReader::new(text).expect("read").is_none(), "{text:?}");
        }
    }
}
