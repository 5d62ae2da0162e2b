//! Ports that leave in good order: what they have sent before arrives whole, wherever it lies (RR-FNF-01, RR-PND-01,
//! RR-PND-04, RR-DYN-02, RR-DYN-06).

use shmark_engine::{AllocationStrategy, Client, Node, Server, Service};

use crate::common::{Scratch, name, numbers};

type Bytes = Service<[u8], [u8]>;

const GROWING: [AllocationStrategy; 2] = [AllocationStrategy::BestFit, AllocationStrategy::PowerOfTwo];

fn service(node: &Node) -> Bytes {
    let builder = node.service_builder(&name("orderly")).request_response::<[u8], [u8]>();
    builder.max_loaned_requests(4).max_servers(4).max_response_buffer_size(4).open_or_create().unwrap()
}

fn client(service: &Bytes, strategy: AllocationStrategy) -> Client<[u8], [u8]> {
    service.client_builder().initial_max_slice_len(1).allocation_strategy(strategy).create().unwrap()
}

fn server(service: &Bytes, strategy: AllocationStrategy) -> Server<[u8], [u8]> {
    let builder = service.server_builder().initial_max_slice_len(1).allocation_strategy(strategy);
    builder.max_loaned_responses_per_request(4).create().unwrap()
}

/// Byte `i` of a message that began with `seed`.
fn byte(seed: usize, i: usize) -> u8 {
    (seed.wrapping_mul(31) ^ i ^ (i >> 8)) as u8
}

#[track_caller]
fn assert_content(what: &str, seed: usize, found: &[u8]) {
    assert_eq!(found.len(), seed, "bytes of {what}");
    let wrong = found.iter().enumerate().position(|(i, found)| *found != byte(seed, i));
    assert_eq!(wrong, None, "first byte of {what} that is another one than was sent");
}

/// The next request, which has to be the one of `len` bytes.
#[track_caller]
fn assert_received(server: &Server<[u8], [u8]>, len: usize, case: &str) {
    let what = format!("a request of {len} bytes ({case})");
    let active = server.receive().unwrap_or_else(|error| panic!("{what}: {error}"));
    let active = active.unwrap_or_else(|| panic!("{what}, sent by a client that left in good order, did not arrive"));
    assert_content(&what, len, active.payload());
}

/// Loans of several segments, the newest of which the server has mapped when the older ones are sent (RR-FNF-01, RR-DYN-02).
#[test]
fn a_request_that_was_loaned_before_growth_outlives_its_client() {
    for strategy in GROWING {
        for lens in [&[100, 1000][..], &[100, 500, 1000], &[100, 500, 800, 1000]] {
            let case = format!("loaned before growth, {strategy:?}, loans of {lens:?} bytes");
            let scratch = Scratch::new();
            let service = service(&scratch.node());
            let server = server(&service, AllocationStrategy::Static);
            let client = client(&service, strategy);
            let loan = |len: &usize| client.loan_slice_uninit(*len).unwrap().write_from_fn(|i| byte(*len, i));
            let mut loans: Vec<_> = lens.iter().map(loan).collect();
            let mut pendings = vec![loans.pop().unwrap().send().unwrap()];
            assert_received(&server, *lens.last().unwrap(), &case);
            pendings.extend(loans.into_iter().map(|loan| loan.send().unwrap()));
            drop((client, pendings));
            for len in &lens[..lens.len() - 1] {
                assert_received(&server, *len, &case);
            }
            assert!(server.receive().unwrap().is_none());
            drop((server, service));
            scratch.assert_empty();
        }
    }
}

