//! Queues of other crates.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use rtrb::RingBuffer;
use shmark_models::channel::{self, ChannelConsumer, ChannelProducer, ChannelShape, OffsetChannel, Peeked, Pushed};
use shmark_models::returns::{self, ReturnGiver, ReturnQueue, ReturnTaker};
use shmark_models::{Config, RuleViolation};

/// crossbeam's queue: overflow is its `force_push`.
struct Crossbeam;
struct CrossbeamSender(Arc<ArrayQueue<u64>>, bool);
struct CrossbeamReceiver(Arc<ArrayQueue<u64>>);

impl ChannelProducer for CrossbeamSender {
    fn push(&mut self, entry: u64) -> Pushed {
        if self.1 {
            self.0.force_push(entry).map_or(Pushed::Done, Pushed::Displaced)
        } else {
            self.0.push(entry).map_or(Pushed::Full, |()| Pushed::Done)
        }
    }
}

impl ChannelConsumer for CrossbeamReceiver {
    fn take(&mut self) -> Option<u64> {
        self.0.pop()
    }
}

impl OffsetChannel for Crossbeam {
    type Producer = CrossbeamSender;
    type Consumer = CrossbeamReceiver;

    fn create(&self, shape: ChannelShape) -> Option<(CrossbeamSender, CrossbeamReceiver)> {
        let queue = Arc::new(ArrayQueue::new(shape.capacity));
        Some((CrossbeamSender(Arc::clone(&queue), shape.overflow), CrossbeamReceiver(queue)))
    }
}

/// rtrb's ring: no overflow, but a look.
struct Rtrb;
struct RtrbSender(rtrb::Producer<u64>);
struct RtrbReceiver(rtrb::Consumer<u64>);

impl ChannelProducer for RtrbSender {
    fn push(&mut self, entry: u64) -> Pushed {
        self.0.push(entry).map_or(Pushed::Full, |()| Pushed::Done)
    }
}

impl ChannelConsumer for RtrbReceiver {
    fn take(&mut self) -> Option<u64> {
        self.0.pop().ok()
    }
    fn front(&mut self) -> Peeked {
        self.0.peek().map_or(Peeked::Empty, |entry| Peeked::Entry(*entry))
    }
}

impl OffsetChannel for Rtrb {
    type Producer = RtrbSender;
    type Consumer = RtrbReceiver;

    fn create(&self, shape: ChannelShape) -> Option<(RtrbSender, RtrbReceiver)> {
        let (sender, receiver) = RingBuffer::new(shape.capacity);
        (!shape.overflow).then_some((RtrbSender(sender), RtrbReceiver(receiver)))
    }
}

impl ReturnGiver for RtrbSender {
    fn give(&mut self, entry: u64) -> bool {
        self.0.push(entry).is_ok()
    }
}

impl ReturnTaker for RtrbReceiver {
    fn take(&mut self) -> Option<u64> {
        self.0.pop().ok()
    }
}

impl ReturnQueue for Rtrb {
    type Giver = RtrbSender;
    type Taker = RtrbReceiver;

    fn create(&self, capacity: usize) -> Option<(RtrbSender, RtrbReceiver)> {
        let (sender, receiver) = RingBuffer::new(capacity);
        Some((RtrbSender(sender), RtrbReceiver(receiver)))
    }
}

#[test]
fn crossbeams_queue_is_a_channel() -> Result<(), RuleViolation> {
    channel::check_operations(&Crossbeam, Config::from_env()?)
}

#[test]
fn crossbeams_queue_is_a_channel_between_threads() -> Result<(), RuleViolation> {
    channel::check_threads(&Crossbeam, Config::from_env()?)
}

#[test]
fn rtrbs_ring_is_a_channel() -> Result<(), RuleViolation> {
    channel::check_operations(&Rtrb, Config::from_env()?)
}

#[test]
fn rtrbs_ring_is_a_channel_between_threads() -> Result<(), RuleViolation> {
    channel::check_threads(&Rtrb, Config::from_env()?)
}

#[test]
fn rtrbs_ring_gives_everything_back() -> Result<(), RuleViolation> {
    returns::check_operations(&Rtrb, Config::from_env()?)?;
    returns::check_threads(&Rtrb, Config::from_env()?)
}
