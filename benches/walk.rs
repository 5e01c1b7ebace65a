//! How many durable events and decisions a second does one node take over HTTP, and how long does each wait?
//!
//! Size: 20,000 customers (Zipf-like use), the sample playbook with its 242 offers, the embedded store in the target
//! directory, 32 connections on loopback (4 for streams), 8 seconds a row. Client and node share the machine. Baselines in the same
//! run: an HTTP request that does nothing (the floor of HTTP itself), and single events beside the NDJSON stream.
//! Prints a table; `--test` runs every row for a moment. Judge ratios: times on shared machines mean little.

use node::{Background, NodeOptions};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 32;
const STREAMS: usize = 4;
const LINES_PER_STREAM: u64 = 2_000;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--test");
    let (customers, seconds) = if quick { (200, 0.2) } else { (20_000, 8.0) };
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../target");
    fs::create_dir_all(target).expect("the target directory");
    let dir = tempfile::tempdir_in(target).expect("a directory on disk");
    let options = NodeOptions {
        data_dir: dir.path().join("data"),
        http: "127.0.0.1:0".to_owned(),
        playbook_dir: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../playbooks/telco").into()),
        log: "warn".to_owned(),
        ..NodeOptions::default()
    };
    let node = Background::start(options).expect("a node");
    let load = Load { address: node.address(), customers, seconds };
    load.move_in();
    println!("{:<34} {:>10} {:>9} {:>9} {:>12}", "what", "a second", "p50 ms", "p99 ms", "CPU us each");
    load.row("HTTP alone (GET /healthz)", (CONNECTIONS, 1), |_| {
        request("GET", "/healthz", "application/json", "")
    });
    load.row("single events", (CONNECTIONS, 1), |n| {
        let event = event(n, zipf(n, customers));
        request("POST", "/v1/events", "application/cloudevents+json", &event)
    });
    let written = io_bytes_written();
    let streamed = load.row("events as NDJSON, 2,000 a request", (STREAMS, LINES_PER_STREAM), |n| {
        let first = 1_000_000_000 + n * LINES_PER_STREAM;
        let lines: String =
            (first..first + LINES_PER_STREAM).map(|n| event(n, zipf(n, customers)) + "\n").collect();
        request("POST", "/v1/events", "application/x-ndjson", &lines)
    });
    let written_per_event = (io_bytes_written() - written) / streamed.max(1);
    for direction in ["inbound", "outbound"] {
        load.row(&format!("{direction} decisions"), (CONNECTIONS, 1), |n| {
            let body = format!(r#"{{"channel":"app","direction":"{direction}"}}"#);
            let path = format!("/v1/customers/c{}/decisions", zipf(n, customers));
            request("POST", &path, "application/json", &body)
        });
    }
    load.row("360 views", (CONNECTIONS, 1), |n| {
        request("GET", &format!("/v1/customers/c{}", zipf(n, customers)), "application/json", "")
    });
    println!("bytes written an NDJSON event, everything included: {written_per_event}");
    println!(
        "the node's own view: {}",
        one(load.address, &request("GET", "/v1/cluster", "application/json", ""))
    );
    node.stop().expect("stopped");
}

/// Load on one node.
struct Load {
    address: SocketAddr,
    customers: u64,
    seconds: f64,
}

impl Load {
    /// Gives every customer some tags and consents.
    fn move_in(&self) {
        for first in (0..self.customers).step_by(1_000) {
            let last = (first + 1_000).min(self.customers);
            let tags: String = (first..last).map(|n| format!("{}\n", tags(n))).collect();
            one(self.address, &request("POST", "/v1/imports/tags", "application/x-ndjson", &tags));
        }
        let next = AtomicU64::new(0);
        self.with_connections(CONNECTIONS, |connection| {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= self.customers {
                    return;
                }
                let granted = |purpose| {
                    format!(r#"{{"purpose":"{purpose}","channel":"any","state":"granted","at":"2026-01-01T00:00:00Z"}}"#)
                };
                let body = format!("[{},{}]", granted("marketing"), granted("profiling"));
                let path = format!("/v1/customers/c{n}/consents");
                connection.ask(&request("PUT", &path, "application/json", &body));
            }
        });
    }

