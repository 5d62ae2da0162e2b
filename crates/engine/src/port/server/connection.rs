//! A server's side of a connection: what it knows privately about one client.

use crate::port::link::Connection;
use crate::port::track::{LaneSender, Oldest, ServerTrack};

pub(in crate::port) type ServerConnection = Connection<ServerTrack>;

impl ServerConnection {
    /// Refuses the request that was just found, unless a newer one has displaced it meanwhile.
    pub fn refuse(&self, oldest: Oldest, request_id: u64, lane: usize) {
        if self.track.take(oldest, request_id) {
            self.track.lanes[lane].newest.set(request_id);
            self.finish(lane, request_id);
            self.give_back(oldest.entry());
        }
    }

    /// Says that no response to this request will come.
    #[inline(always)]
    pub fn finish(&self, lane: usize, request_id: u64) {
        let LaneSender { newest, words, .. } = &self.track.lanes[lane];
        // An older request must not take back what was said of a newer one on the same lane.
        if newest.get() == request_id {
            // A loan that outlives its active request sends nothing after the end.
            newest.set(0);
            words.set_done(request_id);
            self.waker.wake();
        }
    }

    /// Whether somebody waits for responses to this request.
    #[inline(always)]
    pub fn is_awaited(&self, lane: usize, request_id: u64) -> bool {
        !self.closed.get() && self.track.lanes[lane].words.open() == request_id
    }

    /// Refuses every request that nobody has received, because the server leaves.
    pub fn refuse_unread(&self) {
        // A client that goes on sending sees that the server has left, and that its request was not taken.
        for _ in 0..self.track.lanes.len() {
            let Ok(Some((oldest, message))) = self.track.front(self) else { return };
            let header = message.header();
            let Ok(lane) = self.track.lane_of(header.lane) else { return };
            self.refuse(oldest, header.request_id, lane);
        }
    }
}
