//! A node's life: start, serve, stop.
//!
//! Starting goes from the inside out (store, ownership, playbook, region, HTTP), stopping from the outside in, so
//! that nothing is served before what it needs is there, and nothing is closed while somebody needs it.

use crate::clock;
use crate::dispatch::{Bounds, Dispatch};
use crate::error::NodeError;
use crate::http::{self, Services};
use crate::options::NodeOptions;
use crate::playbooks::{PlaybookError, Playbooks, directory, lines};
use crate::preflight::Preflights;
use crate::store::{Held, Opened, Renewing};
use crate::telemetry;
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, middleware, rt, web};
use actors::options::{Clock, RegionOptions};
use actors::playbook::active::Active;
use actors::region::Region;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use storage::{Embedded, Store};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// How long open connections may take to hear their last answers once no request is in hand, in seconds.
const CONNECTIONS_LINGER_S: u64 = 1;
/// How often a stopping node looks whether requests are left.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often histograms are summed up: between two scrapes they would grow without bound.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// Connections that wait to be taken; the system's usual bound.
const BACKLOG: u32 = 1024;

/// A running node.
pub struct Node {
    address: SocketAddr,
    services: Arc<Services>,
    store: Opened,
    server: ServerHandle,
    upkeep: rt::task::JoinHandle<()>,
    renewing: Option<Renewal>,
}

/// The task that keeps a shared store's shards ours, and how it is told to give them back.
struct Renewal {
    stop: oneshot::Sender<()>,
    task: rt::task::JoinHandle<()>,
}

