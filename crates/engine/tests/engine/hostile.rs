//! A peer that writes garbage into everything that it has mapped (RR-BAD-02): whatever comes of it, no panic and no hang,
//! every chunk comes back, and other connections go on working.
//!
//! The files of a live connection are mapped here before the second side has looked, which is when they still have a name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use shmark_engine::error::{ReceiveError, SendError};
use shmark_engine::shm::Mapping;
use shmark_engine::{
    ActiveRequest, AllocationStrategy, BackpressureStrategy, Client, Node, PendingResponse, RequestMut,
    RequestResponseBuilder, Response, ResponseMut, Server,
};

use crate::common::{DEADLINE, Random, Scratch, eventually, numbers, until};

fn map(scratch: &Scratch, prefix: &str) -> Mapping {
    let [file] = scratch.files_like(prefix).try_into().unwrap();
    Mapping::open(&scratch.path().join(file), true).unwrap()
}

/// Writes one word that a broken peer may write.
fn scribble(words: &[AtomicU64], numbers: &mut Random) {
    let index = numbers.random_range(0..words.len());
    let word = match numbers.random_range(0..6) {
        0 => 0,
        1 => u64::MAX,
        2 => 1,
        3 => numbers.next_u64(),
        // A word of before, or of another place.
        4 => words[numbers.random_range(0..words.len())].load(Ordering::Relaxed),
        _ => words[index].load(Ordering::Relaxed).wrapping_add(numbers.next_u64() % 3).wrapping_sub(1),
    };
    words[index].store(word, Ordering::Relaxed);
}

/// Everything that was received or sent through a port that may be lied to; only how it ends is judged.
#[derive(Default)]
struct Held {
    pendings: Vec<PendingResponse<[u64]>>,
    actives: Vec<ActiveRequest<[u64], [u64]>>,
}

fn may_be_corrupted<T>(result: Result<T, ReceiveError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        // A registry that lies can have its service removed.
        Err(
            ReceiveError::ConnectionCorrupted | ReceiveError::ExceedsMaxBorrows { .. } | ReceiveError::CannotAttach(_),
        ) => None,
        Err(other) => panic!("{other}"),
    }
}

type Slices = RequestResponseBuilder<[u64], [u64]>;

/// A bit of everything, at random.
fn use_it(client: &Client<[u64], [u64]>, server: &Server<[u64], [u64]>, held: &mut Held, numbers: &mut Random) {
    match numbers.random_range(0..10) {
        0 | 1 => {
            let sent =
                client.loan_slice(numbers.random_range(0..3)).map_err(SendError::from).and_then(RequestMut::send);
            held.pendings.extend(sent);
        }
        2 | 3 => held.actives.extend(may_be_corrupted(server.receive()).flatten()),
        4 | 5 => {
            for active in &held.actives {
                std::hint::black_box(active.iter().fold(0, |all, number| all ^ number));
                let _ =
                    active.loan_slice(numbers.random_range(0..3)).map_err(SendError::from).and_then(ResponseMut::send);
                let _ = (active.is_connected(), active.has_disconnect_hint());
            }
        }
        6 => {
            for pending in &held.pendings {
                let _ = (pending.is_connected(), pending.has_response());
                pending.set_disconnect_hint();
                if let Some(response) = may_be_corrupted(pending.receive()).flatten() {
                    // What fits a slot, whose length the server writes.
                    assert!(response.len() <= 4);
                }
            }
        }
        7 => drop(
            (!held.pendings.is_empty())
                .then(|| held.pendings.swap_remove(numbers.random_range(0..held.pendings.len()))),
        ),
        8 => drop(
            (!held.actives.is_empty()).then(|| held.actives.swap_remove(numbers.random_range(0..held.actives.len()))),
        ),
        _ => {
            // A request that is said to be there is there, unless the connection has ended meanwhile.
            if may_be_corrupted(server.has_requests()) == Some(true) && held.actives.is_empty() {
                let received = server.receive();
                assert!(!matches!(received, Ok(None)), "has_requests said yes, receive found nothing (RR-FNF-04)");
                held.actives.extend(may_be_corrupted(received).flatten());
            }
        }
    }
}

