//! Payload segments that grow with what is loaned, and shrink to what is in use.

use std::collections::VecDeque;

use rand::{RngExt as _, SeedableRng as _};
use shmark_engine::error::LoanError;
use shmark_engine::{AllocationStrategy, Client, RequestedSettings, Server, Service};

use crate::common::{Random, Scratch, name, until};

type Bytes = Service<[u8], [u8]>;

const GROWING: [AllocationStrategy; 2] = [AllocationStrategy::BestFit, AllocationStrategy::PowerOfTwo];

fn service(scratch: &Scratch) -> Bytes {
    let requested_settings = RequestedSettings {
        max_active_requests: Some(8),
        response_buffer: Some(4),
        max_borrowed_responses: Some(4),
        ..RequestedSettings::default()
    };
    let builder = scratch.node().service_builder(&name("growth")).request_response::<[u8], [u8]>();
    builder.requested_settings(requested_settings).open_or_create().unwrap()
}

fn client(service: &Bytes, strategy: AllocationStrategy) -> Client<[u8], [u8]> {
    service.client_builder().initial_max_slice_len(16).allocation_strategy(strategy).create().unwrap()
}

fn server(service: &Bytes, strategy: AllocationStrategy) -> Server<[u8], [u8]> {
    service.server_builder().initial_max_slice_len(16).allocation_strategy(strategy).create().unwrap()
}

/// Byte `i` of a message that began with `seed`.
fn byte(seed: usize, i: usize) -> u8 {
    (seed.wrapping_mul(31) ^ i ^ (i >> 8)) as u8
}

#[track_caller]
fn assert_content(seed: usize, len: usize, found: &[u8]) {
    assert_eq!(found.len(), len, "elements that were loaned");
    assert!(
        found.iter().enumerate().all(|(i, found)| *found == byte(seed, i)),
        "message {seed} of {len} bytes changed"
    );
}

/// Segments in a folder and those mapped here, by name.
fn mapped(scratch: &Scratch) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let folder = scratch.path().to_str().unwrap().to_owned();
    maps.lines().filter(|line| line.contains(&folder) && line.contains("segment-")).count()
}

/// Both sides grow while messages of all ages are unread and held, and none changes (RR-DYN-02, RR-DYN-03); what was
/// outgrown goes when its last chunk has been returned (RR-DYN-04).
#[test]
fn segments_grow_under_messages_that_are_held_and_shrink_after_them() {
    for strategy in GROWING {
        let scratch = Scratch::new();
        let service = service(&scratch);
        let (client, server) = (client(&service, strategy), server(&service, strategy));
        let mut held = VecDeque::new();
        let mut numbers = Random::seed_from_u64(7);
        for round in 0..200_usize {
            let len = if round % 3 == 0 { round * 17 } else { numbers.random_range(0..3000) };
            let request = client.loan_slice_uninit(len).unwrap().write_from_fn(|i| byte(round, i));
            let pending = request.send().unwrap();
            let active = server.receive().unwrap().unwrap();
            let answer_len = (len * 7) % 5000;
            let response = active.loan_slice_uninit(answer_len).unwrap();
            response.write_from_fn(|i| byte(round + 1, i)).send().unwrap();
            let response = pending.receive().unwrap().unwrap();
            held.push_back((round, len, answer_len, pending, active, response));
            if held.len() > 6 {
                held.pop_front();
            }
            for (round, len, answer_len, _, active, response) in &held {
                assert_content(*round, *len, active.payload());
                assert_content(round + 1, *answer_len, response.payload());
            }
        }
        assert!(client.max_slice_len() >= 3366 && server.max_slice_len() > 4000, "what was asked for fits now");
        held.clear();
        assert_eq!((client.chunks_in_use(), server.chunks_in_use()), (0, 0));
        assert_eq!((client.segments(), server.segments()), (1, 1));
        assert_eq!(scratch.files_like("segment-").len(), 2, "outgrown segments are unlinked");
        // The other side unmaps them the next time that it looks after its peers.
        until("outgrown segments are unmapped on both sides", || {
            let _ = (server.has_requests(), client.loan_slice(1).unwrap().send().unwrap().is_connected());
            while let Some(active) = server.receive().unwrap() {
                drop(active);
            }
            mapped(&scratch) == 4
        });
        drop((client, server, service));
        scratch.assert_empty();
    }
}

