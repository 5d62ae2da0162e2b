//! What a client is, whatever it sends: its loans, its active requests and their lanes, and what it knows privately about each
//! server.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::atomic::{Ordering, fence};

use crate::connection::State;
use crate::error::ReceiveError;
use crate::ownership::FreeList;
use crate::port::link::Connection;
use crate::port::member::sync_state::{Member, Port};
use crate::port::track::{ClientTrack, Turn};

pub(in crate::port) type ClientConnection = Connection<ClientTrack>;

impl ClientConnection {
    /// Whether the server, which got the request of a lane, can still answer it.
    pub fn is_answerable(&self, lane: usize, request_id: u64) -> bool {
        let end = &self.track.lanes[lane];
        if self.closed.get() || end.displaced.get() || end.words.done() == request_id {
            return false;
        }
        // A server that has left takes nothing more: what is still in its slot stays there.
        self.file.server_state() < State::Left || !self.track.is_unread(lane)
    }
}

/// Place of one pending response.
#[derive(Debug, Default)]
pub(in crate::port) struct Lane {
    /// 0 if free.
    pub request_id: Cell<u64>,
    /// Where its request went.
    pub deliveries: RefCell<Vec<Rc<ClientConnection>>>,
    /// Where the next receive begins, so that every server is polled.
    pub turn: Turn,
}

#[derive(Debug)]
pub(in crate::port) struct ClientCore {
    member: Member<ClientTrack>,
    /// Whether requests and responses are tiny.
    pub(in crate::port) is_tiny: bool,
    /// Whether a full lane gives up its oldest response.
    pub(in crate::port) overflows_responses: bool,
    pub loans: Cell<usize>,
    pub(in crate::port) loans_max: usize,
    pub(in crate::port) borrows_max: usize,
    pub(in crate::port) active_max: usize,
    pub(in crate::port) active: Cell<usize>,
    pub lanes: Box<[Lane]>,
    pub(in crate::port) free_lanes: FreeList,
    pub(in crate::port) next_request: Cell<u64>,
}

impl Deref for ClientCore {
    type Target = Member<ClientTrack>;
    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.member
    }
}

impl ClientCore {
    pub fn new(member: Member<ClientTrack>, active_max: usize) -> Self {
        let settings = member.service.settings();
        let lanes = settings.max_active_requests;
        Self {
            is_tiny: member.sent_layout.is_tiny() && member.received_layout.is_tiny(),
            overflows_responses: settings.overflow_responses,
            loans: Cell::new(0),
            loans_max: settings.max_loaned_requests,
            borrows_max: settings.max_borrowed_responses,
            active_max,
            active: Cell::new(0),
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            free_lanes: FreeList::new(lanes),
            next_request: Cell::new(1),
            member,
        }
    }

    /// The server to receive a response from: the next one, or of several the next one that has sent something. Nothing if
    /// none has.
    #[inline(always)]
    pub fn next_with_response(&self, lane: usize) -> Option<usize> {
        let place = &self.lanes[lane];
        let found = place.turn.next(&place.deliveries, |connection| {
            connection.track.has_answered(lane, place.request_id.get()) && !connection.broken.get()
        });
        if found.is_none() {
            self.on_empty_poll();
        }
        found
    }

    /// After a search that has found nothing: what there is to tell.
    pub fn tell_if_nothing(&self, found: Result<Option<usize>, ReceiveError>) -> Result<Option<usize>, ReceiveError> {
        if let Ok(Some(_)) = found {
            return found;
        }
        self.on_empty_poll();
        if found.is_ok() { self.problem().map_or(Ok(None), Err) } else { found }
    }

    /// Whether a server can still answer the request of a lane, as far as is known already.
    pub fn is_answerable(&self, lane: usize, request_id: u64) -> bool {
        self.lanes[lane].deliveries.borrow().iter().any(|connection| connection.is_answerable(lane, request_id))
    }

    /// Ends a pending response.
    #[inline(always)]
    pub fn close_lane(&self, lane: usize) {
        let place = &self.lanes[lane];
        place.request_id.set(0);
        let mut owes = false;
        let mut deliveries = place.deliveries.borrow_mut();
        while let Some(connection) = deliveries.pop() {
            let end = &connection.track.lanes[lane];
            end.words.set_open(0);
            if !self.overflows_responses {
                // Pairs with that of a server between a response and its next look at this word. A look behind this fence sees
                // that nobody waits; one in front of it had its earlier responses in the lane, which are drained below. So at
                // most one response comes behind what is drained: there is a slot for it (RR-ACT-03).
                fence(Ordering::SeqCst);
            }
            if end.responses.drain(&connection).is_err() {
                connection.fail(&self.payloads);
            }
            owes |= end.borrowed.get() > 0;
        }
        drop(deliveries);
        self.active.set(self.active.get() - 1);
        // The next request takes the lane that was used last and owes nothing, so that responses which are kept beyond their
        // pending response do not count against another one while there is a choice.
        if owes {
            self.free_lanes.push_bottom(lane as u32);
        } else {
            self.free_lanes.push(lane as u32);
        }
    }
}
