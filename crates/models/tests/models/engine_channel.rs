//! The engine's channel and return queue, on ordinary memory.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use shmark_engine::channel::{
    Entry, OffsetConsumer, OffsetProducer, Push, ReturnConsumer, ReturnProducer, SEGMENTS_MAX, Slots, ordering,
};
use shmark_models::channel::{self, ChannelConsumer, ChannelProducer, ChannelShape, OffsetChannel, Peeked, Pushed};
use shmark_models::returns::{self, ReturnGiver, ReturnQueue, ReturnTaker};
use shmark_models::{Config, RuleViolation};

/// Slots beside each other, as a return queue has them.
#[derive(Debug, Clone)]
struct Words(Arc<[AtomicU64]>);

impl Words {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Slots for Words {
    fn load(&self, slot: usize) -> u64 {
        self.0[slot].load(ordering::LOAD)
    }
    fn store(&self, slot: usize, word: u64) {
        self.0[slot].store(word, ordering::STORE);
    }
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.0[slot].swap(word, ordering::SWAP)
    }
    fn take(&self, slot: usize, old: u64) -> bool {
        self.0[slot].compare_exchange(old, 0, ordering::TAKE, ordering::TAKE_FAILED).is_ok()
    }
}

/// The bits of an entry: the segment, and 24 of the chunk.
fn entry(bits: u64) -> Entry {
    Entry { segment: (bits >> 24) as u16, chunk: (bits & 0xff_ffff) as u32 }
}

fn bits(entry: Entry) -> u64 {
    u64::from(entry.segment) << 24 | u64::from(entry.chunk)
}

const ENTRY_MAX: u64 = (SEGMENTS_MAX as u64 - 1) << 24 | 0xff_fffe;

struct Engine;
struct Sender(OffsetProducer, Words);
struct Receiver(OffsetConsumer, Words);

impl ChannelProducer for Sender {
    fn push(&mut self, bits_pushed: u64) -> Pushed {
        match self.0.push(&self.1, entry(bits_pushed)).unwrap() {
            Push::Done { .. } => Pushed::Done,
            Push::Displaced { oldest, .. } => Pushed::Displaced(bits(oldest)),
            Push::Full => Pushed::Full,
        }
    }
}

impl ChannelConsumer for Receiver {
    fn take(&mut self) -> Option<u64> {
        self.0.take(&self.1).unwrap().map(bits)
    }
    fn front(&mut self) -> Peeked {
        self.0.front(&self.1).unwrap().map_or(Peeked::Empty, |front| Peeked::Entry(bits(front.entry())))
    }
}

impl OffsetChannel for Engine {
    type Producer = Sender;
    type Consumer = Receiver;

    fn create(&self, ChannelShape { capacity, overflow }: ChannelShape) -> Option<(Sender, Receiver)> {
        let words = Words::new(capacity);
        let sender = Sender(OffsetProducer::new(capacity, overflow), words.clone());
        Some((sender, Receiver(OffsetConsumer::new(capacity, overflow), words)))
    }

    fn entry_max(&self) -> u64 {
        ENTRY_MAX
    }
}

struct Giver(ReturnProducer, Words);
struct Taker(ReturnConsumer, Words);

impl ReturnGiver for Giver {
    fn give(&mut self, bits: u64) -> bool {
        self.0.push(&self.1, entry(bits)).is_ok()
    }
}

impl ReturnTaker for Taker {
    fn take(&mut self) -> Option<u64> {
        self.0.pop(&self.1).unwrap().map(bits)
    }
}

impl ReturnQueue for Engine {
    type Giver = Giver;
    type Taker = Taker;

    fn create(&self, capacity: usize) -> Option<(Giver, Taker)> {
        let words = Words::new(capacity);
        Some((Giver(ReturnProducer::new(capacity), words.clone()), Taker(ReturnConsumer::new(capacity), words)))
    }

    fn entry_max(&self) -> u64 {
        ENTRY_MAX
    }
}

#[test]
fn the_channel_is_a_bounded_queue() -> Result<(), RuleViolation> {
    channel::check_operations(&Engine, Config::from_env()?)
}

#[test]
fn the_channel_is_a_bounded_queue_between_threads() -> Result<(), RuleViolation> {
    channel::check_threads(&Engine, Config::from_env()?)
}

#[test]
fn the_return_queue_gives_everything_back() -> Result<(), RuleViolation> {
    returns::check_operations(&Engine, Config::from_env()?)
}

#[test]
fn the_return_queue_gives_everything_back_between_threads() -> Result<(), RuleViolation> {
    returns::check_threads(&Engine, Config::from_env()?)
}
