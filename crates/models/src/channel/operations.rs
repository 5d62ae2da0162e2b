//! Sequences of whole operations against a queue.

use std::collections::VecDeque;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::entries::Entries;
use super::{ChannelConsumer, ChannelProducer, ChannelShape, Discipline, OffsetChannel, Peeked, Pushed};
use crate::explore::{Log, explore};
use crate::failure::{Broken, Rule, demand};
use crate::{Config, RuleViolation};

/// Operations of a case, at most.
const OPERATIONS_MAX: usize = 60;
/// Entries beside those that fit into the channel.
const SPARE_ENTRIES: usize = 3;

#[derive(Debug, Clone, Copy)]
enum Operation {
    /// Pushes the free entry that the number picks.
    Push(u8),
    Take,
    Peeked,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        5 => any::<u8>().prop_map(Operation::Push),
        3 => Just(Operation::Take),
        1 => Just(Operation::Peeked),
    ]
}

pub(crate) fn check(channel: &impl OffsetChannel, discipline: Discipline, config: Config) -> Result<(), RuleViolation> {
    let cases = prop::collection::vec(operation(), 0..OPERATIONS_MAX);
    let mut tested = 0;
    for shape in discipline.shapes {
        if channel.create(*shape).is_none() {
            continue;
        }
        tested += 1;
        explore(&title(discipline, *shape), config, &cases, |operations, log| {
            let Some((producer, consumer)) = channel.create(*shape) else { return Ok(()) };
            let entries = Entries::new(shape.capacity + SPARE_ENTRIES, channel.entry_max());
            let queue = VecDeque::new();
            let mut case = Case { producer, consumer, shape: *shape, ordered: discipline.ordered, entries, queue, log };
            operations.iter().try_for_each(|operation| case.step(*operation))?;
            // What is in the channel in the end was neither lost nor doubled.
            (0..=shape.capacity).try_for_each(|_| case.step(Operation::Take))
        })?;
    }
    something_was_tested(tested, discipline)
}

pub(super) fn title(discipline: Discipline, shape: ChannelShape) -> String {
    let overflow = match (discipline.ordered, shape.overflow) {
        (false, _) => "",
        (true, true) => ", with overflow",
        (true, false) => ", without overflow",
    };
    format!("{}: capacity {}{overflow}", discipline.name, shape.capacity)
}

pub(super) fn something_was_tested(shapes: usize, discipline: Discipline) -> Result<(), RuleViolation> {
    if shapes > 0 {
        return Ok(());
    }
    Err(RuleViolation {
        rule: Rule::SomethingIsTested,
        tested: discipline.name.to_owned(),
        happened: format!("none of these could be created: {:?}", discipline.shapes),
        operations: Log::new(),
        repeat: "cargo test".to_owned(),
    })
}

/// An implementation and its model.
struct Case<'a, P, C> {
    producer: P,
    consumer: C,
    shape: ChannelShape,
    ordered: bool,
    entries: Entries,
    /// The model: numbers of the entries in the channel, oldest first.
    queue: VecDeque<usize>,
    log: &'a mut Log,
}

impl<P: ChannelProducer, C: ChannelConsumer> Case<'_, P, C> {
    fn step(&mut self, operation: Operation) -> Result<(), Broken> {
        match operation {
            Operation::Push(pick) => self.push(pick),
            Operation::Take => self.take(),
            Operation::Peeked => self.look(),
        }
    }

    fn push(&mut self, pick: u8) -> Result<(), Broken> {
        // There are more entries than fit.
        let Some(number) = self.entries.loan(usize::from(pick)) else { return Ok(()) };
        let entry = self.entries.entry(number);
        self.log.push(format!("push {entry}"));
        let pushed = self.producer.push(entry);
        self.note(&pushed);
        if self.queue.len() < self.shape.capacity {
            let happened = || format!("the push of {entry} into a channel that holds {} gave {pushed:?}", self.holds());
            demand(pushed == Pushed::Done, Rule::RoomIsUsed, happened)?;
            self.queue.push_back(number);
        } else if self.shape.overflow {
            let oldest = self.queue.pop_front();
            let expected = oldest.map(|number| Pushed::Displaced(self.entries.entry(number)));
            demand(Some(pushed) == expected, Rule::OldestIsDisplaced, || {
                format!("the push of {entry} gave {pushed:?} and should have given {}", shown(expected.as_ref()))
            })?;
            self.queue.push_back(number);
            if let Some(number) = oldest {
                self.entries.give_back(number);
            }
        } else {
            let happened = || format!("the push of {entry} into a channel that holds {} gave {pushed:?}", self.holds());
            demand(pushed == Pushed::Full, Rule::FullRefuses, happened)?;
            self.entries.give_back(number);
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), Broken> {
        self.log.push("take".to_owned());
        let taken = self.consumer.take();
        self.note(&taken);
        let number = if self.ordered {
            let expected = self.queue.front().map(|number| self.entries.entry(*number));
            demand(taken == expected, Rule::OldestIsTaken, || {
                format!("the take gave {} and should have given {}", shown(taken.as_ref()), shown(expected.as_ref()))
            })?;
            self.queue.pop_front()
        } else {
            let at = self.queue.iter().position(|number| Some(self.entries.entry(*number)) == taken);
            demand(at.is_some() || (taken.is_none() && self.queue.is_empty()), Rule::ReturnedIsTaken, || {
                format!("the take gave {} from a queue that holds {}", shown(taken.as_ref()), self.holds())
            })?;
            at.and_then(|at| self.queue.remove(at))
        };
        if let Some(number) = number {
            self.entries.give_back(number);
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), Broken> {
        self.log.push("look".to_owned());
        let look = self.consumer.front();
        self.note(&look);
        let expected = self.queue.front().map_or(Peeked::Empty, |number| Peeked::Entry(self.entries.entry(*number)));
        demand(look == Peeked::Unsupported || look == expected, Rule::FrontIsOldest, || {
            format!("the look gave {look:?} and should have given {expected:?}")
        })
    }

    /// Adds a result to the line of its operation.
    fn note(&mut self, result: &impl std::fmt::Debug) {
        if let Some(line) = self.log.last_mut() {
            // Writing to a string cannot fail.
            let _ = write!(line, " -> {result:?}");
        }
    }

    /// What the channel holds by the model.
    fn holds(&self) -> String {
        let entries: Vec<_> = self.queue.iter().map(|number| self.entries.entry(*number)).collect();
        format!("{entries:?}")
    }
}

fn shown(result: Option<&impl std::fmt::Debug>) -> String {
    result.map_or_else(|| "nothing".to_owned(), |result| format!("{result:?}"))
}
