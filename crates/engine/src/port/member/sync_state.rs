//! How a port follows its service: what both kinds of port have as members of it, how far a port has followed the changes, what
//! it has to try again, and what it has to tell.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::connection::State;
use crate::error::{LoanError, NamespaceGone, ReceiveError, SystemError};
use crate::id::Id;
use crate::payload::ChunkLayout;
use crate::port::backpressure::Backpressure;
use crate::port::link::{self, Connection, Connections, Ends};
use crate::port::payloads::Payloads;
use crate::port::wait::wait_state::{LivenessTimer, WaitState};
use crate::service::sweep::Leaver;
use crate::service::{ServiceInner, cleanup};
use crate::shm::{ChunkMut, Loaned, Plain};

/// Time between two tries where peers wait until others have gone.
const RETRY: Duration = Duration::from_millis(10);
/// Time between two tries to have the service's lock, where its holder may be stopped.
const RETRY_LOCK: Duration = Duration::from_millis(200);

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::port) enum SyncOutcome {
    /// Everything was done.
    Complete,
    /// Peers wait until others have gone.
    Crowded,
    /// Something could not be done now, and is tried again by the next call.
    Incomplete,
}

/// Something that a call has met and that its caller can do something about.
#[derive(Debug)]
pub(in crate::port) enum Problem {
    /// A peer cannot be attached for lack of descriptors or memory, or its files cannot be reached.
    CannotAttach(Box<SystemError>),
    /// The files of this port's node were removed.
    NamespaceGone(Box<NamespaceGone>),
}

/// What a client and a server have as members of a service.
#[derive(Debug)]
pub(in crate::port) struct Member<T> {
    pub service: Arc<ServiceInner>,
    pub id: Id,
    /// Layouts of the messages that the port sends, and of those that it receives.
    pub sent_layout: ChunkLayout,
    pub received_layout: ChunkLayout,
    pub payloads: Payloads,
    pub backpressure: Backpressure,
    pub connections: RefCell<Connections<T>>,
    /// Peers whose files could not be used; not tried again.
    pub(super) refused: RefCell<Vec<Id>>,
    pub sync_state: SyncState,
    /// Whether the port still has its place in the service.
    pub registered: Cell<bool>,
    pub watch: LivenessTimer,
    pub wait_state: WaitState,
}

impl<T: Ends> Member<T> {
    /// Gives up the place in the service; what was made from the port lives on. `refuse` ends what nobody has received.
    pub(super) fn leave_service(&self, leaver: Leaver, refuse: impl Fn(&Connection<T>)) {
        if !self.registered.replace(false) {
            return;
        }
        self.wait_state.leave(&self.service);
        for connection in self.connections.borrow().iter() {
            connection.file.set_state(T::SIDE, State::Left);
            refuse(connection);
        }
        // Connections that were never mapped are unread whole; their clients see that nobody came.
        self.service.leave_port(leaver);
    }

    /// What a call that has found nothing has to tell.
    #[cold]
    #[inline(never)]
    pub fn problem(&self) -> Option<ReceiveError> {
        self.sync_state.take_problem(ReceiveError::CannotAttach, ReceiveError::NamespaceGone)
    }

    #[cold]
    #[inline(never)]
    fn check_liveness(&self) {
        if let Err(gone) = self.service.node.check_linked() {
            self.sync_state.note_once(Problem::NamespaceGone(Box::new(gone)));
        }
        for connection in self.connections.borrow().iter().filter(|connection| !connection.closed.get()) {
            // If the node is dead, cleaning it up changes the registry, which is what is looked at next. If it could not
            // be looked at, the peer counts as alive, and the next slice tries again.
            let _ = cleanup::clean_node_if_dead(&self.service.node.root, connection.node);
            connection.remote.release_segments(&connection.file);
        }
    }
}

/// A port as a member of its service: what both kinds do alike, over the little that each does in its own way.
pub(in crate::port) trait Port: Deref<Target = Member<<Self as Port>::Ends>> {
    type Ends: Ends;

    /// Something has changed, or is left to do.
    fn follow(&self);

    /// Follows what has changed in the service, if anything has: one load of a word that hardly ever changes.
    #[inline(always)]
    fn follow_changes(&self) {
        if self.sync_state.seen.get() != self.service.registry.changes() {
            self.follow();
        }
    }

    /// After a poll that found nothing.
    #[inline(always)]
    fn on_empty_poll(&self) {
        self.check_peers(self.watch.take_due_while_polling());
    }

    /// Where the answer matters now, such as `is_connected`.
    fn check_peers_if_due(&self) {
        self.check_peers(self.watch.take_due());
    }

    #[inline(always)]
    fn check_peers(&self, due: bool) {
        if due {
            self.check_liveness();
        }
        self.follow_changes();
    }

    /// Reclaims returned chunks, and releases segments that are empty then.
    fn reclaim_returned(&self) {
        self.check_peers_if_due();
        link::collect_all(&self.connections.borrow(), &self.payloads);
        self.payloads.release_segments();
    }

