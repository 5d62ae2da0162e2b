//! A server's side of a connection: what it knows privately about one client.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use crate::channel::shuttle::{Carried, Oldest, Room, SHUTTLE_LEN_MAX, ShuttleServer};
use crate::channel::{Entry, Front, Garbage, OffsetConsumer, OffsetProducer, Push, ReturnProducer, Slots};
use crate::connection::{self, ConnectionFile, ConnectionLayout, Side, State};
use crate::id::Id;
use crate::payload::ChunkLayout;
use crate::port::link::lending::{Lending, Lent};
use crate::port::link::remote::{Remote, Unreadable};
use crate::port::link::waker::Waker;
use crate::port::payloads::Payloads;
use crate::port::server::places::Places;
use crate::service::ServiceInner;
use crate::shm::{ChunkHeader, Lines, Message, Published, SHUTTLE_BYTES};

/// A response on its way, which its chunk holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::port) struct Outgoing {
    pub lane: usize,
    pub request_id: u64,
    /// Elements.
    pub len: usize,
    /// Its bytes if it travels in slots.
    pub small: Option<usize>,
}

/// One lane's sending end.
#[derive(Debug)]
pub(in crate::port) struct LaneStart {
    pub producer: OffsetProducer,
    pub slots: Lines,
    /// Newest request that came on the lane, 0 once it is finished. An older one is nobody's any more: its lane was used
    /// anew. Only this one is answered.
    pub newest: Cell<u64>,
    /// Without overflow: the request to which a response was pushed last, and how many were.
    pushed: Cell<(u64, usize)>,
}

#[derive(Debug)]
pub(in crate::port) struct ServerConnection {
    service: Arc<ServiceInner>,
    pub client: Id,
    pub node: Id,
    pub file: ConnectionFile,
    /// Wakes the client.
    waker: Waker,
    pub remote: Remote,
    pub incoming: OffsetConsumer,
    pub shuttle: ShuttleServer,
    pub lanes: Box<[LaneStart]>,
    pub places: Places,
    pub lending: Lending,
    going_back: ReturnProducer,
    /// Whether nobody is there any more; what the client sent before is still received (RR-FNF-01).
    pub gone: Cell<bool>,
    /// Whether it wrote garbage: then what it sent before is not received either.
    pub broken: Cell<bool>,
    /// Whether the other side knows that this one takes part.
    attached: Cell<bool>,
}

impl ServerConnection {
    /// Over a connection file that is mapped; maps the client's segments in which there is something to receive, so not under
    /// the service's lock. The client does not know of it until [`Self::attach`].
    pub fn new(
        service: &Arc<ServiceInner>,
        server: Id,
        [client, node]: [Id; 2],
        file: ConnectionFile,
        request_layout: &ChunkLayout,
    ) -> io::Result<Rc<Self>> {
        let settings = service.settings();
        let layout = ConnectionLayout::new(settings);
        if service.locks_memory() {
            file.lock_in_memory()?;
        }
        let remote = Remote::open(service, [node, client], (server, Side::Server), request_layout.align, &file)?;
        // All of them, before what a client that is gone has left is swept away with the connection's file.
        for slot in 0..layout.request_capacity {
            if let Ok(Some(entry)) = Entry::of_word(file.requests().load(slot)) {
                remote.map_ahead(entry)?;
            }
        }
        let lane = |lane| LaneStart {
            producer: OffsetProducer::new(layout.response_capacity, settings.overflow_responses),
            slots: file.responses(lane).clone(),
            newest: Cell::new(0),
            pushed: Cell::new((0, 0)),
        };
        Ok(Rc::new(Self {
            service: Arc::clone(service),
            client,
            node,
            lanes: (0..layout.lanes).map(lane).collect(),
            file,
            waker: Waker::new(service, Side::Client, client),
            remote,
            incoming: OffsetConsumer::new(layout.request_capacity, settings.overflow_requests),
            shuttle: ShuttleServer::new(
                settings.response_buffer,
                settings.overflow_requests,
                settings.overflow_responses,
            ),
            places: Places::new(settings.max_active_requests),
            lending: Lending::new(layout.response_returns),
            going_back: ReturnProducer::new(layout.request_returns),
            gone: Cell::new(false),
            broken: Cell::new(false),
            attached: Cell::new(false),
        }))
    }

    /// Says that this side takes part. Under the service's lock, where the other side can see the file.
    pub fn attach(&self, payloads: &Payloads) {
        self.file.set_segment(Side::Server, payloads.number());
        self.file.set_server_state(State::Attached);
        // Without one it is asked for again with a loan.
        self.lending.find_number(payloads);
        self.attached.set(true);
    }

    /// It is this side's own, and what was handed over for it is mapped. Without the lock.
    pub fn settle(&self) {
        self.remote.keep();
    }

