//! Sends a counter every second and prints every response. Start any number of servers and clients, in any order:
//!
//!     cargo run --example request_response_server
//!     cargo run --example request_response_client

#[path = "../common/mod.rs"]
mod common;
mod data;

use std::error::Error;
use std::time::Duration;

use common::Cycles;
use data::TransmissionData;
use shmark::engine::{Node, ServiceName};

fn main() -> Result<(), Box<dyn Error>> {
    let mut cycles = Cycles::from_arguments(Duration::from_secs(1))?;
    let node = Node::builder().create()?;
    let name = ServiceName::new("My/Funk/ServiceName")?;
    let service = node.service_builder(&name).request_response::<u64, TransmissionData>().open_or_create()?;
    let client = service.client_builder().create()?;

    let mut request_counter = 0;
    let mut response_counter = 0;
    println!("send request {request_counter} ...");
    // The short way: the value is copied into shared memory.
    let mut pending = client.send_copy(request_counter)?;

    while cycles.next() {
        while let Some(response) = pending.receive()? {
            println!("  received response {response_counter}: {:?}", *response);
            response_counter += 1;
        }
        request_counter += 1;
        // The way without a copy: the value is written where the server will read it.
        let request = client.loan_uninit()?.write_payload(request_counter);
        pending = request.send()?;
        println!("send request {request_counter} ...");
    }
    println!("exit");
    Ok(())
}
