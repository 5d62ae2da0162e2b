//! A sender with a few chunks and a receiver, joined by a channel and a return queue, and what has to hold in the end.
//!
//! A chunk's contents are a cell whose accesses are checked: two of them, one a write, that are not ordered by what the
//! channels do end the exploration with an error. So an ordering that is too weak is found even though nothing ever reads
//! a wrong value. What lies in a slot beside its word is such a cell, too.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use loom::cell::Cell;
use loom::thread;
use shmark_engine::channel::{Entry, OffsetConsumer, OffsetProducer, Push, ReturnConsumer, ReturnProducer};

use crate::slots::{Behaviour, Explored, Life, Words};

/// Numbers of messages, from 1 in the order in which they were sent.
type Message = u32;

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub capacity: usize,
    pub overflow: bool,
    /// Messages that the sender tries to send.
    pub sends: u32,
    /// Times that the receiver looks while the sender is at it; afterwards it takes all that is left.
    pub receives: usize,
    /// The receiver looks and takes in two calls, and keeps a message until it has looked for the next one.
    pub looks_first: bool,
    /// Two of three messages are small: they lie in their slots where these are empty. Only if the receiver looks first.
    pub small: bool,
}

impl Case {
    /// Everything that can be unread or held, and one more in flight.
    fn chunks(self) -> usize {
        self.capacity + 2
    }
}

/// Which side stops for ever, before which of its shared stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    None,
    Sender { before_store: usize },
    Receiver { before_store: usize },
}

impl Crash {
    fn of_sender(self) -> Option<usize> {
        if let Self::Sender { before_store } = self { Some(before_store) } else { None }
    }
    fn of_receiver(self) -> Option<usize> {
        if let Self::Receiver { before_store } = self { Some(before_store) } else { None }
    }
}

struct Shared {
    channel: Words,
    returns: Words,
    chunks: Rc<[Cell<Message>]>,
    /// What lies beside the word of each slot.
    bodies: Rc<[Cell<Message>]>,
}

struct Sender {
    life: Rc<Life>,
    channel: (OffsetProducer, Explored),
    returns: (ReturnConsumer, Explored),
    chunks: Rc<[Cell<Message>]>,
    bodies: Rc<[Cell<Message>]>,
    small: bool,
    write_into_full: bool,
    free: Vec<u32>,
    /// The sender's private record: what was sent and has not come back.
    outstanding: BTreeMap<u32, Message>,
    sent: Vec<Message>,
    displaced: Vec<Message>,
}

impl Sender {
    fn take_back(&mut self) {
        while let Some(entry) = self.returns.0.pop(&self.returns.1).unwrap() {
            if self.life.is_dead() {
                return;
            }
            let back = self.outstanding.remove(&entry.chunk);
            assert!(back.is_some(), "chunk {} came back and was not outstanding: it was doubled", entry.chunk);
            self.free.push(entry.chunk);
        }
    }

    /// Sends a small message in its slot, if that is empty.
    fn send_in_slot(&mut self, message: Message) -> bool {
        let (producer, slots) = &self.channel;
        let Some(slot) = producer.vacant(slots) else {
            if self.write_into_full {
                self.bodies[producer.next_slot()].set(message);
            }
            return false;
        };
        if self.life.is_dead() {
            return true;
        }
        self.bodies[slot].set(message);
        producer.fill(slots, slot, Entry::IN_SLOT);
        if !self.life.is_dead() {
            self.sent.push(message);
        }
        true
    }

    fn send(&mut self, message: Message) {
        if self.small && !message.is_multiple_of(3) && self.send_in_slot(message) {
            return;
        }
        self.take_back();
        let Some(chunk) = self.free.pop() else { return };
        if self.life.is_dead() {
            return;
        }
        self.chunks[chunk as usize].set(message);
        let slot = self.channel.0.next_slot();
        let pushed = self.channel.0.push(&self.channel.1, Entry { segment: 1, chunk }).unwrap();
        if self.life.is_dead() {
            return;
        }
        match pushed {
            Push::Full => return self.free.push(chunk),
            Push::Done { .. } => {}
            // It is still there: nobody writes into a slot that is not empty.
            Push::Displaced { oldest, .. } if oldest.is_in_slot() => self.displaced.push(self.bodies[slot].get()),
            Push::Displaced { oldest, .. } => {
                let displaced = self.outstanding.remove(&oldest.chunk);
                self.displaced.push(displaced.expect("what is displaced was outstanding"));
                self.free.push(oldest.chunk);
            }
        }
        self.outstanding.insert(chunk, message);
        self.sent.push(message);
    }
}

struct Receiver {
    life: Rc<Life>,
    channel: (OffsetConsumer, Explored),
    returns: (ReturnProducer, Explored),
    chunks: Rc<[Cell<Message>]>,
    bodies: Rc<[Cell<Message>]>,
    read_after_take: bool,
    looks_first: bool,
    held: Vec<Entry>,
    received: Vec<Message>,
}

impl Receiver {
    /// Takes an entry, with the message if it lies in the slot: copied before it is taken, as the slot is the sender's then.
    fn take(&mut self) -> Option<(Entry, Option<Message>)> {
        let (consumer, slots) = &mut self.channel;
        if !self.looks_first {
            return consumer.take(slots).unwrap().map(|entry| (entry, None));
        }
        let front = consumer.front(slots).unwrap()?;
        let body = || front.entry().is_in_slot().then(|| self.bodies[front.slot()].get());
        if self.read_after_take {
            return consumer.take_front(slots, front).then(|| (front.entry(), body()));
        }
        let copy = body();
        consumer.take_front(slots, front).then_some((front.entry(), copy))
    }

