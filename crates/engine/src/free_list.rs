//! Which of some numbers are free: a stack with room for all of them.

use std::cell::Cell;

/// Free numbers, the one that became free last on top. Never holds a number twice, so there is always room.
#[derive(Debug)]
pub(crate) struct FreeList {
    numbers: Box<[Cell<u32>]>,
    len: Cell<usize>,
}

impl FreeList {
    /// With all of `0..count`, 0 on top; `count` is at most 2^32.
    pub fn new(count: usize) -> Self {
        Self { numbers: (0..count as u32).rev().map(Cell::new).collect(), len: Cell::new(count) }
    }

    /// How many are free.
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// The one that is taken next.
    #[inline(always)]
    pub fn top(&self) -> Option<u32> {
        self.numbers.get(self.len.get().wrapping_sub(1)).map(Cell::get)
    }

    /// Takes the one that became free last.
    #[inline(always)]
    pub fn pop(&self) -> Option<u32> {
        let number = self.top()?;
        self.len.set(self.len.get() - 1);
        Some(number)
    }

    /// One that is taken next.
    #[inline(always)]
    pub fn push(&self, number: u32) {
        let len = self.len.get();
        let Some(place) = self.numbers.get(len) else { return };
        place.set(number);
        self.len.set(len + 1);
    }

    /// One that is taken after the top.
    #[inline(always)]
    pub fn push_below_top(&self, number: u32) {
        match self.numbers.get(self.len.get().wrapping_sub(1)) {
            Some(top) => self.push(top.replace(number)),
            None => self.push(number),
        }
    }

    /// One that is taken last.
    #[cold]
    pub fn push_bottom(&self, number: u32) {
        self.push(number);
        let numbers = &self.numbers[..self.len.get()];
        for i in (1..numbers.len()).rev() {
            numbers[i].swap(&numbers[i - 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_free_last_is_taken_first_unless_it_is_put_under_others() {
        let free = FreeList::new(3);
        assert_eq!([free.pop(), free.pop(), free.pop(), free.pop()], [Some(0), Some(1), Some(2), None]);
        free.push(2);
        free.push(0);
        free.push_bottom(1);
        assert_eq!(free.len(), 3);
        assert_eq!([free.pop(), free.pop(), free.pop(), free.pop()], [Some(0), Some(2), Some(1), None]);
        free.push_below_top(2);
        free.push(0);
        free.push_below_top(1);
        assert_eq!([free.pop(), free.pop(), free.pop(), free.pop()], [Some(0), Some(1), Some(2), None]);
    }
}
