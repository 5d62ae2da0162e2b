//! Pending responses, and the responses that they receive.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::rc::Rc;

use super::client_connection::ClientConnection;
use super::client_core::{ClientCore, Sent};
use super::remote::Unreadable;
use crate::engine::channel::{Entry, Front};
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
        self.core.close_lane(self.lane as usize);
    }
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
        match listener.receive_commonly() {
            Ok(received) => Ok(received),
            // Taken apart and put together: what a call has written would have to stay in memory.
            Err(Uncommon) => match listener.receive_in_turn() {
                Ok(Some(response)) => Ok(Some(response)),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            },
        }
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

/// What became of one look at one server's lane.
enum Look<T> {
    Nothing,
    Full,
    Received(T),
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
    /// One server, and a response that is what it has to be, or none: in a straight line.
    #[inline(always)]
    fn receive_commonly(&self) -> Result<Option<Response<Res, ResHeader>>, Uncommon> {
        let place = &self.core.lanes[self.lane];
        let deliveries = place.deliveries.borrow();
        let [connection] = &deliveries[..] else { return Err(Uncommon) };
        let end = &connection.lanes[self.lane];
        let front = match end.consumer.front(&end.slots) {
            Ok(Some(front)) => front,
            Ok(None) => {
                drop(deliveries);
                self.core.idle();
                return Ok(None);
            }
            Err(_) => return Err(Uncommon),
        };
        let Ok(message) = connection.message(end, front) else { return Err(Uncommon) };
        let header = message.header();
        let len = header.len as usize;
        let borrowed = end.borrowed.get();
        if header.request_id != self.request_id
            || borrowed >= self.core.service.settings().max_borrowed_responses
            || (Res::KIND == Kind::Fixed && len != 1)
        {
            return Err(Uncommon);
        }
        let received = Received::new(message, self.core.response_layout.shape(len)).ok_or(Uncommon)?;
        // What the header said holds if it is taken: the entry was in the channel from the look to the taking.
        if !end.consumer.take_front(&end.slots, front) {
            return Err(Uncommon);
        }
        end.borrowed.set(borrowed + 1);
        Ok(Some(Response { received, borrow: Borrow::new(connection, self.lane, front) }))
    }

    #[cold]
    #[inline(never)]
    fn receive_in_turn(&self) -> Result<Option<Response<Res, ResHeader>>, ReceiveError> {
        let place = &self.core.lanes[self.lane];
        let mut error = None;
        {
            let deliveries = place.deliveries.borrow();
            let count = deliveries.len();
            let mut turn = place.turn.get();
            for _ in 0..count {
                turn = if turn + 1 >= count { 0 } else { turn + 1 };
                let connection = &deliveries[turn];
                match self.receive_from(connection) {
                    Ok(Look::Nothing) => {}
                    Ok(Look::Full) => {
                        let max = self.core.service.settings().max_borrowed_responses;
                        error = Some(ReceiveError::ExceedsMaxBorrows { max });
                    }
                    Ok(Look::Received(response)) => {
                        place.turn.set(turn);
                        return Ok(Some(response));
                    }
                    Err(reason) => error = Some(self.unreadable(connection, reason)),
                }
            }
        }
        self.core.idle();
        error.map_or(Ok(None), Err)
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

    /// The oldest response to this request, with what belongs to others out of the way; `len` of its header, and its message.
    fn front(&self, connection: &ClientConnection) -> Result<Option<(Front, u64, Message)>, Unreadable> {
        // Bounded by what can be in the lane; a server that goes on sending is heard by the next call.
        let looks_max = self.core.service.settings().response_buffer + 1;
        for _ in 0..looks_max {
            let Some((front, message)) = connection.front(self.lane)? else { return Ok(None) };
            let header = message.header();
            if header.request_id == self.request_id {
                return Ok(Some((front, header.len, message)));
            }
            // Sent by an active request whose pending response is gone: nobody's any more (RR-ACT-03). What may have
            // displaced it meanwhile does not go with it.
            connection.refuse(self.lane, front);
        }
        Ok(None)
    }

    fn receive_from(&self, connection: &Rc<ClientConnection>) -> Result<Look<Response<Res, ResHeader>>, Unreadable> {
        let end = &connection.lanes[self.lane];
        let looks_max = self.core.service.settings().response_buffer + 1;
        for _ in 0..looks_max {
            let Some((front, len, message)) = self.front(connection)? else { return Ok(Look::Nothing) };
            if end.borrowed.get() >= self.core.service.settings().max_borrowed_responses {
                return Ok(Look::Full);
            }
            if !end.consumer.take_front(&end.slots, front) {
                // Overflow put another one in its place.
                continue;
            }
            // What the header said holds: the entry was in the channel from the look to the taking.
            let len = usize::try_from(len).map_err(|_| Unreadable::Garbage)?;
            if Res::KIND == Kind::Fixed && len != 1 {
                return Err(Unreadable::Garbage);
            }
            let received = Received::new(message, self.core.response_layout.shape(len)).ok_or(Unreadable::Garbage)?;
            end.borrowed.set(end.borrowed.get() + 1);
            return Ok(Look::Received(Response { received, borrow: Borrow::new(connection, self.lane, front) }));
        }
        Ok(Look::Nothing)
    }
}

/// Counts a held response, and gives it back.
#[derive(Debug)]
struct Borrow {
    connection: Share<ClientConnection>,
    lane: u32,
    entry: Entry,
}

impl Borrow {
    #[inline(always)]
    fn new(connection: &Rc<ClientConnection>, lane: usize, front: Front) -> Self {
        // Lanes are counted in 32 bits.
        Self { connection: Share::of(connection), lane: lane as u32, entry: front.entry() }
    }
}

impl Drop for Borrow {
    #[inline(always)]
    fn drop(&mut self) {
        let borrowed = &self.connection.lanes[self.lane as usize].borrowed;
        borrowed.set(borrowed.get() - 1);
        self.connection.give_back(self.entry);
    }
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
