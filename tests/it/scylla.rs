//! A node that keeps its customers in ScyllaDB, or Cassandra: RAPPORT_TEST_CQL says where one runs, as host:port.
//!
//! Without it these tests print that they were skipped, unless RAPPORT_TEST_CQL_REQUIRED is set: then they fail.

use crate::durability::kills_lose_nothing;
use crate::harness::binary::{command, rapport};
use crate::harness::client::counts;
use crate::harness::node::playbook_dir;
use crate::harness::wait::until;
use crate::harness::{Home, event};
use serde_json::json;
use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// SIGKILLs of a run: each start is a claim at the server.
const KILLS: usize = 6;

/// Where the server is, and a keyspace of its own with tables.
fn keyspace() -> Option<(String, String)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("RAPPORT_TEST_CQL").ok().filter(|server| !server.is_empty());
    let Some(server) = server else {
        assert!(
            std::env::var_os("RAPPORT_TEST_CQL_REQUIRED").is_none(),
            "RAPPORT_TEST_CQL names no CQL server, and RAPPORT_TEST_CQL_REQUIRED asks for one"
        );
        eprintln!("skipped: RAPPORT_TEST_CQL names no CQL server");
        return None;
    };
    let name = format!("it{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let migrate = ["store", "migrate", "--scylla", &server, "--keyspace", &name, "--replicas", "1", "--json"];
    let migrated = rapport(&migrate).done().json();
    assert_eq!(migrated["from"], 0, "{migrated}");
    assert_eq!(rapport(&migrate).done().json()["applied"], json!([]), "again changes nothing");
    Some((server, name))
}

fn home(server: &str, keyspace: &str) -> Home {
    Home::with(&[("RAPPORT_STORE", "scylla"), ("RAPPORT_SCYLLA", server), ("RAPPORT_KEYSPACE", keyspace)])
}

#[test]
fn kills_lose_nothing_that_was_acknowledged_in_scylla() {
    let Some((server, keyspace)) = keyspace() else { return };
    kills_lose_nothing(&home(&server, &keyspace), KILLS);
}

