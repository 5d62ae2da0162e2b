//! Random operations on the whole pattern against the test kit's model.

use shmark::engine::error::{LoanError, PortError, ReceiveError, SendError};
use shmark::engine::{
    ActiveRequest, AllocationStrategy, BackpressureStrategy, Client, Node, PendingResponse, RequestMut, Response,
    ResponseMut, Server, Service, Wishes,
};
use shmark::kit::ports::{
    self, ClientShape, PortSettings, Ports, ReceivedRequest, ReceivedResponse, Refused, RequestResponse, ServerShape,
};
use shmark::kit::segment::Growth;
use shmark::kit::{Config, Failure, Rule};

use crate::common::{Scratch, name};

// Slices one way and single values the other; the headers say which request and whose response it is.
type Requests = [u64];

/// What is done wrong between the engine and the model, to show that the model would see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// One server too many is said to have a request.
    CountsOneMore,
    /// A request is taken and not handed out.
    LosesRequest,
    /// A response is taken and not handed out.
    LosesResponse,
    /// The first element of a request changes on its way.
    Damages,
    /// A response says that it belongs to another request.
    Misattributes,
    /// Somebody else is said to have sent a request.
    DisguisesSender,
    /// A pending response is said to be connected for ever.
    IsAlwaysConnected,
    /// It is said that no response waits.
    SeesNoResponse,
    /// It is said that requests wait.
    SeesRequests,
    /// A hint is not passed on.
    IgnoresHint,
    /// A limit is told one too high.
    MisstatesLimit,
    /// A chunk more is said to be in use.
    LeaksChunk,
    /// It is denied that messages are copied.
    DeniesCopies,
    /// It is said that every request is copied.
    ClaimsCopiesOfRequests,
    /// It is said that large responses are copied.
    ClaimsCopiesOfResponses,
    /// A file stays.
    LeavesFile,
}

/// A response is so many times its value: one lies in a slot, and eight in a chunk.
struct Engine<const RESPONSE: usize>(Fault);

type Responses<const LEN: usize> = [u64; LEN];

struct World<const RESPONSE: usize> {
    fault: Fault,
    services: Vec<Service<Requests, Responses<RESPONSE>, u64, u64>>,
    nodes: Vec<Node>,
    scratch: Scratch,
}

impl<const RESPONSE: usize> RequestResponse for Engine<RESPONSE> {
    type Ports = World<RESPONSE>;

    fn create(&self, settings: PortSettings) -> Option<World<RESPONSE>> {
        let scratch = Scratch::new();
        let nodes = vec![scratch.node(), scratch.node()];
        let wishes = Wishes {
            overflow_requests: Some(settings.overflow_requests),
            overflow_responses: Some(settings.overflow_responses),
            fire_and_forget: Some(settings.fire_and_forget),
            max_active_requests: Some(settings.max_active_requests),
            max_loaned_requests: Some(settings.max_loaned_requests),
            max_borrowed_responses: Some(settings.max_borrowed_responses),
            response_buffer: Some(settings.response_buffer),
            max_servers: Some(settings.max_servers),
            max_clients: Some(settings.max_clients),
            max_nodes: Some(settings.max_nodes),
            ..Wishes::default()
        };
        let open = |node: &Node| {
            let builder = node.service_builder(&name("model")).request_response::<Requests, Responses<RESPONSE>>();
            let builder = builder.request_user_header::<u64>().response_user_header::<u64>().wishes(wishes);
            builder.open_or_create().unwrap()
        };
        Some(World { fault: self.0, services: nodes.iter().map(open).collect(), nodes, scratch })
    }

    // What fits the line of a slot beside its word, the message's header and the user header.
    fn request_leaves_no_chunk(&self, elements: usize) -> bool {
        match self.0 {
            Fault::DeniesCopies => false,
            Fault::ClaimsCopiesOfRequests => true,
            _ => elements <= 3,
        }
    }

    fn response_leaves_no_chunk(&self) -> bool {
        self.0 == Fault::ClaimsCopiesOfResponses || (RESPONSE <= 3 && self.0 != Fault::DeniesCopies)
    }
}

fn port_refused(error: PortError) -> Refused {
    match error {
        PortError::ExceedsMaxClients { max_clients: max } => Refused::TooManyClients { max },
        PortError::ExceedsMaxServers { max_servers: max } => Refused::TooManyServers { max },
        PortError::ExceedsMaxActiveRequests { has: max, .. } => Refused::TooManyActiveRequests { max },
        other => panic!("{other}"),
    }
}

