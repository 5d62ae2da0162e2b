//! The side that asks and is timed: many round trips between two readings of the clock.

use std::hint::spin_loop;
use std::path::Path;
use std::time::{Duration, Instant};

use shmark_engine::shm::Mapping;
use shmark_engine::{Client, PendingResponse, Response, TryReceived};

use super::line;
use super::message::Numbered;
use super::question::Question;
use super::{PATIENCE, POLLS, Res};

/// Does so many round trips, and says how long they took.
pub type Timed = Box<dyn FnMut(u64) -> Res<Duration>>;

/// Connects to the server, which is there already.
pub fn connect(question: Question, root: &Path) -> Res<Timed> {
    match question {
        Question::Line => {
            let line = Mapping::open(&Question::line(root), true)?;
            Ok(timed(move || line::over_and_back(&line.words()[0], POLLS, PATIENCE)))
        }
        Question::RoundTrip | Question::Stream => asking::<u64>(question, root),
        Question::Payload(_) => asking::<[u8]>(question, root),
    }
}

fn asking<P: Numbered + ?Sized + 'static>(question: Question, root: &Path) -> Res<Timed> {
    let client = question.service::<P>(root)?.client_builder().initial_max_slice_len(question.bytes()).create()?;
    let mut next = 0;
    Ok(timed(move || {
        let request = next;
        next += question.responses();
        exchange::<P>(&client, question, request)
    }))
}

fn timed(mut once: impl FnMut() -> Res<()> + 'static) -> Timed {
    Box::new(move |times| {
        // Not timed: criterion has kept this side busy with something else, and what both use may have left the caches.
        once()?;
        let begin = Instant::now();
        for _ in 0..times {
            once()?;
        }
        Ok(begin.elapsed())
    })
}

/// One request and all of its responses, whose numbers follow the request's.
#[inline]
fn exchange<P: Numbered + ?Sized>(client: &Client<P, P>, question: Question, request: u64) -> Res<()> {
    let pending = P::ask(client, question.bytes(), request)?;
    for expected in request + 1..=request + question.responses() {
        let number = receive(&pending)?.payload().number()?;
        if number != expected {
            return Err(format!("response {number} came, and not {expected}: one is lost, doubled or wrong").into());
        }
    }
    Ok(())
}

#[inline]
fn receive<P: Numbered + ?Sized>(pending: &PendingResponse<P>) -> Res<Response<P>> {
    let mut since = None;
    loop {
        for _ in 0..POLLS {
            match pending.try_receive()? {
                TryReceived::Received(response) => return Ok(response),
                TryReceived::Empty => spin_loop(),
                TryReceived::Disconnected => return Err("the server has dropped the request, or is gone".into()),
            }
        }
        if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            return Err(format!("no response for {} s", PATIENCE.as_secs()).into());
        }
    }
}
