//! A server's side of a connection: what it knows privately about one client.

use std::cell::Cell;
use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use crate::channel::{Entry, Slots};
use crate::connection::{ConnectionFile, Side};
use crate::free_list::FreeList;
use crate::id::Id;
use crate::payload::ChunkLayout;
use crate::port::link::Link;
use crate::port::track::{LaneStart, Oldest, ServerTrack};
use crate::service::ServiceInner;

#[derive(Debug)]
pub(in crate::port) struct ServerConnection {
    link: Link,
    pub track: ServerTrack,
    pub places: Places,
}

impl Deref for ServerConnection {
    type Target = Link;
    #[inline(always)]
    fn deref(&self) -> &Link {
        &self.link
    }
}

impl ServerConnection {
    /// As [`Link::new`], of all of the client's segments in which there is something to receive.
    pub fn new(
        service: &Arc<ServiceInner>,
        server: Id,
        client: [Id; 2],
        file: ConnectionFile,
        request_layout: &ChunkLayout,
    ) -> io::Result<Rc<Self>> {
        let settings = service.settings();
        let track = ServerTrack::new(&file, settings);
        let link = Link::new(service, (server, Side::Server), client, file, request_layout.align)?;
        // All of them, before what a client that is gone has left is swept away with the connection's file.
        for slot in 0..settings.max_active_requests {
            if let Ok(Some(entry)) = Entry::of_word(link.file.requests().view().load(slot)) {
                link.remote.map_ahead(entry)?;
            }
        }
        Ok(Rc::new(Self { link, track, places: Places::new(settings.max_active_requests) }))
    }

    /// Refuses the request that was just found, unless a newer one has displaced it meanwhile.
    pub fn refuse(&self, oldest: Oldest, request_id: u64, lane: usize) {
        if self.track.take(oldest, request_id) {
            self.track.lanes[lane].newest.set(request_id);
            self.finish(lane, request_id);
            self.give_back(oldest.entry());
        }
    }

    /// Says that no response to this request will come.
    #[inline(always)]
    pub fn finish(&self, lane: usize, request_id: u64) {
        let LaneStart { newest, words, .. } = &self.track.lanes[lane];
        // An older request must not take back what was said of a newer one on the same lane.
        if newest.get() == request_id {
            // A loan that outlives its active request sends nothing after the end.
            newest.set(0);
            words.set_done(request_id);
            self.waker.wake();
        }
    }

    /// Whether somebody waits for responses to this request.
    #[inline(always)]
    pub fn is_awaited(&self, lane: usize, request_id: u64) -> bool {
        !self.gone.get() && self.track.lanes[lane].words.open() == request_id
    }

    /// Refuses every request that nobody has received, because the server leaves.
    pub fn refuse_unread(&self) {
        // A client that goes on sending sees that the server has left, and that its request was not taken.
        for _ in 0..self.track.lanes.len() {
            let Ok(Some((oldest, message))) = self.track.front(&self.link) else { return };
            let header = message.header();
            let Ok(lane) = self.track.lane_of(header.lane) else { return };
            self.refuse(oldest, header.request_id, lane);
        }
    }
}

/// Places of a client's active requests, each with its loans; a place is free again when both are gone.
#[derive(Debug)]
pub(in crate::port) struct Places {
    /// For each place its loans, and one for the active request as long as it is held.
    users: Box<[Cell<usize>]>,
    free: FreeList,
}

impl Places {
    pub fn new(places: usize) -> Self {
        Self { users: (0..places).map(|_| Cell::new(0)).collect(), free: FreeList::new(places) }
    }

    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.free.len() == 0
    }

    #[inline(always)]
    pub fn enter(&self) -> Option<u32> {
        let place = self.free.pop()?;
        self.users.get(place as usize)?.set(1);
        Some(place)
    }

    /// Counts a loan unless there are `max`. The active request is held by the caller.
    #[inline(always)]
    pub fn loan(&self, place: u32, max: usize) -> bool {
        let Some(users) = self.users.get(place as usize) else { return false };
        let room = users.get() <= max;
        users.set(users.get() + usize::from(room));
        room
    }

    /// A loan has ended, or the active request is dropped.
    #[inline(always)]
    pub fn leave(&self, place: u32) {
        let Some(users) = self.users.get(place as usize) else { return };
        users.set(users.get() - 1);
        if users.get() == 0 {
            self.free.push(place);
        }
    }
}
