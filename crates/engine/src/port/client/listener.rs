//! How the responses to a request are found and taken, held and given back.

use std::marker::PhantomData;
use std::rc::Rc;

use crate::channel::Entry;
use crate::error::ReceiveError;
use crate::id::Id;
use crate::ownership::Share;
use crate::payload::{Kind, Payload, ResponseTypes};
use crate::port::client::core::{ClientConnection, ClientCore};
use crate::port::link::remote::Unreadable;
use crate::port::message::ReceivedMessage;
use crate::port::track::{ClientTrack, NotTaken, Oldest, Peer, Takes};
use crate::shm::{Message, Plain, Received};

/// Counts a held response, and gives it back.
#[derive(Debug)]
pub struct ResponseHold {
    connection: Share<ClientConnection>,
    lane: u32,
    entry: Entry,
}

impl Drop for ResponseHold {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            give_back(connection, self.lane, self.entry);
        }
    }
}

/// Ends the borrowing of a response; by value, so that dropping it does not take its address.
#[inline(never)]
fn give_back(connection: Rc<ClientConnection>, lane: u32, entry: Entry) {
    let borrowed = &connection.track.lanes[lane as usize].borrowed;
    borrowed.set(borrowed.get() - 1);
    connection.give_back(entry);
    drop(connection);
}

/// A received response: readable and unchanged until it is dropped, whatever becomes of its server
/// ([RR-PND-08](crate#requirements)).
pub type Response<Res, ResHeader = ()> = ReceivedMessage<Res, ResHeader, ResponseHold>;

impl<Res: Payload + ?Sized, ResHeader: Plain> Response<Res, ResHeader> {
    /// The server that sent it.
    pub fn server_id(&self) -> Id {
        self.hold.connection.peer
    }
}

/// What receives for a pending response, without its address: a handle whose address nobody has stays in registers.
pub(in crate::port) struct Listener<'a, Res: ?Sized, ResHeader> {
    pub core: &'a ClientCore,
    pub lane: usize,
    pub request_id: u64,
    pub types: ResponseTypes<Res, ResHeader>,
}

impl<'a, Res: Payload + ?Sized, ResHeader: Plain> Listener<'a, Res, ResHeader> {
    /// Slow path: the server to receive from, beginning with the one whose turn it is.
    ///
    /// Says only which, and of a listener's parts: what a call has written itself, or can look at, does not stay in
    /// registers.
    #[cold]
    #[inline(never)]
    pub fn find(
        core: &'a ClientCore,
        lane: usize,
        request_id: u64,
        tries: usize,
    ) -> Result<Option<usize>, ReceiveError> {
        // A server whose overflow replaces whatever was found, again and again, is served by the next call.
        if tries > core.service.settings().response_slots() {
            return Ok(None);
        }
        let (listener, place) = (Self { core, lane, request_id, types: PhantomData }, &core.lanes[lane]);
        let found = place.turn.search(&place.deliveries.borrow(), |connection| listener.can_receive_from(connection));
        core.tell_if_nothing(found)
    }

    /// Whether a response of this server can be received.
    fn can_receive_from(&self, connection: &ClientConnection) -> Result<bool, ReceiveError> {
        let Some(message) = self.front(connection)? else { return Ok(false) };
        let max = self.core.borrows_max;
        if connection.track.lanes[self.lane].borrowed.get() >= max {
            return Err(ReceiveError::ExceedsMaxBorrows { max });
        }
        let is_sound = self.core.received_layout.fits::<Res, ResHeader>(message);
        if is_sound { Ok(true) } else { Err(connection.unreadable(&self.core.payloads, Unreadable::Garbage)) }
    }

    pub fn has_response(&self) -> Result<bool, ReceiveError> {
        let place = &self.core.lanes[self.lane];
        let found = place.turn.search(&place.deliveries.borrow(), |connection| Ok(self.front(connection)?.is_some()));
        self.core.tell_if_nothing(found).map(|found| found.is_some())
    }

    /// The oldest response to this request, with what belongs to others out of the way.
    fn front<'b>(&self, connection: &'b ClientConnection) -> Result<Option<Message<'b>>, ReceiveError> {
        if connection.broken.get() {
            return Ok(None);
        }
        // Bounded by what can be in the lane; a server that goes on sending is served by the next call.
        for _ in 0..=self.core.service.settings().response_slots() {
            let front = connection.track.front(connection, self.lane, self.request_id);
            let front = front.map_err(|reason| connection.unreadable(&self.core.payloads, reason))?;
            let Some((oldest, message)) = front else { return Ok(None) };
            if message.header().request_id == self.request_id {
                return Ok(Some(message));
            }
            // Sent by an active request whose pending response is gone: nobody's any more (RR-ACT-03). What may have
            // displaced it meanwhile does not go with it.
            if connection.track.take(&connection.track.lanes[self.lane], oldest) {
                connection.give_back(oldest.entry());
            }
        }
        Ok(None)
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> Takes for Listener<'_, Res, ResHeader> {
    type Ends = ClientTrack;
    type Taken = Response<Res, ResHeader>;

    #[inline(always)]
    fn take_oldest(&self, peer: Peer<'_, ClientTrack>) -> Result<Self::Taken, NotTaken> {
        peer.0.track.receive(self, peer, (self.lane, self.request_id))
    }

    #[inline(always)]
    fn take(&self, peer: Peer<'_, ClientTrack>, message: Message<'_>, oldest: Oldest) -> Result<Self::Taken, NotTaken> {
        let (connection, turn) = peer;
        let end = &connection.track.lanes[self.lane];
        let header = message.header();
        let len = header.len as usize;
        let borrowed = end.borrowed.get();
        if header.request_id != self.request_id
            || borrowed >= self.core.borrows_max
            || (Res::KIND == Kind::Fixed && len != 1)
        {
            return Err(NotTaken::Miss);
        }
        let received =
            Received::new(message, self.core.received_layout.shape(Res::elements(len))).ok_or(NotTaken::Miss)?;
        // What the header said holds if it is taken: the entry was in the channel from the look to the taking.
        if !connection.track.take(end, oldest) {
            return Err(NotTaken::Miss);
        }
        end.borrowed.set(borrowed + 1);
        self.core.lanes[self.lane].turn.last.set(turn);
        // Lanes are counted in 32 bits.
        let hold = ResponseHold { connection: Share::of(connection), lane: self.lane as u32, entry: oldest.entry() };
        Ok(Response { received, hold })
    }
}
