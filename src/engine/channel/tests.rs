//! Both channels against plain queues, under every interleaving of whole operations and under real threads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;

/// Slots in ordinary memory.
#[derive(Debug)]
struct Plain(Vec<AtomicU64>);

impl Plain {
    fn new(slots: usize) -> Self {
        Self((0..slots).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Slots for Plain {
    fn load(&self, slot: usize) -> u64 {
        self.0[slot].load(Ordering::Acquire)
    }
    fn store(&self, slot: usize, word: u64) {
        self.0[slot].store(word, Ordering::Release);
    }
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.0[slot].swap(word, Ordering::AcqRel)
    }
    fn take(&self, slot: usize, old: u64) -> bool {
        self.0[slot].compare_exchange(old, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

fn entry(number: u32) -> Entry {
    Entry { segment: (number % 7) as u16, chunk: number % 1000 }
}

proptest! {
    /// The model: a bounded queue that gives up its oldest entry, or refuses.
    #[test]
    fn behaves_as_a_bounded_queue(capacity in 1_usize..9, overflow: bool, steps in prop::collection::vec(any::<bool>(), 0..200)) {
        let slots = Plain::new(capacity);
        let producer = OffsetProducer::new(capacity, overflow);
        let consumer = OffsetConsumer::new(capacity, overflow);
        let mut model = VecDeque::new();
        for (number, push) in steps.into_iter().enumerate() {
            let entry = entry(number as u32);
            if push {
                let pushed = producer.push(&slots, entry).unwrap();
                if model.len() < capacity {
                    prop_assert!(matches!(pushed, Push::Done { .. }), "{pushed:?}");
                    model.push_back(entry);
                } else if overflow {
                    let expected = model.pop_front();
                    let Push::Displaced { oldest, .. } = pushed else { panic!("nothing displaced: {pushed:?}") };
                    prop_assert_eq!(Some(oldest), expected);
                    model.push_back(entry);
                } else {
                    prop_assert_eq!(pushed, Push::Full);
                }
            } else {
                prop_assert_eq!(consumer.front(&slots).unwrap().map(|front| front.entry), model.front().copied());
                prop_assert_eq!(consumer.take(&slots).unwrap(), model.pop_front());
            }
        }
    }

    /// Whatever a peer writes: an answer, in bounded time, and no panic.
    #[test]
    fn garbage_is_answered(capacity in 1_usize..5, overflow: bool, words in prop::collection::vec(any::<u64>(), 5), steps in 0_usize..20) {
        let slots = Plain::new(capacity);
        let producer = OffsetProducer::new(capacity, overflow);
        let consumer = OffsetConsumer::new(capacity, overflow);
        for step in 0..steps {
            let _ = producer.push(&slots, entry(step as u32));
            for (slot, word) in slots.0.iter().zip(&words) {
                slot.store(*word, Ordering::Relaxed);
            }
            let _ = consumer.front(&slots);
            let _ = consumer.take(&slots);
        }
    }

    #[test]
    fn returns_come_back_in_order(steps in prop::collection::vec(any::<bool>(), 0..100)) {
        let slots = Plain::new(8);
        let (producer, consumer) = (ReturnProducer::new(8), ReturnConsumer::new(8));
        let mut model = VecDeque::new();
        for (number, push) in steps.into_iter().enumerate() {
            if push {
                let entry = Entry { segment: 3, chunk: number as u32 };
                if model.len() < 8 {
                    producer.push(&slots, entry).unwrap();
                    model.push_back(entry);
                } else {
                    prop_assert_eq!(producer.push(&slots, entry), Err(Garbage));
                }
            } else {
                prop_assert_eq!(consumer.pop(&slots).unwrap(), model.pop_front());
            }
        }
    }
}

/// Two threads: every entry ends up with exactly one side, those received are in order.
#[test]
fn no_entry_is_lost_or_doubled_between_threads() {
    const ENTRIES: u32 = 20_000;
    for (capacity, overflow) in [(1, true), (3, true), (4, false)] {
        let slots = Plain::new(capacity);
        let (sent_back, received) = std::thread::scope(|scope| {
            let slots = &slots;
            let producer = scope.spawn(move || {
                let producer = OffsetProducer::new(capacity, overflow);
                let mut sent_back = Vec::new();
                for number in 0..ENTRIES {
                    loop {
                        match producer.push(slots, Entry { segment: 0, chunk: number }).unwrap() {
                            Push::Done { .. } => break,
                            Push::Displaced { oldest, .. } => {
                                sent_back.push(oldest.chunk);
                                break;
                            }
                            Push::Full => std::thread::yield_now(),
                        }
                    }
                }
                sent_back
            });
            let consumer = OffsetConsumer::new(capacity, overflow);
            let mut received = Vec::new();
            loop {
                let done = producer.is_finished();
                match consumer.take(slots).unwrap() {
                    Some(entry) => received.push(entry.chunk),
                    None if done => break,
                    None => std::thread::yield_now(),
                }
            }
            (producer.join().unwrap(), received)
        });
        assert!(received.is_sorted(), "received out of order with capacity {capacity}, overflow {overflow}");
        let mut all = [sent_back, received].concat();
        all.sort_unstable();
        assert!(
            all.into_iter().eq(0..ENTRIES),
            "an entry was lost or doubled, capacity {capacity}, overflow {overflow}"
        );
    }
}

/// Symptom of an earlier design: a receiver that slept through millions of overflows took the word for garbage, because
/// it judged how far ahead a short sequence was. Now it starts again from what it finds.
#[test]
fn a_long_sleep_through_overflow_is_no_garbage() {
    for slept in [(1 << 24) + 1, (1 << 24) + 5, 3_000_017_u32] {
        let slots = Plain::new(3);
        let producer = OffsetProducer::new(3, true);
        let consumer = OffsetConsumer::new(3, true);
        for number in 0..slept {
            producer.push(&slots, entry(number)).unwrap();
        }
        for number in slept - 3..slept {
            assert_eq!(consumer.take(&slots).unwrap(), Some(entry(number)), "after {slept} pushes");
        }
        assert_eq!(consumer.take(&slots).unwrap(), None);
    }
}
