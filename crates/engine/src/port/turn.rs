//! The fair turn among several peers: each of them is heard, however much another one sends (RR-SND-12).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Whose message was received last, by its place among the peers.
#[derive(Debug, Default)]
pub(super) struct Turn(Cell<usize>);

impl Turn {
    pub fn get(&self) -> usize {
        self.0.get()
    }

    #[inline(always)]
    pub fn set(&self, turn: usize) {
        self.0.set(turn);
    }

    /// The peer to receive from: the next one, or of several the next one that `is_waiting`. Nothing if none is.
    #[inline(always)]
    pub fn next<C>(&self, peers: &RefCell<Vec<Rc<C>>>, is_waiting: impl Fn(&C) -> bool) -> Option<usize> {
        let next = self.0.get() + 1;
        if peers.borrow().len() > 1 { next_of_several(&peers.borrow(), next, is_waiting) } else { Some(next) }
    }

    /// Looks for a peer of which something can be received now, beginning with the one whose turn it is. If none is found, the
    /// last reason why.
    pub fn search<C, E>(
        &self,
        peers: &[Rc<C>],
        mut look_at: impl FnMut(&C) -> Result<bool, E>,
    ) -> Result<Option<usize>, E> {
        let mut error = None;
        let mut turn = self.0.get();
        for _ in 0..peers.len() {
            turn = if turn + 1 >= peers.len() { 0 } else { turn + 1 };
            match look_at(&peers[turn]) {
                Ok(false) => {}
                Ok(true) => return Ok(Some(turn)),
                Err(reason) => error = Some(reason),
            }
        }
        error.map_or(Ok(None), Err)
    }
}

/// A look at a word of each peer, and at nothing else: most of them may have nothing to say.
#[inline(never)]
fn next_of_several<C>(peers: &[Rc<C>], next: usize, is_waiting: impl Fn(&C) -> bool) -> Option<usize> {
    let (before, from) = peers.split_at(next.min(peers.len()));
    let found = from.iter().position(|peer| is_waiting(peer)).map(|index| before.len() + index);
    found.or_else(|| before.iter().position(|peer| is_waiting(peer)))
}