fn loan_refused(error: LoanError) -> Refused {
    match error {
        LoanError::ExceedsMaxLoans { max } => Refused::TooManyLoans { max },
        LoanError::ExceedsMaxLoanSize { max, .. } => Refused::TooLong { max },
        LoanError::OutOfMemory => Refused::NoMemory,
        other => panic!("{other}"),
    }
}

fn send_refused(error: SendError) -> Refused {
    match error {
        SendError::ExceedsMaxActiveRequests { max } => Refused::TooManyActiveRequests { max },
        other => panic!("{other}"),
    }
}

fn receive_refused(error: ReceiveError) -> Refused {
    match error {
        ReceiveError::ExceedsMaxBorrows { max } => Refused::TooManyHeld { max },
        other => panic!("{other}"),
    }
}

fn number(id: shmark::engine::Id) -> u128 {
    u128::from_str_radix(&id.to_string(), 16).unwrap()
}

impl<const RESPONSE: usize> World<RESPONSE> {
    fn one_if(&self, fault: Fault) -> usize {
        usize::from(self.fault == fault)
    }
}

impl<const RESPONSE: usize> Ports for World<RESPONSE> {
    type Client = Client<Requests, Responses<RESPONSE>, u64, u64>;
    type Server = Server<Requests, Responses<RESPONSE>, u64, u64>;
    type Loan = RequestMut<Requests, Responses<RESPONSE>, u64, u64>;
    type Pending = PendingResponse<Responses<RESPONSE>, u64>;
    type Active = ActiveRequest<Requests, Responses<RESPONSE>, u64, u64>;
    type ResponseLoan = ResponseMut<Responses<RESPONSE>, u64>;
    type Response = Response<Responses<RESPONSE>, u64>;

    fn create_client(&mut self, shape: ClientShape) -> Result<Self::Client, Refused> {
        let builder = self.services[shape.node].client_builder().initial_max_slice_len(shape.len_initial);
        let mut builder = match shape.growth {
            Growth::Static => builder,
            Growth::BestFit => builder.allocation_strategy(AllocationStrategy::BestFit).preallocate(1),
            Growth::PowerOfTwo => builder.allocation_strategy(AllocationStrategy::PowerOfTwo),
        };
        if let Some(max) = shape.max_active_requests {
            builder = builder.max_active_requests(max);
        }
        builder.backpressure_strategy(BackpressureStrategy::DiscardData).create().map_err(port_refused)
    }

    fn create_server(&mut self, shape: ServerShape) -> Result<Self::Server, Refused> {
        let builder = self.services[shape.node].server_builder();
        let builder = builder.max_loaned_responses_per_request(shape.max_loaned_responses);
        builder.backpressure_strategy(BackpressureStrategy::DiscardData).create().map_err(port_refused)
    }

    fn client_id(&self, client: &Self::Client) -> u128 {
        number(client.id())
    }

    fn server_id(&self, server: &Self::Server) -> u128 {
        number(server.id())
    }

    fn client_chunks(&self, client: &Self::Client) -> Option<usize> {
        Some(client.chunks_in_use() + self.one_if(Fault::LeaksChunk))
    }

    fn server_chunks(&self, server: &Self::Server) -> Option<usize> {
        Some(server.chunks_in_use())
    }

    fn loan(&mut self, client: &Self::Client, header: u64, payload: &[u64]) -> Result<Self::Loan, Refused> {
        let loan = client.loan_slice_uninit(payload.len()).map_err(loan_refused);
        let more = self.one_if(Fault::MisstatesLimit);
        let mut loan = loan.map_err(|refused| match refused {
            Refused::TooManyLoans { max } => Refused::TooManyLoans { max: max + more },
            other => other,
        })?;
        *loan.user_header_mut() = header;
        Ok(loan.write_from_slice(payload).expect("a loan is as long as was asked for"))
    }

    fn send(&mut self, loan: Self::Loan) -> Result<(Self::Pending, usize), Refused> {
        let pending = loan.send().map_err(send_refused)?;
        let delivered = pending.number_of_server_connections() + self.one_if(Fault::CountsOneMore);
        Ok((pending, delivered))
    }

    fn set_disconnect_hint(&mut self, pending: &Self::Pending) {
        if self.fault != Fault::IgnoresHint {
            pending.set_disconnect_hint();
        }
    }

    fn pending_is_connected(&mut self, pending: &Self::Pending) -> bool {
        pending.is_connected() || self.fault == Fault::IsAlwaysConnected
    }

    fn has_response(&mut self, pending: &Self::Pending) -> bool {
        pending.has_response().unwrap() && self.fault != Fault::SeesNoResponse
    }

