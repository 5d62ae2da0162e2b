//! A server's side of a connection: what it knows privately about one client.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::outstanding::Outstanding;
use super::waker::Waker;
use crate::engine::channel::{
    Entry, Front, Garbage, OffsetConsumer, OffsetProducer, Push, ReturnConsumer, ReturnProducer,
};
use crate::engine::connection::{ConnectionFile, ConnectionLayout, State};
use crate::engine::id::Id;
use crate::engine::payload::ChunkLayout;
use crate::engine::service::registry::Role;
use crate::engine::service::{ServiceInner, files};
use crate::engine::shm::{ChunkHeader, ChunkRef, Pool, RemoteSegment};

/// One lane's sending end.
#[derive(Debug)]
pub(super) struct LaneStart {
    pub producer: Cell<OffsetProducer>,
    /// Newest request that came on the lane, 0 once it is finished. An older one is nobody's any more: its lane was used
    /// anew. Only this one is answered.
    pub newest: Cell<u64>,
}

/// Places of active requests, each with its loans; a place is free again when both are gone.
#[derive(Debug)]
pub(super) struct Places {
    places: Box<[Place]>,
    /// The place that became free last, if any; each free place names the next one.
    free: Cell<Option<usize>>,
}

#[derive(Debug)]
struct Place {
    held: Cell<bool>,
    loans: Cell<usize>,
    next_free: Cell<Option<usize>>,
}

#[derive(Debug)]
pub(super) struct ServerConnection {
    service: Arc<ServiceInner>,
    pub client: Id,
    pub node: Id,
    pub file: ConnectionFile,
    /// Wakes the client.
    waker: Waker,
    requests: Rc<RemoteSegment>,
    pub incoming: Cell<OffsetConsumer>,
    pub lanes: Box<[LaneStart]>,
    pub places: Places,
    going_back: Cell<ReturnProducer>,
    coming_back: Cell<ReturnConsumer>,
    /// Response chunks at this client.
    outstanding: Outstanding,
    /// So many fit the return queue.
    outstanding_max: usize,
    /// Whether nobody is there any more; what the client sent before is still received (RR-FNF-01).
    pub gone: Cell<bool>,
    /// Whether it wrote garbage: then what it sent before is not received either.
    pub broken: Cell<bool>,
}

impl ServerConnection {
    /// Over a connection file that is mapped; maps the client's request segment.
    pub fn new(
        service: &Arc<ServiceInner>,
        [client, node]: [Id; 2],
        file: ConnectionFile,
        request_layout: &ChunkLayout,
        pool: &Pool,
    ) -> io::Result<Rc<Self>> {
        let settings = service.settings();
        let layout = ConnectionLayout::new(settings);
        let requests = RemoteSegment::open(&service.folder.join(files::segment(client, 0)), request_layout.align)?;
        file.set_server_state(State::Attached);
        let producer = OffsetProducer::new(layout.response_capacity, settings.overflow_responses);
        Ok(Rc::new(Self {
            service: Arc::clone(service),
            client,
            node,
            file,
            waker: Waker::new(service, Role::Client, client),
            requests,
            incoming: Cell::new(OffsetConsumer::new(layout.request_capacity, settings.overflow_requests)),
            lanes: (0..layout.lanes)
                .map(|_| LaneStart { producer: Cell::new(producer), newest: Cell::new(0) })
                .collect(),
            places: Places::new(settings.max_active_requests),
            going_back: Cell::new(ReturnProducer::new(layout.request_returns)),
            coming_back: Cell::new(ReturnConsumer::new(layout.response_returns)),
            outstanding: Outstanding::new(pool.chunks()),
            outstanding_max: layout.response_returns,
            gone: Cell::new(false),
            broken: Cell::new(false),
        }))
    }

    /// Takes the oldest request: its entry, chunk, header and lane. A lane that does not exist is an error.
    #[inline]
    pub fn take(&self) -> Result<Option<(Entry, ChunkRef, ChunkHeader, usize)>, Garbage> {
        let mut consumer = self.incoming.get();
        let taken = consumer.take(&self.file.requests());
        self.incoming.set(consumer);
        let Some(entry) = taken? else { return Ok(None) };
        let chunk = self.request(entry)?;
        let header = chunk.header();
        let lane = self.lane_of(header.lane)?;
        Ok(Some((entry, chunk, header, lane)))
    }

    /// The oldest request's entry, number and lane, without taking it.
    pub fn peek(&self) -> Result<Option<(Front, u64, usize)>, Garbage> {
        let mut consumer = self.incoming.get();
        let front = consumer.front(&self.file.requests());
        self.incoming.set(consumer);
        let Some(front) = front? else { return Ok(None) };
        let header = self.request(front.entry)?.header();
        Ok(Some((front, header.request_id, self.lane_of(header.lane)?)))
    }

    /// Refuses the request that [`Self::peek`] has just shown, unless a newer one has displaced it meanwhile.
    pub fn refuse_front(&self, front: Front, request_id: u64, lane: usize) {
        let mut consumer = self.incoming.get();
        let taken = consumer.take_front(&self.file.requests(), front);
        self.incoming.set(consumer);
        if taken {
            self.lanes[lane].newest.set(request_id);
            self.finish(lane, request_id);
            self.give_back(front.entry);
        }
    }

    fn lane_of(&self, lane: u64) -> Result<usize, Garbage> {
        usize::try_from(lane).ok().filter(|lane| *lane < self.lanes.len()).ok_or(Garbage)
    }

