//! The shared memory of one client-server pair: a channel for requests, a lane for each active request's responses, two
//! return queues, and a few words in which each side says how it is. `docs/LAYOUT.md` has the bytes.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::channel::{Slots, ordering};
use super::id::Id;
use super::settings::Settings;
use super::shm::{Column, LINE, Lines, LinesView, Mapping, SHUTTLE_BODY};

const MAGIC: u64 = u64::from_le_bytes(*b"shmkcon\x01");
/// Lines in front of the request channel: constants, client, server, shuttle, and one that is not used.
const HEAD_LINES: usize = 5;
/// Behind the constants: the node of the side that made the file.
const MAKER: usize = 6;
const CLIENT_STATE: usize = LINE;
const SERVER_STATE: usize = 2 * LINE;
/// In a side's line, behind its state.
const SEGMENT: usize = 1;
const MAPPED: usize = 2;
const HANDED_OVER: usize = 3;
/// In the line of a channel's slot, behind it.
const NEXT: usize = 1;
const REQUESTS_AT: usize = HEAD_LINES * LINE;
const SHUTTLE_LINE: usize = 3;
/// In the shuttle's line: word of the request, its number, its payload; word of the response, its payload.
const SHUTTLE_WORDS: [usize; 2] = [0, 4];
const SHUTTLE_REQUEST_ID: usize = 1;

/// How a side is, in its own words. What a dead process never wrote is in the registry: its node is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It has not mapped the connection yet.
    Absent = 0,
    /// It takes part.
    Attached = 1,
    /// Its port is dropped: it sends no new requests, or receives none; messages that it holds are still alive.
    Left = 2,
    /// It holds nothing any more.
    Gone = 3,
}

impl State {
    fn of(word: u64) -> Self {
        match word {
            0 => Self::Absent,
            1 => Self::Attached,
            2 => Self::Left,
            // Garbage ends what the peer takes part in.
            _ => Self::Gone,
        }
    }
}

/// Where things are, in words. Both sides compute it from the service's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLayout {
    pub request_capacity: usize,
    pub lanes: usize,
    pub response_capacity: usize,
    pub request_returns: usize,
    pub response_returns: usize,
    /// Words from lane to lane.
    lane_words: usize,
    /// First words of the lanes and of the two return queues.
    lanes_at: usize,
    request_returns_at: usize,
    response_returns_at: usize,
}

impl ConnectionLayout {
    pub fn new(settings: &Settings) -> Self {
        let lanes = settings.max_active_requests;
        // Everything that can be unread and held at once, and one more on its way there. A sender that knows of so many
        // outstanding chunks looks into the queue before it sends, so the queue never overflows.
        let requests = 2 * settings.max_active_requests + 1;
        let responses = lanes * (settings.response_buffer + settings.max_borrowed_responses) + 1;
        let request_capacity = settings.max_active_requests;
        let request_returns = requests.next_power_of_two().max(LINE);
        let lane_words = (2 + settings.response_buffer) * LINE;
        let lanes_at = REQUESTS_AT + request_capacity * LINE;
        let request_returns_at = lanes_at + lanes * lane_words;
        Self {
            request_capacity,
            lanes,
            response_capacity: settings.response_buffer,
            request_returns,
            response_returns: responses.next_power_of_two().max(LINE),
            lane_words,
            lanes_at,
            request_returns_at,
            response_returns_at: request_returns_at + request_returns,
        }
    }

    #[inline]
    fn lane_at(&self, lane: usize) -> usize {
        self.lanes_at + lane * self.lane_words
    }
    fn words(&self) -> usize {
        self.response_returns_at + self.response_returns
    }
    /// Bytes of the file's pages.
    pub fn file_bytes(&self) -> u64 {
        (self.words() as u64 * 8).next_multiple_of(4096)
    }
    fn head(&self) -> [u64; 6] {
        [
            MAGIC,
            self.request_capacity as u64,
            self.lanes as u64,
            self.response_capacity as u64,
            self.request_returns as u64,
            self.response_returns as u64,
        ]
    }
}

/// Which side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// First word of the side's line.
    fn at(self) -> usize {
        match self {
            Self::Client => CLIENT_STATE,
            Self::Server => SERVER_STATE,
        }
    }
}

