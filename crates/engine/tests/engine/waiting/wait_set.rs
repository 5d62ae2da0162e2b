//! One thread that waits for several ports and pending responses (RR-WAIT-03).

use std::time::{Duration, Instant};

use shmark_engine::{AttachmentId, Readiness, WaitEvent, WaitSet, Waited};

use super::{LONG, SOON, received, sent};
use crate::common::{Scratch, eventually, name, no_hang, numbers};
use crate::processes::Process;

#[track_caller]
fn events(set: &mut WaitSet) -> Vec<(AttachmentId, Readiness)> {
    match set.wait(LONG) {
        Waited::Received(events) => events.iter().map(|WaitEvent { id, readiness }| (*id, *readiness)).collect(),
        other => panic!("waited in vain: {other:?}"),
    }
}

#[test]
fn all_that_is_ready_is_listed_until_it_is_received() {
    let root = Scratch::new();
    let node = root.node();
    let (_service, server, client, first) = sent(&node);
    let second = client.send_copy(2).unwrap();
    let mut set = WaitSet::new();
    assert!(set.wait(LONG).is_disconnected(), "an empty set waits for nothing");
    let ids = [set.attach(&server), set.attach(&first), set.attach(&second)];
    assert_eq!(set.len(), 3);
    assert_eq!(events(&mut set), [(ids[0], Readiness::Ready)]);
    let actives = [(); 2].map(|()| received(server.receive_timeout(LONG).unwrap()));
    assert!(matches!(set.wait(Duration::from_millis(5)), Waited::Timeout));
    actives[1].send_copy(12).unwrap();
    assert_eq!(events(&mut set), [(ids[2], Readiness::Ready)]);
    assert_eq!(events(&mut set), [(ids[2], Readiness::Ready)], "it was not received yet");
    actives[0].send_copy(11).unwrap();
    assert_eq!(events(&mut set), [(ids[1], Readiness::Ready), (ids[2], Readiness::Ready)]);
    assert_eq!(**first.receive().unwrap().as_ref().unwrap(), 11);
    assert!(set.detach(ids[2]) && !set.detach(ids[2]));
    assert!(matches!(set.wait(Duration::ZERO), Waited::Timeout));
    drop(actives);
    assert_eq!(events(&mut set), [(ids[1], Readiness::Disconnected)]);
    // What is dropped is told, and kept alive by nobody.
    drop((first, second));
    assert_eq!(events(&mut set), [(ids[1], Readiness::Disconnected)]);
    assert!(set.detach(ids[1]));
    drop(server);
    assert_eq!(events(&mut set), [(ids[0], Readiness::Disconnected)]);
}

/// Servers of two services and two nodes, and a pending response of a third service, woken by threads and processes.
#[test]
fn one_thread_serves_several_services() {
    no_hang(|| {
        let root = Scratch::new();
        let nodes = [root.node(), root.node()];
        let services = ["left", "right"].map(|service| {
            let node = &nodes[usize::from(service == "left")];
            node.service_builder(&name(service)).request_response::<u64, u64>().create().unwrap()
        });
        let servers = services.each_ref().map(|service| service.server_builder().create().unwrap());
        let numbers = numbers(&nodes[0]).create().unwrap();
        let echo = Process::start("waiting-echo", root.path(), 7);
        let client = numbers.client_builder().create().unwrap();
        let rounds = 2000;
        let threads = services.clone().map(|service| {
            std::thread::spawn(move || {
                let client = service.client_builder().create().unwrap();
                client.set_spin_before_sleep(Duration::ZERO);
                for round in 0..rounds {
                    let pending = client.send_copy(round).unwrap();
                    assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), round + 1);
                }
            })
        });
        let mut set = WaitSet::new();
        set.set_spin_before_sleep(Duration::ZERO);
        let ids = servers.each_ref().map(|server| set.attach(server));
        let (mut pending, mut requests, mut gone) = (None, 0, 0);
        let began = Instant::now();
        while gone < 2 || pending.is_some() {
            if pending.is_none() && requests < rounds {
                let new = client.send_copy(requests).unwrap();
                requests += 1;
                pending = Some((set.attach(&new), new));
            }
            for (id, readiness) in events(&mut set) {
                if let Some((_, pending)) = pending.take_if(|(pending, _)| *pending == id) {
                    assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), requests);
                    assert!(set.detach(id));
                } else if readiness == Readiness::Disconnected {
                    gone += 1;
                } else {
                    let server = &servers[ids.iter().position(|known| *known == id).unwrap()];
                    while let Some(active) = server.receive().unwrap() {
                        active.send_copy(*active + 1).unwrap();
                    }
                }
            }
        }
        // Each of 6000 wake-ups that was lost would have cost 100 ms.
        assert!(began.elapsed() < Duration::from_secs(60), "took {:?}: wake-ups are lost", began.elapsed());
        for thread in threads {
            thread.join().unwrap();
        }
        drop(client);
        echo.finish();
    });
}

/// More ports than the kernel lets a thread sleep on at once.
#[test]
fn any_number_of_ports_can_be_waited_for() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service =
            numbers(&node).max_servers(140).max_active_requests_per_client(1).max_clients(2).create().unwrap();
        let servers: Vec<_> = (0..140).map(|_| service.server_builder().create().unwrap()).collect();
        let mut set = WaitSet::new();
        let ids: Vec<_> = servers.iter().map(|server| set.attach(server)).collect();
        assert!(matches!(set.wait(Duration::from_millis(10)), Waited::Timeout));
        let client = std::thread::spawn(move || {
            let client = service.client_builder().create().unwrap();
            let pending = client.send_copy(1).unwrap();
            assert_eq!(pending.number_of_server_connections(), 140);
            for _ in 0..140 {
                assert_eq!(*received(pending.receive_timeout(LONG).unwrap()), 2);
            }
        });
        let mut left = ids.clone();
        while !left.is_empty() {
            for (id, readiness) in events(&mut set) {
                assert_eq!(readiness, Readiness::Ready);
                let server = &servers[ids.iter().position(|known| *known == id).unwrap()];
                let active = received(server.receive_timeout(LONG).unwrap());
                active.send_copy(2).unwrap();
                left.retain(|known| *known != id);
            }
        }
        client.join().unwrap();
    });
}

#[test]
fn a_set_notices_killed_peers() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers(&node).create().unwrap();
        let holder = Process::start("waiting-holder", root.path(), 0);
        let client = service.client_builder().create().unwrap();
        let pending = eventually("a server that is connected", || {
            Some(client.send_copy(1).unwrap()).filter(|pending| pending.number_of_server_connections() == 1)
        });
        let mut set = WaitSet::new();
        let id = set.attach(&pending);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            holder.kill();
        });
        let began = Instant::now();
        assert_eq!(events(&mut set), [(id, Readiness::Disconnected)]);
        assert!(began.elapsed() < SOON, "noticed after {:?}", began.elapsed());
        killer.join().unwrap();
    });
}
