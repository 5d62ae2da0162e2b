//! The server's ends of a connection: requests come in, and responses go out on the lane of their request.

use std::cell::Cell;
use std::io;

use super::{Found, Inbound, Outbound, Outgoing};
use crate::channel::shuttle::{Oldest, Room, SHUTTLE_LEN_MAX, ShuttleServer};
use crate::channel::{Entry, Garbage, Slots};
use crate::connection::{ConnectionFile, Side};
use crate::port::link::lending::Trouble;
use crate::port::link::remote::Unreadable;
use crate::port::link::{Ends, Link};
use crate::port::payloads::Payloads;
use crate::port::server::places::Places;
use crate::settings::Settings;
use crate::shm::{ChunkHeader, Message, TINY_BYTES};

/// One lane's sending end.
#[derive(Debug)]
pub(in crate::port) struct LaneStart {
    responses: Outbound,
    /// Newest request that came on the lane, 0 once it is finished. An older one is nobody's any more: its lane was used
    /// anew. Only this one is answered.
    pub newest: Cell<u64>,
    /// Without overflow: the request to which a response was pushed last, and how many were.
    pushed: Cell<(u64, usize)>,
}

#[derive(Debug)]
pub(in crate::port) struct ServerTrack {
    requests: Inbound,
    shuttle: ShuttleServer,
    pub lanes: Box<[LaneStart]>,
    /// Responses to a request that may be unread.
    response_buffer: usize,
    /// Active requests that are held, and their loans.
    pub places: Places,
}

impl Ends for ServerTrack {
    const SIDE: Side = Side::Server;

    fn new(file: &ConnectionFile, settings: &Settings) -> Self {
        let lane = |lane| LaneStart {
            responses: Outbound::new(file.responses(lane), settings.overflow_responses),
            newest: Cell::new(0),
            pushed: Cell::new((0, 0)),
        };
        Self {
            requests: Inbound::new(file.requests(), settings.overflow_requests),
            shuttle: ShuttleServer::new(
                settings.response_buffer,
                settings.overflow_requests,
                settings.overflow_responses,
            ),
            lanes: (0..settings.max_active_requests).map(lane).collect(),
            response_buffer: settings.response_buffer,
            places: Places::new(settings.max_active_requests),
        }
    }

    /// All of them, before what a client that is gone has left is swept away with the connection's file.
    fn map_ahead(link: &Link, settings: &Settings) -> io::Result<()> {
        for slot in 0..settings.max_active_requests {
            if let Ok(Some(entry)) = Entry::of_word(link.file.requests().view().load(slot)) {
                link.remote.map_ahead(entry)?;
            }
        }
        Ok(())
    }
}

impl ServerTrack {
    /// A lane that a client has written.
    #[inline(always)]
    pub fn lane_of(&self, lane: u64) -> Result<usize, Garbage> {
        usize::try_from(lane).ok().filter(|lane| *lane < self.lanes.len()).ok_or(Garbage)
    }

    /// Whether a word says that there is a request.
    #[inline(always)]
    pub fn is_waiting(&self, file: &ConnectionFile) -> bool {
        let line = file.shared_line();
        // As where a request is looked for to be taken: the line arrives ready for that.
        line.warm();
        !(self.shuttle.is_empty(&line) && self.requests.is_empty())
    }

