//! Rows on their way to the node: several connections, and each customer's rows in the order of the file.
//!
//! A customer's rows all take the same lane, and a lane has one chunk under way at a time. Everything that waits is
//! bounded: reading stops while the lanes are full. Knows nothing of files or HTTP.

use super::rejects::Rejects;
use super::row::{Entry, Reject, Row};
use crate::client::CallError;
use crate::error::Failure;
use serde::Deserialize;
use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Connections at once. More than the cores of a small node only make its queues longer.
const LANES: usize = 4;
/// Rows in a chunk: enough that the round trip does not count, and fewer than the 1,000 rejected ones a node lists.
const CHUNK_ROWS_MAX: usize = 500;
/// Bytes in a chunk: well below the largest body a node takes.
const CHUNK_BYTES_MAX: usize = 256 << 10;
/// How often rows are sent again that the node had no time for: with the waits below, for about 12 seconds.
const REPEATS_MAX: u32 = 6;
/// The first wait before they are; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Chunks waiting in each lane.
const WAITING_MAX: usize = 2;

/// What became of the rows so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows read and sent, or rejected at once.
    pub rows: u64,
    /// Rows that changed something.
    pub changed: u64,
    /// Rows that were known already.
    pub unchanged: u64,
    /// Rows not applied, here or at the node.
    pub rejected: u64,
}

impl Tally {
    /// Rows that were sent and never answered.
    pub fn unanswered(&self) -> u64 {
        self.rows - self.changed - self.unchanged - self.rejected
    }
}

/// What the node says to a chunk.
#[derive(Debug, Default)]
pub struct ChunkAnswer {
    /// Rows that changed something.
    pub changed: u64,
    /// Rows that were known already.
    pub unchanged: u64,
    /// Rows not applied.
    pub rejected: Vec<RejectedRow>,
}

/// A row that the node did not apply.
#[derive(Clone, Debug, Deserialize)]
pub struct RejectedRow {
    /// Its place in the chunk.
    pub index: usize,
    /// One word, for programs.
    pub code: String,
    /// What is wrong, for people.
    pub detail: String,
    /// Sending it again can help.
    #[serde(default)]
    pub retryable: bool,
}

#[derive(Default)]
struct Chunk {
    rows: Vec<SentRow>,
    lines: Vec<u8>,
}

struct SentRow {
    line: u64,
    customer: String,
    /// Where in the chunk's lines it lies.
    bytes: Range<usize>,
}

type Delivered = (Chunk, Result<ChunkAnswer, CallError>);

/// Sends all rows. Ends at the first chunk that gets no answer; rows not read by then are not counted.
pub fn run(
    rows: impl Iterator<Item = io::Result<Row>>,
    deliver: &(dyn Fn(&[u8]) -> Result<ChunkAnswer, CallError> + Sync),
    rejects: &mut Rejects,
) -> (Tally, Result<(), Failure>) {
    let mut tally = Tally::default();
    let ended = thread::scope(|scope| {
        let (answers, heard) = sync_channel::<Delivered>(LANES * (WAITING_MAX + 2));
        let lanes: Vec<SyncSender<Chunk>> = (0..LANES)
            .map(|_| {
                let (lane, chunks) = sync_channel(WAITING_MAX);
                let answers = answers.clone();
                scope.spawn(move || serve_lane(&chunks, deliver, &answers));
                lane
            })
            .collect();
        drop(answers);
        let mut desk = Desk { tally: &mut tally, rejects };
        let read = feed(rows, &lanes, &heard, &mut desk);
        drop(lanes);
        let rest = heard.iter().try_for_each(|delivered| desk.note(&delivered));
        drop(heard);
        read.and(rest)
    });
    (tally, ended)
}

/// Reads rows into the lanes' chunks, noting answers as they come.
fn feed(
    rows: impl Iterator<Item = io::Result<Row>>,
    lanes: &[SyncSender<Chunk>],
    heard: &Receiver<Delivered>,
    desk: &mut Desk<'_>,
) -> Result<(), Failure> {
    let mut filling: Vec<Chunk> = lanes.iter().map(|_| Chunk::default()).collect();
    for row in rows {
        let entry = match row.map_err(|error| Failure::Failed(format!("can't read on: {error}")))? {
            Row::Ready(entry) => entry,
            Row::Rejected(reject) => {
                desk.reject(&reject)?;
                continue;
            }
        };
        let lane = lane_of(&entry, lanes.len());
        filling[lane].push(&entry);
        if filling[lane].is_full() {
            desk.send(std::mem::take(&mut filling[lane]), &lanes[lane]);
            heard.try_iter().try_for_each(|delivered| desk.note(&delivered))?;
        }
    }
    for (chunk, lane) in filling.into_iter().zip(lanes).filter(|(chunk, _)| !chunk.rows.is_empty()) {
        desk.send(chunk, lane);
    }
    Ok(())
}

