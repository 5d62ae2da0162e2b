//! Waiting (RR-WAIT): woken by every message and by every end, asleep meanwhile, whatever stands in the wake words.

use std::path::Path;
use std::time::{Duration, Instant};

use shmark::engine::{Client, Waited};

use crate::common::{Numbers, Scratch, no_hang, numbers};
use crate::processes::Process;

/// A time that no wait of these tests may need.
const LONG: Duration = Duration::from_mins(1);
/// Rounds of the tests that look for lost wake-ups.
const ROUNDS: u64 = 20_000;

/// The processes of these tests.
pub fn play(role: &str, root: &Path, mut seed: Numbers, ready: fn()) {
    let node = shmark::engine::Node::builder().root(root).create().unwrap();
    let service = numbers(&node).open().unwrap();
    match role {
        // Answers with one more until the client has gone.
        "waiting-echo" => {
            let server = service.server_builder().create().unwrap();
            server.set_spin_before_sleep(Duration::ZERO);
            ready();
            loop {
                match server.receive_timeout(LONG).unwrap() {
                    Waited::Received(active) => {
                        pause(&mut seed);
                        active.send_copy(*active + 1).unwrap();
                    }
                    Waited::Disconnected => return,
                    Waited::Timeout => panic!("no request within {LONG:?}"),
                }
            }
        }
        // Receives one request and holds it.
        "waiting-holder" => {
            let server = service.server_builder().create().unwrap();
            let active = server.receive_timeout(LONG).unwrap();
            ready();
            let _ = std::io::stdin().lines().last();
            drop(active);
        }
        "waiting-client" => {
            let _client = service.client_builder().create().unwrap();
            ready();
            let _ = std::io::stdin().lines().last();
        }
        other => panic!("no such role: {other}"),
    }
}

/// Nothing, or some microseconds of work: so that messages meet a receiver at every step of its way to sleep.
fn pause(seed: &mut Numbers) {
    match seed.below(4) {
        0 => {}
        1 => (0..seed.below(2000)).for_each(|_| std::hint::spin_loop()),
        2 => std::thread::yield_now(),
        _ => (0..seed.below(20_000)).for_each(|_| std::hint::spin_loop()),
    }
}

#[track_caller]
fn received<T: std::fmt::Debug>(waited: Waited<T>) -> T {
    match waited {
        Waited::Received(value) => value,
        other => panic!("waited in vain: {other:?}"),
    }
}

/// Round trips in which each side sleeps whenever it has nothing to do.
fn ping_pong(client: &Client<u64, u64>, rounds: u64, seed: &mut Numbers) {
    client.set_spin_before_sleep(Duration::ZERO);
    for round in 0..rounds {
        pause(seed);
        let began = Instant::now();
        let pending = client.send_copy(round).unwrap();
        let response = received(pending.receive_timeout(LONG).unwrap());
        assert_eq!(*response, round + 1);
        // Whoever misses a wake-up sleeps for a slice of 100 ms; a machine that is busy elsewhere may take as long once in a
        // while, so that is no proof, but many of them are.
        slow_round(began.elapsed());
    }
}

thread_local! {
    static SLOW: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

fn slow_round(took: Duration) {
    if took >= Duration::from_millis(90) {
        SLOW.set(SLOW.get() + 1);
    }
}

/// A lost wake-up shows as a round that takes a slice. Of many thousand rounds a busy machine may delay some.
#[track_caller]
fn assert_no_wake_up_was_lost(rounds: u64) {
    let slow = SLOW.replace(0);
    assert!(slow <= rounds / 2000, "{slow} of {rounds} rounds took a slice or more: wake-ups are lost");
}

#[test]
fn no_wake_up_is_lost_between_processes() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = Process::start("waiting-echo", root.path(), 1);
        let client = service.client_builder().create().unwrap();
        ping_pong(&client, ROUNDS, &mut Numbers(2));
        assert_no_wake_up_was_lost(ROUNDS);
        drop(client);
        server.finish();
    });
}

#[test]
fn a_timeout_is_a_lower_bound() {
    let root = Scratch::new();
    let node = root.node();
    let service = numbers(&node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    let _active = server.receive().unwrap().unwrap();
    for timeout in [0, 1, 20, 150].map(Duration::from_millis) {
        let began = Instant::now();
        assert!(matches!(server.receive_timeout(timeout).unwrap(), Waited::Timeout));
        assert!(began.elapsed() >= timeout, "the server waited {:?} of {timeout:?}", began.elapsed());
        let began = Instant::now();
        assert!(matches!(pending.receive_timeout(timeout).unwrap(), Waited::Timeout));
        assert!(began.elapsed() >= timeout, "the client waited {:?} of {timeout:?}", began.elapsed());
    }
}