/// A mapped connection. Indices are in range by construction: lanes come from the caller's own tables.
#[derive(Debug)]
pub(crate) struct ConnectionFile {
    head: Column,
    shuttle: Lines,
    requests: Lines,
    lanes: Box<[LaneLines]>,
    request_returns: Column,
    response_returns: Column,
}

/// What belongs to one active request.
#[derive(Debug)]
struct LaneLines {
    /// The client's line and the server's.
    sides: Lines,
    responses: Lines,
}

/// A slot is the first word of its line; what is beside it is the message, if it is small, or a hint.
impl Slots for LinesView<'_> {
    #[inline(always)]
    fn load(&self, slot: usize) -> u64 {
        self.line(slot)[0].load(ordering::LOAD)
    }
    #[inline(always)]
    fn store(&self, slot: usize, word: u64) {
        self.line(slot)[0].store(word, ordering::STORE);
    }
    #[inline(always)]
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.line(slot)[0].swap(word, ordering::SWAP)
    }
    #[inline(always)]
    fn take(&self, slot: usize, old: u64) -> bool {
        self.line(slot)[0].compare_exchange(old, 0, ordering::TAKE, ordering::TAKE_FAILED).is_ok()
    }
    #[inline(always)]
    fn warm(&self, slot: usize) {
        LinesView::warm(*self, slot);
    }
}

/// The line of a shuttle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shuttle<'a>(&'a [AtomicU64; LINE]);

impl<'a> Shuttle<'a> {
    #[inline(always)]
    fn word(self, slot: usize) -> &'a AtomicU64 {
        &self.0[SHUTTLE_WORDS[slot]]
    }

    /// Asks for the line, to write something in it soon.
    #[inline(always)]
    pub fn warm(self) {
        super::shm::warm(self.0);
    }

    /// Number of the request in it; it holds if the request is taken afterwards.
    #[inline(always)]
    pub fn request_id(self) -> u64 {
        // Relaxed, as payloads: ordered by the request's word, which was loaded before and is taken afterwards.
        self.0[SHUTTLE_REQUEST_ID].load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub fn set_request_id(self, request_id: u64) {
        self.0[SHUTTLE_REQUEST_ID].store(request_id, Ordering::Relaxed); // The request's word makes it known.
    }

    /// The payload of the request.
    #[inline(always)]
    pub fn request(self) -> &'a [AtomicU64; SHUTTLE_BODY] {
        let [_, _, body @ .., _, _, _, _] = self.0;
        body
    }

    /// The payload of the response.
    #[inline(always)]
    pub fn reply(self) -> &'a [AtomicU64; SHUTTLE_BODY] {
        let [_, _, _, _, _, body @ .., _] = self.0;
        body
    }
}

/// Two words of a shuttle's line, with what belongs to each behind it.
impl Slots for Shuttle<'_> {
    #[inline(always)]
    fn load(&self, slot: usize) -> u64 {
        self.word(slot).load(ordering::LOAD)
    }
    #[inline(always)]
    fn store(&self, slot: usize, word: u64) {
        self.word(slot).store(word, ordering::STORE);
    }
    #[inline(always)]
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.word(slot).swap(word, ordering::SWAP)
    }
    #[inline(always)]
    fn take(&self, slot: usize, old: u64) -> bool {
        self.word(slot).compare_exchange(old, 0, ordering::TAKE, ordering::TAKE_FAILED).is_ok()
    }
}

/// A return queue has a slot in each word.
impl Slots for Column {
    #[inline(always)]
    fn load(&self, slot: usize) -> u64 {
        self.word(slot).load(ordering::LOAD)
    }
    #[inline(always)]
    fn store(&self, slot: usize, word: u64) {
        self.word(slot).store(word, ordering::STORE);
    }
    #[inline(always)]
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.word(slot).swap(word, ordering::SWAP)
    }
    #[inline(always)]
    fn take(&self, slot: usize, old: u64) -> bool {
        self.word(slot).compare_exchange(old, 0, ordering::TAKE, ordering::TAKE_FAILED).is_ok()
    }
    #[inline(always)]
    fn warm(&self, slot: usize) {
        Column::warm(self, slot);
    }
}

