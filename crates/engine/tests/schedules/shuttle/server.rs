//! A server as the ports are one, with one client and one lane.

use std::collections::VecDeque;
use std::rc::Rc;

use shmark_engine::channel::shuttle::{Oldest, Room, ShuttleServer};
use shmark_engine::channel::{Entry, OffsetConsumer, OffsetProducer, Push, Slots};

use super::account::{Account, Payloads, Reply, Request};
use super::{Rules, ToClient};
use crate::slots::{Explored, Life};

pub struct Server {
    pub life: Rc<Life>,
    pub account: Rc<Account>,
    pub rules: Rules,
    pub capacity: usize,
    pub shuttle: ShuttleServer,
    pub line: Explored,
    pub done: Explored,
    pub requests: (OffsetConsumer, Explored),
    pub lane: (OffsetProducer, Explored),
    /// What the server writes, and what the client writes.
    pub outgoing: Rc<Payloads>,
    pub incoming: Rc<Payloads>,
    /// Newest request that came on the lane, 0 once it is finished. Only this one is answered.
    pub newest: Request,
    pub held: VecDeque<Active>,
}

pub struct Active {
    pub request: Request,
    pub replies: u64,
}

impl Server {
    pub fn step(&mut self, step: ToClient) {
        match step {
            ToClient::Take => {
                self.take();
            }
            ToClient::Small => self.answer(true),
            ToClient::Large => self.answer(false),
            ToClient::Finish => self.finish(),
        }
    }

    /// Takes a request if there is one.
    pub fn take(&mut self) -> bool {
        // A client that goes on displacing is served by the next call.
        for _ in 0..=2 * self.capacity {
            let Some(oldest) = self.oldest() else { return false };
            let request = self.read(oldest);
            let (consumer, slots) = &self.requests;
            let taken = match oldest {
                Oldest::InShuttle(carried) => self.shuttle.take(&self.line, carried, request),
                Oldest::InChannel(front) => consumer.take_front(slots, front),
            };
            if self.life.is_dead() {
                return false;
            }
            if taken {
                self.account.request_received(request);
                self.newest = request;
                self.held.push_back(Active { request, replies: 0 });
                return true;
            }
        }
        false
    }

    fn oldest(&self) -> Option<Oldest> {
        let in_shuttle = || self.shuttle.front(&self.line).unwrap().map(Oldest::InShuttle);
        let (consumer, slots) = &self.requests;
        let in_channel = || consumer.front(slots).unwrap().map(Oldest::InChannel);
        if self.rules.server_looks_into_the_shuttle_first {
            return in_shuttle().or_else(in_channel);
        }
        // What is in the shuttle, looked at afterwards, was sent before what is here.
        let in_channel = in_channel();
        in_shuttle().or(in_channel)
    }

    /// Reads a request where it lies; whether it is one is certain once it is taken.
    fn read(&self, oldest: Oldest) -> Request {
        match oldest {
            Oldest::InShuttle(_) => self.incoming.in_shuttle.get(),
            Oldest::InChannel(front) if front.entry().is_in_slot() => self.incoming.slots[front.slot()].get(),
            Oldest::InChannel(front) => self.incoming.read_chunk(front.entry().chunk),
        }
    }

    /// Sends the next response to the request that is held longest, unless a newer one has come on its lane.
    pub fn answer(&mut self, is_small: bool) {
        let Some(active) = self.held.front().filter(|active| active.request == self.newest) else { return };
        let reply = Reply { to: active.request, nth: active.replies + 1 };
        let is_sent = self.answer_by_shuttle(reply, is_small) || self.answer_by_lane(reply, is_small);
        if !is_sent || self.life.is_dead() {
            return;
        }
        self.account.reply_sent(reply);
        if let Some(active) = self.held.front_mut() {
            active.replies += 1;
        }
    }

    fn answer_by_shuttle(&self, reply: Reply, is_small: bool) -> bool {
        if !self.shuttle.is_first(reply.to) {
            return false;
        }
        if !self.rules.replies_twice || reply.nth > 1 {
            self.shuttle.mark_answered();
        }
        if !is_small {
            return false;
        }
        self.outgoing.in_shuttle.set(reply.word());
        self.shuttle.reply(&self.line, reply.to, 1);
        true
    }

    fn answer_by_lane(&self, reply: Reply, is_small: bool) -> bool {
        if self.shuttle.has_message(reply.to) {
            let room = self.shuttle.make_room(&self.line);
            if self.life.is_dead() || room == Room::Full {
                return false;
            }
            if room == Room::Displaced {
                self.account.reply_gone(Reply { nth: 1, ..reply });
            }
        }
        let (producer, slots) = &self.lane;
        let slot = producer.next_slot();
        if is_small && let Some(slot) = producer.vacant(slots) {
            if self.life.is_dead() {
                return false;
            }
            self.outgoing.slots[slot].set(reply.word());
            producer.fill(slots, slot, Entry::IN_SLOT);
            return true;
        }
        let chunk = self.outgoing.write_chunk(reply.word());
        let pushed = producer.push(slots, Entry { segment: 1, chunk }).unwrap();
        if self.life.is_dead() {
            return false;
        }
        match pushed {
            Push::Full => return false,
            Push::Done { .. } => {}
            Push::Displaced { oldest, .. } => {
                let in_slot = || self.outgoing.slots[slot].get();
                let word = if oldest.is_in_slot() { in_slot() } else { oldest.chunk.into() };
                self.account.reply_gone(Reply::of_word(word));
            }
        }
        true
    }

    /// Drops the request that is held longest, and says so.
    pub fn finish(&mut self) {
        let Some(active) = self.held.pop_front() else { return };
        if active.request == self.newest {
            self.newest = 0;
            self.done.store(0, active.request);
        }
        if self.rules.reads_when_done {
            self.incoming.in_shuttle.get();
        }
    }
}