fn lane_of(entry: &Entry, lanes: usize) -> usize {
    usize::try_from(entry.customer.hash64() % lanes as u64).unwrap_or_default()
}

/// Delivers chunks in their order, until one fails or no more come.
fn serve_lane(
    chunks: &Receiver<Chunk>,
    deliver: &(dyn Fn(&[u8]) -> Result<ChunkAnswer, CallError> + Sync),
    answers: &SyncSender<Delivered>,
) {
    for chunk in chunks {
        let answer = deliver_patiently(&chunk, deliver);
        let failed = answer.is_err();
        if answers.send((chunk, answer)).is_err() || failed {
            return;
        }
    }
}

/// Rows that the node had no time for are sent again before the lane goes on; in the end they count as rejected.
fn deliver_patiently(
    chunk: &Chunk,
    deliver: &(dyn Fn(&[u8]) -> Result<ChunkAnswer, CallError> + Sync),
) -> Result<ChunkAnswer, CallError> {
    let mut answer = deliver(&chunk.lines)?;
    for attempt in 0..REPEATS_MAX {
        let (again, settled): (Vec<_>, Vec<_>) = answer.rejected.into_iter().partition(|row| row.retryable);
        answer.rejected = settled;
        let rows: Vec<(usize, &SentRow)> =
            again.iter().filter_map(|row| Some((row.index, chunk.rows.get(row.index)?))).collect();
        if rows.is_empty() {
            return Ok(answer);
        }
        thread::sleep(FIRST_WAIT * 2u32.pow(attempt));
        let lines: Vec<u8> =
            rows.iter().flat_map(|(_, row)| &chunk.lines[row.bytes.clone()]).copied().collect();
        let next = deliver(&lines)?;
        answer.changed += next.changed;
        answer.unchanged += next.unchanged;
        let in_chunk = |row: RejectedRow| Some(RejectedRow { index: rows.get(row.index)?.0, ..row });
        answer.rejected.extend(next.rejected.into_iter().filter_map(in_chunk));
    }
    Ok(answer)
}

/// Counts, on the reading thread.
struct Desk<'a> {
    tally: &'a mut Tally,
    rejects: &'a mut Rejects,
}

impl Desk<'_> {
    /// Counted when sent. A lane that has failed takes nothing more: its answer ends the transfer.
    fn send(&mut self, chunk: Chunk, lane: &SyncSender<Chunk>) {
        self.tally.rows += chunk.rows.len() as u64;
        let _ = lane.send(chunk);
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Failure> {
        self.tally.rows += 1;
        self.tally.rejected += 1;
        self.rejects.note(reject)
    }

    fn note(&mut self, (chunk, answer): &Delivered) -> Result<(), Failure> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(Failure::Failed(error.to_string())),
        };
        let counted = answer.changed + answer.unchanged + answer.rejected.len() as u64;
        let in_chunk = |row: &RejectedRow| row.index < chunk.rows.len();
        if counted != chunk.rows.len() as u64 || !answer.rejected.iter().all(in_chunk) {
            return Err(Failure::Failed(format!("the node counted {counted} of {} rows", chunk.rows.len())));
        }
        self.tally.changed += answer.changed;
        self.tally.unchanged += answer.unchanged;
        for rejected in &answer.rejected {
            let row = &chunk.rows[rejected.index];
            let customer = Some(row.customer.clone());
            let (code, detail) = (rejected.code.clone(), rejected.detail.clone());
            self.tally.rejected += 1;
            self.rejects.note(&Reject { line: row.line, customer, code, detail })?;
        }
        Ok(())
    }
}

