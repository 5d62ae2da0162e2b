//! A producer and a consumer in two threads, and what the history of both has to satisfy.
//!
//! A channel is a queue that gives up only its oldest entry, to one side or the other, so what it holds is always an
//! unbroken run of what was pushed. That makes every single result checkable: the push of message `n` can displace message
//! `n - capacity` and no other; a push is refused only if so many are untaken; messages are taken in rising order; and in
//! the end each one was taken or displaced, once.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel as way_back};
use std::thread;

use super::entries::Entries;
use super::operations::{something_was_tested, title};
use super::{ChannelConsumer, ChannelProducer, ChannelShape, Discipline, OffsetChannel, Pushed};
use crate::kit::explore::panic_text;
use crate::kit::failure::{Broken, Rule, demand};
use crate::kit::numbers::Numbers;
use crate::kit::{Config, Failure};

/// Entries beside those that fit into the channel.
const SPARE_ENTRIES: usize = 4;
/// The message of an entry that was never pushed.
const NEVER: u64 = u64::MAX;
/// Lines of each side that a failure shows.
const LINES_MAX: usize = 12;

pub(in crate::kit) fn check(
    channel: &impl OffsetChannel,
    discipline: Discipline,
    config: Config,
) -> Result<(), Failure> {
    let mut tested = 0;
    for shape in discipline.shapes {
        if let Some((producer, consumer)) = channel.create(*shape) {
            tested += 1;
            let entries = Entries::new(shape.capacity + SPARE_ENTRIES, channel.entry_max());
            run(*shape, discipline, config, entries, producer, consumer)?;
        }
    }
    something_was_tested(tested, discipline)
}

/// What both threads see. The counts are the test's own and say nothing about the channel's memory: relaxed would do where
/// a bound has to hold, but sequentially consistent is easier to argue about.
struct Shared {
    /// The message that each entry stands for, as a chunk's contents would say.
    messages: Vec<AtomicU64>,
    /// Pushes that are done.
    pushed: AtomicU64,
    /// Entries taken.
    taken: AtomicU64,
    /// Takes that gave nothing.
    empty: AtomicU64,
    /// The producer will push no more.
    done: AtomicBool,
    /// One side found a broken rule.
    stop: AtomicBool,
}

impl Shared {
    fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::SeqCst)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// Sets a flag however its thread ends.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// How one side ended.
struct Side {
    outcome: Result<(), Broken>,
    log: Vec<Line>,
    /// Messages that ended here, in order.
    messages: Vec<u64>,
}

fn run<P: ChannelProducer + Send, C: ChannelConsumer + Send>(
    shape: ChannelShape,
    discipline: Discipline,
    config: Config,
    entries: Entries,
    mut producer: P,
    mut consumer: C,
) -> Result<(), Failure> {
    let shared = Shared {
        messages: (0..shape.capacity + SPARE_ENTRIES).map(|_| AtomicU64::new(NEVER)).collect(),
        pushed: AtomicU64::new(0),
        taken: AtomicU64::new(0),
        empty: AtomicU64::new(0),
        done: AtomicBool::new(false),
        stop: AtomicBool::new(false),
    };
    let (give_back, returned) = way_back();
    let (of_producer, of_consumer) = thread::scope(|scope| {
        let (shared, entries_there) = (&shared, entries.clone());
        let pushing = scope.spawn(move || {
            side(shared, |log, displaced| {
                let mut push = Push { shared, shape, entries, returned, outside: Vec::new(), log, displaced };
                push.run(&mut producer, config)
            })
        });
        let taking = scope.spawn(move || {
            side(shared, |log, taken| {
                let mut take = Take { shared, shape, discipline, entries: entries_there, give_back, log, taken };
                take.run(&mut consumer, config)
            })
        });
        // Panics are caught inside.
        (
            pushing.join().unwrap_or_else(|panic| died(panic.as_ref())),
            taking.join().unwrap_or_else(|panic| died(panic.as_ref())),
        )
    });
    let pushed = Shared::get(&shared.pushed);
    let outcome = of_producer.outcome.clone().and(of_consumer.outcome.clone()).and_then(|()| {
        let mut ends = vec![(0_u32, 0_u32); pushed as usize];
        for message in &of_producer.messages {
            ends[*message as usize].0 += 1;
        }
        for message in &of_consumer.messages {
            let end = ends.get_mut(*message as usize).ok_or_else(|| Broken {
                rule: Rule::OneOwner,
                happened: format!("message {message} was taken, whose push was refused"),
            })?;
            end.1 += 1;
        }
        ends.iter().enumerate().try_for_each(|(message, (displaced, taken))| {
            demand(displaced + taken == 1, Rule::OneOwner, || {
                format!("message {message} of {pushed} was taken {taken} times and displaced {displaced} times")
            })
        })
    });
    outcome.map_err(|broken| {
        let mut operations = tail("producer", &of_producer.log);
        operations.extend(tail("consumer", &of_consumer.log));
        Failure {
            rule: broken.rule,
            tested: format!("{}, between two threads", title(discipline, shape)),
            happened: broken.happened,
            operations,
            repeat: format!("{} cargo test (threads may take another course)", config.variables()),
        }
    })
}

