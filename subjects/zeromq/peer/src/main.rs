//! shmark's peer for libzmq: a REQ and a REP socket over `ipc://`.
//!
//! libzmq moves messages in a thread of its own, its I/O thread, which a peer that is pinned has on the same processor. So
//! there is no spinning, and the processor time of that thread is not in the time of the loads.

use std::path::Path;
use std::process::ExitCode;
use std::thread;

use shmark_peer::kit;
use shmark_peer::kit::bench::place::{self, Place, unsupported};
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Hello, OpResult, Refusal, Waiting,
};
use shmark_peer::protocol::ErrorClass;
use zmq::{Context, Error, Message, Socket, SocketType};

fn main() -> ExitCode {
    let (major, minor, patch) = zmq::version();
    kit::serve_bench_only::<ZeroMq>(Hello::bench_only("zeromq", &format!("{major}.{minor}.{patch}")))
}

/// Longest sleep of a receive or send, ms.
const SLEEP_MAX_MS: i32 = 1000;

struct ZeroMq;

/// A socket of either side.
struct Port {
    socket: Socket,
    bytes: usize,
}

impl Port {
    fn new(kind: SocketType, setup: &BenchSetup) -> OpResult<Self> {
        if setup.waiting == Waiting::Spin {
            let why = "libzmq's I/O thread does the work, and a thread that spins keeps it from its processor";
            return Err(unsupported(why));
        }
        if setup.load.outstanding > 1 || setup.load.responses > 1 {
            return Err(unsupported("a REQ socket has one request under way, and one response to it"));
        }
        let socket = Context::new().socket(kind).map_err(refusal)?;
        socket.set_rcvtimeo(SLEEP_MAX_MS).map_err(refusal)?;
        socket.set_sndtimeo(SLEEP_MAX_MS).map_err(refusal)?;
        // What nobody takes does not keep the process.
        socket.set_linger(0).map_err(refusal)?;
        Ok(Self { socket, bytes: stamp::payload_bytes(setup).max(stamp::STAMP_BYTES) })
    }
}

impl BenchClient for Port {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        let mut message = Message::with_size(self.bytes);
        stamp::write(&mut message, sequence);
        self.socket.send(message, 0).map_err(|error| format!("a message could not be sent: {error}"))
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        match self.socket.recv_msg(0) {
            Ok(message) => match stamp::read(&message) {
                Some(number) if message.len() == self.bytes => Ok(Some(number)),
                _ => Err(format!("a payload of {} bytes came damaged", message.len())),
            },
            Err(Error::EAGAIN | Error::EINTR) => Ok(None),
            Err(error) => Err(format!("a message could not be received: {error}")),
        }
    }
}

struct Server {
    port: Port,
    _place: Place,
}

impl BenchServer for Server {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let Some(sequence) = self.port.poll()? else { return Ok(None) };
        self.port.send(sequence)?;
        // The I/O thread sends it now, and not only when this thread, which may go on to spin for a floor, is preempted.
        thread::yield_now();
        Ok(Some(sequence))
    }
}

impl BenchSubject for ZeroMq {
    type Client = Port;
    type Server = Server;

    fn bench_server(setup: &BenchSetup) -> OpResult<Server> {
        let path = place::path(setup, "zmq")?;
        let port = Port::new(zmq::REP, setup)?;
        if path.exists() {
            return Err(of_class(ErrorClass::AlreadyExists, format!("a server is there: {}", path.display())));
        }
        port.socket.bind(&endpoint(&path)).map_err(refusal)?;
        Ok(Server { port, _place: Place::new(path) })
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Port> {
        let path = place::path(setup, "zmq")?;
        let port = Port::new(zmq::REQ, setup)?;
        // A socket would wait for a server to come.
        if !path.exists() {
            return Err(of_class(ErrorClass::DoesNotExist, format!("there is no server: {}", path.display())));
        }
        port.socket.connect(&endpoint(&path)).map_err(refusal)?;
        Ok(port)
    }
}

fn endpoint(path: &Path) -> String {
    format!("ipc://{}", path.display())
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn refusal(error: Error) -> Refusal {
    of_class(ErrorClass::Other, error.to_string())
}

fn of_class(class: ErrorClass, native: String) -> Refusal {
    Refusal::Error { class, native, setting: None }
}

#[cfg(test)]
mod tests;
