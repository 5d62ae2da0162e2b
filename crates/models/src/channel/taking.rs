//! The consumer's side of a test between threads: what each take may come to.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::thread;

use rand::{RngExt as _, SeedableRng as _};

use super::entries::Entries;
use super::shared::{Line, NEVER, Shared, hesitate};
use super::{ChannelConsumer, ChannelShape, Discipline};
use crate::Config;
use crate::failure::{Broken, Rule, demand};
use crate::random::Random;

pub(super) struct Take<'a> {
    pub shared: &'a Shared,
    pub shape: ChannelShape,
    pub discipline: Discipline,
    pub entries: Entries,
    pub give_back: Sender<usize>,
    pub log: &'a mut Vec<Line>,
    pub taken: &'a mut Vec<u64>,
}

impl Take<'_> {
    pub fn run(&mut self, consumer: &mut impl ChannelConsumer, config: Config) -> Result<(), Broken> {
        let mut numbers = Random::seed_from_u64(!config.seed);
        while !self.shared.stopped() {
            let last = self.shared.done.load(Ordering::SeqCst);
            let pushed_before = Shared::get(&self.shared.pushed);
            if self.discipline.ordered && numbers.random_range(0..4) == 0 {
                consumer.front();
            }
            if let Some(entry) = consumer.take() {
                self.took(entry)?;
            } else {
                // With overflow the producer may have been faster every time.
                let waited = pushed_before > self.taken.len() as u64;
                demand(self.shape.overflow || !waited, Rule::OldestIsTaken, || {
                    format!("nothing was taken when {pushed_before} were pushed and {} taken", self.taken.len())
                })?;
                if last {
                    return Ok(());
                }
                self.shared.empty.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
            }
            hesitate(&mut numbers);
        }
        Ok(())
    }

    fn took(&mut self, entry: u64) -> Result<(), Broken> {
        let number = self.entries.number(entry);
        let message = number.map(|number| self.shared.messages[number].load(Ordering::Relaxed));
        let message = message.filter(|message| *message != NEVER);
        self.log.push(Line::Take { entry, message });
        let Some((number, message)) = number.zip(message) else {
            return demand(false, Rule::OneOwner, || format!("entry {entry} was taken and never pushed"));
        };
        let before = self.taken.last().copied();
        let follows = !self.discipline.ordered || before.is_none_or(|before| before < message);
        demand(follows, Rule::Order, || format!("message {message} was taken after {before:?}"))?;
        self.taken.push(message);
        self.shared.taken.store(self.taken.len() as u64, Ordering::SeqCst);
        // The producer has ended, and needs nothing any more.
        let _ = self.give_back.send(number);
        Ok(())
    }
}
