//! Both channels against plain queues, under every interleaving of whole operations and under real threads.

use std::cell::{Cell, RefCell};
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

/// What happened before a test begins: nothing, or so much that sequences are about to begin again at 0.
fn messages_before() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), SEQUENCE_MASK - 40..=SEQUENCE_MASK + 1]
}

/// Slots between whose accesses a producer pushes as often as a script says: everything that it can do to a consumer.
struct Interrupted<'a> {
    slots: &'a Plain,
    producer: OffsetProducer,
    /// Pushes before each access of the consumer.
    script: RefCell<Vec<usize>>,
    pushed: Cell<u32>,
    displaced: RefCell<Vec<u32>>,
    accesses: Cell<usize>,
}

impl Interrupted<'_> {
    fn interrupt(&self) {
        self.accesses.set(self.accesses.get() + 1);
        for _ in 0..self.script.borrow_mut().pop().unwrap_or(0) {
            self.push();
        }
    }

    fn push(&self) {
        let number = self.pushed.get();
        self.pushed.set(number + 1);
        if let Push::Displaced { oldest, .. } =
            self.producer.push(self.slots, Entry { segment: 1, chunk: number }).unwrap()
        {
            self.displaced.borrow_mut().push(oldest.chunk);
        }
    }
}

impl Slots for Interrupted<'_> {
    fn load(&self, slot: usize) -> u64 {
        self.interrupt();
        self.slots.load(slot)
    }
    fn store(&self, slot: usize, word: u64) {
        self.interrupt();
        self.slots.store(slot, word);
    }
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.interrupt();
        self.slots.swap(slot, word)
    }
    fn take(&self, slot: usize, old: u64) -> bool {
        self.interrupt();
        self.slots.take(slot, old)
    }
}

proptest! {
    /// Whatever is packed is unpacked, nothing of one field gets into another, and no entry is an empty slot.
    #[test]
    fn a_word_holds_three_fields(
        segment in prop_oneof![Just(0), Just(SEGMENTS_MAX as u16 - 1), 0..SEGMENTS_MAX as u16],
        chunk in prop_oneof![Just(0), Just((1 << 24) - 2), 0..(1_u32 << 24) - 1],
        sequence in prop_oneof![Just(0), Just(SEQUENCE_MASK), 0..=SEQUENCE_MASK],
    ) {
        let entry = Entry { segment, chunk };
        let word = entry.pack(sequence);
        prop_assert_ne!(word, 0);
        prop_assert_eq!(Entry::unpack(word), Ok(entry));
        prop_assert_eq!(Entry::of_word(word), Ok(Some(entry)));
        prop_assert_eq!(sequence_of(word), sequence);
    }

    /// A word of a peer is an entry of exactly one kind, or garbage.
    #[test]
    fn a_word_is_one_entry_or_garbage(word: u64, no_chunk: bool) {
        let word = if no_chunk { word & !CHUNK_MASK } else { word };
        if let Ok(entry) = Entry::unpack(word) {
            prop_assert_eq!(entry.pack(sequence_of(word)), word);
        } else {
            prop_assert_eq!(word & CHUNK_MASK, 0);
        }
    }

    /// The model: a bounded queue that gives up its oldest entry, or refuses; from the start, and where sequences begin
    /// again at 0.
    #[test]
    fn behaves_as_a_bounded_queue(
        capacity in 1_usize..9,
        overflow: bool,
        before in messages_before(),
        // Bursts of pushes go round the channel several times between two takes.
        steps in prop::collection::vec(prop_oneof![4 => Just(1), 1 => 2_usize..30, 4 => Just(0)], 0..120),
    ) {
        let slots = Plain::new(capacity);
        let (producer, consumer) = offset::tests::after_messages(capacity, overflow, before);
        let mut model = VecDeque::new();
        let mut number = 0;
        for pushes in steps {
            for _ in 0..pushes {
                number += 1;
                let entry = entry(number);
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
            }
            if pushes == 0 {
                prop_assert_eq!(consumer.is_empty(&slots), model.is_empty());
                prop_assert_eq!(consumer.front(&slots).unwrap().map(Front::entry), model.front().copied());
                prop_assert_eq!(consumer.take(&slots).unwrap(), model.pop_front());
            }
        }
    }

    /// However a producer goes round while the consumer looks for the oldest entry: order, one owner, bounded work.
    #[test]
    fn a_producer_that_laps_the_consumer_keeps_order_and_ownership(
        capacity in 1_usize..6,
        before in messages_before(),
        script in prop::collection::vec(prop_oneof![3 => Just(0_usize), 3 => Just(1), 2 => 0_usize..20], 0..60),
        takes in 1_usize..30,
    ) {
        let slots = Plain::new(capacity);
        let (producer, consumer) = offset::tests::after_messages(capacity, true, before);
        let interrupted = Interrupted {
            slots: &slots,
            producer,
            script: RefCell::new(script),
            pushed: Cell::new(0),
            displaced: RefCell::default(),
            accesses: Cell::new(0),
        };
        interrupted.push();
        let mut taken = Vec::new();
        for _ in 0..takes {
            interrupted.accesses.set(0);
            taken.extend(consumer.take(&interrupted).unwrap().map(|entry| entry.chunk));
            let looks = 2 * capacity + 1;
            prop_assert!(interrupted.accesses.get() <= looks * (looks + 2), "{} accesses", interrupted.accesses.get());
        }
        interrupted.script.borrow_mut().clear();
        // Nobody is in the way any more: each take finds the oldest.
        while let Some(entry) = consumer.take(&interrupted).unwrap() {
            taken.push(entry.chunk);
        }
        prop_assert!(taken.is_sorted_by(|a, b| a < b), "taken out of order: {taken:?}");
        let mut all = [taken, interrupted.displaced.into_inner()].concat();
        all.sort_unstable();
        prop_assert!(all.iter().copied().eq(0..interrupted.pushed.get()), "lost or doubled: {all:?}");
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