/// Exactly for best fit, to the next power of two for the other; the hint is the beginning (RR-DYN-01, RR-DYN-02).
#[test]
fn strategies_decide_how_much_fits_after_growing() {
    let scratch = Scratch::new();
    let service = service(&scratch);
    for (strategy, after) in [(AllocationStrategy::BestFit, 1000), (AllocationStrategy::PowerOfTwo, 1024)] {
        let client = client(&service, strategy);
        assert_eq!(client.max_slice_len(), 16);
        drop(client.loan_slice(16).unwrap());
        assert_eq!(client.max_slice_len(), 16, "what fits needs no growth");
        drop(client.loan_slice(1000).unwrap());
        assert_eq!(client.max_slice_len(), after);
    }
    let fixed = client(&service, AllocationStrategy::Static);
    assert_eq!(fixed.loan_slice(17).unwrap_err(), LoanError::ExceedsMaxLoanSize { len: 17, max: 16 });
    drop(fixed.loan_slice(16).unwrap());
}

/// Loans from before and after growing, sent in any order (RR-DYN-03).
#[test]
fn loans_from_before_growing_are_sent_after_it() {
    let scratch = Scratch::new();
    let service = service(&scratch);
    let (client, server) =
        (client(&service, AllocationStrategy::BestFit), server(&service, AllocationStrategy::BestFit));
    let old = client.loan_slice_uninit(10).unwrap().write_from_fn(|i| byte(1, i));
    let new = client.loan_slice_uninit(500).unwrap().write_from_fn(|i| byte(2, i));
    let pendings = [new.send().unwrap(), old.send().unwrap()];
    assert_content(2, 500, server.receive().unwrap().unwrap().payload());
    assert_content(1, 10, server.receive().unwrap().unwrap().payload());
    drop(pendings);
    assert_eq!(client.segments(), 1);
}

/// Growing ends with an error when the numbers of segments do, and what fits goes on (RR-DYN-05).
#[test]
fn growth_that_is_exhausted_is_an_error_and_shorter_loans_go_on() {
    let scratch = Scratch::new();
    let service = service(&scratch);
    let (client, server) =
        (client(&service, AllocationStrategy::BestFit), server(&service, AllocationStrategy::Static));
    let mut len = 16;
    let error = loop {
        match client.loan_slice_uninit(len) {
            Ok(loan) => drop(loan),
            Err(error) => break error,
        }
        len += 1;
        assert!(len < 100_000, "no end of growing");
    };
    assert_eq!(error, LoanError::GrownTooOften { max: 4096 });
    assert_eq!(scratch.files_like("segment-").len(), 2);
    for too_long in [len, len * 1000, usize::MAX / 2, usize::MAX] {
        assert!(client.loan_slice_uninit(too_long).is_err());
    }
    let pending = client.loan_slice_uninit(len - 1).unwrap().write_from_fn(|i| byte(3, i)).send().unwrap();
    assert_content(3, len - 1, server.receive().unwrap().unwrap().payload());
    drop(pending);
}

/// Beyond every address, and beyond what there is (RR-DYN-05).
#[test]
fn a_slice_beyond_every_size_is_refused_and_nothing_else_changes() {
    for strategy in GROWING {
        let scratch = Scratch::new();
        let service = service(&scratch);
        let client = client(&service, strategy);
        for len in [usize::MAX, usize::MAX / 2, 1 << 50] {
            assert_eq!(client.loan_slice_uninit(len).unwrap_err(), LoanError::ExceedsMaxLoanSize { len, max: 16 });
        }
        // Fits the address space, and no machine's shared memory.
        let error = client.loan_slice_uninit(1 << 37).unwrap_err();
        assert!(matches!(error, LoanError::CannotGrow { .. }), "{error:?}");
        assert_eq!((client.max_slice_len(), client.chunks_in_use(), client.segments()), (16, 0, 1));
        assert_eq!(scratch.files_like("segment-").len(), 1);
        drop(client.loan_slice(1).unwrap());
    }
}

/// With one message's room, loans up to the limit grow or fail, and go on when something is back (RR-PRT-08, RR-DYN-07).
#[test]
fn little_room_grows_or_fails_and_recovers() {
    let scratch = Scratch::new();
    let service = service(&scratch);
    let server = server(&service, AllocationStrategy::Static);
    for strategy in [AllocationStrategy::Static, AllocationStrategy::BestFit, AllocationStrategy::PowerOfTwo] {
        let builder = service.client_builder().allocation_strategy(strategy).initial_max_slice_len(64);
        let client = builder.preallocate(1).create().unwrap();
        let mut held = Vec::new();
        for round in 0..8_usize {
            let loan = client.loan_slice_uninit(50);
            if strategy == AllocationStrategy::Static && round > 0 {
                assert_eq!(loan.unwrap_err(), LoanError::OutOfMemory);
                continue;
            }
            let pending = loan.unwrap().write_from_fn(|i| byte(round, i)).send().unwrap();
            held.push((round, pending, server.receive().unwrap().unwrap()));
        }
        for (round, _, active) in &held {
            assert_content(*round, 50, active.payload());
        }
        held.clear();
        drop(client.loan_slice(50).unwrap());
        assert_eq!((client.chunks_in_use(), client.segments()), (0, 1));
    }
    let tiny = service.server_builder().preallocate(0).create().unwrap();
    let client = client(&service, AllocationStrategy::Static);
    let pending = client.loan_slice(1).unwrap().send().unwrap();
    let active = tiny.receive().unwrap().unwrap();
    let loan = active.loan_slice(1).unwrap();
    assert_eq!(active.loan_slice(1).unwrap_err(), LoanError::OutOfMemory);
    drop(loan);
    active.loan_slice(1).unwrap().send().unwrap();
    drop(pending);
}

