//! Blocking, displacing, ordering: what a random model reaches rarely or cannot reach in one thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use shmark_engine::error::{LoanError, PortError, ReceiveError, SendError};
use shmark_engine::{BackpressureAction, BackpressureInfo, BackpressureStrategy};

use crate::common::{Scratch, name, no_hang, numbers, numbers_in_chunks, until};

/// Counts as reached what the other thread does next.
fn step(steps: &AtomicUsize) {
    steps.fetch_add(1, Ordering::AcqRel);
}

#[test]
fn a_blocked_request_goes_on_when_there_is_room() {
    no_hang(|| {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers(&node).enable_safe_overflow_for_requests(false).max_active_requests_per_client(1);
        let service = service.create().unwrap();
        let server = service.server_builder().create().unwrap();
        let steps = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let client = service.client_builder().create().unwrap();
                drop(client.send_copy(1).unwrap());
                step(&steps);
                let pending = client.send_copy(2).unwrap();
                step(&steps);
                pending.number_of_server_connections()
            });
            until("the first request", || steps.load(Ordering::Acquire) == 1);
            assert!(server.has_requests().unwrap());
            assert_eq!(steps.load(Ordering::Acquire), 1, "the second request was sent into a full buffer");
            assert_eq!(*server.receive().unwrap().unwrap(), 1);
            assert_eq!(sender.join().unwrap(), 1, "a blocked request is delivered in the end (RR-SND-08)");
            assert_eq!(*server.receive().unwrap().unwrap(), 2);
        });
    });
}

/// What a server refuses as it leaves makes room, and is not room for another request (RR-SND-08).
#[test]
fn a_blocked_request_goes_on_when_the_server_is_dropped() {
    no_hang(|| {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service =
            numbers_in_chunks(&node).enable_safe_overflow_for_requests(false).max_active_requests_per_client(1);
        let service = service.create().unwrap();
        for round in 0..1_000 {
            let server = service.server_builder().create().unwrap();
            let steps = Arc::new(AtomicUsize::new(0));
            std::thread::scope(|scope| {
                let sender = scope.spawn(|| {
                    // Asked while the request waits for room: only then the server may leave.
                    let asked = Arc::clone(&steps);
                    let blocked = move |_: &BackpressureInfo<'_>| {
                        step(&asked);
                        BackpressureAction::Retry
                    };
                    let client = service.client_builder().backpressure_handler(blocked).create().unwrap();
                    drop(client.send_copy(1).unwrap());
                    let pending = client.send_copy(2).unwrap();
                    assert!(!pending.is_connected(), "round {round}: connected to a server that has left");
                    // The server is about to leave when it is seen to have left, and its chunk comes back when it has.
                    until("the chunks of both requests", || client.chunks_in_use() == 0);
                    pending.number_of_server_connections()
                });
                until("a request without room", || steps.load(Ordering::Acquire) > 0);
                assert!(server.has_requests().unwrap());
                drop(server);
                let delivered = sender.join().unwrap();
                assert_eq!(delivered, 0, "round {round}: delivered to a server that was leaving and received nothing");
            });
        }
    });
}

/// Both reasons for which a response that waits for room stops waiting (RR-SND-08, RR-PND-06).
#[test]
fn a_blocked_response_goes_on_when_there_is_room_or_nobody_listens() {
    no_hang(|| {
        for room in [true, false] {
            let scratch = Scratch::new();
            let node = scratch.node();
            let service =
                numbers_in_chunks(&node).enable_safe_overflow_for_responses(false).max_response_buffer_size(1);
            let service = service.create().unwrap();
            let client = service.client_builder().create().unwrap();
            let (ready, is_ready) = channel();
            let steps = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                let sender = scope.spawn(|| {
                    let server = service.server_builder().create().unwrap();
                    ready.send(()).unwrap();
                    let request = crate::common::eventually("a request", || server.receive().unwrap());
                    request.send_copy(1).unwrap();
                    step(&steps);
                    request.send_copy(2).unwrap();
                    request.send_copy(3).unwrap();
                    drop(request);
                    server.chunks_in_use()
                });
                is_ready.recv().unwrap();
                let pending = client.send_copy(0).unwrap();
                until("the first response", || steps.load(Ordering::Acquire) == 1);
                if room {
                    for expected in 1..=3 {
                        assert_eq!(*crate::common::eventually("a response", || pending.receive().unwrap()), expected);
                    }
                    until("the end", || !pending.is_connected());
                } else {
                    drop(pending);
                }
                assert!(sender.join().unwrap() <= 1, "chunks of responses that nobody waits for are kept");
            });
        }
    });
}

