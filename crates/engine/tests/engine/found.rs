//! Faults that came out by running programs against the engine, where two ports connect or part: each test makes the
//! moment certain that a program had to hit by chance.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use shmark_engine::error::{LoanError, ReceiveError};
use shmark_engine::{AllocationStrategy, BackpressureStrategy, Node, Service};

use crate::common::{DEADLINE, Scratch, name, no_hang, numbers, numbers_in_chunks, until};

/// The lock of the only service there is.
fn lock_file(scratch: &Scratch) -> File {
    File::options().write(true).open(scratch.path().join(&scratch.files_like("lock")[0])).unwrap()
}

fn last_taken(lock: &File) -> SystemTime {
    lock.metadata().unwrap().modified().unwrap()
}

/// Takes a lock when whoever takes it next lets it go: it is marked with the time.
fn lock_behind_the_next_holder(lock: &File, before: SystemTime) {
    let end = Instant::now() + DEADLINE;
    while last_taken(lock) == before {
        assert!(Instant::now() < end, "nobody has taken the lock within {DEADLINE:?}");
        std::hint::spin_loop();
    }
    // Who blocks is woken too late.
    while lock.try_lock().is_err() {
        assert!(Instant::now() < end, "the lock was not let go of within {DEADLINE:?}");
    }
}

/// Symptom: a server could send nothing any more after many clients had come and gone beside it. Cause: the number under
/// which a receiver's chunks are counted was taken when its connection was prepared, and lost when that was dropped before
/// it was attached. Mending: the number is taken when the connection is attached, or with a later loan.
#[test]
fn a_connection_that_is_prepared_in_vain_costs_no_receiver() {
    // Of these and those that have left, a server knows 63.
    const CLIENTS: usize = 31;
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers_in_chunks(&node).max_clients(CLIENTS).max_active_requests_per_client(1).create().unwrap();
    let server = service.server_builder().backpressure_strategy(BackpressureStrategy::DiscardData).create().unwrap();
    let lock = lock_file(&scratch);
    let mut clients = Vec::new();
    let (mut in_vain, end) = (0, Instant::now() + 3 * DEADLINE);
    // All of them are prepared, and the lock cannot be had to attach them.
    while in_vain < 3 {
        assert!(Instant::now() < end, "the lock was never taken between preparing and attaching");
        if scratch.files_like("connection-").is_empty() {
            clients.clear();
            clients.extend((0..CLIENTS).map(|_| service.client_builder().create().unwrap()));
        }
        let (before, is_locked) = (last_taken(&lock), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                lock_behind_the_next_holder(&lock, before);
                is_locked.store(true, Ordering::Release);
            });
            while !is_locked.load(Ordering::Acquire) {
                assert!(server.receive().unwrap().is_none(), "nothing was sent");
            }
        });
        in_vain += usize::from(!scratch.files_like("connection-").is_empty());
        lock.unlock().unwrap();
    }
    let pendings: Vec<_> = clients.iter().map(|client| client.send_copy(7).unwrap()).collect();
    let mut actives = Vec::new();
    until("each client's request", || {
        actives.extend(server.receive().unwrap());
        actives.len() == CLIENTS
    });
    for active in &actives {
        active.send_copy(8).unwrap();
    }
    let arrived = pendings.iter().filter(|pending| pending.receive().unwrap().is_some()).count();
    assert_eq!(
        arrived, CLIENTS,
        "responses that arrived, of one that was sent to each client, after {in_vain} times that the server had prepared \
         a connection with each of them and could not attach it"
    );
}

