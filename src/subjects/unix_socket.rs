//! Unix domain stream sockets.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};

use super::stream::{Accept, Messages, READ_TIMEOUT, StreamServer};
use shmark_peer::kit::bench::place::{self, Place};
use shmark_peer::kit::implementation::{BenchSetup, BenchSubject, OpResult, Waiting};

/// The transport.
#[derive(Debug)]
pub struct UnixSocket;

/// The listening side.
#[derive(Debug)]
pub struct UnixAcceptor {
    listener: UnixListener,
    waiting: Waiting,
}

impl Accept for UnixAcceptor {
    type Stream = UnixStream;

    fn accept(&mut self) -> io::Result<UnixStream> {
        let (stream, _) = self.listener.accept()?;
        configure(&stream, self.waiting)?;
        Ok(stream)
    }
}

impl BenchSubject for UnixSocket {
    type Client = Messages<UnixStream>;
    type Server = StreamServer<UnixAcceptor>;

    fn bench_server(setup: &BenchSetup) -> OpResult<Self::Server> {
        let path = place::path(setup, "sock")?;
        let refused = |error: io::Error| place::refusal("listening at", &path, &error);
        let listener = UnixListener::bind(&path).map_err(refused)?;
        let place = Place::new(path.clone());
        listener.set_nonblocking(true).map_err(refused)?;
        Ok(StreamServer::new(UnixAcceptor { listener, waiting: setup.waiting }, setup, vec![place]))
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Self::Client> {
        let path = place::path(setup, "sock")?;
        let stream = UnixStream::connect(&path)
            .and_then(|stream| configure(&stream, setup.waiting).map(|()| stream))
            .map_err(|error| place::refusal("connecting to", &path, &error))?;
        Ok(Messages::new(stream, setup))
    }
}

fn configure(stream: &UnixStream, waiting: Waiting) -> io::Result<()> {
    match waiting {
        Waiting::Spin => stream.set_nonblocking(true),
        Waiting::Block => {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(READ_TIMEOUT))?;
            stream.set_write_timeout(Some(READ_TIMEOUT))
        }
    }
}