fn exchange(client: &Client<[u64], [u64]>, server: &Server<[u64], [u64]>, number: u64) {
    let pending = client.loan_slice_uninit(2).unwrap().write_from_fn(|_| number).send().unwrap();
    assert_eq!(pending.number_of_server_connections(), 1);
    let end = Instant::now() + DEADLINE;
    let active = loop {
        // Others may have sent something too, or have said so.
        match may_be_corrupted(server.receive()).flatten() {
            Some(active) if active.client_id() == client.id() => break active,
            _ => assert!(Instant::now() < end, "a connection beside a corrupted one does not work"),
        }
    };
    assert_eq!(active.payload(), [number; 2]);
    active.loan_slice_uninit(1).unwrap().write_from_fn(|_| number + 1).send().unwrap();
    assert_eq!(pending.receive().unwrap().unwrap().payload(), [number + 1]);
}

/// Garbage in the connection of one client, while another one works.
fn garbage_in_a_connection(settings: impl Fn(Slices) -> Slices, seed: u64) {
    let mut numbers = Random::seed_from_u64(seed);
    let scratch = Scratch::new();
    let [node, node_of_victim] = [scratch.node(), scratch.node()];
    let slices = |node: &Node| {
        let service = node.service_builder(&crate::common::name("slices")).request_response::<[u64], [u64]>();
        settings(service).open_or_create().unwrap()
    };
    let service = slices(&node);
    let server = service.server_builder().initial_max_slice_len(2);
    let server = server.backpressure_strategy(BackpressureStrategy::DiscardData).create().unwrap();
    let client = |node: &Node| {
        let builder = slices(node).client_builder().initial_max_slice_len(2);
        builder.backpressure_strategy(BackpressureStrategy::DiscardData).create().unwrap()
    };
    let victim = client(&node_of_victim);
    let connection = map(&scratch, "connection-");
    // The connection is at times read with garbage in it from the start.
    if seed.is_multiple_of(4) {
        scribble(connection.words(), &mut numbers);
    }
    let good = client(&node);
    let mut held = Held::default();
    for step in 0..200 {
        if step >= 20 || seed.is_multiple_of(4) {
            scribble(connection.words(), &mut numbers);
        }
        use_it(&victim, &server, &mut held, &mut numbers);
        if step % 20 == 0 {
            held.actives.clear();
            exchange(&good, &server, step);
        }
    }
    drop(held);
    // A client that is said to hold something is believed as long as its node has the service open.
    drop((victim, node_of_victim));
    while may_be_corrupted(server.receive()).is_none_or(|active| active.is_some()) {}
    exchange(&good, &server, 1000);
    assert_eq!(good.chunks_in_use(), 0);
    assert_eq!(server.chunks_in_use(), 0, "chunks that were at a corrupted client did not come back (RR-RCL-02)");
    drop(server);
    assert_eq!(good.chunks_in_use(), 0);
    drop((good, service, node));
    scratch.assert_empty();
}

#[test]
fn garbage_in_a_connection_ends_it_and_no_other() {
    for seed in 0..rounds(300) {
        garbage_in_a_connection(
            |service| {
                let service = service.enable_safe_overflow_for_requests(seed & 1 != 0);
                let service = service.enable_safe_overflow_for_responses(seed & 2 != 0);
                let service = service.enable_fire_and_forget_requests(seed & 4 != 0);
                service.max_active_requests_per_client(1 + (seed as usize & 8) / 8)
            },
            seed,
        );
    }
}

