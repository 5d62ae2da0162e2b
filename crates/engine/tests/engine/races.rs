//! Two sides at full speed, in two threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shmark_engine::{PendingResponse, Server, Service};

use crate::common::{DEADLINE, Scratch, numbers};

/// As many rounds as fit a few seconds, and enough where the machine is busy.
fn rounds() -> impl Iterator<Item = u64> {
    let end = Instant::now() + Duration::from_secs(2);
    (0..20_000).take_while(move |round| *round < 100 || Instant::now() < end)
}

/// Waits for a response, or until there will be none.
#[track_caller]
fn answer(pending: &PendingResponse<u64>) -> Option<u64> {
    let end = Instant::now() + DEADLINE;
    loop {
        // Asked for before the response, since one that was sent before the end can still be received.
        let connected = pending.is_connected();
        if let Some(response) = pending.receive().unwrap() {
            return Some(*response);
        }
        if !connected {
            return None;
        }
        assert!(Instant::now() < end, "connected for {DEADLINE:?}, and no response");
        std::thread::yield_now();
    }
}

/// Runs a server in a thread of its own until `client` is done; `serve` says whether there was something to do.
fn beside(service: &Service<u64, u64>, serve: impl Fn(&Server<u64, u64>) -> bool + Sync, client: impl FnOnce()) {
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (stop, ready) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let server = service.server_builder().create().unwrap();
            ready.store(true, Ordering::Release);
            while !stop.load(Ordering::Relaxed) {
                if !serve(&server) {
                    std::thread::yield_now();
                }
            }
        });
        // Ends the server even if the client fails.
        let _stop = Stop(&stop);
        crate::common::until("a server", || ready.load(Ordering::Acquire));
        client();
    });
}

/// Symptom: a client waited for ever. Cause: the server looked at a request that nobody waits for, which was displaced by
/// one that somebody does before the server took it, and the second was skipped in the place of the first.
#[test]
fn a_request_is_not_skipped_in_the_place_of_the_one_that_it_displaces() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).enable_fire_and_forget_requests(false).max_active_requests_per_client(1);
    let service = service.create().unwrap();
    let serve = |server: &Server<u64, u64>| {
        if server.has_requests().unwrap()
            && let Some(request) = server.receive().unwrap()
        {
            request.send_copy(*request).unwrap();
            return true;
        }
        false
    };
    beside(&service, serve, || {
        let client = service.client_builder().create().unwrap();
        for number in rounds() {
            drop(client.send_copy(u64::MAX).unwrap());
            let pending = client.send_copy(number).unwrap();
            assert_eq!(answer(&pending), Some(number));
        }
    });
}

/// Symptom: a response was lost. Cause: as above, with a late response to an earlier request on the same lane.
#[test]
fn a_response_is_not_skipped_in_the_place_of_the_one_that_it_displaces() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).max_active_requests_per_client(1).max_response_buffer_size(1).create().unwrap();
    let serve = |server: &Server<u64, u64>| {
        if let Some(request) = server.receive().unwrap() {
            for _ in 0..3 {
                request.send_copy(*request).unwrap();
            }
            return true;
        }
        false
    };
    beside(&service, serve, || {
        let client = service.client_builder().create().unwrap();
        for number in rounds() {
            drop(client.send_copy(u64::MAX).unwrap());
            let pending = client.send_copy(number).unwrap();
            assert_eq!(answer(&pending), Some(number));
        }
    });
}

/// Threads that open, create and leave one service as fast as they can: every one ends with the same service, none is told
/// that it is damaged (RR-SVC-03), and nothing is left.
#[test]
fn open_or_create_by_many_while_others_leave() {
    const THREADS: u64 = 4;
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let scratch = &scratch;
            scope.spawn(move || {
                let node = scratch.node();
                for round in 0..1000 {
                    let service = numbers(&node).open_or_create();
                    let service = service.unwrap_or_else(|error| panic!("thread {thread}, round {round}: {error}"));
                    assert!(service.info().nodes.contains(&node.id()));
                }
            });
        }
    });
    scratch.assert_empty();
}

/// Two threads with a server each, which come and go, and two with a client each: every request that reaches a server which
/// stays is answered by it, with the right number, and every wait ends (RR-PRT-05, RR-PRT-06, RR-PND-05).
#[test]
fn servers_and_clients_in_threads_of_their_own() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for stays in [true, false] {
            let (service, stop) = (service.clone(), &stop);
            scope.spawn(move || {
                let mut server = service.server_builder().create().unwrap();
                let mut received = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    if let Some(request) = server.receive().unwrap() {
                        request.send_copy(*request + u64::from(stays)).unwrap();
                        received += 1;
                        if !stays && received.is_multiple_of(20) {
                            drop(server);
                            server = service.server_builder().create().unwrap();
                        }
                    } else {
                        std::thread::yield_now();
                    }
                }
                assert!(received > 0);
            });
        }
        let clients = [1_000_000, 2_000_000].map(|first| {
            let service = service.clone();
            scope.spawn(move || {
                let mut client = service.client_builder().create().unwrap();
                crate::common::until("both servers", || service.info().servers.len() == 2);
                for number in rounds().map(|round| first + 2 * round) {
                    let pending = client.send_copy(number).unwrap();
                    let mut answers = Vec::new();
                    while let Some(response) = answer(&pending) {
                        answers.push(response);
                    }
                    // From the server that stays, and at most one more.
                    assert!(answers.contains(&(number + 1)), "{number} was answered with {answers:?}");
                    answers.retain(|response| *response != number + 1);
                    assert!(answers.is_empty() || answers == [number], "{number} was also answered with {answers:?}");
                    drop(pending);
                    if number % 200 == 0 {
                        drop(client);
                        client = service.client_builder().create().unwrap();
                    }
                }
                client.chunks_in_use()
            })
        });
        let left = clients.map(std::thread::ScopedJoinHandle::join);
        // Whatever came of them, the servers are to end.
        stop.store(true, Ordering::Relaxed);
        for chunks in left {
            // One request at most may still be held by the server that answers it too late.
            assert!(chunks.unwrap() <= 1);
        }
    });
    drop((service, node));
    scratch.assert_empty();
}
