//! Waiting for one port: what it waits for, and what ends it. Nothing that came before an end is lost.

use std::iter::FusedIterator;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::error::{ReceiveError, ReceiveTimeoutError, SystemError};
use crate::payload::Payload;
use crate::port::client::listener::Response;
use crate::port::client::request::PendingResponse;
use crate::port::member::sync_state::Port;
use crate::port::server::Server;
use crate::port::server::active::ActiveRequest;
use crate::shm::Plain;
use crate::wait::adaptive::{self, PollDepth, WaitingPort};
use crate::wait::notification_pipe::NotificationPipe;
use crate::wait::{TryReceived, Waited};

/// What ends a wait, if this look has found it.
type Looked<T> = Result<Option<Waited<T>>, ReceiveError>;

impl<P: Port> WaitingPort for P {
    // A port that is dropped has given up its place, and with it the word: what still waits for responses to a client's
    // requests sleeps in short slices.
    fn wake_word(&self) -> Option<&AtomicU64> {
        self.registered.get().then(|| self.wait_state.word(&self.service)).flatten()
    }
    fn notification_pipe(&self) -> Option<&NotificationPipe> {
        self.wait_state.pipe.get().map(|pipe| &**pipe)
    }
    fn make_notification_pipe(&self) -> Result<Option<Rc<NotificationPipe>>, SystemError> {
        self.registered.get().then(|| self.wait_state.make_notification_pipe(&self.service)).transpose()
    }
    fn check_peers(&self) {
        self.check_peers_if_due();
    }
    fn record_wait(&self, slept: bool) {
        self.wait_state.record_wait(slept, &self.service);
    }
}

