//! Poll sets that share a port: each one is woken, whatever the others do.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rand::{RngExt as _, SeedableRng as _};
use shmark_engine::{
    ActiveRequest, AttachmentId, Client, PendingResponse, PollSet, Readiness, Server, WaitSet, Waited,
};

use super::poll_set::readable;
use super::{LONG, received, sent};
use crate::common::{Random, Scratch, no_hang, numbers};
use crate::processes::Process;

/// Requests of one client at a time.
const REQUESTS: usize = 4;
const SETS: usize = 3;
/// What is sent ahead of the client, below the default response buffer.
const UNREAD_MAX: u64 = 2;

/// A request, and what a plain count says about it.
struct Request {
    pending: PendingResponse<u64>,
    active: Option<ActiveRequest<u64, u64>>,
    unread: u64,
}

impl Request {
    fn new(client: &Client<u64, u64>, server: &Server<u64, u64>) -> Self {
        let pending = client.send_copy(1).unwrap();
        Self { pending, active: Some(server.receive().unwrap().unwrap()), unread: 0 }
    }

    fn readiness(&self) -> Option<Readiness> {
        match (self.unread, &self.active) {
            (1.., _) => Some(Readiness::Ready),
            (0, None) => Some(Readiness::Disconnected),
            (0, Some(_)) => None,
        }
    }
}

/// A poll set, and what it has to show.
struct Watched {
    set: PollSet,
    /// Requests by their index, in the order of attachment.
    attached: Vec<(AttachmentId, usize)>,
    /// It has listed nothing when it was armed last.
    armed: bool,
    /// Attached requests to which something has happened since.
    due: Vec<usize>,
}

impl Watched {
    fn new() -> Self {
        Self { set: PollSet::new().unwrap(), attached: Vec::new(), armed: false, due: Vec::new() }
    }

    fn arm(&mut self, requests: &[Request], step: &str) {
        let listed: Vec<_> = self.set.arm().unwrap().iter().map(|event| (event.id, event.readiness)).collect();
        let expected = self.attached.iter().filter_map(|(id, index)| Some((*id, requests[*index].readiness()?)));
        assert_eq!(listed, expected.collect::<Vec<_>>(), "{step}: what `arm` lists, and what is there");
        (self.armed, self.due) = (listed.is_empty(), Vec::new());
    }

    fn detach(&mut self, index: usize) {
        if let Some(at) = self.attached.iter().position(|(_, attached)| *attached == index) {
            assert!(self.set.detach(self.attached.remove(at).0));
            self.due.retain(|due| *due != index);
        }
    }
}

/// Something has happened to a request: every armed set that has it attached has to show that.
fn happened(sets: &mut [Watched], index: usize) {
    for set in sets.iter_mut().filter(|set| set.armed) {
        set.due.extend(set.attached.iter().map(|(_, attached)| *attached).filter(|attached| *attached == index));
    }
}

