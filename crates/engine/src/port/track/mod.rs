//! How a message travels: by the shuttle, in the slot of a channel, or in a chunk that a slot names. All others push a message
//! and take one; which way it goes is decided here, by its size and by what is under way.
//!
//! Here are the ends of a channel. [`client`] and [`server`] have what is before them: the shuttle, whose message is older than
//! those in the channel.

pub(super) mod client;
pub(super) mod server;

use super::link::Link;
use super::link::lending::Trouble;
use super::link::remote::Unreadable;
use super::payloads::Payloads;
pub(super) use crate::channel::shuttle::Oldest;
use crate::channel::{Entry, Front, Garbage, OffsetConsumer, OffsetProducer, Push, Slots};
use crate::connection;
use crate::shm::{Lines, Message, Published};

/// A message on its way, which its chunk holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub chunk: Published<'a>,
    pub request_id: u64,
    pub lane: usize,
    /// Elements.
    pub len: usize,
    /// Its bytes if it travels in slots.
    pub small: Option<usize>,
}

/// What was found, still where it is: to be taken if it is what it has to be.
pub(super) type Found<'a> = (Oldest, Message<'a>);

/// The sender's end of a channel.
#[derive(Debug)]
pub(super) struct Outbound {
    producer: OffsetProducer,
    slots: Lines,
}

impl Outbound {
    pub fn new(slots: &Lines, overflow: bool) -> Self {
        Self { producer: OffsetProducer::new(slots.len(), overflow), slots: slots.clone() }
    }

    /// Asks for the slot of the next message.
    #[inline(always)]
    fn warm(&self) {
        self.producer.warm(&self.slots.view());
    }

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
        let entry = Entry { segment: chunk.segment(), chunk: chunk.index() };
        let slots = self.slots.view();
        if let Some(slot) = self.producer.vacant(&slots) {
            connection::set_next_of(slots, slot, chunk.next());
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

/// The receiver's end of a channel.
#[derive(Debug)]
pub(super) struct Inbound {
    consumer: OffsetConsumer,
    slots: Lines,
}

/// Why nothing is seen, and which entry it is that shows nothing.
struct Blocked {
    reason: Unreadable,
    front: Option<Front>,
}

impl From<Garbage> for Blocked {
    fn from(garbage: Garbage) -> Self {
        Self { reason: garbage.into(), front: None }
    }
}

impl Inbound {
    pub fn new(slots: &Lines, overflow: bool) -> Self {
        Self { consumer: OffsetConsumer::new(slots.len(), overflow), slots: slots.clone() }
    }

    /// Whether there is nothing to take: one load.
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.consumer.is_empty(&self.slots.view())
    }

    /// Whether any slot has something, in whichever order it is to be taken.
    pub fn has_any(&self) -> bool {
        let slots = self.slots.view();
        (0..self.slots.len()).any(|slot| slots.load(slot) != 0)
    }

    /// A look at the oldest message, which changes nothing. `ahead` looks at what was sent before the channel's.
    #[inline(always)]
    fn look<'a>(
        &'a self,
        link: &Link,
        ahead: impl FnOnce() -> Result<Option<Found<'a>>, Garbage>,
    ) -> Result<Option<Found<'a>>, Blocked> {
        let slots = self.slots.view();
        let front = self.consumer.front(&slots);
        // Behind the look into the channel: what is ahead of it was sent before what is there.
        if let Some(found) = ahead()? {
            return Ok(Some(found));
        }
        let Some(front) = front? else { return Ok(None) };
        match link.message(front, slots) {
            Ok(message) => Ok(Some((Oldest::InChannel(front), message))),
            Err(reason) => Err(Blocked { reason, front: Some(front) }),
        }
    }

    /// The oldest message. One that cannot be read any more is skipped.
    fn front<'a>(
        &'a self,
        link: &Link,
        ahead: impl Fn() -> Result<Option<Found<'a>>, Garbage>,
    ) -> Result<Option<Found<'a>>, Unreadable> {
        // A sender that goes on sending is heard by the next call.
        for _ in 0..=self.slots.len() {
            match self.look(link, &ahead) {
                Ok(found) => return Ok(found),
                Err(Blocked { reason, front: None }) => return Err(reason),
                Err(Blocked { reason, front: Some(front) }) => self.skip(link, front, reason)?,
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

    /// Takes a message that was found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    fn take(&self, front: Front) -> bool {
        self.consumer.take_front(&self.slots.view(), front)
    }

    /// Gives back everything unread.
    #[inline(always)]
    fn drain(&self, link: &Link) -> Result<(), Garbage> {
        if self.is_empty() { Ok(()) } else { self.drain_some(link) }
    }

    #[cold]
    #[inline(never)]
    fn drain_some(&self, link: &Link) -> Result<(), Garbage> {
        // A sender that goes on sending is heard by the next call.
        for _ in 0..self.slots.len() {
            let Some(entry) = self.consumer.take(&self.slots.view())? else { break };
            link.give_back(entry);
        }
        Ok(())
    }
}
