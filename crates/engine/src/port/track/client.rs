//! The client's ends of a connection: requests go out, and responses come in on the lane of their request.

use std::cell::Cell;

use super::{Found, Inbound, Outbound, Outgoing};
use crate::channel::shuttle::{self, Carried, Oldest, Room, SHUTTLE_LEN_MAX, ShuttleClient};
use crate::channel::{Garbage, Slots};
use crate::connection::{self, ConnectionFile, Side};
use crate::port::link::lending::Trouble;
use crate::port::link::remote::Unreadable;
use crate::port::link::{Ends, Link};
use crate::port::payloads::Payloads;
use crate::settings::Settings;
use crate::shm::{ChunkHeader, Lines, Message, TINY_BYTES, slot_header};

/// One lane's receiving end.
#[derive(Debug)]
pub(in crate::port) struct LaneEnd {
    responses: Inbound,
    sides: Lines,
    /// Responses of this lane that are held, older pending responses' too.
    pub borrowed: Cell<usize>,
    /// Slot of the request channel in which the lane's request is, none if it is in the shuttle, and the word that is there
    /// until the server takes it.
    sent_slot: Cell<Option<usize>>,
    sent_word: Cell<u64>,
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
    fn set_sent(&self, slot: Option<usize>, word: u64) {
        self.sent_slot.set(slot);
        self.sent_word.set(word);
        self.displaced.set(false);
    }

    /// Drops responses that wait in a lane which nobody listens to, or whose request is another.
    #[inline(always)]
    pub fn drain(&self, link: &Link) -> Result<(), Garbage> {
        self.responses.drain(link)
    }
}

#[derive(Debug)]
pub(in crate::port) struct ClientTrack {
    requests: Outbound,
    /// Slot of the newest request that may be in the channel.
    newest_slot: Cell<Option<usize>>,
    shuttle: ShuttleClient,
    pub lanes: Box<[LaneEnd]>,
}

impl Ends for ClientTrack {
    const SIDE: Side = Side::Client;

    fn new(file: &ConnectionFile, settings: &Settings) -> Self {
        let lane = |lane| LaneEnd {
            responses: Inbound::new(file.responses(lane), settings.overflow_responses),
            sides: file.sides(lane).clone(),
            borrowed: Cell::new(0),
            sent_slot: Cell::new(None),
            sent_word: Cell::new(0),
            displaced: Cell::new(false),
        };
        Self {
            requests: Outbound::new(file.requests(), settings.overflow_requests),
            newest_slot: Cell::new(None),
            shuttle: ShuttleClient::new(file.requests().len(), settings.overflow_requests, settings.overflow_responses),
            lanes: (0..settings.max_active_requests).map(lane).collect(),
        }
    }
}

impl ClientTrack {
    /// Asks for the line in which the next request will go; `is_lone` if it is tiny and the only one.
    #[inline(always)]
    pub fn warm(&self, file: &ConnectionFile, is_lone: bool) {
        if is_lone && self.shuttle.is_here() {
            file.shared_line().warm();
        } else {
            self.requests.warm();
        }
    }

    /// Pushes a request. One that `is_lone`, tiny and the only one under way, goes by the shuttle if that is free. `displaced` is
    /// told of a request that has given way to it.
    #[inline(always)]
    pub fn push(
        &self,
        link: &Link,
        payloads: &Payloads,
        request: Outgoing<'_>,
        is_lone: bool,
        displaced: impl Fn(u64, usize),
    ) -> Result<(), Trouble> {
        let end = &self.lanes[request.lane];
        end.set_open(request.request_id);
        if is_lone && self.push_by_shuttle(link, end, request) {
            return Ok(());
        }
        if self.shuttle.has_message() {
            self.make_room(link, &displaced)?;
        }
        let slot = self.requests.producer.next_slot();
        let word = self.requests.push(link, payloads, request, |slot, oldest| {
            // What was in the slot beside the word is still there.
            let in_slot = || slot_header(self.requests.slots.view().line(slot));
            let header = if oldest.is_in_slot() { Some(in_slot()) } else { payloads.header(oldest) };
            if let Some(header) = header {
                displaced(header.request_id, header.lane as usize);
            }
        })?;
        self.newest_slot.set(Some(slot));
        end.set_sent(Some(slot), word);
        if request.small.is_none() && link.lending.is_half_lent() && link.collect(payloads).is_err() {
            link.fail(payloads);
        }
        Ok(())
    }

    #[inline(always)]
    fn push_by_shuttle(&self, link: &Link, end: &LaneEnd, request: Outgoing<'_>) -> bool {
        let Outgoing { chunk, request_id, lane, len, small } = request;
        let Some(bytes) = small.filter(|bytes| *bytes <= TINY_BYTES && len <= SHUTTLE_LEN_MAX) else { return false };
        if !self.is_shuttle_free(&link.file) {
            return false;
        }
        let shared = link.file.shared_line();
        chunk.copy_body_to(bytes, shared.request());
        shared.set_request_id(request_id);
        let word = self.shuttle.send(&shared, request_id, lane as u32, len);
        link.waker.wake();
        end.set_sent(None, word);
        true
    }

