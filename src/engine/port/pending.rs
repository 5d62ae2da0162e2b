//! Pending responses, and the responses that they receive.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::rc::Rc;

use super::client_connection::ClientConnection;
use super::client_core::{ClientCore, Sent};
use super::remote::Unreadable;
use crate::engine::channel::Entry;
use crate::engine::channel::shuttle::Oldest;
use crate::engine::error::ReceiveError;
use crate::engine::id::Id;
use crate::engine::payload::{Kind, Payload, ResponseTypes};
use crate::engine::share::Share;
use crate::engine::shm::{Message, Plain, Received};

/// A request that was sent: receives its responses, from every server that answers, and no others (RR-PND-01).
///
/// Dropping it tells the servers that nobody listens any more.
#[derive(Debug)]
pub struct PendingResponse<Res: ?Sized, ResHeader = ()> {
    pub(super) core: Share<ClientCore>,
    pub(super) lane: u32,
    delivered: u32,
    pub(super) request_id: u64,
    types: ResponseTypes<Res, ResHeader>,
}

impl<Res: ?Sized, ResHeader> Drop for PendingResponse<Res, ResHeader> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(core) = self.core.take() {
            end(core, self.lane);
        }
    }
}

/// Ends a pending response; by value, so that dropping it does not take its address.
#[inline(never)]
fn end(core: Rc<ClientCore>, lane: u32) {
    core.close_lane(lane as usize);
    drop(core);
}

impl<Res: Payload + ?Sized, ResHeader: Plain> PendingResponse<Res, ResHeader> {
    #[inline(always)]
    pub(super) fn new(core: Share<ClientCore>, sent: Sent) -> Self {
        let Sent { lane, delivered, request_id } = sent;
        Self { core, lane, delivered, request_id, types: PhantomData }
    }

    #[inline(always)]
    fn listener(&self) -> Listener<'_, Res, ResHeader> {
        Listener { core: &self.core, lane: self.lane as usize, request_id: self.request_id, types: PhantomData }
    }

    /// Servers that the request was delivered to.
    pub fn number_of_server_connections(&self) -> usize {
        self.delivered as usize
    }

    /// Receives a response if there is one, from each server in turn.
    ///
    /// # Errors
    /// [`ReceiveError`]; nothing is lost.
    #[inline(always)]
    pub fn receive(&self) -> Result<Option<Response<Res, ResHeader>>, ReceiveError> {
        let listener = self.listener();
        let Some(mut turn) = self.core.first_answering(listener.lane) else { return Ok(None) };
        // A server whose overflow replaces whatever was found, again and again, is heard by the next call.
        for _ in 0..=self.core.service.settings().response_buffer {
            if let Ok(received) = listener.receive_from(turn) {
                return Ok(received);
            }
            let Some(found) = listener.search()? else { break };
            turn = found;
        }
        Ok(None)
    }

    /// Whether a receive that follows returns a response.
    ///
    /// # Errors
    /// [`ReceiveError::ConnectionCorrupted`].
    pub fn has_response(&self) -> Result<bool, ReceiveError> {
        self.listener().has_response()
    }

    /// Whether a server still holds the request, or will receive it (RR-PND-04, RR-PND-05). Responses that were sent before
    /// can be received even if not.
    pub fn is_connected(&self) -> bool {
        self.core.look_closely();
        self.is_answerable()
    }

    /// The same, as far as is known already.
    pub(super) fn is_answerable(&self) -> bool {
        let lane = self.lane as usize;
        let deliveries = self.core.lanes[lane].deliveries.borrow();
        deliveries.iter().any(|connection| ClientCore::is_answerable(connection, lane, self.request_id))
    }

    /// Hints to the servers that no more responses are wanted; both sides stay connected (RR-PND-07).
    pub fn set_disconnect_hint(&self) {
        let lane = self.lane as usize;
        for connection in self.core.lanes[lane].deliveries.borrow().iter() {
            connection.file.set_lane_hint(lane, self.request_id);
        }
    }
}

