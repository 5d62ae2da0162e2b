//! What an implementation of channels has to offer, and what it is asked to be.

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
pub enum Peeked {
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

    /// Peeks at the oldest entry and leaves it there, where that is possible.
    fn front(&mut self) -> Peeked {
        Peeked::Unsupported
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
pub(crate) struct Discipline {
    pub name: &'static str,
    /// Whether entries come out in the order in which they went in.
    pub ordered: bool,
    pub shapes: &'static [ChannelShape],
}
