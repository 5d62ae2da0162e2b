//! Messages: each one wakes, at once, whoever waits for it, and nobody works while waiting.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use rand::{RngExt as _, SeedableRng as _};
use shmark_engine::{Client, Waited};

use super::{LONG, pause, received, sent};
use crate::common::{Random, Scratch, name, no_hang, numbers, until};
use crate::processes::Process;

/// Rounds of the tests that look for lost wake-ups.
pub const ROUNDS: u64 = 20_000;
/// Who misses a wake-up sleeps for a slice of 100 ms.
const SLICE: Duration = Duration::from_millis(100);

fn thread_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// Round trips with somebody who sleeps between them. A lost wake-up shows as a round that takes a slice. A busy machine may
/// delay some of many thousand, so a few are no proof.
#[track_caller]
pub fn ping_pong(client: &Client<u64, u64>, rounds: u64, seed: &mut Random) {
    client.set_spin_before_sleep(Duration::ZERO);
    let mut slow = 0;
    for round in 0..rounds {
        pause(seed);
        let began = Instant::now();
        let pending = client.send_copy(round).unwrap();
        assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), round + 1);
        slow += u64::from(began.elapsed() >= SLICE * 9 / 10);
        assert!(slow <= 10, "{slow} of {} rounds took a slice or more: wake-ups are lost", round + 1);
    }
}

#[test]
fn no_wake_up_is_lost_between_processes() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = Process::start("waiting-echo", root.path(), 1);
        let client = service.client_builder().create().unwrap();
        ping_pong(&client, ROUNDS, &mut Random::seed_from_u64(2));
        drop(client);
        server.finish();
    });
}

/// Without overflow a push is a plain store, which a processor may delay behind the look at the wake word.
#[test]
fn no_wake_up_is_lost_where_a_push_is_a_plain_store() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node);
        let service = service.enable_safe_overflow_for_requests(false).enable_safe_overflow_for_responses(false);
        let service = service.create().unwrap();
        let server = Process::start("waiting-echo", root.path(), 3);
        let client = service.client_builder().create().unwrap();
        ping_pong(&client, ROUNDS, &mut Random::seed_from_u64(4));
        drop(client);
        server.finish();
    });
}

/// With messages that are too large for a slot.
#[test]
fn no_wake_up_is_lost_with_messages_in_chunks() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = node.service_builder(&name("large")).request_response::<[u64; 8], [u64; 8]>().create().unwrap();
        let other = service.clone();
        let server = std::thread::spawn(move || {
            let server = other.server_builder().create().unwrap();
            server.set_spin_before_sleep(Duration::ZERO);
            let mut held = None;
            while let Waited::Received(active) = server.receive_timeout(LONG).unwrap() {
                active.send_copy([active[0] + 1; 8]).unwrap();
                // The end of an active request wakes as well, so it comes after the next one, on whose lane it says nothing.
                held = Some(active);
            }
            drop(held);
        });
        let client = service.client_builder().create().unwrap();
        client.set_spin_before_sleep(Duration::ZERO);
        until("a server", || client.send_copy([0; 8]).unwrap().number_of_server_connections() == 1);
        let mut slow = 0;
        for round in 0..ROUNDS / 10 {
            let began = Instant::now();
            let pending = client.send_copy([round; 8]).unwrap();
            assert_eq!(received(pending.receive_timeout(LONG).unwrap())[0], round + 1);
            slow += u64::from(began.elapsed() >= SLICE * 9 / 10);
            assert!(slow <= 10, "{slow} of {} rounds took a slice or more: wake-ups are lost", round + 1);
        }
        drop(client);
        server.join().unwrap();
    });
}