/// Symptom: a message that its sender could not leave behind was dropped in silence. Cause: looking whether a client that is
/// gone has something left took out what could not be read, and the error with it. Mending: the look takes nothing out.
#[test]
fn a_message_that_could_not_be_left_behind_is_told_and_the_others_are_received() {
    for is_attached in [true, false] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = node.service_builder(&name("slices")).request_response::<[u8], u64>().create().unwrap();
        let server = service.server_builder().create().unwrap();
        let growing = service.client_builder().allocation_strategy(AllocationStrategy::BestFit);
        let client = growing.create().unwrap();
        if is_attached {
            assert!(server.receive().unwrap().is_none());
        }
        for len in [100_000, 200_000, 10] {
            let request = client.loan_slice_uninit(len).unwrap().write_from_fn(|i| i as u8);
            drop(request.send().unwrap());
        }
        // What has no name cannot get another one.
        let segment = scratch.files_like("segment-").into_iter().find(|path| path.to_string_lossy().ends_with("-1"));
        std::fs::remove_file(scratch.path().join(segment.unwrap())).unwrap();
        drop(client);
        let mut said = Vec::new();
        for _ in 0..6 {
            said.push(server.receive().map(|active| active.map(|active| active.len())));
        }
        assert_eq!(
            said,
            [Err(ReceiveError::MessageLost), Ok(Some(200_000)), Ok(Some(10)), Ok(None), Ok(None), Ok(None)],
            "receiving from a client that has left and could not leave the first of three requests behind (attached \
             before: {is_attached})"
        );
    }
}

/// Symptom: a response waited for ever. Cause: a receiver has a number also after it has left, as long as it holds something,
/// and with all numbers taken sending waited for one. Mending: the loan fails.
#[test]
fn a_loan_fails_where_clients_that_have_left_hold_as_many_responses_as_can_be_known() {
    no_hang(|| {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers_in_chunks(&node).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let mut held = Vec::new();
        let one_more = |number: u64| {
            let client = service.client_builder().create().unwrap();
            let pending = client.send_copy(number).unwrap();
            drop(client);
            (pending, server.receive().unwrap().unwrap())
        };
        let (pending, active, error) = loop {
            assert!(held.len() < 1000, "a response is loaned however many are held by clients that have left");
            let (pending, active) = one_more(held.len() as u64);
            match active.loan_uninit() {
                Ok(response) => response.write_payload(held.len() as u64).send().unwrap(),
                Err(error) => break (pending, active, error),
            }
            held.push(pending);
        };
        assert_eq!(error, LoanError::OutOfMemory);
        assert!(held.len() > 32, "only {} clients that have left can be answered", held.len());
        // One of them lets go.
        assert_eq!(held.remove(0).receive().unwrap().map(|response| *response), Some(0));
        until("a response to the one that was refused", || {
            server.has_requests().unwrap();
            active.send_copy(1000).is_ok()
        });
        assert_eq!(pending.receive().unwrap().map(|response| *response), Some(1000));
        for (index, pending) in held.iter().enumerate() {
            assert_eq!(pending.receive().unwrap().map(|response| *response), Some(index as u64 + 1));
        }
    });
}

/// A client that sends requests and leaves.
fn come_and_go(service: &Service<u64, u64>, requests: &[u64]) {
    let client = service.client_builder().create().unwrap();
    for request in requests {
        drop(client.send_copy(*request).unwrap());
    }
}

fn crowded(node: &Node) -> Service<u64, u64> {
    let service = numbers(node).max_departed_clients(1).max_active_requests_per_client(1);
    service.enable_safe_overflow_for_requests(false).create().unwrap()
}

/// Symptom: receiving said that too many requests are held, and requests of others were not received. Cause: a client that
/// has left and of whom as many requests are held as may took the place of those who wait to be attached. Mending: it counts
/// only while something of it can be received.
#[test]
fn a_client_that_has_left_and_of_whom_enough_is_held_keeps_nobody_out() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = crowded(&node);
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    drop(client.send_copy(1).unwrap());
    let held = server.receive().unwrap().unwrap();
    drop(client.send_copy(2).unwrap());
    drop(client);
    // It is known that the first has left.
    assert!(matches!(server.receive(), Err(ReceiveError::ExceedsMaxBorrows { max: 1 })));
    come_and_go(&service, &[3]);
    let mut received = None;
    until("a request of another client", || {
        received = received.or(server.receive().ok().flatten().map(|active| *active));
        received.is_some()
    });
    assert_eq!(received, Some(3));
    drop(held);
    assert_eq!(server.receive().unwrap().map(|active| *active), Some(2));
}
