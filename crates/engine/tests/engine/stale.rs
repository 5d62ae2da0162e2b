//! What belongs to an earlier request or to an earlier peer, and comes late, takes nothing from a later one (RR-ACT-03,
//! RR-BAD-02).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use shmark_engine::error::{ReceiveError, SendError};
use shmark_engine::shm::Mapping;
use shmark_engine::{BackpressureStrategy, Client, Node, PendingResponse, RequestResponseBuilder, Server};

use crate::common::{DEADLINE, Random, Scratch, name, numbers_in_chunks, until};

/// Rounds unless `SHMARK_STALE_ROUNDS` asks for others; 1,000,000 at most.
const ROUNDS: u64 = 2000;

fn rounds() -> u64 {
    let asked = std::env::var("SHMARK_STALE_ROUNDS").ok().map(|rounds| rounds.parse::<u64>().unwrap());
    asked.unwrap_or(ROUNDS).min(1_000_000)
}

/// Responses of so many words, all the same.
type Words<const N: usize> = [u64; N];

type Builder<const N: usize> = RequestResponseBuilder<u64, Words<N>>;

fn with_little_room<const N: usize>(builder: Builder<N>) -> Builder<N> {
    let builder = builder.enable_safe_overflow_for_responses(false).max_response_buffer_size(1);
    builder.max_servers(1).max_clients(1)
}

/// Odd requests are streamed to as long as somebody waits; even ones get a single answer, one more than they are.
fn serve<const N: usize>(server: &Server<u64, Words<N>>, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let Some(active) = server.receive().unwrap() else {
            std::hint::spin_loop();
            continue;
        };
        if *active % 2 == 0 {
            active.send_copy([*active + 1; N]).unwrap();
            continue;
        }
        while active.is_connected() && !stop.load(Ordering::Acquire) {
            for _ in 0..8 {
                active.send_copy([0; N]).unwrap();
            }
        }
    }
}

/// The first of a stream of responses.
fn first_of_stream<const N: usize>(pending: &PendingResponse<Words<N>>) -> Words<N> {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(response) = pending.receive().unwrap() {
            return *response;
        }
        assert!(Instant::now() < end, "no response of a stream within {DEADLINE:?}");
        std::hint::spin_loop();
    }
}

/// What there is to receive when the server has answered and dropped the request.
fn answer<const N: usize>(pending: &PendingResponse<Words<N>>) -> Option<Words<N>> {
    let end = Instant::now() + DEADLINE;
    // A client that looks all the time would take away what has no business there before it does any harm.
    while pending.is_connected() {
        assert!(Instant::now() < end, "a request was not answered and dropped within {DEADLINE:?}");
        std::hint::spin_loop();
    }
    pending.receive().unwrap().map(|response| *response)
}

/// Rounds of which the second request was not answered, or by something else.
fn lost_answers<const N: usize>(client: &Client<u64, Words<N>>, rounds: u64) -> Vec<(u64, Option<Words<N>>)> {
    let mut numbers = Random::seed_from_u64(5);
    let mut lost = Vec::new();
    for round in 0..rounds {
        let streamed = client.send_copy(2 * round + 1).unwrap();
        assert_eq!(first_of_stream(&streamed), [0; N]);
        let next = client.loan_uninit().unwrap().write_payload(2 * round + 2);
        // With the room for its responses empty mostly, and full now and then.
        for _ in 0..numbers.random_range(0..30) {
            if round.is_multiple_of(8) {
                std::hint::spin_loop();
            } else {
                drop(streamed.receive().unwrap());
            }
        }
        // While the server goes on to stream.
        drop(streamed);
        let pending = next.send().unwrap();
        let found = answer(&pending);
        if found != Some([2 * round + 3; N]) {
            lost.push((round, found));
        }
    }
    lost
}

/// Ends the server's thread, also when the test fails.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The room for responses to a request is that request's, whatever its server sends meanwhile to an earlier one that nobody
/// waits for (RR-ACT-03).
fn stale_responses<const N: usize>() {
    let scratch = Scratch::new();
    let of_words = |node: &Node| {
        let builder = node.service_builder(&name("stale")).request_response::<u64, Words<N>>();
        with_little_room(builder)
    };
    let [node_of_client, node] = [scratch.node(), scratch.node()];
    let service = of_words(&node_of_client).create().unwrap();
    let [stop, ready] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let server = std::thread::spawn({
        let (service, stop, ready) = (of_words(&node).open().unwrap(), Arc::clone(&stop), Arc::clone(&ready));
        move || {
            let builder = service.server_builder().backpressure_strategy(BackpressureStrategy::DiscardData);
            let server = builder.create().unwrap();
            ready.store(true, Ordering::Release);
            serve(&server, &stop);
        }
    });
    drop(node);
    let stop = Stop(stop);
    until("a server", || ready.load(Ordering::Acquire) || server.is_finished());
    let client = service.client_builder().create().unwrap();
    let rounds = rounds();
    let lost = lost_answers(&client, rounds);
    drop(stop);
    until("the end of the server", || server.is_finished());
    server.join().unwrap();
    assert!(
        lost.is_empty(),
        "in {} of {rounds} rounds the only answer to a request did not arrive, because a response to an earlier request, \
         which nobody waited for any more, had its room; (round, what came instead): {:?} ...",
        lost.len(),
        &lost[..lost.len().min(5)]
    );
    drop((client, service, node_of_client));
    scratch.assert_empty();
}

