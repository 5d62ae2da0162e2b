//! shmark's peer for POSIX message queues: one in each direction.
//!
//! Queues have names of their own, outside of any folder. A client that has opened both takes the names away, so that nothing
//! is left of processes that are killed; of a server that is killed before it had a client, its two names are.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use posixmq::{OpenOptions, PosixMq};
use shmark_peer::kit;
use shmark_peer::kit::bench::place::{self, unsupported};
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Hello, Load, OpResult, Waiting,
};
use shmark_peer::kit::payload::crc32;

fn main() -> ExitCode {
    kit::serve_bench_only::<Queues>(Hello::bench_only("posix-mq", "1.0.0"))
}

/// Longest sleep of a blocking receive.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// A message that cannot be sent for so long means that nobody receives any more.
const SEND_PATIENCE: Duration = Duration::from_secs(10);

struct Queues;

/// Names of the queues of requests and responses, and what they have to hold.
struct Plan {
    names: [String; 2],
    bytes: usize,
    messages: usize,
    waiting: Waiting,
}

impl Plan {
    fn check(setup: &BenchSetup) -> OpResult<Self> {
        let place = place::path(setup, "mq")?;
        let bytes = stamp::payload_bytes(setup).max(stamp::STAMP_BYTES);
        let messages = setup.load.outstanding.saturating_mul(setup.load.responses);
        for (file, wanted, what) in
            [("msgsize_max", bytes, "bytes in a message"), ("msg_max", messages, "messages in a queue")]
        {
            // A system without the file has no such limit, or no queues, which opening one says.
            let limit = std::fs::read_to_string(Path::new("/proc/sys/fs/mqueue").join(file)).unwrap_or_default();
            if limit.trim_end().parse().is_ok_and(|limit: usize| wanted > limit) {
                let limit = limit.trim_end();
                return Err(unsupported(format!("the system allows {limit} {what} (fs.mqueue.{file}), not {wanted}")));
            }
        }
        // The last part of the namespace's path is for whoever looks at the names; the checksum tells the paths apart.
        let root = Path::new(&setup.root);
        let last = root.file_name().unwrap_or_default().to_string_lossy();
        let stem = format!("/{last}-{:08x}", crc32(place.as_os_str().as_encoded_bytes()));
        let names = ["requests", "responses"].map(|direction| format!("{stem}-{direction}"));
        Ok(Self { names, bytes, messages, waiting: setup.waiting })
    }

    fn open(&self, name: &str, mut options: OpenOptions, how: impl Fn(&mut OpenOptions)) -> OpResult<PosixMq> {
        how(&mut options);
        if self.waiting == Waiting::Spin {
            options.nonblocking();
        }
        options.open(name).map_err(|error| place::refusal("opening the queue", Path::new(name), &error))
    }

    fn ends(&self, incoming: PosixMq, outgoing: PosixMq) -> Ends {
        Ends { incoming, outgoing, buffer: vec![0; self.bytes], waiting: self.waiting }
    }
}

/// A side's queues.
struct Ends {
    incoming: PosixMq,
    outgoing: PosixMq,
    buffer: Vec<u8>,
    waiting: Waiting,
}

impl BenchClient for Ends {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        stamp::write(&mut self.buffer, sequence);
        // A queue holds all that is under way, so that neither waits.
        let sent = match self.waiting {
            Waiting::Spin => self.outgoing.send(0, &self.buffer),
            Waiting::Block => self.outgoing.send_timeout(0, &self.buffer, SEND_PATIENCE),
        };
        sent.map_err(|error| format!("a message could not be sent: {error}"))
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        let received = match self.waiting {
            Waiting::Spin => self.incoming.recv(&mut self.buffer),
            Waiting::Block => self.incoming.recv_timeout(&mut self.buffer, SLEEP_MAX),
        };
        match received {
            Ok((_, bytes)) => match stamp::read(&self.buffer[..bytes]) {
                Some(number) if bytes == self.buffer.len() => Ok(Some(number)),
                _ => Err(format!("a payload of {bytes} bytes came damaged")),
            },
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(format!("a message could not be received: {error}")),
        }
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

struct Server {
    ends: Ends,
    load: Load,
    _names: [Name; 2],
}

impl BenchServer for Server {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let Some(sequence) = self.ends.poll()? else { return Ok(None) };
        for number in self.load.numbers(sequence) {
            self.ends.send(number)?;
        }
        Ok(Some(sequence))
    }
}

/// A queue that loses its name when this is dropped.
struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        // The other side may have done it already.
        let _ = posixmq::remove_queue(&self.0);
    }
}

impl BenchSubject for Queues {
    type Client = Ends;
    type Server = Server;

    fn bench_server(setup: &BenchSetup) -> OpResult<Server> {
        let plan = Plan::check(setup)?;
        let create = |options: &mut OpenOptions| {
            options.create_new().mode(0o600).capacity(plan.messages).max_msg_len(plan.bytes);
        };
        let incoming = plan.open(&plan.names[0], OpenOptions::readonly(), create)?;
        let requests = Name(plan.names[0].clone());
        let outgoing = plan.open(&plan.names[1], OpenOptions::writeonly(), create)?;
        let responses = Name(plan.names[1].clone());
        Ok(Server { ends: plan.ends(incoming, outgoing), load: setup.load, _names: [requests, responses] })
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Ends> {
        let plan = Plan::check(setup)?;
        let incoming = plan.open(&plan.names[1], OpenOptions::readonly(), |_| ())?;
        let outgoing = plan.open(&plan.names[0], OpenOptions::writeonly(), |_| ())?;
        let ends = plan.ends(incoming, outgoing);
        drop(plan.names.map(Name));
        Ok(ends)
    }
}

#[cfg(test)]
mod tests;
