//! Clients that are gone and whose requests a server has not received: there is a bound of them (RR-FNF-01, RR-FNF-03).

use shmark_engine::error::{PortError, ServiceError};
use shmark_engine::{Node, RequestResponseBuilder, Server, Service};

use crate::common::{Scratch, numbers, numbers_in_chunks, until};
use crate::processes::Process;

const BOUND: usize = 4;

fn bounded(node: &Node, overflow: bool) -> RequestResponseBuilder<u64, u64> {
    numbers(node).max_departed_clients(BOUND).enable_safe_overflow_for_requests(overflow)
}

/// A client that sends and leaves.
fn come_and_go(service: &Service<u64, u64>, number: u64) -> Result<(), PortError> {
    let client = service.client_builder().create()?;
    let pending = client.send_copy(number).unwrap();
    drop((client, pending));
    Ok(())
}

/// With overflow of requests, the newest requests are kept and those that are not are counted.
#[test]
fn beyond_the_bound_the_oldest_departed_clients_are_given_up_and_counted() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = bounded(&node, true).max_servers(2).create().unwrap();
    let looks = service.server_builder().create().unwrap();
    let never_looks = service.server_builder().create().unwrap();
    let files = scratch.files().len();
    for number in 0..10 {
        come_and_go(&service, number).unwrap();
        // This one receives each before the next one comes.
        assert_eq!(looks.receive().unwrap().map(|active| *active), Some(number));
        let left = scratch.files().len() - files;
        assert!(left <= 3 * (BOUND + 1), "{left} files are left of {} clients: {:?}", number + 1, scratch.files());
    }
    assert_eq!(looks.requests_given_up(), 0, "the bound is for each server by itself");
    let mut received = Vec::new();
    while let Some(active) = never_looks.receive().unwrap() {
        assert!(!active.is_connected());
        received.push(*active);
    }
    received.sort_unstable();
    assert_eq!(received, [6, 7, 8, 9], "received of ten requests whose clients were gone, with a bound of {BOUND}");
    assert_eq!(never_looks.requests_given_up(), 6, "requests that were given up");
    // And there is room again.
    for number in 10..14 {
        come_and_go(&service, number).unwrap();
    }
    for number in 10..14 {
        assert_eq!(never_looks.receive().unwrap().map(|active| *active), Some(number));
    }
    assert_eq!(never_looks.requests_given_up(), 6);
    drop((looks, never_looks, service, node));
    scratch.assert_empty();
}

/// A client that is given up moves all behind it one place forward; whoever is next is still next (RR-SND-12).
#[test]
fn giving_up_a_departed_client_passes_nobody_over() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = bounded(&node, true).max_departed_clients(1).max_clients(5).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let clients = [(); 5].map(|()| {
        let client = service.client_builder().create().unwrap();
        assert!(!server.has_requests().unwrap(), "each is attached before the next one comes");
        client
    });
    let [first, x, y, z, second] = clients;
    let requests = [(&first, 1), (&x, 10), (&x, 11), (&y, 20), (&z, 30), (&second, 40)];
    for (client, number) in requests {
        drop(client.send_copy(number).unwrap());
    }
    drop(first);
    let next = || server.receive().unwrap().map(|active| *active);
    // The one that was attached first counts as served already.
    assert_eq!(next(), Some(10));
    // One departed client more than may wait: what is left of the first one is given up.
    drop(second);
    let rest: Vec<u64> = std::iter::from_fn(next).collect();
    assert_eq!(server.requests_given_up(), 1);
    assert_eq!(rest, [20, 30, 40, 11], "received in turn behind 10");
}

/// Without overflow of requests nothing is given up: no further client comes in until the server has looked.
#[test]
fn beyond_the_bound_no_client_is_created_if_nothing_may_be_given_up() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = bounded(&node, false).create().unwrap();
    let server = service.server_builder().create().unwrap();
    for number in 0..BOUND as u64 {
        come_and_go(&service, number).unwrap();
    }
    let files = scratch.files();
    for _ in 0..3 {
        let error = come_and_go(&service, 100).expect_err("as many clients have left requests as may");
        assert!(
            matches!(error, PortError::TooManyDepartedClients { server: of, max } if of == server.id() && max == BOUND),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(text.contains(&server.id().to_string()) && text.contains(&BOUND.to_string()), "{text}");
    }
    assert_eq!(scratch.files(), files, "a client that was refused leaves nothing");
    // Another server has nothing to do with it, and does not help either.
    for number in 0..BOUND as u64 {
        assert_eq!(server.receive().unwrap().map(|active| *active), Some(number));
    }
    assert!(server.receive().unwrap().is_none());
    assert_eq!(server.requests_given_up(), 0);
    for number in 200..200 + BOUND as u64 {
        come_and_go(&service, number).unwrap();
    }
    assert_eq!(server.receive().unwrap().map(|active| *active), Some(200));
    drop((server, service, node));
    scratch.assert_empty();
}