    #[inline(always)]
    fn front_in_shuttle<'a>(&self, file: &'a ConnectionFile) -> Result<Option<Found<'a>>, Garbage> {
        let line = file.shared_line();
        line.warm();
        let Some(carried) = self.shuttle.front(&line)? else { return Ok(None) };
        let header = ChunkHeader { request_id: line.request_id(), lane: carried.lane(), len: carried.len as u64 };
        Ok(Some((Oldest::InShuttle(carried), Message::Tiny(header, line.request()))))
    }

    /// A look at the oldest request, still where it is. Changes nothing.
    ///
    /// # Errors
    /// Whatever [`Self::front`] has to look at.
    #[inline(always)]
    pub fn look<'a>(&'a self, link: &'a Link) -> Result<Option<Found<'a>>, ()> {
        self.requests.look(link, || self.front_in_shuttle(&link.file)).map_err(drop)
    }

    /// The same, with those out of the way that cannot be read any more.
    pub fn front<'a>(&'a self, link: &'a Link) -> Result<Option<Found<'a>>, Unreadable> {
        self.requests.front(link, || self.front_in_shuttle(&link.file))
    }

    /// After a look that has found nothing.
    #[inline(always)]
    pub fn found_nothing(&self) {
        self.shuttle.found_nothing();
    }

    /// Takes the request that was just found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, file: &ConnectionFile, oldest: Oldest, request_id: u64) -> bool {
        match oldest {
            Oldest::InShuttle(carried) => self.shuttle.take(&file.shared_line(), carried, request_id),
            Oldest::InChannel(front) => self.requests.take(front),
        }
    }

    /// Asks for the slot of the next response to a request.
    #[inline(always)]
    pub fn warm(&self, lane: usize, request_id: u64) {
        // The shuttle that the request came by is still here.
        if !self.shuttle.is_first(request_id) {
            self.lanes[lane].responses.warm();
        }
    }

    /// Pushes a response, which goes back by the shuttle if its request came by it, if it is the first and if it is tiny.
    #[inline(always)]
    pub fn push(&self, link: &Link, payloads: &Payloads, response: Outgoing<'_>) -> Result<(), Trouble> {
        let Outgoing { request_id, lane, .. } = response;
        if self.shuttle.is_first(request_id) && self.push_by_shuttle(link, response) {
            return Ok(());
        }
        let passes = self.shuttle.has_message(request_id);
        if passes && self.shuttle.make_room(&link.file.shared_line()) == Room::Full {
            return Err(Trouble::Full);
        }
        if !self.lanes[lane].responses.producer.overflows() {
            return self.push_within_the_limit(link, payloads, response);
        }
        self.push_into_lane(link, payloads, response)
    }

    #[inline(always)]
    fn push_by_shuttle(&self, link: &Link, response: Outgoing<'_>) -> bool {
        let Outgoing { chunk, request_id, len, small, .. } = response;
        self.shuttle.has_answered();
        let Some(bytes) = small.filter(|bytes| *bytes <= TINY_BYTES && len <= SHUTTLE_LEN_MAX) else { return false };
        let shared = link.file.shared_line();
        chunk.copy_body_to(bytes, shared.reply());
        self.shuttle.reply(&shared, request_id, len);
        link.waker.wake();
        true
    }

    /// Without overflow. A lane has one slot more than responses may wait, for one that was pushed when its pending response had
    /// just ended: only those to this request count (RR-ACT-03).
    #[inline(never)]
    fn push_within_the_limit(&self, link: &Link, payloads: &Payloads, response: Outgoing<'_>) -> Result<(), Trouble> {
        let LaneStart { responses: Outbound { producer, slots }, pushed, .. } = &self.lanes[response.lane];
        let count = match pushed.get() {
            (request_id, count) if request_id == response.request_id => count,
            _ => 0,
        };
        // Of so many, the oldest is in the slot behind the next one.
        if count >= self.response_buffer && slots.view().load(producer.slot_after_next()) != 0 {
            return Err(Trouble::Full);
        }
        self.push_into_lane(link, payloads, response)?;
        pushed.set((response.request_id, count + 1));
        Ok(())
    }

    #[inline(always)]
    fn push_into_lane(&self, link: &Link, payloads: &Payloads, response: Outgoing<'_>) -> Result<(), Trouble> {
        self.lanes[response.lane].responses.push(link, payloads, response, |_, _| {})?;
        if response.small.is_none() && link.lending.is_half_lent() {
            link.collect(payloads)?;
        }
        Ok(())
    }
}
