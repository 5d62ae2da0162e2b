//! The transports as a benchmark uses them, both sides in one thread where nothing blocks.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use shmark_peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Element, Kind, Load, PayloadSpec, Qos, Refusal, Timing, Touch,
    Waiting,
};

fn setup(root: &Path, len: usize, waiting: Waiting) -> BenchSetup {
    BenchSetup {
        root: root.to_str().unwrap().to_owned(),
        service: "any/name at all".to_owned(),
        payload: PayloadSpec { element: Element::Bytes, kind: Kind::Slice, align: None },
        len,
        waiting,
        load: Load::default(),
        qos: Qos::default(),
    }
}

fn files(root: &Path) -> usize {
    std::fs::read_dir(root).unwrap().count()
}

/// Polls until there is something; a minute is for machines that are busy with other things.
fn soon<T>(mut poll: impl FnMut() -> Result<Option<T>, String>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(value) = poll().unwrap() {
            return value;
        }
        assert!(Instant::now() < deadline, "nothing arrived within a minute");
    }
}

fn answers_in_order_and_leaves_no_file<B: BenchSubject>() {
    let root = tempfile::tempdir().unwrap();
    let setup = setup(root.path(), 13, Waiting::Spin);
    let mut server = B::bench_server(&setup).map_err(|refusal| format!("{refusal:?}")).unwrap();
    let mut client = B::bench_client(&setup).map_err(|refusal| format!("{refusal:?}")).unwrap();
    assert_eq!(client.poll(), Ok(None), "nothing was sent yet");
    for sequence in [1, 2, u64::MAX] {
        client.send(sequence).unwrap();
        assert_eq!(soon(|| server.serve()), sequence);
        assert_eq!(soon(|| client.poll()), sequence);
    }
    drop(client);
    drop(server);
    assert_eq!(files(root.path()), 0, "the server removes what it made");
}

fn carries_messages_larger_than_any_buffer<B: BenchSubject>(waiting: Waiting) {
    let root = tempfile::tempdir().unwrap();
    let setup = &setup(root.path(), 3_000_001, waiting);
    let Ok(mut server) = B::bench_server(setup) else { panic!("no server") };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let Ok(mut client) = B::bench_client(setup) else { panic!("no client") };
            client.send(5).unwrap();
            assert_eq!(soon(|| client.poll()), 5);
        });
        assert_eq!(soon(|| server.serve()), 5);
    });
}

fn notices_that_the_other_side_is_gone<B: BenchSubject>(waiting: Waiting) {
    let root = tempfile::tempdir().unwrap();
    let setup = setup(root.path(), 8, waiting);
    let Ok(mut server) = B::bench_server(&setup) else { panic!("no server") };
    let Ok(mut client) = B::bench_client(&setup) else { panic!("no client") };
    client.send(1).unwrap();
    assert_eq!(soon(|| server.serve()), 1);
    drop(client);
    let deadline = Instant::now() + Duration::from_mins(1);
    while server.serve().is_ok() {
        assert!(Instant::now() < deadline, "the server never noticed");
    }
}

fn refuses_a_client_without_a_server<B: BenchSubject>() {
    let root = tempfile::tempdir().unwrap();
    assert!(B::bench_client(&setup(root.path(), 8, Waiting::Spin)).is_err());
}

fn several_requests_are_under_way_and_have_several_responses<B: BenchSubject>() {
    let root = tempfile::tempdir().unwrap();
    let load = Load { timing: Timing::Throughput, outstanding: 2, responses: 3, ..Load::default() };
    let setup = BenchSetup { load, ..setup(root.path(), 8, Waiting::Spin) };
    let Ok(mut server) = B::bench_server(&setup) else { panic!("no server") };
    let Ok(mut client) = B::bench_client(&setup) else { panic!("no client") };
    client.send(1).unwrap();
    client.send(2).unwrap();
    assert_eq!([1, 2].map(|_| soon(|| server.serve())), [1, 2]);
    assert_eq!([(); 6].map(|()| soon(|| client.poll())), [1, 2, 3, 4, 5, 6]);
    assert_eq!(client.poll(), Ok(None));
}

fn refuses_what_a_transport_has_not<B: BenchSubject>() {
    let root = tempfile::tempdir().unwrap();
    let plain = Load::default();
    for load in [Load { idle_clients: 1, ..plain }, Load { touch: Touch::Stamp, ..plain }] {
        let setup = BenchSetup { load, ..setup(root.path(), 8, Waiting::Spin) };
        assert!(matches!(B::bench_server(&setup), Err(Refusal::Unsupported(_))), "{load:?}");
    }
    let load = Load { timing: Timing::Throughput, clients: 2, servers: 3, ..plain };
    let setup = BenchSetup { load, ..setup(root.path(), 8, Waiting::Spin) };
    let Err(Refusal::Unsupported(why)) = B::bench_servers(&setup) else { panic!("a transport with several servers") };
    assert!(why.contains("one client and one server, and 2 and 3"), "{why}");
    assert!(matches!(B::bench_clients(&setup), Err(Refusal::Unsupported(_))));
    assert_eq!(files(root.path()), 0);
}

