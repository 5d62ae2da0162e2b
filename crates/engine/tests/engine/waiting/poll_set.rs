//! A file descriptor that shows messages and ends, for loops that wait for other things as well.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rand::SeedableRng as _;
use shmark_engine::{PollSet, Readiness, Service};

use super::{LONG, SOON, pause, sent};
use crate::common::{Random, Scratch, eventually, no_hang, numbers, until};
use crate::processes::Process;

/// Whether the descriptor is readable, or becomes so within the time.
pub fn readable(set: &PollSet, time: Duration) -> bool {
    let timeout = PollTimeout::try_from(time).unwrap();
    poll(&mut [PollFd::new(set.as_fd(), PollFlags::POLLIN)], timeout).unwrap() > 0
}

/// Answers with one more until the client has gone, in a loop around `poll`.
pub fn echo(service: &Service<u64, u64>, seed: &mut Random, ready: impl Fn()) {
    let server = service.server_builder().create().unwrap();
    let mut set = PollSet::new().unwrap();
    set.attach(&server).unwrap();
    ready();
    loop {
        let events = set.arm().unwrap().to_vec();
        if events.is_empty() {
            assert!(readable(&set, LONG));
        }
        for event in events {
            if event.readiness == Readiness::Disconnected {
                return;
            }
            while let Some(active) = server.receive().unwrap() {
                pause(seed);
                active.send_copy(*active + 1).unwrap();
            }
        }
    }
}

#[test]
fn no_edge_is_lost_between_processes() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let server = Process::start("waiting-poller", root.path(), 1);
        let client = service.client_builder().create().unwrap();
        super::wake_ups::ping_pong(&client, super::wake_ups::ROUNDS / 4, &mut Random::seed_from_u64(2));
        // The other way round: the client polls, the server sleeps.
        let echo = {
            drop(client);
            server.finish();
            Process::start("waiting-echo", root.path(), 3)
        };
        let client = service.client_builder().create().unwrap();
        let mut set = PollSet::new().unwrap();
        let mut slow = 0;
        for round in 0..super::wake_ups::ROUNDS / 4 {
            let began = Instant::now();
            let pending = client.send_copy(round).unwrap();
            let id = set.attach(&pending).unwrap();
            while set.arm().unwrap().is_empty() {
                assert!(readable(&set, LONG));
            }
            assert_eq!(**pending.receive().unwrap().as_ref().unwrap(), round + 1);
            assert!(set.detach(id));
            slow += u64::from(began.elapsed() >= Duration::from_millis(90));
            assert!(slow <= 10, "{slow} of {} rounds took a slice or more: edges are lost", round + 1);
        }
        drop((set, client));
        echo.finish();
        drop(service);
        drop(node);
        root.assert_empty();
    });
}

#[test]
fn the_descriptor_shows_what_comes_after_arming() {
    let root = Scratch::new();
    let node = root.node();
    let (service, server, client, pending) = sent(&node);
    let mut set = PollSet::new().unwrap();
    let requests = set.attach(&server).unwrap();
    let responses = set.attach(&pending).unwrap();
    let other = client.send_copy(2).unwrap();
    let others = set.attach(&other).unwrap();
    let ready =
        |set: &mut PollSet| set.arm().unwrap().iter().map(|event| (event.id, event.readiness)).collect::<Vec<_>>();
    assert_eq!(ready(&mut set), [(requests, Readiness::Ready)]);
    let first = server.receive().unwrap().unwrap();
    let second = server.receive().unwrap().unwrap();

    // Nobody notifies before the set is armed, nor when it lists something. (The timer alone fires after 100 ms.)
    let quiet = |set: &mut PollSet| {
        let armed = Instant::now();
        assert_eq!(ready(set), []);
        assert!(!readable(set, Duration::ZERO) || armed.elapsed() > Duration::from_millis(50));
    };
    quiet(&mut set);
    first.send_copy(11).unwrap();
    assert!(readable(&set, Duration::ZERO), "a response came after arming");
    assert!(readable(&set, Duration::ZERO), "it shows until the set is armed again");
    assert_eq!(ready(&mut set), [(responses, Readiness::Ready)]);
    assert_eq!(**pending.receive().unwrap().as_ref().unwrap(), 11);
    quiet(&mut set);
    // Both pending responses share their client's notification pipe; one that is detached leaves it to the other.
    assert!(set.detach(responses));
    quiet(&mut set);
    second.send_copy(12).unwrap();
    assert!(readable(&set, Duration::ZERO));
    assert_eq!(ready(&mut set), [(others, Readiness::Ready)]);
    assert_eq!(**other.receive().unwrap().as_ref().unwrap(), 12);
    quiet(&mut set);
    drop(second);
    assert!(readable(&set, Duration::ZERO), "the end of the responses came after arming");
    assert_eq!(ready(&mut set), [(others, Readiness::Disconnected)]);
    assert!(set.detach(others));
    quiet(&mut set);
    let more = client.send_copy(3).unwrap();
    assert!(readable(&set, Duration::ZERO), "a request came after arming");
    assert_eq!(ready(&mut set), [(requests, Readiness::Ready)]);
    assert_eq!(root.files_like("bell-").len(), 2);
    drop((more, first, server, pending, other, client));
    assert_eq!(root.files_like("bell-").len(), 0, "bells go with their ports");
    drop((service, node));
    root.assert_empty();
}

/// Nobody notifies of a death: the set checks by itself.
#[test]
fn the_descriptor_shows_that_a_peer_was_killed() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let holder = Process::start("waiting-holder", root.path(), 0);
        let client = service.client_builder().create().unwrap();
        let pending = eventually("a server that is connected", || {
            Some(client.send_copy(1).unwrap()).filter(|pending| pending.number_of_server_connections() == 1)
        });
        let mut set = PollSet::new().unwrap();
        let id = set.attach(&pending).unwrap();
        assert!(set.arm().unwrap().is_empty());
        holder.kill();
        let began = Instant::now();
        until("the set tells of it", || {
            let told =
                set.arm().unwrap().iter().any(|event| (event.id, event.readiness) == (id, Readiness::Disconnected));
            told || !readable(&set, LONG)
        });
        assert!(began.elapsed() < SOON, "noticed after {:?}", began.elapsed());
    });
}
