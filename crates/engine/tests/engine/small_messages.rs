//! Messages that travel in their slots: which ones do, what is left of them, overflow, senders that are gone, garbage.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::{RngExt as _, SeedableRng as _};
use shmark_engine::error::ReceiveError;
use shmark_engine::shm::Mapping;
use shmark_engine::{
    AllocationStrategy, BackpressureStrategy, Client, Node, Payload, RequestResponseBuilder, Server, Service,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::common::{Random, Scratch, eventually, name, numbers, slices, until};
use crate::processes::Process;

fn byte(seed: usize, i: usize) -> u8 {
    (seed * 37 + i * 11 + 1) as u8
}

/// Bytes of all lengths about the limit there and back, and how many chunks each leaves.
fn bytes_with_header<H>(align: usize, header: H, most_in_slot: Option<usize>)
where
    H: FromBytes + IntoBytes + Immutable + Default + Copy + PartialEq + std::fmt::Debug + 'static,
{
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("bytes")).request_response::<[u8], [u8]>();
    let service = service.request_payload_alignment(align).response_payload_alignment(align);
    let service = service.request_user_header::<H>().response_user_header::<H>().create().unwrap();
    let client = service.client_builder().initial_max_slice_len(64).create().unwrap();
    let server = service.server_builder().initial_max_slice_len(64).create().unwrap();
    for round in 0..130_usize {
        let len = round % 65;
        let chunks = usize::from(most_in_slot.is_none_or(|most| len > most));
        let what = format!("{len} bytes, aligned to {align}, behind {header:?}");
        let mut loan = client.loan_slice_uninit(len).unwrap();
        *loan.user_header_mut() = header;
        let pending = loan.write_from_fn(|i| byte(round, i)).send().unwrap();
        assert_eq!(client.chunks_in_use(), chunks, "request of {what}, unread");
        let active = server.receive().unwrap().unwrap();
        let expected: Vec<_> = (0..len).map(|i| byte(round, i)).collect();
        assert_eq!((active.payload(), *active.user_header()), (expected.as_slice(), header), "request of {what}");
        assert_eq!(client.chunks_in_use(), chunks, "request of {what}, held");
        let mut loan = active.loan_slice_uninit(len).unwrap();
        *loan.user_header_mut() = header;
        loan.write_from_fn(|i| byte(round + 1, i)).send().unwrap();
        assert_eq!(server.chunks_in_use(), chunks, "response of {what}, unread");
        let response = pending.receive().unwrap().unwrap();
        let expected: Vec<_> = (0..len).map(|i| byte(round + 1, i)).collect();
        assert_eq!((response.payload(), *response.user_header()), (expected.as_slice(), header), "response of {what}");
        assert_eq!(server.chunks_in_use(), chunks, "response of {what}, held");
        drop((active, pending, response));
        assert_eq!((client.chunks_in_use(), server.chunks_in_use()), (0, 0), "{what}, given back (RR-RCL-01)");
    }
}

/// What is held does not change when its slot is used again, and no message takes more room in a slot than there is.
#[test]
fn slices_on_both_sides_of_the_limit_arrive_whole() {
    bytes_with_header(1, (), Some(32));
    bytes_with_header(8, (), Some(32));
    bytes_with_header(16, (), None);
    bytes_with_header(1, [1_u8, 2, 3], Some(29));
    bytes_with_header(8, [1_u8, 2, 3], None);
    bytes_with_header(1, 0x0102_0304_0506_0708_u64, Some(24));
    bytes_with_header(8, u64::MAX, Some(24));
    bytes_with_header(16, u64::MAX, None);
    bytes_with_header(1, [u64::MAX; 4], Some(0));
    bytes_with_header(1, [u64::MAX; 5], None);
}

/// A value there and back.
fn value<T>(value: T, chunks: usize)
where
    T: Payload<Element = T> + FromBytes + IntoBytes + Immutable + Copy + PartialEq + std::fmt::Debug,
{
    let scratch = Scratch::new();
    let service = scratch.node().service_builder(&name("value")).request_response::<T, T>().create().unwrap();
    let (client, server) = (service.client_builder().create().unwrap(), service.server_builder().create().unwrap());
    let pending = client.send_copy(value).unwrap();
    let active = server.receive().unwrap().unwrap();
    active.send_copy(value).unwrap();
    let response = pending.receive().unwrap().unwrap();
    // The slots are used again while these are held.
    let other = client.send_copy(T::new_zeroed()).unwrap();
    server.receive().unwrap().unwrap().send_copy(T::new_zeroed()).unwrap();
    drop(other.receive().unwrap().unwrap());
    drop(other);
    assert_eq!((*active, *response), (value, value));
    assert_eq!((client.chunks_in_use(), server.chunks_in_use()), (chunks, chunks), "{value:?}");
}

