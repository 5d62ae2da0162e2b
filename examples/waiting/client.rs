//! Asks two services at once and sleeps until both have answered. Start the server first:
//!
//!     cargo run --example waiting_server
//!     cargo run --example waiting_client

#[path = "../common/mod.rs"]
mod common;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use common::Cycles;
use shmark_engine::{Node, Readiness, ServiceName, WaitSet, Waited};

fn main() -> Result<(), Box<dyn Error>> {
    let mut cycles = Cycles::from_arguments(Duration::from_secs(1))?;
    let node = Node::builder().create()?;
    let mut clients = Vec::new();
    for name in ["My/Squares", "My/Cubes"] {
        let service = node.service_builder(&ServiceName::new(name)?).request_response::<u64, u64>().open_or_create()?;
        clients.push((name, service.client_builder().create()?));
    }

    let mut number = 1;
    while cycles.next() {
        let mut set = WaitSet::new();
        let mut pending = Vec::new();
        for (name, client) in &clients {
            let answer = client.send_copy(number)?;
            pending.push((set.attach(&answer), *name, answer));
        }
        // Asleep until there is an answer, or nobody left who could give one.
        while !set.is_empty() {
            let events = match set.wait(Duration::from_secs(5)) {
                Waited::Received(events) => events.to_vec(),
                Waited::Timeout => return Err("no answer within 5 seconds".into()),
                Waited::Disconnected => break,
            };
            for event in events {
                let Some((_, name, answer)) = pending.iter().find(|(id, ..)| *id == event.id) else { continue };
                if let Some(response) = answer.receive()? {
                    writeln!(stdout(), "{name}: {number} becomes {}, received response", *response)?;
                }
                if event.readiness == Readiness::Disconnected {
                    writeln!(stdout(), "{name}: nothing more comes")?;
                    set.detach(event.id);
                }
            }
        }
        number += 1;
    }
    writeln!(stdout(), "exit")?;
    Ok(())
}