/// A server that leaves takes its count with it.
#[test]
fn a_full_server_that_leaves_keeps_no_client_out() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = bounded(&node, false).create().unwrap();
    let server = service.server_builder().create().unwrap();
    for number in 0..BOUND as u64 {
        come_and_go(&service, number).unwrap();
    }
    come_and_go(&service, 100).expect_err("as many clients have left requests as may");
    drop(server);
    for number in 0..2 * BOUND as u64 {
        come_and_go(&service, number).unwrap();
    }
    let server = service.server_builder().create().unwrap();
    come_and_go(&service, 7).unwrap();
    assert_eq!(server.receive().unwrap().map(|active| *active), Some(7));
}

/// Clients that leave nothing to receive do not count, and neither do those that live.
#[test]
fn who_leaves_nothing_to_receive_does_not_count() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = bounded(&node, false).create().unwrap();
    let server = service.server_builder().create().unwrap();
    for _ in 0..3 * BOUND {
        drop(service.client_builder().create().unwrap());
    }
    let living: Vec<_> = (0..8).map(|_| service.client_builder().create().unwrap()).collect();
    let pendings: Vec<_> = living.iter().map(|client| client.send_copy(1).unwrap()).collect();
    assert_eq!(std::iter::from_fn(|| server.receive().unwrap()).count(), 8);
    drop((pendings, living));
    // Without fire-and-forget nothing that was left is wanted.
    let other = scratch.node();
    let service = other.service_builder(&crate::common::name("wanted")).request_response::<u64, u64>();
    let service = service.max_departed_clients(BOUND).enable_safe_overflow_for_requests(false);
    let service = service.enable_fire_and_forget_requests(false).create().unwrap();
    let server = service.server_builder().create().unwrap();
    for number in 0..3 * BOUND as u64 {
        come_and_go(&service, number).unwrap();
    }
    assert!(server.receive().unwrap().is_none());
    assert_eq!(server.requests_given_up(), 0);
}

/// A client that is killed has departed like one that left.
#[test]
fn killed_clients_count_like_those_that_left() {
    for overflow in [true, false] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = bounded(&node, overflow).create().unwrap();
        let server = service.server_builder().create().unwrap();
        for number in 0..BOUND as u64 {
            Process::start("sender", scratch.path(), number).kill();
        }
        // Whoever creates a client next notices the deaths.
        if overflow {
            for number in 4..10 {
                Process::start("sender", scratch.path(), number).kill();
            }
            // The last one's death is noticed as well.
            Node::clean_up(scratch.path()).unwrap();
            let mut received: Vec<_> = std::iter::from_fn(|| server.receive().unwrap()).map(|active| *active).collect();
            received.sort_unstable();
            assert_eq!(received, [6, 7, 8, 9], "received of ten requests of killed clients, with a bound of {BOUND}");
            assert_eq!(server.requests_given_up(), 6);
        } else {
            let error = come_and_go(&service, 100).expect_err("as many clients have left requests as may");
            assert!(matches!(error, PortError::TooManyDepartedClients { max: BOUND, .. }), "{error:?}");
            let mut received: Vec<_> = std::iter::from_fn(|| server.receive().unwrap()).map(|active| *active).collect();
            received.sort_unstable();
            assert_eq!(received, [0, 1, 2, 3]);
            until("a client again", || come_and_go(&service, 100).is_ok());
        }
        drop((server, service, node));
        scratch.assert_empty();
    }
}

/// The setting is one like the others: 256 unless given, 0 is 1, at least what is asked for.
#[test]
fn the_bound_is_a_setting() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    assert_eq!(service.settings().max_departed_clients, 256);
    let asks = |count: usize| numbers(&node).max_departed_clients(count).open();
    assert_eq!(asks(256).unwrap().settings().max_departed_clients, 256);
    assert!(matches!(
        asks(257),
        Err(ServiceError::DoesNotSupport { setting: "max_departed_clients", asked: 257, has: 256 })
    ));
    drop(service);
    assert_eq!(numbers(&node).max_departed_clients(0).create().unwrap().settings().max_departed_clients, 1);
}

