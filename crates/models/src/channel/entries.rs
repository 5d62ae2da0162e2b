//! The entries of a test: a few numbers that come again and again, spread from 0 to the largest that fits.

use std::collections::VecDeque;

/// Entries that belong to the producer's side.
#[derive(Debug, Clone)]
pub(super) struct Entries {
    free: VecDeque<usize>,
    count: usize,
    max: u64,
}

impl Entries {
    pub fn new(count: usize, max: u64) -> Self {
        Self { free: (0..count).collect(), count, max }
    }

    /// Takes the free entry that `pick` picks.
    pub fn loan(&mut self, pick: usize) -> Option<usize> {
        let at = pick.checked_rem(self.free.len())?;
        self.free.remove(at)
    }

    pub fn give_back(&mut self, number: usize) {
        self.free.push_back(number);
    }

    /// The entry with a number.
    pub fn entry(&self, number: usize) -> u64 {
        entry_of(number, self.max)
    }

    /// The number of an entry, if there is one.
    pub fn number(&self, entry: u64) -> Option<usize> {
        (0..self.count).find(|number| entry_of(*number, self.max) == entry)
    }
}

fn entry_of(number: usize, max: u64) -> u64 {
    if number.is_multiple_of(2) { number as u64 } else { max - number as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_distinct_and_found_again() {
        let entries = Entries::new(40, 1 << 20);
        for number in 0..40 {
            assert_eq!(entries.number(entries.entry(number)), Some(number));
        }
        assert_eq!((entries.entry(0), entries.entry(1)), (0, (1 << 20) - 1));
        assert_eq!(entries.number(77), None);
    }
}
