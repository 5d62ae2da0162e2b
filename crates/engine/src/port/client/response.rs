//! Received responses.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::channel::Entry;
use crate::id::Id;
use crate::ownership::Share;
use crate::payload::Payload;
use crate::port::client::core::ClientConnection;
use crate::shm::{Plain, Received};

/// Counts a held response, and gives it back.
#[derive(Debug)]
pub(in crate::port) struct Borrow {
    pub connection: Share<ClientConnection>,
    pub lane: u32,
    pub entry: Entry,
}

impl Drop for Borrow {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            give_back(connection, self.lane, self.entry);
        }
    }
}

/// Ends the borrowing of a response; by value, so that dropping it does not take its address.
#[inline(never)]
fn give_back(connection: Rc<ClientConnection>, lane: u32, entry: Entry) {
    let borrowed = &connection.track.lanes[lane as usize].borrowed;
    borrowed.set(borrowed.get() - 1);
    connection.give_back(entry);
    drop(connection);
}

/// A received response: readable and unchanged until it is dropped, whatever becomes of its server
/// ([RR-PND-08](crate#requirements)).
pub struct Response<Res: Payload + ?Sized, ResHeader = ()> {
    pub(in crate::port) received: Received<Res::Element, ResHeader>,
    pub(in crate::port) borrow: Borrow,
}

impl<Res: Payload + ?Sized, ResHeader: Plain> Response<Res, ResHeader> {
    /// The payload.
    #[inline(always)]
    pub fn payload(&self) -> &Res {
        Res::view(self.received.payload())
    }

    /// The user header.
    pub fn user_header(&self) -> &ResHeader {
        self.received.header()
    }

    /// The server that sent it.
    pub fn server_id(&self) -> Id {
        self.borrow.connection.peer
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> Deref for Response<Res, ResHeader> {
    type Target = Res;
    fn deref(&self) -> &Res {
        self.payload()
    }
}

impl<Res, ResHeader> fmt::Debug for Response<Res, ResHeader>
where
    Res: Payload + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Response").field(&self.received).finish()
    }
}