/// The common case is not the case, and nothing has changed.
struct Uncommon;

/// What receives for a pending response, without its address: a handle whose address nobody has stays in registers.
struct Listener<'a, Res: ?Sized, ResHeader> {
    core: &'a ClientCore,
    lane: usize,
    request_id: u64,
    types: ResponseTypes<Res, ResHeader>,
}

impl<Res: Payload + ?Sized, ResHeader: Plain> Listener<'_, Res, ResHeader> {
    /// The common case, in a straight line: the server of this number has sent a response that is what it has to be, or it
    /// is the only one and has sent nothing.
    #[inline(always)]
    fn receive_from(&self, turn: usize) -> Result<Option<Response<Res, ResHeader>>, Uncommon> {
        let place = &self.core.lanes[self.lane];
        let deliveries = place.deliveries.borrow();
        // Behind the last one it is the first one's turn.
        let turn = if turn < deliveries.len() { turn } else { 0 };
        let connection = deliveries.get(turn).ok_or(Uncommon)?;
        if connection.broken.get() {
            return Err(Uncommon);
        }
        let end = &connection.lanes[self.lane];
        let slots = &end.slots.view();
        let front = end.consumer.front(slots);
        // Behind the look into the lane: what came by the shuttle was sent before what is there.
        let in_shuttle = connection.front_in_shuttle(self.lane, self.request_id).map_err(|_| Uncommon)?;
        if let Some((carried, message)) = in_shuttle {
            return self.take(connection, turn, message, Oldest::InShuttle(carried)).map(Some);
        }
        let front = match front {
            Ok(Some(front)) => front,
            Ok(None) if deliveries.len() == 1 => {
                connection.shuttle.found_nothing();
                drop(deliveries);
                self.core.idle();
                return Ok(None);
            }
            _ => return Err(Uncommon),
        };
        let message = connection.message(end, front).map_err(|_| Uncommon)?;
        self.take(connection, turn, message, Oldest::InChannel(front)).map(Some)
    }

    /// Takes a message that was found, if it is what it has to be.
    #[inline(always)]
    fn take(
        &self,
        connection: &Rc<ClientConnection>,
        turn: usize,
        message: Message<'_>,
        oldest: Oldest,
    ) -> Result<Response<Res, ResHeader>, Uncommon> {
        let end = &connection.lanes[self.lane];
        let header = message.header();
        let len = header.len as usize;
        let borrowed = end.borrowed.get();
        if header.request_id != self.request_id
            || borrowed >= self.core.service.settings().max_borrowed_responses
            || (Res::KIND == Kind::Fixed && len != 1)
        {
            return Err(Uncommon);
        }
        let received = Received::new(message, self.core.response_layout.shape(Res::elements(len))).ok_or(Uncommon)?;
        // What the header said holds if it is taken: the entry was in the channel from the look to the taking.
        if !connection.take(end, oldest) {
            return Err(Uncommon);
        }
        end.borrowed.set(borrowed + 1);
        self.core.lanes[self.lane].turn.set(turn);
        // Lanes are counted in 32 bits.
        let borrow = Borrow { connection: Share::of(connection), lane: self.lane as u32, entry: oldest.entry() };
        Ok(Response { received, borrow })
    }

    /// Looks for a server of which a response can be received now, beginning with the one whose turn it is.
    ///
    /// Says only which: what a call has written itself could not stay in registers.
    #[cold]
    #[inline(never)]
    fn search(&self) -> Result<Option<usize>, ReceiveError> {
        let place = &self.core.lanes[self.lane];
        let mut error = None;
        {
            let deliveries = place.deliveries.borrow();
            let count = deliveries.len();
            let mut turn = place.turn.get();
            for _ in 0..count {
                turn = if turn + 1 >= count { 0 } else { turn + 1 };
                match self.look_at(&deliveries[turn]) {
                    Ok(false) => {}
                    Ok(true) => return Ok(Some(turn)),
                    Err(reason) => error = Some(reason),
                }
            }
        }
        self.core.idle();
        error.map_or(Ok(None), Err)
    }

    /// Whether a response of this server can be received.
    fn look_at(&self, connection: &ClientConnection) -> Result<bool, ReceiveError> {
        let front = self.front(connection).map_err(|reason| self.unreadable(connection, reason))?;
        let Some(message) = front else { return Ok(false) };
        let max = self.core.service.settings().max_borrowed_responses;
        if connection.lanes[self.lane].borrowed.get() >= max {
            return Err(ReceiveError::ExceedsMaxBorrows { max });
        }
        let len = usize::try_from(message.header().len).ok().filter(|len| Res::KIND == Kind::Slice || *len == 1);
        let received =
            len.and_then(|len| Received::<Res::Element, ResHeader>::new(message, self.core.response_layout.shape(len)));
        if received.is_some() { Ok(true) } else { Err(self.unreadable(connection, Unreadable::Garbage)) }
    }

    fn has_response(&self) -> Result<bool, ReceiveError> {
        let mut error = None;
        for connection in self.core.lanes[self.lane].deliveries.borrow().iter() {
            match self.front(connection) {
                Ok(Some(_)) => return Ok(true),
                Ok(None) => {}
                Err(reason) => error = Some(self.unreadable(connection, reason)),
            }
        }
        self.core.idle();
        error.map_or(Ok(false), Err)
    }

    #[cold]
    fn unreadable(&self, connection: &ClientConnection, reason: Unreadable) -> ReceiveError {
        if reason == Unreadable::CannotMap {
            return ReceiveError::CannotMap;
        }
        connection.fail(&self.core.payloads);
        ReceiveError::ConnectionCorrupted
    }

    /// The oldest response to this request, with what belongs to others out of the way.
    fn front<'a>(&self, connection: &'a ClientConnection) -> Result<Option<Message<'a>>, Unreadable> {
        if connection.broken.get() {
            return Ok(None);
        }
        // Bounded by what can be in the lane; a server that goes on sending is heard by the next call.
        for _ in 0..=self.core.service.settings().response_buffer {
            let Some((oldest, message)) = connection.front(self.lane, self.request_id)? else { return Ok(None) };
            if message.header().request_id == self.request_id {
                return Ok(Some(message));
            }
            // Sent by an active request whose pending response is gone: nobody's any more (RR-ACT-03). What may have
            // displaced it meanwhile does not go with it.
            connection.refuse(self.lane, oldest);
        }
        Ok(None)
    }
}

