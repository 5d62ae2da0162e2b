//! Receiving until nothing more can come, without waiting and in a loop of responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use shmark_engine::error::{ReceiveError, ReceiveTimeoutError};
use shmark_engine::{Client, PendingResponse, TryReceived};

use super::{LONG, received, sent};
use crate::common::{DEADLINE, Scratch, no_hang, numbers, until};

/// A way to receive everything.
type Drain = fn(&PendingResponse<u64>) -> Vec<u64>;

fn without_waiting(pending: &PendingResponse<u64>) -> Vec<u64> {
    let end = Instant::now() + DEADLINE;
    let mut received = Vec::new();
    loop {
        match pending.try_receive().unwrap() {
            TryReceived::Received(response) => received.push(*response),
            TryReceived::Empty => std::hint::spin_loop(),
            TryReceived::Disconnected => return received,
        }
        assert!(Instant::now() < end, "no end of responses within {DEADLINE:?}: {received:?}");
    }
}

fn in_a_loop(pending: &PendingResponse<u64>) -> Vec<u64> {
    pending.responses(LONG).map(|response| *response.unwrap()).collect()
}

/// The end is never told in front of the last response. Both threads share one processor, and the client spins: so it is
/// interrupted anywhere between its looks, and finds the response and the end together when it goes on.
#[track_caller]
fn nothing_is_lost(drain: Drain) {
    no_hang(move || {
        pin_to_one_processor();
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let (other, stop) = (service.clone(), Arc::clone(&over));
        let server = std::thread::spawn(move || {
            let server = other.server_builder().create().unwrap();
            while !stop.load(Ordering::Relaxed) {
                let Some(active) = server.receive().unwrap() else {
                    std::thread::yield_now();
                    continue;
                };
                for number in 0..*active % 3 {
                    active.send_copy(*active + number).unwrap();
                }
            }
        });
        let client: Client<u64, u64> = service.client_builder().create().unwrap();
        until("a server", || client.send_copy(0).unwrap().number_of_server_connections() == 1);
        let end = Instant::now() + Duration::from_secs(2);
        for round in (0..30_000).take_while(|round| *round < 100 || Instant::now() < end) {
            let pending = client.send_copy(round).unwrap();
            let expected: Vec<_> = (0..round % 3).map(|number| round + number).collect();
            assert_eq!(drain(&pending), expected, "round {round}: what was received, and what was sent before the end");
        }
        over.store(true, Ordering::Relaxed);
        server.join().unwrap();
    });
}

/// This thread, and those that it starts.
fn pin_to_one_processor() {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).unwrap();
    let first = (0..CpuSet::count()).find(|cpu| allowed.is_set(*cpu).unwrap()).unwrap();
    let mut one = CpuSet::new();
    one.set(first).unwrap();
    sched_setaffinity(this, &one).unwrap();
}

#[test]
fn try_receive_loses_nothing_in_front_of_the_end() {
    nothing_is_lost(without_waiting);
}

#[test]
fn responses_loses_nothing_in_front_of_the_end() {
    nothing_is_lost(in_a_loop);
}

/// One server is done without an answer, and the other one answers and is dropped.
#[test]
fn the_end_is_told_when_no_server_can_answer() {
    for drain in [without_waiting, in_a_loop] as [Drain; 2] {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let servers = [(); 2].map(|()| service.server_builder().create().unwrap());
        let client = service.client_builder().create().unwrap();
        let pending = client.send_copy(1).unwrap();
        let actives = servers.each_ref().map(|server| received(server.receive_timeout(LONG).unwrap()));
        assert!(matches!(pending.try_receive().unwrap(), TryReceived::Empty));
        let [first, second] = actives;
        drop(first);
        assert!(matches!(pending.try_receive().unwrap(), TryReceived::Empty), "the other server holds the request");
        second.send_copy(2).unwrap();
        drop((second, servers));
        assert_eq!(drain(&pending), [2]);
        assert!(drain(&pending).is_empty(), "said as often as it is asked");
    }
}

/// A time that is over is the last item, and a second loop goes on.
#[test]
fn responses_end_with_a_time_that_is_over() {
    let root = Scratch::new();
    let node = root.node();
    let (_service, server, _client, pending) = sent(&node);
    let active = server.receive().unwrap().unwrap();
    let timeout = Duration::from_millis(5);
    active.send_copy(2).unwrap();
    let items: Vec<_> = pending.responses(timeout).map(|item| item.map(|response| *response)).collect();
    assert_eq!(items, [Ok(2), Err(ReceiveTimeoutError::Timeout { timeout })]);
    active.send_copy(3).unwrap();
    drop(active);
    assert_eq!(in_a_loop(&pending), [3]);
}

/// Too many responses are held: there is one, nothing receives it, and nothing is lost.
#[test]
fn responses_that_are_held_end_nothing() {
    let root = Scratch::new();
    let node = root.node();
    let service = numbers(&node).max_borrowed_responses_per_pending_response(1).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    active.send_copy(2).unwrap();
    active.send_copy(3).unwrap();
    drop(active);
    let held = pending.receive().unwrap().unwrap();
    let error = ReceiveError::ExceedsMaxBorrows { max: 1 };
    assert!(pending.has_response().unwrap(), "a receive says that too many are held");
    assert_eq!(pending.receive().unwrap_err(), error);
    assert_eq!(pending.try_receive().unwrap_err(), error);
    let items: Vec<_> = pending.responses(LONG).map(|item| item.map(|response| *response)).collect();
    assert_eq!(items, [Err(ReceiveTimeoutError::Receive(error))]);
    drop(held);
    assert_eq!(in_a_loop(&pending), [3]);
}
