//! TCP over the loopback interface, without delay. The port number travels through a file in the namespace.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::stream::{Accept, Messages, READ_TIMEOUT, StreamServer};
use shmark_peer::kit::bench::place::{self, Place};
use shmark_peer::kit::implementation::{BenchSetup, BenchSubject, OpResult, Waiting};

/// The transport.
#[derive(Debug)]
pub struct TcpLoopback;

/// The listening side.
#[derive(Debug)]
pub struct TcpAcceptor {
    listener: TcpListener,
    waiting: Waiting,
}

impl Accept for TcpAcceptor {
    type Stream = TcpStream;

    fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = self.listener.accept()?;
        configure(&stream, self.waiting)?;
        Ok(stream)
    }
}

impl BenchSubject for TcpLoopback {
    type Client = Messages<TcpStream>;
    type Server = StreamServer<TcpAcceptor>;

    fn bench_server(setup: &BenchSetup) -> OpResult<Self::Server> {
        let path = place::path(setup, "port")?;
        let refused = |error: io::Error| place::refusal("listening, with the port in", &path, &error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        let place = write_port(&path, port).map_err(refused)?;
        Ok(StreamServer::new(TcpAcceptor { listener, waiting: setup.waiting }, setup, vec![place]))
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Self::Client> {
        let path = place::path(setup, "port")?;
        let stream = read_port(&path)
            .and_then(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)))
            .and_then(|stream| configure(&stream, setup.waiting).map(|()| stream))
            .map_err(|error| place::refusal("connecting to the port in", &path, &error))?;
        Ok(Messages::new(stream, setup))
    }
}

fn write_port(path: &Path, port: u16) -> io::Result<Place> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let place = Place::new(path.to_owned());
    writeln!(file, "{port}")?;
    Ok(place)
}

fn read_port(path: &Path) -> io::Result<u16> {
    let text = std::fs::read_to_string(path)?;
    text.trim_end().parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file holds no port number"))
}

fn configure(stream: &TcpStream, waiting: Waiting) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match waiting {
        Waiting::Spin => stream.set_nonblocking(true),
        Waiting::Block => {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(READ_TIMEOUT))?;
            stream.set_write_timeout(Some(READ_TIMEOUT))
        }
    }
}
