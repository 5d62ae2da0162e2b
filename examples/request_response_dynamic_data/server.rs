//! Answers every request with a slice of a growing length. See `client.rs`.

#[path = "../common/mod.rs"]
mod common;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use common::Cycles;
use shmark_engine::{AllocationStrategy, Node, ServiceName};

/// Longest slice that is sent.
const LEN_MAX: usize = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut cycles = Cycles::from_arguments(Duration::from_millis(100))?;
    let node = Node::builder().create()?;
    let name = ServiceName::new("example/dynamic_request_response")?;
    let service = node.service_builder(&name).request_response::<[u8], [u8]>().open_or_create()?;
    // A hint how long slices are at first; longer ones make the payload segment grow.
    let builder = service.server_builder().initial_max_slice_len(16);
    let server = builder.allocation_strategy(AllocationStrategy::PowerOfTwo).create()?;
    writeln!(stdout(), "ready to receive requests")?;

    let mut counter = 1;
    while cycles.next() {
        while let Some(active) = server.receive()? {
            writeln!(stdout(), "received request with {} bytes", active.payload().len())?;
            let len = LEN_MAX.min(counter * counter);
            let response = active.loan_slice_uninit(len)?.write_from_fn(|i| ((i + counter) % 255) as u8);
            writeln!(stdout(), "  send response with {} bytes", response.payload().len())?;
            response.send()?;
        }
        counter += 1;
    }
    writeln!(stdout(), "exit")?;
    Ok(())
}