impl Chunk {
    fn push(&mut self, entry: &Entry) {
        let begin = self.lines.len();
        self.lines.extend(&entry.json);
        self.lines.push(b'\n');
        let (customer, bytes) = (entry.customer.as_str().to_owned(), begin..self.lines.len());
        self.rows.push(SentRow { line: entry.line, customer, bytes });
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= CHUNK_ROWS_MAX || self.lines.len() >= CHUNK_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::import::row::ready;
    use std::collections::HashMap;
    use std::sync::Mutex;

    fn rows(count: u64) -> impl Iterator<Item = io::Result<Row>> {
        (1..=count).map(|line| {
            Ok(if line % 100 == 0 {
                Row::Rejected(Reject::new(line, "bad_json", "broken"))
            } else {
                ready(line, Some(&format!("c{}", line % 37)), format!("{} {line}", line % 37).into_bytes())
            })
        })
    }

    fn rejected(index: usize, retryable: bool) -> RejectedRow {
        RejectedRow { index, code: "some_code".to_owned(), detail: "x".to_owned(), retryable }
    }

    #[test]
    fn a_row_the_node_had_no_time_for_is_sent_again() {
        let heard: Mutex<Vec<String>> = Mutex::default();
        let deliver = |lines: &[u8]| {
            let mut heard = heard.lock().expect("held");
            heard.push(String::from_utf8_lossy(lines).into_owned());
            Ok(match heard.len() {
                1 => ChunkAnswer {
                    changed: 1,
                    unchanged: 0,
                    rejected: vec![rejected(0, false), rejected(2, true)],
                },
                2 => ChunkAnswer { changed: 0, unchanged: 0, rejected: vec![rejected(0, true)] },
                _ => ChunkAnswer { changed: 1, unchanged: 0, rejected: Vec::new() },
            })
        };
        let mut rejects = Rejects::open(None).expect("stderr");
        let rows = (1..=3).map(|line| Ok(ready(line, Some("c"), format!("row {line}").into_bytes())));
        let (tally, ended) = run(rows, &deliver, &mut rejects);
        ended.expect("all sent");
        assert_eq!(tally, Tally { rows: 3, changed: 2, unchanged: 0, rejected: 1 });
        assert_eq!(*heard.lock().expect("held"), ["row 1\nrow 2\nrow 3\n", "row 3\n", "row 3\n"]);
    }

    fn count_of(lines: &[u8]) -> u64 {
        lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64
    }

    #[test]
    fn every_row_is_counted_once_and_a_customers_rows_stay_in_order() {
        let last_line: Mutex<HashMap<String, u64>> = Mutex::default();
        let deliver = |lines: &[u8]| {
            for line in String::from_utf8_lossy(lines).lines() {
                let (customer, number) = line.split_once(' ').expect("two words");
                let number: u64 = number.parse().expect("a number");
                let before = last_line.lock().expect("held").insert(customer.to_owned(), number);
                assert!(before.is_none_or(|before| before < number), "{customer}: {before:?} then {number}");
            }
            let rejected = vec![rejected(0, false)];
            Ok(ChunkAnswer { changed: count_of(lines) - 1, unchanged: 0, rejected })
        };
        let mut rejects = Rejects::open(None).expect("stderr");
        let (tally, ended) = run(rows(20_000), &deliver, &mut rejects);
        ended.expect("all sent");
        assert_eq!(tally.rows, 20_000);
        assert_eq!(tally.unanswered(), 0);
        assert!(tally.rejected > 200, "those read wrong and one of each chunk: {}", tally.rejected);
    }

    #[test]
    fn a_chunk_without_an_answer_ends_the_transfer_and_is_not_called_applied() {
        let chunks = Mutex::new(0);
        let deliver = |lines: &[u8]| {
            let mut chunks = chunks.lock().expect("held");
            *chunks += 1;
            if *chunks > 3 {
                return Err(CallError::Interrupted { server: "s".to_owned(), detail: "gone".to_owned() });
            }
            Ok(ChunkAnswer { changed: count_of(lines), ..ChunkAnswer::default() })
        };
        let mut rejects = Rejects::open(None).expect("stderr");
        let (tally, ended) = run(rows(1_000_000), &deliver, &mut rejects);
        assert!(ended.expect_err("stopped").to_string().contains("gone"));
        assert!(tally.unanswered() > 0 && tally.changed > 0, "{tally:?}");
        assert!(tally.rows < 1_000_000, "reading stops: {tally:?}");
    }

    #[test]
    fn a_node_that_loses_count_is_found_out() {
        let deliver =
            |lines: &[u8]| Ok(ChunkAnswer { changed: count_of(lines) - 1, ..ChunkAnswer::default() });
        let mut rejects = Rejects::open(None).expect("stderr");
        let (_, ended) = run(rows(50), &deliver, &mut rejects);
        assert!(ended.expect_err("miscounted").to_string().contains("the node counted"));
    }
}
