//! One pipe of a child process, cut into lines.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Most bytes that one read takes.
const CHUNK_BYTES: usize = 1 << 14;

/// One pipe, cut into lines.
pub(super) struct Source {
    pub(super) file: File,
    /// What was read and is no line yet.
    pub(super) buffer: Vec<u8>,
}

/// What a read leaves behind it.
pub(super) enum Chunk {
    /// Nothing more for now.
    Open,
    /// Nothing more, ever.
    Closed,
}

impl Source {
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&fd)?;
        Ok(Self { file: fd.into(), buffer: Vec::new() })
    }

    /// Reads some of what is there, so that neither pipe starves the other.
    pub(super) fn fill(&mut self) -> Chunk {
        let mut chunk = [0; CHUNK_BYTES];
        match self.file.read(&mut chunk) {
            Ok(0) => Chunk::Closed,
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Chunk::Open
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Chunk::Open,
            Err(_) => Chunk::Closed,
        }
    }

    /// The next complete line in the buffer.
    pub(super) fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}

/// Makes reads and writes of a pipe end return at once. Our end alone: the other one has its own flags.
pub(super) fn set_nonblocking(fd: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd.as_fd(), FcntlArg::F_GETFL)?);
    fcntl(fd.as_fd(), FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}
