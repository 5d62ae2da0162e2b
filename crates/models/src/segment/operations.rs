//! Sequences of operations on a segment, each compared with the model, and everything that is held compared after each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::model::{Key, Message, Model, pattern};
use super::{Growth, LoanRefused, PayloadSegment, SegmentInstance, SegmentShape};
use crate::explore::{Log, explore};
use crate::failure::{Broken, Rule, demand};
use crate::{Config, RuleViolation};

/// Operations of a case, at most.
const OPERATIONS_MAX: usize = 50;
/// What alignment may add to a chunk, bytes, if the alignment that was asked for is not larger: a cache line.
const ROUNDING_MAX: usize = 64;

#[derive(Debug, Clone, Copy)]
enum Operation {
    /// Loans so many bytes.
    Loan(usize),
    /// Overwrites the loan that the number picks.
    Write(u8),
    DropLoan(u8),
    Send(u8),
    /// The message, and which of its holders.
    GiveBack(u8, u8),
    /// Loans as many bytes as fit, writes and sends.
    Message,
}

fn operation(shape: SegmentShape) -> impl Strategy<Value = Operation> {
    let initial = shape.len_initial;
    let len = prop_oneof![
        6 => 0..=initial,
        // Somewhat longer, several times, and beyond any memory.
        3 => initial + 1..=4 * initial,
        1 => 4 * initial..=40 * initial,
        1 => prop_oneof![Just(usize::MAX), Just(isize::MAX as usize + 1), Just(usize::MAX - 4095)],
    ];
    prop_oneof![
        5 => len.prop_map(Operation::Loan),
        2 => any::<u8>().prop_map(Operation::Write),
        2 => any::<u8>().prop_map(Operation::DropLoan),
        4 => any::<u8>().prop_map(Operation::Send),
        5 => any::<(u8, u8)>().prop_map(|(message, holder)| Operation::GiveBack(message, holder)),
        2 => Just(Operation::Message),
    ]
}

/// Few of everything, so that limits are met; alignments below, at and above a cache line.
fn shapes() -> Vec<SegmentShape> {
    let mut shapes = Vec::new();
    for &growth in Growth::ALL {
        for (len_initial, align, loans_max, messages_max, receivers) in
            [(1, 1, 1, 1, 1), (24, 8, 2, 3, 1), (100, 64, 2, 2, 2), (300, 256, 3, 5, 3)]
        {
            shapes.push(SegmentShape { growth, len_initial, align, loans_max, messages_max, receivers });
        }
    }
    shapes
}

pub(super) fn check(segment: &impl PayloadSegment, config: Config) -> Result<(), RuleViolation> {
    let mut tested = 0;
    for shape in shapes() {
        if segment.create(shape).is_none() {
            continue;
        }
        tested += 1;
        let cases = prop::collection::vec(operation(shape), 0..OPERATIONS_MAX);
        explore(&format!("the segment: {shape:?}"), config, &cases, |operations, log| {
            let Some(instance) = segment.create(shape) else { return Ok(()) };
            let (loans, held) = (BTreeMap::new(), BTreeMap::new());
            let mut case = Case { instance, model: Model::new(shape), loans, held, keys: 0, log };
            case.look()?;
            for operation in operations {
                case.step(*operation)?;
                case.look()?;
            }
            case.tear_down()
        })?;
    }
    if tested > 0 {
        return Ok(());
    }
    Err(RuleViolation {
        rule: Rule::SomethingIsTested,
        tested: "the segment".to_owned(),
        happened: format!("none of {} shapes could be created", shapes().len()),
        operations: Log::new(),
        repeat: "cargo test".to_owned(),
    })
}

/// An implementation and its model.
struct Case<'a, I: SegmentInstance> {
    instance: I,
    model: Model,
    loans: BTreeMap<Key, I::Loan>,
    /// By message and receiver.
    held: BTreeMap<(Key, usize), I::Held>,
    keys: Key,
    log: &'a mut Log,
}

