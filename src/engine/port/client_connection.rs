//! A client's side of a connection: what it knows privately about one server.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::lending::Lending;
use super::payloads::Payloads;
use super::remote::{Remote, Unreadable};
use super::waker::Waker;
use crate::engine::channel::{Entry, Front, Garbage, OffsetConsumer, OffsetProducer, ReturnProducer};
use crate::engine::connection::{self, ConnectionFile, ConnectionLayout, Side, State};
use crate::engine::id::Id;
use crate::engine::payload::ChunkLayout;
use crate::engine::service::ServiceInner;
use crate::engine::service::registry::Role;
use crate::engine::shm::{Lines, Message};

/// One lane's receiving end.
#[derive(Debug)]
pub(super) struct LaneEnd {
    pub consumer: OffsetConsumer,
    pub slots: Lines,
    sides: Lines,
    /// Responses of this lane that are held, older pending responses' too.
    pub borrowed: Cell<usize>,
    /// Slot of the request channel in which the lane's request is, and the word that is there until the server takes it.
    pub sent_slot: Cell<usize>,
    pub sent_word: Cell<u64>,
    /// The server can never take it: a newer request displaced it.
    pub displaced: Cell<bool>,
}

impl LaneEnd {
    /// Tells the server whose pending response uses the lane; 0 if nobody's.
    #[inline(always)]
    pub fn set_open(&self, request_id: u64) {
        connection::set_lane_open(self.sides.view(), request_id);
    }

    /// Remembers where the lane's request is.
    #[inline(always)]
    pub fn set_sent(&self, slot: usize, word: u64) {
        self.sent_slot.set(slot);
        self.sent_word.set(word);
        self.displaced.set(false);
    }
}

#[derive(Debug)]
pub(super) struct ClientConnection {
    service: Arc<ServiceInner>,
    pub server: Id,
    pub node: Id,
    pub file: ConnectionFile,
    /// Wakes the server.
    pub waker: Waker,
    pub remote: Remote,
    pub requests: OffsetProducer,
    pub lanes: Box<[LaneEnd]>,
    pub lending: Lending,
    going_back: ReturnProducer,
    /// Whether new requests go there.
    pub open: Cell<bool>,
    /// Whether nothing more can come from there.
    pub gone: Cell<bool>,
    /// Whether it wrote garbage: then what it sent before is not received either.
    pub broken: Cell<bool>,
}

impl ClientConnection {
    /// Over a connection file that is mapped; maps the server's response segment. The server gets `number` among the receivers.
    pub fn new(
        service: &Arc<ServiceInner>,
        client: Id,
        [server, node]: [Id; 2],
        file: ConnectionFile,
        response_layout: &ChunkLayout,
        (payloads, number): (&Payloads, usize),
    ) -> io::Result<Rc<Self>> {
        let settings = service.settings();
        let layout = ConnectionLayout::new(settings);
        if service.locks_memory() {
            file.lock_in_memory()?;
        }
        let remote = Remote::open(service, [node, server], (client, Side::Client), response_layout.align, &file)?;
        file.set_segment(Side::Client, payloads.number());
        file.set_client_state(State::Attached);
        let lane = |lane| LaneEnd {
            consumer: OffsetConsumer::new(layout.response_capacity, settings.overflow_responses),
            slots: file.responses(lane).clone(),
            sides: file.sides(lane).clone(),
            borrowed: Cell::new(0),
            sent_slot: Cell::new(0),
            sent_word: Cell::new(0),
            displaced: Cell::new(false),
        };
        let lanes = (0..layout.lanes).map(lane).collect();
        Ok(Rc::new(Self {
            service: Arc::clone(service),
            server,
            node,
            file,
            waker: Waker::new(service, Role::Server, server),
            remote,
            requests: OffsetProducer::new(layout.request_capacity, settings.overflow_requests),
            lanes,
            lending: Lending::new(number, layout.request_returns),
            going_back: ReturnProducer::new(layout.response_returns),
            open: Cell::new(true),
            gone: Cell::new(false),
            broken: Cell::new(false),
        }))
    }

