//! Waiting for one port: what it waits for, and what ends it.

use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::error::{ReceiveError, SystemError};
use crate::payload::Payload;
use crate::port::client::Client;
use crate::port::client::request::PendingResponse;
use crate::port::client::response::Response;
use crate::port::member::sync_state::Port;
use crate::port::server::Server;
use crate::port::server::active::ActiveRequest;
use crate::shm::Plain;
use crate::wait::Waited;
use crate::wait::adaptive::{self, PollDepth, WaitingPort};
use crate::wait::notification_pipe::NotificationPipe;

impl<P: Port> WaitingPort for P {
    // A port that is dropped has given up its place, and with it the word: what still waits for responses to a client's
    // requests sleeps in short slices.
    fn wake_word(&self) -> Option<&AtomicU64> {
        self.is_registered().then(|| self.wait_state.word(&self.service)).flatten()
    }
    fn notification_pipe(&self) -> Option<&NotificationPipe> {
        self.wait_state.notification_pipe()
    }
    fn make_notification_pipe(&self) -> Result<Option<Rc<NotificationPipe>>, SystemError> {
        self.is_registered().then(|| self.wait_state.make_notification_pipe(&self.service)).transpose()
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
    #[allow(clippy::type_complexity, reason = "what `receive_timeout` returns, if anything")]
    fn look(
        &self,
        look: PollDepth,
    ) -> Result<Option<Waited<ActiveRequest<Req, Res, ReqHeader, ResHeader>>>, ReceiveError> {
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
        self.core.wait_state.set_spin(spin);
    }
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Client<Req, Res, ReqHeader, ResHeader> {
    /// Time that a wait for a response spins before it sleeps: some microseconds unless set, and nothing where there is one
    /// processor. Ends are seen while spinning too, within a millisecond, and killed peers as soon as asleep.
    pub fn set_spin_before_sleep(&self, spin: Duration) {
        self.core.wait_state.set_spin(spin);
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
    fn look(&self, look: PollDepth) -> Result<Option<Waited<Response<Res, ResHeader>>>, ReceiveError> {
        let received = self.receive()?;
        if received.is_some() || look == PollDepth::Quick || self.is_answerable() {
            return Ok(received.map(Waited::Received));
        }
        // What was sent before the end comes first.
        Ok(Some(self.receive()?.map_or(Waited::Disconnected, Waited::Received)))
    }
}
