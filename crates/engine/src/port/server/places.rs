//! Places of active requests at a server, one set a client.

use std::cell::Cell;

/// Places of active requests, each with its loans; a place is free again when both are gone.
#[derive(Debug)]
pub(in crate::port) struct Places {
    places: Box<[Place]>,
    /// The place that became free last, [`NO_PLACE`] if none is; each free place names the next one.
    free: Cell<u32>,
}

/// Behind the last place.
const NO_PLACE: u32 = u32::MAX;

#[derive(Debug)]
struct Place {
    /// Its loans, and one for the active request as long as it is held.
    users: Cell<usize>,
    next_free: Cell<u32>,
}

impl Places {
    pub fn new(places: usize) -> Self {
        let place = |next| Place { users: Cell::new(0), next_free: Cell::new(next) };
        // Below the largest count, so they fit.
        let places = places as u32;
        Self {
            places: (0..places).map(|i| place(i.wrapping_sub(1))).collect(),
            free: Cell::new(places.wrapping_sub(1)),
        }
    }

    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.free.get() == NO_PLACE
    }

    #[inline(always)]
    pub fn enter(&self) -> Option<u32> {
        let index = self.free.get();
        let place = self.places.get(index as usize)?;
        self.free.set(place.next_free.get());
        place.users.set(1);
        Some(index)
    }

    /// The active request is dropped.
    #[inline(always)]
    pub fn leave(&self, index: u32) {
        self.unloan(index);
    }

    /// Counts a loan unless there are `max`. The active request is held by the caller.
    #[inline(always)]
    pub fn loan(&self, index: u32, max: usize) -> bool {
        let Some(place) = self.places.get(index as usize) else { return false };
        let users = place.users.get();
        let room = users <= max;
        place.users.set(users + usize::from(room));
        room
    }

    #[inline(always)]
    pub fn unloan(&self, index: u32) {
        let Some(place) = self.places.get(index as usize) else { return };
        place.users.set(place.users.get() - 1);
        if place.users.get() == 0 {
            place.next_free.set(self.free.get());
            self.free.set(index);
        }
    }
}
