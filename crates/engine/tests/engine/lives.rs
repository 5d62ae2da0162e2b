//! What outlives what: handles are dropped in every order, and what is left works or is gone.

use shmark_engine::error::LoanError;

use crate::common::{Scratch, name, numbers, numbers_in_chunks};

#[test]
fn an_active_request_outlives_client_and_server_handles() {
    let scratch = Scratch::new();
    let [one, two] = [scratch.node(), scratch.node()];
    let server = numbers(&one).create().unwrap().server_builder().create().unwrap();
    let client = numbers(&two).open().unwrap().client_builder().create().unwrap();
    let ids = (client.id(), server.id());
    drop((one, two));
    let pending = client.send_copy(7).unwrap();
    let active = server.receive().unwrap().unwrap();
    drop((client, server));
    assert_eq!((*active, active.client_id()), (7, ids.0));
    assert!(active.is_connected(), "its pending response is held (RR-ACT-01)");
    assert!(pending.is_connected(), "its active request is held (RR-PND-04)");
    active.send_copy(8).unwrap();
    let response = pending.receive().unwrap().unwrap();
    assert_eq!((*response, response.server_id()), (8, ids.1));
    drop(pending);
    assert!(!active.is_connected());
    active.send_copy(9).unwrap();
    assert_eq!(*active, 7, "unchanged as long as it is held (RR-ACT-04)");
    drop(active);
    assert_eq!(*response, 8, "unchanged as long as it is held (RR-PND-08)");
    assert!(!scratch.files().is_empty());
    drop(response);
    scratch.assert_empty();
}

#[test]
fn a_response_outlives_everything_else() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = node.service_builder(&name("slices")).request_response::<[u8], [u8]>().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let server = service.server_builder().initial_max_slice_len(5000).create().unwrap();
    let pending = client.loan_slice(0).unwrap().send().unwrap();
    let active = server.receive().unwrap().unwrap();
    active.loan_slice_uninit(5000).unwrap().write_from_fn(|i| i as u8).send().unwrap();
    let response = pending.receive().unwrap().unwrap();
    drop((active, server, pending, client, service, node));
    assert_eq!(response.payload(), (0..5000).map(|i| i as u8).collect::<Vec<_>>());
    drop(response);
    scratch.assert_empty();
}

/// Loans of both sides can be written and sent when their ports and everything else is gone; nobody receives them.
#[test]
fn loans_outlive_their_ports() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    let client = service.client_builder().create().unwrap();
    let server = service.server_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    let (mut request, mut response) = (client.loan().unwrap(), active.loan().unwrap());
    drop((pending, active, client, server, service, node));
    (*request, *response) = (2, 3);
    response.send().unwrap();
    let pending = request.send().unwrap();
    assert!(!pending.is_connected());
    assert!(pending.receive().unwrap().is_none());
    drop(pending);
    scratch.assert_empty();
}

/// The server leaves without having looked at anything: the client need not wait (RR-PND-05), and has everything back.
#[test]
fn a_server_that_never_looked_leaves_nobody_waiting() {
    for client_first in [true, false] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers_in_chunks(&node).create().unwrap();
        let early = client_first.then(|| service.client_builder().create().unwrap());
        let server = service.server_builder().create().unwrap();
        let client = early.unwrap_or_else(|| service.client_builder().create().unwrap());
        let pendings: Vec<_> = (0..4).map(|number| client.send_copy(number).unwrap()).collect();
        assert!(pendings.iter().all(|pending| pending.is_connected() && pending.number_of_server_connections() == 1));
        drop(server);
        assert!(pendings.iter().all(|pending| !pending.is_connected()));
        assert_eq!(client.chunks_in_use(), 0);
        drop(pendings);
        // And it finds the next one (RR-PRT-05).
        let server = service.server_builder().create().unwrap();
        let _pending = client.send_copy(9).unwrap();
        assert_eq!(*server.receive().unwrap().unwrap(), 9);
    }
}

