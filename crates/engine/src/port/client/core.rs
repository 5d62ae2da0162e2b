//! What a client is, whatever it sends: its loans, its active requests and their lanes.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::atomic::{Ordering, fence};

use super::lanes::Lane;
use crate::connection::{Side, State};
use crate::error::SendError;
use crate::free_list::FreeList;
use crate::port::client::connection::ClientConnection;
use crate::port::lender::Lender;
use crate::port::member::following::{Member, Port};
use crate::port::payloads::Payloads;

#[derive(Debug)]
pub(in crate::port) struct ClientCore {
    member: Member<ClientConnection>,
    /// Whether there are requests and responses that travel by shuttle.
    pub(in crate::port) uses_shuttle: bool,
    /// Whether a full lane gives up its oldest response.
    pub(in crate::port) overflows_responses: bool,
    pub loans: Cell<usize>,
    pub(in crate::port) active_max: usize,
    pub(in crate::port) active: Cell<usize>,
    pub lanes: Box<[Lane]>,
    pub(in crate::port) free_lanes: FreeList,
    pub(in crate::port) next_request: Cell<u64>,
}

impl Deref for ClientCore {
    type Target = Member<ClientConnection>;
    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.member
    }
}

impl Lender for ClientCore {
    #[inline(always)]
    fn payloads(&self) -> &Payloads {
        &self.payloads
    }

    fn bring_home(&self) {
        self.look_closely();
        // An error closes a connection, which gives everything back as well.
        let _ = self.collect();
        self.payloads.tidy();
    }

    fn announce(&self, segment: u16) {
        for connection in self.connections.borrow().iter() {
            connection.file.set_segment(Side::Client, segment);
        }
    }
}

impl ClientCore {
    pub fn new(member: Member<ClientConnection>, active_max: usize) -> Self {
        let settings = member.service.settings();
        let lanes = settings.max_active_requests;
        Self {
            uses_shuttle: member.request_layout.fits_shuttle() && member.response_layout.fits_shuttle(),
            overflows_responses: settings.overflow_responses,
            loans: Cell::new(0),
            active_max,
            active: Cell::new(0),
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            free_lanes: FreeList::new(lanes),
            next_request: Cell::new(1),
            member,
        }
    }

    /// The line in which the request will go to the first server is asked for with the loan; it is the only one mostly.
    #[inline(always)]
    pub fn warm(&self) {
        let connections = self.connections.borrow();
        let Some(connection) = connections.first() else { return };
        if self.uses_shuttle && self.active.get() == 0 && connection.shuttle.is_here() {
            connection.file.shuttle().warm();
        } else {
            connection.requests.warm(&connection.file.requests());
        }
    }

    pub fn collect(&self) -> Result<(), SendError> {
        let mut result = Ok(());
        // What is gone has been taken back already, so its returns would look like garbage.
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            if connection.collect(&self.payloads).is_err() {
                connection.fail(&self.payloads);
                result = Err(SendError::ConnectionCorrupted);
            }
        }
        result
    }

    /// The server to receive a response from: the next one, or of several the next one that has sent something. Nothing if
    /// none has.
    #[inline(always)]
    pub fn first_answering(&self, lane: usize) -> Option<usize> {
        let place = &self.lanes[lane];
        let next = place.turn.get() + 1;
        if place.deliveries.borrow().len() > 1 { self.first_answering_of_several(lane, next) } else { Some(next) }
    }

    /// A look at a word of each server, and at nothing else: most of them may have nothing to say.
    #[inline(never)]
    fn first_answering_of_several(&self, lane: usize, next: usize) -> Option<usize> {
        let deliveries = self.lanes[lane].deliveries.borrow();
        let (before, from) = deliveries.split_at(next.min(deliveries.len()));
        let has_answered = |connection: &Rc<ClientConnection>| {
            connection.has_answered(lane, self.lanes[lane].request_id.get()) && !connection.broken.get()
        };
        let found = from.iter().position(has_answered).map(|index| before.len() + index);
        let found = found.or_else(|| before.iter().position(has_answered));
        drop(deliveries);
        if found.is_none() {
            self.idle();
        }
        found
    }

    /// Ends a pending response.
    #[inline(always)]
    pub fn close_lane(&self, lane: usize) {
        let place = &self.lanes[lane];
        place.request_id.set(0);
        let mut owes = false;
        let mut deliveries = place.deliveries.borrow_mut();
        while let Some(connection) = deliveries.pop() {
            let end = &connection.lanes[lane];
            end.set_open(0);
            if !self.overflows_responses {
                // Pairs with that of a server between a response and its next look at this word. A look behind this fence sees
                // that nobody waits; one in front of it had its earlier responses in the lane, which are drained below. So at
                // most one response comes behind what is drained: there is a slot for it (RR-ACT-03).
                fence(Ordering::SeqCst);
            }
            if connection.drain(end).is_err() {
                connection.fail(&self.payloads);
            }
            owes |= end.borrowed.get() > 0;
        }
        drop(deliveries);
        self.active.set(self.active.get() - 1);
        // The next request takes the lane that was used last and owes nothing, so that responses which are kept beyond their
        // pending response do not count against another one while there is a choice.
        if owes {
            self.free_lanes.push_under_all(lane as u32);
        } else {
            self.free_lanes.push(lane as u32);
        }
    }

    /// Whether a server that got the request of a lane can still answer it.
    pub fn is_answerable(connection: &ClientConnection, lane: usize, request_id: u64) -> bool {
        let end = &connection.lanes[lane];
        if connection.gone.get() || end.displaced.get() || connection.file.lane_done(lane) == request_id {
            return false;
        }
        // A server that has left takes nothing more: what is still in its slot stays there.
        let unread = || connection.word_at(end.sent_slot.get()) == end.sent_word.get();
        connection.file.server_state() < State::Left || !unread()
    }
}
