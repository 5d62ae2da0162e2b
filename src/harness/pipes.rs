//! Reads what a child process says, line by line, on a thread of its own.
//!
//! The thread waits in `poll` and ends when both pipes are closed or when [`Pipes`] is dropped, even if a process that got
//! away still holds the other ends. Everything is bounded: the length of a line, the number of lines nobody has read
//! yet, the transcript.

use std::collections::VecDeque;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::source::{Chunk, Source};
use super::transcript::{LINE_BYTES, Transcript};

/// Longest line, bytes.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;
/// Lines that may wait to be read. A peer answers one command at a time, so anything near this is a flood.
const UNREAD_LINES_MAX: usize = 4096;

/// What came through stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// A line, without its end.
    Line(String),
    /// Something that can be no line of text; nothing is read after it.
    Bad(String),
}

/// What [`Pipes::next`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Item(Item),
    /// Stdout is closed, everything was read.
    Closed,
    /// Nothing came in time.
    Nothing,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    /// Stdout is closed, or nothing more of it is wanted.
    closed: bool,
    /// Stderr is closed, too.
    done: bool,
    transcript: Transcript,
    /// What came through stdout and is no line yet.
    unfinished: String,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reading side of a child process.
#[derive(Debug)]
pub(super) struct Pipes {
    shared: Arc<Shared>,
    /// Dropping it ends the thread.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Pipes {
    /// Starts to read.
    pub(super) fn start(stdout: OwnedFd, stderr: Option<OwnedFd>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (stopped, stop) = io::pipe()?;
        let stdout = Source::new(stdout)?;
        let stderr = stderr.map(Source::new).transpose()?;
        let thread = thread::Builder::new().name("peer pipes".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || read(&shared, Some(stdout), stderr, &stopped)
        })?;
        Ok(Self { shared, stop: Some(stop), thread: Some(thread) })
    }

    /// The next thing on stdout, waited for at most so long.
    pub(super) fn next(&self, timeout: Duration) -> Next {
        let state = self.shared.state();
        let (mut state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, timeout, |state| state.items.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        match state.items.pop_front() {
            Some(item) => Next::Item(item),
            None if state.closed => Next::Closed,
            None => Next::Nothing,
        }
    }

    /// Waits until both pipes are closed and all of it is read, at most so long.
    pub(super) fn settle(&self, timeout: Duration) {
        let state = self.shared.state();
        let _ = self.shared.changed.wait_timeout_while(state, timeout, |state| !state.done);
    }

    /// Adds a line of the runner's to the transcript.
    pub(super) fn note(&self, mark: &str, text: &str) {
        self.shared.state().transcript.push(mark, text);
    }

    pub(super) fn transcript(&self) -> Vec<String> {
        let state = self.shared.state();
        let mut lines = state.transcript.lines();
        if !state.unfinished.is_empty() {
            let mut line = Transcript::default();
            line.push("<-", &format!("{} (no end of line: end each answer with one, and flush)", state.unfinished));
            lines.extend(line.lines());
        }
        lines
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // The thread holds no lock when it waits, and a panic of it has already closed the queue.
            let _ = thread.join();
        }
    }
}

fn read(shared: &Shared, mut stdout: Option<Source>, mut stderr: Option<Source>, stopped: &PipeReader) {
    while stdout.is_some() || stderr.is_some() {
        let mut waiting = vec![PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        for source in stdout.iter().chain(&stderr) {
            waiting.push(PollFd::new(source.file.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut waiting, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => break,
        }
        if waiting[0].any().unwrap_or(true) {
            break;
        }
        if let Some(source) = &mut stdout {
            let chunk = source.fill();
            let goes_on = stdout_lines(shared, source);
            let open = &source.buffer[..source.buffer.len().min(LINE_BYTES)];
            shared.state().unfinished = String::from_utf8_lossy(open).into_owned();
            if !goes_on || matches!(chunk, Chunk::Closed) {
                shared.state().unfinished.clear();
                // What the last line lacks is its end: the peer died while it wrote, or does not end its lines.
                if !source.buffer.is_empty() && matches!(chunk, Chunk::Closed) {
                    let rest = String::from_utf8_lossy(&source.buffer).into_owned();
                    shared.state().transcript.push("<-", &format!("{rest} (no end of line)"));
                }
                stdout = None;
                shared.state().closed = true;
                shared.changed.notify_all();
            }
        }
        if let Some(source) = &mut stderr {
            let chunk = source.fill();
            stderr_lines(shared, source, matches!(chunk, Chunk::Closed));
            if matches!(chunk, Chunk::Closed) {
                stderr = None;
            }
        }
    }
    let mut state = shared.state();
    state.closed = true;
    state.done = true;
    drop(state);
    shared.changed.notify_all();
}

/// Hands over all complete lines; `false` if nothing more shall be read.
fn stdout_lines(shared: &Shared, source: &mut Source) -> bool {
    let mut state = shared.state();
    loop {
        let Some(line) = source.line() else {
            if source.buffer.len() <= LINE_BYTES_MAX {
                return true;
            }
            let start = String::from_utf8_lossy(&source.buffer[..80]).into_owned();
            state.transcript.push("<-", &format!("{start}... (a line of more than {LINE_BYTES_MAX} bytes)"));
            let text = format!("a line of more than {LINE_BYTES_MAX} bytes, starting with `{start}`");
            state.items.push_back(Item::Bad(text));
            break;
        };
        if state.items.len() >= UNREAD_LINES_MAX {
            let text = format!("more than {UNREAD_LINES_MAX} lines that nobody had asked for");
            state.items.push_back(Item::Bad(text));
            break;
        }
        state.transcript.push("<-", &String::from_utf8_lossy(&line));
        if line.len() > LINE_BYTES_MAX {
            state.items.push_back(Item::Bad(format!("a line of {} bytes; {LINE_BYTES_MAX} are allowed", line.len())));
            break;
        }
        match String::from_utf8(line) {
            Ok(line) => state.items.push_back(Item::Line(line)),
            Err(_) => state.items.push_back(Item::Bad("a line that is not UTF-8".to_owned())),
        }
        shared.changed.notify_all();
    }
    shared.changed.notify_all();
    false
}

fn stderr_lines(shared: &Shared, source: &mut Source, closed: bool) {
    let mut state = shared.state();
    while let Some(line) = source.line() {
        state.transcript.push("!!", &String::from_utf8_lossy(&line));
    }
    // Free text may lack line ends; it is shown in pieces then.
    if source.buffer.len() > LINE_BYTES || (closed && !source.buffer.is_empty()) {
        let rest = std::mem::take(&mut source.buffer);
        state.transcript.push("!!", &String::from_utf8_lossy(&rest));
    }
}
