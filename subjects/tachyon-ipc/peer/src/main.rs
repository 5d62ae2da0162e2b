//! shmark's peer for tachyon-ipc: calls and replies over its RPC bus, two rings in shared memory.
//!
//! Its calls for receiving have no time limit and do not notice that the other process is gone. A peer that is left alone
//! waits until the runner ends it, as one that reads from a pipe.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use shmark_peer::kit;
use shmark_peer::kit::bench::load::Timing;
use shmark_peer::kit::bench::place::{self, Place, unsupported};
use shmark_peer::kit::bench::{Accepting, stamp};
use shmark_peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Hello, OpResult, Refusal, Waiting,
};
use shmark_peer::protocol::ErrorClass;
use tachyon_ipc::{RpcBus, TachyonError};

fn main() -> ExitCode {
    kit::serve_bench_only::<Tachyon>(Hello::bench_only("tachyon-ipc", "0.5.1"))
}

/// Alignment of messages in a ring, and bytes of the header of each.
const LINE: usize = 64;
/// A ring has room again only when so many more messages were received.
const HELD_BACK: usize = 32;
/// The ring of the library's own examples.
const RING_MIN: usize = 1 << 16;
/// A ring's length is a power of two and a 32-bit number.
const RING_MAX: usize = 1 << 31;
/// Polls before a receive sleeps, as in its documentation.
const SPINS: u32 = 10_000;
/// A server that is there listens after so long.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

struct Tachyon;

/// What both sides are set up with.
#[derive(Clone, Copy)]
struct Plan {
    bytes: usize,
    waiting: Waiting,
    ring: usize,
}

impl Plan {
    fn check(setup: &BenchSetup) -> OpResult<Self> {
        if setup.load.timing == Timing::OpenLoop {
            return Err(unsupported("tachyon-ipc has no receive that does not block, which an open loop needs"));
        }
        if setup.load.responses > 1 {
            return Err(unsupported("a call of tachyon-ipc has one reply"));
        }
        let bytes = stamp::payload_bytes(setup).max(stamp::STAMP_BYTES);
        // One more, for what is skipped at the end of the ring.
        let messages = HELD_BACK + setup.load.outstanding + 1;
        let ring =
            bytes.checked_next_multiple_of(LINE).and_then(|bytes| bytes.checked_add(LINE)?.checked_mul(messages));
        match ring.and_then(usize::checked_next_power_of_two) {
            Some(ring) if ring <= RING_MAX => Ok(Self { bytes, waiting: setup.waiting, ring: ring.max(RING_MIN) }),
            _ => Err(unsupported(format!("{messages} payloads of {bytes} bytes do not fit into a ring of 2 GiB"))),
        }
    }

    /// Polls before a receive sleeps.
    fn spins(&self) -> u32 {
        match self.waiting {
            Waiting::Spin => u32::MAX,
            Waiting::Block => SPINS,
        }
    }
}

struct Client {
    bus: RpcBus,
    plan: Plan,
    /// Oldest first.
    calls: VecDeque<u64>,
}

impl BenchClient for Client {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        let mut slot = self.bus.acquire_call(self.plan.bytes).map_err(text)?;
        stamp::write(&mut slot.as_mut_slice()[..self.plan.bytes], sequence);
        self.calls.push_back(slot.commit(self.plan.bytes, 0).map_err(text)?);
        Ok(())
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        let Some(&call) = self.calls.front() else { return Ok(None) };
        let response = self.bus.wait(call, self.plan.spins()).map_err(text)?;
        let number = read(response.data())?;
        response.commit().map_err(text)?;
        self.calls.pop_front();
        Ok(Some(number))
    }
}

enum Connection {
    Accepting(Accepting<RpcBus>),
    Accepted(RpcBus),
}

struct Server {
    connection: Connection,
    plan: Plan,
    socket: PathBuf,
    _place: Place,
}

impl BenchServer for Server {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let bus = match &self.connection {
            Connection::Accepted(bus) => bus,
            Connection::Accepting(accepting) => {
                if let Some(bus) = accepting.poll(self.plan.waiting)? {
                    self.connection = Connection::Accepted(bus);
                }
                return Ok(None);
            }
        };
        let request = match bus.serve(self.plan.spins()) {
            Err(TachyonError::Interrupted) => return Ok(None),
            other => other.map_err(text)?,
        };
        let (call, sequence) = (request.correlation_id, read(request.data())?);
        // Before the reply, as its documentation asks for.
        request.commit().map_err(text)?;
        let mut slot = bus.acquire_reply(call, self.plan.bytes).map_err(text)?;
        stamp::write(&mut slot.as_mut_slice()[..self.plan.bytes], sequence);
        slot.commit(self.plan.bytes, 0).map_err(text)?;
        Ok(Some(sequence))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Connection::Accepting(_) = self.connection {
            // The thread that waits for a client ends with one. It may not listen yet, or have failed to.
            let deadline = Instant::now() + CONNECT_PATIENCE;
            while UnixStream::connect(&self.socket).is_err() && Instant::now() < deadline {
                thread::yield_now();
            }
        }
    }
}

impl BenchSubject for Tachyon {
    type Client = Client;
    type Server = Server;

    fn bench_server(setup: &BenchSetup) -> OpResult<Server> {
        let socket = place::path(setup, "sock")?;
        let plan = Plan::check(setup)?;
        if socket.exists() {
            return Err(refusal(ErrorClass::AlreadyExists, format!("a server is there: {}", socket.display())));
        }
        let name = socket.to_string_lossy().into_owned();
        let listen = move || {
            let bus = RpcBus::listen(&name, plan.ring, plan.ring).map_err(|error| format!("{error}: {name}"))?;
            bus.set_polling_mode(plan.waiting == Waiting::Spin);
            Ok(bus)
        };
        let accepting =
            Accepting::start(listen).map_err(|error| place::refusal("waiting for a client at", &socket, &error))?;
        Ok(Server { connection: Connection::Accepting(accepting), plan, _place: Place::new(socket.clone()), socket })
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Client> {
        let socket = place::path(setup, "sock")?;
        let plan = Plan::check(setup)?;
        let name = socket.to_string_lossy();
        let deadline = Instant::now() + CONNECT_PATIENCE;
        // Its `listen` does not say when it does, so that a client tries again, as in its own benchmark.
        let bus = loop {
            match RpcBus::connect(&name) {
                Ok(bus) => break bus,
                Err(error) if Instant::now() > deadline => {
                    return Err(refusal(ErrorClass::DoesNotExist, format!("{error}: {name}")));
                }
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        };
        bus.set_polling_mode(plan.waiting == Waiting::Spin);
        Ok(Client { bus, plan, calls: VecDeque::with_capacity(setup.load.outstanding) })
    }
}

fn read(payload: &[u8]) -> Result<u64, String> {
    stamp::read(payload).ok_or_else(|| format!("a payload of {} bytes came damaged", payload.len()))
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn text(error: TachyonError) -> String {
    error.to_string()
}

fn refusal(class: ErrorClass, native: String) -> Refusal {
    Refusal::Error { class, native, setting: None }
}

#[cfg(test)]
mod tests;