    #[inline]
    fn request(&self, entry: Entry) -> Result<ChunkRef, Garbage> {
        if entry.segment != 0 {
            return Err(Garbage);
        }
        self.requests.chunk(entry.chunk).ok_or(Garbage)
    }

    /// Gives a request back to its client.
    #[inline]
    pub fn give_back(&self, entry: Entry) {
        let mut queue = self.going_back.get();
        // A full queue means that the client miscounts; the chunk is then its loss alone.
        let _ = queue.push(&self.file.request_returns(), entry);
        self.going_back.set(queue);
    }

    /// Says that no response to this request will come.
    #[inline]
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
    #[inline]
    pub fn is_awaited(&self, lane: usize, request_id: u64) -> bool {
        !self.gone.get() && self.file.lane_open(lane) == request_id
    }

    /// Pushes a published response chunk; `false` if there is no room.
    #[inline]
    pub fn push(&self, pool: &Pool, lane: usize, chunk: u32) -> Result<bool, Garbage> {
        if self.outstanding.len() >= self.outstanding_max {
            self.collect(pool)?;
        }
        // The holder is counted before the entry can be taken and come back. It was published by the caller.
        let _ = pool.hold(chunk);
        self.outstanding.insert(chunk);
        let entry = Entry { segment: 0, chunk };
        let start = &self.lanes[lane];
        let mut producer = start.producer.get();
        let pushed = producer.push(&self.file.responses(lane), entry);
        start.producer.set(producer);
        self.waker.wake();
        match pushed? {
            Push::Done { .. } => Ok(true),
            Push::Displaced { oldest, .. } => self.reclaim(pool, oldest).map(|()| true),
            Push::Full => self.reclaim(pool, entry).map(|()| false),
        }
    }

    fn reclaim(&self, pool: &Pool, entry: Entry) -> Result<(), Garbage> {
        let ours = entry.segment == 0 && self.outstanding.remove(entry.chunk) && pool.release(entry.chunk);
        if ours { Ok(()) } else { Err(Garbage) }
    }

    /// Takes back what the client has returned.
    pub fn collect(&self, pool: &Pool) -> Result<(), Garbage> {
        let slots = self.file.response_returns();
        let mut queue = self.coming_back.get();
        let mut result = Ok(());
        // No more than everything can be on its way back, so a peer that writes on and on does not hold us here.
        let mut left = pool.chunks();
        while left > 0 {
            left -= 1;
            match queue.pop(&slots) {
                Ok(Some(entry)) => result = self.reclaim(pool, entry),
                Ok(None) => break,
                Err(garbage) => result = Err(garbage),
            }
            if result.is_err() {
                break;
            }
        }
        self.coming_back.set(queue);
        result
    }

    /// The client is gone: everything that was there is ours again.
    pub fn close(&self, pool: &Pool) {
        self.gone.set(true);
        for chunk in self.outstanding.drain() {
            // Only what was on its way was inserted, so it can be released.
            let _ = pool.release(chunk);
        }
    }

    /// The client has written garbage: nothing more is received from it. Both sides are made to look, so that neither waits
    /// for the other.
    #[cold]
    pub fn fail(&self, pool: &Pool) {
        self.close(pool);
        self.broken.set(true);
        self.file.set_server_state(State::Left);
        self.service.registry.changed();
    }

    /// Refuses every request that nobody has received, because the server leaves.
    pub fn refuse_unread(&self) {
        // A client that goes on sending sees that the server has left, and that its request was not taken.
        for _ in 0..self.service.settings().max_active_requests {
            let Ok(Some((entry, _, header, lane))) = self.take() else { return };
            let request_id = header.request_id;
            self.lanes[lane].newest.set(request_id);
            self.finish(lane, request_id);
            self.give_back(entry);
        }
    }
}

impl Drop for ServerConnection {
    fn drop(&mut self) {
        // Nothing of the client's is held here any more; it may take everything back.
        self.file.set_server_state(State::Gone);
        self.service.registry.changed();
    }
}

impl Places {
    fn new(places: usize) -> Self {
        let place = |next| Place { held: Cell::new(false), loans: Cell::new(0), next_free: Cell::new(next) };
        Self { places: (0..places).map(|i| place(i.checked_sub(1))).collect(), free: Cell::new(places.checked_sub(1)) }
    }

    #[inline]
    pub fn is_full(&self) -> bool {
        self.free.get().is_none()
    }

    #[inline]
    pub fn enter(&self) -> Option<usize> {
        let index = self.free.get()?;
        let place = &self.places[index];
        self.free.set(place.next_free.get());
        place.held.set(true);
        Some(index)
    }

    #[inline]
    pub fn leave(&self, index: usize) {
        self.places[index].held.set(false);
        self.free_if_unused(index);
    }

    /// Counts a loan unless there are `max`.
    #[inline]
    pub fn loan(&self, index: usize, max: usize) -> bool {
        let loans = &self.places[index].loans;
        let room = loans.get() < max;
        loans.set(loans.get() + usize::from(room));
        room
    }

    #[inline]
    pub fn unloan(&self, index: usize) {
        let loans = &self.places[index].loans;
        loans.set(loans.get() - 1);
        self.free_if_unused(index);
    }

    #[inline]
    fn free_if_unused(&self, index: usize) {
        let place = &self.places[index];
        if !place.held.get() && place.loans.get() == 0 {
            place.next_free.set(self.free.get());
            self.free.set(Some(index));
        }
    }
}
