//! Servers.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::active::ActiveRequest;
use super::backpressure::{Backpressure, GaveUp, Waiting};
use super::payloads::Payloads;
use super::remote::Unreadable;
use super::server_connection::ServerConnection;
use super::sleeper::Sleeper;
use super::watch::Watch;
use crate::engine::channel::{Garbage, Slots};
use crate::engine::connection::{ConnectionFile, ConnectionLayout, Side, State};
use crate::engine::error::{LoanError, ReceiveError, SendError};
use crate::engine::id::Id;
use crate::engine::payload::{ChunkLayout, Kind, Payload, Types};
use crate::engine::service::registry::Role;
use crate::engine::service::{ServiceInner, cleanup, files};
use crate::engine::shm::{ChunkMut, Plain, Published, Received};

/// Receives requests and answers them; from [`Service::server_builder`](crate::engine::Service::server_builder).
///
/// Dropping it frees its place in the service and refuses what it has not received. Its active requests stay valid.
#[derive(Debug)]
pub struct Server<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
    pub(super) core: Rc<ServerCore>,
    types: Types<Req, Res, ReqHeader, ResHeader>,
}

#[derive(Debug)]
pub(super) struct ServerCore {
    pub service: Arc<ServiceInner>,
    pub id: Id,
    pub request_layout: ChunkLayout,
    pub response_layout: ChunkLayout,
    pub payloads: Payloads,
    pub loans_max: usize,
    backpressure: Backpressure,
    connections: RefCell<Vec<Rc<ServerConnection>>>,
    /// Where the next receive begins, so that every client is served in turn.
    turn: Cell<usize>,
    /// Clients whose files could not be used; not tried again.
    refused: RefCell<Vec<Id>>,
    seen: Cell<u64>,
    registered: Cell<bool>,
    watch: Watch,
    pub sleeper: Sleeper,
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
                    connection.remote.warm_next();
                    drop(connections);
                    core.idle();
                    return Ok(None);
                }
                _ => break 'common,
            };
            let Ok(chunk) = connection.remote.chunk(front.entry(), &connection.file) else {
                break 'common;
            };
            let header = chunk.header();
            let len = header.len as usize;
            let Some(start) = connection.lanes.get(header.lane as usize) else { break 'common };
            if Req::KIND == Kind::Fixed && len != 1 {
                break 'common;
            }
            let Some(received) = Received::new(chunk, core.request_layout.shape(len)) else {
                break 'common;
            };
            let Some(place) = connection.places.enter() else { break 'common };
            // What the header said holds if it is taken: the entry was in the channel from the look to the taking.
            if !connection.incoming.take_front(slots, front) {
                connection.places.leave(place);
                break 'common;
            }
            start.newest.set(header.request_id);
            connection.remote.expect(connection.file.request_next(connection.incoming.last_slot()));
            core.turn.set(turn);
            let ids = (header.lane as u32, header.request_id, place);
            return Ok(Some(ActiveRequest::new(Rc::clone(core), Rc::clone(connection), received, front.entry(), ids)));
        }
        self.receive_in_turn()
    }

    #[cold]
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
            let Some((front, chunk)) = front else { return Ok(None) };
            // What it says holds if the entry is taken: it was in the channel from the look to the taking.
            let header = chunk.header();
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
            let received = len.and_then(|len| Received::new(chunk, core.request_layout.shape(len)));
            let Some(received) = received else { return Err(core.corrupted(connection)) };
            let place = connection.places.enter();
            // There is a free place: looked at above, and nothing has been received since.
            let Some(place) = place else { return Ok(None) };
            let ids = (lane as u32, header.request_id, place);
            return Ok(Some(ActiveRequest::new(Rc::clone(core), Rc::clone(connection), received, front.entry(), ids)));
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

impl ServerCore {
    /// Over a place in the registry that the builder holds the lock for.
    pub fn new(
        service: &Arc<ServiceInner>,
        id: Id,
        [request_layout, response_layout]: [ChunkLayout; 2],
        payloads: Payloads,
        loans_max: usize,
        backpressure: Backpressure,
    ) -> Self {
        Self {
            service: Arc::clone(service),
            id,
            request_layout,
            response_layout,
            payloads,
            loans_max,
            backpressure,
            connections: RefCell::default(),
            turn: Cell::new(0),
            refused: RefCell::default(),
            seen: Cell::new(service.registry.changes()),
            registered: Cell::new(true),
            watch: Watch::new(),
            sleeper: Sleeper::new(Role::Server, id),
        }
    }

