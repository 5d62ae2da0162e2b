//! How a message is pushed: by the shuttle if it is tiny and the only one; into a slot if it is small and the slot is empty; or
//! else in a chunk, which is lent.

use super::{ClientTrack, LaneReceiver, LaneSender, Outbound, ServerTrack};
use crate::channel::shuttle::{self, Room, SHUTTLE_LEN_MAX};
use crate::channel::{Entry, Push, Slots};
use crate::connection::{self, SharedLine};
use crate::port::link::Link;
use crate::port::link::lending::Trouble;
use crate::port::payloads::Payloads;
use crate::shm::{Published, TINY_BYTES, slot_header};

/// A message on its way, which its chunk holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::port) struct Outgoing<'a> {
    pub chunk: Published<'a>,
    pub request_id: u64,
    pub lane: usize,
    /// Elements.
    pub len: usize,
    /// Its bytes if it travels in slots.
    pub small: Option<usize>,
}

impl Outbound {
    /// Pushes a message, into the slot itself if it is small and the slot is empty: the word in the slot. `displaced` is told
    /// which entry of which slot has given way to it.
    #[inline(always)]
    fn push(
        &self,
        link: &Link,
        payloads: &Payloads,
        message: Outgoing<'_>,
        displaced: impl FnOnce(usize, Entry),
    ) -> Result<u64, Trouble> {
        let slots = self.slots.view();
        let word = if let Some(bytes) = message.small
            && let Some(slot) = self.producer.vacant(&slots)
        {
            message.chunk.copy_to(bytes, slots.line(slot));
            self.producer.fill(&slots, slot, Entry::IN_SLOT)
        } else {
            self.push_chunk(link, payloads, message.chunk, displaced)?
        };
        link.waker.wake();
        Ok(word)
    }

    /// Lends the chunk and pushes its entry.
    #[inline(never)]
    fn push_chunk(
        &self,
        link: &Link,
        payloads: &Payloads,
        chunk: Published<'_>,
        displaced: impl FnOnce(usize, Entry),
    ) -> Result<u64, Trouble> {
        link.lending.lend(payloads, chunk)?;
        let entry = Entry { segment: chunk.pool.number(), chunk: chunk.index };
        let slots = self.slots.view();
        if let Some(slot) = self.producer.vacant(&slots) {
            connection::set_next_chunk_hint(slots, slot, chunk.next());
            return Ok(self.producer.fill(&slots, slot, entry));
        }
        let slot = self.producer.next_slot();
        match self.producer.push(&slots, entry)? {
            Push::Done { word } => Ok(word),
            Push::Displaced { word, oldest } => {
                displaced(slot, oldest);
                link.lending.reclaim(payloads, oldest)?;
                Ok(word)
            }
            Push::Full => {
                // Lent a moment ago and never left.
                let _ = link.lending.reclaim(payloads, entry);
                Err(Trouble::Full)
            }
        }
    }
}

impl LaneReceiver {
    /// Remembers where the lane's request is.
    #[inline(always)]
    fn set_sent(&self, slot: Option<usize>, word: u64) {
        self.sent_slot.set(slot);
        self.sent_word.set(word);
        self.displaced.set(false);
    }
}

