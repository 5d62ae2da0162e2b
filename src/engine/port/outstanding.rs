//! Which of a sender's chunks are at one receiver: in the sender's private memory, so that a dead receiver loses nothing.

use std::cell::Cell;

/// A set of chunk numbers.
#[derive(Debug)]
pub(super) struct Outstanding {
    words: Box<[Cell<u64>]>,
    len: Cell<usize>,
}

impl Outstanding {
    /// For chunks below `chunks`.
    pub fn new(chunks: usize) -> Self {
        Self { words: (0..chunks.div_ceil(64)).map(|_| Cell::new(0)).collect(), len: Cell::new(0) }
    }

    /// Chunks in the set.
    #[inline]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Adds a chunk.
    #[inline]
    pub fn insert(&self, chunk: u32) {
        if let Some(word) = self.words.get(chunk as usize / 64) {
            let bit = 1 << (chunk % 64);
            self.len.set(self.len.get() + usize::from(word.get() & bit == 0));
            word.set(word.get() | bit);
        }
    }

    /// Removes a chunk; `false` if it was not in: then a peer has made it up.
    #[inline]
    #[must_use]
    pub fn remove(&self, chunk: u32) -> bool {
        let Some(word) = self.words.get(chunk as usize / 64) else { return false };
        let bit = 1 << (chunk % 64);
        let was_in = word.get() & bit != 0;
        word.set(word.get() & !bit);
        self.len.set(self.len.get() - usize::from(was_in));
        was_in
    }

    /// Removes everything.
    pub fn drain(&self) -> impl Iterator<Item = u32> + '_ {
        self.len.set(0);
        self.words.iter().enumerate().flat_map(|(i, word)| {
            let bits = word.take();
            (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| (i * 64) as u32 + bit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_set() {
        let set = Outstanding::new(130);
        for chunk in [0, 63, 64, 129] {
            set.insert(chunk);
        }
        assert_eq!(set.len(), 4);
        assert!(set.remove(63) && !set.remove(63) && !set.remove(1_000_000));
        assert_eq!(set.drain().collect::<Vec<_>>(), [0, 64, 129]);
        assert_eq!(set.drain().count(), 0);
    }
}
