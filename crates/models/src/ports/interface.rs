//! What an implementation of request-response has to offer.

use super::shape::{
    ClientShape, PortFile, PortSettings, ReceivedRequest, ReceivedResponse, Refused, ServerShape, Shortage,
};

/// A service with its ports, in one thread. Whatever the methods return is given up by dropping it, in any order, also
/// after what it came from.
pub trait Ports {
    /// Sends requests.
    type Client;
    /// Receives them.
    type Server;
    /// A request that is loaned and written.
    type Loan;
    /// Receives the responses to one request.
    type Pending;
    /// A received request, which can be answered.
    type Active;
    /// A response that is loaned and written.
    type ResponseLoan;
    /// A received response.
    type Response;

    /// Makes a client.
    ///
    /// # Errors
    /// [`Refused`].
    fn create_client(&mut self, shape: ClientShape) -> Result<Self::Client, Refused>;
    /// Makes a server.
    ///
    /// # Errors
    /// [`Refused`].
    fn create_server(&mut self, shape: ServerShape) -> Result<Self::Server, Refused>;
    /// Who a client is, in what it sends.
    fn client_id(&self, client: &Self::Client) -> u128;
    /// Who a server is, in what it sends.
    fn server_id(&self, server: &Self::Server) -> u128;
    /// Chunks of a client that are loaned, unread or held, if that can be known; without messages that left none.
    fn client_chunks(&self, _client: &Self::Client) -> Option<usize> {
        None
    }
    /// Chunks of a server that are loaned, unread or held, if that can be known; without messages that left none.
    fn server_chunks(&self, _server: &Self::Server) -> Option<usize> {
        None
    }

    /// Loans a request and writes it.
    ///
    /// # Errors
    /// [`Refused`].
    fn loan(&mut self, client: &Self::Client, header: u64, payload: &[u64]) -> Result<Self::Loan, Refused>;
    /// Sends a request, and says to how many servers it was delivered.
    ///
    /// # Errors
    /// [`Refused`].
    fn send(&mut self, loan: Self::Loan) -> Sent<Self>;
    /// Sends a request as [`Ports::send`] does. Where a server has no room and the client has a backpressure handler
    /// ([`ClientShape::handler`]), that does what is given to it, in this order, and every such server is tried once more.
    fn send_with_handler(
        &mut self,
        loan: Self::Loan,
        actions: Vec<HandlerAction<Self>>,
    ) -> (Sent<Self>, Vec<Done<Self>>) {
        (self.send(loan), actions.into_iter().map(Done::Not).collect())
    }
    /// Says that the client has no more interest.
    fn set_disconnect_hint(&mut self, pending: &Self::Pending);
    /// Whether more responses can come.
    fn pending_is_connected(&mut self, pending: &Self::Pending) -> bool;
    /// Whether a response waits.
    fn has_response(&mut self, pending: &Self::Pending) -> bool;
    /// Receives a response, if there is one.
    ///
    /// # Errors
    /// [`Refused`].
    fn receive_response(&mut self, pending: &Self::Pending) -> Result<Option<Self::Response>, Refused>;
    /// What a response says.
    fn response(&self, response: &Self::Response) -> ReceivedResponse;

    /// Whether a request waits.
    fn has_requests(&mut self, server: &Self::Server) -> bool;
    /// Receives a request, if there is one.
    ///
    /// # Errors
    /// [`Refused`].
    fn receive(&mut self, server: &Self::Server) -> Result<Option<Self::Active>, Refused>;
    /// What a request says.
    fn request(&self, active: &Self::Active) -> ReceivedRequest;
    /// Whether the client still waits for responses.
    fn active_is_connected(&mut self, active: &Self::Active) -> bool;
    /// Whether the client has no more interest.
    fn has_disconnect_hint(&mut self, active: &Self::Active) -> bool;
    /// Loans a response and writes it.
    ///
    /// # Errors
    /// [`Refused`].
    fn loan_response(
        &mut self,
        active: &Self::Active,
        header: u64,
        payload: &[u64],
    ) -> Result<Self::ResponseLoan, Refused>;
    /// Sends a response.
    ///
    /// # Errors
    /// [`Refused`].
    fn send_response(&mut self, loan: Self::ResponseLoan) -> Result<(), Refused>;

    /// As [`Ports::send_with_handler`], of a response.
    fn send_response_with_handler(
        &mut self,
        loan: Self::ResponseLoan,
        actions: Vec<HandlerAction<Self>>,
    ) -> (Result<(), Refused>, Vec<Done<Self>>) {
        (self.send_response(loan), actions.into_iter().map(Done::Not).collect())
    }

