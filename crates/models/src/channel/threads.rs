//! A producer and a consumer in two threads, and what the history of both has to satisfy.
//!
//! A channel is a queue that gives up only its oldest entry, to one side or the other, so what it holds is always an
//! unbroken run of what was pushed. That makes every single result checkable: the push of message `n` can displace message
//! `n - capacity` and no other; a push is refused only if so many are untaken; messages are taken in rising order; and in
//! the end each one was taken or displaced, once.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel as way_back;
use std::thread;

use super::entries::Entries;
use super::operations::{something_was_tested, title};
use super::pushing::Push;
use super::shared::{Line, NEVER, SPARE_ENTRIES, Shared};
use super::taking::Take;
use super::{ChannelConsumer, ChannelProducer, ChannelShape, Discipline, OffsetChannel};
use crate::explore::panic_text;
use crate::failure::{Broken, Rule, demand};
use crate::{Config, RuleViolation};

/// Lines of each side that a failure shows.
const LINES_MAX: usize = 12;

pub(crate) fn check(channel: &impl OffsetChannel, discipline: Discipline, config: Config) -> Result<(), RuleViolation> {
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
) -> Result<(), RuleViolation> {
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
        RuleViolation {
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