/// The client is gone before the server looks: with fire-and-forget its requests are received, of both kinds and nothing to
/// answer to; without it they are not (RR-FNF-01, RR-FNF-02).
#[test]
fn a_client_that_is_gone_before_the_server_looked() {
    for fire_and_forget in [true, false] {
        for client_first in [true, false] {
            let scratch = Scratch::new();
            let node = scratch.node();
            let fixed = numbers(&node).enable_fire_and_forget_requests(fire_and_forget).create().unwrap();
            let slices = node.service_builder(&name("slices")).request_response::<[u64], [u64]>();
            let slices = slices.enable_fire_and_forget_requests(fire_and_forget).create().unwrap();
            let early = client_first.then(|| {
                let slices = slices.client_builder().initial_max_slice_len(3);
                (fixed.client_builder().create().unwrap(), slices.create().unwrap())
            });
            let servers = (fixed.server_builder().create().unwrap(), slices.server_builder().create().unwrap());
            let clients = early.unwrap_or_else(|| {
                let slices = slices.client_builder().initial_max_slice_len(3);
                (fixed.client_builder().create().unwrap(), slices.create().unwrap())
            });
            for number in 0..3 {
                drop(clients.0.send_copy(number).unwrap());
                drop(clients.1.loan_slice_uninit(3).unwrap().write_from_fn(|_| number).send().unwrap());
            }
            drop(clients);
            assert_eq!(servers.0.has_requests().unwrap(), fire_and_forget);
            assert_eq!(servers.1.has_requests().unwrap(), fire_and_forget);
            if fire_and_forget {
                for number in 0..3 {
                    let requests = (servers.0.receive().unwrap().unwrap(), servers.1.receive().unwrap().unwrap());
                    assert_eq!((*requests.0, requests.1.payload()), (number, [number; 3].as_slice()));
                    assert!(!requests.0.is_connected() && !requests.1.is_connected());
                    requests.0.send_copy(1).unwrap();
                    requests.1.loan_slice(1).unwrap().send().unwrap();
                }
            }
            assert!(servers.0.receive().unwrap().is_none() && servers.1.receive().unwrap().is_none());
            assert_eq!((servers.0.chunks_in_use(), servers.1.chunks_in_use()), (0, 0));
            assert_eq!(scratch.files_like("connection-").len(), 0);
            assert_eq!(scratch.files_like("segment-").len(), 2, "only the two servers have one");
        }
    }
}

/// Symptom: a pending response of a client that had left was never answered. Cause: a server that maps the connection of a
/// client that is not registered any more took it for gone.
#[test]
fn a_pending_response_outlives_a_client_that_left_before_the_server_looked() {
    for fire_and_forget in [true, false] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers(&node).enable_fire_and_forget_requests(fire_and_forget).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let pending = service.client_builder().create().unwrap().send_copy(1).unwrap();
        let active = server.receive().unwrap().unwrap();
        assert!(active.is_connected());
        active.send_copy(2).unwrap();
        assert_eq!(*pending.receive().unwrap().unwrap(), 2);
        drop(pending);
        assert!(!active.is_connected());
    }
}

/// Requests that are skipped, from clients that come and go, cost nothing that lasts (RR-FNF-03).
#[test]
fn skipped_requests_cost_nothing_that_lasts() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).enable_fire_and_forget_requests(false).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let mappings = || {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.contains(scratch.path().to_str().unwrap())).count()
    };
    let round = || {
        let client = service.client_builder().create().unwrap();
        for number in 0..10 {
            drop(client.send_copy(number).unwrap());
        }
        drop(client);
        assert!(!server.has_requests().unwrap());
    };
    round();
    round();
    let (maps, files) = (mappings(), scratch.files().len());
    for _ in 0..1000 {
        round();
    }
    // One more may wait to be noticed. Descriptors are shared with the tests beside this one.
    assert!(mappings() <= maps + 2, "{} files are mapped, before it was {maps}", mappings());
    assert_eq!(scratch.files().len(), files);
    assert!(descriptors() < 500);
    let client = service.client_builder().create().unwrap();
    let _pending = client.send_copy(5).unwrap();
    assert_eq!(*server.receive().unwrap().unwrap(), 5);
}

/// A place that was left can be taken again, any number of times, by clients and by servers (RR-PRT-01, RR-PRT-05).
#[test]
fn ports_come_and_go() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).max_clients(1).max_servers(1).create().unwrap();
    let mut client = service.client_builder().create().unwrap();
    let mut server = service.server_builder().create().unwrap();
    for number in 0..200 {
        let pending = client.send_copy(number).unwrap();
        let active = server.receive().unwrap().unwrap();
        active.send_copy(number).unwrap();
        assert_eq!(*pending.receive().unwrap().unwrap(), number);
        drop((pending, active));
        if number % 2 == 0 {
            drop(client);
            client = service.client_builder().create().unwrap();
        } else {
            drop(server);
            server = service.server_builder().create().unwrap();
        }
    }
    assert_eq!(scratch.files_like("segment-").len(), 2);
}