    pub fn has_requests(&self) -> Result<bool, ReceiveError> {
        self.follow_changes();
        let mut error = None;
        for connection in self.connections.borrow().iter() {
            match self.front(connection) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(reason) => error = Some(reason),
            }
        }
        self.idle();
        error.map_or(Ok(false), Err)
    }

    pub fn connect(&self, connection: Rc<ServerConnection>) {
        self.connections.borrow_mut().push(connection);
        self.sleeper.meet();
    }

    /// Whether nobody waits for the answer, where that matters (RR-FNF-02).
    #[inline(always)]
    fn is_unwanted(&self, connection: &ServerConnection, lane: usize, request_id: u64) -> bool {
        !self.service.settings().fire_and_forget && !connection.is_awaited(lane, request_id)
    }

    /// Whether a request waits that will be received, with unwanted ones out of the way.
    fn front(&self, connection: &ServerConnection) -> Result<bool, ReceiveError> {
        if connection.broken.get() {
            return Ok(false);
        }
        for _ in 0..=self.service.settings().max_active_requests {
            let front = connection.front().map_err(|reason| self.unreadable(connection, reason))?;
            let Some((front, chunk)) = front else { return Ok(false) };
            let header = chunk.header();
            let Ok(lane) = connection.lane_of(header.lane) else { return Err(self.corrupted(connection)) };
            if !self.is_unwanted(connection, lane, header.request_id) {
                return Ok(true);
            }
            connection.refuse(front, header.request_id, lane);
        }
        Ok(false)
    }

    #[cold]
    fn corrupted(&self, connection: &ServerConnection) -> ReceiveError {
        connection.fail(&self.payloads);
        ReceiveError::ConnectionCorrupted
    }

    #[cold]
    fn unreadable(&self, connection: &ServerConnection, reason: Unreadable) -> ReceiveError {
        if reason == Unreadable::CannotMap { ReceiveError::CannotMap } else { self.corrupted(connection) }
    }

    #[inline(always)]
    pub fn loan_chunk(&self, len: usize) -> Result<ChunkMut, LoanError> {
        match self.payloads.loan(len) {
            Some(chunk) => Ok(chunk),
            None => self.find_chunk(len),
        }
    }

    /// What is outstanding is learned only now, and what is too small outgrown.
    #[cold]
    fn find_chunk(&self, len: usize) -> Result<ChunkMut, LoanError> {
        let max = self.payloads.len_max();
        if len > max && !self.payloads.grows() {
            return Err(LoanError::ExceedsMaxLoanSize { len, max });
        }
        self.bring_home();
        if let Some(chunk) = self.payloads.loan_at_last(len) {
            return Ok(chunk);
        }
        if !self.payloads.grows() {
            return Err(LoanError::OutOfMemory);
        }
        self.payloads.grow(len)?;
        for connection in self.connections.borrow().iter() {
            connection.file.set_segment(Side::Server, self.payloads.number());
        }
        self.payloads.loan_at_last(len).ok_or(LoanError::OutOfMemory)
    }

    /// Learns what has come back, and gives up segments that are empty then.
    fn bring_home(&self) {
        self.follow_changes();
        self.collect();
        self.payloads.tidy();
    }

    fn collect(&self) {
        // What is gone has been taken back already, so its returns would look like garbage.
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            if connection.collect(&self.payloads).is_err() {
                connection.fail(&self.payloads);
            }
        }
    }

    /// Sends a response, unless its request is nobody's any more: then the chunk is simply free again (RR-PND-06).
    #[inline(always)]
    pub fn send(
        &self,
        connection: &ServerConnection,
        lane: usize,
        request_id: u64,
        chunk: &mut ChunkMut,
    ) -> Result<(), SendError> {
        if connection.gone.get() || connection.lanes[lane].newest.get() != request_id {
            return Ok(());
        }
        // Without overflow, it would take the room of a later request's responses on the same lane (RR-ACT-03). With
        // overflow it gives way to them, and the look at the client's word is saved.
        if !self.service.settings().overflow_responses && !connection.is_awaited(lane, request_id) {
            return Ok(());
        }
        let chunk = chunk.publish();
        let pushed = connection.push(&self.payloads, lane, chunk);
        let mut gave_up = pushed.err().map(|Garbage| GaveUp::Corrupted);
        if pushed == Ok(false) && self.backpressure.may_wait() {
            gave_up = self.push_when_there_is_room(connection, (lane, request_id), chunk);
        }
        chunk.warm_next();
        match gave_up {
            None => Ok(()),
            Some(gave_up) => Err(self.take_back(connection, gave_up)),
        }
    }

    /// Ends when somebody makes room, when nobody waits any more, or when the strategy or the handler says so.
    #[cold]
    fn push_when_there_is_room(
        &self,
        connection: &ServerConnection,
        (lane, request_id): (usize, u64),
        chunk: Published<'_>,
    ) -> Option<GaveUp> {
        let mut waiting = Waiting::new(&self.backpressure, &self.service, self.id);
        // A handler may do anything in between, even drop the request or who waits for the response.
        let is_wanted = || connection.is_awaited(lane, request_id) && connection.lanes[lane].newest.get() == request_id;
        while is_wanted() && waiting.goes_on(connection.client, connection.node) {
            waiting.pause();
            self.look_after_peers(self.watch.is_due());
            if !is_wanted() {
                break;
            }
            match connection.push(&self.payloads, lane, chunk) {
                Ok(true) => break,
                Ok(false) => {}
                Err(Garbage) => return Some(GaveUp::Corrupted),
            }
        }
        waiting.gave_up
    }

    #[cold]
    fn take_back(&self, connection: &ServerConnection, gave_up: GaveUp) -> SendError {
        if matches!(gave_up, GaveUp::Corrupted) {
            connection.fail(&self.payloads);
        }
        gave_up.into_error()
    }

    /// Whether the server still has its place in the service.
    pub fn is_registered(&self) -> bool {
        self.registered.get()
    }

    /// Whether the last client that could send has gone since this was asked last.
    pub fn has_lost_the_last_client(&self) -> bool {
        let can_send = |c: &Rc<ServerConnection>| !c.gone.get() && c.file.client_state() < State::Left;
        self.sleeper.has_lost_the_last(self.connections.borrow().iter().any(can_send))
    }

    /// Follows what has changed in the service, if anything has: one load of a word that hardly ever changes.
    #[inline(always)]
    pub fn follow_changes(&self) {
        if self.service.registry.changes() != self.seen.get() {
            self.walk();
        }
    }

    /// After a poll that found nothing.
    #[inline(always)]
    fn idle(&self) {
        self.look_after_peers(self.watch.is_due_while_polling());
    }

    /// Where the answer matters now, such as `is_connected`.
    pub fn look_closely(&self) {
        self.look_after_peers(self.watch.is_due());
    }

    #[inline(always)]
    fn look_after_peers(&self, due: bool) {
        if due {
            self.check_lives();
        }
        self.follow_changes();
    }

    #[cold]
    fn check_lives(&self) {
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            // As for clients: a dead node's cleaning changes the registry.
            let _ = cleanup::clean_node_if_dead(&self.service.node.root, connection.node);
            connection.tidy();
        }
    }

    /// Connects to clients that made a connection for us, closes connections to those that are gone.
    #[cold]
    fn walk(&self) {
        let registry = &self.service.registry;
        // Without the lock, a moment later: the counter stays different.
        let Ok(_lock) = self.service.lock() else { return };
        self.seen.set(registry.changes());
        let clients = registry.ports(Role::Client);
        let nodes = registry.node_ids();
        if self.registered.get() {
            self.attach_new(&clients.iter().map(|client| (client.id, client.node)).collect::<Vec<_>>());
        }
        for connection in self.connections.borrow().iter() {
            let state = connection.file.client_state();
            let registered = clients.iter().any(|client| client.id == connection.client);
            // As for clients: one that left, or took the file away without mapping it, never will.
            let path = || self.service.folder.join(files::connection(connection.client, self.id));
            let never_came = state == State::Absent && !(registered && path().exists());
            let gone = never_came || state == State::Gone || !nodes.contains(&connection.node);
            if gone && !connection.gone.get() {
                connection.close(&self.payloads);
            }
        }
        // A client that is gone is kept as long as there is something of it to receive.
        let is_kept = |connection: &ServerConnection| {
            let something_to_receive = || !connection.broken.get() && matches!(connection.front(), Ok(Some(_)));
            !connection.gone.get() || something_to_receive()
        };
        // The turn stays with the client that was served last or the one in front of it, so that nobody is passed over.
        let (mut index, mut removed) = (0, 0);
        let turn = self.turn.get();
        self.connections.borrow_mut().retain(|connection| {
            let kept = is_kept(connection);
            removed += usize::from(!kept && index <= turn);
            index += 1;
            kept
        });
        let last = self.connections.borrow().len().saturating_sub(1);
        self.turn.set(turn.checked_sub(removed).unwrap_or(last).min(last));
    }

    /// The lowest number that no receiver has.
    fn free_number(&self) -> Option<usize> {
        let connections = self.connections.borrow();
        (0..self.payloads.receivers()).find(|number| connections.iter().all(|c| c.lending.number() != *number))
    }

    /// Maps every connection that waits for this server, those of clients that are gone already too (RR-FNF-01).
    fn attach_new(&self, clients: &[(Id, Id)]) {
        let Ok(entries) = std::fs::read_dir(&self.service.folder) else { return };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((client, server)) = files::connection_ids(name) else { continue };
            let known = self.connections.borrow().iter().any(|connection| connection.client == client);
            if server != self.id || known || self.refused.borrow().contains(&client) {
                continue;
            }
            // More clients that have left are still used than anybody thought of: this one waits until they are gone.
            let Some(number) = self.free_number() else { continue };
            let attached =
                ConnectionFile::open(&path, ConnectionLayout::new(self.service.settings())).and_then(|file| {
                    // A client that has left made the file itself, and its pending responses live on with its node.
                    let registered = clients.iter().find(|(id, _)| *id == client);
                    let node = registered.map_or_else(|| file.maker(), |(_, node)| *node);
                    let receiver = (&self.payloads, number);
                    ServerConnection::new(&self.service, self.id, [client, node], file, &self.request_layout, receiver)
                });
            if let Ok(connection) = attached {
                connection.map_unread();
                self.connect(connection);
            } else {
                self.refused.borrow_mut().push(client);
                // The client is to see that nobody comes.
                self.service.registry.changed();
            }
            // Both sides have it, or never will.
            let _ = files::remove(&path);
        }
        // Segments of clients that are gone, now that they are mapped.
        let _ = cleanup::sweep(&self.service.folder, &self.service.registry);
    }

    /// Gives up the place in the service; active requests live on.
    fn leave(&self) {
        if !self.registered.replace(false) {
            return;
        }
        for connection in self.connections.borrow().iter() {
            connection.file.set_server_state(State::Left);
            connection.refuse_unread();
        }
        // Connections that were never mapped are unread whole; their clients see that nobody came.
        if let Ok(_lock) = self.service.lock() {
            self.service.registry.leave_ports(|entry| entry.id == self.id);
            // What cannot be removed now is removed with the next port that leaves, or with the service.
            let _ = cleanup::sweep(&self.service.folder, &self.service.registry);
        } else {
            self.service.node.leave_behind();
        }
    }
}

impl Drop for ServerCore {
    /// Nothing is left that could be sent: what clients have not seen yet is left to them (RR-PND-04, RR-DYN-06).
    fn drop(&mut self) {
        let settings = self.service.settings();
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            let lane = |lane| {
                let slots = connection.file.responses(lane);
                (0..settings.response_buffer).map(|slot| slots.load(slot))
            };
            let unread = (0..settings.max_active_requests).flat_map(lane);
            self.payloads.hand_over(unread, connection.client, &connection.file, Side::Server);
        }
    }
}
