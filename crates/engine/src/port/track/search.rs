//! How a message is looked for where the fast path does not apply: by a peer's turn, with those out of the way that cannot be
//! read, or that nobody waits for.

use std::rc::Rc;

use super::inbound::{Found, Turn};
use super::{ClientTrack, Inbound, ServerTrack};
use crate::channel::shuttle::Oldest;
use crate::channel::{Front, Garbage};
use crate::connection;
use crate::port::link::Link;
use crate::port::link::remote::Unreadable;

impl Turn {
    /// Looks for a peer of which something can be received now, beginning with the one whose turn it is. If none is found, the
    /// last reason why.
    pub fn search<C, E>(
        &self,
        peers: &[Rc<C>],
        mut look_at: impl FnMut(&C) -> Result<bool, E>,
    ) -> Result<Option<usize>, E> {
        let mut error = None;
        let mut turn = self.last.get();
        for _ in 0..peers.len() {
            turn = if turn + 1 >= peers.len() { 0 } else { turn + 1 };
            match look_at(&peers[turn]) {
                Ok(false) => {}
                Ok(true) => return Ok(Some(turn)),
                Err(reason) => error = Some(reason),
            }
        }
        error.map_or(Ok(None), Err)
    }
}

impl Inbound {
    /// Whether any slot has something, in whichever order it is to be taken.
    pub fn has_any(&self) -> bool {
        connection::all_words(&self.slots).any(|word| word != 0)
    }

    /// The oldest message. One that cannot be read any more is skipped.
    fn front<'a>(
        &'a self,
        link: &Link,
        ahead: impl Fn() -> Result<Option<Found<'a>>, Garbage>,
    ) -> Result<Option<Found<'a>>, Unreadable> {
        let slots = self.slots.view();
        // A sender that goes on sending is served by the next call.
        for _ in 0..=self.slots.len() {
            let front = self.consumer.front(&slots)?;
            // As in `receive`: what is in the shuttle was sent before.
            if let Some(found) = ahead()? {
                return Ok(Some(found));
            }
            let Some(front) = front else { return Ok(None) };
            match link.remote.message(front, slots, &link.file) {
                Ok(message) => return Ok(Some((Oldest::InChannel(front), message))),
                Err(reason) => self.skip(link, front, reason)?,
            }
        }
        Ok(None)
    }

    /// Skips a message that cannot be read and never will be.
    #[cold]
    fn skip(&self, link: &Link, front: Front, reason: Unreadable) -> Result<(), Unreadable> {
        match reason {
            Unreadable::CannotMap => return Err(reason),
            Unreadable::Gone | Unreadable::Lost => {
                if self.take(front) {
                    link.give_back(front.entry());
                }
            }
            // One that was displaced may be gone with its segment, and is nothing to read.
            Unreadable::Garbage if !self.take(front) => return Ok(()),
            Unreadable::Garbage => {}
        }
        if reason == Unreadable::Gone { Ok(()) } else { Err(reason) }
    }

    /// Gives back everything unread.
    #[inline(always)]
    pub fn drain(&self, link: &Link) -> Result<(), Garbage> {
        if self.is_empty() { Ok(()) } else { self.drain_some(link) }
    }

    #[cold]
    #[inline(never)]
    fn drain_some(&self, link: &Link) -> Result<(), Garbage> {
        // A sender that goes on sending is served by the next call.
        for _ in 0..self.slots.len() {
            let Some(entry) = self.consumer.take(&self.slots.view())? else { break };
            link.give_back(entry);
        }
        Ok(())
    }
}

impl ClientTrack {
    /// The same of any slot of the lane.
    pub fn has_any(&self, lane: usize, request_id: u64) -> bool {
        self.has_answered(lane, request_id) || self.lanes[lane].responses.has_any()
    }

    /// The oldest one, still where it is, with those out of the way that cannot be read any more.
    pub fn front<'a>(&'a self, link: &'a Link, lane: usize, request_id: u64) -> Result<Option<Found<'a>>, Unreadable> {
        let found = |word| (Oldest::InShuttle(word), self.in_shuttle(word, lane, request_id));
        self.lanes[lane].responses.front(link, || Ok(self.poll_shuttle(request_id)?.map(found)))
    }
}

impl ServerTrack {
    /// The oldest one, still where it is, with those out of the way that cannot be read any more.
    pub fn front<'a>(&'a self, link: &'a Link) -> Result<Option<Found<'a>>, Unreadable> {
        self.requests
            .front(link, || Ok(self.poll_shuttle()?.map(|word| (Oldest::InShuttle(word), self.in_shuttle(word)))))
    }

    /// A lane that a client has written.
    #[inline(always)]
    pub fn lane_of(&self, lane: u64) -> Result<usize, Garbage> {
        usize::try_from(lane).ok().filter(|lane| *lane < self.lanes.len()).ok_or(Garbage)
    }
}
