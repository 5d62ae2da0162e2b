//! A file descriptor for servers and pending responses.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::atomic::{Ordering, fence};

use super::wait_set::{AttachmentId, WaitEvent, WaitSet, Waitable, Waits};
use crate::error::{SystemContext, SystemError};
use crate::wait::adaptive::{PollDepth, SLICE, SLICE_UNNOTIFIED};
use crate::wait::notification_pipe::{NotificationPipe, PollDescriptor};
use crate::wait::word::{self, WakeMethod};

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
    descriptor: Rc<PollDescriptor>,
    pipes: Vec<(AttachmentId, Rc<NotificationPipe>)>,
    /// Whether senders may have been asked to write to the pipes.
    asked: bool,
}

/// Token of a pipe in the poller: its address, which is unique.
fn token(pipe: &Rc<NotificationPipe>) -> u64 {
    Rc::as_ptr(pipe).addr() as u64
}

impl PollSet {
    /// Without attachments.
    ///
    /// # Errors
    /// [`SystemError`]: no descriptor is left, for example.
    pub fn new() -> Result<Self, SystemError> {
        let descriptor = PollDescriptor::new().doing("making a descriptor to poll")?;
        Ok(Self { set: WaitSet::new(), descriptor, pipes: Vec::new(), asked: false })
    }

    /// Attaches a server or a pending response. Dropping that does not detach it.
    ///
    /// # Errors
    /// [`SystemError`]: the port's pipe could not be made.
    pub fn attach(&mut self, waitable: &impl Waitable) -> Result<AttachmentId, SystemError> {
        // A port that has left has no wake word, so nobody would notify it: the timer has to do.
        let pipe = waitable.source().port.upgrade().map_or(Ok(None), |port| port.make_notification_pipe())?;
        if let Some(pipe) = &pipe
            && !self.has(pipe)
        {
            self.descriptor.poller.add(&pipe.file, token(pipe)).doing("making a pipe to wake the port")?;
        }
        let id = self.set.attach(waitable);
        if let Some(pipe) = pipe {
            pipe.attach(&self.descriptor);
            self.pipes.push((id, pipe));
        }
        // What is there already was not listed.
        self.descriptor.fire();
        Ok(id)
    }

    fn has(&self, pipe: &Rc<NotificationPipe>) -> bool {
        self.pipes.iter().any(|(_, other)| Rc::ptr_eq(other, pipe))
    }

    /// Detaches it; `false` if it was not attached. The others stay armed.
    pub fn detach(&mut self, id: AttachmentId) -> bool {
        let port = self.set.port(id);
        if let Some(index) = self.pipes.iter().position(|(attached, _)| *attached == id) {
            let (_, pipe) = self.pipes.swap_remove(index);
            pipe.detach(&self.descriptor);
            // Another pending response of the same client may go on with it.
            if !self.has(&pipe) {
                self.descriptor.poller.remove(&pipe.file);
                if let Some(port) = port {
                    self.clear_request(&*port);
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
        self.descriptor.disarm();
        // Each pipe at most once: a peer that keeps writing does not block this loop.
        for _ in 0..=self.pipes.len() {
            let all = self.descriptor.poller.ready(|readable| {
                if let Some((_, pipe)) = self.pipes.iter().find(|(_, pipe)| token(pipe) == readable) {
                    pipe.drain(&self.descriptor);
                }
            });
            if all {
                break;
            }
        }
        let ports = self.set.ports();
        let mut notified = true;
        for port in &ports {
            port.check_peers();
            notified &= port.wake_word().is_some_and(|word| word::arm(word, WakeMethod::Pipe).is_some());
        }
        self.asked = true;
        // The owner's fence of the module `wait::word`: behind what was just said, before the poll.
        fence(Ordering::SeqCst);
        let found = self.set.look(PollDepth::Thorough);
        self.set.keep(ports);
        if found {
            self.disarm();
        } else {
            let armed = self.descriptor.arm(if notified { SLICE } else { SLICE_UNNOTIFIED });
            armed.doing("setting the timer of a descriptor to poll")?;
        }
        Ok(&self.set.events)
    }

    fn disarm(&mut self) {
        self.descriptor.disarm();
        if std::mem::take(&mut self.asked) {
            let ports = self.set.ports();
            for port in &ports {
                self.clear_request(&**port);
            }
            self.set.keep(ports);
        }
    }

    /// Senders need not notify this set.
    fn clear_request(&self, port: &dyn Waits) {
        let others = port.notification_pipe().is_some_and(|pipe| pipe.is_armed_by_others(&self.descriptor));
        if let Some(word) = port.wake_word().filter(|_| !others) {
            word::disarm(word, WakeMethod::Pipe);
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
        self.descriptor.poller.as_fd()
    }
}

impl AsRawFd for PollSet {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