    /// Takes a message and reads it; `false` if there was none.
    fn receive(&mut self) -> bool {
        if !self.looks_first {
            self.give_back();
        }
        let taken = self.take();
        if self.life.is_dead() {
            return false;
        }
        if self.looks_first {
            self.give_back();
        }
        let Some((entry, in_slot)) = taken else { return false };
        if let Some(message) = in_slot {
            self.received.push(message);
            return true;
        }
        self.received.push(self.chunks[entry.chunk as usize].get());
        self.held.push(entry);
        true
    }

    fn give_back(&mut self) {
        while let Some(entry) = self.held.first().copied() {
            self.returns.0.push(&self.returns.1, entry).expect("there is room for all that can be outstanding");
            if self.life.is_dead() {
                return;
            }
            self.held.remove(0);
        }
    }
}

/// Shared stores that each side made, so that a crash can be placed before every one of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stores {
    pub sender: usize,
    pub receiver: usize,
}

/// Carries a case out once, under the schedule that is being explored.
pub fn run(case: Case, behaviour: Behaviour, crash: Crash) -> Stores {
    let chunks = case.chunks();
    let shared = Shared {
        channel: Explored::words(case.capacity),
        returns: Explored::words(chunks.next_power_of_two()),
        chunks: (0..chunks).map(|_| Cell::new(0)).collect(),
        bodies: (0..case.capacity).map(|_| Cell::new(0)).collect(),
    };
    let life = Life::until(crash.of_sender());
    let mut sender = Sender {
        channel: (OffsetProducer::new(case.capacity, case.overflow), Explored::new(&shared.channel, behaviour, &life)),
        returns: (ReturnConsumer::new(shared.returns.slots.len()), Explored::new(&shared.returns, behaviour, &life)),
        chunks: Rc::clone(&shared.chunks),
        bodies: Rc::clone(&shared.bodies),
        small: case.small,
        write_into_full: behaviour.write_into_full,
        free: (0..chunks as u32).collect(),
        outstanding: BTreeMap::new(),
        sent: Vec::new(),
        displaced: Vec::new(),
        life,
    };
    let life = Life::until(crash.of_receiver());
    let mut receiver = Receiver {
        channel: (OffsetConsumer::new(case.capacity, case.overflow), Explored::new(&shared.channel, behaviour, &life)),
        returns: (ReturnProducer::new(shared.returns.slots.len()), Explored::new(&shared.returns, behaviour, &life)),
        chunks: Rc::clone(&shared.chunks),
        bodies: Rc::clone(&shared.bodies),
        read_after_take: behaviour.read_after_take,
        looks_first: case.looks_first,
        held: Vec::new(),
        received: Vec::new(),
        life,
    };
    let receiving = thread::spawn(move || {
        for _ in 0..case.receives {
            receiver.receive();
        }
        receiver
    });
    for message in 1..=case.sends {
        sender.send(message);
        if sender.life.is_dead() {
            break;
        }
    }
    let mut receiver = receiving.join().unwrap();
    sender.life.survive();
    receiver.life.survive();
    let stores = Stores { sender: sender.life.stores(), receiver: receiver.life.stores() };
    judge(&shared, &mut sender, &mut receiver, crash);
    stores
}

/// What has to hold when both sides are done, dead or alive.
fn judge(shared: &Shared, sender: &mut Sender, receiver: &mut Receiver, crash: Crash) {
    let chunks = shared.chunks.len();
    if receiver.life.is_dead() {
        // All that a dead receiver could still read, or that lies where it would have read, is on the sender's record.
        let unread = shared.channel.slots.iter().map(|word| word.load(std::sync::atomic::Ordering::Acquire));
        let unread = unread.filter_map(|word| Entry::of_word(word).unwrap()).filter(|entry| !entry.is_in_slot());
        let unread: Vec<_> = unread.map(|entry| entry.chunk).collect();
        let held = receiver.held.iter().map(|entry| entry.chunk);
        let there: Vec<_> = unread.into_iter().chain(held).collect();
        let known = there.iter().all(|chunk| sender.outstanding.contains_key(chunk));
        assert!(known, "{there:?} are at the dead receiver and {:?} are known to be", sender.outstanding);
        assert_eq!(there.iter().collect::<BTreeSet<_>>().len(), there.len(), "a chunk is there twice: {there:?}");
        // The survivor goes on, and takes all back.
        sender.send(100);
        sender.take_back();
        let outstanding = std::mem::take(&mut sender.outstanding);
        sender.free.extend(outstanding.keys());
    } else {
        while receiver.receive() || !receiver.held.is_empty() {
            receiver.give_back();
        }
        if !sender.life.is_dead() {
            sender.take_back();
            assert!(sender.outstanding.is_empty(), "never came back: {:?}", sender.outstanding);
        }
        let mut ends = [receiver.received.clone(), sender.displaced.clone()].concat();
        ends.sort_unstable();
        assert_eq!(ends, sender.sent, "each message sent is received or displaced, once ({crash:?})");
    }
    assert!(receiver.received.is_sorted_by(|a, b| a < b), "not in order: {:?}", receiver.received);
    if !sender.life.is_dead() {
        let mut free = sender.free.clone();
        free.sort_unstable();
        assert!(free.iter().copied().eq(0..chunks as u32), "not every chunk is free again, once: {free:?}");
    }
}
