//! Very small messages that go and come back in one line: when it is free again, order beside the channel, garbage.

use std::sync::atomic::{AtomicU64, Ordering};

use shmark_engine::error::ReceiveError;
use shmark_engine::shm::Mapping;
use shmark_engine::{ActiveRequest, Client, PendingResponse, Server, Service};

use crate::common::{Scratch, slices, until};

/// Words of a connection: the shuttle's line, in it the request's word and the response's, and the request channel.
const SHUTTLE: usize = 24;
const REPLY: usize = SHUTTLE + 4;
const CHANNEL: usize = 40;

type Slice = [u64];

struct Pair {
    client: Client<Slice, Slice>,
    server: Server<Slice, Slice>,
    connection: Mapping,
    service: Service<Slice, Slice>,
    scratch: Scratch,
}

impl Pair {
    /// With room for so many active requests, and for as many responses to each.
    fn new(room: usize) -> Self {
        let scratch = Scratch::new();
        let service = slices(&scratch.node()).max_active_requests_per_client(room).max_response_buffer_size(room);
        let service = service.enable_fire_and_forget_requests(true).create().unwrap();
        let client = service.client_builder().initial_max_slice_len(8).create().unwrap();
        let server = service.server_builder().initial_max_slice_len(8).create().unwrap();
        // It has a name until the earlier one of them has looked.
        let [file] = scratch.files_like("connection-").try_into().unwrap();
        let connection = Mapping::open(&scratch.path().join(file), true).unwrap();
        Self { client, server, connection, service, scratch }
    }

    fn send(&self, number: u64, len: usize) -> PendingResponse<Slice> {
        self.client.loan_slice_uninit(len).unwrap().write_from_fn(|_| number).send().unwrap()
    }

    fn receive(&self) -> ActiveRequest<Slice, Slice> {
        self.server.receive().unwrap().expect("a request")
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        &self.connection.words()[index]
    }

    fn is_empty(&self, index: usize) -> bool {
        self.word(index).load(Ordering::Acquire) == 0
    }

    /// Sends a request and has it answered; whether it went by the shuttle.
    #[track_caller]
    fn goes_by_shuttle(&self) -> bool {
        let pending = self.send(100, 1);
        let by_shuttle = !self.is_empty(SHUTTLE);
        answer(&self.receive(), 101, 1);
        assert_eq!(received(&pending), Some(101));
        by_shuttle
    }
}

fn answer(active: &ActiveRequest<Slice, Slice>, number: u64, len: usize) {
    active.loan_slice_uninit(len).unwrap().write_from_fn(|_| number).send().unwrap();
}

fn received(pending: &PendingResponse<Slice>) -> Option<u64> {
    pending.receive().unwrap().map(|response| response.payload()[0])
}

#[test]
fn the_shuttle_is_back_with_the_response_or_with_the_end_of_its_request() {
    let pair = Pair::new(2);
    assert!(pair.goes_by_shuttle() && pair.goes_by_shuttle(), "after a response");

    // Given up before the server has seen it.
    drop(pair.send(1, 1));
    drop(pair.send(2, 1));
    assert!(!pair.is_empty(SHUTTLE) && !pair.is_empty(CHANNEL), "the second one cannot go by the shuttle");
    for number in [1, 2] {
        assert_eq!(pair.receive().payload(), [number], "in the order in which they were sent (RR-SND-11)");
    }
    assert!(pair.goes_by_shuttle(), "the server is done with both");

    // Given up while the server holds it: it may still answer by the shuttle, until its lane is another one's.
    let given_up = pair.send(3, 1);
    let held = pair.receive();
    drop(given_up);
    assert!(!pair.goes_by_shuttle(), "the server still holds the request that has it");
    assert!(pair.goes_by_shuttle(), "the server has had another request of that lane since, and is done with it");
    answer(&held, 30, 1);
    assert!(pair.is_empty(REPLY), "so it does not write into the line any more");
    drop(held);

    // An answer that is late comes by the shuttle all the same.
    let given_up = pair.send(4, 1);
    let held = pair.receive();
    drop(given_up);
    answer(&held, 40, 1);
    assert!(!pair.is_empty(REPLY));
    let pending = pair.send(5, 1);
    assert!(!pair.is_empty(SHUTTLE) && pair.is_empty(REPLY), "a late response keeps it from nobody");
    assert!(!pending.has_response().unwrap() && received(&pending).is_none(), "and is nobody's (RR-PND-01)");
    answer(&pair.receive(), 50, 1);
    assert_eq!((received(&pending), received(&pending)), (Some(50), None));
    assert!(pair.is_empty(REPLY) && pair.is_empty(SHUTTLE));
}

/// Whatever is small goes by the shuttle when it is alone; what follows through the channel is never received first.
#[test]
fn what_went_by_the_shuttle_is_received_before_what_went_through_the_channel() {
    let pair = Pair::new(3);
    for (first, others) in [(1, [1, 1]), (1, [8, 1]), (2, [3, 8]), (8, [1, 1])] {
        let pendings = [pair.send(1, first), pair.send(2, others[0]), pair.send(3, others[1])];
        assert_eq!(pair.is_empty(SHUTTLE), first > 2, "{first} words");
        let actives = [1, 2, 3].map(|number| {
            let active = pair.receive();
            assert_eq!(active.payload()[0], number, "{first} words, then {others:?}");
            active
        });
        // Of each request's responses the first by the shuttle, if its request came by it and it is small.
        for (active, pending) in actives.iter().zip(&pendings) {
            for (number, len) in [(10, others[1]), (11, 1), (12, 8)] {
                answer(active, number, len);
            }
            assert!(pending.has_response().unwrap());
            assert_eq!([0; 4].map(|_| received(pending)), [Some(10), Some(11), Some(12), None]);
        }
        drop(pendings);
        drop(actives);
        assert_eq!((pair.client.chunks_in_use(), pair.server.chunks_in_use()), (0, 0));
    }
}

