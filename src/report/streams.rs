//! Standard output and standard error: whoever has closed them, or filled the disk behind them, ends no run.
//!
//! Everything that a command prints goes through here, because `println!` panics where these functions do not.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};

/// Why standard output stopped taking text.
static LOST: Mutex<Lost> = Mutex::new(Lost::Nothing);

enum Lost {
    Nothing,
    /// The reader has gone, such as `head` when it has seen enough.
    Unread,
    Failed(io::Error),
}

/// Whether standard output takes colour: a terminal does, unless `NO_COLOR`, `CLICOLOR=0` or `TERM=dumb` says otherwise;
/// `CLICOLOR_FORCE=1` asks for it everywhere.
pub fn colour_out() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// As [`colour_out`], of standard error.
pub fn colour_err() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Columns of standard output, if it is a terminal.
pub fn width_out() -> Option<usize> {
    width(&io::stdout())
}

/// Columns of standard error, if it is a terminal.
pub fn width_err() -> Option<usize> {
    width(&io::stderr())
}

fn width(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    stream.is_terminal().then(|| terminal_size::terminal_size_of(stream).map(|(width, _)| width.0.into())).flatten()
}

/// Writes to standard output. After the first failure nothing more is written, so that the text has no gap.
pub fn print(text: &str) {
    print_bytes(text.as_bytes());
}

/// As [`print()`].
pub fn print_bytes(bytes: &[u8]) {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    if !matches!(*lost, Lost::Nothing) {
        return;
    }
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => *lost = Lost::Unread,
        Err(error) => *lost = Lost::Failed(error),
    }
}

/// Writes a line to standard error. Nobody could be told of a failure, so there is none.
pub fn say(line: &str) {
    // One write, so that lines of several processes do not mix.
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Why text for standard output was lost, if it was. A reader that has gone away did not want it, so that is no loss.
pub fn lost() -> Option<io::Error> {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    match std::mem::replace(&mut *lost, Lost::Unread) {
        Lost::Failed(error) => Some(error),
        kept => {
            *lost = kept;
            None
        }
    }
}