impl Node {
    /// Starts a node: it answers HTTP when this returns, and is ready once it has a playbook. Must be called within
    /// an actix system.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn start(options: NodeOptions) -> Result<Node, NodeError> {
        options.check()?;
        let metrics = telemetry::start(&options)?;
        let listener = listen(&options.http)?;
        let address = listener.local_addr().map_err(|error| not_listening(&options.http, &error))?;
        let (clock, began) = (clock::wall(), Instant::now());
        let store = Opened::open(&options).await?;
        let Held { ownership, claim } = store.claim(&options, began, clock().ms()).await?;
        let shared = store.shared();
        let playbooks = Playbooks::new(Arc::clone(&shared), Arc::clone(&clock));
        let in_force = first_playbook(&playbooks, &options).await?;
        let dispatch = dispatch(&options, &ownership, &shared, &clock, began);
        match in_force {
            Some(active) => dispatch.put_in_force(with_what_was_learned(active, &shared).await?),
            None => warn!("no playbook is in force: not ready until one is posted to /v1/playbooks"),
        }
        let requests = AtomicUsize::new(0);
        let services = Arc::new(Services {
            options,
            dispatch,
            playbooks,
            preflights: Preflights::default(),
            store: shared,
            clock,
            metrics,
            requests,
        });
        let server = serve(&services, listener)?;
        let upkeep = rt::spawn(upkeep(Arc::clone(&services)));
        info!(
            node = %ownership.node(), %address, shards = ownership.shard_count().get(),
            ready = services.dispatch.ready().is_ok(), "started"
        );
        let renewing = claim.map(|claim| renew(claim, &services));
        Ok(Node { address, services, store, server, upkeep, renewing })
    }

    /// Where HTTP is answered.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops taking work, finishes turns in hand, flushes and closes the store.
    ///
    /// # Errors
    /// [`NodeError::CutShort`] when calls were still in hand after `drain_ms`; [`NodeError::Store`].
    pub async fn stop(self) -> Result<(), NodeError> {
        let drain_ms = self.services.options.drain_ms;
        let until = Instant::now() + Duration::from_millis(drain_ms);
        self.services.dispatch.stop_taking_work();
        self.server.pause().await;
        let requests = self.requests_left(until).await;
        let patience = until.saturating_duration_since(Instant::now());
        let calls =
            self.services.dispatch.drain(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX)).await;
        self.server.stop(requests == 0).await;
        self.upkeep.abort();
        if let Some(Renewal { stop, task }) = self.renewing {
            // An error means that the task has ended: the shards are another node's.
            let _ = stop.send(());
            let _ = task.await;
        }
        self.store.close().await?;
        match calls {
            0 => {
                info!(address = %self.address, "stopped");
                Ok(())
            }
            calls => Err(NodeError::CutShort { address: self.address, calls, drain_ms }),
        }
    }

    /// Waits until no request is in hand; how many were left at `until`.
    async fn requests_left(&self, until: Instant) -> usize {
        loop {
            let left = self.services.requests.load(Ordering::Acquire);
            if left == 0 || Instant::now() >= until {
                return left;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

fn listen(address: &str) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address).map_err(|error| not_listening(address, &error))
}

fn not_listening(address: &str, error: &std::io::Error) -> NodeError {
    NodeError::Listen { address: address.to_string(), detail: error.to_string() }
}

/// Writes a stopped node's store anew: smaller, and without a trace of erased customers.
///
/// # Errors
/// Why not, with the directory's name: there is no store, a node has it open, or the disk is full.
pub fn compact_store(data_dir: &std::path::Path) -> Result<storage::Compacted, String> {
    Embedded::compact(data_dir).map_err(|error| error.to_string())
}

/// The playbook to start with: the directory's when one is given, else the one last in force.
async fn first_playbook(playbooks: &Playbooks, options: &NodeOptions) -> Result<Option<Active>, NodeError> {
    let Some(dir) = &options.playbook_dir else {
        return playbooks.in_force().await.map_err(playbook_error);
    };
    let accepted = playbooks.accept(directory::read(dir)?).await.map_err(playbook_error)?;
    for warning in &accepted.warnings {
        warn!(%warning, "playbook");
    }
    match playbooks.in_force().await.map_err(playbook_error)? {
        Some(active) if active.playbook.id == accepted.playbook.id => Ok(Some(active)),
        before => {
            let before = before.map(|active| active.playbook.id.to_string());
            info!(playbook = %accepted.playbook.id, before, "put the playbook of the directory in force");
            let mut in_force = None;
            let activated = playbooks.activate(&accepted.playbook.id, |active| in_force = Some(active)).await;
            activated.map(|()| in_force).map_err(playbook_error)
        }
    }
}

/// A node that starts again decides at once with what it had learned.
async fn with_what_was_learned(active: Active, store: &Arc<dyn Store>) -> Result<Active, NodeError> {
    let evidence = actors::region::evidence::evidence_before(&**store).await?;
    Ok(match evidence {
        Some(evidence) => active.learned(evidence),
        None => active,
    })
}

fn playbook_error(error: PlaybookError) -> NodeError {
    match error {
        PlaybookError::Invalid(mistakes) => NodeError::Playbook(lines(&mistakes)),
        PlaybookError::Store(error) => NodeError::Store(error),
        other => NodeError::Unreadable(other.to_string()),
    }
}

fn dispatch(
    options: &NodeOptions,
    ownership: &cluster::Handle,
    store: &Arc<dyn Store>,
    clock: &Clock,
    began: Instant,
) -> Dispatch {
    let bounds = Bounds {
        in_flight_max: options.in_flight_max,
        deadline: Duration::from_millis(options.deadline_ms),
        retry_after_ms: options.retry_after_s.saturating_mul(1000),
    };
    let region = RegionOptions {
        thread_count: options.thread_count,
        resident_bytes_max: options.resident_bytes_max,
        in_hand_max: options.in_flight_max,
        began,
        ..RegionOptions::default()
    };
    let (store, clock, owned) = (Arc::clone(store), Arc::clone(clock), ownership.clone());
    let start_region = move |playbook| {
        Region::start(region.clone(), Arc::clone(&store), playbook, Arc::clone(&clock), owned.clone())
    };
    Dispatch::new(ownership.clone(), bounds, Box::new(start_region))
}

fn serve(services: &Arc<Services>, listener: TcpListener) -> Result<ServerHandle, NodeError> {
    let data = web::Data::from(Arc::clone(services));
    let app = move || {
        App::new().app_data(data.clone()).configure(http::configure).wrap(middleware::from_fn(http::around))
    };
    let server = HttpServer::new(app)
        .workers(services.options.thread_count)
        .backlog(BACKLOG)
        .disable_signals()
        .shutdown_timeout(CONNECTIONS_LINGER_S)
        .listen(listener)
        .map_err(|error| not_listening(&services.options.http, &error))?
        .run();
    let handle = server.handle();
    rt::spawn(server);
    Ok(handle)
}

fn renew(claim: Renewing, services: &Arc<Services>) -> Renewal {
    let (stop, stopped) = oneshot::channel();
    let (ownership, services) = (services.dispatch.ownership().clone(), Arc::clone(services));
    let answers = move |answers| services.dispatch.note_store(answers);
    Renewal { stop, task: rt::spawn(claim.run(ownership, answers, stopped)) }
}

async fn upkeep(services: Arc<Services>) {
    loop {
        sleep(UPKEEP_EVERY).await;
        services.metrics.run_upkeep();
    }
}

fn system(what: &'static str, error: &dyn std::error::Error) -> NodeError {
    NodeError::System { what, detail: error.to_string() }
}

/// Runs a node on this thread until SIGTERM or SIGINT, then stops it.
///
/// # Errors
/// See [`NodeError`].
pub fn run(options: NodeOptions) -> Result<(), NodeError> {
    rt::System::new().block_on(async move {
        let handle = |kind| signal(kind).map_err(|error| system("a signal handler", &error));
        let (terminate, interrupt) = (handle(SignalKind::terminate())?, handle(SignalKind::interrupt())?);
        let node = Node::start(options).await?;
        let signal = first_of(terminate, interrupt).await;
        info!(signal, "stopping");
        node.stop().await
    })
}

async fn first_of(mut terminate: Signal, mut interrupt: Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// A node on a thread of its own, for callers without an actix system: the demo, tests.
pub struct Background {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), NodeError>>,
}

impl Background {
    /// Starts the thread and waits until the node answers HTTP.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub fn start(options: NodeOptions) -> Result<Background, NodeError> {
        let (started, starting) = mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let life = move || {
            rt::System::new().block_on(async move {
                let node = Node::start(options).await?;
                // The other ends are gone only when nobody waits for this node any more: then it stops.
                let _ = started.send(node.address());
                let _ = stopped.await;
                node.stop().await
            })
        };
        let thread = std::thread::Builder::new().name("node".into()).spawn(life);
        let thread = thread.map_err(|error| system("a thread", &error))?;
        match starting.recv() {
            Ok(address) => Ok(Background { address, stop, thread }),
            Err(_) => Err(ended(thread).err().unwrap_or_else(died)),
        }
    }

    /// Where HTTP is answered.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops the node and waits for its thread.
    ///
    /// # Errors
    /// As [`Node::stop`].
    pub fn stop(self) -> Result<(), NodeError> {
        // An error means that the node has ended by itself; its thread says why.
        let _ = self.stop.send(());
        ended(self.thread)
    }
}

fn ended(thread: JoinHandle<Result<(), NodeError>>) -> Result<(), NodeError> {
    thread.join().unwrap_or_else(|_| Err(died()))
}

fn died() -> NodeError {
    NodeError::System { what: "to go on", detail: "the node's thread ended".into() }
}