fn side(shared: &Shared, run: impl FnOnce(&mut Vec<Line>, &mut Vec<u64>) -> Result<(), Broken>) -> Side {
    let (mut log, mut messages) = (Vec::new(), Vec::new());
    let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut log, &mut messages)));
    let outcome =
        outcome.unwrap_or_else(|panic| Err(Broken { rule: Rule::NoPanic, happened: panic_text(panic.as_ref()) }));
    if outcome.is_err() {
        shared.stop.store(true, Ordering::SeqCst);
    }
    Side { outcome, log, messages }
}

fn died(panic: &(dyn Any + Send)) -> Side {
    let broken = Broken { rule: Rule::NoPanic, happened: panic_text(panic) };
    Side { outcome: Err(broken), log: Vec::new(), messages: Vec::new() }
}

fn tail(side: &str, log: &[Line]) -> Vec<String> {
    let skipped = log.len().saturating_sub(LINES_MAX);
    let mut lines: Vec<_> = log[skipped..].iter().map(|line| format!("{side}: {line}")).collect();
    if skipped > 0 {
        lines.insert(0, format!("{side}: ... {skipped} lines before"));
    }
    lines
}

/// Gives the other thread other moments to come.
fn hesitate(numbers: &mut Numbers) {
    match numbers.below(64) {
        0 => thread::yield_now(),
        1..8 => (0..numbers.below(200)).for_each(|_| std::hint::spin_loop()),
        _ => {}
    }
}

/// What one side did; formatted only when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Push { message: u64, entry: u64, pushed: Pushed },
    Take { entry: u64, message: Option<u64> },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push { message, entry, pushed } => write!(f, "push message {message} as entry {entry} -> {pushed:?}"),
            Self::Take { entry, message: Some(message) } => write!(f, "take -> entry {entry}, message {message}"),
            Self::Take { entry, message: None } => write!(f, "take -> entry {entry}, which nobody pushed"),
        }
    }
}

struct Push<'a> {
    shared: &'a Shared,
    shape: ChannelShape,
    entries: Entries,
    returned: Receiver<usize>,
    /// Messages that were pushed and are not displaced, each with its entry's number.
    outside: Vec<(u64, usize)>,
    log: &'a mut Vec<Line>,
    displaced: &'a mut Vec<u64>,
}

impl Push<'_> {
    fn run(&mut self, producer: &mut impl ChannelProducer, config: Config) -> Result<(), Broken> {
        let _done = AtEnd(&self.shared.done);
        let mut numbers = Numbers(config.seed);
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
    fn loan(&mut self, numbers: &mut Numbers, message: u64) -> Result<Option<usize>, Broken> {
        let mut first = None;
        loop {
            let empty = Shared::get(&self.shared.empty);
            while let Ok(number) = self.returned.try_recv() {
                self.outside.retain(|(_, outside)| *outside != number);
                self.entries.give_back(number);
            }
            if let Some(number) = self.entries.loan(numbers.below(self.shape.capacity + SPARE_ENTRIES)) {
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

struct Take<'a> {
    shared: &'a Shared,
    shape: ChannelShape,
    discipline: Discipline,
    entries: Entries,
    give_back: Sender<usize>,
    log: &'a mut Vec<Line>,
    taken: &'a mut Vec<u64>,
}

impl Take<'_> {
    fn run(&mut self, consumer: &mut impl ChannelConsumer, config: Config) -> Result<(), Broken> {
        let mut numbers = Numbers(!config.seed);
        while !self.shared.stopped() {
            let last = self.shared.done.load(Ordering::SeqCst);
            let pushed_before = Shared::get(&self.shared.pushed);
            if self.discipline.ordered && numbers.below(4) == 0 {
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
