//! shmark's peer for Aeron: one stream over `aeron:ipc` in each direction, with the C client and driver of Aeron.
//!
//! The media driver, which sets up streams and is not on the way of a message, runs in threads of the server's process.

mod driver;
mod ports;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rusteron_media_driver::{Aeron, AeronCError, AeronContext, IntoCString as _};
use shmark_peer::kit;
use shmark_peer::kit::bench::place::{self, unsupported};
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{
    BenchServer, BenchSetup, BenchSubject, Hello, Load, OpResult, Refusal, Waiting,
};
use shmark_peer::protocol::ErrorClass;

use driver::Driver;
use ports::{Direction, Port};

fn main() -> ExitCode {
    kit::serve_bench_only::<AeronIpc>(Hello::bench_only("aeron", "0.2.16"))
}

/// Longest message of Aeron, whatever the length of a term.
const PAYLOAD_MAX: usize = 16 << 20;
/// For the driver to make a stream.
const SETUP_PATIENCE: Duration = Duration::from_secs(5);

struct AeronIpc;

/// A server with the driver of both sides, which goes last.
struct Server {
    port: Port,
    load: Load,
    _driver: Driver,
}

impl BenchServer for Server {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let Some(sequence) = self.port.receive()? else { return Ok(None) };
        for number in self.load.numbers(sequence) {
            self.port.send(number)?;
        }
        Ok(Some(sequence))
    }
}

impl BenchSubject for AeronIpc {
    type Client = Port;
    type Server = Server;

    fn bench_server(setup: &BenchSetup) -> OpResult<Server> {
        let (folder, bytes) = (place::path(setup, "aeron")?, payload_bytes(setup)?);
        let driver = Driver::launch(&folder)?;
        let aeron = connect(&folder)?;
        let port = Port::new(&aeron, Direction::Responses, bytes, &setup.load).map_err(|error| refusal(&error))?;
        Ok(Server { port, load: setup.load, _driver: driver })
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<Port> {
        let (folder, bytes) = (place::path(setup, "aeron")?, payload_bytes(setup)?);
        if !folder.exists() {
            let native = format!("there is no server: {}", folder.display());
            return Err(Refusal::Error { class: ErrorClass::DoesNotExist, native, setting: None });
        }
        Port::new(&connect(&folder)?, Direction::Requests, bytes, &setup.load).map_err(|error| refusal(&error))
    }
}

/// # Errors
/// What a benchmark can ask for and Aeron has not.
fn payload_bytes(setup: &BenchSetup) -> OpResult<usize> {
    if setup.waiting == Waiting::Block {
        return Err(unsupported(
            "a subscription of Aeron can only be polled; what it calls idle strategies sleep for a time",
        ));
    }
    let bytes = stamp::payload_bytes(setup).max(stamp::STAMP_BYTES);
    if bytes > PAYLOAD_MAX {
        return Err(unsupported(format!("a message of Aeron has at most {PAYLOAD_MAX} bytes")));
    }
    Ok(bytes)
}

fn connect(folder: &Path) -> OpResult<Aeron> {
    let connect = || {
        let context = AeronContext::new()?;
        context.set_dir(&folder.to_string_lossy().as_ref().into_c_string())?;
        // As its own benchmarks: no page is touched for the first time while a trial runs.
        context.set_pre_touch_mapped_memory(true)?;
        let aeron = Aeron::new(&context)?;
        aeron.start()?;
        Ok(aeron)
    };
    connect().map_err(|error: AeronCError| refusal(&error))
}

fn refusal(error: &impl ToString) -> Refusal {
    Refusal::Error { class: ErrorClass::Other, native: error.to_string(), setting: None }
}