    /// Whether the shuttle is here and nothing is in the channel that the server has to take first.
    #[inline(always)]
    fn is_shuttle_free(&self, file: &ConnectionFile) -> bool {
        (self.shuttle.is_here() && self.newest_slot.get().is_none()) || self.is_shuttle_free_now(file)
    }

    #[inline(never)]
    fn is_shuttle_free_now(&self, file: &ConnectionFile) -> bool {
        if self.newest_slot.get().is_some_and(|slot| file.requests().view().load(slot) != 0) {
            return false;
        }
        self.newest_slot.set(None);
        self.shuttle.has_come_back(&file.shared_line(), |lane| file.lane_done(lane))
    }

    /// Makes room in the channel behind a request that may still be in the shuttle.
    #[cold]
    #[inline(never)]
    fn make_room(&self, link: &Link, displaced: &impl Fn(u64, usize)) -> Result<(), Trouble> {
        let (request_id, lane) = self.shuttle.sent();
        match self.shuttle.make_room(&link.file.shared_line()) {
            Room::Free => {}
            Room::Full => return Err(Trouble::Full),
            Room::Displaced => displaced(request_id, lane),
        }
        Ok(())
    }

    /// Whether the server has not taken the request of a lane, or cannot any more.
    pub fn is_unread(&self, file: &ConnectionFile, lane: usize) -> bool {
        let end = &self.lanes[lane];
        let word = match end.sent_slot.get() {
            None => file.shared_line().load(shuttle::REQUEST),
            Some(slot) => file.requests().view().load(slot),
        };
        word == end.sent_word.get()
    }

    /// Whether a word of the lane says that there is a response.
    #[inline(always)]
    pub fn has_answered(&self, file: &ConnectionFile, lane: usize, request_id: u64) -> bool {
        let by_shuttle = || self.shuttle.is_awaited(request_id) && file.shared_line().load(shuttle::REPLY) != 0;
        !self.lanes[lane].responses.is_empty() || by_shuttle()
    }

    /// The same of any slot of the lane.
    pub fn has_any(&self, file: &ConnectionFile, lane: usize, request_id: u64) -> bool {
        self.has_answered(file, lane, request_id) || self.lanes[lane].responses.has_any()
    }

    #[inline(always)]
    fn front_in_shuttle<'a>(
        &self,
        file: &'a ConnectionFile,
        lane: usize,
        request_id: u64,
    ) -> Result<Option<Found<'a>>, Garbage> {
        if !self.shuttle.is_awaited(request_id) {
            return Ok(None);
        }
        let shared = file.shared_line();
        shared.warm();
        let Some(carried) = self.shuttle.front(&shared)? else { return Ok(None) };
        let Carried { len, .. } = carried;
        let header = ChunkHeader { request_id, lane: lane as u64, len: len as u64 };
        Ok(Some((Oldest::InShuttle(carried), Message::Tiny(header, shared.reply()))))
    }

    /// A look at the oldest response to a request, or else the oldest of its lane, still where it is. Changes nothing.
    ///
    /// # Errors
    /// Whatever [`Self::front`] has to look at.
    #[inline(always)]
    pub fn look<'a>(&'a self, link: &'a Link, lane: usize, request_id: u64) -> Result<Option<Found<'a>>, ()> {
        self.lanes[lane].responses.look(link, || self.front_in_shuttle(&link.file, lane, request_id)).map_err(drop)
    }

    /// The same, with those out of the way that cannot be read any more.
    pub fn front<'a>(&'a self, link: &'a Link, lane: usize, request_id: u64) -> Result<Option<Found<'a>>, Unreadable> {
        self.lanes[lane].responses.front(link, || self.front_in_shuttle(&link.file, lane, request_id))
    }

    /// After a look that has found nothing.
    #[inline(always)]
    pub fn found_nothing(&self) {
        self.shuttle.found_nothing();
    }

    /// Takes the response that was just found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, file: &ConnectionFile, end: &LaneEnd, oldest: Oldest) -> bool {
        match oldest {
            Oldest::InShuttle(carried) => self.shuttle.take(&file.shared_line(), carried),
            Oldest::InChannel(front) => end.responses.take(front),
        }
    }

    /// Gives back the response that was just found unread, unless a newer one has displaced it meanwhile.
    pub fn refuse(&self, link: &Link, lane: usize, oldest: Oldest) {
        if self.take(&link.file, &self.lanes[lane], oldest) {
            link.give_back(oldest.entry());
        }
    }
}
