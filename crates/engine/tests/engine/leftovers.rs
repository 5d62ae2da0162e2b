//! What ports that are gone leave behind: no more than what is still asked for (RR-FNF-03, RR-DYN-04).

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use shmark_engine::{AllocationStrategy, PollSet};

use crate::common::{Scratch, name, numbers};

/// Bytes of memory that the files of a namespace take.
fn bytes(scratch: &Scratch) -> u64 {
    let metadata = scratch.files().into_iter().filter_map(|file| scratch.path().join(file).symlink_metadata().ok());
    metadata.filter(std::fs::Metadata::is_file).map(|metadata| metadata.blocks() * 512).sum()
}

/// A request that waits for a server which does not look takes its own room, not that of everything its client could have
/// sent (RR-FNF-01, RR-FNF-03).
#[test]
fn requests_of_clients_that_left_take_no_more_room_than_they_are_long() {
    const LEN: usize = 1 << 20;
    const CLIENTS: usize = 100;
    let content = |client: usize, i: usize| (client * 7 + i + (i >> 9)) as u8;
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("large")).request_response::<[u8], [u8]>().create().unwrap();
    let server = service.server_builder().create().unwrap();
    let before = bytes(&scratch);
    for number in 0..CLIENTS {
        let client = service.client_builder().initial_max_slice_len(LEN).create().unwrap();
        let pending = client.loan_slice_uninit(LEN).unwrap().write_from_fn(|i| content(number, i)).send().unwrap();
        drop((client, pending));
        let (waiting, each) = (number + 1, (bytes(&scratch) - before) / (number as u64 + 1));
        // A fifth for its header, whole pages and what connects it.
        assert!(
            each <= (LEN + LEN / 5) as u64,
            "{waiting} requests of {LEN} bytes wait for a server that does not look, their clients are gone, and the \
             files of the service take {each} bytes for each"
        );
    }
    for number in 0..CLIENTS {
        let active = server.receive().unwrap().unwrap_or_else(|| panic!("only {number} of {CLIENTS} requests arrived"));
        assert_eq!(active.len(), LEN);
        // They may arrive in any order: the first byte says whose it is.
        let sender = (0..CLIENTS).find(|sender| content(*sender, 0) == active[0]).unwrap();
        assert!(
            active.iter().enumerate().all(|(i, found)| *found == content(sender, i)),
            "request {number} has changed"
        );
    }
    assert!(server.receive().unwrap().is_none());
    drop((server, service, node));
    scratch.assert_empty();
}

/// Without fire-and-forget, a request whose pending response is gone is wanted by nobody: nothing of it stays, even if the
/// server never looks (RR-FNF-03).
#[test]
fn requests_that_nobody_wants_leave_no_file_with_a_server_that_never_looks() {
    for case in [
        "the client, then its pending response",
        "the pending response, then its client",
        "the client, then a loan, then its pending response",
        "the client, then its pending response, then a loan",
    ] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers(&node).enable_fire_and_forget_requests(false).create().unwrap();
        let _server = service.server_builder().create().unwrap();
        let before = scratch.files().len();
        for number in 0..1000_usize {
            let client = service.client_builder().create().unwrap();
            let loan = case.contains("loan").then(|| client.loan().unwrap());
            let pending = client.send_copy(number as u64).unwrap();
            if case.starts_with("the pending") {
                drop(pending);
                drop(client);
            } else if case.ends_with("loan") {
                drop(client);
                drop(pending);
                drop(loan);
            } else {
                drop(client);
                drop(loan);
                drop(pending);
            }
            let left = scratch.files().len() - before;
            // The last ones may wait for whoever comes next.
            assert!(
                left <= 6,
                "{left} files more than before are left of {} clients that sent and left ({case}): {:?}",
                number + 1,
                scratch.files()
            );
        }
    }
}

/// Symptom: a file stayed as long as the service. Cause: a client that was the last to see its segment left it for a server
/// that had left before.
#[test]
fn nothing_is_left_for_a_server_that_has_left_before() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("handover")).request_response::<[u8], [u8]>().create().unwrap();
    for has_met in [false, true] {
        let server = service.server_builder().create().unwrap();
        let client = service.client_builder().allocation_strategy(AllocationStrategy::BestFit).create().unwrap();
        let mut held = Vec::new();
        if has_met {
            held.push(client.loan_slice(1).unwrap().send().unwrap());
            assert!(server.receive().unwrap().is_some());
        }
        held.push(client.loan_slice(5000).unwrap().send().unwrap());
        drop(server);
        drop((client, held));
        assert_eq!(
            scratch.files_like("handover-").len() + scratch.files_like("segment-").len(),
            0,
            "left for a server that had left before its client (had received something: {has_met}): {:?}",
            scratch.files()
        );
    }
}

/// A pending response is waited for by a descriptor when its client is gone already: the pipe goes with the last of it.
#[test]
fn the_pipe_of_a_client_that_was_dropped_before_it_is_waited_for_goes_with_its_pending_response() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    drop(client);
    let mut set = PollSet::new().unwrap();
    let id = set.attach(&pending).unwrap();
    assert!(set.arm().unwrap().is_empty());
    active.send_copy(2).unwrap();
    // Readable, be it by the pipe or by the timer that looks for killed peers.
    let mut descriptors = [nix::poll::PollFd::new(set.as_fd(), nix::poll::PollFlags::POLLIN)];
    let readable = nix::poll::poll(&mut descriptors, nix::poll::PollTimeout::from(20_000_u16)).unwrap();
    assert_eq!(readable, 1, "a response is there, and the descriptor does not show it");
    let events: Vec<_> = set.arm().unwrap().iter().map(|event| event.id).collect();
    assert_eq!(events, [id]);
    assert_eq!(*pending.receive().unwrap().unwrap(), 2);
    drop((set, active, pending));
    assert_eq!(scratch.files_like("bell-").len(), 0, "a pipe that nobody waits at is left: {:?}", scratch.files());
    drop((server, service, node));
    scratch.assert_empty();
}

/// When no number is left for another segment, everything that the limits allow is still loaned at once (RR-DYN-05).
#[test]
fn every_loan_that_is_allowed_succeeds_when_growth_is_exhausted() {
    const LOANS: usize = 8;
    for strategy in [AllocationStrategy::BestFit, AllocationStrategy::PowerOfTwo] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let builder = node.service_builder(&name("exhausted")).request_response::<[u8], [u8]>();
        let service = builder.max_loaned_requests(LOANS).create().unwrap();
        let client = service.client_builder().allocation_strategy(strategy).create().unwrap();
        let mut longest = 1;
        if strategy == AllocationStrategy::BestFit {
            // 4095 times, as often as it can.
            while client.loan_slice_uninit(longest + 1).is_ok() {
                longest += 1;
                assert!(longest < 100_000, "no end of growing");
            }
        } else {
            for bits in 1..20 {
                longest = 1 << bits;
                drop(client.loan_slice_uninit(longest).unwrap());
            }
        }
        let mut loans = Vec::new();
        for number in 0..LOANS {
            let loan = client.loan_slice_uninit(1).unwrap_or_else(|error| {
                panic!("loan {} of {LOANS} that the service allows at once, of one byte, after growing to {longest} bytes ({strategy:?}): {error}", number + 1)
            });
            loans.push(loan.write_from_fn(|_| number as u8));
        }
        assert!(loans.iter().enumerate().all(|(number, loan)| loan.payload() == [number as u8]), "loans share memory");
    }
}
