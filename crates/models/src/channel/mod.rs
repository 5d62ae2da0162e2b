//! Channels that carry offsets from one producer to one consumer.

mod entries;
mod interface;
mod operations;
mod pushing;
mod shared;
mod taking;
mod threads;

pub(crate) use interface::Discipline;
pub use interface::{ChannelConsumer, ChannelProducer, ChannelShape, OffsetChannel, Peeked, Pushed};
pub(super) use operations::check as check_sequences;
pub(super) use threads::check as check_stress;

use super::{Config, RuleViolation};

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
pub fn check_operations(channel: &impl OffsetChannel, config: Config) -> Result<(), RuleViolation> {
    operations::check(channel, CHANNEL, config)
}

/// A producer and a consumer in two threads, [`Config::pushes`] entries for each shape; what both saw is compared with
/// what a queue can do. Chunks are few and come again all the time, as they do in a payload segment.
///
/// # Errors
/// The first rule found broken. A second run may take another course: threads are not repeatable.
pub fn check_threads(channel: &impl OffsetChannel, config: Config) -> Result<(), RuleViolation> {
    threads::check(channel, CHANNEL, config)
}