fn nth<K: Copy, V>(map: &BTreeMap<K, V>, pick: u8) -> Option<K> {
    map.keys().nth(usize::from(pick).checked_rem(map.len())?).copied()
}

impl<I: SegmentInstance> Case<'_, I> {
    fn step(&mut self, operation: Operation) -> Result<(), Broken> {
        match operation {
            Operation::Loan(len) => self.loan(len).map(|_| ()),
            Operation::Write(pick) => {
                if let Some(key) = nth(&self.loans, pick) {
                    self.write(key);
                }
                Ok(())
            }
            Operation::DropLoan(pick) => {
                if let Some(key) = nth(&self.loans, pick) {
                    self.drop_loan(key);
                }
                Ok(())
            }
            Operation::Send(pick) => nth(&self.loans, pick).map_or(Ok(()), |key| self.send(key)),
            Operation::GiveBack(message, holder) => {
                if let Some(key) = nth(&self.model.messages, message) {
                    self.give_back(key, holder);
                }
                Ok(())
            }
            Operation::Message => {
                let loaned = self.loan(self.model.len_max)?;
                loaned.map_or(Ok(()), |key| self.send(key))
            }
        }
    }

    fn loan(&mut self, len: usize) -> Result<Option<Key>, Broken> {
        self.log.push(format!("loan {len} bytes"));
        let expected = self.model.loan(len);
        let loan = self.instance.loan(len);
        let got = loan.as_ref().map(|_| ()).map_err(|refused| *refused);
        self.note(got);
        let rule = match expected {
            Ok(()) => Rule::LoanSucceeds,
            Err(_) => Rule::LoanIsRefused,
        };
        demand(self.model.agrees(len, expected, got), rule, || {
            let so_far = format!("{} loans, {} bytes fit", self.model.loans.len(), self.model.len_max);
            format!("a loan of {len} bytes gave {got:?} and should have given {expected:?} ({so_far})")
        })?;
        let Ok(mut loan) = loan else { return Ok(None) };
        self.keys += 1;
        let (key, bytes) = (self.keys, pattern(self.keys, 0, len));
        let long = self.instance.contents(&loan).len();
        demand(long == len, Rule::LoanIsAsLong, || format!("a loan of {len} bytes holds {long}"))?;
        let address = self.instance.address(&loan);
        demand(len == 0 || address.is_multiple_of(self.model.shape.align), Rule::LoanIsAligned, || {
            format!("a loan lies at {address:#x} and should be aligned to {}", self.model.shape.align)
        })?;
        for (other, there) in &self.loans {
            let (begin, other_len) = (self.instance.address(there), self.model.loans[other].len());
            let apart = begin + other_len <= address || address + len <= begin;
            demand(apart || len == 0 || other_len == 0, Rule::ChunksAreApart, || {
                format!("loan {key} at {address:#x}+{len} overlaps loan {other} at {begin:#x}+{other_len}")
            })?;
        }
        self.instance.write(&mut loan, &bytes);
        if let Some(line) = self.log.last_mut() {
            // Writing to a string cannot fail.
            let _ = write!(line, ", loan {key}, filled");
        }
        self.loans.insert(key, loan);
        self.model.loaned(key, bytes);
        Ok(Some(key))
    }

    fn write(&mut self, key: Key) {
        self.log.push(format!("fill loan {key} anew"));
        let Some((loan, bytes)) = self.loans.get_mut(&key).zip(self.model.loans.get_mut(&key)) else { return };
        let version = bytes.first().map_or(1, |first| first.wrapping_add(1));
        *bytes = pattern(key, version, bytes.len());
        self.instance.write(loan, bytes);
    }

    fn drop_loan(&mut self, key: Key) {
        self.log.push(format!("drop loan {key}"));
        self.model.loans.remove(&key);
        if let Some(loan) = self.loans.remove(&key) {
            self.instance.drop_loan(loan);
        }
    }

    fn send(&mut self, key: Key) -> Result<(), Broken> {
        if self.model.messages.len() >= self.model.shape.messages_max {
            return Ok(());
        }
        let Some((loan, bytes)) = self.loans.remove(&key).zip(self.model.loans.remove(&key)) else { return Ok(()) };
        self.log.push(format!("send loan {key}, and receive it"));
        let copied = self.instance.leaves_no_chunk(bytes.len());
        let held = self.instance.send(loan);
        let (received, receivers) = (held.len(), self.model.shape.receivers);
        demand(received == receivers, Rule::EveryoneReceives, || format!("{received} of {receivers} have it"))?;
        self.held.extend(held.into_iter().enumerate().map(|(receiver, held)| ((key, receiver), held)));
        self.model.messages.insert(key, Message { bytes, holders: (0..receivers).collect(), copied });
        Ok(())
    }

    fn give_back(&mut self, key: Key, pick: u8) {
        let Some(message) = self.model.messages.get_mut(&key) else { return };
        let receiver = message.holders.swap_remove(usize::from(pick) % message.holders.len());
        if message.holders.is_empty() {
            self.model.messages.remove(&key);
        }
        self.log.push(format!("receiver {receiver} gives message {key} back"));
        if let Some(held) = self.held.remove(&(key, receiver)) {
            self.instance.give_back(held);
        }
    }

    /// Everything that is held is as it was written, and nothing else is in use.
    fn look(&mut self) -> Result<(), Broken> {
        for (key, loan) in &self.loans {
            let (contents, expected) = (self.instance.contents(loan), &self.model.loans[key]);
            demand(contents == *expected, Rule::ContentsStay, || {
                format!("loan {key} holds other bytes than were written into it: {}", difference(&contents, expected))
            })?;
        }
        for ((key, receiver), held) in &self.held {
            let (contents, expected) = (self.instance.received(held), &self.model.messages[key].bytes);
            demand(contents == *expected, Rule::ContentsStay, || {
                let at = difference(&contents, expected);
                format!("message {key} at receiver {receiver} holds other bytes than were sent: {at}")
            })?;
        }
        let (in_use, expected) = (self.instance.chunks_in_use(), self.model.chunks_in_use());
        demand(in_use == expected, Rule::ChunksComeBack, || {
            format!("{in_use} chunks are in use, and {expected} are loaned or held")
        })?;
        let (segments, max) = (self.instance.segments(), self.model.segments_max());
        demand((1..=max).contains(&segments), Rule::OutgrownGoes, || {
            format!("there are {segments} segments and should be at most {max}, with {expected} chunks in use")
        })?;
        if let Some(len_max) = self.instance.len_max() {
            let least = self.model.len_max;
            let most = least + ROUNDING_MAX.max(self.model.shape.align);
            demand((least..most).contains(&len_max), Rule::GrowsByStrategy, || {
                format!("{len_max} bytes fit without growing; by the strategy it should be {least}, or alignment more")
            })?;
        }
        Ok(())
    }

    /// Everything goes back.
    fn tear_down(&mut self) -> Result<(), Broken> {
        while let Some(key) = nth(&self.loans, 0) {
            self.drop_loan(key);
        }
        while let Some(key) = nth(&self.model.messages, 0) {
            self.give_back(key, 0);
        }
        self.look()
    }

    /// Adds a result to the line of its operation.
    fn note(&mut self, result: Result<(), LoanRefused>) {
        if let Some(line) = self.log.last_mut() {
            let _ = match result {
                Ok(()) => write!(line, " -> granted"),
                Err(refused) => write!(line, " -> {refused:?}"),
            };
        }
    }
}

/// Where two byte strings differ first.
fn difference(got: &[u8], expected: &[u8]) -> String {
    if got.len() != expected.len() {
        return format!("{} bytes instead of {}", got.len(), expected.len());
    }
    let at = got.iter().zip(expected).position(|(got, expected)| got != expected).unwrap_or_default();
    format!("the first that differs is byte {at} of {}", got.len())
}
