//! Receiving until nothing more can come, without losing what came last.

use std::iter::FusedIterator;
use std::time::Duration;

use crate::error::{ReceiveError, ReceiveTimeoutError};
use crate::payload::Payload;
use crate::port::client::request::PendingResponse;
use crate::port::client::response::Response;
use crate::shm::Plain;
use crate::wait::{TryReceived, Waited};

impl<Res: Payload + ?Sized, ResHeader: Plain> PendingResponse<Res, ResHeader> {
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