/// Counts a held response, and gives it back.
#[derive(Debug)]
struct Borrow {
    connection: Share<ClientConnection>,
    lane: u32,
    entry: Entry,
}

impl Drop for Borrow {
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
    let borrowed = &connection.lanes[lane as usize].borrowed;
    borrowed.set(borrowed.get() - 1);
    connection.give_back(entry);
    drop(connection);
}

/// A received response: readable and unchanged until it is dropped, whatever becomes of its server (RR-PND-08).
pub struct Response<Res: Payload + ?Sized, ResHeader = ()> {
    received: Received<Res::Element, ResHeader>,
    borrow: Borrow,
}

impl<Res: Payload + ?Sized, ResHeader: Plain> Response<Res, ResHeader> {
    /// The payload.
    #[inline(always)]
    pub fn payload(&self) -> &Res {
        Res::view(self.received.payload())
    }

    /// The user header.
    pub fn user_header(&self) -> &ResHeader {
        self.received.header()
    }

    /// The server that sent it.
    pub fn server_id(&self) -> Id {
        self.borrow.connection.server
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> Deref for Response<Res, ResHeader> {
    type Target = Res;
    fn deref(&self) -> &Res {
        self.payload()
    }
}

impl<Res, ResHeader> fmt::Debug for Response<Res, ResHeader>
where
    Res: Payload + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Response").field(&self.received).finish()
    }
}