impl ConnectionFile {
    /// Makes the file, for a port of node `maker`. Under the service's lock.
    pub fn create(path: &Path, layout: ConnectionLayout, maker: Id) -> io::Result<Self> {
        let map = Mapping::create(path, layout.words() * 8)?;
        for (word, value) in map.words().iter().zip(layout.head().into_iter().chain(maker.words())) {
            // Relaxed: the other side maps the file under the same lock, later.
            word.store(value, Ordering::Relaxed);
        }
        Self::with(map, layout)
    }

    /// Maps a file that the other side made; it has to be exactly what the settings ask for.
    pub fn open(path: &Path, layout: ConnectionLayout) -> io::Result<Self> {
        let map = Mapping::open(path, true)?;
        let same = map.len() == layout.words() * 8
            && map.words().iter().zip(layout.head()).all(|(word, value)| word.load(Ordering::Relaxed) == value);
        if same { Self::with(map, layout) } else { Err(misshapen()) }
    }

    fn with(map: Mapping, layout: ConnectionLayout) -> io::Result<Self> {
        let map = &Rc::new(map);
        let lane = |lane| {
            let at = layout.lane_at(lane) / LINE;
            Some(LaneLines { sides: map.lines(at, 2)?, responses: map.lines(at + 2, layout.response_capacity)? })
        };
        let columns = || {
            Some(Self {
                head: map.column(0, REQUESTS_AT)?,
                shuttle: map.lines(SHUTTLE_LINE, 1)?,
                requests: map.lines(HEAD_LINES, layout.request_capacity)?,
                lanes: (0..layout.lanes).map(lane).collect::<Option<_>>()?,
                request_returns: map.column(layout.request_returns_at, layout.request_returns)?,
                response_returns: map.column(layout.response_returns_at, layout.response_returns)?,
            })
        };
        columns().ok_or_else(misshapen)
    }

    /// Touches every page and keeps it in memory.
    pub fn lock_in_memory(&self) -> io::Result<()> {
        self.head.mapping().lock_in_memory()
    }

    /// Node of the side that made the file, as that side says.
    pub fn maker(&self) -> Id {
        // Relaxed: written under the lock before this side mapped the file.
        Id::from_words([MAKER, MAKER + 1].map(|index| self.word(index).load(Ordering::Relaxed)))
    }

    /// Word of the head.
    #[inline]
    fn word(&self, index: usize) -> &AtomicU64 {
        self.head.word(index)
    }

    pub fn client_state(&self) -> State {
        // Acquire: what the side did before it said so is seen, as in all state words.
        State::of(self.word(CLIENT_STATE).load(Ordering::Acquire))
    }

    pub fn set_client_state(&self, state: State) {
        // Release: pairs with the above.
        self.word(CLIENT_STATE).store(state as u64, Ordering::Release);
    }

    pub fn server_state(&self) -> State {
        State::of(self.word(SERVER_STATE).load(Ordering::Acquire)) // As client_state.
    }

    pub fn set_server_state(&self, state: State) {
        self.word(SERVER_STATE).store(state as u64, Ordering::Release); // As set_client_state.
    }

    /// Number of the segment from which a side loans, as it says. It may have grown since, or be wrong.
    pub fn segment(&self, side: Side) -> u16 {
        // Relaxed: a hint which segment to map; what is read from it is found by an entry.
        self.word(side.at() + SEGMENT).load(Ordering::Relaxed) as u16
    }

    pub fn set_segment(&self, side: Side, number: u16) {
        self.word(side.at() + SEGMENT).store(number.into(), Ordering::Relaxed); // As `segment`.
    }

    /// One more than the newest segment of the other side that a side has mapped, as it says; 0 if none.
    pub fn mapped(&self, side: Side) -> u64 {
        // Relaxed: decides only for whom a segment is left behind, and who says it wrongly misses his own messages.
        self.word(side.at() + MAPPED).load(Ordering::Relaxed)
    }

    pub fn set_mapped(&self, side: Side, newest: Option<u16>) {
        let word = newest.map_or(0, |number| u64::from(number) + 1);
        self.word(side.at() + MAPPED).store(word, Ordering::Relaxed); // As `mapped`.
    }

    /// Whether a side that is gone has left segments for the other one.
    pub fn has_handed_over(&self, side: Side) -> bool {
        // Acquire: the files are there before it is said.
        self.word(side.at() + HANDED_OVER).load(Ordering::Acquire) != 0
    }

