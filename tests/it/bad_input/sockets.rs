//! Sockets that misbehave: too large, too slow, gone too early.

use crate::bad_input::serves_on;
use crate::harness::raw::{answer, connect, exchange};
use crate::harness::{Home, event};
use std::io::Write;
use std::net::Shutdown;

/// Callers that send their request letter by letter, and never all of it.
const SLOW_CALLERS: usize = 64;

#[test]
fn what_is_no_http_is_refused_and_closed() {
    let home = Home::new();
    let node = home.start();
    let address = node.client().address();
    let huge = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-huge: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = "x-more: 1\r\n".repeat(10_000);
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    let long = format!("GET /v1/customers/{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(1 << 20));
    for (what, bytes) in [
        ("words", b"hello\r\n\r\n".to_vec()),
        ("zero bytes", vec![0; 4096]),
        ("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("no version", b"GET /healthz\r\n\r\n".to_vec()),
        ("a huge header", huge.into_bytes()),
        ("10,000 headers", many.into_bytes()),
        ("a path of 1 MB", long.into_bytes()),
        (
            "a length that is none",
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n".to_vec(),
        ),
        ("a length below 0", b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_vec()),
        (
            "two lengths",
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"
                .to_vec(),
        ),
        (
            "a broken chunk",
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n".to_vec(),
        ),
    ] {
        let reply = exchange(address, &bytes);
        if let Some(reply) = reply {
            assert!((400..500).contains(&reply.status), "{what}: {reply}");
        }
    }
    serves_on(node.client());
}

#[test]
fn a_caller_who_hangs_up_in_the_middle_leaves_no_trace() {
    let home = Home::new();
    let node = home.start();
    let body = event("e1", "ann", 1).to_string();
    let head = |kind: &str| {
        let length = body.len() + 100;
        format!(
            "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let structured = head("application/json");
    for bytes in [
        &structured[..9],
        &structured,
        &format!("{structured}{}", &body[..50]),
        &format!("{structured}{body}"),
    ] {
        let mut stream = connect(node.client().address());
        stream.write_all(bytes.as_bytes()).expect("sent");
        stream.shutdown(Shutdown::Write).expect("hung up");
        let status = answer(&mut stream).map(|reply| reply.status);
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{status:?}");
    }
    assert_eq!(node.client().view("ann")["revision"], 0, "a body cut off is not applied");

    let mut stream = connect(node.client().address());
    let stream_head = head("application/x-ndjson");
    stream.write_all(format!("{stream_head}{body}\n{{\"id\":").as_bytes()).expect("sent");
    drop(stream);
    let again = node.client().lines("/v1/events", &body).ok();
    assert_eq!(again["rejected_count"], 0, "{again}");
    let heard = node.client().value("ann", "heard");
    assert_eq!(heard, 1, "a line of a broken stream may have been heard; sent again, it has one effect");
    serves_on(node.client());
}

#[test]
fn slow_callers_do_not_keep_others_waiting_and_are_shown_the_door() {
    let home = Home::new();
    let node = home.start();
    let mut slow: Vec<_> = (0..SLOW_CALLERS).map(|_| connect(node.client().address())).collect();
    for piece in [&b"POST /v1/ev"[..], b"ents HTTP/1.1\r\nhos", b"t: x\r\nconten"] {
        for stream in &mut slow {
            stream.write_all(piece).expect("sent");
        }
        for customer in 0..20 {
            let id = format!("{customer}-{}", piece.len());
            assert_eq!(node.client().hear(&event(&id, "ann", customer)).accepted, 1);
        }
    }
    for stream in &mut slow {
        let status = answer(stream).map(|reply| reply.status);
        assert!(status.is_none_or(|status| status == 408), "closed in time: {status:?}");
    }
    serves_on(node.client());
}
