//! Servers.

pub(super) mod active;
pub(super) mod core;

use std::marker::PhantomData;
use std::rc::Rc;

use crate::error::ReceiveError;
use crate::id::Id;
use crate::ownership::Share;
use crate::payload::{Kind, Payload, Types};
use crate::port::link::remote::Unreadable;
use crate::port::member::sync_state::Port;
use crate::port::server::active::{ActiveRequest, RequestHold};
use crate::port::server::core::{ServerConnection, ServerCore};
use crate::port::track::{NotTaken, Oldest, Peer, ServerTrack, Takes};
use crate::shm::{Message, Plain, Received};

/// Receives requests and answers them; from [`Service::server_builder`](crate::Service::server_builder).
///
/// Dropping it frees its place in the service and refuses what it has not received. Its active requests stay valid.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// use std::time::Duration;
///
/// use shmark_engine::Waited;
///
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// # let client = service.client_builder().create()?;
/// let server = service.server_builder().create()?;
/// # let pending = client.send_copy(20)?;
/// match server.receive_timeout(Duration::from_secs(1))? {
///     Waited::Received(request) => request.send_copy(*request + 1)?,
///     Waited::Timeout => println!("nobody asks"),
///     Waited::Disconnected => println!("the last client has gone"),
/// }
/// # assert_eq!(pending.receive()?.as_deref(), Some(&21));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`receive`](Self::receive) never waits; [`WaitSet`](crate::WaitSet) and [`PollSet`](crate::PollSet) wait for several
/// servers at once.
#[derive(Debug)]
pub struct Server<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
    pub(in crate::port) core: Rc<ServerCore>,
    types: Types<Req, Res, ReqHeader, ResHeader>,
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Drop for Server<Req, Res, ReqHeader, ResHeader> {
    fn drop(&mut self) {
        self.core.leave();
    }
}

impl<Req: Payload + ?Sized, Res: Payload + ?Sized, ReqHeader: Plain, ResHeader: Plain>
    Server<Req, Res, ReqHeader, ResHeader>
{
    pub(in crate::port) fn new(core: Rc<ServerCore>) -> Self {
        Self { core, types: PhantomData }
    }

    /// Identity, in the header of everything it sends.
    pub fn id(&self) -> Id {
        self.core.id
    }

    /// Elements that fit a loan without growing.
    pub fn max_slice_len(&self) -> usize {
        self.core.payloads.len_max.get()
    }

    /// Payload segments that there are: one, and those that were outgrown and still hold a chunk.
    pub fn segments(&self) -> usize {
        self.core.reclaim_returned();
        self.core.payloads.segments()
    }

    /// Chunks of the payload segment that are loaned, in flight or held by clients, as far as is known.
    pub fn chunks_in_use(&self) -> usize {
        self.core.reclaim_returned();
        self.core.payloads.in_use()
    }

    /// Receives a request if there is one, from each client in turn ([RR-SND-12](crate#requirements)).
    ///
    /// # Errors
    /// [`ReceiveError::ExceedsMaxBorrows`] if all that waits comes from clients of which as many active requests are held as
    /// are allowed; nothing is lost.
    #[inline(always)]
    pub fn receive(&self) -> Result<Option<ActiveRequest<Req, Res, ReqHeader, ResHeader>>, ReceiveError> {
        self.core.follow_changes();
        let mut turn = self.core.next_with_request();
        if turn.is_none() && !self.core.sync_state.needs_attention.get() {
            return Ok(None);
        }
        let mut tries = 0;
        loop {
            if let Some(turn) = turn
                && let Ok(received) = self.receive_from(&*self.core, &self.core.connections, turn)
            {
                return Ok(received);
            }
            turn = self.find(tries)?;
            if turn.is_none() {
                return Ok(None);
            }
            tries += 1;
        }
    }

    /// Slow path: the client to receive from, also of those that wait to be attached.
    ///
    /// Says only which: what a call has written itself could not stay in registers.
    #[cold]
    #[inline(never)]
    fn find(&self, tries: usize) -> Result<Option<usize>, ReceiveError> {
        // A client whose overflow replaces whatever was found, again and again, is served by the next call.
        if tries > self.core.service.settings().max_active_requests {
            return Ok(None);
        }
        let is_held_up = |found: &_| matches!(found, Ok(None) | Err(ReceiveError::ExceedsMaxBorrows { .. }));
        let search = || self.core.search(|connection| self.can_receive_from(connection));
        let found = search();
        if !is_held_up(&found) || !self.core.sync_state.needs_attention.get() {
            return found;
        }
        // Each time around, clients are taken in that have left, of which there is an end.
        loop {
            let caught_up = self.core.catch_up();
            let newly_found = search();
            if !is_held_up(&newly_found) {
                return newly_found;
            }
            if !caught_up {
                newly_found?;
                return self.core.problem().map_or(found, Err);
            }
        }
    }

    /// Whether a request of this client can be received.
    fn can_receive_from(&self, connection: &ServerConnection) -> Result<bool, ReceiveError> {
        let core = &self.core;
        let Some(message) = core.front(connection)? else { return Ok(false) };
        if connection.track.places.is_full() {
            return Err(ReceiveError::ExceedsMaxBorrows { max: core.service.settings().max_active_requests });
        }
        let is_sound = core.received_layout.fits::<Req, ReqHeader>(message);
        if is_sound { Ok(true) } else { Err(connection.unreadable(&core.payloads, Unreadable::Garbage)) }
    }

    /// Requests of departed clients that this server was to receive and will not, because more than
    /// `max_departed_clients` of them waited while it did not look.
    pub fn requests_given_up(&self) -> u64 {
        self.core.service.registry.given_up(self.core.id)
    }

    /// Whether a receive that follows returns a request, or says that too many are held
    /// ([RR-FNF-04](crate#requirements)).
    ///
    /// # Errors
    /// [`ReceiveError::ConnectionCorrupted`].
    pub fn has_requests(&self) -> Result<bool, ReceiveError> {
        self.core.has_requests()
    }
}

