//! Ends: a wait ends, and says so, when nothing more can come (RR-WAIT-02, RR-LIV-02).

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use shmark_engine::Waited;

use super::{LONG, SOON, received, sent};
use crate::common::{Scratch, eventually, no_hang, numbers};
use crate::processes::Process;

/// Waits for the end that somebody makes meanwhile.
#[track_caller]
fn disconnected<T: std::fmt::Debug>(what: &str, wait: impl FnOnce(Duration) -> Waited<T>) {
    let began = Instant::now();
    let waited = wait(LONG);
    assert!(waited.is_disconnected(), "{what}: {waited:?}");
    assert!(began.elapsed() < SOON, "{what}: the wait ended after {:?}", began.elapsed());
}

#[test]
fn a_killed_server_ends_a_wait_for_its_response() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = Process::start("waiting-holder", root.path(), 0);
        let client = service.client_builder().create().unwrap();
        let pending = client.send_copy(1).unwrap();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            server.kill();
        });
        disconnected("the server is killed", |time| pending.receive_timeout(time).unwrap());
        killer.join().unwrap();
    });
}

#[test]
fn a_killed_client_ends_a_wait_for_its_requests() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let client = Process::start("waiting-client", root.path(), 0);
        let _active = received(server.receive_timeout(LONG).unwrap());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            client.kill();
        });
        disconnected("the client is killed", |time| server.receive_timeout(time).unwrap());
        killer.join().unwrap();
        // Said once; then the server waits for others.
        assert!(matches!(server.receive_timeout(Duration::from_millis(1)).unwrap(), Waited::Timeout));
        let client = Process::start("waiting-client", root.path(), 0);
        assert_eq!(*received(server.receive_timeout(LONG).unwrap()), 1);
        client.finish();
    });
}

/// Of two servers one is killed, the other one goes on: nothing has ended.
#[test]
fn a_wait_goes_on_as_long_as_one_server_can_answer() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let holder = Process::start("waiting-holder", root.path(), 0);
        let server = service.server_builder().create().unwrap();
        let client = service.client_builder().create().unwrap();
        let pending = client.send_copy(1).unwrap();
        let active = received(server.receive_timeout(LONG).unwrap());
        holder.kill();
        assert!(matches!(pending.receive_timeout(Duration::from_millis(600)).unwrap(), Waited::Timeout));
        active.send_copy(2).unwrap();
        drop(active);
        assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), 2);
        disconnected("the other server is done", |time| pending.receive_timeout(time).unwrap());
    });
}

/// A stopped process is not dead, so the wait goes on.
#[test]
fn a_stopped_server_ends_nothing() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = Process::start("waiting-holder", root.path(), 0);
        let client = service.client_builder().create().unwrap();
        let pending = client.send_copy(1).unwrap();
        server.signal(Signal::SIGSTOP);
        assert!(matches!(pending.receive_timeout(Duration::from_millis(600)).unwrap(), Waited::Timeout));
        server.signal(Signal::SIGCONT);
        server.finish();
        disconnected("the server has ended", |time| pending.receive_timeout(time).unwrap());
    });
}

#[test]
fn a_dropped_active_request_or_server_ends_a_wait_for_its_response() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let client = service.client_builder().create().unwrap();
        for received_before in [true, false] {
            let other = service.clone();
            let (tell, told) = std::sync::mpsc::channel();
            let (sent, was_sent) = std::sync::mpsc::channel();
            let thread = std::thread::spawn(move || {
                let server = other.server_builder().create().unwrap();
                tell.send(()).unwrap();
                let active = received_before.then(|| received(server.receive_timeout(LONG).unwrap()));
                was_sent.recv_timeout(LONG).unwrap();
                // The client is asleep mostly when the end comes; if it is not, that is tested as well.
                std::thread::sleep(Duration::from_millis(20));
                drop(active);
                drop(server);
            });
            told.recv().unwrap();
            let pending = eventually("a server that is connected", || {
                Some(client.send_copy(1).unwrap()).filter(|pending| pending.number_of_server_connections() == 1)
            });
            sent.send(()).unwrap();
            disconnected("dropped", |time| pending.receive_timeout(time).unwrap());
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_dropped_client_ends_a_wait_for_its_requests() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let client = Process::start("waiting-client", root.path(), 0);
        let _active = received(server.receive_timeout(LONG).unwrap());
        let ender = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            client.finish();
        });
        disconnected("the client is dropped", |time| server.receive_timeout(time).unwrap());
        ender.join().unwrap();
    });
}

/// What came before the end is received before the end is told.
#[test]
fn the_end_comes_last() {
    let root = Scratch::new();
    let node = root.node();
    let (_service, server, client, pending) = sent(&node);
    let other = client.send_copy(2).unwrap();
    drop((client, other));
    let active = received(server.receive_timeout(LONG).unwrap());
    active.send_copy(11).unwrap();
    active.send_copy(12).unwrap();
    drop(active);
    assert_eq!(*received(server.receive_timeout(LONG).unwrap()), 2);
    assert!(server.receive_timeout(LONG).unwrap().is_disconnected());
    drop(server);
    assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), 11);
    assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), 12);
    assert!(pending.receive_timeout(LONG).unwrap().is_disconnected());
    assert!(pending.receive_timeout(Duration::ZERO).unwrap().is_disconnected(), "said as often as it is asked");
}

/// A request that nobody got has no response to wait for.
#[test]
fn without_servers_there_is_nothing_to_wait_for() {
    let root = Scratch::new();
    let node = root.node();
    let service = numbers(&node).create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    disconnected("no server", |time| pending.receive_timeout(time).unwrap());
}