/// Sets over the requests of one client are armed, dropped, attached to and detached from, and the client waits asleep in
/// between. The model is a list for each set: what has happened since it was armed. With anything in it, it is readable.
#[test]
fn every_set_over_a_port_shows_what_happens_after_it_was_armed() {
    let root = Scratch::new();
    let node = root.node();
    let service = numbers(&node).max_active_requests_per_client(REQUESTS).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    client.set_spin_before_sleep(Duration::ZERO);
    let mut requests: Vec<_> = (0..REQUESTS).map(|_| Request::new(&client, &server)).collect();
    let mut sets: Vec<_> = (0..SETS).map(|_| Watched::new()).collect();
    let mut seed = Random::seed_from_u64(0x5e75);
    for step in 0..20_000 {
        let (index, at) = (seed.random_range(0..REQUESTS), seed.random_range(0..SETS));
        let mut step = format!("step {step}, request {index}, set {at}");
        match seed.random_range(0..16) {
            0..=5 => {
                step += ", the set is armed";
                sets[at].arm(&requests, &step);
            }
            6..=8 => {
                step += ", a response is sent";
                let request = &mut requests[index];
                if let Some(active) = request.active.as_ref().filter(|_| request.unread < UNREAD_MAX) {
                    active.send_copy(2).unwrap();
                    request.unread += 1;
                    happened(&mut sets, index);
                }
            }
            9 | 10 => {
                step += ", a response is received";
                let request = &mut requests[index];
                let waited = request.pending.receive_timeout(Duration::from_micros(10)).unwrap();
                match request.readiness() {
                    Some(Readiness::Ready) => request.unread -= u64::from(waited.received().is_some()),
                    Some(Readiness::Disconnected) => assert!(waited.is_disconnected(), "{step}: {waited:?}"),
                    None => assert!(matches!(waited, Waited::Timeout), "{step}: {waited:?}"),
                }
            }
            11 => {
                step += ", the request is finished";
                if requests[index].active.take().is_some() {
                    happened(&mut sets, index);
                }
            }
            12 => {
                step += ", a finished request is sent again";
                if requests[index].active.is_none() {
                    for set in &mut sets {
                        set.detach(index);
                    }
                    let (kept, last) = (requests.len() - 1, requests.swap_remove(index));
                    drop(last);
                    requests.push(Request::new(&client, &server));
                    requests.swap(index, kept);
                }
            }
            13 => {
                step += ", the request is attached";
                let set = &mut sets[at];
                if set.attached.iter().all(|(_, attached)| *attached != index) {
                    set.attached.push((set.set.attach(&requests[index].pending).unwrap(), index));
                    if set.armed && requests[index].readiness().is_some() {
                        set.due.push(index);
                    }
                }
            }
            14 => {
                step += ", the request is detached";
                sets[at].detach(index);
            }
            _ => {
                step += ", the set is dropped, and another one made";
                if seed.random_range(0..4) == 0 {
                    sets[at] = Watched::new();
                }
            }
        }
        for (number, set) in sets.iter().enumerate() {
            let shows = !set.armed || set.due.is_empty() || readable(&set.set, Duration::ZERO);
            assert!(shows, "{step}: set {number} is armed, something has happened, and its descriptor is not readable");
        }
    }
}

/// Four requests of a client, a set for each of them, answered one after the other, and all sent again when all are answered.
#[test]
fn requests_with_a_set_each_are_answered_at_once() {
    const ROUNDS: u64 = 150;
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).max_active_requests_per_client(REQUESTS).create().unwrap();
        let (other, (tell, told)) = (service.clone(), std::sync::mpsc::channel());
        let server = std::thread::spawn(move || {
            let server = other.server_builder().create().unwrap();
            tell.send(()).unwrap();
            while let Some(active) = server.receive_timeout(LONG).unwrap().received() {
                // The client gets back to its descriptors in between.
                std::thread::sleep(Duration::from_micros(300));
                active.send_copy(*active + 1).unwrap();
            }
        });
        told.recv().unwrap();
        let client = service.client_builder().create().unwrap();
        let mut sets: Vec<_> = (0..REQUESTS).map(|_| PollSet::new().unwrap()).collect();
        let (mut slow, mut latest) = (0, Duration::ZERO);
        for round in 0..ROUNDS {
            let began = Instant::now();
            let mut pending: Vec<_> = sets
                .iter_mut()
                .map(|set| {
                    let pending = client.send_copy(round).unwrap();
                    Some((set.attach(&pending).unwrap(), pending))
                })
                .collect();
            // Each set once, and then those that are readable: answered ones too, whose sets are armed over nothing.
            let mut readable = vec![true; REQUESTS];
            while pending.iter().any(Option::is_some) {
                for ((set, pending), _) in
                    sets.iter_mut().zip(&mut pending).zip(&readable).filter(|(_, readable)| **readable)
                {
                    while !set.arm().unwrap().is_empty() {
                        let (id, pending) = pending.take().unwrap();
                        assert_eq!(*pending.receive().unwrap().unwrap(), round + 1);
                        latest = latest.max(began.elapsed());
                        assert!(set.detach(id));
                    }
                }
                if pending.iter().any(Option::is_some) {
                    readable = wait_for_any(&sets);
                }
            }
            slow += u64::from(began.elapsed() >= Duration::from_millis(90));
        }
        eprintln!("the latest of {} answers came {latest:?} after its round had begun", ROUNDS * REQUESTS as u64);
        // A busy machine may delay some of them.
        assert!(slow <= 10, "{slow} of {ROUNDS} rounds took a slice of 100 ms: sets over one port deafen each other");
        drop(client);
        server.join().unwrap();
    });
}

