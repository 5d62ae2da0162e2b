//! A file descriptor for servers and pending responses.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::atomic::{Ordering, fence};

use super::sleeper::Sleeper;
use super::wait_set::{Attached, AttachmentId, WaitEvent, WaitSet, Waitable};
use crate::engine::error::SystemError;
use crate::engine::service::ServiceInner;
use crate::engine::shm::Poller;
use crate::engine::wait::bell;
use crate::engine::wait::ladder::{Look, SLICE, SLICE_UNHEARD};
use crate::engine::wait::word::{self, Wish};

/// Servers and pending responses with one file descriptor, for event loops that wait for other things as well: `poll`,
/// `epoll`, async runtimes.
///
/// The descriptor is readable when [`PollSet::arm`] has to be called again; nothing is to be read from it. The loop is
///
/// 1. `arm`. If it lists events, receive what is there, and begin again.
/// 2. If it lists nothing, wait until the descriptor is readable, for as long as you like. Begin again.
///
/// Whatever happens after `arm` makes the descriptor readable, and whatever happened before is listed, so no edge is lost,
/// with edge-triggered and one-shot waiting too. The descriptor is also readable 100 ms after `arm`, so that killed peers are
/// noticed: such an `arm` mostly lists nothing. Senders make a system call only for the first message after each `arm` that
/// listed nothing.
///
/// It costs two descriptors, and one more for each port; in processes that send to them, one for each port.
#[derive(Debug)]
pub struct PollSet {
    set: WaitSet,
    poller: Poller,
    bells: Vec<(AttachmentId, Rc<File>)>,
    /// Whether senders may have been told to ring.
    armed: bool,
}

impl PollSet {
    /// Without attachments.
    ///
    /// # Errors
    /// [`SystemError`]: no descriptor is left, for example.
    pub fn new() -> Result<Self, SystemError> {
        let poller = Poller::new().map_err(|error| SystemError::new("making a descriptor to poll", &error))?;
        Ok(Self { set: WaitSet::new(), poller, bells: Vec::new(), armed: false })
    }

    /// Attaches a server or a pending response. Dropping that does not detach it.
    ///
    /// # Errors
    /// [`SystemError`]: the port's pipe could not be made.
    pub fn attach(&mut self, waitable: &impl Waitable) -> Result<AttachmentId, SystemError> {
        let what = "making a pipe to wake the port";
        let bell = |sleeper: &Sleeper, service: &ServiceInner| {
            sleeper.bell(service).map_err(|error| SystemError::at(what, &service.folder, &error))
        };
        let bell = match waitable.source().0 {
            Attached::Server(core) => core.upgrade().map(|core| bell(&core.sleeper, &core.service)),
            Attached::Pending { core, .. } => core.upgrade().map(|core| bell(&core.sleeper, &core.service)),
        };
        let bell = bell.transpose()?;
        let id = self.set.attach(waitable);
        if let Some(bell) = bell {
            if !self.rings(&bell)
                && let Err(error) = self.poller.add(&bell, id.0)
            {
                self.set.detach(id);
                return Err(SystemError::new(what, &error));
            }
            self.bells.push((id, bell));
        }
        Ok(id)
    }

    fn rings(&self, bell: &Rc<File>) -> bool {
        self.bells.iter().any(|(_, other)| Rc::ptr_eq(other, bell))
    }

    /// Detaches it; `false` if it was not attached.
    pub fn detach(&mut self, id: AttachmentId) -> bool {
        self.disarm();
        if let Some(index) = self.bells.iter().position(|(attached, _)| *attached == id) {
            let (_, bell) = self.bells.swap_remove(index);
            self.poller.remove(&bell);
            // Another pending response of the same client goes on with it.
            if let Some((id, bell)) = self.bells.iter().find(|(_, other)| Rc::ptr_eq(other, &bell)) {
                // It was in the poller a moment ago, so it fits.
                let _ = self.poller.add(bell, id.0);
            }
        }
        self.set.detach(id)
    }

    /// Lists what ends a wait, as [`WaitSet::wait`] does; if that is nothing, the descriptor shows from now on when to call
    /// this again.
    ///
    /// # Errors
    /// [`SystemError`]: the timer could not be set.
    pub fn arm(&mut self) -> Result<&[WaitEvent], SystemError> {
        // Each bell at most once: a peer that rings on and on does not hold us here.
        for _ in 0..=self.bells.len() {
            let all = self.poller.ready(|token| {
                if let Some((_, bell)) = self.bells.iter().find(|(id, _)| id.0 == token) {
                    bell::drain(bell);
                }
            });
            if all {
                break;
            }
        }
        let ports = self.set.ports();
        let mut heard = true;
        for port in &ports.0 {
            port.look_after_peers();
            heard &= port.wake_word().is_some_and(|word| word::arm(word, Wish::Ring).is_some());
        }
        self.armed = true;
        // The owner's fence of the module `wait::word`: behind what was just said, in front of the look.
        fence(Ordering::SeqCst);
        let found = self.set.look(Look::Thorough);
        self.set.keep(ports);
        if found {
            self.disarm();
        } else {
            let slice = if heard { SLICE } else { SLICE_UNHEARD };
            let timer = self.poller.set_timer(slice);
            timer.map_err(|error| SystemError::new("setting the timer of a descriptor to poll", &error))?;
        }
        Ok(self.set.events())
    }

    fn disarm(&mut self) {
        if std::mem::take(&mut self.armed) {
            let ports = self.set.ports();
            for word in ports.0.iter().filter_map(|port| port.wake_word()) {
                word::disarm(word, Wish::Ring);
            }
            self.set.keep(ports);
        }
    }
}

impl Drop for PollSet {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl AsFd for PollSet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }
}

impl AsRawFd for PollSet {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