impl<Req: Payload + ?Sized, Res: Payload + ?Sized, ReqHeader: Plain, ResHeader: Plain> Takes
    for Server<Req, Res, ReqHeader, ResHeader>
{
    type Ends = ServerTrack;
    type Taken = ActiveRequest<Req, Res, ReqHeader, ResHeader>;

    #[inline(always)]
    fn take_oldest(&self, peer: Peer<'_, ServerTrack>) -> Result<Self::Taken, NotTaken> {
        peer.0.track.receive(self, peer)
    }

    #[inline(always)]
    fn take(&self, peer: Peer<'_, ServerTrack>, message: Message<'_>, oldest: Oldest) -> Result<Self::Taken, NotTaken> {
        let (connection, turn) = peer;
        let core = &self.core;
        let header = message.header();
        let (lane, len) = (header.lane as usize, header.len as usize);
        let start = connection.track.lanes.get(lane).ok_or(NotTaken::Miss)?;
        if (Req::KIND == Kind::Fixed && len != 1) || core.is_unwanted(connection, lane, header.request_id) {
            return Err(NotTaken::Miss);
        }
        let received = Received::new(message, core.received_layout.shape(Req::elements(len))).ok_or(NotTaken::Miss)?;
        let place = connection.track.places.enter().ok_or(NotTaken::Miss)?;
        // What the header said holds if it is taken: the entry was in the channel from the look to the taking.
        if !connection.track.take(oldest, header.request_id) {
            connection.track.places.leave(place);
            return Err(NotTaken::Miss);
        }
        start.newest.set(header.request_id);
        core.turn.last.set(turn);
        let hold = RequestHold {
            core: Share::of(core),
            connection: Share::of(connection),
            entry: oldest.entry(),
            // Lanes are counted in 32 bits, and this one was found.
            lane: lane as u32,
            place,
            request_id: header.request_id,
            types: PhantomData,
        };
        Ok(ActiveRequest { received, hold })
    }
}

impl ServerCore {
    /// Whether nobody waits for the answer, where that matters (RR-FNF-02).
    #[inline(always)]
    pub fn is_unwanted(&self, connection: &ServerConnection, lane: usize, request_id: u64) -> bool {
        !self.fire_and_forget && !connection.is_awaited(lane, request_id)
    }

    /// The client to receive from: the next one, or of several the next one that has sent something. Nothing if none has.
    #[inline(always)]
    pub fn next_with_request(&self) -> Option<usize> {
        let found =
            self.turn.next(&self.connections, |connection| connection.track.is_waiting() && !connection.broken.get());
        if found.is_none() {
            self.on_empty_poll();
        }
        found
    }
}
