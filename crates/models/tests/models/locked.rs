//! A queue behind a lock, right by itself, that can be told to do one thing wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use shmark_models::channel::{ChannelConsumer, ChannelProducer, ChannelShape, OffsetChannel, Peeked, Pushed};
use shmark_models::returns::{ReturnGiver, ReturnQueue, ReturnTaker};

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// A full channel forgets its oldest entry and says that all is done.
    LosesOnOverflow,
    /// A full channel displaces its newest entry.
    DisplacesNewest,
    /// A full channel hands its oldest entry back and keeps it as well.
    KeepsDisplaced,
    /// A full channel without overflow says that all is done.
    LosesWhenFull,
    /// One entry less fits than was asked for.
    RefusesEarly,
    /// One entry more fits than was asked for.
    HoldsTooMuch,
    /// The newest entry is taken first.
    LastInFirstOut,
    /// Every eleventh take leaves the entry there.
    Doubles,
    /// Every eleventh take throws its entry away.
    LosesOnTake,
    /// Every eleventh take finds nothing.
    IsBlind,
    /// A look shows the newest entry.
    LooksAtNewest,
    /// A look takes.
    LooksTaking,
    /// Some entries lose their highest bits.
    Truncates,
    /// The twelfth push panics.
    Panics,
    /// There is no channel of any shape.
    Absent,
}

#[derive(Debug)]
pub struct Locked(pub Fault);

#[derive(Debug, Default)]
struct Inside {
    queue: VecDeque<u64>,
    pushes: usize,
    takes: usize,
}

#[derive(Debug, Clone)]
pub struct End {
    inside: Arc<Mutex<Inside>>,
    shape: ChannelShape,
    fault: Fault,
}

impl ChannelProducer for End {
    fn push(&mut self, entry: u64) -> Pushed {
        let mut inside = self.inside.lock().unwrap();
        let entry = if self.fault == Fault::Truncates { entry & 0xffff } else { entry };
        inside.pushes += 1;
        assert!(self.fault != Fault::Panics || inside.pushes < 12, "this push was one too many");
        let capacity = match self.fault {
            Fault::RefusesEarly => self.shape.capacity - 1,
            Fault::HoldsTooMuch => self.shape.capacity + 1,
            _ => self.shape.capacity,
        };
        if inside.queue.len() < capacity {
            inside.queue.push_back(entry);
            return Pushed::Done;
        }
        if !self.shape.overflow {
            return if self.fault == Fault::LosesWhenFull { Pushed::Done } else { Pushed::Full };
        }
        let displaced = match self.fault {
            Fault::DisplacesNewest => inside.queue.pop_back(),
            Fault::KeepsDisplaced => inside.queue.front().copied(),
            _ => inside.queue.pop_front(),
        };
        inside.queue.push_back(entry);
        match displaced {
            Some(displaced) if self.fault != Fault::LosesOnOverflow => Pushed::Displaced(displaced),
            _ => Pushed::Done,
        }
    }
}

impl ChannelConsumer for End {
    fn take(&mut self) -> Option<u64> {
        let mut inside = self.inside.lock().unwrap();
        inside.takes += 1;
        let eleventh = inside.takes.is_multiple_of(11);
        match self.fault {
            Fault::LastInFirstOut => inside.queue.pop_back(),
            Fault::Doubles if eleventh => inside.queue.front().copied(),
            Fault::IsBlind if eleventh => None,
            Fault::LosesOnTake if eleventh => {
                inside.queue.pop_front();
                inside.queue.pop_front()
            }
            _ => inside.queue.pop_front(),
        }
    }

    fn front(&mut self) -> Peeked {
        let mut inside = self.inside.lock().unwrap();
        let shown = match self.fault {
            Fault::LooksAtNewest => inside.queue.back().copied(),
            Fault::LooksTaking => inside.queue.pop_front(),
            _ => inside.queue.front().copied(),
        };
        shown.map_or(Peeked::Empty, Peeked::Entry)
    }
}

impl Locked {
    fn ends(&self, shape: ChannelShape) -> Option<(End, End)> {
        let end = End { inside: Arc::default(), shape, fault: self.0 };
        (self.0 != Fault::Absent).then(|| (end.clone(), end))
    }
}

impl OffsetChannel for Locked {
    type Producer = End;
    type Consumer = End;

    fn create(&self, shape: ChannelShape) -> Option<(End, End)> {
        self.ends(shape)
    }
}

impl ReturnGiver for End {
    fn give(&mut self, entry: u64) -> bool {
        self.push(entry) != Pushed::Full
    }
}

impl ReturnTaker for End {
    fn take(&mut self) -> Option<u64> {
        ChannelConsumer::take(self)
    }
}

impl ReturnQueue for Locked {
    type Giver = End;
    type Taker = End;

    fn create(&self, capacity: usize) -> Option<(End, End)> {
        self.ends(ChannelShape { capacity, overflow: false })
    }
}