/// The server attaches when the client has grown already, and so maps only the newest segment (RR-FNF-01, RR-DYN-07).
#[test]
fn a_request_that_lies_in_an_older_segment_than_the_server_maps_first_outlives_its_client() {
    for strategy in GROWING {
        for lens in [&[200, 200][..], &[100, 500, 1000]] {
            for server_is_first in [true, false] {
                let case = format!("{strategy:?}, loans of {lens:?} bytes, server created first: {server_is_first}");
                let scratch = Scratch::new();
                let service = service(&scratch.node());
                let mut servers = Vec::new();
                let make_server = || server(&service, AllocationStrategy::Static);
                servers.extend(server_is_first.then(make_server));
                let builder = service.client_builder().initial_max_slice_len(lens[0]).preallocate(1);
                let client = builder.allocation_strategy(strategy).create().unwrap();
                let loan = |len: &usize| client.loan_slice_uninit(*len).unwrap().write_from_fn(|i| byte(*len, i));
                let mut loans: Vec<_> = lens.iter().map(loan).collect();
                // Looks at its new peer, and finds nothing to receive.
                servers.extend((!server_is_first).then(make_server));
                assert!(!servers[0].has_requests().unwrap());
                let pending = loans.remove(0).send().unwrap();
                assert_eq!(pending.number_of_server_connections(), 1);
                drop((loans, pending, client));
                assert_received(&servers[0], lens[0], &case);
                drop((servers, service));
                scratch.assert_empty();
            }
        }
    }
}

/// The same with responses: the client has mapped the newest segment when a response in an older one is sent and its server
/// goes (RR-PND-01, RR-PND-04).
#[test]
fn a_response_that_was_loaned_before_growth_outlives_its_server() {
    for strategy in GROWING {
        for lens in [&[100, 1000][..], &[100, 500, 1000]] {
            let scratch = Scratch::new();
            let service = service(&scratch.node());
            let client = client(&service, AllocationStrategy::Static);
            let server = server(&service, strategy);
            let pending = client.loan_slice(1).unwrap().send().unwrap();
            let active = server.receive().unwrap().unwrap();
            let loan = |len: &usize| active.loan_slice_uninit(*len).unwrap().write_from_fn(|i| byte(*len, i));
            let mut loans: Vec<_> = lens.iter().map(loan).collect();
            loans.pop().unwrap().send().unwrap();
            let newest = pending.receive().unwrap().expect("the newest response, whose server lives");
            assert_content("the newest response", *lens.last().unwrap(), newest.payload());
            for loan in loans {
                loan.send().unwrap();
            }
            drop((server, active));
            for len in &lens[..lens.len() - 1] {
                let case = format!("a response of {len} bytes, loaned before growth ({strategy:?}, loans of {lens:?})");
                let received = pending.receive().unwrap_or_else(|error| panic!("{case}: {error}"));
                let received = received.unwrap_or_else(|| panic!("{case}, sent by a server that left, did not arrive"));
                assert_content(&case, *len, received.payload());
            }
            drop((newest, pending, client, service));
            scratch.assert_empty();
        }
    }
}

/// A pending response outlives its client and its server; what was sent to it in a segment that the client has not mapped
/// is there, whatever leaves the service in between (RR-PND-01, RR-PND-04).
#[test]
fn a_response_in_a_grown_segment_is_received_when_client_and_server_are_gone() {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Goes {
        Server,
        Active,
        Client,
        /// Another port comes and leaves, and takes away what nobody asks for any more.
        AnotherClient,
        AnotherServer,
    }
    use Goes::{Active, AnotherClient, AnotherServer, Client, Server};
    let orders: [&[Goes]; 6] = [
        &[Server, Active, Client],
        &[Active, Server, Client],
        &[Client, Server, Active],
        &[Client, Server, Active, AnotherClient],
        &[Client, Active, Server, AnotherServer],
        &[Server, Client, AnotherClient, Active, AnotherServer],
    ];
    for strategy in GROWING {
        for order in orders {
            let scratch = Scratch::new();
            let nodes = [scratch.node(), scratch.node(), scratch.node()];
            let [of_client, of_server, of_others] = nodes.each_ref().map(service);
            let mut client = Some(client(&of_client, AllocationStrategy::Static));
            let mut server = Some(self::server(&of_server, strategy));
            let pending = client.as_ref().unwrap().loan_slice(1).unwrap().send().unwrap();
            let mut active = Some(server.as_ref().unwrap().receive().unwrap().unwrap());
            let response = active.as_ref().unwrap().loan_slice_uninit(9000).unwrap();
            response.write_from_fn(|i| byte(9000, i)).send().unwrap();
            for goes in order {
                match goes {
                    Server => drop(server.take()),
                    Active => drop(active.take()),
                    Client => drop(client.take()),
                    AnotherClient => drop(self::client(&of_others, AllocationStrategy::Static)),
                    AnotherServer => drop(self::server(&of_others, AllocationStrategy::Static)),
                }
            }
            let what = format!("the response of 9000 bytes ({strategy:?}, gone before it was received: {order:?})");
            let received = pending.receive().unwrap_or_else(|error| panic!("{what}: {error}"));
            let received = received.unwrap_or_else(|| panic!("{what} did not arrive, and its pending response lives"));
            assert_content(&what, 9000, received.payload());
            drop((received, pending, of_client, of_server, of_others, nodes));
            scratch.assert_empty();
        }
    }
}

