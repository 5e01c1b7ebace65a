//! Bytes over a plain socket, for requests that no HTTP library would send.

use super::client::Reply;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Connects.
pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the node accepts");
    stream.set_read_timeout(Some(ANSWER_MAX)).expect("a timeout");
    stream
}

/// Sends bytes as they are and reads the answer. `None`: the node closed without a word.
pub fn exchange(address: &str, bytes: &[u8]) -> Option<Reply> {
    let mut stream = connect(address);
    // A node that has refused already may close before it has read everything.
    let _ = stream.write_all(bytes);
    answer(&mut stream)
}

/// What the node says until it closes. `None`: nothing.
pub fn answer(stream: &mut TcpStream) -> Option<Reply> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("neither answered nor closed: {error}"),
    }
    (!bytes.is_empty()).then(|| read(&bytes))
}

fn read(bytes: &[u8]) -> Reply {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("the end of a head");
    let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Reply { status, headers: lines.filter_map(header).collect(), body: bytes[end + 4..].to_vec() }
}