impl ClientTrack {
    /// Asks for the line in which the next request will go; `is_lone` if it is tiny and the only one.
    #[inline(always)]
    pub fn prefetch(&self, is_lone: bool) {
        if is_lone && self.shuttle.is_free() {
            SharedLine::of(&self.line).prefetch();
        } else {
            self.requests.producer.prefetch(&self.requests.slots.view());
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
        end.words.set_open(request.request_id);
        if is_lone && self.push_by_shuttle(link, end, request) {
            return Ok(());
        }
        if self.shuttle.has_message() {
            self.make_room(&displaced)?;
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
        if request.small.is_none() && link.lending.should_drain_returns() && link.lending.collect(payloads).is_err() {
            link.fail(payloads);
        }
        Ok(())
    }

    #[inline(always)]
    fn push_by_shuttle(&self, link: &Link, end: &LaneReceiver, request: Outgoing<'_>) -> bool {
        let Outgoing { chunk, request_id, lane, len, small } = request;
        let Some(bytes) = small.filter(|bytes| *bytes <= TINY_BYTES && len <= SHUTTLE_LEN_MAX) else { return false };
        if !self.is_shuttle_free() {
            return false;
        }
        let shared = SharedLine::of(&self.line);
        chunk.copy_body_to(bytes, shared.request());
        shared.set_request_id(request_id);
        let word = self.shuttle.send(&shared, request_id, lane as u32, len);
        link.waker.wake();
        end.set_sent(None, word);
        true
    }

    /// Whether the shuttle is free and nothing is in the channel that the server has to take first.
    #[inline(always)]
    fn is_shuttle_free(&self) -> bool {
        (self.shuttle.is_free() && self.newest_slot.get().is_none()) || self.poll_shuttle_free()
    }

    #[inline(never)]
    fn poll_shuttle_free(&self) -> bool {
        if self.newest_slot.get().is_some_and(|slot| self.requests.slots.view().load(slot) != 0) {
            return false;
        }
        self.newest_slot.set(None);
        self.shuttle.poll_free(&SharedLine::of(&self.line), |lane| self.lanes[lane].words.done())
    }

    /// Makes room in the channel behind a request that may still be in the shuttle.
    #[cold]
    #[inline(never)]
    fn make_room(&self, displaced: &impl Fn(u64, usize)) -> Result<(), Trouble> {
        let (request_id, lane) = self.shuttle.sent();
        match self.shuttle.make_room(&SharedLine::of(&self.line)) {
            Room::Free => {}
            Room::Full => return Err(Trouble::Full),
            Room::Displaced => displaced(request_id, lane),
        }
        Ok(())
    }

    /// Whether the server has not taken the request of a lane, or cannot any more.
    pub fn is_unread(&self, lane: usize) -> bool {
        let end = &self.lanes[lane];
        let word = match end.sent_slot.get() {
            None => SharedLine::of(&self.line).load(shuttle::REQUEST),
            Some(slot) => self.requests.slots.view().load(slot),
        };
        word == end.sent_word.get()
    }
}

impl ServerTrack {
    /// Asks for the slot of the next response to a request.
    #[inline(always)]
    pub fn prefetch(&self, lane: usize, request_id: u64) {
        // The server still has the shuttle that brought the request.
        if !self.shuttle.is_first(request_id) {
            let Outbound { producer, slots } = &self.lanes[lane].responses;
            producer.prefetch(&slots.view());
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
        if passes && self.shuttle.make_room(&SharedLine::of(&self.line)) == Room::Full {
            return Err(Trouble::Full);
        }
        if !self.lanes[lane].responses.producer.overflow {
            return self.push_within_the_limit(link, payloads, response);
        }
        self.push_into_lane(link, payloads, response)
    }

    #[inline(always)]
    fn push_by_shuttle(&self, link: &Link, response: Outgoing<'_>) -> bool {
        let Outgoing { chunk, request_id, len, small, .. } = response;
        self.shuttle.mark_answered();
        let Some(bytes) = small.filter(|bytes| *bytes <= TINY_BYTES && len <= SHUTTLE_LEN_MAX) else { return false };
        let shared = SharedLine::of(&self.line);
        chunk.copy_body_to(bytes, shared.reply());
        self.shuttle.reply(&shared, request_id, len);
        link.waker.wake();
        true
    }

    /// Without overflow. A lane has one slot more than responses may wait, for one that was pushed when its pending response had
    /// just ended: only those to this request count (RR-ACT-03).
    #[inline(never)]
    fn push_within_the_limit(&self, link: &Link, payloads: &Payloads, response: Outgoing<'_>) -> Result<(), Trouble> {
        let LaneSender { responses: Outbound { producer, slots }, pushed, .. } = &self.lanes[response.lane];
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
        if response.small.is_none() && link.lending.should_drain_returns() {
            link.lending.collect(payloads)?;
        }
        Ok(())
    }
}