/// With threads that mostly spin and sometimes sleep, so that senders are told to fence and not to fence again.
#[test]
fn no_wake_up_is_lost_between_threads_that_spin_and_sleep() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let other = service.clone();
        let server = std::thread::spawn(move || {
            let server = other.server_builder().create().unwrap();
            let mut seed = Random::seed_from_u64(5);
            loop {
                server.set_spin_before_sleep(Duration::from_micros([0, 20, 2000][seed.random_range(0..3)]));
                match server.receive_timeout(LONG).unwrap() {
                    Waited::Received(active) => {
                        // Longer than 64 waits without sleep, and then asleep.
                        if *active % 100 == 99 {
                            std::thread::sleep(Duration::from_micros(300));
                        }
                        active.send_copy(*active + 1).unwrap();
                    }
                    Waited::Disconnected => return,
                    Waited::Timeout => panic!("no request within {LONG:?}"),
                }
            }
        });
        let client = service.client_builder().create().unwrap();
        let pending = client.send_copy(0).unwrap();
        let _ = pending.receive_timeout(Duration::ZERO).unwrap();
        while pending.number_of_server_connections() == 0
            && client.send_copy(0).unwrap().number_of_server_connections() == 0
        {
            std::thread::yield_now();
        }
        drop(pending);
        let mut slow = 0;
        for round in 0..ROUNDS {
            let spin = if round % 200 < 100 { Duration::from_millis(2) } else { Duration::ZERO };
            client.set_spin_before_sleep(spin);
            let began = Instant::now();
            let pending = client.send_copy(round).unwrap();
            assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), round + 1);
            slow += u64::from(began.elapsed() >= SLICE * 9 / 10);
        }
        assert!(slow <= 10, "{slow} of {ROUNDS} rounds took a slice or more: wake-ups are lost");
        drop(client);
        server.join().unwrap();
    });
}

#[test]
fn a_timeout_is_a_lower_bound() {
    let root = Scratch::new();
    let node = root.node();
    let (_service, server, _client, pending) = sent(&node);
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

/// The longest time that there is must not overflow.
#[test]
fn a_wait_may_last_for_ever() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let (_service, server, _client, pending) = sent(&node);
        let active = received(server.receive_timeout(Duration::MAX).unwrap());
        active.send_copy(2).unwrap();
        assert_eq!(*received(pending.receive_timeout(Duration::MAX).unwrap()), 2);
        drop(active);
        assert!(pending.receive_timeout(Duration::MAX).unwrap().is_disconnected());
    });
}

/// The processor is idle meanwhile (RR-WAIT-01), also where the wake word is not to be had because the client is dropped.
#[test]
fn waiting_costs_next_to_nothing() {
    let root = Scratch::new();
    let node = root.node();
    let (_service, server, client, pending) = sent(&node);
    let _active = server.receive().unwrap().unwrap();
    let time = Duration::from_millis(500);
    let measure = |what: &str, wait: &dyn Fn()| {
        let before = thread_cpu();
        wait();
        let cpu = thread_cpu().saturating_sub(before);
        assert!(cpu < time / 4, "{what} that waited for {time:?} worked for {cpu:?}");
    };
    measure("a server", &|| assert!(matches!(server.receive_timeout(time).unwrap(), Waited::Timeout)));
    measure("a client", &|| assert!(matches!(pending.receive_timeout(time).unwrap(), Waited::Timeout)));
    drop(client);
    measure("a pending response without a client", &|| {
        assert!(matches!(pending.receive_timeout(time).unwrap(), Waited::Timeout));
    });
}

/// A client that comes while the server sleeps is heard.
#[test]
fn a_client_that_comes_later_wakes_the_server() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = service.server_builder().create().unwrap();
        let client = Process::start("waiting-client", root.path(), 0);
        assert_eq!(*received(server.receive_timeout(LONG).unwrap()), 1);
        client.finish();
    });
}

/// What a client has sent is answered although the client is dropped, and with it its wake word.
#[test]
fn a_pending_response_waits_without_its_client() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = Process::start("waiting-echo", root.path(), 6);
        let client = service.client_builder().create().unwrap();
        let pending = client.send_copy(6).unwrap();
        drop(client);
        assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), 7);
        server.finish();
    });
}
