//! The engine's payload segments, through whole ports: a client that sends slices of bytes to one server or several.

use shmark_engine::error::LoanError;
use shmark_engine::{
    ActiveRequest, AllocationStrategy, Client, Node, RequestMut, RequestedSettings, Server, ServiceName,
};
use shmark_models::segment::{self, Growth, LoanRefused, PayloadSegment, SegmentInstance, SegmentShape};
use shmark_models::{Config, RuleViolation};

struct Engine {
    // Dropped before its folder.
    node: Node,
    _scratch: tempfile::TempDir,
}

impl Engine {
    fn new() -> Self {
        let mut builder = tempfile::Builder::new();
        builder.prefix("shmark-test-");
        let scratch = builder.tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { node: Node::builder().root(scratch.path()).create().unwrap(), _scratch: scratch }
    }
}

struct Ports {
    align: usize,
    client: Client<[u8], u64>,
    servers: Vec<Server<[u8], u64>>,
}

impl PayloadSegment for Engine {
    type Instance = Ports;

    fn create(&self, shape: SegmentShape) -> Option<Ports> {
        let requested_settings = RequestedSettings {
            fire_and_forget: Some(true),
            max_active_requests: Some(shape.messages_max),
            max_loaned_requests: Some(shape.loans_max),
            max_servers: Some(shape.receivers),
            max_clients: Some(1),
            ..RequestedSettings::default()
        };
        let builder = self.node.service_builder(&ServiceName::new("segment").unwrap()).request_response();
        let service =
            builder.requested_settings(requested_settings).request_payload_alignment(shape.align).create().unwrap();
        let client = service
            .client_builder()
            .initial_max_slice_len(shape.len_initial)
            .allocation_strategy(match shape.growth {
                Growth::Static => AllocationStrategy::Static,
                Growth::BestFit => AllocationStrategy::BestFit,
                Growth::PowerOfTwo => AllocationStrategy::PowerOfTwo,
            })
            .create()
            .unwrap();
        let servers = (0..shape.receivers).map(|_| service.server_builder().create().unwrap()).collect();
        Some(Ports { align: shape.align, client, servers })
    }
}

impl SegmentInstance for Ports {
    type Loan = RequestMut<[u8], u64>;
    type Held = ActiveRequest<[u8], u64>;

    fn loan(&mut self, len: usize) -> Result<Self::Loan, LoanRefused> {
        let loan = self.client.loan_slice_uninit(len).map_err(|error| match error {
            LoanError::ExceedsMaxLoans { .. } => LoanRefused::TooMany,
            LoanError::ExceedsMaxLoanSize { .. } => LoanRefused::TooLong,
            other => panic!("{other}"),
        })?;
        // What the chunk held before is left there: the kit overwrites it.
        Ok(loan.assume_init())
    }

    fn address(&self, loan: &Self::Loan) -> usize {
        loan.payload().as_ptr().addr()
    }

    fn contents(&self, loan: &Self::Loan) -> Vec<u8> {
        loan.payload().to_vec()
    }

    fn write(&mut self, loan: &mut Self::Loan, bytes: &[u8]) {
        loan.payload_mut().copy_from_slice(bytes);
    }

    fn drop_loan(&mut self, loan: Self::Loan) {
        drop(loan);
    }

    fn send(&mut self, loan: Self::Loan) -> Vec<Self::Held> {
        // Nobody waits for an answer.
        drop(loan.send().unwrap());
        self.servers.iter().filter_map(|server| server.receive().unwrap()).collect()
    }

    fn received(&self, held: &Self::Held) -> Vec<u8> {
        held.payload().to_vec()
    }

    fn give_back(&mut self, held: Self::Held) {
        drop(held);
    }

    // What fits the line of a slot beside its word and the message's header; a slot's body is aligned to 8 bytes.
    fn leaves_no_chunk(&self, len: usize) -> bool {
        self.align <= 8 && len <= 32
    }

    fn chunks_in_use(&mut self) -> usize {
        self.client.chunks_in_use()
    }

    fn segments(&self) -> usize {
        self.client.segments()
    }

    fn len_max(&self) -> Option<usize> {
        Some(self.client.max_slice_len())
    }
}

#[test]
fn the_ports_segments_keep_what_they_hold_and_grow_as_asked() -> Result<(), RuleViolation> {
    let config = Config::from_env()?;
    // Each case makes a service with its files.
    segment::check_operations(&Engine::new(), Config { cases: config.cases.div_ceil(4), ..config })
}
