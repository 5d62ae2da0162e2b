//! shmark's peer for ipc-channel: one channel of bytes in each direction, so that nothing is serialized.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use ipc_channel::TryRecvError;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender};
use shmark_peer::kit;
use shmark_peer::kit::bench::place::{self, Place};
use shmark_peer::kit::bench::{Accepting, stamp};
use shmark_peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Hello, OpResult, Refusal, Waiting,
};
use shmark_peer::protocol::ErrorClass;

fn main() -> ExitCode {
    kit::serve_bench_only::<IpcChannel>(Hello::bench_only("ipc-channel", "0.23.1"))
}

struct IpcChannel;

/// What a client sends to the server that it knows by name: the server's ends.
type Ends = (IpcBytesReceiver, IpcBytesSender);

/// A side's ends.
struct Messages {
    incoming: IpcBytesReceiver,
    outgoing: IpcBytesSender,
    buffer: Vec<u8>,
    waiting: Waiting,
}

impl Messages {
    fn new((incoming, outgoing): Ends, setup: &BenchSetup) -> Self {
        let bytes = stamp::payload_bytes(setup).max(stamp::STAMP_BYTES);
        Self { incoming, outgoing, buffer: vec![0; bytes], waiting: setup.waiting }
    }
}

impl BenchClient for Messages {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        stamp::write(&mut self.buffer, sequence);
        self.outgoing.send(&self.buffer).map_err(|error| error.to_string())
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        let message = match self.waiting {
            Waiting::Spin => match self.incoming.try_recv() {
                Err(TryRecvError::Empty) => return Ok(None),
                other => other.map_err(|error| error.to_string())?,
            },
            // Channels of bytes have no receive with a time limit. This one ends when the other side does.
            Waiting::Block => self.incoming.recv().map_err(|error| error.to_string())?,
        };
        match stamp::read(&message) {
            Some(number) if message.len() == self.buffer.len() => Ok(Some(number)),
            _ => Err(format!("a payload of {} bytes came damaged", message.len())),
        }
    }
}

enum Connection {
    Accepting(Accepting<Ends>),
    Accepted(Messages),
}

struct Server {
    connection: Connection,
    setup: BenchSetup,
    name: String,
    _place: Place,
}

impl BenchServer for Server {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let messages = match &mut self.connection {
            Connection::Accepted(messages) => messages,
            Connection::Accepting(accepting) => {
                if let Some(ends) = accepting.poll(self.setup.waiting)? {
                    self.connection = Connection::Accepted(Messages::new(ends, &self.setup));
                }
                return Ok(None);
            }
        };
        let Some(sequence) = messages.poll()? else { return Ok(None) };
        for number in self.setup.load.numbers(sequence) {
            messages.send(number)?;
        }
        Ok(Some(sequence))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Connection::Accepting(_) = self.connection {
            // The thread that waits for a client ends with one.
            let _ = IpcSender::<Ends>::connect(self.name.clone());
        }
    }
}

impl BenchSubject for IpcChannel {
    type Client = Messages;
    type Server = Server;

    fn bench_server(setup: &BenchSetup) -> OpResult<Server> {
        let path = place::path(setup, "name")?;
        // Where the socket of a server is made. A process has one namespace, so the first one holds.
        let _ = tempfile::env::override_temp_dir(Path::new(&setup.root));
        let (server, name) = IpcOneShotServer::<Ends>::new().map_err(|error| other(&error))?;
        let mut file =
            fs::File::create_new(&path).map_err(|error| place::refusal("writing the name to", &path, &error))?;
        let place = Place::new(path.clone());
        std::io::Write::write_all(&mut file, name.as_bytes())
            .map_err(|error| place::refusal("writing the name to", &path, &error))?;
        let accept = move || match server.accept() {
            Ok((_, ends)) => Ok(ends),
            Err(error) => Err(error.to_string()),
        };
        let accepting = Accepting::start(accept).map_err(|error| other(&error))?;
        Ok(Server { connection: Connection::Accepting(accepting), setup: setup.clone(), name, _place: place })
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Messages> {
        let path = place::path(setup, "name")?;
        let name = fs::read_to_string(&path).map_err(|error| place::refusal("reading the name in", &path, &error))?;
        let (outgoing, requests) = ipc::bytes_channel().map_err(|error| other(&error))?;
        let (responses, incoming) = ipc::bytes_channel().map_err(|error| other(&error))?;
        let server = IpcSender::<Ends>::connect(name)
            .map_err(|error| place::refusal("connecting to the server named in", &path, &error))?;
        server.send((requests, responses)).map_err(|error| other(&error))?;
        Ok(Messages::new((incoming, outgoing), setup))
    }
}

fn other(error: &impl std::fmt::Display) -> Refusal {
    Refusal::Error { class: ErrorClass::Other, native: error.to_string(), setting: None }
}

#[cfg(test)]
mod tests;
