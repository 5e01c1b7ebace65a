//! `rapport import`: a file of tags or events, streamed to a node, every row accounted for.
//!
//! Rows in = applied + unchanged + rejected, always. A row that can't be read is rejected by its line number and the
//! rest goes on. Memory stays the same whatever the size of the file.

mod lines;
mod table;
mod mapping;
mod row;
mod rejects;
mod transfer;

use crate::cli::{EventsArgs, ImportCommand, TagsArgs, TransferArgs};
use crate::client::{CallError, Client};
use crate::clock;
use crate::error::{Failure, file_trouble};
use crate::output::{Shape, bytes_bar, grouped, print, print_json};
use actors::timestamp::Timestamp;
use indicatif::ProgressBar;
use lines::Lines;
use mapping::{Defaults, Mapping, Plan};
use rejects::Rejects;
use row::Row;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use table::{Record, TableReader};
use transfer::{ChunkAnswer, Tally};

/// How much of the file is read at once.
const READ_BYTES: usize = 256 << 10;

/// Runs one verb.
pub fn run(command: &ImportCommand) -> Result<(), Failure> {
    match command {
        ImportCommand::Tags(args) => tags(args),
        ImportCommand::Events(args) => events(args),
    }
}

fn tags(args: &TagsArgs) -> Result<(), Failure> {
    let as_of = match &args.as_of {
        Some(text) => super::time_flag("--as-of", text)?,
        None => clock::now(),
    };
    match ending(&args.file) {
        "csv" => tags_of_table(args, as_of),
        "ndjson" | "jsonl" if args.mapping.is_some() => {
            Err(Failure::Usage("--mapping is for .csv; lines of JSON name their tags themselves".to_owned()))
        }
        "ndjson" | "jsonl" => tags_of_lines(args, as_of),
        _ => {
            Err(Failure::Usage(format!("{}: expected a file ending in .csv or .ndjson", args.file.display())))
        }
    }
}

fn tags_of_table(args: &TagsArgs, as_of: Timestamp) -> Result<(), Failure> {
    let mapping = args.mapping.as_deref().map(read_mapping).transpose()?;
    let (reader, bar) = open(&args.file)?;
    let read = |error: io::Error| file_trouble("read", &args.file, &error);
    let mut table = TableReader::new(reader).map_err(read)?.ok_or_else(|| {
        Failure::Usage(format!("{}: no header line with the names of the columns", args.file.display()))
    })?;
    let source = args.source.clone().or_else(|| mapping.as_ref()?.source.clone());
    let defaults = Defaults { source: source.unwrap_or_else(|| "import".to_owned()), as_of };
    let plan = match &mapping {
        Some(mapping) => Plan::by_mapping(mapping, table.columns()),
        None => Plan::by_names(table.columns()),
    };
    let plan = plan.map_err(Failure::Usage)?;
    let rows = std::iter::from_fn(move || table.next_record().transpose()).map(move |record| {
        Ok(match record? {
            Record::Cells { line, cells } => plan.row(line, &cells, &defaults),
            Record::Unreadable(reject) => Row::Rejected(reject),
        })
    });
    send(rows, &bar, "/v1/imports/tags", &args.transfer, ["applied", "unchanged"])
}

fn tags_of_lines(args: &TagsArgs, as_of: Timestamp) -> Result<(), Failure> {
    let (reader, bar) = open(&args.file)?;
    let source = args.source.clone().unwrap_or_else(|| "import".to_owned());
    let defaults = Defaults { source, as_of };
    let rows = json_lines(reader, move |line, text| row::of_tag_line(line, text, &defaults));
    send(rows, &bar, "/v1/imports/tags", &args.transfer, ["applied", "unchanged"])
}

fn events(args: &EventsArgs) -> Result<(), Failure> {
    if !matches!(ending(&args.file), "ndjson" | "jsonl") {
        return Err(Failure::Usage(format!("{}: expected a file ending in .ndjson", args.file.display())));
    }
    let (reader, bar) = open(&args.file)?;
    let rows = json_lines(reader, row::of_event_line);
    send(rows, &bar, "/v1/events", &args.transfer, ["accepted", "duplicate"])
}

