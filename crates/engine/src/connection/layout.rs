//! Where things are in a connection, by the service's settings.

use crate::settings::Settings;
use crate::shm::LINE;

const MAGIC: u64 = u64::from_le_bytes(*b"shmkcon\x02");
/// Lines in front of the request channel: constants, client, server, one that both write, and one that is not used.
pub(super) const HEAD_LINES: usize = 5;
/// First word of the request channel.
pub(super) const REQUESTS_AT: usize = HEAD_LINES * LINE;

/// Where things are, in words. Both sides compute it from the service's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLayout {
    /// Slots of the request channel, and lanes.
    pub lanes: usize,
    /// Slots of a lane.
    pub response_capacity: usize,
    pub request_returns: usize,
    pub response_returns: usize,
    /// Words from lane to lane.
    lane_words: usize,
    /// First words of the lanes and of the two return queues.
    lanes_at: usize,
    pub(super) request_returns_at: usize,
    pub(super) response_returns_at: usize,
}

impl ConnectionLayout {
    pub fn new(settings: &Settings) -> Self {
        let lanes = settings.max_active_requests;
        // Everything that can be unread and held at once, and one more in flight. A sender that knows of so many
        // outstanding chunks looks into the queue before it sends, so the queue never overflows.
        let requests = 2 * settings.max_active_requests + 1;
        let response_capacity = settings.response_slots();
        let responses = lanes * (response_capacity + settings.max_borrowed_responses) + 1;
        let request_returns = requests.next_power_of_two().max(LINE);
        let lane_words = (2 + response_capacity) * LINE;
        let lanes_at = REQUESTS_AT + lanes * LINE;
        let request_returns_at = lanes_at + lanes * lane_words;
        Self {
            lanes,
            response_capacity,
            request_returns,
            response_returns: responses.next_power_of_two().max(LINE),
            lane_words,
            lanes_at,
            request_returns_at,
            response_returns_at: request_returns_at + request_returns,
        }
    }

    /// First word of a lane.
    #[inline]
    pub(super) fn lane_at(&self, lane: usize) -> usize {
        self.lanes_at + lane * self.lane_words
    }

    /// Words of the file.
    pub(super) fn words(&self) -> usize {
        self.response_returns_at + self.response_returns
    }

    /// Bytes of the file's pages.
    pub fn file_bytes(&self) -> u64 {
        (self.words() as u64 * 8).next_multiple_of(4096)
    }

    /// The constants at its beginning.
    pub(super) fn head(&self) -> [u64; 6] {
        [
            MAGIC,
            self.lanes as u64,
            self.lanes as u64,
            self.response_capacity as u64,
            self.request_returns as u64,
            self.response_returns as u64,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_connection_fits_one_page() {
        let layout = ConnectionLayout::new(&Settings::default());
        assert!(layout.words() * 8 <= 4096, "{} bytes", layout.words() * 8);
    }
}
