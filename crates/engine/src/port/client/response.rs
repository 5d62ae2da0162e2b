//! Received responses.

use std::rc::Rc;

use crate::channel::Entry;
use crate::id::Id;
use crate::ownership::Share;
use crate::payload::Payload;
use crate::port::client::core::ClientConnection;
use crate::port::message::ReceivedMessage;
use crate::shm::Plain;

/// Counts a held response, and gives it back.
#[derive(Debug)]
pub struct ResponseHold {
    pub(in crate::port) connection: Share<ClientConnection>,
    pub(in crate::port) lane: u32,
    pub(in crate::port) entry: Entry,
}

impl Drop for ResponseHold {
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
pub type Response<Res, ResHeader = ()> = ReceivedMessage<Res, ResHeader, ResponseHold>;

impl<Res: Payload + ?Sized, ResHeader: Plain> Response<Res, ResHeader> {
    /// The server that sent it.
    pub fn server_id(&self) -> Id {
        self.hold.connection.peer
    }
}