/// One row for every line that is not blank.
fn json_lines(
    reader: impl BufRead,
    understand: impl Fn(u64, &str) -> Row,
) -> impl Iterator<Item = io::Result<Row>> {
    let mut lines = Lines::new(reader);
    std::iter::from_fn(move || {
        loop {
            match lines.next_line() {
                Ok(Some(line)) if line.is_blank() => {}
                Ok(Some(line)) => {
                    return Some(Ok(match line.text() {
                        Ok(text) => understand(line.number, text),
                        Err(reject) => Row::Rejected(reject),
                    }));
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// Sends all rows, tells what became of them, and says last how the count adds up.
fn send(
    rows: impl Iterator<Item = io::Result<Row>>,
    bar: &ProgressBar,
    path: &str,
    args: &TransferArgs,
    outcomes: [&str; 2],
) -> Result<(), Failure> {
    let (client, shape) = super::open(&args.talk);
    let mut rejects = Rejects::open(args.rejects.as_deref())?;
    let deliver = |lines: &[u8]| deliver(&client, path, lines, outcomes);
    let (tally, ended) = transfer::run(rows, &deliver, &mut rejects);
    bar.finish_and_clear();
    rejects.finish()?;
    match shape {
        Shape::Text => print(&account(&tally, outcomes)),
        Shape::Json => print_json(&json!({
            "in": tally.rows, outcomes[0]: tally.changed, outcomes[1]: tally.unchanged,
            "rejected": tally.rejected, "unanswered": tally.unanswered(),
        })),
    }
    ended.map_err(|failure| {
        Failure::Failed(format!(
            "{failure}\nthe import stopped at row {}; {} rows sent have no answer and may or may not be applied. \
             Run it again: what was applied already will not be applied twice{}",
            grouped(tally.rows),
            grouped(tally.unanswered()),
            if path.contains("tags") { ", if --as-of or the rows give the same time" } else { "" },
        ))
    })
}

/// `1,000 in = 990 applied + 8 unchanged + 2 rejected`
fn account(tally: &Tally, outcomes: [&str; 2]) -> String {
    let mut text = format!(
        "{} in = {} {} + {} {} + {} rejected",
        grouped(tally.rows),
        grouped(tally.changed),
        outcomes[0],
        grouped(tally.unchanged),
        outcomes[1],
        grouped(tally.rejected),
    );
    if tally.unanswered() > 0 {
        text.push_str(&format!(" + {} without an answer", grouped(tally.unanswered())));
    }
    text
}

fn deliver(client: &Client, path: &str, lines: &[u8], outcomes: [&str; 2]) -> Result<ChunkAnswer, CallError> {
    let answer = client.post_lines(path, lines)?;
    let count = |key: &str| answer[key].as_u64();
    let rejected = serde_json::from_value(answer["rejected"].clone()).ok();
    match (count(outcomes[0]), count(outcomes[1]), rejected) {
        (Some(changed), Some(unchanged), Some(rejected)) => Ok(ChunkAnswer { changed, unchanged, rejected }),
        _ => Err(CallError::NotRapport {
            server: client.server().to_owned(),
            detail: format!("the answer of {path} has no counts"),
        }),
    }
}

fn open(path: &Path) -> Result<(impl BufRead + use<>, ProgressBar), Failure> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Usage(format!("{}: no such file", path.display())),
        _ => file_trouble("open", path, &error),
    })?;
    let bytes = file.metadata().map_err(|error| file_trouble("open", path, &error))?.len();
    let bar = bytes_bar(bytes, "import");
    Ok((BufReader::with_capacity(READ_BYTES, bar.wrap_read(file)), bar))
}

fn read_mapping(path: &Path) -> Result<Mapping, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| file_trouble("read", path, &error))?;
    Mapping::parse(&text).map_err(|what| Failure::Usage(format!("{}: {what}", path.display())))
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_adds_up_in_words() {
        let tally = Tally { rows: 1_003, changed: 990, unchanged: 8, rejected: 2 };
        let text = account(&tally, ["applied", "unchanged"]);
        assert_eq!(text, "1,003 in = 990 applied + 8 unchanged + 2 rejected + 3 without an answer");
    }

    #[test]
    fn every_line_that_is_not_blank_is_one_row() {
        let file = b"{\"subject\":\"a\"}\n\n  \nnonsense\n\xff\n{\"subject\":\"b\"}";
        let rows: Vec<Row> =
            json_lines(&file[..], row::of_event_line).map(|row| row.expect("read")).collect();
        let seen: Vec<(u64, &str)> = rows
            .iter()
            .map(|row| match row {
                Row::Ready(entry) => (entry.line, entry.customer.as_str()),
                Row::Rejected(reject) => (reject.line, reject.code.as_str()),
            })
            .collect();
        assert_eq!(seen, [(1, "a"), (4, "bad_json"), (5, "not_utf8"), (6, "b")]);
    }
}