#[test]
fn values_on_both_sides_of_the_limit_arrive_whole() {
    value((), 0);
    value([7_u8; 31], 0);
    value([7_u8; 32], 0);
    value([7_u8; 33], 1);
    value([0xf00d_u16; 16], 0);
    value(u64::MAX, 0);
    value([u64::MAX, 1, 2, 3], 0);
    value([u64::MAX, 1, 2, 3, 4], 1);
    value(u128::MAX, 1);
}

type Pair = (Service<[u64], [u64]>, Client<[u64], [u64]>, Server<[u64], [u64]>);

/// Between one client and one server: at most as many requests unread and pending, and responses unread, as said.
fn overflowing(scratch: &Scratch, room: usize) -> Pair {
    let service = slices(&scratch.node()).max_active_requests_per_client(room).max_response_buffer_size(room);
    let service = service.enable_safe_overflow_for_requests(true).enable_safe_overflow_for_responses(true);
    let service = service.enable_fire_and_forget_requests(true).create().unwrap();
    let client = service.client_builder().initial_max_slice_len(8).create().unwrap();
    let server = service.server_builder().initial_max_slice_len(8).create().unwrap();
    (service, client, server)
}

/// One to eight elements: the first four lengths fit a slot.
fn elements(number: u64, numbers: &mut Random, small_only: bool) -> Vec<u64> {
    vec![number; 1 + numbers.random_range(0..if small_only { 4 } else { 8 })]
}

/// Newer messages displace the oldest, small and large ones alike, in any mixture (RR-SND-02, RR-SND-11).
#[test]
fn the_newest_messages_arrive_in_order_whatever_their_size() {
    for seed in 0..40 {
        let (small_only, room) = (seed % 4 == 0, 1 + seed as usize % 3);
        let mut random = Random::seed_from_u64(seed);
        let scratch = Scratch::new();
        let (_service, client, server) = overflowing(&scratch, room);
        let mut unread = VecDeque::new();
        for number in 0..60 {
            if random.random_range(0..3) == 0 {
                let received = server.receive().unwrap().map(|active| active.payload().to_vec());
                assert_eq!(received, unread.pop_front(), "seed {seed}, before request {number}");
                continue;
            }
            let sent = elements(number, &mut random, small_only);
            drop(client.loan_slice_uninit(sent.len()).unwrap().write_from_slice(&sent).unwrap().send().unwrap());
            unread.push_back(sent);
            if unread.len() > room {
                unread.pop_front();
            }
        }
        while let Some(expected) = unread.pop_front() {
            assert_eq!(server.receive().unwrap().unwrap().payload(), expected, "seed {seed}");
        }
        assert!(server.receive().unwrap().is_none());
        assert_eq!(client.chunks_in_use(), 0, "seed {seed}");

        let pending = client.loan_slice(1).unwrap().send().unwrap();
        let active = server.receive().unwrap().unwrap();
        for number in 0..60 {
            if random.random_range(0..3) == 0 {
                let received = pending.receive().unwrap().map(|response| response.payload().to_vec());
                assert_eq!(received, unread.pop_front(), "seed {seed}, before response {number}");
                continue;
            }
            let sent = elements(number, &mut random, small_only);
            active.loan_slice_uninit(sent.len()).unwrap().write_from_slice(&sent).unwrap().send().unwrap();
            unread.push_back(sent);
            if unread.len() > room {
                unread.pop_front();
            }
        }
        while let Some(expected) = unread.pop_front() {
            assert_eq!(pending.receive().unwrap().unwrap().payload(), expected, "seed {seed}");
        }
        assert!(pending.receive().unwrap().is_none());
        assert_eq!(server.chunks_in_use(), 0, "seed {seed}");
    }
}

/// Whoever waits for a request that was displaced learns of it, whatever displaced it (RR-SND-06).
#[test]
fn a_small_request_that_was_displaced_is_not_connected() {
    for newer in [1, 8] {
        let scratch = Scratch::new();
        let (_service, client, server) = overflowing(&scratch, 2);
        let oldest = client.loan_slice(1).unwrap().send().unwrap();
        drop(client.loan_slice(2).unwrap().send().unwrap());
        assert!(oldest.is_connected());
        let newest = client.loan_slice(newer).unwrap().send().unwrap();
        assert!(!oldest.is_connected(), "displaced by {newer} elements (RR-SND-06)");
        assert!(newest.is_connected());
        // A pending response is no more, and a new one takes its place.
        drop(oldest);
        let last = client.loan_slice(3).unwrap().send().unwrap();
        assert!(newest.is_connected() && last.is_connected());
        for expected in [newer, 3] {
            assert_eq!(server.receive().unwrap().unwrap().len(), expected);
        }
        assert!(!newest.is_connected() && !last.is_connected());
        assert_eq!(client.chunks_in_use(), 0);
    }
}

