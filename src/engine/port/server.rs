//! Servers.

use std::marker::PhantomData;
use std::rc::Rc;

use super::active::ActiveRequest;
use super::server_connection::ServerConnection;
use super::server_core::ServerCore;
use crate::engine::error::ReceiveError;
use crate::engine::id::Id;
use crate::engine::payload::{Kind, Payload, Types};
use crate::engine::share::Share;
use crate::engine::shm::{Plain, Received};

/// Receives requests and answers them; from [`Service::server_builder`](crate::engine::Service::server_builder).
///
/// Dropping it frees its place in the service and refuses what it has not received. Its active requests stay valid.
#[derive(Debug)]
pub struct Server<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
    pub(super) core: Rc<ServerCore>,
    types: Types<Req, Res, ReqHeader, ResHeader>,
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Drop for Server<Req, Res, ReqHeader, ResHeader> {
    fn drop(&mut self) {
        self.core.leave();
    }
}

impl<Req, Res, ReqHeader, ResHeader> Server<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain + Default,
    ResHeader: Plain + Default,
{
    pub(super) fn new(core: Rc<ServerCore>) -> Self {
        Self { core, types: PhantomData }
    }

    /// Identity, in the header of everything it sends.
    pub fn id(&self) -> Id {
        self.core.id
    }

    /// Elements that fit a loan without growing.
    pub fn max_slice_len(&self) -> usize {
        self.core.payloads.len_max()
    }

    /// Payload segments that there are: one, and those that were outgrown and still hold a chunk.
    pub fn segments(&self) -> usize {
        self.core.bring_home();
        self.core.payloads.segments()
    }

    /// Chunks of the payload segment that are loaned, on their way or held by clients, as far as is known.
    pub fn chunks_in_use(&self) -> usize {
        self.core.bring_home();
        self.core.payloads.in_use()
    }

    /// Receives a request if there is one, from each client in turn (RR-SND-12).
    ///
    /// # Errors
    /// [`ReceiveError::ExceedsMaxBorrows`] if all that waits comes from clients of which as many active requests are held as
    /// are allowed; nothing is lost.
    #[inline(always)]
    pub fn receive(&self) -> Result<Option<ActiveRequest<Req, Res, ReqHeader, ResHeader>>, ReceiveError> {
        let core = &self.core;
        core.follow_changes();
        // The common case, in a straight line: the client whose turn it is has sent a request that is what it has to be.
        // Whatever is otherwise is looked at anew, with nothing changed.
        'common: {
            let connections = core.connections.borrow();
            let next = core.turn.get() + 1;
            let turn = if next >= connections.len() { 0 } else { next };
            let Some(connection) = connections.get(turn) else { break 'common };
            if connection.broken.get() || !core.service.settings().fire_and_forget {
                break 'common;
            }
            let slots = connection.file.requests();
            let front = match connection.incoming.front(slots) {
                Ok(Some(front)) => front,
                Ok(None) if connections.len() == 1 => {
                    drop(connections);
                    core.idle();
                    return Ok(None);
                }
                _ => break 'common,
            };
            let Ok(message) = connection.message(front) else { break 'common };
            let header = message.header();
            let len = header.len as usize;
            let Some(start) = connection.lanes.get(header.lane as usize) else { break 'common };
            if Req::KIND == Kind::Fixed && len != 1 {
                break 'common;
            }
            let Some(received) = Received::new(message, core.request_layout.shape(len)) else {
                break 'common;
            };
            let Some(place) = connection.places.enter() else { break 'common };
            // What the header said holds if it is taken: the entry was in the channel from the look to the taking.
            if !connection.incoming.take_front(slots, front) {
                connection.places.leave(place);
                break 'common;
            }
            start.newest.set(header.request_id);
            core.turn.set(turn);
            let ids = (header.lane as u32, header.request_id, place);
            let (core, connection) = (Share::of(core), Share::of(connection));
            return Ok(Some(ActiveRequest::new(core, connection, received, front.entry(), ids)));
        }
        // Taken apart and put together: what a call has written would have to stay in memory.
        match self.receive_in_turn() {
            Ok(Some(active)) => Ok(Some(active)),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cold]
    #[inline(never)]
    fn receive_in_turn(&self) -> Result<Option<ActiveRequest<Req, Res, ReqHeader, ResHeader>>, ReceiveError> {
        let core = &self.core;
        let mut error = None;
        {
            let connections = core.connections.borrow();
            let count = connections.len();
            let mut turn = core.turn.get();
            for _ in 0..count {
                turn = if turn + 1 >= count { 0 } else { turn + 1 };
                match self.receive_from(&connections[turn]) {
                    Ok(None) => {}
                    Ok(Some(active)) => {
                        core.turn.set(turn);
                        return Ok(Some(active));
                    }
                    Err(reason) => error = Some(reason),
                }
            }
        }
        core.idle();
        error.map_or(Ok(None), Err)
    }

    fn receive_from(
        &self,
        connection: &Rc<ServerConnection>,
    ) -> Result<Option<ActiveRequest<Req, Res, ReqHeader, ResHeader>>, ReceiveError> {
        let core = &self.core;
        if connection.broken.get() {
            return Ok(None);
        }
        if connection.places.is_full() {
            return if core.front(connection)? {
                Err(ReceiveError::ExceedsMaxBorrows { max: core.service.settings().max_active_requests })
            } else {
                Ok(None)
            };
        }
        // Requests that are skipped are bounded by the channel; a client that goes on sending is heard by the next call.
        let looks_max = core.service.settings().max_active_requests + 1;
        for _ in 0..looks_max {
            let front = connection.front().map_err(|reason| core.unreadable(connection, reason))?;
            let Some((front, message)) = front else { return Ok(None) };
            // What it says holds if the entry is taken: it was in the channel from the look to the taking.
            let header = message.header();
            let Ok(lane) = connection.lane_of(header.lane) else { return Err(core.corrupted(connection)) };
            if core.is_unwanted(connection, lane, header.request_id) {
                connection.refuse(front, header.request_id, lane);
                continue;
            }
            if !connection.take(front, header.request_id, lane) {
                // Overflow put another one in its place.
                continue;
            }
            let len = usize::try_from(header.len).ok().filter(|len| Req::KIND == Kind::Slice || *len == 1);
            let received = len.and_then(|len| Received::new(message, core.request_layout.shape(len)));
            let Some(received) = received else { return Err(core.corrupted(connection)) };
            let place = connection.places.enter();
            // There is a free place: looked at above, and nothing has been received since.
            let Some(place) = place else { return Ok(None) };
            let ids = (lane as u32, header.request_id, place);
            let (core, connection) = (Share::of(core), Share::of(connection));
            return Ok(Some(ActiveRequest::new(core, connection, received, front.entry(), ids)));
        }
        Ok(None)
    }

    /// Whether a receive that follows returns a request, or says that too many are held (RR-FNF-04).
    ///
    /// # Errors
    /// [`ReceiveError::ConnectionCorrupted`].
    pub fn has_requests(&self) -> Result<bool, ReceiveError> {
        self.core.has_requests()
    }
}
