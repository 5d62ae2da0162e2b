//! What all transports share: whole messages over a stream of bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use shmark_peer::kit::bench::place::Place;
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{BenchClient, BenchServer, BenchSetup};

/// Longest sleep of a blocking read where the system can bound it.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// A message that cannot be written for so long means that nobody reads any more.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// A connection that sends and receives messages of one length.
#[derive(Debug)]
pub struct Messages<S> {
    stream: S,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// Bytes of the message that is arriving, `0 .. incoming.len()`.
    filled: usize,
}

impl<S: Read + Write> Messages<S> {
    pub(super) fn new(stream: S, setup: &BenchSetup) -> Self {
        let bytes = stamp::payload_bytes(setup).max(stamp::STAMP_BYTES);
        Self { stream, outgoing: vec![0xff; bytes], incoming: vec![0xff; bytes], filled: 0 }
    }

    /// Writes a whole message, however many pieces it takes.
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        stamp::write(&mut self.outgoing, sequence);
        let mut rest = &self.outgoing[..];
        let mut stuck_since = None;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err("the stream takes no more bytes".to_owned()),
                Ok(written) => {
                    rest = &rest[written..];
                    stuck_since = None;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if stuck_since.get_or_insert_with(Instant::now).elapsed() > WRITE_PATIENCE {
                        return Err(format!("a message could not be written for {} s", WRITE_PATIENCE.as_secs()));
                    }
                    std::hint::spin_loop();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("a message could not be written: {error}")),
            }
        }
        Ok(())
    }

    /// The message that is there. `None` if there is none, or not yet all of it.
    fn receive(&mut self) -> Result<Option<u64>, String> {
        while self.filled < self.incoming.len() {
            match self.stream.read(&mut self.incoming[self.filled..]) {
                Ok(0) => return Err("the other side closed the connection".to_owned()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("a message could not be read: {error}")),
            }
        }
        self.filled = 0;
        match stamp::read(&self.incoming) {
            Some(sequence) => Ok(Some(sequence)),
            None => Err("a message arrived damaged".to_owned()),
        }
    }
}

impl<S: Read + Write> BenchClient for Messages<S> {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        self.send(sequence)
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        self.receive()
    }
}

/// Something that a client can connect to.
pub trait Accept {
    /// Connection to one client.
    type Stream: Read + Write;
    /// Takes a connection.
    ///
    /// # Errors
    /// `WouldBlock` if no client is there, and what the system says.
    fn accept(&mut self) -> io::Result<Self::Stream>;
}

/// The server of a transport. Takes the first client with the first call of `serve`, which is part of the warm-up.
#[derive(Debug)]
pub struct StreamServer<A: Accept> {
    connection: Option<Messages<A::Stream>>,
    acceptor: A,
    setup: BenchSetup,
    /// Removed when the server is dropped.
    _places: Vec<Place>,
}

impl<A: Accept> StreamServer<A> {
    pub(super) fn new(acceptor: A, setup: &BenchSetup, places: Vec<Place>) -> Self {
        Self { connection: None, acceptor, setup: setup.clone(), _places: places }
    }

    #[cold]
    fn connect(&mut self) -> Result<(), String> {
        match self.acceptor.accept() {
            Ok(stream) => {
                self.connection = Some(Messages::new(stream, &self.setup));
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(format!("a client could not be accepted: {error}")),
        }
    }
}

impl<A: Accept> BenchServer for StreamServer<A> {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let Some(connection) = &mut self.connection else {
            return self.connect().map(|()| None);
        };
        let Some(sequence) = connection.receive()? else { return Ok(None) };
        for number in self.setup.load.numbers(sequence) {
            connection.send(number)?;
        }
        Ok(Some(sequence))
    }
}
