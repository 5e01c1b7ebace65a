//! Where rejected rows go: a file the operator can mend and send again, or the first few on stderr.

use super::row::Reject;
use crate::error::{Failure, file_trouble};
use crate::output::say;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Without a file, this many are told; more would bury the rest.
const TOLD_MAX: u64 = 10;

/// Takes rejected rows as they come.
pub struct Rejects {
    to: To,
    path: PathBuf,
    count: u64,
}

enum To {
    Stderr,
    Lines(BufWriter<File>),
    Table(Box<csv::Writer<File>>),
}

impl Rejects {
    /// Begins the file at once, so that a place one can't write to is found before the first row is sent.
    pub fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Rejects { to: To::Stderr, path: PathBuf::new(), count: 0 }) };
        let file = File::create(path).map_err(|error| file_trouble("write", path, &error))?;
        let to = if path.extension().is_some_and(|ending| ending == "csv") {
            let mut table = csv::Writer::from_writer(file);
            let header = table.write_record(["line", "customer", "code", "detail"]);
            header.map_err(|error| file_trouble("write", path, &io::Error::from(error)))?;
            To::Table(Box::new(table))
        } else {
            To::Lines(BufWriter::new(file))
        };
        Ok(Rejects { to, path: path.to_owned(), count: 0 })
    }

    /// Notes one row.
    pub fn note(&mut self, reject: &Reject) -> Result<(), Failure> {
        self.count += 1;
        let line = reject.line.to_string();
        let customer = reject.customer.as_deref().unwrap_or_default();
        let written = match &mut self.to {
            To::Stderr => {
                if self.count <= TOLD_MAX {
                    say(&format_args!("line {line}: {} ({})", reject.detail, reject.code));
                }
                Ok(())
            }
            To::Lines(file) => {
                let row = json!({
                    "line": reject.line, "customer": reject.customer, "code": reject.code, "detail": reject.detail,
                });
                writeln!(file, "{row}")
            }
            To::Table(table) => {
                table.write_record([&line, customer, &reject.code, &reject.detail]).map_err(io::Error::from)
            }
        };
        written.map_err(|error| file_trouble("write", &self.path, &error))
    }

    /// Writes what is left, and says where the rejected rows are.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let written = match &mut self.to {
            To::Stderr => Ok(()),
            To::Lines(file) => file.flush(),
            To::Table(table) => table.flush(),
        };
        written.map_err(|error| file_trouble("write", &self.path, &error))?;
        match self.to {
            To::Stderr if self.count > TOLD_MAX => {
                say(&format_args!("... and {} more; --rejects FILE keeps them all", self.count - TOLD_MAX));
            }
            To::Lines(_) | To::Table(_) if self.count > 0 => {
                say(&format_args!("rejected rows are in {}", self.path.display()));
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_rows_are_kept_in_the_form_of_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let check = |name: &str, expected: &str| {
            let path = dir.path().join(name);
            let mut rejects = Rejects::open(Some(&path)).expect("opened");
            let reject =
                Reject { customer: Some("c1".to_owned()), ..Reject::new(7, "bad_value", "a \"b\", c") };
            rejects.note(&reject).expect("noted");
            rejects.finish().expect("finished");
            assert_eq!(std::fs::read_to_string(&path).expect("written"), expected);
        };
        check("r.csv", "line,customer,code,detail\n7,c1,bad_value,\"a \"\"b\"\", c\"\n");
        let json = r#"{"code":"bad_value","customer":"c1","detail":"a \"b\", c","line":7}"#;
        check("r.ndjson", &format!("{json}\n"));
    }
}
