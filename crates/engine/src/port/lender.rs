//! How a port loans: what is at hand, or what has come back, or what a longer segment has.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use super::link::{self, Link};
use super::payloads::Payloads;
use crate::error::LoanError;
use crate::shm::ChunkMut;

/// A port that loans chunks to send them.
pub(super) trait Lender {
    type Connection: Deref<Target = Link>;

    fn payloads(&self) -> &Payloads;

    fn connections(&self) -> &RefCell<Vec<Rc<Self::Connection>>>;

    /// Learns who has gone.
    fn refresh(&self);

    /// Learns what has come back, and gives up segments that are empty then.
    fn bring_home(&self) {
        self.refresh();
        link::collect_all(&self.connections().borrow(), self.payloads());
        self.payloads().tidy();
    }

    /// A chunk with room for `len` elements.
    ///
    /// # Errors
    /// [`LoanError`]; nothing has changed then.
    #[inline(always)]
    fn loan_chunk(&self, len: usize) -> Result<ChunkMut, LoanError> {
        let payloads = self.payloads();
        let mut at_hand = len < payloads.len_end();
        loop {
            if at_hand && let Some(chunk) = payloads.current().loan() {
                return Ok(chunk);
            }
            // Now there is one, of this length.
            self.find_chunk(len)?;
            at_hand = true;
        }
    }

    /// What is outstanding is learned only now, and what is too small outgrown.
    ///
    /// # Errors
    /// As there.
    #[cold]
    #[inline(never)]
    fn find_chunk(&self, len: usize) -> Result<(), LoanError> {
        let announce = |number| link::announce(&self.connections().borrow(), number);
        self.payloads().find(len, || self.bring_home(), announce)
    }
}