/// By the line that takes very small requests and their first responses.
#[test]
fn a_stream_of_words_to_an_earlier_request_takes_no_room_from_a_later_one() {
    stale_responses::<1>();
}

#[test]
fn a_stream_in_slots_to_an_earlier_request_takes_no_room_from_a_later_one() {
    stale_responses::<4>();
}

#[test]
fn a_stream_in_chunks_to_an_earlier_request_takes_no_room_from_a_later_one() {
    stale_responses::<8>();
}

/// What connects a client and a server, by the words of docs/LAYOUT.md: first word of the first slot of a lane.
fn first_slot_of_lane(requests_max: usize, response_buffer: usize, lane: usize) -> usize {
    40 + 8 * requests_max + 8 * lane * (2 + response_buffer) + 16
}

/// A server writes garbage and goes; its place is another one's then. That the garbage is found only afterwards must not cost
/// the other one what it holds (RR-BAD-02, RR-LOAN-05).
#[test]
fn garbage_of_a_server_that_has_gone_takes_nothing_from_the_one_in_its_place() {
    let mut corrupted = 0;
    // An entry without a chunk, and one whose chunk is beyond the segment.
    for (garbage, serves_first) in
        [0x0fff_u64 << 24, 0x00ff_fff0].into_iter().flat_map(|word| [(word, true), (word, false)])
    {
        let scratch = Scratch::new();
        let [node, node_of_bad, node_of_good] = [scratch.node(), scratch.node(), scratch.node()];
        let service = numbers_in_chunks(&node).max_servers(2).create().unwrap();
        let client = service.client_builder().create().unwrap();
        let bad = numbers_in_chunks(&node_of_bad).open().unwrap().server_builder().create().unwrap();
        // Made by the server that came second, and named until the client has looked.
        let [file] = scratch.files_like("connection-").try_into().unwrap();
        let connection = Mapping::open(&scratch.path().join(file), true).unwrap();
        let old = client.send_copy(1).unwrap();
        assert_eq!(old.number_of_server_connections(), 1);
        let active = serves_first.then(|| bad.receive().unwrap().unwrap());
        for lane in 0..4 {
            connection.words()[first_slot_of_lane(4, 2, lane)].store(garbage, Ordering::Release);
        }
        drop((active, bad));
        let good = numbers_in_chunks(&node_of_good).open().unwrap().server_builder().create().unwrap();
        let pending = client.send_copy(2).unwrap();
        assert_eq!(pending.number_of_server_connections(), 1);
        let held = good.receive().unwrap().unwrap();
        assert_eq!(*held, 2);
        corrupted += usize::from(old.receive().is_err_and(|error| error == ReceiveError::ConnectionCorrupted));
        drop(old);
        // Everything that the client may have under way.
        let mut pendings = Vec::new();
        for number in 3..100 {
            match client.send_copy(number) {
                Ok(pending) => pendings.push(pending),
                Err(SendError::ExceedsMaxActiveRequests { .. }) => pendings.clear(),
                Err(error) => panic!("{error}"),
            }
            let mut loans = Vec::new();
            for filler in [1000 + number, 2000 + number] {
                loans.push(client.loan_uninit().unwrap().write_payload(filler));
            }
            assert_eq!(
                *held,
                2,
                "the request that a server holds has changed, after the client had found garbage of an earlier server \
                 ({garbage:#x} in its lanes) and sent {} more",
                number - 2
            );
            while good.receive().unwrap().is_some() {}
        }
        assert!(held.is_connected() && pending.is_connected());
        held.send_copy(7).unwrap();
        assert_eq!(*pending.receive().unwrap().unwrap(), 7);
        drop((pendings, pending, held));
        while good.receive().unwrap().is_some() {}
        assert_eq!(client.chunks_in_use(), 0);
    }
    assert!(corrupted > 0, "none of the garbage was called corrupted, so this tests nothing");
}
