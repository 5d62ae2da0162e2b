//! Lanes as a client sees them: a place for each pending response, and which of them are free.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::client_connection::ClientConnection;

/// Place of one pending response.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// 0 if free.
    pub request_id: Cell<u64>,
    /// Where its request went.
    pub deliveries: RefCell<Vec<Rc<ClientConnection>>>,
    /// Where the next receive begins, so that every server is heard.
    pub turn: Cell<usize>,
}

/// Numbers of the free lanes. Never holds one twice, so there is always room.
#[derive(Debug)]
pub(super) struct FreeLanes {
    lanes: Box<[Cell<u32>]>,
    len: Cell<usize>,
}

impl FreeLanes {
    /// All of `count`, the first one on top.
    pub fn new(count: usize) -> Self {
        // Lanes are counted in 32 bits.
        Self { lanes: (0..count as u32).rev().map(Cell::new).collect(), len: Cell::new(count) }
    }

    /// Takes the one that became free last.
    #[inline(always)]
    pub fn pop(&self) -> Option<u32> {
        let rest = self.len.get().wrapping_sub(1);
        let lane = self.lanes.get(rest)?.get();
        self.len.set(rest);
        Some(lane)
    }

    /// One that is taken next.
    #[inline(always)]
    pub fn push(&self, lane: u32) {
        if let Some(place) = self.lanes.get(self.len.get()) {
            place.set(lane);
            self.len.set(self.len.get() + 1);
        }
    }

    /// One that is taken last.
    #[cold]
    pub fn push_under_all(&self, lane: u32) {
        self.push(lane);
        let lanes = &self.lanes[..self.len.get()];
        for i in (1..lanes.len()).rev() {
            lanes[i].swap(&lanes[i - 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lane_that_became_free_last_is_taken_first_and_one_that_owes_last() {
        let free = FreeLanes::new(3);
        assert_eq!([free.pop(), free.pop(), free.pop(), free.pop()], [Some(0), Some(1), Some(2), None]);
        free.push(2);
        free.push(0);
        free.push_under_all(1);
        assert_eq!([free.pop(), free.pop(), free.pop(), free.pop()], [Some(0), Some(2), Some(1), None]);
    }
}
