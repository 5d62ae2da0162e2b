//! The protocol of the wake word under every schedule: a sleeper that is not woken is a deadlock, which ends the exploration.
//!
//! What the kernel does is made of loom's parts. A sleep on the word compares and sleeps in one step. The barrier puts a
//! full fence into every sender at some point between two of its accesses, while whoever asked for it waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use loom::sync::atomic::{AtomicBool, AtomicU64, fence};
use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::word::{self, WakeMethod, WakeWord};

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The barrier says that it is done, and nothing was.
    NoBarrier,
    /// The fence behind the request is missing.
    NoFenceOfSleeper,
    /// Senders that know that they have to fence do not.
    NoFenceOfSender,
    /// The kernel does not compare the word before it puts a thread to sleep.
    NoComparison,
    /// The sleeper does not look again after it has said that it sleeps.
    NoLook,
}

/// A barrier that one sender is asked for, once: FENCE stays in the word.
#[derive(Default)]
struct Request {
    asked: AtomicBool,
    done: AtomicBool,
    ended: AtomicBool,
}

impl Request {
    /// The sender is between two of its accesses.
    fn point(&self) {
        if self.asked.load(Acquire) {
            fence(SeqCst);
            self.done.store(true, Release);
        }
    }

    /// Waits until the sender was between two accesses, or has ended.
    fn carry_out(&self) {
        fence(SeqCst);
        self.asked.store(true, Release);
        while !self.done.load(Acquire) && !self.ended.load(Acquire) {
            thread::yield_now();
        }
        fence(SeqCst);
    }

    /// Whoever asks from now on need not wait.
    fn end(&self) {
        fence(SeqCst);
        self.ended.store(true, Release);
    }
}

struct World {
    fault: Fault,
    word: AtomicU64,
    /// Messages, one word for each sender.
    messages: Vec<AtomicU64>,
    requests: Vec<Request>,
    /// The kernel's lock of whoever sleeps on the word.
    kernel: Mutex<()>,
    sleepers: Condvar,
}

/// The word as one thread sees it.
struct View<'a>(&'a World, Option<usize>);

impl WakeWord for View<'_> {
    fn bits(&self) -> u64 {
        self.0.word.load(Relaxed)
    }
    fn add(&self, bits: u64) -> u64 {
        self.0.word.fetch_or(bits, Relaxed)
    }
    fn remove(&self, bits: u64) -> u64 {
        self.0.word.fetch_and(!bits, Relaxed)
    }
    fn fence(&self) {
        if self.0.fault != Fault::NoFenceOfSender {
            fence(SeqCst);
        }
    }
    fn compiler_fence(&self) {
        if let Some(sender) = self.1 {
            self.0.requests[sender].point();
        }
    }
    fn fence_all(&self) -> bool {
        if self.0.fault != Fault::NoBarrier {
            self.0.requests.iter().for_each(Request::carry_out);
        }
        true
    }
    fn wake(&self) {
        let _locked = self.0.kernel.lock().unwrap();
        self.0.sleepers.notify_all();
    }
}

impl World {
    /// Sends messages, fencing by itself or not.
    fn send(&self, sender: usize, messages: u64, fences: bool) {
        let view = View(self, Some(sender));
        let request = &self.requests[sender];
        for message in 1..=messages {
            request.point();
            self.messages[sender].store(message, Release);
            if !word::is_quiet(&view, fences) {
                request.point();
                let _ = word::wake_owner(&view);
            }
        }
        request.end();
    }

    fn sees(&self, messages: u64) -> bool {
        self.messages.iter().all(|word| word.load(Acquire) == messages)
    }

    /// Sleeps until all messages are there.
    fn receive(&self, messages: u64) {
        let view = View(self, None);
        while !self.sees(messages) {
            let Some(value) = word::arm(&view, WakeMethod::Futex) else { panic!("the barrier was refused") };
            if self.fault != Fault::NoFenceOfSleeper {
                fence(SeqCst);
            }
            let found = self.fault != Fault::NoLook && self.sees(messages);
            if !found {
                self.sleep(value);
            }
            word::disarm(&view, WakeMethod::Futex);
        }
    }

    fn sleep(&self, value: u64) {
        let locked = self.kernel.lock().unwrap();
        if self.fault == Fault::NoComparison || self.word.load(Relaxed) == value {
            drop(self.sleepers.wait(locked).unwrap());
        }
    }
}

/// Runs senders and a sleeper under every schedule; some senders fence by themselves.
fn explore(fault: Fault, fences: &'static [bool], messages: u64, calm: bool) {
    let mut builder = loom::model::Builder::new();
    // More take long; `scripts/prove` asks for them.
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(4 - fences.len()));
    builder.check(move || {
        let world = Arc::new(World {
            fault,
            word: AtomicU64::new(0),
            messages: fences.iter().map(|_| AtomicU64::new(0)).collect(),
            requests: fences.iter().map(|_| Request::default()).collect(),
            kernel: Mutex::new(()),
            sleepers: Condvar::new(),
        });
        if !calm {
            // It slept before: senders know that they have to fence.
            world.word.store(word::FENCE, Relaxed);
        }
        let senders: Vec<_> = fences
            .iter()
            .enumerate()
            .map(|(sender, fences)| {
                let (world, fences) = (Arc::clone(&world), *fences);
                thread::spawn(move || world.send(sender, messages, fences))
            })
            .collect();
        world.receive(messages);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// The first sleep, for which senders get their fence from the barrier; and later ones, where they fence by themselves.
#[test]
fn no_wake_up_is_lost_under_any_schedule() {
    for calm in [true, false] {
        explore(Fault::None, &[false], 1, calm);
        explore(Fault::None, &[false], 2, calm);
        explore(Fault::None, &[true], 2, calm);
    }
}

#[test]
fn one_of_two_senders_wakes() {
    explore(Fault::None, &[false, true], 1, false);
}

/// What the exploration is worth: each part of the protocol is needed.
#[test]
fn a_wake_up_is_lost_without_any_part_of_the_protocol() {
    for (fault, fences, calm) in [
        (Fault::NoBarrier, false, true),
        (Fault::NoFenceOfSleeper, true, false),
        (Fault::NoFenceOfSender, true, false),
        (Fault::NoComparison, false, false),
        (Fault::NoLook, false, true),
    ] {
        let fences: &[bool] = if fences { &[true] } else { &[false] };
        let outcome = catch_unwind(AssertUnwindSafe(|| explore(fault, fences, 1, calm)));
        let Err(panic) = outcome else { panic!("no wake-up is lost with {fault:?}: this exploration finds nothing") };
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(text.contains("deadlock"), "{fault:?}: {text}");
    }
}
