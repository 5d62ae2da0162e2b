//! The transports as a benchmark uses them, both sides in one thread where nothing blocks.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Element, Kind, PayloadSpec, Waiting,
};

fn setup(root: &Path, len: usize, waiting: Waiting) -> BenchSetup {
    BenchSetup {
        root: root.to_str().unwrap().to_owned(),
        service: "any/name at all".to_owned(),
        payload: PayloadSpec { element: Element::Bytes, kind: Kind::Slice, align: None },
        len,
        waiting,
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
