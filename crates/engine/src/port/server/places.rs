//! Places of active requests.

use std::cell::Cell;

use crate::free_list::FreeList;

/// Places of a client's active requests, each with its loans; a place is free again when both are gone.
#[derive(Debug)]
pub(in crate::port) struct Places {
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
