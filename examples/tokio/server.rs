//! A server in an async runtime: one thread waits for requests, for a timer and for signals. See `client.rs`.

mod wait;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use shmark_engine::{Node, PollSet, ServiceName};
use tokio::signal::unix::{SignalKind, signal};

// Ports belong to one thread, so does the runtime. Several threads get a port each, and `LocalSet` runs several tasks.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut every_second = tokio::time::interval(Duration::from_secs(1));

    let node = Node::builder().create()?;
    let name = ServiceName::new("My/Async/Squares")?;
    let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
    let server = service.server_builder().create()?;
    let mut set = PollSet::new()?;
    set.attach(&server)?;
    let mut set = wait::register(set)?;
    writeln!(stdout(), "ready to receive requests")?;

    let mut answered = 0;
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = every_second.tick() => writeln!(stdout(), "answered {answered} requests")?,
            events = wait::ready(&mut set) => {
                // Of the one server: there are requests, or its last client has gone.
                events?;
                while let Some(active) = server.receive()? {
                    writeln!(stdout(), "received request {}", *active)?;
                    active.send_copy(active.wrapping_mul(*active))?;
                    answered += 1;
                }
            }
        }
    }
    writeln!(stdout(), "exit")?;
    Ok(())
}
