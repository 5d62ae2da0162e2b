//! The side that answers, a process of its own.

use std::hint::spin_loop;
use std::io::{self, Read};
use std::path::Path;
use std::thread::{self, JoinHandle};

use shmark_engine::shm::Mapping;

use super::message::Numbered;
use super::question::Question;
use super::{POLLS, Res, line, pin_to};

/// Polls between two looks at whether the client has left: the look is one word to read.
const POLLS_TO_LEAVE: u32 = 1 << 12;

/// Answers until standard input ends, which it does when the client's process does. `said` is asked for each number that is
/// about to be sent: what is sent for it, if anything.
pub fn serve(arguments: &[String], said: impl Fn(u64) -> Option<u64>) -> Res<()> {
    let [question, root, processor] = arguments else {
        return Err("a server needs what it serves, its folder and its processor".into());
    };
    let (question, root, processor) = (question.parse()?, Path::new(root), processor.parse()?);
    match question {
        Question::Line => {
            let line = Mapping::open(&Question::line(root), true)?;
            let left = ready(processor)?;
            while !left.is_finished() {
                line::answer(&line.words()[0], POLLS, &said);
            }
            Ok(())
        }
        Question::RoundTrip | Question::Stream => answer::<u64>(question, root, processor, said),
        Question::Payload(_) => answer::<[u8]>(question, root, processor, said),
    }
}

/// Says that clients can connect. The thread ends with standard input.
fn ready(processor: usize) -> Res<JoinHandle<io::Result<usize>>> {
    println!("ready");
    let left = thread::spawn(|| io::stdin().read_to_end(&mut Vec::new()));
    pin_to(processor)?;
    Ok(left)
}

fn answer<P: Numbered + ?Sized>(
    question: Question,
    root: &Path,
    processor: usize,
    said: impl Fn(u64) -> Option<u64>,
) -> Res<()> {
    let server = question.service::<P>(root)?.server_builder().initial_max_slice_len(question.bytes()).create()?;
    let left = ready(processor)?;
    let mut expected = 0;
    while !left.is_finished() {
        for _ in 0..POLLS_TO_LEAVE {
            let Some(active) = server.receive()? else {
                spin_loop();
                continue;
            };
            let request = active.payload().number()?;
            if request != expected {
                return Err(format!("request {request} came, and not {expected}: one is lost, doubled or wrong").into());
            }
            expected += question.responses();
            for number in request + 1..=expected {
                if let Some(number) = said(number) {
                    P::answer(&active, number)?;
                }
            }
        }
    }
    Ok(())
}
