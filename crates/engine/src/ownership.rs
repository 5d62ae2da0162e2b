//! Who uses what, in a port's private memory: shares in an object, numbers that are free, and places with their users.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::{Rc, Weak};

/// An [`Rc`] that is dropped by value. The drop of an `Rc` takes its address, and with it that of everything around it,
/// so that a message's handle could never stay in registers; docs/MEASURING.md has what that costs.
#[derive(Debug)]
pub(crate) struct Share<T>(Option<Rc<T>>);

impl<T> Share<T> {
    /// One more share.
    #[inline(always)]
    pub fn of(object: &Rc<T>) -> Self {
        Self(Some(Rc::clone(object)))
    }

    /// Takes the share out of its place, which can only be dropped afterwards.
    #[inline(always)]
    pub fn take(&mut self) -> Option<Rc<T>> {
        self.0.take()
    }

    /// A look at the object that does not keep it alive.
    pub fn downgrade(&self) -> Weak<T> {
        self.0.as_ref().map_or_else(Weak::new, Rc::downgrade)
    }
}

impl<T> From<Rc<T>> for Share<T> {
    #[inline(always)]
    fn from(object: Rc<T>) -> Self {
        Self(Some(object))
    }
}

impl<T> Clone for Share<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Share<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        match &self.0 {
            Some(object) => object,
            None => unreachable!("a share is empty only while it is dropped"),
        }
    }
}

impl<T> Drop for Share<T> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop_outlined(object);
        }
    }
}

/// Not inlined, so that every drop of a handle is: one that is called takes the handle's address.
#[inline(never)]
fn drop_outlined<T>(object: Rc<T>) {
    drop(object);
}

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

/// Places of a client's active requests, each with its loans; a place is free again when both are gone.
#[derive(Debug)]
pub(crate) struct Places {
    /// For each place its loans, and one for the active request as long as it is held.
    users: Box<[Cell<usize>]>,
    free: FreeList,
}

impl Places {
    pub fn new(places: usize) -> Self {
        Self { users: (0..places).map(|_| Cell::new(0)).collect(), free: FreeList::new(places) }
    }

    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.free.len() == 0
    }

    #[inline(always)]
    pub fn enter(&self) -> Option<u32> {
        let place = self.free.pop()?;
        self.users.get(place as usize)?.set(1);
        Some(place)
    }

    /// Counts a loan unless there are `max`. The active request is held by the caller.
    #[inline(always)]
    pub fn loan(&self, place: u32, max: usize) -> bool {
        let Some(users) = self.users.get(place as usize) else { return false };
        let room = users.get() <= max;
        users.set(users.get() + usize::from(room));
        room
    }

    /// A loan has ended, or the active request is dropped.
    #[inline(always)]
    pub fn leave(&self, place: u32) {
        let Some(users) = self.users.get(place as usize) else { return };
        users.set(users.get() - 1);
        if users.get() == 0 {
            self.free.push(place);
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