    /// Asks on so many connections for a while, each answer worth so many, and prints a row. Returns how many were done.
    fn row(
        &self,
        name: &str,
        (connections, worth): (usize, u64),
        make: impl Fn(u64) -> Vec<u8> + Sync,
    ) -> u64 {
        let next = AtomicU64::new(0);
        let over = AtomicBool::new(false);
        let waits = std::sync::Mutex::new(Vec::new());
        let (cpu, began) = (cpu_seconds(), now());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_secs_f64(self.seconds));
                over.store(true, Ordering::Relaxed);
            });
            self.with_connections(connections, |connection| {
                let mut own = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let request = make(next.fetch_add(1, Ordering::Relaxed));
                    let asked = now();
                    connection.ask(&request);
                    own.push(asked.elapsed());
                }
                waits.lock().expect("no panic").extend(own);
            });
        });
        let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let mut waits: Vec<Duration> = waits.into_inner().expect("no panic");
        waits.sort_unstable();
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let done = waits.len() as u64 * worth;
        println!(
            "{name:<34} {:>10.0} {:>9.2} {:>9.2} {:>12.1}",
            done as f64 / took,
            at(0.5),
            at(0.99),
            cpu / done as f64 * 1e6
        );
        done
    }

    fn with_connections(&self, connections: usize, work: impl Fn(&mut Connection) + Sync) {
        std::thread::scope(|scope| {
            for _ in 0..connections {
                scope.spawn(|| work(&mut Connection::open(self.address)));
            }
        });
    }
}

/// One kept-alive connection; panics on any answer but 2xx, so that no row counts refusals.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the node answers");
        stream.set_nodelay(true).expect("a socket option");
        Connection(BufReader::new(stream))
    }

    fn ask(&mut self, request: &[u8]) -> String {
        self.0.get_mut().write_all(request).expect("sent");
        let (mut line, mut length) = (String::new(), 0);
        self.0.read_line(&mut line).expect("a status line");
        let status = line.clone();
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("a header");
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        let body = String::from_utf8(body).expect("text");
        assert!(status.contains(" 200 "), "{status}{body}");
        body
    }
}

fn one(address: SocketAddr, request: &[u8]) -> String {
    Connection::open(address).ask(request)
}

fn request(method: &str, path: &str, kind: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn event(n: u64, customer: u64) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{n}","source":"/bench","type":"telco.usage.data","subject":"c{customer}","data":{{"mb":{},"roaming":false}}}}"#,
        n % 300
    )
}

fn tags(n: u64) -> String {
    let term = ["monthly", "one_year", "two_year"][n as usize % 3];
    format!(
        r#"{{"customer":"c{n}","source":"bench","as_of":"2026-01-01T00:00:00Z","set":{{"age":{},"contract":"postpaid","contract_term":"{term}","tenure_months":{},"monthly_charges":{},"senior":false,"partner":true}}}}"#,
        18 + n % 60,
        n % 72,
        20 + n % 80
    )
}

/// A customer of a skewed crowd: one in ten uses comes from one in a hundred customers.
fn zipf(n: u64, customers: u64) -> u64 {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
    if n.is_multiple_of(10) { mixed % (customers / 100).max(1) } else { mixed % customers }
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// User and system time of this process (node and client), from the kernel's count of 10 ms ticks.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |ix: usize| after_name.split_whitespace().nth(ix).and_then(|text| text.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// Bytes this process caused to be written to disk.
fn io_bytes_written() -> u64 {
    let io = fs::read_to_string(Path::new("/proc/self/io")).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0)
}