/// One full server does not keep a request from the other (RR-SND-09), and the blocked send ends when the full one leaves.
#[test]
fn a_full_server_does_not_keep_a_request_from_another() {
    no_hang(|| {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers(&node).enable_safe_overflow_for_requests(false).max_active_requests_per_client(1);
        let service = service.create().unwrap();
        let [full, free] = [(); 2].map(|()| service.server_builder().create().unwrap());
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let client = service.client_builder().create().unwrap();
                drop(client.send_copy(1).unwrap());
                let pending = client.send_copy(2).unwrap();
                pending.number_of_server_connections()
            });
            let mut expected = 1;
            until("both requests at the free server", || {
                if let Some(request) = free.receive().unwrap() {
                    assert_eq!(*request, expected);
                    expected += 1;
                }
                expected == 3
            });
            drop(full);
            assert_eq!(sender.join().unwrap(), 1);
        });
    });
}

#[test]
fn a_displaced_request_is_connected_only_where_it_was_not_displaced() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).max_active_requests_per_client(2).create().unwrap();
    let client = service.client_builder().create().unwrap();
    let [slow, quick] = [(); 2].map(|()| service.server_builder().create().unwrap());
    let first = client.send_copy(1).unwrap();
    let held = quick.receive().unwrap().unwrap();
    for number in 2..4 {
        drop(client.send_copy(number).unwrap());
    }
    assert!(first.is_connected(), "one server holds it");
    drop(held);
    assert!(!first.is_connected(), "displaced at one server, dropped at the other (RR-SND-06)");
    for expected in 2..4 {
        assert_eq!(*slow.receive().unwrap().unwrap(), expected);
    }
    assert!(slow.receive().unwrap().is_none());
}

/// On one lane, again and again: whatever a stale active request does, the one after it is not affected (RR-ACT-03).
#[test]
fn a_stale_active_request_affects_no_later_one_on_its_lane() {
    for overflow in [true, false] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers_in_chunks(&node).max_active_requests_per_client(1).max_response_buffer_size(1);
        let service = service.enable_safe_overflow_for_responses(overflow).create().unwrap();
        let client = service.client_builder().create().unwrap();
        let server =
            service.server_builder().backpressure_strategy(BackpressureStrategy::DiscardData).create().unwrap();
        for round in 0..50_u64 {
            let pending = client.send_copy(1).unwrap();
            let stale = server.receive().unwrap().unwrap();
            let mut loan = Some(stale.loan().unwrap());
            drop(pending);
            if round % 2 == 0 {
                stale.send_copy(1).unwrap();
            }
            let pending = client.send_copy(2).unwrap();
            assert!(!stale.is_connected());
            if round % 3 == 0 {
                loan.take().unwrap().send().unwrap();
            }
            // The server has the place for one request only, so the stale one goes.
            assert_eq!(server.receive().unwrap_err(), ReceiveError::ExceedsMaxBorrows { max: 1 });
            drop((stale, loan));
            assert!(pending.is_connected(), "round {round}: disconnected by a stale active request");
            assert!(pending.receive().unwrap().is_none(), "round {round}: received what a stale active request sent");
            let active = server.receive().unwrap().unwrap();
            active.send_copy(3).unwrap();
            assert_eq!(*pending.receive().unwrap().unwrap(), 3, "round {round}");
            assert!(pending.is_connected());
            drop(active);
            assert!(!pending.is_connected());
        }
        assert_eq!((client.chunks_in_use(), server.chunks_in_use()), (0, 0));
    }
}