/// The same with the server created second, so that it is the client that maps what the server made.
#[test]
fn garbage_that_a_server_writes_leaves_the_client_whole() {
    for seed in 0..rounds(100) {
        let mut numbers = Random::seed_from_u64(seed);
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = node.service_builder(&crate::common::name("slices")).request_response::<[u64], [u64]>();
        let service = service.max_active_requests_per_client(2).create().unwrap();
        let client = service.client_builder().initial_max_slice_len(2).create().unwrap();
        let server = service.server_builder().initial_max_slice_len(2).create().unwrap();
        let connection = map(&scratch, "connection-");
        let mut held = Held::default();
        for _ in 0..100 {
            scribble(connection.words(), &mut numbers);
            use_it(&client, &server, &mut held, &mut numbers);
        }
        drop(held);
        drop(server);
        assert_eq!(client.chunks_in_use(), 0, "chunks that were at a corrupted server did not come back (RR-RCL-02)");
        let server = service.server_builder().initial_max_slice_len(2).create().unwrap();
        exchange(&client, &server, 5);
    }
}

/// Chunk headers and payloads are their sender's word; a receiver that is lied to says so or takes what fits.
#[test]
fn garbage_in_a_segment_is_read_within_bounds() {
    for seed in 0..rounds(100) {
        let mut numbers = Random::seed_from_u64(seed);
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = node.service_builder(&crate::common::name("slices")).request_response::<[u64], [u64]>();
        let service = service.create().unwrap();
        let make_client = || service.client_builder().initial_max_slice_len(2).create().unwrap();
        let make_server = || service.server_builder().initial_max_slice_len(2).create().unwrap();
        // Mapped when it is the only one that there is.
        let early = (seed % 2 == 0).then(make_client);
        let server = (seed % 2 == 1).then(make_server);
        let segment = map(&scratch, "segment-");
        let (client, server) = (early.unwrap_or_else(make_client), server.unwrap_or_else(make_server));
        let mut held = Held::default();
        for _ in 0..200 {
            for _ in 0..20 {
                scribble(segment.words(), &mut numbers);
            }
            match numbers.random_range(0..5) {
                0 | 1 => {
                    let loan = client.loan_slice(2);
                    held.pendings.extend(loan.map_err(SendError::from).and_then(RequestMut::send));
                }
                2 | 3 => {
                    if let Some(active) = may_be_corrupted(server.receive()).flatten() {
                        // A chunk has room for two, and for five with what fills its line.
                        assert!(active.len() <= 5, "{} elements", active.len());
                        let _ = active.loan_slice(1).unwrap().send();
                    }
                    let _ = server.has_requests();
                }
                _ => {
                    for pending in &held.pendings {
                        if let Some(response) = may_be_corrupted(pending.receive()).flatten() {
                            assert!(response.len() <= 5, "{} elements", response.len());
                        }
                    }
                    held.pendings.clear();
                }
            }
        }
        drop(held);
        drop(client);
        until("what the client left", || may_be_corrupted(server.receive()).is_some_and(|active| active.is_none()));
        assert_eq!(server.chunks_in_use(), 0);
        // Nobody can use a segment without its head any more.
        drop(server);
        let (server, client) = (make_server(), make_client());
        exchange(&client, &server, 5);
    }
}

/// Everything that a port has made and that has a name now; what was mapped once stays mapped.
fn map_more(scratch: &Scratch, port: &str, mapped: &mut BTreeMap<PathBuf, Mapping>) {
    for file in scratch.files() {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains(port) && (name.starts_with("segment-") || name.starts_with("connection-")) {
            // It may lose its name at any moment.
            if let (false, Ok(mapping)) = (mapped.contains_key(&file), Mapping::open(&scratch.path().join(&file), true))
            {
                mapped.insert(file, mapping);
            }
        }
    }
}

/// How many rounds of garbage: `SHMARK_FUZZ` asks for more.
fn rounds(usual: u64) -> u64 {
    std::env::var("SHMARK_FUZZ").map_or(usual, |rounds| rounds.parse().unwrap())
}