    pub fn set_handed_over(&self, side: Side) {
        self.word(side.at() + HANDED_OVER).store(1, Ordering::Release); // As `has_handed_over`.
    }

    /// The line of the shuttle.
    #[inline(always)]
    pub fn shuttle(&self) -> Shuttle<'_> {
        Shuttle(self.shuttle.view().line(0))
    }

    /// Slots of the requests.
    #[inline(always)]
    pub fn requests(&self) -> LinesView<'_> {
        self.requests.view()
    }

    /// The client's line of a lane, and the server's.
    pub fn sides(&self, lane: usize) -> &Lines {
        &self.lanes[lane].sides
    }

    /// Slots of a lane's responses.
    #[inline(always)]
    pub fn responses(&self, lane: usize) -> &Lines {
        &self.lanes[lane].responses
    }

    #[inline(always)]
    pub fn request_returns(&self) -> &Column {
        &self.request_returns
    }

    #[inline(always)]
    pub fn response_returns(&self) -> &Column {
        &self.response_returns
    }

    /// The request whose pending response uses the lane, 0 for none. Written by the client.
    #[inline]
    pub fn lane_open(&self, lane: usize) -> u64 {
        // Acquire: a closed lane is seen before anything that the client does with it afterwards.
        self.lanes[lane].sides.view().line(0)[0].load(Ordering::Acquire)
    }

    /// The request whose client wants no more responses. Written by the client.
    pub fn lane_hint(&self, lane: usize) -> u64 {
        self.lanes[lane].sides.view().line(0)[1].load(Ordering::Acquire) // As lane_open.
    }

    pub fn set_lane_hint(&self, lane: usize, request_id: u64) {
        self.lanes[lane].sides.view().line(0)[1].store(request_id, Ordering::Release); // As set_lane_open.
    }

    /// The newest request of the lane that the server is done with. Written by the server.
    #[inline]
    pub fn lane_done(&self, lane: usize) -> u64 {
        // Acquire: responses sent before are in the lane when the end is seen.
        self.lanes[lane].sides.view().line(1)[0].load(Ordering::Acquire)
    }

    #[inline]
    pub fn set_lane_done(&self, lane: usize, request_id: u64) {
        self.lanes[lane].sides.view().line(1)[0].store(request_id, Ordering::Release); // Pairs with the above.
    }
}

/// Writes what [`ConnectionFile::lane_open`] reads, into the lines of a lane's sides.
#[inline(always)]
pub(crate) fn set_lane_open(sides: LinesView<'_>, request_id: u64) {
    sides.line(0)[0].store(request_id, Ordering::Release); // Pairs with the load.
}

/// The chunk that the sender of a slot expects to send from next, and one more; 0 if it has no idea. Only a hint which line
/// to ask for in time. It comes with the line of the slot, so it costs no other one; a message in the slot itself takes its
/// place.
#[inline(always)]
pub(crate) fn next_of(slots: LinesView<'_>, slot: usize) -> u64 {
    slots.line(slot)[NEXT].load(Ordering::Relaxed) // Relaxed: whatever is read, nothing depends on it.
}

#[inline(always)]
pub(crate) fn set_next_of(slots: LinesView<'_>, slot: usize, next: u64) {
    slots.line(slot)[NEXT].store(next, Ordering::Relaxed); // As next_of.
}

fn misshapen() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a connection does not have the shape that the settings give it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_connection_fits_one_page() {
        let layout = ConnectionLayout::new(&Settings::default());
        assert!(layout.words() * 8 <= 4096, "{} bytes", layout.words() * 8);
    }

    #[test]
    fn another_shape_or_a_changed_head_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        let layout = ConnectionLayout::new(&Settings::default());
        let file = ConnectionFile::create(&path, layout, Id::from_words([1, 2])).unwrap();
        assert_eq!(ConnectionFile::open(&path, layout).unwrap().maker(), Id::from_words([1, 2]));
        let other = ConnectionLayout::new(&Settings { max_active_requests: 5, ..Settings::default() });
        assert_eq!(ConnectionFile::open(&path, other).unwrap_err().kind(), io::ErrorKind::InvalidData);
        file.word(2).store(7, Ordering::Relaxed);
        assert_eq!(ConnectionFile::open(&path, layout).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
