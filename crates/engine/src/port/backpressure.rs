//! What a sender does when a buffer without overflow is full: its strategy, or a handler that decides case by case.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::error::SendError;
use crate::id::Id;
use crate::name::ServiceName;
use crate::service::ServiceInner;
use crate::strategy::BackpressureStrategy;

/// What a backpressure handler decides, for one receiver whose buffer is full.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// use shmark_engine::{BackpressureAction, BackpressureInfo};
/// use shmark_engine::error::SendError;
///
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// let service = node
///     .service_builder(&name)
///     .request_response::<u64, u64>()
///     .enable_safe_overflow_for_requests(false)
///     .max_active_requests_per_client(1)
///     .open_or_create()?;
/// let server = service.server_builder().create()?;
/// // Tries for a while, and gives up on a server that makes no room.
/// let handler = |full: &BackpressureInfo<'_>| match full.retries {
///     0..3 => BackpressureAction::Retry,
///     _ => BackpressureAction::DiscardAndFail,
/// };
/// let client = service.client_builder().backpressure_handler(handler).create()?;
///
/// // Nobody waits for the response, but the request still waits for the server, in the only place that there is.
/// drop(client.send_copy(1)?);
/// let refused = client.send_copy(2);
/// assert!(matches!(refused, Err(SendError::UnableToDeliver { receiver }) if receiver == server.id()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackpressureAction {
    /// Tries again after a short pause; the handler is asked anew if there is still no room.
    Retry,
    /// Leaves this receiver out. The send succeeds.
    Discard,
    /// Leaves this receiver out. The others are served, then the send fails with [`SendError::UnableToDeliver`].
    DiscardAndFail,
    /// Does what the port's [`BackpressureStrategy`] says; after a retry the handler is asked anew.
    FollowStrategy,
}

/// What a backpressure handler is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackpressureInfo<'a> {
    /// Service of both ports.
    pub service: &'a ServiceName,
    /// Port that sends: a client for requests, a server for responses.
    pub sender: Id,
    /// Port whose buffer is full.
    pub receiver: Id,
    /// Node of that port.
    pub receiver_node: Id,
    /// How often this message was tried again for this receiver: 0 when the handler is asked for the first time.
    pub retries: u64,
    /// Time since the first try.
    pub elapsed: Duration,
}

type Handler = dyn Fn(&BackpressureInfo<'_>) -> BackpressureAction;

/// Strategy and handler of a port.
#[derive(Clone, Default)]
pub(super) struct Backpressure {
    pub strategy: BackpressureStrategy,
    pub handler: Option<Rc<Handler>>,
}

impl Backpressure {
    /// Whether a full buffer is anything but left out at once.
    pub fn may_wait(&self) -> bool {
        self.handler.is_some() || self.strategy == BackpressureStrategy::RetryUntilDelivered
    }
}

impl fmt::Debug for Backpressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handler = self.handler.as_ref().map(|_| "handler");
        f.debug_struct("Backpressure").field("strategy", &self.strategy).field("handler", &handler).finish()
    }
}

/// Why a send fails although it could be tried again.
pub(super) enum SendAborted {
    /// This is why.
    Failed(SendError),
    /// The handler panicked. Goes on when nothing of the message is left.
    Panicked(Box<dyn Any + Send>),
}

impl SendAborted {
    /// The error for the sender, once nothing of the message is left.
    pub fn into_error(self) -> SendError {
        match self {
            Self::Failed(reason) => reason,
            Self::Panicked(reason) => resume_unwind(reason),
        }
    }
}

/// One message that waits for room, at one receiver or several.
pub(super) struct BackpressureRetry<'a> {
    backpressure: &'a Backpressure,
    service: &'a ServiceName,
    sender: Id,
    retries: u64,
    since: Instant,
    /// First reason for which the send fails in the end.
    pub gave_up: Option<SendAborted>,
}

impl<'a> BackpressureRetry<'a> {
    pub fn new(backpressure: &'a Backpressure, service: &'a ServiceInner, sender: Id) -> Self {
        Self { backpressure, service: &service.name, sender, retries: 0, since: Instant::now(), gave_up: None }
    }

    /// Whether to try this receiver again, after a try that found its buffer full. Nothing of the port may be borrowed: a
    /// handler may use it, to receive what makes room.
    pub fn should_retry(&mut self, receiver: Id, receiver_node: Id) -> bool {
        let by_strategy = self.backpressure.strategy == BackpressureStrategy::RetryUntilDelivered;
        let Some(handler) = &self.backpressure.handler else { return by_strategy };
        let Self { service, sender, retries, .. } = *self;
        let elapsed = self.since.elapsed();
        let info = BackpressureInfo { service, sender, receiver, receiver_node, retries, elapsed };
        // The chunk and the lane are given back in front of the panic, as after any other failure.
        match catch_unwind(AssertUnwindSafe(|| handler(&info))) {
            Ok(BackpressureAction::Retry) => true,
            Ok(BackpressureAction::FollowStrategy) => by_strategy,
            Ok(BackpressureAction::Discard) => false,
            Ok(BackpressureAction::DiscardAndFail) => {
                self.give_up(SendAborted::Failed(SendError::UnableToDeliver { receiver }))
            }
            Err(reason) => self.give_up(SendAborted::Panicked(reason)),
        }
    }

    /// Notes why the send fails, unless there is a reason already. Always `false`.
    pub fn give_up(&mut self, reason: SendAborted) -> bool {
        self.gave_up.get_or_insert(reason);
        false
    }

    /// Before the next try: spins, then yields, then sleeps up to a millisecond.
    pub fn pause(&mut self) {
        self.retries += 1;
        match self.retries {
            0..=100 => std::hint::spin_loop(),
            101..=120 => std::thread::yield_now(),
            retries => std::thread::sleep(Duration::from_micros((retries - 120).min(20) * 50)),
        }
    }
}
