//! Sends a counter every second and prints every response. Start any number of servers and clients, in any order:
//!
//!     cargo run --example request_response_server
//!     cargo run --example request_response_client

#[path = "../common/mod.rs"]
mod common;
mod data;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use common::Cycles;
use data::TransmissionData;
use shmark_engine::error::ReceiveTimeoutError;
use shmark_engine::{Node, ServiceName};

fn main() -> Result<(), Box<dyn Error>> {
    let mut cycles = Cycles::from_arguments(Duration::from_secs(1))?;
    let node = Node::builder().create()?;
    let name = ServiceName::new("My/Funk/ServiceName")?;
    let service = node.service_builder(&name).request_response::<u64, TransmissionData>().open_or_create()?;
    let client = service.client_builder().create()?;

    let mut request_counter = 0;
    let mut response_counter = 0;
    loop {
        writeln!(stdout(), "send request {request_counter} ...")?;
        // Without a copy: the value is written where the server will read it.
        let request = client.loan_uninit()?.write_payload(request_counter);
        let pending = request.send()?;
        // Ends when every server is done with the request, or is gone; at once if there is none.
        for response in pending.responses(Duration::from_secs(1)) {
            match response {
                Ok(response) => {
                    writeln!(stdout(), "  received response {response_counter}: {:?}", *response)?;
                    response_counter += 1;
                }
                Err(ReceiveTimeoutError::Timeout { .. }) => writeln!(stdout(), "  no response within a second")?,
                Err(error) => return Err(error.into()),
            }
        }
        if !cycles.next() {
            break;
        }
        request_counter += 1;
    }
    writeln!(stdout(), "exit")?;
    Ok(())
}
