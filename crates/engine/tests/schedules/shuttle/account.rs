//! The plain model: what is unread, in the order in which it was sent. Each side reports here what it has just done, before
//! the other one runs again.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use loom::cell::Cell;

/// Numbers of requests from 1, in the order in which a client tries to send them.
pub type Request = u64;

/// A response: the request that it answers, and its number among its responses, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reply {
    pub to: Request,
    pub nth: u64,
}

impl Reply {
    /// As one word, which is also the number of the chunk that it is in if it is in one.
    pub fn word(self) -> u64 {
        self.to << 3 | self.nth
    }
    pub fn of_word(word: u64) -> Self {
        Self { to: word >> 3, nth: word & 7 }
    }
}

/// What the words of shuttle and channels say that it is there: cells whose accesses are checked for their order.
#[derive(Debug)]
pub struct Payloads {
    pub in_shuttle: Cell<u64>,
    pub slots: Box<[Cell<u64>]>,
    chunks: RefCell<BTreeMap<u32, Cell<u64>>>,
}

impl Payloads {
    pub fn new(slots: usize) -> Self {
        let slots = (0..slots).map(|_| Cell::new(0)).collect();
        Self { in_shuttle: Cell::new(0), slots, chunks: RefCell::default() }
    }

    /// Writes a message into a chunk of its own.
    pub fn write_chunk(&self, message: u64) -> u32 {
        let chunk = message as u32;
        self.chunks.borrow_mut().entry(chunk).or_insert_with(|| Cell::new(0)).set(message);
        chunk
    }

    pub fn read_chunk(&self, chunk: u32) -> u64 {
        self.chunks.borrow()[&chunk].get()
    }
}

#[derive(Debug, Default)]
struct State {
    requests: VecDeque<Request>,
    replies: BTreeMap<Request, VecDeque<Reply>>,
    /// The request whose responses are received, 0 if none.
    pending: Request,
    refused: usize,
}

/// What both sides have done, as far as it was shared.
#[derive(Debug)]
pub struct Account {
    capacity: usize,
    buffer: usize,
    state: RefCell<State>,
}

impl Account {
    /// At most `capacity` requests and `buffer` responses of a request are unread.
    pub fn new(capacity: usize, buffer: usize) -> Self {
        Self { capacity, buffer, state: RefCell::default() }
    }

    /// The client has given up what was pending, and waits for this one now; 0 for none.
    pub fn opened(&self, request: Request) {
        self.state.borrow_mut().pending = request;
    }

    pub fn request_sent(&self, request: Request) {
        let requests = &mut self.state.borrow_mut().requests;
        requests.push_back(request);
        assert!(requests.len() <= self.capacity, "{requests:?} are unread, and {} may be", self.capacity);
    }

    pub fn request_received(&self, request: Request) {
        let oldest = self.state.borrow_mut().requests.pop_front();
        assert_eq!(oldest, Some(request), "the oldest unread request is received (left), and no other (right)");
    }

    pub fn request_displaced(&self, request: Request) {
        let oldest = self.state.borrow_mut().requests.pop_front();
        assert_eq!(oldest, Some(request), "the oldest unread request is displaced (left), and no other (right)");
    }

    pub fn request_refused(&self) {
        self.state.borrow_mut().refused += 1;
    }

    pub fn reply_sent(&self, reply: Reply) {
        let mut state = self.state.borrow_mut();
        let is_pending = state.pending == reply.to;
        let replies = state.replies.entry(reply.to).or_default();
        replies.push_back(reply);
        let fits = !is_pending || replies.len() <= self.buffer;
        assert!(fits, "{replies:?} are unread, and {} may be", self.buffer);
    }

    pub fn reply_received(&self, reply: Reply) {
        let mut state = self.state.borrow_mut();
        assert_eq!(state.pending, reply.to, "a response to what is pending (left) is received (right)");
        let oldest = state.replies.entry(reply.to).or_default().pop_front();
        assert_eq!(oldest, Some(reply), "the oldest unread response is received (left), and no other (right)");
    }

    /// Displaced by the server, or dropped by the client in a lane where another request is pending.
    pub fn reply_gone(&self, reply: Reply) {
        let mut state = self.state.borrow_mut();
        let is_pending = state.pending == reply.to;
        let replies = state.replies.entry(reply.to).or_default();
        let at = replies.iter().position(|unread| *unread == reply);
        // Of a request that was given up, those in the lane are dropped before the one in the shuttle.
        assert!(at == Some(0) || (at.is_some() && !is_pending), "{reply:?} is displaced; unread are {replies:?}");
        at.map(|at| replies.remove(at));
    }

    pub fn unread_requests(&self) -> usize {
        self.state.borrow().requests.len()
    }

    pub fn unread_replies(&self, request: Request) -> usize {
        self.state.borrow().replies.get(&request).map_or(0, VecDeque::len)
    }

    pub fn refused(&self) -> usize {
        self.state.borrow().refused
    }
}