/// Nothing of the sender's segment is needed, even one that its receivers have never seen (RR-DYN-06, RR-FNF-01).
#[test]
fn small_messages_outlive_a_sender_that_is_dropped() {
    let scratch = Scratch::new();
    let service = slices(&scratch.node()).enable_fire_and_forget_requests(true).create().unwrap();
    let server = service.server_builder().allocation_strategy(AllocationStrategy::BestFit).create().unwrap();
    // Both have mapped the first segment, and the client has another one; or the server has not looked at all.
    for looked in [true, false] {
        let client = service.client_builder().allocation_strategy(AllocationStrategy::BestFit).create().unwrap();
        if looked {
            assert!(!server.has_requests().unwrap());
            drop(client.loan_slice(1000).unwrap());
        }
        for number in [7, 8] {
            let request = client.loan_slice_uninit(if looked { 4 } else { 1 }).unwrap();
            drop(request.write_from_fn(|_| number).send().unwrap());
        }
        drop(client);
        assert_eq!(scratch.files_like("segment-").len(), 1, "the server's own");
        assert_eq!(scratch.files_like("handover-").len(), 0, "there is nothing to hand over");
        for number in [7, 8] {
            assert_eq!(server.receive().unwrap().unwrap().payload()[0], number);
        }
    }
    // The other way.
    let client = service.client_builder().create().unwrap();
    let pending = client.loan_slice(1).unwrap().send().unwrap();
    let active = server.receive().unwrap().unwrap();
    drop(active.loan_slice(1000).unwrap());
    active.loan_slice_uninit(4).unwrap().write_from_fn(|_| 9).send().unwrap();
    drop((active, server));
    assert_eq!(scratch.files_like("segment-").len(), 1, "the client's own");
    assert_eq!(scratch.files_like("handover-").len(), 0, "there is nothing to hand over");
    assert_eq!(pending.receive().unwrap().unwrap().payload(), [9; 4]);
    assert!(pending.receive().unwrap().is_none() && !pending.is_connected());
}

#[test]
fn a_small_request_outlives_a_client_that_is_killed() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).enable_fire_and_forget_requests(true).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let process = Process::start("client", scratch.path(), 0);
    until("the request", || server.has_requests().unwrap());
    process.kill();
    Node::clean_up(scratch.path()).unwrap();
    assert_eq!(scratch.files_like("segment-").len(), 1, "the server's own");
    let active = server.receive().unwrap().expect("a request that was sent before its client was killed");
    assert_eq!(*active, 7);
    until("the death to be noticed", || !active.is_connected());
    assert_eq!(*active, 7);
    assert!(server.receive().unwrap().is_none());
}

#[test]
fn a_small_response_outlives_a_server_that_is_killed() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    let client = service.client_builder().create().unwrap();
    let mut process = Process::start("answering-server", scratch.path(), 0);
    let pending = client.send_copy(41).unwrap();
    process.wait_until_ready();
    process.kill();
    Node::clean_up(scratch.path()).unwrap();
    assert_eq!(scratch.files_like("segment-").len(), 1, "the client's own");
    until("the death to be noticed", || !pending.is_connected());
    let response = eventually("the response", || pending.receive().unwrap());
    assert_eq!(*response, 42);
    assert!(pending.receive().unwrap().is_none());
}

/// Words of a connection of which everything is there once: the request channel's only slot, and that of the only lane.
const REQUEST_SLOT: usize = 40;
const RESPONSE_SLOT: usize = REQUEST_SLOT + 8 + 2 * 8;
/// Words of a slot's line, counted from its first.
const REQUEST_ID: usize = 1;
const LANE: usize = 2;
const ELEMENTS: usize = 3;
/// In the low bits of a slot's word: the message lies in the slot.
const IN_SLOT: u64 = 0xff_ffff;

/// What a broken peer does to the line of a slot.
type Damage = fn(&[AtomicU64]);

fn set(word: &AtomicU64, value: u64) {
    word.store(value, Ordering::Relaxed);
}

/// Says that a message of one element lies in the slot, although it lies in a chunk.
fn claim_in_slot(line: &[AtomicU64]) {
    line[0].fetch_or(IN_SLOT, Ordering::Relaxed);
    set(&line[REQUEST_ID], 1);
    set(&line[LANE], 0);
    set(&line[ELEMENTS], 1);
}