    /// Takes away descriptors or memory that are not in use, or gives everything back, and says whether that is possible. Meanwhile what needs more is refused with [`Refused::Shortage`], or not done yet; with all given back,
    /// everything is done that was not, at the latest when the port is used again.
    fn shortage(&mut self, _shortage: Option<Shortage>) -> bool {
        false
    }
    /// What has a name in the service's namespace now, if that can be known.
    fn files(&mut self) -> Option<Vec<PortFile>> {
        None
    }
    /// What all ports, now dropped, have left behind, one line each.
    fn left_by_ports(&mut self) -> Vec<String> {
        Vec::new()
    }
    /// Drops the service and its nodes, and says what is left behind then, one line each.
    fn end(self) -> Vec<String>
    where
        Self: Sized,
    {
        Vec::new()
    }
}

/// An implementation of request-response.
pub trait RequestResponse {
    /// A service with its ports.
    type Ports: Ports;

    /// A new service without ports, opened by two nodes; nothing where the implementation has none of these settings: they
    /// are then not tested.
    fn create(&self, settings: PortSettings) -> Option<Self::Ports>;

    /// Whether payload segments can grow; if not, all are [`Growth::Static`](crate::segment::Growth::Static).
    fn grows(&self) -> bool {
        true
    }

    /// Whether requests of clients that are gone are received in the order in which these left, and given up in this order
    /// where there are too many.
    fn departed_in_order(&self) -> bool {
        true
    }

    /// Whether a request of so many elements leaves no chunk with a server whose buffer has room for it: it is copied there,
    /// and the client's chunk is free as soon as it is sent, unread or held. Where an older one makes room, either may be.
    fn request_leaves_no_chunk(&self, _elements: usize) -> bool {
        false
    }

    /// As [`RequestResponse::request_leaves_no_chunk`], of a response.
    fn response_leaves_no_chunk(&self, _elements: usize) -> bool {
        false
    }
}

/// A service that several threads use, each by a node of its own.
pub trait SharedService: Send + Sync + 'static {
    /// The service in one thread.
    type Ports: Ports;

    /// A new node that opens the service, for the thread that asks; whatever node a port is asked to belong to, it is this one.
    fn join(&self) -> Self::Ports;
    /// Drops the service, which nobody uses any more, and says what is left behind, one line each.
    fn end(self) -> Vec<String>
    where
        Self: Sized,
    {
        Vec::new()
    }
}

/// An implementation of request-response that several threads use.
pub trait Threaded {
    /// A service.
    type SharedService: SharedService;

    /// A new service without ports; nothing where the implementation has none of these settings: they are not tested then.
    fn create(&self, settings: PortSettings) -> Option<Self::SharedService>;
}

/// How much was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tried {
    /// Sequences of operations.
    pub cases: u64,
    /// Calls of the methods of [`Ports`] that did something, in all of them.
    pub operations: u64,
}

/// A pending response, and to how many servers its request was delivered.
pub type Sent<P> = Result<(<P as Ports>::Pending, usize), Refused>;

/// Something that a backpressure handler does.
#[allow(missing_debug_implementations, reason = "what an implementation hands out need not have one")]
pub enum HandlerAction<P: Ports + ?Sized> {
    /// Drops a client, the sender itself perhaps.
    DropClient(P::Client),
    /// Drops a server, the sender or the receiver perhaps.
    DropServer(P::Server),
    /// Drops a loaned request.
    DropLoan(P::Loan),
    /// Drops a pending response.
    DropPending(P::Pending),
    /// Drops an active request.
    DropActive(P::Active),
    /// Drops a response.
    DropResponse(P::Response),
    /// Receives a request, which may make room.
    Receive(P::Server),
    /// Receives a response, which may make room.
    ReceiveResponse(P::Pending),
}

/// What came of a [`HandlerAction`].
#[allow(missing_debug_implementations, reason = "what an implementation hands out need not have one")]
pub enum Done<P: Ports + ?Sized> {
    /// It was dropped.
    Dropped,
    /// The server, and what it received.
    Received(P::Server, Result<Option<P::Active>, Refused>),
    /// The pending response, and what it received.
    ReceivedResponse(P::Pending, Result<Option<P::Response>, Refused>),
    /// The handler was not asked.
    Not(HandlerAction<P>),
}
