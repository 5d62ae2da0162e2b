//! Return queues: what carries offsets back to the sender, from one giver to one taker, in any order.

use super::channel::{
    ChannelConsumer, ChannelProducer, ChannelShape, Discipline, OffsetChannel, Pushed, check_sequences, check_stress,
};
use super::{Config, RuleViolation};

/// The side of a receiver, which gives back.
pub trait ReturnGiver {
    /// Gives an entry back; `false` if there is no room, and then nothing happened.
    fn give(&mut self, entry: u64) -> bool;
}

/// The side of a sender, which takes back.
pub trait ReturnTaker {
    /// Takes any entry that was given back.
    fn take(&mut self) -> Option<u64>;
}

/// An implementation of return queues.
pub trait ReturnQueue {
    /// The side of a receiver; tests between threads move it to one.
    type Giver: ReturnGiver + Send;
    /// The side of a sender.
    type Taker: ReturnTaker + Send;

    /// An empty queue with room for exactly `capacity` entries, a power of two; nothing if there is none of this size.
    fn create(&self, capacity: usize) -> Option<(Self::Giver, Self::Taker)>;

    /// The largest entry that fits, at least 2^20.
    fn entry_max(&self) -> u64 {
        (1 << 24) - 2
    }
}

const fn shape(capacity: usize) -> ChannelShape {
    ChannelShape { capacity, overflow: false }
}

const RETURN_QUEUE: Discipline = Discipline {
    name: "the return queue",
    ordered: false,
    shapes: &[shape(1), shape(2), shape(4), shape(8), shape(16)],
};

/// Random sequences of giving and taking in one thread, compared with a bounded bag.
///
/// # Errors
/// The first rule found broken, with the shortest sequence that breaks it.
pub fn check_operations(queue: &impl ReturnQueue, config: Config) -> Result<(), RuleViolation> {
    check_sequences(&AsChannel(queue), RETURN_QUEUE, config)
}

/// A giver and a taker in two threads, [`Config::pushes`] entries for each size.
///
/// # Errors
/// The first rule found broken. A second run may take another course: threads are not repeatable.
pub fn check_threads(queue: &impl ReturnQueue, config: Config) -> Result<(), RuleViolation> {
    check_stress(&AsChannel(queue), RETURN_QUEUE, config)
}

/// A return queue is a channel that never overflows, of which no order is asked.
struct AsChannel<'a, Q>(&'a Q);
struct Giver<G>(G);
struct Taker<T>(T);

impl<G: ReturnGiver> ChannelProducer for Giver<G> {
    fn push(&mut self, entry: u64) -> Pushed {
        if self.0.give(entry) { Pushed::Done } else { Pushed::Full }
    }
}

impl<T: ReturnTaker> ChannelConsumer for Taker<T> {
    fn take(&mut self) -> Option<u64> {
        self.0.take()
    }
}

impl<Q: ReturnQueue> OffsetChannel for AsChannel<'_, Q> {
    type Producer = Giver<Q::Giver>;
    type Consumer = Taker<Q::Taker>;

    fn create(&self, shape: ChannelShape) -> Option<(Self::Producer, Self::Consumer)> {
        self.0.create(shape.capacity).map(|(giver, taker)| (Giver(giver), Taker(taker)))
    }

    fn entry_max(&self) -> u64 {
        self.0.entry_max()
    }
}
