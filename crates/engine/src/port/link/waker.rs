//! The other side's wake word, as a sender sees it.

use std::cell::OnceCell;
use std::fs::File;
use std::sync::Arc;

use crate::connection::Side;
use crate::id::Id;
use crate::service::{ServiceInner, files};
use crate::wait::word::{self, Call};
use crate::wait::{barrier, bell};

/// Wakes the port on the other side of a connection, if it asks for that.
#[derive(Debug)]
pub(in crate::port) struct Waker {
    service: Arc<ServiceInner>,
    port: Id,
    /// Index of its wake word; of no word if it had left before it was met. It may leave, and another port take its place:
    /// then that one is woken in vain.
    at: usize,
    /// Whether this process has to fence after each push.
    fences: bool,
    /// Its bell, once it was rung.
    bell: OnceCell<File>,
}

impl Waker {
    /// For a port of the side.
    pub fn new(service: &Arc<ServiceInner>, side: Side, port: Id) -> Self {
        Self {
            service: Arc::clone(service),
            port,
            at: service.registry.find_wake_word(side, port).unwrap_or(usize::MAX),
            fences: !barrier::take_part(),
            bell: OnceCell::new(),
        }
    }

    /// After whatever the port may wait for: a message, or the end of messages. One load unless it asks for more.
    #[inline]
    pub fn wake(&self) {
        if let Some(word) = self.service.registry.wake_word(self.at)
            && !word::is_quiet(word, self.fences)
            && word::call(word) == Call::Ring
        {
            self.ring();
        }
    }

    #[cold]
    fn ring(&self) {
        if self.bell.get().is_none() {
            // Without a bell, or without a descriptor to open it, the owner hears of it when it looks by itself.
            let Ok(bell) = bell::open(&self.service.folder.join(files::bell(self.port))) else { return };
            let _ = self.bell.set(bell);
        }
        if let Some(bell) = self.bell.get() {
            bell::ring(bell);
        }
    }
}
