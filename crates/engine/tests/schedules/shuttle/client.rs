//! A client as the ports are one, with one server and one lane.

use std::rc::Rc;

use shmark_engine::channel::shuttle::{REQUEST, Room, ShuttleClient, ShuttleWord};
use shmark_engine::channel::{Entry, Front, OffsetConsumer, OffsetProducer, Push, Slots};

use super::account::{Account, Payloads, Reply, Request};
use super::{Rules, ToServer};
use crate::slots::{Explored, Life};

pub struct Client {
    pub life: Rc<Life>,
    pub account: Rc<Account>,
    pub rules: Rules,
    pub buffer: usize,
    pub shuttle: ShuttleClient,
    pub line: Explored,
    pub done: Explored,
    pub requests: (OffsetProducer, Explored),
    pub lane: (OffsetConsumer, Explored),
    /// What the client writes, and what the server writes.
    pub outgoing: Rc<Payloads>,
    pub incoming: Rc<Payloads>,
    /// Slot of the newest request that may be in the channel.
    pub sent_slot: Option<usize>,
    /// The request whose responses are received, 0 if none.
    pub pending: Request,
    pub tried: Request,
}

/// What is behind a look.
enum Peeked {
    Nothing,
    Received,
    Again,
}

/// The line of a shuttle whose request always looks taken.
struct Taken<'a>(&'a Explored);

impl Slots for Taken<'_> {
    fn load(&self, slot: usize) -> u64 {
        if slot == REQUEST { 0 } else { self.0.load(slot) }
    }
    fn store(&self, slot: usize, word: u64) {
        self.0.store(slot, word);
    }
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.0.swap(slot, word)
    }
    fn take(&self, slot: usize, old: u64) -> bool {
        self.0.take(slot, old)
    }
}

impl Client {
    pub fn step(&mut self, step: ToServer) {
        match step {
            ToServer::Small => self.send(true),
            ToServer::Large => self.send(false),
            ToServer::Receive => {
                self.receive();
            }
        }
    }

    /// Whether the shuttle is free and nothing is in the channel that the server has to take first.
    pub fn is_shuttle_free(&mut self) -> bool {
        if self.shuttle.is_free() && self.sent_slot.is_none() {
            return true;
        }
        let (_, slots) = &self.requests;
        if !self.rules.passes_the_channel && self.sent_slot.is_some_and(|slot| slots.load(slot) != 0) {
            return false;
        }
        self.sent_slot = None;
        if self.rules.sends_before_taken {
            return self.shuttle.poll_free(&Taken(&self.line), |_| u64::MAX);
        }
        let done = |_| if self.rules.sends_before_done { u64::MAX } else { self.done.load(0) };
        self.shuttle.poll_free(&self.line, done)
    }

    /// Gives up what is pending, and sends the next request.
    pub fn send(&mut self, is_small: bool) {
        self.pending = 0;
        self.account.opened(0);
        self.drain();
        if self.life.is_dead() {
            return;
        }
        self.tried += 1;
        let request = self.tried;
        self.account.opened(request);
        let is_sent = (is_small && self.send_by_shuttle(request)) || self.send_by_channel(request, is_small);
        if self.life.is_dead() {
            return;
        }
        if is_sent {
            self.pending = request;
            self.account.request_sent(request);
        } else {
            self.account.opened(0);
            self.account.request_refused();
        }
    }

    fn send_by_shuttle(&mut self, request: Request) -> bool {
        if !self.is_shuttle_free() || self.life.is_dead() {
            return false;
        }
        self.outgoing.in_shuttle.set(request);
        self.shuttle.send(&self.line, request, 0, 1);
        true
    }

    fn send_by_channel(&mut self, request: Request, is_small: bool) -> bool {
        if self.life.is_dead() {
            return false;
        }
        if self.shuttle.has_message() {
            let (ahead, _) = self.shuttle.sent();
            let room = self.shuttle.make_room(&self.line);
            if self.life.is_dead() || room == Room::Full {
                return false;
            }
            if room == Room::Displaced {
                self.account.request_displaced(ahead);
            }
        }
        let (producer, slots) = &self.requests;
        let slot = producer.next_slot();
        if is_small && let Some(slot) = producer.vacant(slots) {
            if self.life.is_dead() {
                return false;
            }
            self.outgoing.slots[slot].set(request);
            producer.fill(slots, slot, Entry::IN_SLOT);
        } else {
            let chunk = self.outgoing.write_chunk(request);
            let pushed = producer.push(slots, Entry { segment: 1, chunk }).unwrap();
            if self.life.is_dead() {
                return false;
            }
            match pushed {
                Push::Full => return false,
                Push::Done { .. } => {}
                Push::Displaced { oldest, .. } if oldest.is_in_slot() => {
                    self.account.request_displaced(self.outgoing.slots[slot].get());
                }
                Push::Displaced { oldest, .. } => self.account.request_displaced(oldest.chunk.into()),
            }
        }
        self.sent_slot = Some(slot);
        true
    }

    /// Drops what waits in the lane, with the request that was given up.
    fn drain(&mut self) {
        for _ in 0..self.buffer {
            let (consumer, slots) = &self.lane;
            let Some(front) = consumer.front(slots).unwrap() else { return };
            self.refuse(front);
            if self.life.is_dead() {
                return;
            }
        }
    }

    fn refuse(&self, front: Front) {
        let reply = self.read(front);
        let (consumer, slots) = &self.lane;
        if consumer.take_front(slots, front) && !self.life.is_dead() {
            self.account.reply_gone(reply);
        }
    }

    fn read(&self, front: Front) -> Reply {
        let entry = front.entry();
        let word = if entry.is_in_slot() {
            self.incoming.slots[front.slot()].get()
        } else {
            self.incoming.read_chunk(entry.chunk)
        };
        Reply::of_word(word)
    }

    /// Receives a response if there is one.
    pub fn receive(&mut self) -> bool {
        if self.pending == 0 {
            return false;
        }
        // A server that goes on displacing is served by the next call.
        for _ in 0..=2 * self.buffer {
            let look = self.look();
            match look {
                Peeked::Again if !self.life.is_dead() => {}
                look => return matches!(look, Peeked::Received) && !self.life.is_dead(),
            }
        }
        false
    }

    fn look(&self) -> Peeked {
        let by_shuttle = self.shuttle.is_awaited(self.pending);
        let in_shuttle = || if by_shuttle { self.shuttle.front(&self.line).unwrap() } else { None };
        let (consumer, slots) = &self.lane;
        let (first, front) = if self.rules.client_looks_into_the_shuttle_first {
            (in_shuttle(), consumer.front(slots).unwrap())
        } else {
            // What came by the shuttle, looked at afterwards, was sent before what is here.
            let front = consumer.front(slots).unwrap();
            (in_shuttle(), front)
        };
        if let Some(carried) = first {
            return self.take_from_shuttle(carried);
        }
        let Some(front) = front else { return Peeked::Nothing };
        let reply = self.read(front);
        if reply.to != self.pending {
            self.refuse(front);
            return Peeked::Again;
        }
        if !consumer.take_front(slots, front) || self.life.is_dead() {
            return Peeked::Again;
        }
        self.account.reply_received(reply);
        Peeked::Received
    }

    fn take_from_shuttle(&self, carried: ShuttleWord) -> Peeked {
        let reply = Reply::of_word(self.incoming.in_shuttle.get());
        if !self.shuttle.take(&self.line, carried) || self.life.is_dead() {
            return Peeked::Again;
        }
        self.account.reply_received(reply);
        Peeked::Received
    }
}