#[test]
fn a_second_node_is_refused_while_the_first_lives_and_takes_over_when_it_has_stopped() {
    let Some((server, keyspace)) = keyspace() else { return };
    let (first, second) = (home(&server, &keyspace), home(&server, &keyspace));
    let node = first.start();
    node.client().grant("ann");
    assert_eq!(node.client().hear(&event("e1", "ann", 1)).accepted, 1);
    let dir = second.path().join("refused");
    let refused = command()
        .args(["node", "--node-id", "n2", "--http", "127.0.0.1:0", "--store", "scylla", "--scylla", &server])
        .args(["--keyspace", &keyspace, "--data-dir", dir.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("node n1 holds the shards and lives"), "{said}");

    assert_eq!(node.terminate().code(), Some(0));
    let node = second.start();
    assert_eq!(node.client().hear(&event("e1", "ann", 1)).duplicate, 1, "it remembers what the first heard");
    let cluster = node.client().get("/v1/cluster").ok();
    assert_eq!(cluster["epoch"], 2, "{cluster}");
}

#[test]
fn a_node_without_its_server_or_tables_says_what_to_do() {
    let Some((server, _)) = keyspace() else { return };
    let said_of = |server: &str, keyspace: &str| {
        let dir = tempfile::tempdir().unwrap();
        let started = command()
            .args(["node", "--http", "127.0.0.1:0", "--store", "scylla", "--scylla", server])
            .args(["--keyspace", keyspace, "--playbook"])
            .arg(playbook_dir())
            .arg("--data-dir")
            .arg(dir.path())
            .output()
            .unwrap();
        assert_eq!(started.status.code(), Some(1));
        String::from_utf8_lossy(&started.stderr).into_owned()
    };
    let said = said_of(&server, "nobody_made_this");
    assert!(said.contains("rapport store migrate --keyspace nobody_made_this"), "{said}");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let said = said_of(&nobody, "rapport");
    assert!(said.contains(&nobody) && said.contains("check that the server runs"), "{said}");
}

/// Between the node and its server stands a wire that can be cut.
#[test]
fn readiness_goes_when_the_server_goes_and_comes_back_by_itself() {
    let Some((server, keyspace)) = keyspace() else { return };
    let wire = Wire::to(&server);
    let home = home(&wire.address, &keyspace);
    let node = home.start();
    let client = node.client();
    client.grant("ann");
    assert_eq!(client.hear(&event("e1", "ann", 1)).accepted, 1);
    wire.cut();
    let ready =
        |status| until("readiness to change", || (client.get("/readyz").status == status).then_some(()));
    ready(503);
    let refused = client.json("POST", "/v1/events", &event("e2", "ann", 1));
    assert_eq!(refused.status, 503, "{refused}");
    wire.mend();
    ready(200);
    let taken = until("events to be taken again", || {
        let reply = client.json("POST", "/v1/events", &event("e2", "ann", 1));
        (reply.status == 200).then(|| counts(&reply.json()))
    });
    assert_eq!(taken.accepted + taken.duplicate, 1);
    assert_eq!(client.hear(&event("e1", "ann", 1)).duplicate, 1);
}

/// A pilot on the embedded store moves to a cluster, and back: everybody is the same in both, and goes on.
#[test]
fn a_pilot_moves_to_a_cluster_and_back_without_loss() {
    let Some((server, keyspace)) = keyspace() else { return };
    let pilot = Home::new();
    let node = pilot.start();
    for n in 0..40 {
        let customer = format!("c{n}");
        node.client().grant(&customer);
        assert_eq!(node.client().hear(&event("e1", &customer, n)).accepted, 1);
        node.client().decide(&customer, &crate::durability::question("r1")).ok();
    }
    let before = story(node.client());
    assert!(node.terminate().success());

    let pilot_dir = pilot.path().join("data");
    let target = ["--scylla", &server, "--keyspace", &keyspace, "--json"];
    let moving = |verb: &str, dir: &std::path::Path| {
        let words = [&["store", verb, "--data-dir", dir.to_str().unwrap()], &target[..]].concat();
        rapport(&words)
    };
    let moved = moving("export", &pilot_dir).done().json();
    assert_eq!(moved["customers"], 40, "{moved}");
    assert!(moved["decisions"].as_u64() >= Some(40), "{moved}");
    assert_eq!(moving("export", &pilot_dir).done().json(), moved, "again changes nothing");

    let cluster = home(&server, &keyspace);
    let node = cluster.start();
    assert_eq!(story(node.client()), before);
    assert_eq!(node.client().hear(&event("e1", "c3", 3)).duplicate, 1);
    assert_eq!(node.client().hear(&event("e2", "c3", 4)).accepted, 1);
    let before = story(node.client());
    let refused = moving("import", &cluster.path().join("too-early"));
    assert!(refused.exit_code == 1 && refused.stderr.contains("holds the shards and lives"), "{refused:?}");
    assert!(node.terminate().success());
    let refused = moving("export", &pilot_dir);
    assert!(refused.exit_code == 1 && refused.stderr.contains("new keyspace"), "{refused:?}");

    let home = Home::new();
    assert_eq!(moving("import", &home.path().join("data")).done().json()["customers"], 40);
    let node = home.start();
    assert_eq!(story(node.client()), before);
    assert_eq!(node.client().hear(&event("e2", "c3", 4)).duplicate, 1);
}

/// What a node knows of the forty, but for how long ago things were.
fn story(client: &crate::harness::Client) -> Vec<serde_json::Value> {
    let of = |n: u32| {
        let path = format!("/v1/customers/c{n}");
        let view = client.view(&format!("c{n}"));
        let decisions = client.get(&format!("{path}/decisions")).ok()["decisions"].clone();
        json!([
            view["revision"],
            view["tags"],
            view["consents"],
            client.contacts(&format!("c{n}")),
            decisions
        ])
    };
    (0..40).map(of).collect()
}

/// A wire to the server that can be cut and mended. Its threads end with the test's process.
struct Wire {
    address: String,
    state: Arc<WireState>,
}

#[derive(Default)]
struct WireState {
    is_cut: AtomicBool,
    ends: Mutex<Vec<TcpStream>>,
}

impl Wire {
    fn to(server: &str) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(WireState::default());
        let (server, kept) = (server.to_owned(), Arc::clone(&state));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !kept.is_cut.load(Ordering::Acquire)
                    && let Ok(upstream) = TcpStream::connect(&server)
                {
                    kept.carry(&client, &upstream);
                }
            }
        });
        Wire { address, state }
    }

    /// Closes every connection, and every new one.
    fn cut(&self) {
        self.state.is_cut.store(true, Ordering::Release);
        for end in self.state.ends.lock().unwrap().drain(..) {
            // An error means that it is closed already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.state.is_cut.store(false, Ordering::Release);
    }
}

impl WireState {
    fn carry(&self, client: &TcpStream, upstream: &TcpStream) {
        let mut ends = self.ends.lock().unwrap();
        for (from, to) in [(client, upstream), (upstream, client)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            ends.push(from.try_clone().unwrap());
            std::thread::spawn(move || {
                // However a direction ends, the other end has to hear of it.
                let _ = copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    }
}
