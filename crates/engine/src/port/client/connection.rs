//! A client's side of a connection: what it knows privately about one server.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use crate::channel::shuttle::{self, Carried, Oldest, ShuttleClient};
use crate::channel::{Entry, Front, Garbage, OffsetConsumer, OffsetProducer, ReturnProducer, Slots};
use crate::connection::{self, ConnectionFile, ConnectionLayout, Side, State};
use crate::id::Id;
use crate::payload::ChunkLayout;
use crate::port::link::lending::Lending;
use crate::port::link::remote::{Remote, Unreadable};
use crate::port::link::waker::Waker;
use crate::port::payloads::Payloads;
use crate::service::ServiceInner;
use crate::shm::{ChunkHeader, Lines, Message};

/// One lane's receiving end.
#[derive(Debug)]
pub(in crate::port) struct LaneEnd {
    pub consumer: OffsetConsumer,
    pub slots: Lines,
    sides: Lines,
    /// Responses of this lane that are held, older pending responses' too.
    pub borrowed: Cell<usize>,
    /// Slot of the request channel in which the lane's request is, none if it is in the shuttle, and the word that is there
    /// until the server takes it.
    pub sent_slot: Cell<Option<usize>>,
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
    pub fn set_sent(&self, slot: Option<usize>, word: u64) {
        self.sent_slot.set(slot);
        self.sent_word.set(word);
        self.displaced.set(false);
    }
}

#[derive(Debug)]
pub(in crate::port) struct ClientConnection {
    service: Arc<ServiceInner>,
    pub server: Id,
    pub node: Id,
    pub file: ConnectionFile,
    /// Wakes the server.
    pub waker: Waker,
    pub remote: Remote,
    pub requests: OffsetProducer,
    /// Slot of the newest request that may be in the channel.
    pub newest_slot: Cell<Option<usize>>,
    pub shuttle: ShuttleClient,
    pub lanes: Box<[LaneEnd]>,
    pub lending: Lending,
    going_back: ReturnProducer,
    /// Whether new requests go there.
    pub open: Cell<bool>,
    /// Whether nothing more can come from there.
    pub gone: Cell<bool>,
    /// Whether it wrote garbage: then what it sent before is not received either.
    pub broken: Cell<bool>,
    /// Whether the other side knows that this one takes part.
    attached: Cell<bool>,
}

impl ClientConnection {
    /// Over a connection file that is mapped; maps the server's response segment, so not under the service's lock. The server
    /// does not know of it until [`Self::attach`].
    pub fn new(
        service: &Arc<ServiceInner>,
        client: Id,
        [server, node]: [Id; 2],
        file: ConnectionFile,
        response_layout: &ChunkLayout,
    ) -> io::Result<Rc<Self>> {
        let settings = service.settings();
        let layout = ConnectionLayout::new(settings);
        if service.locks_memory() {
            file.lock_in_memory()?;
        }
        let remote = Remote::open(service, [node, server], (client, Side::Client), response_layout.align, &file)?;
        let lane = |lane| LaneEnd {
            consumer: OffsetConsumer::new(layout.response_capacity, settings.overflow_responses),
            slots: file.responses(lane).clone(),
            sides: file.sides(lane).clone(),
            borrowed: Cell::new(0),
            sent_slot: Cell::new(None),
            sent_word: Cell::new(0),
            displaced: Cell::new(false),
        };
        let lanes = (0..layout.lanes).map(lane).collect();
        Ok(Rc::new(Self {
            service: Arc::clone(service),
            server,
            node,
            file,
            waker: Waker::new(service, Side::Server, server),
            remote,
            requests: OffsetProducer::new(layout.request_capacity, settings.overflow_requests),
            newest_slot: Cell::new(None),
            shuttle: ShuttleClient::new(
                layout.request_capacity,
                settings.overflow_requests,
                settings.overflow_responses,
            ),
            lanes,
            lending: Lending::new(layout.request_returns),
            going_back: ReturnProducer::new(layout.response_returns),
            open: Cell::new(true),
            gone: Cell::new(false),
            broken: Cell::new(false),
            attached: Cell::new(false),
        }))
    }

    /// Says that this side takes part. Under the service's lock, where the other side can see the file.
    pub fn attach(&self, payloads: &Payloads) {
        self.file.set_segment(Side::Client, payloads.number());
        self.file.set_client_state(State::Attached);
        // Without one it is asked for again with a loan.
        self.lending.find_number(payloads);
        self.attached.set(true);
    }

    /// It is this side's own, and what was handed over for it is mapped. Without the lock.
    pub fn settle(&self) {
        self.remote.keep();
    }

    /// Takes back what the server has returned.
    pub fn collect(&self, payloads: &Payloads) -> Result<(), Garbage> {
        self.lending.collect(payloads, self.file.request_returns())
    }

