//! A client's side of a connection: what it knows privately about one server.

use crate::connection::State;
use crate::port::link::Connection;
use crate::port::track::ClientTrack;

pub(in crate::port) type ClientConnection = Connection<ClientTrack>;

impl ClientConnection {
    /// Whether the server, which got the request of a lane, can still answer it.
    pub fn is_answerable(&self, lane: usize, request_id: u64) -> bool {
        let end = &self.track.lanes[lane];
        if self.closed.get() || end.displaced.get() || end.words.done() == request_id {
            return false;
        }
        // A server that has left takes nothing more: what is still in its slot stays there.
        self.file.server_state() < State::Left || !self.track.is_unread(lane)
    }
}
