//! Many processes that start at once and use one service. Nobody is stopped, so nobody may fail.

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use shmark_engine::{Config, Node};

use crate::common::{DEADLINE, Scratch, numbers, until};
use crate::processes::Process;

/// For `SHMARK_STORM` processes beside `SHMARK_STORM_BUSY` that only use the processors: far beyond what it takes.
const STORM_DEADLINE: Duration = Duration::from_secs(300);

fn from_environment(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |value| value.parse().unwrap())
}

/// What each process does: everything that takes the service's lock.
pub fn one_life(root: &Path, processes: usize) -> Result<(), Box<dyn Error>> {
    let node = Node::builder().config(Config::default()).root(root).create()?;
    let service = numbers(&node).max_nodes(processes).max_clients(processes).open_or_create()?;
    let client = service.client_builder().create()?;
    client.send_copy(1)?;
    Ok(())
}

#[test]
fn everybody_who_starts_at_once_gets_in() {
    let processes = from_environment("SHMARK_STORM", 40);
    let busy = from_environment("SHMARK_STORM_BUSY", 0);
    for round in 1..=from_environment("SHMARK_STORM_ROUNDS", 1) {
        let scratch = Scratch::new();
        let process = |role| Process::begin(role, scratch.path(), processes as u64);
        let mut starting: Vec<_> = (0..processes).map(|_| process("storm")).collect();
        starting.iter_mut().for_each(Process::wait_until_ready);
        let busy: Vec<_> = (0..busy).map(|_| Process::start("busy", scratch.path(), 0)).collect();
        let began = Instant::now();
        starting.iter_mut().for_each(Process::go);
        for process in &mut starting {
            while !process.has_ended() {
                assert!(began.elapsed() < STORM_DEADLINE, "a process has not ended within {STORM_DEADLINE:?}");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let took = began.elapsed();
        drop(busy);
        let said: Vec<_> = starting.into_iter().map(Process::said).collect();
        let failed: Vec<_> = said.iter().filter(|said| !said.contains("\ndone")).map(|said| said.trim()).collect();
        println!("round {round}: {} of {processes} failed, {took:.1?}", failed.len());
        assert!(failed.is_empty(), "{} of {processes} failed although nobody was stopped: {failed:?}", failed.len());
        scratch.assert_empty();
    }
}

/// Waits until a process waits for a file's lock, in the kernel or by trying.
fn until_blocked(process: &Process) {
    let mark = format!(" {} ", process.id());
    until("a process waits for the lock", || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("-> FLOCK") && line.contains(&mark))
    });
}

/// One that waits at the front of the queue and is stopped there does not keep its turn.
#[test]
fn a_stopped_process_that_waits_for_the_lock_stops_nobody() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    let lock = File::open(scratch.path().join(&scratch.files_like("lock")[0])).unwrap();
    lock.lock().unwrap();
    let [mut first, mut second] = [(); 2].map(|()| {
        let process = Process::begin("open-or-create", scratch.path(), 0);
        until_blocked(&process);
        process
    });
    first.signal(Signal::SIGSTOP);
    // A signal takes effect when each thread has seen it; until then it could still take the lock.
    until("a process has stopped", || first.is_stopped());
    lock.unlock().unwrap();
    let began = Instant::now();
    second.wait_until_ready();
    drop(service.client_builder().create().unwrap());
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    first.signal(Signal::SIGCONT);
    first.wait_until_ready();
    first.finish();
    second.finish();
}
