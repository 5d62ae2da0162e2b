//! System calls on the message path: nothing, unless the receiver sleeps. Counted by tracing a process.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, gettid};
use shmark_engine::shm::Mapping;
use shmark_engine::{Service, Waited};

use super::{LONG, received};
use crate::common::{Scratch, eventually, no_hang, numbers, until};
use crate::processes::Process;

const MESSAGES: u64 = 1000;
/// In a registry with the default limits.
const WAKE_WORDS_OF_SERVERS_AT: usize = 16 + 20 * 4 + 8 * PORT_WORDS + 14;
const PORT_WORDS: usize = 16;

/// Between two of these the tracer counts.
fn mark() {
    raise(Signal::SIGUSR1).unwrap();
}

/// The process that is traced: one thread of it, between marks.
pub fn traced(root: &Path, service: &Service<u64, u64>, ready: fn()) {
    fs::write(root.join("tid"), gettid().to_string()).unwrap();
    let client = service.client_builder().create().unwrap();
    let here = service.server_builder().create().unwrap();
    let round_trip = |number: u64| {
        let pending = client.send_copy(number).unwrap();
        let active = here.receive().unwrap().unwrap();
        active.send_copy(number + 1).unwrap();
        drop(active);
        assert_eq!(*pending.receive().unwrap().unwrap(), number + 1);
    };
    round_trip(0);
    ready();
    ptrace::traceme().unwrap();
    raise(Signal::SIGSTOP).unwrap();
    // Nothing at all, for comparison; then with both ports in this thread.
    mark();
    mark();
    (0..MESSAGES).for_each(round_trip);
    mark();
    drop(here);
    // A server that spins, in another thread.
    let other = service.clone();
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let server = other.server_builder().create().unwrap();
        server.set_spin_before_sleep(LONG);
        tell.send(()).unwrap();
        loop {
            match server.receive_timeout(LONG).unwrap() {
                // Told to sleep from now on.
                Waited::Received(active) if *active == u64::MAX => server.set_spin_before_sleep(Duration::ZERO),
                Waited::Received(active) => active.send_copy(*active + 1).unwrap(),
                Waited::Disconnected => return,
                Waited::Timeout => panic!("no request within {LONG:?}"),
            }
        }
    });
    told.recv().unwrap();
    let exchange = || {
        let pending = client.send_copy(1).unwrap();
        assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), 2);
    };
    // Several times, so that both have seen that the first server is gone.
    (0..10).for_each(|_| exchange());
    mark();
    for number in 0..MESSAGES {
        drop(client.send_copy(number).unwrap());
    }
    mark();
    // The same server asleep.
    drop(client.send_copy(u64::MAX).unwrap());
    exchange();
    let folder = fs::read_dir(root.join("services")).unwrap().next().unwrap().unwrap().path();
    let registry = Mapping::open(&folder.join("registry"), true).unwrap();
    // Asleep, and fenced: in one of the two places of servers.
    let words = [0, 1].map(|place| &registry.words()[WAKE_WORDS_OF_SERVERS_AT + place * PORT_WORDS]);
    until("the server sleeps", || words.iter().any(|word| word.load(Ordering::Relaxed) == 5));
    mark();
    drop(client.send_copy(1).unwrap());
    mark();
    drop(client);
    thread.join().unwrap();
}

/// Goes on to the next mark; how many system calls there were on the way.
fn count(thread: Pid) -> usize {
    let mut stops = 0;
    loop {
        ptrace::syscall(thread, None).unwrap();
        match waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap() {
            // Once when it is called and once when it returns.
            WaitStatus::PtraceSyscall(_) => stops += 1,
            WaitStatus::Stopped(_, Signal::SIGUSR1) => return stops / 2,
            WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..) => {}
            other => panic!("the traced process ended: {other:?}"),
        }
    }
}

#[test]
fn a_message_to_who_does_not_sleep_makes_no_system_call() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let _service = numbers(&node).create().unwrap();
        let process = Process::start("waiting-traced", root.path(), 0);
        let thread = Pid::from_raw(fs::read_to_string(root.path().join("tid")).unwrap().parse().unwrap());
        // It cannot be waited for before it has said that it is traced.
        let stopped = eventually("the traced thread", || waitpid(thread, Some(WaitPidFlag::__WALL)).ok());
        assert!(matches!(stopped, WaitStatus::Stopped(_, Signal::SIGSTOP)), "{stopped:?}");
        ptrace::setoptions(thread, Options::PTRACE_O_TRACESYSGOOD).unwrap();
        count(thread);
        let [nothing, round_trips] = [(); 2].map(|()| count(thread));
        count(thread);
        let spinning = count(thread);
        count(thread);
        let asleep = count(thread);
        ptrace::detach(thread, None).unwrap();
        assert_eq!(round_trips - nothing, 0, "system calls of {MESSAGES} round trips in one thread");
        assert_eq!(spinning - nothing, 0, "system calls of {MESSAGES} requests to a server that spins");
        assert_eq!(asleep - nothing, 1, "system calls of a request to a server that sleeps");
        process.finish();
    });
}
