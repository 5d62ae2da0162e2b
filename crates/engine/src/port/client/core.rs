//! What a client is, whatever it sends: its loans, its active requests and their lanes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use crate::free_list::FreeList;
use crate::id::Id;
use crate::payload::ChunkLayout;
use crate::port::backpressure::Backpressure;
use crate::port::client::connection::ClientConnection;
use crate::port::client::lanes::Lane;
use crate::port::following::Following;
use crate::port::lender::Lender;
use crate::port::payloads::Payloads;
use crate::port::sleeper::Sleeper;
use crate::port::watch::Watch;
use crate::service::ServiceInner;
use crate::service::registry::Role;

#[derive(Debug)]
pub(in crate::port) struct ClientCore {
    pub service: Arc<ServiceInner>,
    pub id: Id,
    pub request_layout: ChunkLayout,
    pub response_layout: ChunkLayout,
    pub payloads: Payloads,
    /// Whether requests and responses are tiny.
    pub(in crate::port) is_tiny: bool,
    /// Whether a full lane gives up its oldest response.
    pub(in crate::port) overflows_responses: bool,
    pub loans: Cell<usize>,
    pub(in crate::port) active_max: usize,
    pub(in crate::port) active: Cell<usize>,
    pub(in crate::port) backpressure: Backpressure,
    pub lanes: Box<[Lane]>,
    pub(in crate::port) free_lanes: FreeList,
    pub(in crate::port) next_request: Cell<u64>,
    pub(in crate::port) connections: RefCell<Vec<Rc<ClientConnection>>>,
    /// Servers whose files could not be used; not tried again.
    pub(in crate::port) refused: RefCell<Vec<Id>>,
    pub(in crate::port) following: Following,
    pub(in crate::port) registered: Cell<bool>,
    pub(in crate::port) watch: Watch,
    pub sleeper: Sleeper,
}

impl Lender for ClientCore {
    type Connection = ClientConnection;

    #[inline(always)]
    fn payloads(&self) -> &Payloads {
        &self.payloads
    }
    fn connections(&self) -> &RefCell<Vec<Rc<ClientConnection>>> {
        &self.connections
    }
    fn refresh(&self) {
        self.look_closely();
    }
}

impl ClientCore {
    /// For a place in the registry that was taken when its counter was `changes`.
    pub fn new(
        service: &Arc<ServiceInner>,
        id: Id,
        [request_layout, response_layout]: [ChunkLayout; 2],
        payloads: Payloads,
        active_max: usize,
        backpressure: Backpressure,
        changes: u64,
    ) -> Self {
        let lanes = service.settings().max_active_requests;
        Self {
            service: Arc::clone(service),
            id,
            request_layout,
            response_layout,
            payloads,
            is_tiny: request_layout.is_tiny() && response_layout.is_tiny(),
            overflows_responses: service.settings().overflow_responses,
            loans: Cell::new(0),
            active_max,
            active: Cell::new(0),
            backpressure,
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            free_lanes: FreeList::new(lanes),
            next_request: Cell::new(1),
            connections: RefCell::default(),
            refused: RefCell::default(),
            following: Following::new(changes),
            registered: Cell::new(true),
            watch: Watch::new(),
            sleeper: Sleeper::new(Role::Client, id),
        }
    }

    /// The line in which the request will go to the first server is asked for with the loan; it is the only one mostly.
    #[inline(always)]
    pub fn warm(&self) {
        let connections = self.connections.borrow();
        let Some(connection) = connections.first() else { return };
        connection.track.warm(&connection.file, self.is_tiny && self.active.get() == 0);
    }

    /// The server to receive a response from: the next one, or of several the next one that has sent something. Nothing if
    /// none has.
    #[inline(always)]
    pub fn first_answering(&self, lane: usize) -> Option<usize> {
        let place = &self.lanes[lane];
        let found = place.turn.next(&place.deliveries, |connection| {
            connection.track.has_answered(&connection.file, lane, place.request_id.get()) && !connection.broken.get()
        });
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
            let end = &connection.track.lanes[lane];
            end.set_open(0);
            if !self.overflows_responses {
                // Pairs with that of a server between a response and its next look at this word. A look behind this fence sees
                // that nobody waits; one in front of it had its earlier responses in the lane, which are drained below. So at
                // most one response comes behind what is drained: there is a slot for it (RR-ACT-03).
                fence(Ordering::SeqCst);
            }
            if end.drain(&connection).is_err() {
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
}