/// Messages in a segment that nobody has mapped when the last of its sender is dropped arrive whole (RR-DYN-06, RR-FNF-01,
/// RR-PND-04), and leave nothing.
#[test]
fn messages_outlive_the_sender_of_a_segment_that_is_not_mapped_yet() {
    let scratch = Scratch::new();
    let service = service(&scratch);
    let server = server(&service, AllocationStrategy::PowerOfTwo);
    for connected_before in [true, false] {
        let client = client(&service, AllocationStrategy::PowerOfTwo);
        if connected_before {
            assert!(!server.has_requests().unwrap());
        }
        let first = client.loan_slice_uninit(16).unwrap().write_from_fn(|i| byte(1, i)).send().unwrap();
        let second = client.loan_slice_uninit(4000).unwrap().write_from_fn(|i| byte(2, i)).send().unwrap();
        drop((first, second, client));
        assert_content(1, 16, server.receive().unwrap().unwrap().payload());
        assert_content(2, 4000, server.receive().unwrap().unwrap().payload());
        assert!(server.receive().unwrap().is_none());
        assert_eq!(scratch.files_like("segment-").len(), 1, "the server's own");
        assert_eq!(scratch.files_like("handover-").len(), 0);
    }
    // The other way, and unread.
    for read in [true, false] {
        let client = client(&service, AllocationStrategy::Static);
        let answering = service.server_builder().allocation_strategy(AllocationStrategy::BestFit).create().unwrap();
        let pending = client.loan_slice(1).unwrap().send().unwrap();
        drop(server.receive().unwrap().unwrap());
        let active = answering.receive().unwrap().unwrap();
        drop(answering);
        // Grows after its server has left.
        active.loan_slice_uninit(9000).unwrap().write_from_fn(|i| byte(5, i)).send().unwrap();
        drop(active);
        if read {
            assert_content(5, 9000, pending.receive().unwrap().unwrap().payload());
            assert!(!pending.is_connected());
        }
        drop(pending);
        assert!(!client.loan_slice(1).unwrap().send().unwrap().is_connected() || server.has_requests().unwrap());
        while server.receive().unwrap().is_some() {}
        assert_eq!(scratch.files_like("handover-").len(), 0, "read: {read}");
    }
    drop((server, service));
    scratch.assert_empty();
}

/// Requests of counter² bytes up to 1,000,000 from a 16-byte hint, answers that grow likewise, two clients and two servers at
/// a time (RR-DYN-08).
#[test]
fn slices_grow_to_a_million_bytes_with_several_clients_and_servers() {
    for strategy in GROWING {
        let scratch = Scratch::new();
        let service = service(&scratch);
        let clients = [client(&service, strategy), client(&service, strategy)];
        let servers = [server(&service, strategy), server(&service, strategy)];
        let mut held = Vec::new();
        for counter in (1..=1000_usize).step_by(27).chain([1000]) {
            let len = (counter * counter).min(1_000_000);
            let send = |client: &Client<[u8], [u8]>| {
                let request = client.loan_slice_uninit(len).unwrap().write_from_fn(|i| byte(counter, i));
                request.send().unwrap()
            };
            let pendings = clients.each_ref().map(send);
            for server in &servers {
                for _ in &clients {
                    let active = server.receive().unwrap().expect("each server receives the request of each client");
                    assert_content(counter, len, active.payload());
                    let response = active.loan_slice_uninit(len / 2 + 1).unwrap();
                    response.write_from_fn(|i| byte(counter + 1, i)).send().unwrap();
                }
            }
            for pending in pendings {
                for _ in &servers {
                    let response = pending.receive().unwrap().expect("each server has answered");
                    assert_content(counter + 1, len / 2 + 1, response.payload());
                    held.push((counter, len / 2 + 1, response));
                }
            }
            held.drain(..held.len().saturating_sub(4));
            for (counter, len, response) in &held {
                assert_content(counter + 1, *len, response.payload());
            }
        }
        drop(held);
        assert!(clients.iter().all(|client| client.segments() == 1) && servers.iter().all(|s| s.segments() == 1));
    }
}