fn refuses_a_second_server<B: BenchSubject>() {
    let root = tempfile::tempdir().unwrap();
    let setup = setup(root.path(), 8, Waiting::Spin);
    let Ok(_first) = B::bench_server(&setup) else { panic!("no server") };
    let before = files(root.path());
    assert!(B::bench_server(&setup).is_err());
    assert_eq!(files(root.path()), before, "the first server's files are not the second one's to remove");
}

macro_rules! transports {
    ($($module:ident: $subject:ident;)*) => { $(mod $module {
        use super::*;

        #[test]
        fn answers_in_order_and_leaves_no_file() {
            super::answers_in_order_and_leaves_no_file::<$subject>();
        }

        #[test]
        fn carries_messages_larger_than_any_buffer() {
            super::carries_messages_larger_than_any_buffer::<$subject>(Waiting::Spin);
            super::carries_messages_larger_than_any_buffer::<$subject>(Waiting::Block);
        }

        #[test]
        fn notices_that_the_other_side_is_gone() {
            super::notices_that_the_other_side_is_gone::<$subject>(Waiting::Spin);
            super::notices_that_the_other_side_is_gone::<$subject>(Waiting::Block);
        }

        #[test]
        fn refuses_a_client_without_a_server() {
            super::refuses_a_client_without_a_server::<$subject>();
        }

        #[test]
        fn several_requests_are_under_way_and_have_several_responses() {
            super::several_requests_are_under_way_and_have_several_responses::<$subject>();
        }

        #[test]
        fn refuses_what_a_transport_has_not() {
            super::refuses_what_a_transport_has_not::<$subject>();
        }

        #[test]
        fn refuses_a_second_server() {
            super::refuses_a_second_server::<$subject>();
        }
    })* };
}

transports! {
    unix_socket: UnixSocket;
    tcp_loopback: TcpLoopback;
    pipe: Pipe;
}

/// Every setting of a load that the engine has a part in, with messages that stay where they were written.
#[test]
fn the_engine_carries_several_messages_at_a_time_beside_idle_clients() {
    let root = tempfile::tempdir().unwrap();
    for touch in [Touch::All, Touch::Stamp] {
        let setup = BenchSetup {
            load: Load {
                timing: Timing::Throughput,
                outstanding: 8,
                responses: 16,
                idle_clients: 7,
                touch,
                ..Load::default()
            },
            qos: Qos { max_active_requests: Some(8), response_buffer: Some(16), ..Qos::default() },
            ..setup(root.path(), 4096, Waiting::Spin)
        };
        let Ok(mut server) = reference::Reference::bench_server(&setup) else { panic!("no server") };
        let Ok(mut client) = reference::Reference::bench_client(&setup) else { panic!("no client") };
        for round in 0..20 {
            let sequences = 8 * round + 1..=8 * round + 8;
            sequences.clone().for_each(|sequence| client.send(sequence).unwrap());
            sequences.for_each(|sequence| assert_eq!(server.serve(), Ok(Some(sequence))));
            (128 * round + 1..=128 * round + 128).for_each(|number| assert_eq!(client.poll(), Ok(Some(number))));
        }
        assert_eq!((server.serve(), client.poll()), (Ok(None), Ok(None)));
        let ninth = BenchSetup { load: Load { idle_clients: 8, ..setup.load }, ..setup.clone() };
        drop(client);
        assert!(reference::Reference::bench_client(&ninth).is_err(), "the service has room for 8 clients");
    }
}

/// Each request of each client reaches each server, and its responses come back to that client.
#[test]
fn the_engine_has_several_clients_and_several_servers() {
    let root = tempfile::tempdir().unwrap();
    let load = Load {
        timing: Timing::Throughput,
        clients: 3,
        servers: 2,
        outstanding: 2,
        responses: 2,
        idle_clients: 1,
        ..Load::default()
    };
    let qos = Qos { max_clients: Some(4), max_servers: Some(2), max_active_requests: Some(2), ..Qos::default() };
    let setup = BenchSetup { load, qos, ..setup(root.path(), 64, Waiting::Spin) };
    let Ok(mut servers) = reference::Reference::bench_servers(&setup) else { panic!("no servers") };
    let Ok(mut clients) = reference::Reference::bench_clients(&setup) else { panic!("no clients") };
    assert_eq!((servers.len(), clients.len()), (2, 3));
    for round in 0..20 {
        let sequences: Vec<u64> = (6 * round + 1..=6 * round + 6).collect();
        for sequence in &sequences {
            clients[(sequence - 1) as usize % 3].send(*sequence).unwrap();
        }
        for server in &mut servers {
            let mut received: Vec<u64> = (0..6).map(|_| server.serve().unwrap().unwrap()).collect();
            received.sort_unstable();
            assert_eq!((received, server.serve()), (sequences.clone(), Ok(None)));
        }
        for sequence in sequences {
            let client = &mut clients[(sequence - 1) as usize % 3];
            let mut numbers: Vec<u64> = (0..4).map(|_| client.poll().unwrap().unwrap()).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (4 * sequence - 3..=4 * sequence).collect::<Vec<_>>());
        }
    }
    assert!(clients.iter_mut().all(|client| client.poll() == Ok(None)));
}