    /// Takes back what the server has returned.
    pub fn collect(&self, payloads: &Payloads) -> Result<(), Garbage> {
        self.lending.collect(payloads, self.file.request_returns())
    }

    /// The server is gone: everything that was there is ours again, and nothing more goes there.
    pub fn close(&self, payloads: &Payloads) {
        self.open.set(false);
        self.gone.set(true);
        self.lending.close(payloads);
    }

    /// The server has written garbage. Both sides are made to look, so that neither waits for the other.
    #[cold]
    pub fn fail(&self, payloads: &Payloads) {
        self.close(payloads);
        self.broken.set(true);
        self.service.registry.changed();
    }

    /// Gives a response back to its server.
    #[inline(always)]
    pub fn give_back(&self, entry: Entry) {
        if !entry.is_in_slot() {
            // A full queue means that the server miscounts; the chunk is then its loss alone.
            let _ = self.going_back.push(self.file.response_returns(), entry);
        }
    }

    /// Lets go of segments that the server has given back.
    pub fn tidy(&self) {
        self.remote.tidy(&self.file);
    }

    /// The message of the entry that a lane has shown last.
    #[inline(always)]
    pub fn message<'a>(&self, end: &'a LaneEnd, front: Front) -> Result<Message<'a>, Unreadable> {
        self.remote.message(front, end.slots.view(), &self.file)
    }

    /// The oldest response of a lane, still in it. One that cannot be read any more is skipped.
    pub fn front(&self, lane: usize) -> Result<Option<(Front, Message<'_>)>, Unreadable> {
        let end = &self.lanes[lane];
        let Some(front) = end.consumer.front(&end.slots.view())? else { return Ok(None) };
        match self.message(end, front) {
            Ok(message) => Ok(Some((front, message))),
            Err(reason) => self.front_behind(lane, front, reason),
        }
    }

    /// The oldest response behind one that cannot be read.
    #[cold]
    fn front_behind(
        &self,
        lane: usize,
        mut front: Front,
        mut reason: Unreadable,
    ) -> Result<Option<(Front, Message<'_>)>, Unreadable> {
        let end = &self.lanes[lane];
        let (consumer, slots) = (&end.consumer, &end.slots.view());
        // A sender that goes on sending is heard by the next call.
        for _ in 0..=self.service.settings().response_buffer {
            match reason {
                Unreadable::Gone => self.refuse(lane, front),
                Unreadable::CannotMap => return Err(Unreadable::CannotMap),
                // One that was displaced may be gone with its segment, and is nothing to read.
                Unreadable::Garbage if consumer.take_front(slots, front) => return Err(Unreadable::Garbage),
                Unreadable::Garbage => {}
            }
            let Some(next) = consumer.front(slots)? else { return Ok(None) };
            match self.message(end, next) {
                Ok(message) => return Ok(Some((next, message))),
                Err(other) => (front, reason) = (next, other),
            }
        }
        Ok(None)
    }

    /// Gives back the oldest response of a lane unread, unless a newer one has displaced it meanwhile.
    pub fn refuse(&self, lane: usize, front: Front) {
        if self.lanes[lane].consumer.take_front(&self.lanes[lane].slots.view(), front) {
            self.give_back(front.entry());
        }
    }

    /// Drops responses that wait in a lane which nobody listens to, or whose request is another.
    #[inline(always)]
    pub fn drain(&self, end: &LaneEnd) -> Result<(), Garbage> {
        if end.consumer.is_empty(&end.slots.view()) { Ok(()) } else { self.drain_some(end) }
    }

    #[cold]
    #[inline(never)]
    fn drain_some(&self, end: &LaneEnd) -> Result<(), Garbage> {
        // A server that goes on sending is heard by the next call.
        for _ in 0..self.service.settings().response_buffer {
            let Some(entry) = end.consumer.take(&end.slots.view())? else { break };
            self.give_back(entry);
        }
        Ok(())
    }
}

impl Drop for ClientConnection {
    fn drop(&mut self) {
        if self.file.has_handed_over(Side::Server) {
            self.remote.refuse_handover();
        }
        // Nothing of the server's is held here any more; it may take everything back.
        self.file.set_client_state(State::Gone);
        self.service.registry.changed();
    }
}
