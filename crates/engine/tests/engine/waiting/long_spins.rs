//! Whatever a port spins before it sleeps, a wait sees its end (RR-WAIT-02, RR-LIV-02).

use std::time::{Duration, Instant};

use shmark_engine::{AttachmentId, Client, PendingResponse, Readiness, Server, WaitEvent, WaitSet, Waited};

use super::{LONG, received};
use crate::common::{Scratch, eventually, no_hang, numbers};
use crate::processes::Process;

/// Longer than the second in which a wait has to end (RR-LIV-02).
const SPIN: Duration = Duration::from_secs(5);
const AT_MOST: Duration = Duration::from_secs(1);

/// What waits.
#[derive(Debug, Clone, Copy)]
enum By {
    Port,
    WaitSet,
}

/// Does it when the wait has begun, in another thread, and says when.
fn actions(end: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<Instant> {
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        let at = Instant::now();
        end();
        at
    })
}

#[track_caller]
fn assert_ends(what: &str, by: By, wait: impl FnOnce() -> bool, end: impl FnOnce() + Send + 'static) {
    let ender = actions(end);
    let is_told = wait();
    let now = Instant::now();
    assert!(is_told, "{what}, by {by:?}: the wait is over without saying that nothing more can come");
    let late = now.saturating_duration_since(ender.join().unwrap());
    eprintln!("{what}, by {by:?}: a wait that spins for {SPIN:?} ended {late:?} behind the end");
    assert!(late < AT_MOST, "{what}, by {by:?}: a wait that spins for {SPIN:?} ended {late:?} behind the end");
}

fn is_end_of_responses(by: By, client: &Client<u64, u64>, pending: &PendingResponse<u64>) -> bool {
    client.set_spin_before_sleep(SPIN);
    match by {
        By::Port => pending.receive_timeout(LONG).unwrap().is_disconnected(),
        By::WaitSet => is_told(|set| set.attach(pending)),
    }
}

fn is_end_of_requests(by: By, server: &Server<u64, u64>) -> bool {
    server.set_spin_before_sleep(SPIN);
    match by {
        By::Port => server.receive_timeout(LONG).unwrap().is_disconnected(),
        By::WaitSet => is_told(|set| set.attach(server)),
    }
}

fn is_told(attach: impl FnOnce(&mut WaitSet) -> AttachmentId) -> bool {
    let mut set = WaitSet::new();
    set.set_spin_before_sleep(SPIN);
    let id = attach(&mut set);
    match set.wait(LONG) {
        Waited::Received(events) => events == [WaitEvent { id, readiness: Readiness::Disconnected }],
        _ => false,
    }
}

#[test]
fn a_spinning_client_sees_that_its_request_is_finished() {
    for by in [By::Port, By::WaitSet] {
        no_hang(move || {
            let root = Scratch::new();
            let node = root.node();
            let service = numbers(&node).create().unwrap();
            let (tell, told) = std::sync::mpsc::channel();
            let (finish, finished) = std::sync::mpsc::channel::<()>();
            let other = service.clone();
            let serving = std::thread::spawn(move || {
                let server = other.server_builder().create().unwrap();
                tell.send(()).unwrap();
                drop((received(server.receive_timeout(LONG).unwrap()), finished.recv()));
                // The server stays, and answers nothing more.
                let _ = finished.recv();
            });
            told.recv().unwrap();
            let client = service.client_builder().create().unwrap();
            let pending = client.send_copy(1).unwrap();
            let tell_server = finish.clone();
            let wait = || is_end_of_responses(by, &client, &pending);
            assert_ends("a finished request", by, wait, move || tell_server.send(()).unwrap());
            drop(finish);
            serving.join().unwrap();
        });
    }
}

#[test]
fn a_spinning_client_sees_that_its_servers_are_gone() {
    for (kill, servers) in [(false, 1), (true, 1), (true, 2)] {
        for by in [By::Port, By::WaitSet] {
            no_hang(move || {
                let root = Scratch::new();
                let node = root.node();
                let service = numbers(&node).create().unwrap();
                let servers: Vec<_> =
                    (0..servers).map(|seed| Process::start("waiting-holder", root.path(), seed)).collect();
                let client = service.client_builder().create().unwrap();
                let pending = eventually("servers that are connected", || {
                    let pending = client.send_copy(1).unwrap();
                    Some(pending).filter(|pending| pending.number_of_server_connections() == servers.len())
                });
                let wait = || is_end_of_responses(by, &client, &pending);
                assert_ends(if kill { "killed servers" } else { "a dropped server" }, by, wait, move || {
                    servers.into_iter().for_each(if kill { Process::kill } else { Process::finish });
                });
            });
        }
    }
}

#[test]
fn a_spinning_server_sees_that_its_last_client_is_gone() {
    for kill in [false, true] {
        for by in [By::Port, By::WaitSet] {
            no_hang(move || {
                let root = Scratch::new();
                let node = root.node();
                let service = numbers(&node).create().unwrap();
                let server = service.server_builder().create().unwrap();
                let client = Process::start("waiting-client", root.path(), 0);
                let _active = received(server.receive_timeout(LONG).unwrap());
                let wait = || is_end_of_requests(by, &server);
                assert_ends(if kill { "a killed client" } else { "a dropped client" }, by, wait, move || {
                    if kill { client.kill() } else { client.finish() }
                });
            });
        }
    }
}

/// Who asks now and then, and never waits, hears of a death as soon as who waits.
#[test]
fn who_only_looks_sees_that_the_server_was_killed() {
    for by in [By::Port, By::WaitSet] {
        no_hang(move || {
            let root = Scratch::new();
            let node = root.node();
            let service = numbers(&node).create().unwrap();
            let server = Process::start("waiting-holder", root.path(), 0);
            let client = service.client_builder().create().unwrap();
            let pending = client.send_copy(1).unwrap();
            let mut set = WaitSet::new();
            set.attach(&pending);
            let mut has_ended = || match by {
                By::Port => pending.receive_timeout(Duration::ZERO).unwrap().is_disconnected(),
                By::WaitSet => set.wait(Duration::ZERO).received().is_some(),
            };
            assert!(!has_ended());
            server.kill();
            // A look at a peer's life is due every 100 ms.
            let looks = (0..10).take_while(|_| {
                std::thread::sleep(Duration::from_millis(110));
                !has_ended()
            });
            let looks = looks.count();
            assert!(looks < 5, "{by:?}: {looks} looks, 110 ms apart, did not see that the server was killed");
        });
    }
}
