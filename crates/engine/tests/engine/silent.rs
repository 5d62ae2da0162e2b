//! A client that only sends: it drops each pending response at once, and never receives or asks anything.

use std::path::Path;
use std::time::{Duration, Instant};

use shmark_engine::Node;
use shmark_engine::error::SendError;

use crate::common::{DEADLINE, Scratch, numbers_in_chunks};
use crate::processes::Process;

/// A server that holds everything that it may, each in a chunk of its client.
pub fn hold(root: &Path, (ready, wait): (fn(), fn())) {
    let node = Node::builder().root(root).create().unwrap();
    let server = numbers_in_chunks(&node).open().unwrap().server_builder().create().unwrap();
    ready();
    let mut held = Vec::new();
    let end = Instant::now() + DEADLINE;
    while held.len() < 4 {
        held.extend(server.receive().unwrap());
        assert!(Instant::now() < end, "only {} requests arrived", held.len());
    }
    ready();
    wait();
}

/// What a killed server held comes back to a client that only sends, and the server is no receiver any more (RR-LIV-01,
/// RR-RCL-02).
#[test]
fn a_client_that_only_sends_gets_back_what_a_killed_server_held() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers_in_chunks(&node).max_servers(1).create().unwrap();
    let client = service.client_builder().create().unwrap();
    let mut server = Process::start("holder", scratch.path(), 0);
    for number in 0..4 {
        drop(client.send_copy(number).unwrap());
    }
    server.wait_until_ready();
    // As many again wait to be received.
    for number in 4..8 {
        drop(client.send_copy(number).unwrap());
    }
    assert_eq!(client.chunks_in_use(), 8, "held by the server, and on their way there");
    server.kill();
    let started = Instant::now();
    let mut delivered = 1;
    // By nothing but sending: a request that is delivered to nobody shows that the death was noticed.
    while delivered > 0 && started.elapsed() < Duration::from_secs(5) {
        let pending = match client.send_copy(9) {
            Ok(pending) => pending,
            Err(error @ SendError::Loan(_)) => panic!("what a killed server held does not come back: {error}"),
            Err(error) => panic!("{error}"),
        };
        delivered = pending.number_of_server_connections();
        drop(pending);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(
        (delivered, client.chunks_in_use()),
        (0, 0),
        "(servers that a request of a client which only sends is delivered to, chunks that are not its own again), \
         {:?} after the only server was killed",
        started.elapsed()
    );
    let loans: Vec<_> = (0..2).map(|_| client.loan_uninit().unwrap()).collect();
    drop((loans, client, service, node));
    scratch.assert_empty();
}