/// A port that grows and writes garbage into all of its segments, old and new, and into its connections: numbers of
/// segments that are no more or were never there, chunks of other segments, lengths beyond either.
#[test]
fn garbage_of_a_port_that_grows_ends_its_connections_and_no_other() {
    let mut corrupted = 0;
    for seed in 0..rounds(80) {
        println!("seed {seed}");
        let mut numbers = Random::seed_from_u64(seed ^ 0x9e0);
        let scratch = Scratch::new();
        let [node, node_of_victim] = [scratch.node(), scratch.node()];
        let grows = AllocationStrategy::PowerOfTwo;
        let discard = BackpressureStrategy::DiscardData;
        let open = |node: &Node| crate::common::slices(node).max_servers(2).open_or_create().unwrap();
        let client = |node: &Node| {
            let client = open(node).client_builder().allocation_strategy(grows);
            client.backpressure_strategy(discard).create().unwrap()
        };
        let server = |node: &Node| {
            let server = open(node).server_builder().allocation_strategy(grows);
            server.backpressure_strategy(discard).create().unwrap()
        };
        // Either side is the one that writes garbage.
        let (client_port, server_port) = if seed % 2 == 0 {
            (client(&node_of_victim), server(&node))
        } else {
            (client(&node), server(&node_of_victim))
        };
        let port = if seed % 2 == 0 { client_port.id().to_string() } else { server_port.id().to_string() };
        let mut mapped = BTreeMap::new();
        let (mut pendings, mut actives, mut responses) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..150 {
            map_more(&scratch, &port, &mut mapped);
            if !mapped.is_empty() {
                for _ in 0..numbers.random_range(0..4) {
                    let index = numbers.random_range(0..mapped.len());
                    let words = mapped.values().nth(index).unwrap().words();
                    // Heads and channels are at the beginning.
                    let end = if numbers.random_range(0..2) == 0 { words.len().min(64) } else { words.len() };
                    scribble(&words[..end], &mut numbers);
                }
            }
            let len_max = 2 << numbers.random_range(0..10);
            let len = numbers.random_range(0..len_max);
            match numbers.random_range(0..8) {
                0..=2 => {
                    pendings.extend(client_port.loan_slice(len).map_err(SendError::from).and_then(RequestMut::send));
                }
                3 | 4 => match server_port.receive() {
                    Ok(active) => actives.extend(active),
                    Err(error) => corrupted += u64::from(error == ReceiveError::ConnectionCorrupted),
                },
                5 => {
                    for active in &actives {
                        let active: &ActiveRequest<[u64], [u64]> = active;
                        std::hint::black_box(active.iter().fold(0, |sum: u64, word| sum.wrapping_add(*word)));
                        let _ = active.loan_slice(len).map_err(SendError::from).and_then(ResponseMut::send);
                    }
                }
                6 => {
                    for pending in &pendings {
                        let pending: &PendingResponse<[u64]> = pending;
                        match pending.receive() {
                            Ok(response) => responses.extend(response),
                            Err(error) => corrupted += u64::from(error == ReceiveError::ConnectionCorrupted),
                        }
                    }
                    for response in &responses {
                        let response: &Response<[u64]> = response;
                        std::hint::black_box(response.iter().fold(0, |sum: u64, word| sum.wrapping_add(*word)));
                    }
                }
                _ => {
                    pendings.truncate(numbers.random_range(0..3));
                    actives.truncate(numbers.random_range(0..3));
                    responses.clear();
                }
            }
        }
        // The honest side goes on with others.
        drop((pendings, actives, responses));
        if seed % 2 == 0 {
            drop((client_port, node_of_victim));
            let good = client(&node);
            exchange(&good, &server_port, seed);
        } else {
            drop((server_port, node_of_victim));
            let good = server(&node);
            exchange(&client_port, &good, seed);
        }
    }
    assert!(corrupted > 0, "none of the garbage was called corrupted");
}

