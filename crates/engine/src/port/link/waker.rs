//! The other side's wake word, as a sender sees it.

use std::cell::OnceCell;
use std::fs::File;
use std::sync::Arc;

use crate::connection::Side;
use crate::id::Id;
use crate::service::{ServiceInner, files};
use crate::shm;
use crate::wait::notification_pipe;
use crate::wait::word;

/// Wakes the port on the other side of a connection, if it asks for that.
#[derive(Debug)]
pub(in crate::port) struct Waker {
    service: Arc<ServiceInner>,
    port: Id,
    /// Index of its wake word; of no word if it had left before it was met. It may leave, and another port take its
    /// place: then that one is woken spuriously.
    at: usize,
    /// Whether this process has to fence after each push.
    fences: bool,
    /// Its notification pipe, once it was used.
    pipe: OnceCell<File>,
}

impl Waker {
    /// For a port of the side.
    pub fn new(service: &Arc<ServiceInner>, side: Side, port: Id) -> Self {
        Self {
            service: Arc::clone(service),
            port,
            at: service.registry.find_wake_word(side, port).unwrap_or(usize::MAX),
            fences: !shm::register_for_fences(),
            pipe: OnceCell::new(),
        }
    }

    /// After whatever the port may wait for: a message, or the end of messages. One load unless it asks for more.
    #[inline]
    pub fn wake(&self) {
        if let Some(word) = self.service.registry.wake_word(self.at)
            && !word::is_quiet(word, self.fences)
            && word::wake_owner(word)
        {
            self.notify();
        }
    }

    #[cold]
    fn notify(&self) {
        if self.pipe.get().is_none() {
            // Without a pipe, or without a descriptor to open it, the owner notices with its next poll.
            let Ok(pipe) = notification_pipe::open(&self.service.folder.join(files::notification_pipe(self.port)))
            else {
                return;
            };
            let _ = self.pipe.set(pipe);
        }
        if let Some(pipe) = self.pipe.get() {
            notification_pipe::notify(pipe);
        }
    }
}
