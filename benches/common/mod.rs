//! What the benchmarks of the engine share: a service in a folder of its own with both of its ports in one thread, and a
//! channel's slots in ordinary memory.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use shmark::engine::channel::{OffsetConsumer, OffsetProducer, Slots};
use shmark::engine::{Client, Config, Node, Server, ServiceName};

/// A client and a server of numbers, default settings, in this thread.
pub struct Pair {
    server: Server<u64, u64>,
    client: Client<u64, u64>,
    // Last, so that it outlives the ports.
    _scratch: tempfile::TempDir,
}

impl Pair {
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let scratch = scratch()?;
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

    /// A request that is loaned and never sent.
    #[inline(never)]
    pub fn loan_and_drop(&self, number: u64) -> Result<u64, Box<dyn Error>> {
        let loan = self.client.loan_uninit()?.write_payload(number);
        Ok(*loan)
    }
}

/// A folder in shared memory where there is some.
pub fn scratch() -> std::io::Result<tempfile::TempDir> {
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("shmark-bench-");
        builder
    };
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
        let entry = shmark::engine::channel::Entry { segment: 0, chunk };
        self.producer.push(&self.slots, entry)?;
        Ok(self.consumer.take(&self.slots)?.ok_or("nothing was taken")?.chunk)
    }
}
