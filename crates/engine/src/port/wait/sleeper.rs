//! A port's own wake word, and how it likes to wait.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::connection::Side;
use crate::error::{SystemContext, SystemError};
use crate::id::Id;
use crate::service::{ServiceInner, files};
use crate::wait::bell::Bell;
use crate::wait::{ladder, word};

/// So many waits in a row that end without sleeping make a port one that does not sleep.
const CALM: u32 = 64;

/// What a port needs for waiting.
#[derive(Debug)]
pub(in crate::port) struct Sleeper {
    side: Side,
    port: Id,
    /// Index of its wake word, once it was looked for.
    at: OnceCell<usize>,
    /// Time to spin before sleeping; `None` is what is usual.
    spin: Cell<Option<Duration>>,
    /// Waits in a row that ended without sleeping, up to `CALM`.
    awake: Cell<u32>,
    /// Whether somebody has come, and it was not told yet that the last one has gone.
    met: Cell<bool>,
    /// Its end of the bell, if it has one.
    bell: OnceCell<Rc<Bell>>,
}

impl Sleeper {
    pub fn new(side: Side, port: Id) -> Self {
        Self {
            side,
            port,
            at: OnceCell::new(),
            spin: Cell::new(None),
            awake: Cell::new(CALM),
            met: Cell::new(false),
            bell: OnceCell::new(),
        }
    }

    pub fn spin(&self) -> Duration {
        self.spin.get().unwrap_or_else(ladder::spin_by_default)
    }

    pub fn set_spin(&self, spin: Duration) {
        self.spin.set(Some(spin));
    }

    /// The wake word, as long as the port is entered.
    pub fn word<'a>(&self, service: &'a ServiceInner) -> Option<&'a AtomicU64> {
        let registry = &service.registry;
        let at = *self.at.get_or_init(|| registry.find_wake_word(self.side, self.port).unwrap_or(usize::MAX));
        registry.wake_word(at)
    }

    /// Counts a wait. A port that has not slept for long tells senders that they need not fence.
    pub fn has_waited(&self, slept: bool, service: &ServiceInner) {
        let before = self.awake.get();
        self.awake.set(if slept { 0 } else { (before + 1).min(CALM) });
        if !slept
            && before + 1 == CALM
            && let Some(word) = self.word(service)
        {
            word::calm(word);
        }
    }

    /// Somebody has come who can send, or could.
    pub fn meet(&self) {
        self.met.set(true);
    }

    /// Whether the last one who could send has gone since the port was asked last.
    pub fn has_lost_the_last(&self, somebody_is_there: bool) -> bool {
        self.met.replace(somebody_is_there) && !somebody_is_there
    }

    /// The bell, if there is one.
    pub fn bell(&self) -> Option<&Bell> {
        self.bell.get().map(|bell| &**bell)
    }

    /// The bell, made if need be. Only while the port is entered: nobody would ring, nor remove it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn make_bell(&self, service: &ServiceInner) -> Result<Rc<Bell>, SystemError> {
        if let Some(bell) = self.bell.get() {
            return Ok(Rc::clone(bell));
        }
        let bell = Bell::create(&self.path_of_bell(service)).at("making a pipe to wake the port", &service.folder)?;
        Ok(Rc::clone(self.bell.get_or_init(|| Rc::new(bell))))
    }

    /// The port leaves: nobody rings any more.
    pub fn leave(&self, service: &ServiceInner) {
        if let Some(bell) = self.bell.get() {
            bell.retire();
            // What cannot be removed now is removed with the next port that leaves.
            let _ = files::remove(&self.path_of_bell(service));
        }
    }

    fn path_of_bell(&self, service: &ServiceInner) -> PathBuf {
        service.folder.join(files::bell(self.port))
    }
}
