//! A wire between store and server that can be slow, cut, or deaf in one direction; and that counts what is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Opcode of a request that executes a prepared statement, and of a batch: native protocol, version 4.
const EXECUTE: u8 = 0x0a;
const BATCH: u8 = 0x0d;
/// A frame's head: version, flags, stream, opcode, length.
const HEAD_BYTES: usize = 9;

/// What the wire does.
#[derive(Default)]
struct State {
    delay_ms: AtomicU64,
    /// Answers of the server go nowhere; connections stay open.
    deaf: AtomicBool,
    /// New connections are closed at once.
    refusing: AtomicBool,
    requests: AtomicU64,
}

/// A wire to the server.
pub struct Proxy {
    pub address: String,
    state: Arc<State>,
    cuts: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn to(server: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (state, (cuts, cut)) = (Arc::new(State::default()), watch::channel(0));
        let (server, kept) = (server.to_owned(), Arc::clone(&state));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if kept.refusing.load(Ordering::Acquire) {
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(&server).await else { continue };
                tokio::spawn(carry(client, upstream, Arc::clone(&kept), cut.clone()));
            }
        });
        Proxy { address, state, cuts, accepting }
    }

    /// Every message takes this much longer, each way.
    pub fn delay(&self, delay_ms: u64) {
        self.state.delay_ms.store(delay_ms, Ordering::Release);
    }

    /// What the server answers does not arrive; what is asked does.
    pub fn deafen(&self, deaf: bool) {
        self.state.deaf.store(deaf, Ordering::Release);
    }

    /// Closes every connection at once.
    pub fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }

    /// Closes every connection, and every new one.
    pub fn gone(&self, gone: bool) {
        self.state.refusing.store(gone, Ordering::Release);
        if gone {
            self.cut();
        }
    }

    /// How many prepared statements and batches were asked for.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Acquire)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(client: TcpStream, server: TcpStream, state: Arc<State>, mut cut: watch::Receiver<u64>) {
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    cut.mark_unchanged();
    tokio::select! {
        _ = cut.changed() => {}
        () = requests(from_client, to_server, &state) => {}
        () = answers(from_server, to_client, &state) => {}
    }
}

/// Frame by frame, so that requests can be counted.
async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    loop {
        let mut frame = vec![0; HEAD_BYTES];
        if from.read_exact(&mut frame).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes(frame[5..9].try_into().unwrap()) as usize;
        if frame[4] == EXECUTE || frame[4] == BATCH {
            state.requests.fetch_add(1, Ordering::AcqRel);
        }
        frame.resize(HEAD_BYTES + length, 0);
        if from.read_exact(&mut frame[HEAD_BYTES..]).await.is_err() {
            return;
        }
        wait(state).await;
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        wait(state).await;
        if !state.deaf.load(Ordering::Acquire) && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

async fn wait(state: &State) {
    let delay_ms = state.delay_ms.load(Ordering::Acquire);
    if delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
}
