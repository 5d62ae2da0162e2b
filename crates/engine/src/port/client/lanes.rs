//! Lanes as a client sees them: a place for each pending response.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::port::client::connection::ClientConnection;
use crate::port::turn::Turn;

/// Place of one pending response.
#[derive(Debug, Default)]
pub(in crate::port) struct Lane {
    /// 0 if free.
    pub request_id: Cell<u64>,
    /// Where its request went.
    pub deliveries: RefCell<Vec<Rc<ClientConnection>>>,
    /// Where the next receive begins, so that every server is polled.
    pub turn: Turn,
}
