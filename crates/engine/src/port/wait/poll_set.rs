//! A file descriptor for servers and pending responses.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::atomic::{Ordering, fence};

use super::wait_set::{AttachmentId, WaitEvent, WaitSet, Waitable, Waits};
use crate::error::{SystemContext, SystemError};
use crate::wait::bell::{Alarm, Bell};
use crate::wait::ladder::{Look, SLICE, SLICE_UNHEARD};
use crate::wait::word::{self, Wish};

/// Servers and pending responses with one file descriptor, for event loops that wait for other things as well: `poll`,
/// `epoll`, async runtimes.
///
/// The descriptor is readable when [`PollSet::arm`] has to be called again; nothing is to be read from it. The loop is
///
/// 1. `arm`. If it lists events, receive what is there, and begin again.
/// 2. If it lists nothing, wait until the descriptor is readable, for as long as you like. Begin again.
///
/// Whatever happens after `arm` makes the descriptor readable, and whatever happened before is listed, so no edge is lost,
/// with edge-triggered and one-shot waiting too. Any number of sets may have the same server, or pending responses of the
/// same client, and each of them is woken; so may waits of this thread in between. Attaching makes the descriptor of an armed
/// set readable, and so does dropping an attached server, or the client of an attached pending response. Dropping a pending
/// response does not: that is listed by the next `arm`.
///
/// The descriptor is also readable 100 ms after `arm`, so that killed peers are noticed, and if another set over the same
/// port was woken: such an `arm` mostly lists nothing. (1 ms, if the client of a pending response is dropped, or if the
/// kernel refuses `membarrier`; see [`PendingResponse::receive_timeout`](crate::PendingResponse::receive_timeout).)
/// Senders make a system call only for the first message after each `arm` that listed nothing.
///
/// It costs two descriptors, and one more for each port; in processes that send to them, one for each port.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// use std::os::fd::AsFd;
///
/// use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
/// use shmark_engine::PollSet;
///
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// let server = service.server_builder().create()?;
/// let mut set = PollSet::new()?;
/// set.attach(&server)?;
/// # let client = service.client_builder().create()?;
/// # assert!(set.arm()?.is_empty());
/// # let pending = client.send_copy(20)?;
/// loop {
///     if set.arm()?.is_empty() {
///         // As good as `poll`: `epoll`, or an event loop that has more to wait for.
///         poll(&mut [PollFd::new(set.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)?;
///         continue;
///     }
///     while let Some(request) = server.receive()? {
///         request.send_copy(*request + 1)?;
///     }
/// #     break;
/// }
/// # assert_eq!(pending.receive()?.as_deref(), Some(&21));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With tokio, an `AsyncFd` takes it over: `examples/tokio` of the repository is such a pair of programs.
#[derive(Debug)]
pub struct PollSet {
    set: WaitSet,
    alarm: Rc<Alarm>,
    bells: Vec<(AttachmentId, Rc<Bell>)>,
    /// Whether senders may have been asked to ring.
    asked: bool,
}

/// What a bell is called in the poller: there is no other one at its address.
fn token(bell: &Rc<Bell>) -> u64 {
    Rc::as_ptr(bell).addr() as u64
}

impl PollSet {
    /// Without attachments.
    ///
    /// # Errors
    /// [`SystemError`]: no descriptor is left, for example.
    pub fn new() -> Result<Self, SystemError> {
        let alarm = Alarm::new().doing("making a descriptor to poll")?;
        Ok(Self { set: WaitSet::new(), alarm, bells: Vec::new(), asked: false })
    }

    /// Attaches a server or a pending response. Dropping that does not detach it.
    ///
    /// # Errors
    /// [`SystemError`]: the port's pipe could not be made.
    pub fn attach(&mut self, waitable: &impl Waitable) -> Result<AttachmentId, SystemError> {
        // A port that has left has no wake word, so nobody would ring for it: the timer has to do.
        let bell = waitable.source().port().map_or(Ok(None), |port| port.make_bell())?;
        if let Some(bell) = &bell
            && !self.has(bell)
        {
            self.alarm.poller.add(bell.file(), token(bell)).doing("making a pipe to wake the port")?;
        }
        let id = self.set.attach(waitable);
        if let Some(bell) = bell {
            bell.attach(&self.alarm);
            self.bells.push((id, bell));
        }
        // What is there already was not listed.
        self.alarm.go_off();
        Ok(id)
    }

    fn has(&self, bell: &Rc<Bell>) -> bool {
        self.bells.iter().any(|(_, other)| Rc::ptr_eq(other, bell))
    }

    /// Detaches it; `false` if it was not attached. The others stay armed.
    pub fn detach(&mut self, id: AttachmentId) -> bool {
        let port = self.set.port(id);
        if let Some(index) = self.bells.iter().position(|(attached, _)| *attached == id) {
            let (_, bell) = self.bells.swap_remove(index);
            bell.detach(&self.alarm);
            // Another pending response of the same client may go on with it.
            if !self.has(&bell) {
                self.alarm.poller.remove(bell.file());
                if let Some(port) = port {
                    self.ask_no_more(&*port);
                }
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
        self.alarm.rest();
        // Each bell at most once: a peer that rings on and on does not hold us here.
        for _ in 0..=self.bells.len() {
            let all = self.alarm.poller.ready(|rung| {
                if let Some((_, bell)) = self.bells.iter().find(|(_, bell)| token(bell) == rung) {
                    bell.drain(&self.alarm);
                }
            });
            if all {
                break;
            }
        }
        let ports = self.set.ports();
        let mut heard = true;
        for port in &ports {
            port.look_after_peers();
            heard &= port.wake_word().is_some_and(|word| word::arm(word, Wish::Ring).is_some());
        }
        self.asked = true;
        // The owner's fence of the module `wait::word`: behind what was just said, in front of the look.
        fence(Ordering::SeqCst);
        let found = self.set.look(Look::Thorough);
        self.set.keep(ports);
        if found {
            self.disarm();
        } else {
            let armed = self.alarm.rely(if heard { SLICE } else { SLICE_UNHEARD });
            armed.doing("setting the timer of a descriptor to poll")?;
        }
        Ok(self.set.events())
    }

    fn disarm(&mut self) {
        self.alarm.rest();
        if std::mem::take(&mut self.asked) {
            let ports = self.set.ports();
            for port in &ports {
                self.ask_no_more(&**port);
            }
            self.set.keep(ports);
        }
    }

    /// Senders need not ring for this set.
    fn ask_no_more(&self, port: &dyn Waits) {
        let others = port.bell().is_some_and(|bell| bell.is_relied_on(&self.alarm));
        if let Some(word) = port.wake_word().filter(|_| !others) {
            word::disarm(word, Wish::Ring);
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
        self.alarm.poller.as_fd()
    }
}

impl AsRawFd for PollSet {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