/// What clients that came and left meanwhile have sent is received when the server looks again, and clients that live are
/// heard as well, whether they came before or after (RR-FNF-01, RR-FNF-05).
#[test]
fn many_clients_leave_before_the_server_looks() {
    // The engine numbers receivers in words of 64 bits.
    for departed in [64, 200] {
        for holds in [false, true] {
            let scratch = Scratch::new();
            let nodes = [scratch.node(), scratch.node()];
            let [of_server, of_clients] = nodes.each_ref().map(|node| numbers(node).open_or_create().unwrap());
            let server = of_server.server_builder().create().unwrap();
            let early = of_clients.client_builder().create().unwrap();
            for number in 0..departed {
                let client = of_clients.client_builder().create().unwrap();
                let pending = client.send_copy(number).unwrap();
                drop((client, pending));
            }
            let late = of_clients.client_builder().create().unwrap();
            let pendings = [early.send_copy(departed).unwrap(), late.send_copy(departed + 1).unwrap()];
            assert!(pendings.iter().all(|pending| pending.number_of_server_connections() == 1));
            let (mut received, mut held) = (Vec::new(), Vec::new());
            while let Some(active) = server.receive().unwrap() {
                received.push(*active);
                active.send_copy(*active).unwrap();
                held.extend(holds.then_some(active));
            }
            let missing: Vec<_> = (0..departed + 2).filter(|number| !received.contains(number)).collect();
            assert_eq!(
                missing,
                Vec::<u64>::new(),
                "{departed} clients sent their number and left, one that came before sent {departed}, one that came \
                 after sent {}, and both live; the server, which looked afterwards (and keeps what it received: \
                 {holds}), received all but these",
                departed + 1
            );
            assert_eq!(received.len() as u64, departed + 2, "received more than was sent: {received:?}");
            let answers = pendings.each_ref().map(|pending| pending.receive().unwrap().map(|response| *response));
            assert_eq!(answers, [Some(departed), Some(departed + 1)], "answers to the clients that live");
            assert!(held.iter().zip(&received).all(|(active, was)| **active == *was), "what is held does not change");
            drop((held, pendings, early, late, server, of_server, of_clients, nodes));
            scratch.assert_empty();
        }
    }
}

/// Without fire-and-forget nothing of those that left is wanted, and clients that live are heard (RR-FNF-02, RR-FNF-03).
#[test]
fn living_clients_are_heard_beside_many_that_left_without_fire_and_forget() {
    for client_goes_first in [true, false] {
        let scratch = Scratch::new();
        let service = numbers(&scratch.node()).enable_fire_and_forget_requests(false).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let early = service.client_builder().create().unwrap();
        for number in 0..200 {
            let client = service.client_builder().create().unwrap();
            let pending = client.send_copy(number).unwrap();
            if client_goes_first {
                drop(client);
                drop(pending);
            } else {
                drop(pending);
                drop(client);
            }
        }
        let late = service.client_builder().create().unwrap();
        let pendings = [early.send_copy(1000).unwrap(), late.send_copy(1001).unwrap()];
        let mut received = Vec::new();
        while let Some(active) = server.receive().unwrap() {
            received.push(*active);
        }
        received.sort_unstable();
        assert_eq!(
            received,
            [1000, 1001],
            "200 clients sent and left (dropped before its pending response: {client_goes_first}), one that came before \
             them sent 1000, one that came after them 1001, and both live"
        );
        drop((pendings, early, late, server, service));
        scratch.assert_empty();
    }
}
