//! Sends slices of a growing length every second. Start any number of servers and clients, in any order:
//!
//!     cargo run --example request_response_dynamic_data_server
//!     cargo run --example request_response_dynamic_data_client

#[path = "../common/mod.rs"]
mod common;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use common::Cycles;
use shmark_engine::{AllocationStrategy, Node, ServiceName, TryReceived};

/// Longest slice that is sent.
const LEN_MAX: usize = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut cycles = Cycles::from_arguments(Duration::from_secs(1))?;
    let node = Node::builder().create()?;
    let name = ServiceName::new("example/dynamic_request_response")?;
    let service = node.service_builder(&name).request_response::<[u8], [u8]>().open_or_create()?;
    // A hint how long slices are at first; longer ones make the payload segment grow.
    let builder = service.client_builder().initial_max_slice_len(16);
    let client = builder.allocation_strategy(AllocationStrategy::PowerOfTwo).create()?;

    let send = |counter: usize| -> Result<_, Box<dyn Error>> {
        let len = LEN_MAX.min(counter * counter);
        let request = client.loan_slice_uninit(len)?.write_from_fn(|i| ((i + counter) % 255) as u8);
        writeln!(stdout(), "send request {counter} with {len} bytes ...")?;
        Ok(request.send()?)
    };
    let mut counter = 1;
    let mut pending = send(counter)?;
    while cycles.next() {
        // Never waits, so there may be other things to do in each cycle.
        loop {
            match pending.try_receive()? {
                TryReceived::Received(response) => {
                    writeln!(stdout(), "  received response with {} bytes", response.payload().len())?;
                }
                TryReceived::Empty => break,
                // Every server is done with the request, or is gone, and all that they sent is received.
                TryReceived::Disconnected => {
                    counter += 1;
                    pending = send(counter)?;
                    break;
                }
            }
        }
    }
    writeln!(stdout(), "exit")?;
    Ok(())
}