fn receive(server: &Server<u64, u64>) -> Vec<u64> {
    std::iter::from_fn(|| server.receive().unwrap().map(|active| *active)).collect()
}

/// A thousand clients, one after the other, send one request and leave; one stays and sends as well. A server that looks only
/// at the end, and one that looks now and then, receive every request that was reported as delivered, or count it as given
/// up; files and memory stay within the bound at every moment.
#[test]
fn of_a_thousand_clients_every_request_is_received_or_counted() {
    const CLIENTS: u64 = 1000;
    // For each of the two servers, each of them has a connection and, with a request in a chunk, what is left of a segment.
    let files_max = |bound: usize| 4 * (bound + 8) + 40;
    for (in_chunks, bound) in [(true, 256), (false, 2000)] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let builder = if in_chunks { numbers_in_chunks(&node) } else { numbers(&node) };
        let service = builder.max_departed_clients(bound).max_servers(2).create().unwrap();
        let at_the_end = service.server_builder().create().unwrap();
        let now_and_then = service.server_builder().create().unwrap();
        let stays = service.client_builder().create().unwrap();
        let (mut delivered, mut received) = ([0, 0], [Vec::new(), Vec::new()]);
        for number in 0..CLIENTS {
            let client = service.client_builder().create().unwrap();
            let pending = client.send_copy(number).unwrap();
            assert_eq!(pending.number_of_server_connections(), 2);
            delivered = delivered.map(|count| count + 1);
            drop((client, pending));
            if number % 100 == 50 {
                received[1].extend(receive(&now_and_then));
            }
            // Looking at all of them takes longer than all the rest.
            if number % 10 == 9 {
                let files = scratch.files().len();
                assert!(files <= files_max(bound), "{files} files behind {number} clients, with a bound of {bound}");
            }
        }
        // What the one that stays has sent comes last, and fits its buffers.
        let pending = stays.send_copy(CLIENTS).unwrap();
        assert_eq!(pending.number_of_server_connections(), 2);
        received[0].extend(receive(&at_the_end));
        received[1].extend(receive(&now_and_then));
        for (server, (received, delivered)) in
            [&at_the_end, &now_and_then].into_iter().zip(received.iter_mut().zip(delivered))
        {
            let given_up = server.requests_given_up();
            assert_eq!(received.len() as u64 + given_up, delivered + 1, "received and given up, of what was delivered");
            assert!(received.contains(&CLIENTS), "the client that lives is heard");
            received.sort_unstable();
            received.dedup();
            assert_eq!(received.len() as u64 + given_up, delivered + 1, "a request was received twice");
        }
        let expected = if bound < 1000 { CLIENTS - bound as u64 } else { 0 };
        assert_eq!([at_the_end.requests_given_up(), now_and_then.requests_given_up()], [expected, 0]);
        drop((pending, stays, at_the_end, now_and_then, service, node));
        scratch.assert_empty();
    }
}

/// A client that had to wait until departed ones were received gets its turn as soon as they are (RR-SND-12).
#[test]
fn who_waited_for_departed_clients_is_not_passed_over() {
    let root = Scratch::new();
    let node = root.node();
    let service = bounded(&node, false).create().unwrap();
    let steady = service.client_builder().create().unwrap();
    let server = service.server_builder().create().unwrap();
    for number in 0..BOUND as u64 {
        come_and_go(&service, number).unwrap();
    }
    assert!(server.has_requests().unwrap());
    // As many as can be have left when it comes, so the server takes it in when they are received.
    let waiting = service.client_builder().create().unwrap();
    let sent = [waiting.send_copy(10), steady.send_copy(20), steady.send_copy(21)].map(Result::unwrap);
    assert!(sent.iter().all(|pending| pending.number_of_server_connections() == 1));
    let received = receive(&server);
    let turn = received.iter().position(|number| *number == 10).expect("what the waiting client has sent");
    let passed_by = received[..turn].iter().filter(|number| **number >= 20).count();
    assert!(passed_by < 2, "a client with a request ready was passed over {passed_by} times by another: {received:?}");
}
