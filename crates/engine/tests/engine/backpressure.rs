//! Backpressure handlers (RR-SND-09): when one is called, what it is told, and what each decision leads to.
//!
//! Service and ports of these tests: room for one request and one response, unless a test says otherwise. A handler often
//! makes the room itself, by receiving, so that one thread is enough and nothing depends on time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use shmark_engine::error::SendError;
use shmark_engine::{
    ActiveRequest, BackpressureAction, BackpressureInfo, BackpressureStrategy, Client, Id, Payload, PendingResponse,
    Server, Service,
};

use crate::common::{Scratch, name, no_hang, numbers, until};

/// What a handler was told.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    service: String,
    ids: [Id; 3],
    retries: u64,
    elapsed: Duration,
}

/// Writes down what a handler is told, and decides.
#[derive(Clone, Default)]
struct Record(Rc<RefCell<Vec<Told>>>);

impl Record {
    fn handler(
        &self,
        decide: impl Fn(&BackpressureInfo<'_>) -> BackpressureAction + 'static,
    ) -> impl Fn(&BackpressureInfo<'_>) -> BackpressureAction + 'static {
        let told = Rc::clone(&self.0);
        move |info| {
            let ids = [info.sender, info.receiver, info.receiver_node];
            let (service, retries, elapsed) = (info.service.as_str().to_owned(), info.retries, info.elapsed);
            told.borrow_mut().push(Told { service, ids, retries, elapsed });
            decide(info)
        }
    }

    fn always(&self, action: BackpressureAction) -> impl Fn(&BackpressureInfo<'_>) -> BackpressureAction + 'static {
        self.handler(move |_| action)
    }

    fn calls(&self) -> usize {
        self.0.borrow().len()
    }
}

/// Both payload kinds go through the same tests, and messages that lie in a slot as well as those in a chunk.
trait Message: Payload {
    /// Chunks that a message is in as long as it is unread.
    const CHUNKS: usize;
    fn request(client: &Client<Self, Self>, value: u8) -> Result<PendingResponse<Self>, SendError>;
    fn response(active: &ActiveRequest<Self, Self>, value: u8) -> Result<(), SendError>;
    fn value(&self) -> u8;
}

impl Message for u64 {
    const CHUNKS: usize = 0;
    fn request(client: &Client<u64, u64>, value: u8) -> Result<PendingResponse<u64>, SendError> {
        client.send_copy(value.into())
    }
    fn response(active: &ActiveRequest<u64, u64>, value: u8) -> Result<(), SendError> {
        active.send_copy(value.into())
    }
    fn value(&self) -> u8 {
        u8::try_from(*self).unwrap()
    }
}

impl Message for [u64; 8] {
    const CHUNKS: usize = 1;
    fn request(client: &Client<Self, Self>, value: u8) -> Result<PendingResponse<Self>, SendError> {
        client.send_copy([value.into(); 8])
    }
    fn response(active: &ActiveRequest<Self, Self>, value: u8) -> Result<(), SendError> {
        active.send_copy([value.into(); 8])
    }
    fn value(&self) -> u8 {
        assert_eq!(*self, [self[0]; 8]);
        u8::try_from(self[0]).unwrap()
    }
}

impl Message for [u8] {
    const CHUNKS: usize = 1;
    fn request(client: &Client<[u8], [u8]>, value: u8) -> Result<PendingResponse<[u8]>, SendError> {
        client.loan_slice_uninit(40)?.write_from_fn(|_| value).send()
    }
    fn response(active: &ActiveRequest<[u8], [u8]>, value: u8) -> Result<(), SendError> {
        active.loan_slice_uninit(40)?.write_from_fn(|_| value).send()
    }
    fn value(&self) -> u8 {
        assert_eq!(self, [self[0]; 40]);
        self[0]
    }
}

fn tight<M: Message + ?Sized>(scratch: &Scratch, overflow: bool) -> Service<M, M> {
    let service = scratch.node().service_builder(&name("tight")).request_response::<M, M>();
    let service = service.enable_safe_overflow_for_requests(overflow).enable_safe_overflow_for_responses(overflow);
    service.max_active_requests_per_client(1).max_response_buffer_size(1).create().unwrap()
}

fn server<M: Message + ?Sized>(service: &Service<M, M>) -> Server<M, M> {
    service.server_builder().initial_max_slice_len(40).create().unwrap()
}

fn receive<M: Message + ?Sized>(server: &Server<M, M>) -> Option<u8> {
    server.receive().unwrap().map(|request| request.payload().value())
}

/// The next request of a client with one active request can be sent, and nothing of the one before is in the way.
fn assert_nothing_is_left<M: Message + ?Sized>(client: &Client<M, M>, server: &Server<M, M>) {
    while receive(server).is_some() {}
    assert_eq!(client.chunks_in_use(), 0, "a chunk of a request that was not sent is left (RR-SND-10)");
    let pending = M::request(client, 99).expect("an active request of a request that was not sent is left (RR-SND-10)");
    let active = server.receive().unwrap().unwrap();
    M::response(&active, 98).unwrap();
    assert_eq!(pending.receive().unwrap().unwrap().payload().value(), 98);
}

/// A request that fails at the one full server, for both kinds of payload.
fn fails_for_a_request<M: Message + ?Sized>() {
    let scratch = Scratch::new();
    let service = tight::<M>(&scratch, false);
    let server = server(&service);
    let record = Record::default();
    let client = service.client_builder().initial_max_slice_len(40);
    let client = client.backpressure_handler(record.always(BackpressureAction::DiscardAndFail)).create().unwrap();
    drop(M::request(&client, 1).unwrap());
    assert_eq!(record.calls(), 0, "called although there was room");
    for round in 1..20 {
        let error = M::request(&client, 2).err().unwrap();
        assert_eq!(error, SendError::UnableToDeliver { receiver: server.id() });
        assert_eq!(record.calls(), round, "asked again after it gave up");
        assert_eq!(client.chunks_in_use(), M::CHUNKS, "round {round}: only the first request is outstanding");
    }
    assert_eq!((receive(&server), receive(&server)), (Some(1), None));
    assert_nothing_is_left(&client, &server);
}

#[test]
fn a_request_that_its_handler_gives_up_fails_and_leaves_nothing() {
    fails_for_a_request::<u64>();
    fails_for_a_request::<[u64; 8]>();
    fails_for_a_request::<[u8]>();
}

/// A response that fails, for both kinds of payload; the request stays answerable.
fn fails_for_a_response<M: Message + ?Sized>() {
    let scratch = Scratch::new();
    let service = tight::<M>(&scratch, false);
    let record = Record::default();
    let server = service.server_builder().initial_max_slice_len(40);
    let server = server.backpressure_handler(record.always(BackpressureAction::DiscardAndFail)).create().unwrap();
    let client = service.client_builder().initial_max_slice_len(40).create().unwrap();
    let pending = M::request(&client, 0).unwrap();
    let active = server.receive().unwrap().unwrap();
    M::response(&active, 1).unwrap();
    assert_eq!(record.calls(), 0, "called although there was room");
    for round in 1..20 {
        let error = M::response(&active, 2).unwrap_err();
        assert_eq!(error, SendError::UnableToDeliver { receiver: client.id() });
        assert_eq!(record.calls(), round);
        assert_eq!(server.chunks_in_use(), M::CHUNKS, "round {round}: only the first response is outstanding");
    }
    assert!(pending.is_connected(), "the request lives on");
    assert_eq!(pending.receive().unwrap().unwrap().payload().value(), 1);
    M::response(&active, 3).unwrap();
    assert_eq!(pending.receive().unwrap().unwrap().payload().value(), 3);
    assert_eq!(server.chunks_in_use(), 0);
}

#[test]
fn a_response_that_its_handler_gives_up_fails_and_leaves_nothing() {
    fails_for_a_response::<u64>();
    fails_for_a_response::<[u64; 8]>();
    fails_for_a_response::<[u8]>();
}

#[test]
fn a_handler_is_told_whom_it_is_for_and_how_often_it_was_retried() {
    let scratch = Scratch::new();
    let service = tight::<u64>(&scratch, false);
    let other_node = scratch.node();
    let server = numbers_of(&other_node).server_builder().create().unwrap();
    let record = Record::default();
    let give_up_after = 5;
    let client = service.client_builder().backpressure_handler(record.handler(move |info| {
        if info.retries < give_up_after { BackpressureAction::Retry } else { BackpressureAction::Discard }
    }));
    let client = client.create().unwrap();
    drop(client.send_copy(1).unwrap());
    for _ in 0..2 {
        let pending = client.send_copy(2).unwrap();
        assert_eq!(pending.number_of_server_connections(), 0, "discarded");
        let told = record.0.take();
        let retries: Vec<_> = told.iter().map(|told| told.retries).collect();
        assert_eq!(retries, [0, 1, 2, 3, 4, 5], "counted from 0 for each message");
        assert!(told.is_sorted_by_key(|told| told.elapsed), "{told:?}");
        for told in told {
            assert_eq!(told.ids, [client.id(), server.id(), other_node.id()]);
            assert_eq!(told.service, "tight");
        }
    }
}

fn numbers_of(node: &shmark_engine::Node) -> Service<u64, u64> {
    node.service_builder(&name("tight")).request_response::<u64, u64>().open().unwrap()
}

/// Room that comes while the handler says retry is used: here the handler makes it.
#[test]
fn a_retry_delivers_as_soon_as_there_is_room() {
    no_hang(|| {
        let scratch = Scratch::new();
        let service = tight::<u64>(&scratch, false);
        let server = Rc::new(server(&service));
        let record = Record::default();
        let receiver = Rc::clone(&server);
        let client = service.client_builder().backpressure_strategy(BackpressureStrategy::DiscardData);
        let client = client.backpressure_handler(record.handler(move |info| {
            if info.retries == 3 {
                assert_eq!(receive(&receiver), Some(1));
            }
            BackpressureAction::Retry
        }));
        let client = client.create().unwrap();
        drop(client.send_copy(1).unwrap());
        let pending = client.send_copy(2).unwrap();
        assert_eq!((pending.number_of_server_connections(), record.calls()), (1, 4));
        let active = server.receive().unwrap().unwrap();
        active.send_copy(*active + 1).unwrap();
        assert_eq!(*pending.receive().unwrap().unwrap(), 3);

        // The same for a response.
        let record = Record::default();
        let pending: Rc<RefCell<Option<PendingResponse<u64>>>> = Rc::default();
        let receiver = Rc::clone(&pending);
        let answering = service.server_builder().backpressure_handler(record.handler(move |info| {
            if info.retries == 3 {
                let pending = receiver.borrow();
                assert_eq!(*pending.as_ref().unwrap().receive().unwrap().unwrap(), 1);
            }
            BackpressureAction::Retry
        }));
        drop((active, server, client));
        let answering = answering.create().unwrap();
        let client = service.client_builder().create().unwrap();
        *pending.borrow_mut() = Some(client.send_copy(0).unwrap());
        let active = answering.receive().unwrap().unwrap();
        active.send_copy(1).unwrap();
        active.send_copy(2).unwrap();
        assert_eq!(record.calls(), 4);
        assert_eq!(*pending.borrow().as_ref().unwrap().receive().unwrap().unwrap(), 2);
    });
}

#[test]
fn follow_strategy_is_the_strategy_of_the_port() {
    no_hang(|| {
        for strategy in [BackpressureStrategy::DiscardData, BackpressureStrategy::RetryUntilDelivered] {
            let scratch = Scratch::new();
            let service = tight::<u64>(&scratch, false);
            let server = Rc::new(server(&service));
            let receiver = Rc::clone(&server);
            let record = Record::default();
            let client = service.client_builder().backpressure_strategy(strategy);
            let client = client.backpressure_handler(record.handler(move |info| {
                if info.retries == 10 {
                    assert_eq!(receive(&receiver), Some(1));
                }
                BackpressureAction::FollowStrategy
            }));
            let client = client.create().unwrap();
            drop(client.send_copy(1).unwrap());
            let pending = client.send_copy(2).unwrap();
            let expected = if strategy == BackpressureStrategy::DiscardData { (0, 1) } else { (1, 11) };
            assert_eq!((pending.number_of_server_connections(), record.calls()), expected, "{strategy:?}");
        }
    });
}

#[test]
fn with_overflow_a_handler_is_never_called() {
    let scratch = Scratch::new();
    let service = tight::<u64>(&scratch, true);
    let (requests, responses) = (Record::default(), Record::default());
    let server = service.server_builder().backpressure_handler(responses.always(BackpressureAction::DiscardAndFail));
    let server = server.create().unwrap();
    let client = service.client_builder().backpressure_handler(requests.always(BackpressureAction::DiscardAndFail));
    let client = client.create().unwrap();
    for number in 0..50 {
        drop(client.send_copy(number).unwrap());
    }
    assert_eq!(receive(&server), Some(49));
    let pending = client.send_copy(50).unwrap();
    let active = server.receive().unwrap().unwrap();
    for number in 0..50 {
        active.send_copy(number).unwrap();
    }
    assert_eq!(*pending.receive().unwrap().unwrap(), 49);
    assert_eq!((requests.calls(), responses.calls()), (0, 0), "a handler was called although nothing can be full");
}

/// One of two servers is full. Whatever the handler decides for it, the other has the request at once.
#[test]
fn a_full_server_keeps_no_request_from_another_whatever_is_decided() {
    no_hang(|| {
        for action in [BackpressureAction::Discard, BackpressureAction::DiscardAndFail, BackpressureAction::Retry] {
            for full_first in [true, false] {
                let scratch = Scratch::new();
                let service = tight::<u64>(&scratch, false);
                let [first, second] = [(); 2].map(|()| server(&service));
                let (full, free) = if full_first { (first, second) } else { (second, first) };
                let (full_id, full, free) = (full.id(), Rc::new(Cell::new(Some(full))), Rc::new(free));
                let record = Record::default();
                let (serving, leaving) = (Rc::clone(&free), Rc::clone(&full));
                let client = service.client_builder().backpressure_handler(record.handler(move |info| {
                    if info.retries == 0 {
                        assert_eq!(receive(&serving), Some(2), "{action:?}: the other server had to wait");
                    } else {
                        drop(leaving.take());
                    }
                    action
                }));
                let client = client.create().unwrap();
                drop(client.send_copy(1).unwrap());
                assert_eq!(receive(&free), Some(1));
                let sent = client.send_copy(2).map(|pending| pending.number_of_server_connections());
                let (expected, calls) = match action {
                    BackpressureAction::DiscardAndFail => (Err(SendError::UnableToDeliver { receiver: full_id }), 1),
                    BackpressureAction::Discard => (Ok(1), 1),
                    _ => (Ok(1), 2),
                };
                assert_eq!((sent, record.calls()), (expected, calls), "{action:?}");
                assert!(record.0.borrow().iter().all(|told| told.ids[1] == full_id), "asked about the one with room");
                assert_eq!(receive(&free), None, "sent twice");
                assert_nothing_is_left_at_either(&client, &free, full.take());
            }
        }
    });
}

fn assert_nothing_is_left_at_either(
    client: &Client<u64, u64>,
    free: &Server<u64, u64>,
    full: Option<Server<u64, u64>>,
) {
    if let Some(full) = full {
        assert_eq!((receive(&full), receive(&full)), (Some(1), None), "the full server has what it had");
    }
    assert_nothing_is_left(client, free);
}

/// Two full servers: for each its own decision, and the one that is waited for is served although the send fails.
#[test]
fn each_receiver_has_a_decision_of_its_own() {
    no_hang(|| {
        let scratch = Scratch::new();
        let service = tight::<u64>(&scratch, false);
        let [left_out, waited_for] = [(); 2].map(|()| Rc::new(server(&service)));
        let record = Record::default();
        let (slow, left_out_id) = (Rc::clone(&waited_for), left_out.id());
        let client = service.client_builder().backpressure_handler(record.handler(move |info| {
            if info.receiver == left_out_id {
                return BackpressureAction::DiscardAndFail;
            }
            if info.retries == 5 {
                assert_eq!(receive(&slow), Some(1));
            }
            BackpressureAction::Retry
        }));
        let client = client.create().unwrap();
        drop(client.send_copy(1).unwrap());
        assert_eq!(client.send_copy(2).unwrap_err(), SendError::UnableToDeliver { receiver: left_out_id });
        let told = record.0.take();
        let asked = |id| told.iter().filter(|told| told.ids[1] == id).count();
        assert_eq!((asked(left_out_id), asked(waited_for.id())), (1, 6));
        let unanswerable = waited_for.receive().unwrap().unwrap();
        assert_eq!(*unanswerable, 2, "the one that was waited for was not served");
        assert!(!unanswerable.is_connected(), "a request that failed still has an open response channel (RR-SND-10)");
        drop(unanswerable);
        assert_eq!((receive(&left_out), receive(&left_out)), (Some(1), None));
        assert_nothing_is_left(&client, &waited_for);
    });
}

/// A receiver that dies or leaves while the handler retries ends the wait without another question.
#[test]
fn a_receiver_that_leaves_is_not_asked_about_any_more() {
    no_hang(|| {
        let scratch = Scratch::new();
        let service = tight::<u64>(&scratch, false);
        let server = Rc::new(Cell::new(Some(server(&service))));
        let record = Record::default();
        let leaving = Rc::clone(&server);
        let client = service.client_builder().backpressure_handler(record.handler(move |info| {
            assert!(info.retries <= 2, "asked about a server that has left");
            if info.retries == 2 {
                drop(leaving.take());
            }
            BackpressureAction::Retry
        }));
        let client = client.create().unwrap();
        drop(client.send_copy(1).unwrap());
        let pending = client.send_copy(2).unwrap();
        assert_eq!((pending.number_of_server_connections(), record.calls()), (0, 3));
        drop(pending);
        until("the chunks are home", || client.chunks_in_use() == 0);
    });
}

/// A client that stops listening ends the wait of a response, which is then simply nobody's (RR-PND-06).
#[test]
fn a_response_that_nobody_waits_for_any_more_is_no_failure() {
    no_hang(|| {
        let scratch = Scratch::new();
        let service = tight::<u64>(&scratch, false);
        let client = service.client_builder().create().unwrap();
        let pending = Rc::new(Cell::new(None));
        let (record, listening) = (Record::default(), Rc::clone(&pending));
        let server = service.server_builder().backpressure_handler(record.handler(move |info| {
            if info.retries == 2 {
                drop(listening.take());
            }
            BackpressureAction::Retry
        }));
        let server = server.create().unwrap();
        pending.set(Some(client.send_copy(0).unwrap()));
        let active = server.receive().unwrap().unwrap();
        active.send_copy(1).unwrap();
        assert_eq!(active.send_copy(2), Ok(()));
        assert_eq!(record.calls(), 3);
        drop(active);
        until("the chunks are home", || server.chunks_in_use() == 0);
    });
}

/// A panic in a handler is the caller's own, but must not cost the port a chunk, an active request or a loan.
#[test]
fn a_handler_that_panics_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let service = tight::<u64>(&scratch, false);
    let server = service.server_builder().backpressure_handler(|_| panic!("in the server's handler")).create().unwrap();
    let client = service.client_builder().backpressure_handler(|_| panic!("in the client's handler")).create().unwrap();
    let caught = |call: &dyn Fn()| {
        let reason = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_err();
        *reason.downcast_ref::<&str>().unwrap()
    };
    drop(client.send_copy(1).unwrap());
    for _ in 0..5 {
        assert_eq!(caught(&|| drop(client.send_copy(2))), "in the client's handler");
    }
    assert_eq!((receive(&server), receive(&server)), (Some(1), None));
    let pending = client.send_copy(3).expect("an active request is left");
    let active = server.receive().unwrap().unwrap();
    active.send_copy(4).unwrap();
    for _ in 0..5 {
        assert_eq!(caught(&|| active.send_copy(5).unwrap()), "in the server's handler");
    }
    assert_eq!(*pending.receive().unwrap().unwrap(), 4);
    drop((active, pending));
    assert_eq!((client.chunks_in_use(), server.chunks_in_use()), (0, 0));
}

/// A handler changes nothing as long as there is room, and without one the strategy decides as before.
#[test]
fn without_a_handler_the_strategy_decides() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).enable_safe_overflow_for_requests(false).max_active_requests_per_client(1);
    let service = service.create().unwrap();
    let _server = service.server_builder().create().unwrap();
    let client = service.client_builder().backpressure_strategy(BackpressureStrategy::DiscardData).create().unwrap();
    drop(client.send_copy(1).unwrap());
    assert_eq!(client.send_copy(2).unwrap().number_of_server_connections(), 0);
}