    fn receive_response(&mut self, pending: &Self::Pending) -> Result<Option<Self::Response>, Refused> {
        let received = pending.receive().map_err(receive_refused)?;
        Ok(received.filter(|_| self.fault != Fault::LosesResponse))
    }

    fn response(&self, response: &Self::Response) -> ReceivedResponse {
        let server = number(response.server_id());
        let header = *response.user_header() + self.one_if(Fault::Misattributes) as u64;
        let payload = response[0];
        assert_eq!(**response, [payload; RESPONSE], "a response arrives whole");
        ReceivedResponse { header, payload, server }
    }

    fn has_requests(&mut self, server: &Self::Server) -> bool {
        server.has_requests().unwrap() || self.fault == Fault::SeesRequests
    }

    fn receive(&mut self, server: &Self::Server) -> Result<Option<Self::Active>, Refused> {
        let received = server.receive().map_err(receive_refused)?;
        Ok(received.filter(|_| self.fault != Fault::LosesRequest))
    }

    fn request(&self, active: &Self::Active) -> ReceivedRequest {
        let client = number(active.client_id()).wrapping_add(self.one_if(Fault::DisguisesSender) as u128);
        let mut payload = active.payload().to_vec();
        if let Some(first) = payload.first_mut() {
            *first += self.one_if(Fault::Damages) as u64;
        }
        ReceivedRequest { header: *active.user_header(), payload, client }
    }

    fn active_is_connected(&mut self, active: &Self::Active) -> bool {
        active.is_connected()
    }

    fn has_disconnect_hint(&mut self, active: &Self::Active) -> bool {
        active.has_disconnect_hint()
    }

    fn loan_response(
        &mut self,
        active: &Self::Active,
        header: u64,
        payload: u64,
    ) -> Result<Self::ResponseLoan, Refused> {
        let mut loan = active.loan_uninit().map_err(loan_refused)?;
        *loan.user_header_mut() = header;
        Ok(loan.write_payload([payload; RESPONSE]))
    }

    fn send_response(&mut self, loan: Self::ResponseLoan) -> Result<(), Refused> {
        loan.send().map_err(send_refused)
    }

    fn left_by_ports(&mut self) -> Vec<String> {
        let files = [self.scratch.files_like("connection-"), self.scratch.files_like("segment-")].concat();
        files.iter().map(|file| file.display().to_string()).collect()
    }

    fn end(self) -> Vec<String> {
        if self.fault == Fault::LeavesFile {
            std::fs::write(self.scratch.path().join("nodes").join("left"), "").unwrap();
        }
        let Self { services, nodes, scratch, .. } = self;
        drop(services);
        let left = scratch.files_like("");
        if left.len() == nodes.len() {
            drop(nodes);
        }
        scratch.files().iter().map(|file| file.display().to_string()).collect()
    }
}

/// Every result, payload, count, order and connection is as the requirements say, and nothing is left afterwards.
#[test]
fn the_pattern_is_as_required() -> Result<(), Failure> {
    let config = Config::from_env()?;
    let config = Config { cases: 5 * config.cases, ..config };
    ports::check_operations(&Engine::<1>(Fault::None), config)?;
    ports::check_operations(&Engine::<8>(Fault::None), config)
}

#[test]
fn every_fault_of_ports_is_found() {
    use Fault as F;
    for (fault, requirement) in [
        (F::CountsOneMore, "RR-SND-01"),
        (F::LosesRequest, "RR-SND-01"),
        (F::LosesResponse, "RR-PND-01"),
        (F::Damages, "should be"),
        (F::Misattributes, "received a response to"),
        (F::DisguisesSender, "unknown sender"),
        (F::IsAlwaysConnected, "RR-PND-04"),
        (F::SeesNoResponse, "RR-PND-01"),
        (F::SeesRequests, "RR-FNF-02"),
        (F::IgnoresHint, "RR-PND-07"),
        (F::MisstatesLimit, "RR-LOAN-01"),
        (F::LeaksChunk, "RR-RCL-01"),
        (F::DeniesCopies, "RR-LOAN-05"),
        (F::ClaimsCopiesOfRequests, "RR-RCL-01"),
        (F::ClaimsCopiesOfResponses, "RR-RCL-01"),
        (F::LeavesFile, "left of a service"),
    ] {
        let failure = ports::check_operations(&Engine::<8>(fault), Config::default());
        let failure = failure.expect_err(&format!("{fault:?} was not found"));
        assert_eq!(failure.rule(), Rule::Pattern, "{failure}");
        assert!(failure.happened().contains(requirement), "{fault:?} was found, but for another reason:\n{failure}");
    }
}