/// One server has let the shuttle go and the other one has not: each gets every request, in order (RR-SND-05).
#[test]
fn each_server_has_a_shuttle_of_its_own() {
    let pair = Pair::new(4);
    let other = pair.service.server_builder().create().unwrap();
    let first = pair.send(1, 1);
    let of_pair = pair.receive();
    answer(&of_pair, 10, 1);
    assert_eq!(received(&first), Some(10));
    drop((first, of_pair));
    // The other one has not even looked.
    let second = pair.send(2, 1);
    assert!(!pair.is_empty(SHUTTLE) && second.number_of_server_connections() == 2);
    for number in [1, 2] {
        let active = other.receive().unwrap().unwrap();
        assert_eq!(active.payload(), [number]);
        answer(&active, 20 + number, 1);
    }
    answer(&pair.receive(), 12, 1);
    let mut all: Vec<_> = std::iter::from_fn(|| received(&second)).collect();
    all.sort_unstable();
    assert_eq!(all, [12, 22], "the response to the first request is not among them");
}

/// What a broken peer does to the words of a shuttle.
type Damage = fn(&AtomicU64, &AtomicU64);

#[track_caller]
fn damaged(what: &str, of_request: bool, damage: Damage) {
    let pair = Pair::new(2);
    let pending = pair.send(1, 1);
    if of_request {
        damage(pair.word(SHUTTLE), pair.word(SHUTTLE + 1));
        assert_eq!(pair.server.receive().unwrap_err(), ReceiveError::ConnectionCorrupted, "{what}");
    } else {
        answer(&pair.receive(), 2, 1);
        damage(pair.word(REPLY), pair.word(REPLY + 1));
        assert_eq!(pending.receive().unwrap_err(), ReceiveError::ConnectionCorrupted, "{what}");
        assert!(matches!(pending.receive(), Ok(None)) && !pending.has_response().unwrap(), "{what}: told once");
    }
    until("the end of the connection", || !pending.is_connected());
    drop(pending);
    assert!(pair.server.receive().unwrap().is_none(), "{what}");
    let client = pair.service.client_builder().create().unwrap();
    let pending = client.loan_slice(1).unwrap().send().unwrap();
    answer(&pair.receive(), 3, 1);
    assert_eq!(received(&pending), Some(3), "{what}: others are served");
    drop((pending, client));
    assert_eq!((pair.client.chunks_in_use(), pair.server.chunks_in_use()), (0, 0), "{what}");
    let Pair { client, server, service, scratch, .. } = pair;
    drop((client, server, service));
    scratch.assert_empty();
}

fn set(word: &AtomicU64, value: u64) {
    word.store(value, Ordering::Release);
}

#[test]
fn garbage_in_a_shuttle_ends_its_connection_and_no_other() {
    let requests: [(&str, Damage); 5] = [
        ("no length", |word, _| set(word, 1 << 32)),
        ("three words where there is room for two", |word, _| set(word, 1 << 32 | 4 << 16)),
        ("the largest length", |word, _| set(word, 1 << 32 | 0xffff << 16)),
        ("a lane that is not there", |word, _| set(word, 1 << 32 | 2 << 16 | 2)),
        ("everything", |word, id| {
            set(id, u64::MAX);
            set(word, u64::MAX);
        }),
    ];
    for (what, damage) in requests {
        damaged(&format!("request, {what}"), true, damage);
    }
    let responses: [(&str, Damage); 5] = [
        ("no length", |word, _| set(word, 1 << 16)),
        ("three words where there is room for two", |word, _| set(word, 1 << 16 | 4)),
        ("the largest length", |word, _| set(word, 1 << 16 | 0xffff)),
        ("another request", |word, _| set(word, 2 << 16 | 2)),
        ("everything", |word, _| set(word, u64::MAX)),
    ];
    for (what, damage) in responses {
        damaged(&format!("response, {what}"), false, damage);
    }
}

/// A request that nobody has sent is one all the same: its server cannot know. What a payload holds is the client's matter.
#[test]
fn a_request_that_was_made_up_is_received_and_answered_to_nobody() {
    let pair = Pair::new(2);
    assert!(pair.goes_by_shuttle());
    set(pair.word(SHUTTLE + 1), 77);
    set(pair.word(SHUTTLE), 77 << 32 | 3 << 16 | 1);
    let active = pair.receive();
    assert_eq!(active.payload().len(), 2);
    assert!(!active.is_connected());
    answer(&active, 5, 1);
    drop(active);
    // The client has not asked for what is in the line now, and clears it away before it sends.
    let pending = pair.send(1, 1);
    answer(&pair.receive(), 6, 1);
    assert_eq!(received(&pending), Some(6));
}