    /// The server is gone: everything that was there is ours again, and nothing more goes there. Once: what was the server's
    /// may be another one's afterwards.
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

    /// Whether the shuttle is here and nothing is in the channel that the server has to take first.
    #[inline(always)]
    pub fn is_shuttle_free(&self) -> bool {
        (self.shuttle.is_here() && self.newest_slot.get().is_none()) || self.is_shuttle_free_now()
    }

    #[inline(never)]
    fn is_shuttle_free_now(&self) -> bool {
        if self.newest_slot.get().is_some_and(|slot| self.file.requests().load(slot) != 0) {
            return false;
        }
        self.newest_slot.set(None);
        self.shuttle.has_come_back(&self.file.shuttle(), |lane| self.file.lane_done(lane))
    }

    /// The word in a slot of the request channel, or the request's in the shuttle.
    pub fn word_at(&self, slot: Option<usize>) -> u64 {
        slot.map_or_else(|| self.file.shuttle().load(shuttle::REQUEST), |slot| self.file.requests().load(slot))
    }

    /// Whether a word of the lane says that there is a response.
    #[inline(always)]
    pub fn has_answered(&self, lane: usize, request_id: u64) -> bool {
        let end = &self.lanes[lane];
        let by_shuttle = || self.shuttle.is_awaited(request_id) && self.file.shuttle().load(shuttle::REPLY) != 0;
        !end.consumer.is_empty(&end.slots.view()) || by_shuttle()
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

    /// The response to a request that has come by the shuttle.
    #[inline(always)]
    pub fn front_in_shuttle(&self, lane: usize, request_id: u64) -> Result<Option<(Carried, Message<'_>)>, Garbage> {
        if !self.shuttle.is_awaited(request_id) {
            return Ok(None);
        }
        let shuttle = self.file.shuttle();
        shuttle.warm();
        let Some(carried) = self.shuttle.front(&shuttle)? else { return Ok(None) };
        let header = ChunkHeader { request_id, lane: lane as u64, len: carried.len as u64 };
        Ok(Some((carried, Message::InShuttle(header, shuttle.reply()))))
    }

    /// The oldest response to a request, or else the oldest of its lane, still where it is. One that cannot be read any more
    /// is skipped.
    pub fn front(&self, lane: usize, request_id: u64) -> Result<Option<(Oldest, Message<'_>)>, Unreadable> {
        let end = &self.lanes[lane];
        // A sender that goes on sending is heard by the next call.
        for _ in 0..=self.service.settings().response_slots() {
            let front = end.consumer.front(&end.slots.view())?;
            // Behind the look into the lane: what came by the shuttle was sent before what is there.
            if let Some((carried, message)) = self.front_in_shuttle(lane, request_id)? {
                return Ok(Some((Oldest::InShuttle(carried), message)));
            }
            let Some(front) = front else { return Ok(None) };
            match self.message(end, front) {
                Ok(message) => return Ok(Some((Oldest::InChannel(front), message))),
                Err(Unreadable::CannotMap) => return Err(Unreadable::CannotMap),
                Err(Unreadable::Gone) => self.refuse(lane, Oldest::InChannel(front)),
                Err(Unreadable::Lost) => {
                    self.refuse(lane, Oldest::InChannel(front));
                    return Err(Unreadable::Lost);
                }
                // One that was displaced may be gone with its segment, and is nothing to read.
                Err(Unreadable::Garbage) if end.consumer.take_front(&end.slots.view(), front) => {
                    return Err(Unreadable::Garbage);
                }
                Err(Unreadable::Garbage) => {}
            }
        }
        Ok(None)
    }

    /// Takes the response that was just found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, end: &LaneEnd, oldest: Oldest) -> bool {
        match oldest {
            Oldest::InShuttle(carried) => self.shuttle.take(&self.file.shuttle(), carried),
            Oldest::InChannel(front) => end.consumer.take_front(&end.slots.view(), front),
        }
    }

    /// Gives back the oldest response of a lane unread, unless a newer one has displaced it meanwhile.
    pub fn refuse(&self, lane: usize, oldest: Oldest) {
        if self.take(&self.lanes[lane], oldest) {
            self.give_back(oldest.entry());
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
        for _ in 0..self.service.settings().response_slots() {
            let Some(entry) = end.consumer.take(&end.slots.view())? else { break };
            self.give_back(entry);
        }
        Ok(())
    }
}

impl Drop for ClientConnection {
    fn drop(&mut self) {
        if self.attached.get() {
            // Nothing of the server's is held here any more; it may take everything back.
            self.remote.end(&self.file);
            self.service.registry.changed();
        }
    }
}