fn with_one_of_each<P: Payload + ?Sized>(service: RequestResponseBuilder<P, P>) -> Service<P, P> {
    let service = service.max_active_requests_per_client(1).max_response_buffer_size(1).max_loaned_requests(1);
    service.enable_fire_and_forget_requests(true).create().unwrap()
}

/// A request, or the response to it, is damaged in its slot: its receiver says so, nobody else notices, and nothing is lost.
fn damaged<P: Payload + ?Sized>(
    what: &str,
    damage: Damage,
    send: fn(&Client<P, P>) -> shmark_engine::PendingResponse<P>,
    answer: fn(&shmark_engine::ActiveRequest<P, P>),
) {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = with_one_of_each(node.service_builder(&name("damaged")).request_response::<P, P>());
    let port =
        || service.client_builder().initial_max_slice_len(8).backpressure_strategy(BackpressureStrategy::DiscardData);
    let make_server = || service.server_builder().initial_max_slice_len(8).create().unwrap();
    for of_request in [true, false] {
        let what = format!("{what} of a {}", if of_request { "request" } else { "response" });
        let server = make_server();
        let bad = port().create().unwrap();
        // It has a name until the server has looked.
        let [file] = scratch.files_like("connection-").try_into().unwrap();
        let connection = Mapping::open(&scratch.path().join(file), true).unwrap();
        let good = port().create().unwrap();
        let pending = send(&bad);
        if of_request {
            damage(&connection.words()[REQUEST_SLOT..REQUEST_SLOT + 8]);
            assert_eq!(server.receive().unwrap_err(), ReceiveError::ConnectionCorrupted, "{what}");
        } else {
            let active = server.receive().unwrap().unwrap();
            answer(&active);
            damage(&connection.words()[RESPONSE_SLOT..RESPONSE_SLOT + 8]);
            assert_eq!(pending.receive().unwrap_err(), ReceiveError::ConnectionCorrupted, "{what}");
            assert!(matches!(pending.receive(), Ok(None)), "{what}: told once, and nothing is received any more");
            assert!(!pending.has_response().unwrap() && !pending.is_connected(), "{what}");
        }
        until("the end of the connection", || !pending.is_connected());
        assert!(server.receive().unwrap().is_none(), "{what}");
        drop(pending);
        assert_eq!(bad.chunks_in_use(), 0, "{what}");
        assert_eq!(server.chunks_in_use(), 0, "{what}");
        // Each of them works with others.
        let pending = send(&good);
        assert_eq!(pending.number_of_server_connections(), 1, "{what}");
        answer(&server.receive().unwrap().unwrap());
        assert!(pending.receive().unwrap().is_some(), "{what}");
        drop(pending);
        let other = {
            drop(server);
            make_server()
        };
        let pending = send(&bad);
        assert_eq!(pending.number_of_server_connections(), 1, "{what}");
        answer(&other.receive().unwrap().unwrap());
        assert!(pending.receive().unwrap().is_some(), "{what}");
    }
}

#[test]
fn garbage_in_a_slot_ends_its_connection_and_no_other() {
    let too_many: [(&str, Damage); 4] = [
        ("one element too many for a slot", |line| set(&line[ELEMENTS], 5)),
        ("as many elements as a chunk has room for", |line| set(&line[ELEMENTS], 8)),
        ("a length that overflows", |line| set(&line[ELEMENTS], 1 << 61)),
        ("the largest length", |line| set(&line[ELEMENTS], u64::MAX)),
    ];
    for (what, damage) in too_many {
        damaged::<[u64]>(
            what,
            damage,
            |client| client.loan_slice(3).unwrap().send().unwrap(),
            |active| active.loan_slice(3).unwrap().send().unwrap(),
        );
    }
    let of_one: [(&str, Damage); 3] = [
        ("no element where there is one", |line| set(&line[ELEMENTS], 0)),
        ("two elements where there is one", |line| set(&line[ELEMENTS], 2)),
        ("more elements than there are numbers", |line| set(&line[ELEMENTS], (1 << 32) + 2)),
    ];
    for (what, damage) in of_one {
        damaged::<[u64; 3]>(
            what,
            damage,
            |client| client.send_copy([1; 3]).unwrap(),
            |active| active.send_copy([2; 3]).unwrap(),
        );
    }
    damaged::<[u64; 8]>(
        "a slot that cannot hold it",
        claim_in_slot,
        |client| client.send_copy([1; 8]).unwrap(),
        |active| active.send_copy([2; 8]).unwrap(),
    );
}
