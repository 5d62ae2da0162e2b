//! Which of a sender's chunks are at one receiver: in the sender's private memory, so that a dead receiver loses nothing.

use std::cell::{Cell, RefCell};

use crate::engine::channel::Entry;

/// A set of chunks of a few segments.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    /// The segment in use last; the others are outgrown and shrink to nothing.
    segments: RefCell<Vec<Marks>>,
    len: Cell<usize>,
}

/// A bit for each chunk of a segment.
#[derive(Debug)]
struct Marks {
    segment: u16,
    words: Box<[Cell<u64>]>,
    len: Cell<usize>,
}

impl Marks {
    #[inline]
    fn word(&self, chunk: u32) -> Option<(&Cell<u64>, u64)> {
        self.words.get(chunk as usize / 64).map(|word| (word, 1 << (chunk % 64)))
    }
}

impl Outstanding {
    /// Chunks in the set.
    #[inline]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Makes room for a segment of `chunks` chunks, which is to be inserted to from now on.
    pub fn enter(&self, segment: u16, chunks: usize) {
        let mut segments = self.segments.borrow_mut();
        segments.retain(|marks| marks.len.get() > 0);
        let words = (0..chunks.div_ceil(64)).map(|_| Cell::new(0)).collect();
        segments.push(Marks { segment, words, len: Cell::new(0) });
    }

    /// Adds a chunk; `false` if there is no room for its segment yet: [`Outstanding::enter`] it.
    #[inline]
    #[must_use]
    pub fn insert(&self, entry: Entry) -> bool {
        let segments = self.segments.borrow();
        let Some(marks) = find(&segments, entry.segment) else { return false };
        let Some((word, bit)) = marks.word(entry.chunk) else { return false };
        let added = usize::from(word.get() & bit == 0);
        word.set(word.get() | bit);
        marks.len.set(marks.len.get() + added);
        self.len.set(self.len.get() + added);
        true
    }

    /// Removes a chunk; `false` if it was not in: then a peer has made it up.
    #[inline]
    #[must_use]
    pub fn remove(&self, entry: Entry) -> bool {
        let segments = self.segments.borrow();
        let Some(marks) = find(&segments, entry.segment) else { return false };
        let Some((word, bit)) = marks.word(entry.chunk) else { return false };
        let was_in = word.get() & bit != 0;
        if was_in {
            word.set(word.get() & !bit);
            marks.len.set(marks.len.get() - 1);
            self.len.set(self.len.get() - 1);
        }
        was_in
    }

    /// Removes everything.
    pub fn drain(&self) -> Vec<Entry> {
        self.len.set(0);
        let mut drained = Vec::new();
        for marks in self.segments.take() {
            for (i, word) in marks.words.iter().enumerate() {
                let bits = (0..64).filter(|bit| word.get() & (1 << bit) != 0);
                drained.extend(bits.map(|bit| Entry { segment: marks.segment, chunk: (i * 64) as u32 + bit }));
            }
        }
        drained
    }
}

/// The newest is asked for most.
#[inline]
fn find(segments: &[Marks], segment: u16) -> Option<&Marks> {
    segments.iter().rev().find(|marks| marks.segment == segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_set_of_chunks_of_several_segments() {
        let set = Outstanding::default();
        let entry = |segment, chunk| Entry { segment, chunk };
        assert!(!set.insert(entry(0, 0)), "its segment is unknown");
        set.enter(0, 130);
        for chunk in [0, 63, 64, 129, 129] {
            assert!(set.insert(entry(0, chunk)));
        }
        assert_eq!(set.len(), 4);
        assert!(set.remove(entry(0, 63)) && !set.remove(entry(0, 63)) && !set.remove(entry(0, 1_000_000)));
        set.enter(1, 10);
        assert!(set.insert(entry(1, 3)) && set.insert(entry(0, 1)) && !set.remove(entry(2, 3)));
        assert_eq!(set.drain(), [entry(0, 0), entry(0, 1), entry(0, 64), entry(0, 129), entry(1, 3)]);
        assert_eq!((set.len(), set.drain()), (0, vec![]));
    }

    #[test]
    fn forgets_segments_that_are_empty() {
        let set = Outstanding::default();
        for segment in 0..100 {
            set.enter(segment, 1000);
            assert!(set.insert(Entry { segment, chunk: 999 }) && set.remove(Entry { segment, chunk: 999 }));
        }
        assert_eq!(set.segments.borrow().len(), 1);
    }
}
