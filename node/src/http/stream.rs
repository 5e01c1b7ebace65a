//! Streams of lines: read lot by lot, never held as a whole.
//!
//! Knows bytes and lines; what a line says is its reader's affair.

use crate::http::error::Problem;
use crate::http::request::piece;
use actix_web::web;
use actors::call::CustomerId;
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::timeout;

/// Lines read before they are applied, about: enough to give each of many customers a share, a few MB at most.
const LOT_LINES: usize = 2000;
/// How long lines wait for more of their lot from a slow sender.
const LOT_WAIT: Duration = Duration::from_millis(20);
/// Customers of one stream that are served side by side: as many share a commit of the store.
pub const TURNS_IN_PARALLEL: usize = 256;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its place in the body, from 0, blank lines counted.
    pub index: u64,
    /// Its text without the line end.
    pub text: Result<Bytes, TooLong>,
}

/// A line that was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line is longer than {line_bytes_max} bytes")]
pub struct TooLong {
    /// The bound.
    pub line_bytes_max: usize,
}

/// The lines of a body.
pub struct Lines {
    payload: web::Payload,
    splitter: Splitter,
    ended: bool,
}

impl Lines {
    /// Reads `payload`; lines longer than `line_bytes_max` are skipped and reported.
    #[must_use]
    pub fn new(payload: web::Payload, line_bytes_max: usize) -> Self {
        Lines { payload, splitter: Splitter::new(line_bytes_max), ended: false }
    }

    /// The next lines, as many as have come, at most about 2,000; `None` at the end of the body.
    ///
    /// # Errors
    /// When the body stalls or breaks off: nobody is there to hear an answer.
    pub async fn lot(&mut self) -> Result<Option<Vec<Line>>, Problem> {
        let mut lines = Vec::new();
        while !self.ended && lines.len() < LOT_LINES {
            let next = piece(&mut self.payload);
            let bytes = if lines.is_empty() {
                next.await?
            } else {
                match timeout(LOT_WAIT, next).await {
                    Ok(bytes) => bytes?,
                    Err(_) => break,
                }
            };
            match bytes {
                Some(bytes) => self.splitter.push(&bytes, &mut lines),
                None => {
                    self.ended = true;
                    self.splitter.finish(&mut lines);
                }
            }
        }
        Ok((!lines.is_empty()).then_some(lines))
    }
}

/// Cuts bytes into lines.
struct Splitter {
    pending: BytesMut,
    next_index: u64,
    line_bytes_max: usize,
    /// The line being read is too long already; the rest of it is thrown away.
    skipping: bool,
}

impl Splitter {
    fn new(line_bytes_max: usize) -> Self {
        Splitter { pending: BytesMut::new(), next_index: 0, line_bytes_max, skipping: false }
    }

    fn push(&mut self, mut bytes: &[u8], lines: &mut Vec<Line>) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end]);
            self.end_line(lines);
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
    }

    /// The last line needs no end.
    fn finish(&mut self, lines: &mut Vec<Line>) {
        if self.skipping || !self.pending.is_empty() {
            self.end_line(lines);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.skipping |= self.pending.len() + bytes.len() > self.line_bytes_max;
        if self.skipping {
            self.pending.clear();
        } else {
            self.pending.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self, lines: &mut Vec<Line>) {
        let index = self.next_index;
        self.next_index += 1;
        let text = self.pending.split().freeze();
        if std::mem::take(&mut self.skipping) {
            lines.push(Line { index, text: Err(TooLong { line_bytes_max: self.line_bytes_max }) });
        } else if !text.trim_ascii().is_empty() {
            lines.push(Line { index, text: Ok(text) });
        }
    }
}

/// Sorts by customer: customers in the order of their first item, each one's items in the order they came.
pub fn by_customer<T>(items: Vec<(CustomerId, T)>) -> Vec<(CustomerId, Vec<T>)> {
    let mut places = HashMap::new();
    let mut sorted: Vec<(CustomerId, Vec<T>)> = Vec::new();
    for (customer, item) in items {
        let place = *places.entry(customer.clone()).or_insert(sorted.len());
        if place == sorted.len() {
            sorted.push((customer, Vec::new()));
        }
        sorted[place].1.push(item);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&str], line_bytes_max: usize) -> Vec<(u64, Option<String>)> {
        let (mut splitter, mut lines) = (Splitter::new(line_bytes_max), Vec::new());
        pieces.iter().for_each(|piece| splitter.push(piece.as_bytes(), &mut lines));
        splitter.finish(&mut lines);
        let text = |line: Line| line.text.ok().map(|text| String::from_utf8(text.to_vec()).unwrap());
        lines.into_iter().map(|line| (line.index, text(line))).collect()
    }

    #[test]
    fn lines_are_the_same_wherever_the_network_cut_them() {
        let body = "one\n\ntwo\r\nthree-too-long\nfour";
        let expected = split(&[body], 8);
        let texts: Vec<_> =
            expected.iter().map(|(index, text)| (*index, text.as_deref().map(str::trim_end))).collect();
        assert_eq!(texts, [(0, Some("one")), (2, Some("two")), (3, None), (4, Some("four"))]);
        for first in 0..body.len() {
            for second in first..body.len() {
                let pieces = [&body[..first], &body[first..second], &body[second..]];
                assert_eq!(split(&pieces, 8), expected, "{pieces:?}");
            }
        }
    }

    #[test]
    fn a_line_may_have_exactly_the_bytes_allowed() {
        let check = |pieces: &[&str], expected: &[(u64, Option<&str>)]| {
            let lines = split(pieces, 4);
            let lines: Vec<_> = lines.iter().map(|(index, text)| (*index, text.as_deref())).collect();
            assert_eq!(lines, expected, "{pieces:?}");
        };
        check(&["1234\n"], &[(0, Some("1234"))]);
        check(&["12345"], &[(0, None)]);
        check(&["123", "45", "67\n8"], &[(0, None), (1, Some("8"))]);
        check(&[""], &[]);
        check(&["\n \n"], &[]);
    }

    #[test]
    fn a_customers_items_keep_their_order() {
        let id = |text| CustomerId::new(text).unwrap();
        let items = vec![(id("b"), 1), (id("a"), 2), (id("b"), 3), (id("a"), 4), (id("c"), 5)];
        assert_eq!(by_customer(items), [(id("b"), vec![1, 3]), (id("a"), vec![2, 4]), (id("c"), vec![5])]);
    }
}
