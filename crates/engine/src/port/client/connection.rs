//! A client's side of a connection: what it knows privately about one server.

use crate::connection::State;
use crate::port::link::Connection;
use crate::port::track::client::ClientTrack;

pub(in crate::port) type ClientConnection = Connection<ClientTrack>;

impl ClientConnection {
    /// Whether the server, which got the request of a lane, can still answer it.
    pub fn is_answerable(&self, lane: usize, request_id: u64) -> bool {
        let end = &self.track.lanes[lane];
        if self.gone.get() || end.displaced.get() || self.file.lane_done(lane) == request_id {
            return false;
        }
        // A server that has left takes nothing more: what is still in its slot stays there.
        self.file.server_state() < State::Left || !self.track.is_unread(&self.file, lane)
    }
}