/// A loan that outlives its active request is sent to nobody: no more responses come after the end (RR-ACT-05).
#[test]
fn a_loan_that_outlives_its_active_request_sends_nothing() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers_in_chunks(&node).create().unwrap();
    let client = service.client_builder().create().unwrap();
    let server = service.server_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    let loan = active.loan().unwrap();
    drop(active);
    assert!(!pending.is_connected());
    loan.send().unwrap();
    assert!(!pending.has_response().unwrap());
    assert_eq!(server.chunks_in_use(), 0);
}

#[test]
fn limits_are_told_with_their_number_and_cost_nothing() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("limits")).request_response::<[u8], [u8]>();
    let service = service.max_active_requests_per_client(2).max_loaned_requests(1).max_clients(1).max_servers(1);
    let service = service.max_borrowed_responses_per_pending_response(1).max_response_buffer_size(3).create().unwrap();
    assert_eq!(
        service.client_builder().max_active_requests(3).create().unwrap_err(),
        PortError::ExceedsMaxActiveRequests { asked: 3, has: 2 }
    );
    let client = service.client_builder().max_active_requests(0).initial_max_slice_len(4).create().unwrap();
    let server =
        service.server_builder().max_loaned_responses_per_request(1).initial_max_slice_len(2).create().unwrap();
    let error = service.client_builder().create().unwrap_err();
    assert_eq!(error, PortError::ExceedsMaxClients { max_clients: 1 });
    let error = service.server_builder().create().unwrap_err();
    assert_eq!(error, PortError::ExceedsMaxServers { max_servers: 1 });
    assert_eq!((client.max_slice_len(), server.max_slice_len()), (4, 2));

    for _ in 0..100 {
        let loan = client.loan_slice(4).unwrap();
        assert_eq!(client.loan_slice(1).unwrap_err(), LoanError::ExceedsMaxLoans { max: 1 });
        drop(loan);
        assert_eq!(client.loan_slice(5).unwrap_err(), LoanError::ExceedsMaxLoanSize { len: 5, max: 4 });
        let pending = client.loan_slice(1).unwrap().send().unwrap();
        let refused = client.loan_slice(1).unwrap().send().unwrap_err();
        assert_eq!(refused, SendError::ExceedsMaxActiveRequests { max: 1 });
        let active = server.receive().unwrap().unwrap();
        let loan = active.loan_slice(2).unwrap();
        assert_eq!(active.loan_slice(1).unwrap_err(), LoanError::ExceedsMaxLoans { max: 1 });
        loan.send().unwrap();
        assert_eq!(active.loan_slice(3).unwrap_err(), LoanError::ExceedsMaxLoanSize { len: 3, max: 2 });
        active.loan_slice(1).unwrap().send().unwrap();
        let first = pending.receive().unwrap().unwrap();
        assert_eq!(pending.receive().unwrap_err(), ReceiveError::ExceedsMaxBorrows { max: 1 });
        assert_eq!(first.len(), 2);
        drop(first);
        assert_eq!(pending.receive().unwrap().unwrap().len(), 1, "a refused receive lost something (RR-PND-02)");
    }
    assert_eq!((client.chunks_in_use(), server.chunks_in_use()), (0, 0));
}

/// A segment that no address space holds is refused with its size.
#[test]
fn a_segment_beyond_every_size_is_refused() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("large")).request_response::<[u64], [u64]>();
    let service = service.max_active_requests_per_client(65_536).max_response_buffer_size(65_536).create().unwrap();
    for len in [usize::MAX, usize::MAX / 8, 1 << 40] {
        let error = service.client_builder().initial_max_slice_len(len).create().unwrap_err();
        assert!(matches!(error, PortError::SegmentTooLarge { .. }), "{len}: {error}");
    }
    // 65536 responses for each of 65536 requests of 8 clients.
    let error = service.server_builder().create().unwrap_err();
    assert!(matches!(error, PortError::SegmentTooLarge { chunks, .. } if chunks > 1 << 32), "{error}");
    assert_eq!(scratch.files_like("segment-"), Vec::<std::path::PathBuf>::new());
    // What was refused took no place.
    assert_eq!((service.info().clients.len(), service.info().servers.len()), (0, 0));
}
