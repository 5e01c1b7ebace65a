//! Lines of a file with their numbers, none longer than memory allows.

use super::row::Reject;
use std::io::{self, BufRead, Read};

/// A longer line is not read; rows of thousands of tags stay below.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// One line, without its end.
#[derive(Clone, Debug)]
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    /// What is in it, as far as it was read.
    pub bytes: Vec<u8>,
    /// Longer than allowed: the rest was dropped.
    pub cut: bool,
}

impl Line {
    /// Nothing but spaces.
    pub fn is_blank(&self) -> bool {
        !self.cut && self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    /// The line as text, or why it isn't.
    pub fn text(&self) -> Result<&str, Reject> {
        if self.cut {
            return Err(Reject::new(
                self.number,
                "line_too_long",
                format!("longer than {LINE_BYTES_MAX} bytes"),
            ));
        }
        std::str::from_utf8(&self.bytes).map_err(|error| {
            let detail =
                format!("not UTF-8 from byte {} of the line on; convert the file", error.valid_up_to() + 1);
            Reject::new(self.number, "not_utf8", detail)
        })
    }
}

/// Reads line by line.
pub struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Begins with line 1.
    pub fn new(reader: R) -> Self {
        Lines { reader, number: 0 }
    }

    /// The next line; `None` after the last. A byte order mark before the first is dropped.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        if self.reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let ended = bytes.last() == Some(&b'\n');
        let cut = !ended && bytes.len() as u64 > LINE_BYTES_MAX;
        if cut {
            self.reader.skip_until(b'\n')?;
        }
        if ended {
            bytes.pop();
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok(Some(Line { number: self.number, bytes, cut }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_without_their_ends_and_a_too_long_one_is_skipped() {
        let mut file = b"\xef\xbb\xbfa\r\n\n".to_vec();
        file.extend(std::iter::repeat_n(b'x', usize::try_from(LINE_BYTES_MAX).expect("small") + 10));
        file.extend(b"\nlast");
        let mut lines = Lines::new(&file[..]);
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().expect("read") {
            seen.push((line.number, line.text().map(str::to_owned).map_err(|reject| reject.code)));
        }
        let expected = [
            (1, Ok("a".to_owned())),
            (2, Ok(String::new())),
            (3, Err("line_too_long".to_owned())),
            (4, Ok("last".to_owned())),
        ];
        assert_eq!(seen, expected);
    }
}
