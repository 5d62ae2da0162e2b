//! Two named pipes, one for each direction.
//!
//! A blocking read of a pipe has no timeout, and another system call before it would be measured, too: it ends when the
//! other side is dead, and otherwise with the trial's time, by the runner, which kills both.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::stream::{Accept, Messages, StreamServer};
use shmark_peer::kit::bench::place::{self, Place};
use shmark_peer::kit::implementation::{BenchSetup, BenchSubject, OpResult, Waiting};

/// The transport.
#[derive(Debug)]
pub struct Pipe;

/// One side's ends.
#[derive(Debug)]
pub struct PipeEnds {
    reader: File,
    writer: File,
    /// Whether the other side has opened its end of `reader`; until then, nothing to read does not mean the end.
    met: bool,
}

impl Read for PipeEnds {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        if read == 0 && !self.met {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.met = true;
        Ok(read)
    }
}

impl Write for PipeEnds {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The server before it has met its client.
#[derive(Debug)]
pub struct PipeAcceptor {
    requests: File,
    responses: PathBuf,
    waiting: Waiting,
}

impl Accept for PipeAcceptor {
    type Stream = PipeEnds;

    fn accept(&mut self) -> io::Result<PipeEnds> {
        // Fails until the client reads responses, and it opens that end last: so it has both.
        let writer = match open(&self.responses, OpenOptions::new().write(true)) {
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Err(io::ErrorKind::WouldBlock.into()),
            other => other?,
        };
        let reader = self.requests.try_clone()?;
        configure([&reader, &writer], self.waiting)?;
        Ok(PipeEnds { reader, writer, met: true })
    }
}

impl BenchSubject for Pipe {
    type Client = Messages<PipeEnds>;
    type Server = StreamServer<PipeAcceptor>;

    fn bench_server(setup: &BenchSetup) -> OpResult<Self::Server> {
        let make = |extension| {
            let path = place::path(setup, extension)?;
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)
                .map_err(|errno| place::refusal("making the pipe", &path, &errno.into()))?;
            Ok::<_, shmark_peer::kit::implementation::Refusal>((Place::new(path.clone()), path))
        };
        let (request_place, requests) = make("requests")?;
        let (response_place, responses) = make("responses")?;
        let requests = open(&requests, OpenOptions::new().read(true))
            .map_err(|error| place::refusal("opening the pipe", &requests, &error))?;
        let acceptor = PipeAcceptor { requests, responses, waiting: setup.waiting };
        Ok(StreamServer::new(acceptor, setup, vec![request_place, response_place]))
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Self::Client> {
        let path = place::path(setup, "requests")?;
        let refused = |error: io::Error| place::refusal("connecting to the server of", &path, &error);
        let writer = open(&path, OpenOptions::new().write(true)).map_err(refused)?;
        let reader = open(&place::path(setup, "responses")?, OpenOptions::new().read(true)).map_err(refused)?;
        configure([&reader, &writer], setup.waiting).map_err(refused)?;
        Ok(Messages::new(PipeEnds { reader, writer, met: false }, setup))
    }
}

/// Opens an end without waiting for the other one.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path)
}

fn configure(ends: [&File; 2], waiting: Waiting) -> io::Result<()> {
    let flags = match waiting {
        Waiting::Spin => OFlag::O_NONBLOCK,
        Waiting::Block => OFlag::empty(),
    };
    for end in ends {
        fcntl(end, FcntlArg::F_SETFL(flags))?;
    }
    Ok(())
}