impl<Req: Payload + ?Sized, Res: Payload + ?Sized, ReqHeader: Plain, ResHeader: Plain>
    Server<Req, Res, ReqHeader, ResHeader>
{
    /// Receives a request, or waits for one: spins for a little while and then sleeps. A `timeout` of zero only looks.
    ///
    /// Where the kernel refuses `membarrier` to this process (a seccomp filter, or Linux before 4.16), it cannot rely
    /// on being woken, and polls every millisecond instead of sleeping longer. Senders to whom it is refused are no
    /// matter.
    ///
    /// New clients may come at any time, so a server without clients waits. That the last client has gone since the server
    /// looked last, dropped or killed, ends the wait once with [`Waited::Disconnected`]; the next call waits for new ones.
    ///
    /// # Errors
    /// As [`Server::receive`], at once.
    #[inline]
    pub fn receive_timeout(
        &self,
        timeout: Duration,
    ) -> Result<Waited<ActiveRequest<Req, Res, ReqHeader, ResHeader>>, ReceiveError> {
        let core = &*self.core;
        let found = adaptive::wait(&[core], timeout, core.wait_state.spin(), |look| self.look(look).transpose());
        found.unwrap_or(Ok(Waited::Timeout))
    }

    #[inline]
    fn look(&self, look: PollDepth) -> Looked<ActiveRequest<Req, Res, ReqHeader, ResHeader>> {
        let mut received = self.receive()?;
        let ended = received.is_none() && look == PollDepth::Thorough && self.core.take_last_client_left();
        if ended {
            // What the last client sent before it went comes first.
            received = self.receive()?;
        }
        Ok(received.map(Waited::Received).or_else(|| ended.then_some(Waited::Disconnected)))
    }

    /// Time that a wait spins before it sleeps: some microseconds unless set, and nothing where there is one processor. Ends
    /// are seen while spinning too, within a millisecond, and killed peers as soon as asleep.
    pub fn set_spin_before_sleep(&self, spin: Duration) {
        self.core.wait_state.spin.set(Some(spin));
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> PendingResponse<Res, ResHeader> {
    /// Receives a response, or waits for one: spins for a little while and then sleeps. A `timeout` of zero only looks.
    ///
    /// Where the kernel refuses `membarrier` to this process (a seccomp filter, or Linux before 4.16), or the client is
    /// dropped, it cannot rely on being woken, and polls every millisecond instead of sleeping longer.
    ///
    /// [`Waited::Disconnected`] says that there is nothing to receive and that no server can answer any more: each is done
    /// with the request, has refused it, is dropped, or was killed.
    ///
    /// # Errors
    /// As [`PendingResponse::receive`], at once.
    #[inline]
    pub fn receive_timeout(&self, timeout: Duration) -> Result<Waited<Response<Res, ResHeader>>, ReceiveError> {
        let core = &*self.core;
        let found = adaptive::wait(&[core], timeout, core.wait_state.spin(), |look| self.look(look).transpose());
        found.unwrap_or(Ok(Waited::Timeout))
    }

    #[inline]
    fn look(&self, look: PollDepth) -> Looked<Response<Res, ResHeader>> {
        let received = self.receive()?;
        if received.is_some()
            || look == PollDepth::Quick
            || self.core.is_answerable(self.sent.lane as usize, self.sent.request_id)
        {
            return Ok(received.map(Waited::Received));
        }
        // What was sent before the end comes first.
        Ok(Some(self.receive()?.map_or(Waited::Disconnected, Waited::Received)))
    }

    /// Receives a response if there is one, and says otherwise whether one can still come. Never waits.
    ///
    /// [`TryReceived::Disconnected`] is said only if nothing is found by a look that follows the end, so the last response is
    /// never lost, as it may be between a [`receive`](Self::receive) that finds nothing and
    /// [`is_connected`](Self::is_connected).
    ///
    /// ```
    /// # use shmark_engine::{Node, ServiceName, TryReceived};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let scratch = std::env::temp_dir().join(format!("shmark-doc-try-receive-{}", std::process::id()));
    /// # let node = Node::builder().root(&scratch).create()?;
    /// # let name = ServiceName::new("My/Funk/ServiceName")?;
    /// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
    /// # let server = service.server_builder().create()?;
    /// # let client = service.client_builder().create()?;
    /// let pending = client.send_copy(20)?;
    /// # let request = server.receive()?.ok_or("nothing was received")?;
    /// # request.send_copy(*request + 1)?;
    /// # drop(request);
    /// loop {
    ///     match pending.try_receive()? {
    ///         TryReceived::Received(response) => assert_eq!(*response, 21),
    ///         TryReceived::Empty => std::hint::spin_loop(),
    ///         TryReceived::Disconnected => break,
    ///     }
    /// }
    /// # drop((pending, client, server, service, node));
    /// # std::fs::remove_dir_all(&scratch)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`PendingResponse::receive`].
    #[inline]
    pub fn try_receive(&self) -> Result<TryReceived<Response<Res, ResHeader>>, ReceiveError> {
        if let Some(response) = self.receive()? {
            return Ok(TryReceived::Received(response));
        }
        if self.is_connected() {
            return Ok(TryReceived::Empty);
        }
        // What was sent before the end comes first.
        Ok(self.receive()?.map_or(TryReceived::Disconnected, TryReceived::Received))
    }

    /// All responses, as they come: ends when nothing more can come, as [`Waited::Disconnected`] of
    /// [`receive_timeout`](Self::receive_timeout). Each is waited for at most `timeout`, asleep.
    ///
    /// A time that is over, and anything else that goes wrong, is the last item. Another call goes on from there: nothing is
    /// lost.
    ///
    /// ```
    /// # use shmark_engine::{Node, ServiceName};
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let scratch = std::env::temp_dir().join(format!("shmark-doc-responses-{}", std::process::id()));
    /// # let node = Node::builder().root(&scratch).create()?;
    /// # let name = ServiceName::new("My/Funk/ServiceName")?;
    /// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
    /// # let server = service.server_builder().create()?;
    /// # let client = service.client_builder().create()?;
    /// let pending = client.send_copy(20)?;
    /// # let request = server.receive()?.ok_or("nothing was received")?;
    /// # request.send_copy(*request + 1)?;
    /// # drop(request);
    /// for response in pending.responses(Duration::from_secs(1)) {
    ///     println!("{}", *response?);
    /// }
    /// # drop((pending, client, server, service, node));
    /// # std::fs::remove_dir_all(&scratch)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn responses(&self, timeout: Duration) -> Responses<'_, Res, ResHeader> {
        Responses { pending: self, timeout, ended: false }
    }
}

/// The responses to a request; from [`PendingResponse::responses`].
#[derive(Debug)]
#[must_use = "nothing is received unless it is iterated over"]
pub struct Responses<'a, Res: ?Sized, ResHeader = ()> {
    pending: &'a PendingResponse<Res, ResHeader>,
    timeout: Duration,
    ended: bool,
}

impl<Res: Payload + ?Sized, ResHeader: Plain> Iterator for Responses<'_, Res, ResHeader> {
    type Item = Result<Response<Res, ResHeader>, ReceiveTimeoutError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = match self.pending.receive_timeout(self.timeout) {
            Ok(Waited::Received(response)) => return Some(Ok(response)),
            Ok(Waited::Timeout) => Some(Err(ReceiveTimeoutError::Timeout { timeout: self.timeout })),
            Ok(Waited::Disconnected) => None,
            Err(error) => Some(Err(error.into())),
        };
        self.ended = true;
        item
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> FusedIterator for Responses<'_, Res, ResHeader> {}
