//! A port's own wake word, how it waits, and when it checks whether the other side still lives. A check costs system calls, so it
//! is rare; a wait is never longer than a few slices behind the truth.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use crate::connection::Side;
use crate::error::{SystemContext, SystemError};
use crate::id::Id;
use crate::service::{ServiceInner, files};
use crate::wait::notification_pipe::NotificationPipe;
use crate::wait::{adaptive, word};

/// So many waits in a row that end without sleeping make a port one that does not sleep.
const AWAKE_WAITS: u32 = 64;

/// State that a port needs for waiting.
#[derive(Debug)]
pub(in crate::port) struct WaitState {
    side: Side,
    port: Id,
    /// Index of its wake word, once it was looked for.
    at: OnceCell<usize>,
    /// Time to spin before sleeping; `None` is what is usual.
    pub spin: Cell<Option<Duration>>,
    /// Waits in a row that ended without sleeping, up to `AWAKE_WAITS`.
    awake: Cell<u32>,
    /// Whether somebody has come, and it was not told yet that the last one has gone.
    pub had_peer: Cell<bool>,
    /// Its end of the notification pipe, if it has one.
    pub pipe: OnceCell<Rc<NotificationPipe>>,
}

impl WaitState {
    pub fn new(side: Side, port: Id) -> Self {
        Self {
            side,
            port,
            at: OnceCell::new(),
            spin: Cell::new(None),
            awake: Cell::new(AWAKE_WAITS),
            had_peer: Cell::new(false),
            pipe: OnceCell::new(),
        }
    }

    pub fn spin(&self) -> Duration {
        self.spin.get().unwrap_or_else(adaptive::default_spin)
    }

    /// The wake word, as long as the port is entered.
    pub fn word<'a>(&self, service: &'a ServiceInner) -> Option<&'a AtomicU64> {
        let registry = &service.registry;
        let at = *self.at.get_or_init(|| registry.find_wake_word(self.side, self.port).unwrap_or(usize::MAX));
        registry.wake_word(at)
    }

    /// Counts a wait. A port that has not slept for long tells senders that they need not fence.
    pub fn record_wait(&self, slept: bool, service: &ServiceInner) {
        let before = self.awake.get();
        self.awake.set(if slept { 0 } else { (before + 1).min(AWAKE_WAITS) });
        if !slept
            && before + 1 == AWAKE_WAITS
            && let Some(word) = self.word(service)
        {
            word::clear_fence(word);
        }
    }

    /// The notification pipe, made if need be. Only while the port is registered: nobody would write to it, nor remove
    /// it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn make_notification_pipe(&self, service: &ServiceInner) -> Result<Rc<NotificationPipe>, SystemError> {
        if let Some(pipe) = self.pipe.get() {
            return Ok(Rc::clone(pipe));
        }
        let pipe = NotificationPipe::create(&self.notification_pipe_path(service))
            .at("making a pipe to wake the port", &service.folder)?;
        Ok(Rc::clone(self.pipe.get_or_init(|| Rc::new(pipe))))
    }

    /// The port leaves: nobody notifies it any more.
    pub fn leave(&self, service: &ServiceInner) {
        if let Some(pipe) = self.pipe.get() {
            pipe.retire();
            // What cannot be removed now is removed with the next port that leaves.
            let _ = files::remove(&self.notification_pipe_path(service));
        }
    }

    fn notification_pipe_path(&self, service: &ServiceInner) -> PathBuf {
        service.folder.join(files::notification_pipe(self.port))
    }
}

/// Time between two liveness checks.
const SLICE: Duration = Duration::from_millis(100);
/// Empty polls between two readings of the clock.
const POLLS: u32 = 32;

/// Decides when a liveness check is due.
#[derive(Debug)]
pub(in crate::port) struct LivenessTimer {
    polls: Cell<u32>,
    last: Cell<Instant>,
}

impl LivenessTimer {
    pub fn new() -> Self {
        Self { polls: Cell::new(0), last: Cell::new(Instant::now()) }
    }

    /// After a poll that found nothing: rarely `true`.
    #[inline]
    pub fn take_due_while_polling(&self) -> bool {
        self.polls.set(self.polls.get() + 1);
        if self.polls.get() < POLLS {
            return false;
        }
        self.polls.set(0);
        self.take_due()
    }

    /// Where the answer matters now: `true` once a slice.
    pub fn take_due(&self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.last.get()) < SLICE {
            return false;
        }
        self.last.set(now);
        true
    }
}
