//! Sends several requests at once and awaits their responses, in an async runtime. Start the server first:
//!
//!     cargo run --example tokio_server
//!     cargo run --example tokio_client

mod wait;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use shmark_engine::{Client, Node, PollSet, Readiness, ServiceName};
use tokio::signal::unix::{SignalKind, signal};

/// Requests that are under way at once.
const REQUESTS: u64 = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut cycles_left: Option<u64> = std::env::args().nth(1).map(|count| count.parse()).transpose()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut every_second = tokio::time::interval(Duration::from_secs(1));

    let node = Node::builder().create()?;
    let name = ServiceName::new("My/Async/Squares")?;
    let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
    let client = service.client_builder().create()?;

    let mut first = 1;
    while cycles_left != Some(0) {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = every_second.tick() => {}
        }
        let answers = ask(&client, first..first + REQUESTS);
        match tokio::time::timeout(Duration::from_secs(5), answers).await {
            Ok(done) => done?,
            Err(_) => return Err("no answer within 5 seconds".into()),
        }
        first += REQUESTS;
        cycles_left = cycles_left.map(|left| left - 1);
    }
    writeln!(stdout(), "exit")?;
    Ok(())
}

/// Sends all `numbers` and returns when nothing more can come. Dropping it takes the requests back.
async fn ask(client: &Client<u64, u64>, numbers: std::ops::Range<u64>) -> Result<(), Box<dyn Error>> {
    let mut set = wait::register(PollSet::new()?)?;
    let mut pending = Vec::new();
    for number in numbers {
        let answer = client.send_copy(number)?;
        pending.push((set.get_mut().attach(&answer)?, number, answer));
    }
    while !pending.is_empty() {
        for event in wait::ready(&mut set).await? {
            let Some(index) = pending.iter().position(|(id, ..)| *id == event.id) else { continue };
            let (id, number, answer) = &pending[index];
            if let Some(response) = answer.receive()? {
                writeln!(stdout(), "{number} squared is {}, received response", *response)?;
            }
            if event.readiness == Readiness::Disconnected {
                set.get_mut().detach(*id);
                pending.swap_remove(index);
            }
        }
    }
    Ok(())
}