/// A port that preallocates for every limit lends all of it at once, for one of everything and for many: 4 servers, 8
/// clients, 64 active requests each, with every buffer full and everything borrowed (RR-PRT-07, RR-SND-04).
#[test]
fn every_limit_at_once() {
    for (servers, clients, active, buffer, borrowed, loaned, loans) in [(1, 1, 1, 1, 1, 1, 1), (4, 8, 64, 2, 3, 5, 2)] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service =
            numbers_in_chunks(&node).max_servers(servers).max_clients(clients).max_active_requests_per_client(active);
        let service = service.max_loaned_requests(loaned).max_response_buffer_size(buffer);
        let service = service.max_borrowed_responses_per_pending_response(borrowed).create().unwrap();
        let server = || service.server_builder().max_loaned_responses_per_request(loans).create().unwrap();
        let servers: Vec<_> = (0..servers).map(|_| server()).collect();
        let clients: Vec<_> = (0..clients).map(|_| service.client_builder().create().unwrap()).collect();
        let mut pendings = Vec::new();
        let mut actives = Vec::new();
        // Held by the servers, their pending responses with all responses that are allowed.
        for (c, client) in clients.iter().enumerate() {
            for number in 0..active {
                pendings.push(client.send_copy((c * 1000 + number) as u64).unwrap());
            }
        }
        for server in &servers {
            for _ in 0..clients.len() * active {
                actives.push(server.receive().unwrap().unwrap());
            }
            assert!(server.receive().unwrap().is_none());
        }
        let mut responses = Vec::new();
        for _ in 0..borrowed {
            for request in &actives {
                request.send_copy(**request + 1).unwrap();
            }
            for pending in &pendings {
                for _ in &servers {
                    responses.push(pending.receive().unwrap().unwrap());
                }
            }
        }
        // The response buffers full, and more of it displaced; the loans of each active request on top.
        for _ in 0..=buffer {
            for request in &actives {
                request.send_copy(1).unwrap();
            }
        }
        let loans_held: Vec<_> =
            actives.iter().flat_map(|request| (0..loans).map(|_| request.loan().unwrap())).collect();
        // The request buffers full as well, with requests that nobody waits for, and all loans of each client.
        drop(pendings);
        let mut pendings = Vec::new();
        let mut requests = Vec::new();
        for client in &clients {
            pendings.extend((0..active).map(|number| client.send_copy(number as u64).unwrap()));
            requests.extend((0..loaned).map(|_| client.loan().unwrap()));
            assert_eq!(client.loan().unwrap_err(), LoanError::ExceedsMaxLoans { max: loaned });
        }
        for request in &actives {
            assert_eq!(request.loan().unwrap_err(), LoanError::ExceedsMaxLoans { max: loans });
        }
        assert!(responses.iter().all(|response| **response % 1000 <= active as u64));
        drop((requests, loans_held, responses, pendings, actives));
        for server in &servers {
            while server.receive().unwrap().is_some() {}
        }
        assert!(clients.iter().all(|client| client.chunks_in_use() == 0));
        drop(clients);
        for server in &servers {
            assert!(!server.has_requests().unwrap());
            assert_eq!(server.chunks_in_use(), 0);
        }
    }
}

/// Symptom: a request was lost when the server counted its chunks. Cause: what its client had returned before it went was
/// taken for garbage, because all of the client's chunks had been taken back when it went.
#[test]
fn returns_of_a_client_that_has_gone_are_no_garbage() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers_in_chunks(&node).max_active_requests_per_client(1).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    active.send_copy(2).unwrap();
    drop((pending, active));
    drop(client.send_copy(3).unwrap());
    drop(client);
    assert_eq!(server.chunks_in_use(), 0);
    assert_eq!(*server.receive().unwrap().unwrap(), 3);
}

/// A server that is busy elsewhere for an hour must not pay for every client that comes and goes meanwhile: one that leaves
/// nothing to receive leaves no file either.
#[test]
fn clients_that_leave_nothing_to_receive_leave_no_file_with_a_server_that_never_looks() {
    for fire_and_forget in [true, false] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers(&node).enable_fire_and_forget_requests(fire_and_forget).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let files = scratch.files().len();
        for number in 0..20 {
            let client = service.client_builder().create().unwrap();
            if !fire_and_forget {
                drop(client.send_copy(number).unwrap());
            }
            drop(client);
            assert_eq!(scratch.files().len(), files, "left by client {number}");
        }
        assert!(!server.has_requests().unwrap());
        let client = service.client_builder().create().unwrap();
        drop(client.send_copy(7).unwrap());
        drop(client);
        assert_eq!(server.receive().unwrap().map(|request| *request), fire_and_forget.then_some(7));
    }
}