    /// A chunk with room for `len` elements.
    ///
    /// # Errors
    /// [`LoanError`]; nothing has changed then.
    #[inline(always)]
    fn loan_chunk(&self, len: usize) -> Result<ChunkMut, LoanError> {
        let payloads = &self.payloads;
        let mut at_hand = len < payloads.len_end.get();
        loop {
            if at_hand && let Some(chunk) = payloads.current().loan() {
                return Ok(chunk);
            }
            // Now there is one, of this length.
            self.find_chunk(len)?;
            at_hand = true;
        }
    }

    /// A chunk with room for `len` elements, as a message with the user header's default.
    ///
    /// # Errors
    /// As [`Port::loan_chunk`].
    #[inline(always)]
    fn loan_message<T: Plain, H: Plain + Default>(&self, len: usize) -> Result<Loaned<T, H>, LoanError> {
        let chunk = self.loan_chunk(len)?;
        let mut loaned = Loaned::<T, H>::new(chunk, self.sent_layout.shape(len)).ok_or(LoanError::OutOfMemory)?;
        *loaned.header_mut() = H::default();
        Ok(loaned)
    }

    /// Slow path: reclaims, or grows.
    ///
    /// # Errors
    /// As there.
    #[cold]
    #[inline(never)]
    fn find_chunk(&self, len: usize) -> Result<(), LoanError> {
        let announce = |number| link::announce(&self.connections.borrow(), number);
        self.payloads.find(len, || self.reclaim_returned(), announce)
    }
}

/// What a port knows of the registry's counter of changes.
#[derive(Debug)]
pub(in crate::port) struct SyncState {
    /// The counter at the last sync; another number than that while something is left to do.
    pub seen: Cell<u64>,
    /// The counter at the last sync.
    synced: Cell<u64>,
    /// When to try again; at once if there is none.
    pub retry_at: Cell<Option<Instant>>,
    /// Whether the last try did not even see the service.
    is_blocked: Cell<bool>,
    problem: RefCell<Option<Problem>>,
    /// Whether a call that finds nothing has something to do, or to tell.
    pub needs_attention: Cell<bool>,
    /// Whether what does not change any more was told.
    is_told: Cell<bool>,
}

impl SyncState {
    /// Of a port that has just come, at this count.
    pub fn new(changes: u64) -> Self {
        Self {
            seen: Cell::new(changes),
            synced: Cell::new(changes),
            retry_at: Cell::new(None),
            is_blocked: Cell::new(false),
            problem: RefCell::new(None),
            needs_attention: Cell::new(false),
            is_told: Cell::new(false),
        }
    }

    /// Whether to sync now: something has changed, or it is time to try again.
    #[cold]
    pub fn is_due(&self, changes: u64) -> bool {
        let has_changed = changes != self.synced.get() && !self.is_blocked.get();
        has_changed || self.retry_at.get().is_none_or(|at| Instant::now() >= at)
    }

    /// A sync has looked at the service when its counter was `changes`.
    pub fn record_sync(&self, changes: u64, synced: SyncOutcome) {
        self.synced.set(changes);
        self.is_blocked.set(false);
        let is_behind = synced != SyncOutcome::Complete;
        self.seen.set(if is_behind { changes.wrapping_sub(1) } else { changes });
        self.retry_at.set((synced == SyncOutcome::Crowded).then(|| Instant::now() + RETRY));
        if synced != SyncOutcome::Incomplete && matches!(*self.problem.borrow(), Some(Problem::CannotAttach(_))) {
            // It is over, and nobody has asked.
            self.problem.replace(None);
        }
        self.needs_attention.set(is_behind || self.problem.borrow().is_some());
    }

    /// The service could not be looked at.
    pub fn record_failed_sync(&self) {
        self.record_sync(self.synced.get(), SyncOutcome::Crowded);
        self.retry_at.set(Some(Instant::now() + RETRY_LOCK));
        self.is_blocked.set(true);
    }

    /// Whether the last sync has left something to do.
    pub fn is_behind(&self) -> bool {
        self.seen.get() != self.synced.get()
    }

    /// Something that the next call which finds nothing has to tell; the last one counts.
    pub fn note(&self, problem: Problem) {
        self.problem.replace(Some(problem));
        self.needs_attention.set(true);
    }

    /// As [`SyncState::note`], of something that does not change any more: told by one call of the port.
    pub fn note_once(&self, problem: Problem) {
        if !self.is_told.replace(true) {
            self.note(problem);
        }
    }

    /// What is to be told, once, as one error or the other.
    pub fn take_problem<E>(&self, attach: fn(Box<SystemError>) -> E, gone: fn(Box<NamespaceGone>) -> E) -> Option<E> {
        let problem = self.problem.take();
        self.needs_attention.set(self.is_behind());
        problem.map(|problem| match problem {
            Problem::CannotAttach(reason) => attach(reason),
            Problem::NamespaceGone(reason) => gone(reason),
        })
    }
}
