//! Whatever stands in the wake words: a wait takes longer, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use shmark_engine::shm::Mapping;

use super::{LONG, echo, received};
use crate::common::{Random, Scratch, no_hang, numbers};

/// Words of a registry with the default limits: the head, 20 nodes, then clients and servers with a wake word each.
const PORTS_AT: usize = 16 + 20 * 4;
const PORT_WORDS: usize = 16;
const WAKE_WORD: usize = 14;
const PORTS: usize = 8 + 2;

fn registry(root: &Scratch) -> Mapping {
    let path = root.files_like("registry").pop().unwrap();
    Mapping::open(&root.path().join(path), true).unwrap()
}

/// Somebody writes into every wake word while two ports talk: every value, and the bits that mean something.
#[test]
fn garbage_in_wake_words_costs_time_and_nothing_else() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let (tell, told) = std::sync::mpsc::channel();
        let other = service.clone();
        let server = std::thread::spawn(move || echo(&other, &mut Random::seed_from_u64(1), || tell.send(()).unwrap()));
        told.recv().unwrap();
        let client = service.client_builder().create().unwrap();
        client.set_spin_before_sleep(Duration::ZERO);
        let words = registry(&root);
        let stop = Arc::clone(&over);
        let scribbler = std::thread::spawn(move || {
            let mut seed = Random::seed_from_u64(0xbad);
            while !stop.load(Ordering::Relaxed) {
                for port in 0..PORTS {
                    let word = &words.words()[PORTS_AT + port * PORT_WORDS + WAKE_WORD];
                    let value = [0, 1, 2, 3, 4, 5, 6, 7, u64::MAX, seed.next_u64()][seed.random_range(0..10)];
                    word.store(value, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_micros(seed.next_u64() % 300));
            }
        });
        for round in 0..300 {
            let pending = client.send_copy(round).unwrap();
            assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), round + 1);
        }
        over.store(true, Ordering::Relaxed);
        scribbler.join().unwrap();
        // A server that is never woken still finds that its client has gone.
        drop(client);
        server.join().unwrap();
    });
}

/// A peer that says of a sleeper that nobody sleeps delays it by a slice.
#[test]
fn a_wake_up_that_was_stolen_costs_a_slice() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let other = service.clone();
        let server = std::thread::spawn(move || echo(&other, &mut Random::seed_from_u64(1), || tell.send(()).unwrap()));
        told.recv().unwrap();
        let client = service.client_builder().create().unwrap();
        let words = registry(&root);
        let server_word = &words.words()[PORTS_AT + 8 * PORT_WORDS + WAKE_WORD];
        for round in 0..5 {
            crate::common::until("the server sleeps", || server_word.load(Ordering::Relaxed) & 1 != 0);
            server_word.store(0, Ordering::Relaxed);
            let pending = client.send_copy(round).unwrap();
            assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), round + 1);
        }
        drop(client);
        server.join().unwrap();
    });
}
