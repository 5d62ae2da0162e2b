//! Checks of a benchmark's ports within one process, for the tests of a peer: no calibration, and nothing is timed.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::load::Load;
use crate::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Element, Kind, PayloadSpec, Qos, Refusal, Waiting,
};

/// A minute is for machines that are busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plain round trips of slices of `len` bytes in the namespace `root`.
pub fn setup(root: &str, len: usize, waiting: Waiting) -> BenchSetup {
    BenchSetup {
        root: root.to_owned(),
        service: "any/name at all".to_owned(),
        payload: PayloadSpec { element: Element::Bytes, kind: Kind::Slice, align: None },
        len,
        waiting,
        load: Load::default(),
        qos: Qos::default(),
    }
}

/// Creates both sides, each in a thread of its own, and has `requests` answered in order, as many at a time as the load says.
///
/// # Errors
/// What a side says, a number that was not next, or that nothing came within a minute.
pub fn round_trips<B: BenchSubject>(setup: &BenchSetup, requests: u64) -> Result<(), String> {
    let server = Server::start::<B>(setup, requests)?;
    exchange(&mut B::bench_client(setup).map_err(|refusal| text(&refusal))?, setup, requests)?;
    server.end()
}

/// Drops the client after a round trip; the server's next `serve` has to come back, with nothing or an error.
///
/// # Errors
/// That it did not within a minute, and as [`round_trips`].
pub fn server_outlives_its_client<B: BenchSubject>(setup: &BenchSetup) -> Result<(), String> {
    let server = Server::start::<B>(setup, 1)?;
    exchange(&mut B::bench_client(setup).map_err(|refusal| text(&refusal))?, setup, 1)?;
    server.go.send(()).map_err(|_| "the server is gone".to_owned())?;
    server.end()
}

/// A server in a thread of its own. Not joined, so that one that never comes back is an error and no test that hangs.
struct Server {
    events: Receiver<Result<(), String>>,
    /// Told to serve once more; dropped, to end.
    go: Sender<()>,
}

impl Server {
    fn start<B: BenchSubject>(setup: &BenchSetup, requests: u64) -> Result<Self, String> {
        let ((tell, events), (go, told)) = (channel(), channel());
        let setup = setup.clone();
        thread::spawn(move || {
            // If the client has failed, nobody listens any more.
            let _ = tell.send(serve::<B>(&setup, requests, &tell, &told));
        });
        let server = Self { events, go };
        outcome(&server.events)?;
        Ok(server)
    }

    /// Returns when the port is dropped.
    fn end(self) -> Result<(), String> {
        let Self { events, go } = self;
        drop(go);
        outcome(&events)
    }
}

fn outcome(events: &Receiver<Result<(), String>>) -> Result<(), String> {
    events.recv_timeout(PATIENCE).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => "the server did not come back within a minute".to_owned(),
            RecvTimeoutError::Disconnected => "the server panicked".to_owned(),
        })
    })
}

fn serve<B: BenchSubject>(
    setup: &BenchSetup,
    requests: u64,
    tell: &Sender<Result<(), String>>,
    told: &Receiver<()>,
) -> Result<(), String> {
    let mut server = B::bench_server(setup).map_err(|refusal| text(&refusal))?;
    let _ = tell.send(Ok(()));
    for number in 1..=requests {
        next("request", number, || server.serve())?;
    }
    if told.recv().is_ok() {
        let _ = server.serve();
    }
    Ok(())
}

fn exchange(client: &mut impl BenchClient, setup: &BenchSetup, requests: u64) -> Result<(), String> {
    let mut sent = 0;
    for answered in 0..requests {
        while sent < requests && sent - answered < setup.load.outstanding as u64 {
            sent += 1;
            client.send(sent)?;
        }
        for number in setup.load.numbers(answered + 1) {
            next("response", number, || client.poll())?;
        }
    }
    Ok(())
}

/// Polls for a message, which has to carry `number`.
fn next(what: &str, number: u64, mut poll: impl FnMut() -> Result<Option<u64>, String>) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match poll()? {
            Some(came) if came == number => return Ok(()),
            Some(came) => return Err(format!("{what} {came} came instead of {number}")),
            None if Instant::now() > deadline => return Err(format!("no {what} {number} within a minute")),
            None => thread::yield_now(),
        }
    }
}

fn text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unsupported(why) => format!("unsupported: {why}"),
        Refusal::Error { native, .. } => native.clone(),
    }
}
