//! The producer's side of a test between threads: what each push may come to.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::thread;

use rand::{RngExt as _, SeedableRng as _};

use super::entries::Entries;
use super::shared::{AtEnd, Line, SPARE_ENTRIES, Shared, hesitate};
use super::{ChannelProducer, ChannelShape, Pushed};
use crate::Config;
use crate::failure::{Broken, Rule, demand};
use crate::random::Random;

pub(super) struct Push<'a> {
    pub shared: &'a Shared,
    pub shape: ChannelShape,
    pub entries: Entries,
    pub returned: Receiver<usize>,
    /// Messages that were pushed and are not displaced, each with its entry's number.
    pub outside: Vec<(u64, usize)>,
    pub log: &'a mut Vec<Line>,
    pub displaced: &'a mut Vec<u64>,
}

impl Push<'_> {
    pub fn run(&mut self, producer: &mut impl ChannelProducer, config: Config) -> Result<(), Broken> {
        let _done = AtEnd(&self.shared.done);
        let mut numbers = Random::seed_from_u64(config.seed);
        for message in 0..u64::from(config.pushes) {
            let Some(number) = self.loan(&mut numbers, message)? else { return Ok(()) };
            // Relaxed: what carries the entry has to carry this, too.
            self.shared.messages[number].store(message, Ordering::Relaxed);
            while !self.push(producer, message, number)? {
                if self.shared.stopped() {
                    return Ok(());
                }
                thread::yield_now();
            }
            hesitate(&mut numbers);
        }
        Ok(())
    }

    /// A free entry; nothing if the other side found a broken rule.
    fn loan(&mut self, numbers: &mut Random, message: u64) -> Result<Option<usize>, Broken> {
        let mut first = None;
        loop {
            let empty = Shared::get(&self.shared.empty);
            while let Ok(number) = self.returned.try_recv() {
                self.outside.retain(|(_, outside)| *outside != number);
                self.entries.give_back(number);
            }
            if let Some(number) = self.entries.loan(numbers.random_range(0..self.shape.capacity + SPARE_ENTRIES)) {
                return Ok(Some(number));
            }
            if self.shared.stopped() {
                return Ok(None);
            }
            // There are more entries than fit, so one has to come. The second take from now began after the last push; if
            // it found nothing, the rest is nowhere.
            demand(empty < *first.get_or_insert(empty) + 2, Rule::OneOwner, || {
                format!(
                    "before message {message} the channel gave nothing any more, and {:?} never came out",
                    self.outside
                )
            })?;
            thread::yield_now();
        }
    }

    /// `false` if it was refused.
    fn push(&mut self, producer: &mut impl ChannelProducer, message: u64, number: usize) -> Result<bool, Broken> {
        let entry = self.entries.entry(number);
        let capacity = self.shape.capacity as u64;
        let taken_before = Shared::get(&self.shared.taken);
        let pushed = producer.push(entry);
        let taken_after = Shared::get(&self.shared.taken);
        let line = Line::Push { message, entry, pushed };
        if self.log.last() != Some(&line) {
            self.log.push(line);
        }
        match pushed {
            Pushed::Full => {
                // Everything that was taken before the push had left room by then.
                let room = self.shape.overflow || message - taken_before < capacity;
                demand(!room, Rule::RoomIsUsed, || {
                    format!("the push of message {message} was refused when {taken_before} had been taken already")
                })?;
                return Ok(false);
            }
            Pushed::Done => {
                // One more may have been taken and not counted yet.
                let room = self.shape.overflow || message - taken_after.min(message) <= capacity;
                demand(room, Rule::FullRefuses, || {
                    format!("message {message} was pushed when no more than {} could have been taken", taken_after + 1)
                })?;
            }
            Pushed::Displaced(oldest) => {
                let expected = message.checked_sub(capacity).filter(|_| self.shape.overflow);
                let found = self.entries.number(oldest);
                let at = self.outside.iter().position(|(_, number)| Some(*number) == found);
                let displaced = at.map(|at| self.outside.swap_remove(at));
                demand(displaced.is_some() && displaced.map(|d| d.0) == expected, Rule::OldestIsDisplaced, || {
                    let what = displaced.map_or("nothing that is in the channel".to_owned(), |(displaced, _)| {
                        format!("message {displaced}")
                    });
                    format!(
                        "message {message} displaced entry {oldest}, which is {what}; it can displace {expected:?} only"
                    )
                })?;
                if let Some((displaced, number)) = displaced {
                    self.displaced.push(displaced);
                    self.entries.give_back(number);
                }
            }
        }
        self.outside.push((message, number));
        self.shared.pushed.store(message + 1, Ordering::SeqCst);
        Ok(true)
    }
}
