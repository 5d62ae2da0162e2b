//! A client's side of a connection: what it knows privately about one server.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::outstanding::Outstanding;
use super::waker::Waker;
use crate::engine::channel::{Entry, Garbage, OffsetConsumer, OffsetProducer, ReturnConsumer, ReturnProducer};
use crate::engine::connection::{ConnectionFile, State};
use crate::engine::id::Id;
use crate::engine::payload::ChunkLayout;
use crate::engine::service::registry::Role;
use crate::engine::service::{ServiceInner, files};
use crate::engine::shm::{Pool, RemoteSegment};

/// One lane's receiving end.
#[derive(Debug)]
pub(super) struct LaneEnd {
    pub consumer: Cell<OffsetConsumer>,
    /// Responses of this lane that are held, older pending responses' too.
    pub borrowed: Cell<usize>,
}

#[derive(Debug)]
pub(super) struct ClientConnection {
    service: Arc<ServiceInner>,
    pub server: Id,
    pub node: Id,
    pub file: ConnectionFile,
    /// Wakes the server.
    pub waker: Waker,
    responses: Rc<RemoteSegment>,
    pub requests: Cell<OffsetProducer>,
    pub lanes: Box<[LaneEnd]>,
    coming_back: Cell<ReturnConsumer>,
    going_back: Cell<ReturnProducer>,
    /// Request chunks at this server.
    outstanding: Outstanding,
    /// So many fit the return queue.
    outstanding_max: usize,
    /// Whether new requests go there.
    pub open: Cell<bool>,
    /// Whether nothing more can come from there.
    pub gone: Cell<bool>,
}

impl ClientConnection {
    /// Over a connection file that is mapped; maps the server's response segment.
    pub fn new(
        service: &Arc<ServiceInner>,
        [server, node]: [Id; 2],
        file: ConnectionFile,
        response_layout: &ChunkLayout,
        pool: &Pool,
    ) -> io::Result<Rc<Self>> {
        let settings = service.settings();
        let layout = crate::engine::connection::ConnectionLayout::new(settings);
        let path = service.folder.join(files::segment(server, 0));
        let responses = RemoteSegment::open(&path, response_layout.align)?;
        file.set_client_state(State::Attached);
        let consumer = OffsetConsumer::new(layout.response_capacity, settings.overflow_responses);
        Ok(Rc::new(Self {
            service: Arc::clone(service),
            server,
            node,
            file,
            waker: Waker::new(service, Role::Server, server),
            responses,
            requests: Cell::new(OffsetProducer::new(layout.request_capacity, settings.overflow_requests)),
            lanes: (0..layout.lanes)
                .map(|_| LaneEnd { consumer: Cell::new(consumer), borrowed: Cell::new(0) })
                .collect(),
            coming_back: Cell::new(ReturnConsumer::new(layout.request_returns)),
            going_back: Cell::new(ReturnProducer::new(layout.response_returns)),
            outstanding: Outstanding::new(pool.chunks()),
            outstanding_max: layout.request_returns,
            open: Cell::new(true),
            gone: Cell::new(false),
        }))
    }

    /// Takes one more holder for a chunk that goes there.
    #[inline]
    pub fn lend(&self, pool: &Pool, chunk: u32) -> Result<(), Garbage> {
        if self.outstanding.len() >= self.outstanding_max {
            self.collect(pool)?;
        }
        // It was published by the caller, so it is on its way.
        let _ = pool.hold(chunk);
        self.outstanding.insert(chunk);
        Ok(())
    }

    /// Takes back one chunk that was there.
    #[inline]
    pub fn reclaim(&self, pool: &Pool, entry: Entry) -> Result<(), Garbage> {
        let ours = entry.segment == 0 && self.outstanding.remove(entry.chunk) && pool.release(entry.chunk);
        if ours { Ok(()) } else { Err(Garbage) }
    }

    /// Takes back what the server has returned.
    pub fn collect(&self, pool: &Pool) -> Result<(), Garbage> {
        let slots = self.file.request_returns();
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

    /// The server is gone: everything that was there is ours again, and nothing more goes there.
    pub fn close(&self, pool: &Pool) {
        self.open.set(false);
        self.gone.set(true);
        for chunk in self.outstanding.drain() {
            // Only what was on its way was inserted, so it can be released.
            let _ = pool.release(chunk);
        }
    }

    /// The server has written garbage. Both sides are made to look, so that neither waits for the other.
    #[cold]
    pub fn fail(&self, pool: &Pool) {
        self.close(pool);
        self.service.registry.changed();
    }

    /// Gives a response back to its server.
    #[inline]
    pub fn give_back(&self, entry: Entry) {
        let mut queue = self.going_back.get();
        // A full queue means that the server miscounts; the chunk is then its loss alone.
        let _ = queue.push(&self.file.response_returns(), entry);
        self.going_back.set(queue);
    }

    /// The header of a chunk of the server.
    #[inline]
    pub fn response_header(&self, entry: Entry) -> Result<crate::engine::shm::ChunkHeader, Garbage> {
        if entry.segment != 0 {
            return Err(Garbage);
        }
        self.responses.header(entry.chunk).ok_or(Garbage)
    }

    /// A chunk of the server.
    #[inline]
    pub fn response(&self, entry: Entry) -> Result<crate::engine::shm::ChunkRef, Garbage> {
        if entry.segment != 0 {
            return Err(Garbage);
        }
        self.responses.chunk(entry.chunk).ok_or(Garbage)
    }

    /// Drops responses that wait in a lane which nobody listens to, or whose request is another.
    #[inline]
    pub fn drain_lane(&self, lane: usize) -> Result<(), Garbage> {
        let end = &self.lanes[lane];
        let mut consumer = end.consumer.get();
        let slots = self.file.responses(lane);
        // A server that goes on sending is heard by the next call.
        let mut left = self.service.settings().response_buffer;
        let mut taken = consumer.take(&slots);
        while let Ok(Some(entry)) = taken {
            self.give_back(entry);
            left -= 1;
            if left == 0 {
                break;
            }
            taken = consumer.take(&slots);
        }
        end.consumer.set(consumer);
        taken.map(|_| ())
    }
}

impl Drop for ClientConnection {
    fn drop(&mut self) {
        // Nothing of the server's is held here any more; it may take everything back.
        self.file.set_client_state(State::Gone);
        self.service.registry.changed();
    }
}
