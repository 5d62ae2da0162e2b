//! Waiting (RR-WAIT): woken by every message and by every end, asleep meanwhile, whatever stands in the wake words.

mod ends;
mod garbage;
mod long_spins;
mod poll_set;
mod responses;
mod shared_port;
mod system_calls;
mod wait_set;
mod wake_ups;

use std::path::Path;
use std::time::Duration;

use rand::RngExt as _;
use shmark_engine::{Client, Node, PendingResponse, Server, Service, Waited};

use crate::common::{Random, numbers};

/// A time that no wait of these tests may need, and longer than what fails a test that hangs.
const LONG: Duration = Duration::from_secs(120);
/// What a wait has to end within although nobody wakes it: the requirement says one second, of a machine of its own.
const SOON: Duration = Duration::from_secs(10);

/// The processes of these tests.
pub fn play(role: &str, root: &Path, mut seed: Random, ready: fn()) {
    let node = Node::builder().root(root).create().unwrap();
    let service = numbers(&node).open().unwrap();
    match role {
        "waiting-echo" => echo(&service, &mut seed, ready),
        "waiting-poller" => poll_set::echo(&service, &mut seed, ready),
        "waiting-traced" => system_calls::traced(root, &service, ready),
        // Receives a request and holds it.
        "waiting-holder" => {
            let server = service.server_builder().create().unwrap();
            ready();
            let active = received(server.receive_timeout(LONG).unwrap());
            until_told();
            drop(active);
        }
        // Sends a request and holds what pends.
        "waiting-client" => {
            let client = service.client_builder().create().unwrap();
            let pending = client.send_copy(1).unwrap();
            ready();
            until_told();
            drop(pending);
        }
        other => panic!("no such role: {other}"),
    }
}

fn until_told() {
    let _ = std::io::stdin().lines().last();
}

/// Answers with one more, after a pause, until the last client has gone.
fn echo(service: &Service<u64, u64>, seed: &mut Random, ready: impl Fn()) {
    let server = service.server_builder().create().unwrap();
    server.set_spin_before_sleep(Duration::ZERO);
    ready();
    let mut held = None;
    loop {
        match server.receive_timeout(LONG).unwrap() {
            Waited::Received(active) => {
                pause(seed);
                active.send_copy(*active + 1).unwrap();
                // The end of an active request wakes as well, so now and then there is none.
                held = (seed.random_range(0..2) == 0).then_some(active);
            }
            Waited::Disconnected => return drop(held),
            Waited::Timeout => panic!("no request within {LONG:?}"),
        }
    }
}

/// Nothing, or some work: so that messages meet a receiver at every step of its way to sleep.
fn pause(seed: &mut Random) {
    match seed.random_range(0..4) {
        0 => {}
        1 => (0..seed.random_range(0..200)).for_each(|_| std::hint::spin_loop()),
        2 => (0..seed.random_range(0..2000)).for_each(|_| std::hint::spin_loop()),
        _ => std::thread::yield_now(),
    }
}

#[track_caller]
fn received<T: std::fmt::Debug>(waited: Waited<T>) -> T {
    match waited {
        Waited::Received(value) => value,
        other => panic!("waited in vain: {other:?}"),
    }
}

type Sent = (Service<u64, u64>, Server<u64, u64>, Client<u64, u64>, PendingResponse<u64>);

/// A service, a server and a client of it, and a request in flight.
fn sent(node: &Node) -> Sent {
    let service = numbers(node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    (service, server, client, pending)
}
