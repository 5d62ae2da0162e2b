//! Channels that carry offsets from one producer to one consumer.

mod entries;
mod operations;
mod pushing;
mod taking;
mod threads;

pub(super) use operations::check as check_sequences;
pub(super) use threads::check as check_stress;

use super::{Config, Failure};

/// What a channel is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelShape {
    /// Entries that fit, at least 1.
    pub capacity: usize,
    /// Whether a full channel displaces its oldest entry, or refuses.
    pub overflow: bool,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The entry is in the channel.
    Done,
    /// The entry is in the channel, and this one, the oldest, is not any more: it belongs to the producer again.
    Displaced(u64),
    /// There is no room and no overflow: nothing happened.
    Full,
}

/// What a look at the oldest entry shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// There is no such operation.
    Unsupported,
    /// There is no entry.
    Empty,
    /// The oldest entry, which is still in the channel.
    Entry(u64),
}

/// The side of a sender.
pub trait ChannelProducer {
    /// Pushes an entry. One that is out of the channel again, taken or displaced, may come a second time.
    fn push(&mut self, entry: u64) -> Pushed;
}

/// The side of a receiver.
pub trait ChannelConsumer {
    /// Takes the oldest entry. With overflow it may give nothing when the producer was faster time and again.
    fn take(&mut self) -> Option<u64>;

    /// Looks at the oldest entry and leaves it there, where that is possible.
    fn front(&mut self) -> Look {
        Look::Unsupported
    }
}

/// An implementation of channels.
pub trait OffsetChannel {
    /// The side of a sender; tests between threads move it to one.
    type Producer: ChannelProducer + Send;
    /// The side of a receiver.
    type Consumer: ChannelConsumer + Send;

    /// An empty channel, or nothing where the implementation has none of this shape: that shape is then not tested.
    fn create(&self, shape: ChannelShape) -> Option<(Self::Producer, Self::Consumer)>;

    /// The largest entry that fits, at least 2^20.
    fn entry_max(&self) -> u64 {
        (1 << 24) - 2
    }
}

/// A channel or a return queue, to code that serves both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Discipline {
    pub name: &'static str,
    /// Whether entries come out in the order in which they went in.
    pub ordered: bool,
    pub shapes: &'static [ChannelShape],
}

const fn shape(capacity: usize, overflow: bool) -> ChannelShape {
    ChannelShape { capacity, overflow }
}

const CHANNEL: Discipline = Discipline {
    name: "the channel",
    ordered: true,
    shapes: &[
        shape(1, false),
        shape(2, false),
        shape(3, false),
        shape(8, false),
        shape(1, true),
        shape(2, true),
        shape(3, true),
        shape(8, true),
    ],
};

/// Random sequences of pushes, takes and looks in one thread, compared with a bounded queue.
///
/// # Errors
/// The first rule found broken, with the shortest sequence that breaks it.
pub fn check_operations(channel: &impl OffsetChannel, config: Config) -> Result<(), Failure> {
    operations::check(channel, CHANNEL, config)
}

/// A producer and a consumer in two threads, [`Config::pushes`] entries for each shape; what both saw is compared with
/// what a queue can do. Chunks are few and come again all the time, as they do in a payload segment.
///
/// # Errors
/// The first rule found broken. A second run may take another course: threads are not repeatable.
pub fn check_threads(channel: &impl OffsetChannel, config: Config) -> Result<(), Failure> {
    threads::check(channel, CHANNEL, config)
}