    /// The message of the entry that was shown last.
    #[inline(always)]
    pub fn message(&self, front: Front) -> Result<Message<'_>, Unreadable> {
        self.remote.message(front, self.file.requests(), &self.file)
    }

    /// The request that is in the shuttle.
    #[inline(always)]
    pub fn front_in_shuttle(&self) -> Result<Option<(Carried, Message<'_>)>, Garbage> {
        let shuttle = self.file.shuttle();
        shuttle.warm();
        let Some(carried) = self.shuttle.front(&shuttle)? else { return Ok(None) };
        let header = ChunkHeader { request_id: shuttle.request_id(), lane: carried.lane(), len: carried.len as u64 };
        Ok(Some((carried, Message::InShuttle(header, shuttle.request()))))
    }

    /// The oldest request, still where it is. One that cannot be read any more is skipped.
    pub fn front(&self) -> Result<Option<(Oldest, Message<'_>)>, Unreadable> {
        let slots = &self.file.requests();
        // A client that goes on sending is heard by the next call.
        for _ in 0..=self.lanes.len() {
            let front = self.incoming.front(slots)?;
            // Behind the look into the channel: what is in the shuttle was sent before what is there.
            if let Some((carried, message)) = self.front_in_shuttle()? {
                return Ok(Some((Oldest::InShuttle(carried), message)));
            }
            let Some(front) = front else { return Ok(None) };
            match self.message(front) {
                Ok(message) => return Ok(Some((Oldest::InChannel(front), message))),
                Err(Unreadable::CannotMap) => return Err(Unreadable::CannotMap),
                Err(Unreadable::Gone) => {
                    if self.incoming.take_front(slots, front) {
                        self.give_back(front.entry());
                    }
                }
                Err(Unreadable::Lost) => {
                    if self.incoming.take_front(slots, front) {
                        self.give_back(front.entry());
                    }
                    return Err(Unreadable::Lost);
                }
                // One that was displaced may be gone with its segment, and is nothing to read.
                Err(Unreadable::Garbage) if self.incoming.take_front(slots, front) => return Err(Unreadable::Garbage),
                Err(Unreadable::Garbage) => {}
            }
        }
        Ok(None)
    }

    /// Takes the request that [`Self::front`] has just shown; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, oldest: Oldest, request_id: u64) -> bool {
        match oldest {
            Oldest::InShuttle(carried) => self.shuttle.take(&self.file.shuttle(), carried, request_id),
            Oldest::InChannel(front) => self.incoming.take_front(&self.file.requests(), front),
        }
    }

    /// Refuses the request that [`Self::front`] has just shown, unless a newer one has displaced it meanwhile.
    pub fn refuse(&self, oldest: Oldest, request_id: u64, lane: usize) {
        if self.take(oldest, request_id) {
            self.lanes[lane].newest.set(request_id);
            self.finish(lane, request_id);
            self.give_back(oldest.entry());
        }
    }

    /// Lets go of segments that the client has given back.
    pub fn tidy(&self) {
        self.remote.tidy(&self.file);
    }

    /// A lane that a client has written.
    #[inline(always)]
    pub fn lane_of(&self, lane: u64) -> Result<usize, Garbage> {
        usize::try_from(lane).ok().filter(|lane| *lane < self.lanes.len()).ok_or(Garbage)
    }

    /// Gives a request back to its client.
    #[inline(always)]
    pub fn give_back(&self, entry: Entry) {
        if !entry.is_in_slot() {
            // A full queue means that the client miscounts; the chunk is then its loss alone.
            let _ = self.going_back.push(self.file.request_returns(), entry);
        }
    }

    /// Says that no response to this request will come.
    #[inline(always)]
    pub fn finish(&self, lane: usize, request_id: u64) {
        // An older request must not take back what was said of a newer one on the same lane.
        if self.lanes[lane].newest.get() == request_id {
            // A loan that outlives its active request sends nothing after the end.
            self.lanes[lane].newest.set(0);
            self.file.set_lane_done(lane, request_id);
            self.waker.wake();
        }
    }

    /// Whether somebody waits for responses to this request.
    #[inline(always)]
    pub fn is_awaited(&self, lane: usize, request_id: u64) -> bool {
        !self.gone.get() && self.file.lane_open(lane) == request_id
    }

    /// Sends a response back by the shuttle if its request came by it, if it is the first and if it is very small.
    #[inline(always)]
    pub fn reply(&self, chunk: Published<'_>, Outgoing { request_id, len, small, .. }: Outgoing) -> bool {
        if !self.shuttle.is_first(request_id) {
            return false;
        }
        self.shuttle.has_answered();
        let Some(bytes) = small.filter(|bytes| *bytes <= SHUTTLE_BYTES && len <= SHUTTLE_LEN_MAX) else {
            return false;
        };
        let shuttle = self.file.shuttle();
        chunk.copy_body_to(bytes, shuttle.reply());
        self.shuttle.reply(&shuttle, request_id, len);
        self.waker.wake();
        true
    }

    /// Pushes a response that [`Self::reply`] did not take into its lane, into the slot itself if it is small and the slot is
    /// empty; `false` if there is no room.
    #[inline(always)]
    pub fn push(&self, payloads: &Payloads, chunk: Published<'_>, response: Outgoing) -> Result<bool, Garbage> {
        let passes = self.shuttle.has_message(response.request_id);
        if passes && self.shuttle.make_room(&self.file.shuttle()) == Room::Full {
            return Ok(false);
        }
        if !self.lanes[response.lane].producer.overflows() {
            return self.push_within_the_limit(payloads, chunk, response);
        }
        self.push_into_lane(payloads, chunk, response)
    }

    /// Without overflow. A lane has one slot more than responses may wait, for one that was pushed when its pending response had
    /// just ended: only those to this request count (RR-ACT-03).
    #[inline(never)]
    fn push_within_the_limit(
        &self,
        payloads: &Payloads,
        chunk: Published<'_>,
        response: Outgoing,
    ) -> Result<bool, Garbage> {
        let LaneStart { producer, slots, pushed, .. } = &self.lanes[response.lane];
        let count = match pushed.get() {
            (request_id, count) if request_id == response.request_id => count,
            _ => 0,
        };
        // Of so many, the oldest is in the slot behind the next one.
        if count >= self.service.settings().response_buffer && slots.view().load(producer.slot_after_next()) != 0 {
            return Ok(false);
        }
        let has_room = self.push_into_lane(payloads, chunk, response)?;
        if has_room {
            pushed.set((response.request_id, count + 1));
        }
        Ok(has_room)
    }

    #[inline(always)]
    fn push_into_lane(&self, payloads: &Payloads, chunk: Published<'_>, response: Outgoing) -> Result<bool, Garbage> {
        let Outgoing { lane, small, .. } = response;
        let LaneStart { producer, slots, .. } = &self.lanes[lane];
        let slots = slots.view();
        if let Some(bytes) = small
            && let Some(slot) = producer.vacant(&slots)
        {
            chunk.copy_to(bytes, slots.line(slot));
            producer.fill(&slots, slot, Entry::IN_SLOT);
            self.waker.wake();
            return Ok(true);
        }
        self.push_chunk(payloads, lane, chunk)
    }

    #[inline(never)]
    fn push_chunk(&self, payloads: &Payloads, lane: usize, chunk: Published<'_>) -> Result<bool, Garbage> {
        if self.lending.lend(payloads, self.file.response_returns(), chunk)? == Lent::NoNumber {
            return Ok(false);
        }
        let entry = Entry { segment: chunk.segment(), chunk: chunk.index() };
        let LaneStart { producer, slots, .. } = &self.lanes[lane];
        let slots = slots.view();
        if let Some(slot) = producer.vacant(&slots) {
            connection::set_next_of(slots, slot, chunk.next());
        }
        let pushed = producer.push(&slots, entry);
        self.waker.wake();
        if self.lending.is_half_lent() {
            self.collect(payloads)?;
        }
        match pushed? {
            Push::Done { .. } => Ok(true),
            Push::Displaced { oldest, .. } => self.lending.reclaim(payloads, oldest).map(|()| true),
            Push::Full => self.lending.reclaim(payloads, entry).map(|()| false),
        }
    }

    /// Takes back what the client has returned.
    pub fn collect(&self, payloads: &Payloads) -> Result<(), Garbage> {
        self.lending.collect(payloads, self.file.response_returns())
    }

    /// The client is gone: everything that was there is ours again.
    pub fn close(&self, payloads: &Payloads) {
        self.gone.set(true);
        self.lending.close(payloads);
    }

    /// The client has written garbage: nothing more is received from it. Both sides are made to look, so that neither waits
    /// for the other.
    #[cold]
    pub fn fail(&self, payloads: &Payloads) {
        self.close(payloads);
        self.broken.set(true);
        self.file.set_server_state(State::Left);
        self.service.registry.changed();
    }

    /// Refuses every request that nobody has received, because the server leaves.
    pub fn refuse_unread(&self) {
        // A client that goes on sending sees that the server has left, and that its request was not taken.
        for _ in 0..self.service.settings().max_active_requests {
            let Ok(Some((oldest, message))) = self.front() else { return };
            let header = message.header();
            let Ok(lane) = self.lane_of(header.lane) else { return };
            self.refuse(oldest, header.request_id, lane);
        }
    }
}

impl Drop for ServerConnection {
    fn drop(&mut self) {
        if self.attached.get() {
            // Nothing of the client's is held here any more; it may take everything back.
            self.remote.end(&self.file);
            self.service.registry.changed();
        }
    }
}