/// Sleeps until a descriptor is readable, and says which are.
fn wait_for_any(sets: &[PollSet]) -> Vec<bool> {
    let mut descriptors: Vec<_> = sets.iter().map(|set| PollFd::new(set.as_fd(), PollFlags::POLLIN)).collect();
    assert!(poll(&mut descriptors, PollTimeout::try_from(LONG).unwrap()).unwrap() > 0);
    descriptors.iter().map(|descriptor| descriptor.any() == Some(true)).collect()
}

/// A wait set and a poll set over one port.
#[test]
fn a_wait_asleep_leaves_armed_sets_alone() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = Process::start("waiting-echo", root.path(), 5);
        let client = service.client_builder().create().unwrap();
        let mut slow = 0;
        for round in 0..100 {
            let (first, second) = (client.send_copy(round).unwrap(), client.send_copy(round).unwrap());
            let (mut polled, mut waited) = (PollSet::new().unwrap(), WaitSet::new());
            polled.attach(&second).unwrap();
            waited.set_spin_before_sleep(Duration::ZERO);
            waited.attach(&first);
            let began = Instant::now();
            let armed = polled.arm().unwrap().is_empty();
            assert!(matches!(waited.wait(LONG), Waited::Received(_)));
            if armed {
                assert!(readable(&polled, LONG));
            }
            while polled.arm().unwrap().is_empty() {
                assert!(readable(&polled, LONG));
            }
            slow += u64::from(began.elapsed() >= Duration::from_millis(90));
            assert_eq!(*received(second.receive_timeout(LONG).unwrap()), round + 1);
        }
        assert!(slow <= 10, "{slow} of 100 rounds took a slice of 100 ms");
        drop(client);
        server.finish();
    });
}

/// A client that is dropped has no place in the service, so nobody would notify: no pipe is made for it, and its own
/// goes.
#[test]
fn a_dropped_client_leaves_no_pipe() {
    let root = Scratch::new();
    let node = root.node();
    let (_service, server, client, pending) = sent(&node);
    let active = server.receive().unwrap().unwrap();
    drop(client);
    let mut late = PollSet::new().unwrap();
    late.attach(&pending).unwrap();
    assert_eq!(root.files_like("bell-").len(), 0, "a pipe for a client that was dropped before");
    assert!(late.arm().unwrap().is_empty());
    active.send_copy(2).unwrap();
    assert!(readable(&late, LONG), "the set looks by itself");
    assert_eq!(late.arm().unwrap().len(), 1);
    assert_eq!(*pending.receive().unwrap().unwrap(), 2);
}

/// Nobody notifies a client any more once it is dropped, so whoever relied on that has to arm again.
#[test]
fn a_client_that_is_dropped_shows_in_armed_sets() {
    let root = Scratch::new();
    let node = root.node();
    let (_service, server, client, pending) = sent(&node);
    let active = server.receive().unwrap().unwrap();
    let mut set = PollSet::new().unwrap();
    set.attach(&pending).unwrap();
    assert!(set.arm().unwrap().is_empty());
    assert_eq!(root.files_like("bell-").len(), 1);
    drop(client);
    assert!(readable(&set, Duration::ZERO), "armed before its client was dropped");
    assert_eq!(root.files_like("bell-").len(), 0, "the pipe of a client that has left");
    assert!(set.arm().unwrap().is_empty());
    active.send_copy(2).unwrap();
    assert!(readable(&set, LONG));
    assert_eq!(set.arm().unwrap().len(), 1);
}
