//! The shared memory of one client-server pair: a channel for requests, a lane for each active request's responses, two
//! return queues, and a few words in which each side says how it is. `docs/LAYOUT.md` has the bytes.

mod layout;
mod slots;

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use layout::ConnectionLayout;
use layout::{HEAD_LINES, REQUESTS_AT};
pub(crate) use slots::{LaneWords, SharedLine, all_words, next_chunk_hint, set_next_chunk_hint};

use super::channel::{Slots, shuttle};
use super::id::Id;
use super::shm::{Column, LINE, Lines, Mapping};

/// Behind the constants: the node of the side that made the file.
const MAKER: usize = 6;
/// In a side's line, whose first word is its state.
const SEGMENT: usize = 1;
const HANDED_OVER: usize = 3;
const SHARED_LINE: usize = 3;

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

/// What a side that is gone has left for the other one to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handover {
    /// No segment.
    Nothing = 0,
    /// Every segment in which something is unread.
    Whole = 1,
    /// Not all of them: the system refused.
    InPart = 2,
}

/// Which kind of port, and which side of a connection.
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

    /// The client and the server of this side and the other one, and the other way round.
    pub fn pair<T>(self, [a, b]: [T; 2]) -> [T; 2] {
        match self {
            Self::Client => [a, b],
            Self::Server => [b, a],
        }
    }

    /// First word of the side's line.
    fn at(self) -> usize {
        match self {
            Self::Client => LINE,
            Self::Server => 2 * LINE,
        }
    }
}

/// A mapped connection.
#[derive(Debug)]
pub(crate) struct ConnectionFile {
    head: Column,
    /// The line that both sides write.
    pub shared: Lines,
    /// Slots of the requests.
    pub requests: Lines,
    pub lanes: Box<[LaneLines]>,
    request_returns: Column,
    response_returns: Column,
}

/// What belongs to one active request.
#[derive(Debug)]
pub(crate) struct LaneLines {
    pub words: LaneWords,
    /// Slots of its responses.
    pub responses: Lines,
}

impl ConnectionFile {
    /// Makes the file, for a port of node `maker`, before others can see it.
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
        if same { Self::with(map, layout) } else { Err(malformed()) }
    }

    fn with(map: Mapping, layout: ConnectionLayout) -> io::Result<Self> {
        let map = &Rc::new(map);
        let lane = |lane| {
            let at = layout.lane_at(lane) / LINE;
            Some(LaneLines {
                words: LaneWords::new(map.lines(at, 2)?),
                responses: map.lines(at + 2, layout.response_capacity)?,
            })
        };
        let columns = || {
            Some(Self {
                head: map.column(0, REQUESTS_AT)?,
                shared: map.lines(SHARED_LINE, 1)?,
                requests: map.lines(HEAD_LINES, layout.lanes)?,
                lanes: (0..layout.lanes).map(lane).collect::<Option<_>>()?,
                request_returns: map.column(layout.request_returns_at, layout.request_returns)?,
                response_returns: map.column(layout.response_returns_at, layout.response_returns)?,
            })
        };
        columns().ok_or_else(malformed)
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

    pub fn state(&self, side: Side) -> State {
        // Acquire: what the side did before it said so is seen.
        State::of(self.word(side.at()).load(Ordering::Acquire))
    }

    pub fn set_state(&self, side: Side, state: State) {
        self.word(side.at()).store(state as u64, Ordering::Release); // Pairs with the above.
    }

    pub fn client_state(&self) -> State {
        self.state(Side::Client)
    }

    pub fn server_state(&self) -> State {
        self.state(Side::Server)
    }

    /// Number of the segment from which a side loans, as it says. It may have grown since, or be wrong.
    pub fn segment(&self, side: Side) -> u16 {
        // Relaxed: a hint which segment to map; what is read from it is found by an entry.
        self.word(side.at() + SEGMENT).load(Ordering::Relaxed) as u16
    }

    pub fn set_segment(&self, side: Side, number: u16) {
        self.word(side.at() + SEGMENT).store(number.into(), Ordering::Relaxed); // As `segment`.
    }

    /// Whether a side that is gone has left segments for the other one.
    pub fn handover(&self, side: Side) -> Handover {
        // Acquire: the files are there before it is said.
        match self.word(side.at() + HANDED_OVER).load(Ordering::Acquire) {
            0 => Handover::Nothing,
            1 => Handover::Whole,
            // Garbage is a peer's own loss.
            _ => Handover::InPart,
        }
    }

    pub fn set_handover(&self, side: Side, handover: Handover) {
        self.word(side.at() + HANDED_OVER).store(handover as u64, Ordering::Release); // As `handover`.
    }

    /// Requests that nobody has taken, in the channel and in the line that both sides write.
    pub fn unread_requests(&self) -> usize {
        all_words(&self.requests).filter(|word| *word != 0).count()
            + usize::from(SharedLine::of(&self.shared).load(shuttle::REQUEST) != 0)
    }

    /// The queue in which the chunks of a side come back to it.
    pub fn returns(&self, side: Side) -> &Column {
        match side {
            Side::Client => &self.request_returns,
            Side::Server => &self.response_returns,
        }
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a connection does not have the shape that the settings give it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

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
