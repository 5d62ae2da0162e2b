//! What the benchmarks of the engine share: a service in a folder of its own with both of its ports in one thread, and a
//! channel's slots in ordinary memory.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use shmark_engine::channel::{OffsetConsumer, OffsetProducer, Slots};
use shmark_engine::{
    ActiveRequest, Client, Config, Node, PendingResponse, RequestMutUninit, Response, ResponseMutUninit, Server,
    ServiceName,
};

/// A client and a server of numbers, default settings, in this thread.
pub struct Pair {
    server: Server<u64, u64>,
    client: Client<u64, u64>,
    // Last, so that it outlives the ports.
    _scratch: tempfile::TempDir,
}

impl Pair {
    pub fn new(scratch: tempfile::TempDir) -> Result<Self, Box<dyn Error>> {
        let node = Node::builder().config(Config::default()).root(scratch.path()).create()?;
        let name = ServiceName::new("pair")?;
        let service = node.service_builder(&name).request_response::<u64, u64>().create()?;
        let server = service.server_builder().create()?;
        let client = service.client_builder().create()?;
        Ok(Self { server, client, _scratch: scratch })
    }

    /// One complete round trip: loan, write, send, receive, read, in both directions, and everything dropped.
    #[inline(never)]
    pub fn round_trip(&self, number: u64) -> Result<u64, Box<dyn Error>> {
        let pending = self.client.loan_uninit()?.write_payload(number).send()?;
        let active = self.server.receive()?.ok_or("no request")?;
        active.loan_uninit()?.write_payload(*active + 1).send()?;
        let response = pending.receive()?.ok_or("no response")?;
        Ok(*response)
    }

    /// [`Self::round_trip`] in pieces, each a function of its own, so that they can be counted one by one.
    pub fn round_trip_in_steps(&self, number: u64) -> Result<u64, Box<dyn Error>> {
        let request = self.step_loan_request()?;
        let pending = step_send_request(request, number)?;
        let active = self.step_receive_request()?;
        let response = step_loan_response(&active)?;
        step_send_response(response, *active + 1)?;
        step_drop_active_request(active);
        let response = step_receive_response(&pending)?;
        let number = *response;
        step_drop_response(response);
        step_drop_pending_response(pending);
        Ok(number)
    }

    #[inline(never)]
    fn step_loan_request(&self) -> Result<RequestMutUninit<u64, u64>, Box<dyn Error>> {
        Ok(self.client.loan_uninit()?)
    }

    #[inline(never)]
    fn step_receive_request(&self) -> Result<ActiveRequest<u64, u64>, Box<dyn Error>> {
        Ok(self.server.receive()?.ok_or("no request")?)
    }

    /// A request that is loaned and never sent.
    #[inline(never)]
    pub fn loan_and_drop(&self, number: u64) -> Result<u64, Box<dyn Error>> {
        let loan = self.client.loan_uninit()?.write_payload(number);
        Ok(*loan)
    }
}

#[inline(never)]
fn step_send_request(request: RequestMutUninit<u64, u64>, number: u64) -> Result<PendingResponse<u64>, Box<dyn Error>> {
    Ok(request.write_payload(number).send()?)
}

#[inline(never)]
fn step_loan_response(active: &ActiveRequest<u64, u64>) -> Result<ResponseMutUninit<u64>, Box<dyn Error>> {
    Ok(active.loan_uninit()?)
}

#[inline(never)]
fn step_send_response(response: ResponseMutUninit<u64>, number: u64) -> Result<(), Box<dyn Error>> {
    Ok(response.write_payload(number).send()?)
}

#[inline(never)]
fn step_drop_active_request(active: ActiveRequest<u64, u64>) {
    drop(active);
}

#[inline(never)]
fn step_receive_response(pending: &PendingResponse<u64>) -> Result<Response<u64>, Box<dyn Error>> {
    Ok(pending.receive()?.ok_or("no response")?)
}

#[inline(never)]
fn step_drop_response(response: Response<u64>) {
    drop(response);
}

#[inline(never)]
fn step_drop_pending_response(pending: PendingResponse<u64>) {
    drop(pending);
}

/// The pieces of [`Pair::round_trip_in_steps`], by the names of their functions.
pub const STEPS: [&str; 9] = [
    "step_loan_request",
    "step_send_request",
    "step_receive_request",
    "step_loan_response",
    "step_send_response",
    "step_drop_active_request",
    "step_receive_response",
    "step_drop_response",
    "step_drop_pending_response",
];

/// Where folders are made, instead of in shared memory.
pub const SCRATCH: &str = "SHMARK_BENCH_SCRATCH";

/// A folder in shared memory where there is some.
pub fn scratch() -> std::io::Result<tempfile::TempDir> {
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("shmark-bench-");
        builder
    };
    if let Some(parent) = std::env::var_os(SCRATCH) {
        return builder().tempdir_in(parent);
    }
    builder().tempdir_in("/dev/shm").or_else(|_| builder().tempdir())
}

/// A slot to a cache line, as the engine lays them out.
#[repr(align(64))]
#[derive(Default)]
struct Line(AtomicU64);

/// Slots of a channel in ordinary memory.
pub struct Lines(Vec<Line>);

impl Slots for Lines {
    #[inline]
    fn load(&self, slot: usize) -> u64 {
        self.0[slot].0.load(Ordering::Acquire)
    }
    #[inline]
    fn store(&self, slot: usize, word: u64) {
        self.0[slot].0.store(word, Ordering::Release);
    }
    #[inline]
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.0[slot].0.swap(word, Ordering::AcqRel)
    }
    #[inline]
    fn take(&self, slot: usize, old: u64) -> bool {
        self.0[slot].0.compare_exchange(old, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// Both ends of an offset channel.
pub struct Channel {
    slots: Lines,
    producer: OffsetProducer,
    consumer: OffsetConsumer,
}

impl Channel {
    pub fn new(capacity: usize, overflow: bool) -> Self {
        Self {
            slots: Lines((0..capacity).map(|_| Line::default()).collect()),
            producer: OffsetProducer::new(capacity, overflow),
            consumer: OffsetConsumer::new(capacity, overflow),
        }
    }

    /// One entry in and out again.
    #[inline(never)]
    pub fn push_and_take(&mut self, chunk: u32) -> Result<u32, Box<dyn Error>> {
        let entry = shmark_engine::channel::Entry { segment: 0, chunk };
        self.producer.push(&self.slots, entry)?;
        Ok(self.consumer.take(&self.slots)?.ok_or("nothing was taken")?.chunk)
    }
}
