//! Answers every request with one or more responses. See `client.rs`.

#[path = "../common/mod.rs"]
mod common;
mod data;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use common::Cycles;
use data::TransmissionData;
use shmark_engine::{Node, ServiceName};

fn main() -> Result<(), Box<dyn Error>> {
    let mut cycles = Cycles::from_arguments(Duration::from_millis(100))?;
    let node = Node::builder().create()?;
    let name = ServiceName::new("My/Funk/ServiceName")?;
    let service = node.service_builder(&name).request_response::<u64, TransmissionData>().open_or_create()?;
    let server = service.server_builder().create()?;
    writeln!(stdout(), "ready to receive requests")?;

    let mut counter = 0;
    while cycles.next() {
        while let Some(active) = server.receive()? {
            writeln!(stdout(), "received request {}", *active)?;
            active.send_copy(TransmissionData { x: 5 + counter, y: 6 * counter, funky: 7.77 })?;
            // A request may be answered by any number of responses.
            for n in 0..*active % 2 {
                let n = n as i32;
                let data =
                    TransmissionData { x: counter * (n + 1), y: counter + n, funky: f64::from(counter) * 0.1234 };
                let response = active.loan_uninit()?.write_payload(data);
                writeln!(stdout(), "  send response {:?}", *response)?;
                response.send()?;
            }
            // Here the request is dropped, which tells the client that no more responses come.
        }
        counter += 1;
    }
    writeln!(stdout(), "exit")?;
    Ok(())
}