/// A registry full of garbage may end every connection; it ends in errors and not in a panic or a hang.
#[test]
fn garbage_in_the_registry_is_survived() {
    for seed in 0..rounds(60) {
        let mut numbers = Random::seed_from_u64(seed);
        let scratch = Scratch::new();
        let [node, other] = [scratch.node(), scratch.node()];
        let open = |node: &Node| {
            let service = node.service_builder(&crate::common::name("slices")).request_response::<[u64], [u64]>();
            service.open_or_create()
        };
        let service = open(&node).unwrap();
        let registry = map(&scratch, "registry");
        let mut held = Held::default();
        let mut clients = Vec::new();
        let mut servers = Vec::new();
        for _ in 0..100 {
            scribble(registry.words(), &mut numbers);
            match numbers.random_range(0..8) {
                0 => clients.extend(service.client_builder().initial_max_slice_len(2).create()),
                1 => {
                    let server = service.server_builder().initial_max_slice_len(2);
                    servers.extend(server.backpressure_strategy(BackpressureStrategy::DiscardData).create());
                }
                2 => drop(clients.pop()),
                3 => drop(servers.pop()),
                4 => {
                    let _ = (service.info(), node.services(), node.list());
                }
                5 => drop(open(&other)),
                _ => {
                    if let (Some(client), Some(server)) = (clients.last(), servers.last()) {
                        use_it(client, server, &mut held, &mut numbers);
                    }
                }
            }
        }
    }
}

/// At full speed, in three threads: a client and a server of which one waits for room, and somebody who writes garbage into
/// what is between them. When the garbage ends, so do all waits.
///
/// The words in which each side says how it is are left alone, and only one side waits: a peer that is said to be there and
/// never receives may be waited for.
#[test]
fn garbage_from_beside_lets_nobody_wait_for_ever() {
    for seed in 0..20 {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers(&node).enable_safe_overflow_for_requests(false).enable_safe_overflow_for_responses(false);
        let service = service.max_active_requests_per_client(1).max_response_buffer_size(1).create().unwrap();
        let (retry, discard) = (BackpressureStrategy::RetryUntilDelivered, BackpressureStrategy::DiscardData);
        let (of_client, of_server) = if seed % 2 == 0 { (retry, discard) } else { (discard, retry) };
        let [created, mapped, stop] = [(); 3].map(|()| Arc::new(AtomicBool::new(false)));
        let server = std::thread::spawn({
            let (service, created, mapped, stop) = (service.clone(), created.clone(), mapped.clone(), stop.clone());
            move || {
                let server = service.server_builder().backpressure_strategy(of_server).create().unwrap();
                created.store(true, Ordering::Release);
                // It looks, and the connection loses its name, only when it is mapped here as well.
                until("a third one", || mapped.load(Ordering::Acquire));
                while !stop.load(Ordering::Acquire) {
                    if let Some(active) = may_be_corrupted(server.receive()).flatten() {
                        let _ = (active.send_copy(1), active.send_copy(2));
                    }
                }
            }
        });
        until("a server", || created.load(Ordering::Acquire));
        let client = std::thread::spawn({
            let (service, mapped) = (service.clone(), mapped.clone());
            move || {
                let client = service.client_builder().backpressure_strategy(of_client).create().unwrap();
                until("a third one", || mapped.load(Ordering::Acquire));
                for _ in 0..200 {
                    drop(client.send_copy(1));
                    if let Ok(pending) = client.send_copy(2) {
                        let _ = pending.receive();
                    }
                }
            }
        });
        // It may be just being made.
        let connection = eventually("a connection", || {
            let file = scratch.path().join(scratch.files_like("connection-").first()?);
            Mapping::open(&file, true).ok()
        });
        mapped.store(true, Ordering::Release);
        let mut numbers = Random::seed_from_u64(seed);
        while !client.is_finished() && numbers.random_range(0..20_000) > 0 {
            scribble(&connection.words()[24..], &mut numbers);
        }
        until("the end of every wait of the client", || client.is_finished());
        stop.store(true, Ordering::Release);
        until("the end of every wait of the server", || server.is_finished());
        client.join().unwrap();
        server.join().unwrap();
    }
}
