//! Deviations when a process is killed.

use std::thread;
use std::time::{Duration, Instant};

use iceoryx2::prelude::{BackpressureStrategy, CallbackProgression, Config, Node, NodeState, ipc};
use iceoryx2::service::port_factory::request_response::PortFactory;

use crate::sandbox::{PATIENCE, Sandbox, ready_to_die, soon, within};
use crate::{Deviation, Res};

type Service = PortFactory<ipc::Service, u64, (), u64, ()>;

/// No overflow, and room for one message wherever there is a buffer.
fn service(sandbox: &Sandbox) -> Res<Service> {
    let builder = sandbox.node()?.service_builder(&"service".try_into()?).request_response::<u64, u64>();
    Ok(builder
        .enable_safe_overflow_for_requests(false)
        .enable_safe_overflow_for_responses(false)
        .max_active_requests_per_client(1)
        .max_response_buffer_size(1)
        .open_or_create()?)
}

/// What a victim does before it is killed.
pub fn victim(role: &str) -> Res<()> {
    if role == "cleaner" {
        let config = Sandbox::from_environment()?.config()?;
        println!("ready");
        loop {
            clean(&config)?;
        }
    }
    let service = service(&Sandbox::from_environment()?)?;
    match role {
        "server" => {
            let server = service.server_builder().create()?;
            ready_to_die()?;
            drop(server);
        }
        "client" => {
            let client = service.client_builder().create()?;
            let pending = client.send_copy(1)?;
            ready_to_die()?;
            drop(pending);
        }
        // Receives one request and holds it.
        "receiving-server" => {
            let server = service.server_builder().create()?;
            // Whoever started this waits for the first line before it sends.
            let active = {
                println!("ready");
                within(PATIENCE, || server.receive().transpose()).ok_or("no request")??
            };
            active.send_copy(1)?;
            ready_to_die()?;
            drop(active);
        }
        _ => return Err(format!("no victim is called {role}").into()),
    }
    Ok(())
}

pub const KILLED_SERVER: Deviation = Deviation {
    name: "killed-server",
    requirement: "RR-PND-05, RR-LIV-01",
    expected: "a pending response whose only server was killed is soon not connected, with no third process",
    program: |sandbox| {
        let service = service(sandbox)?;
        let mut server = sandbox.victim("server")?;
        let client = service.client_builder().create()?;
        let pending = client.send_copy(1)?;
        assert_eq!(pending.number_of_server_connections(), 1);
        server.kill();
        if soon(|| !pending.is_connected()) {
            return Ok(Ok(()));
        }
        let received = soon(|| pending.receive().is_ok() && !pending.is_connected());
        Ok(Err(format!("it says that it is connected; calls of receive change that: {received}")))
    },
};

pub const KILLED_CLIENT: Deviation = Deviation {
    name: "killed-client",
    requirement: "RR-LIV-01",
    expected: "an active request whose client was killed is soon not connected, with no third process",
    program: |sandbox| {
        let service = service(sandbox)?;
        let server = service.server_builder().create()?;
        let mut client = sandbox.victim("client")?;
        let active = server.receive()?.ok_or("no request")?;
        client.kill();
        if soon(|| !active.is_connected()) {
            return Ok(Ok(()));
        }
        let received = soon(|| server.receive().is_ok() && !active.is_connected());
        Ok(Err(format!("it says that it is connected; calls of receive change that: {received}")))
    },
};

pub const BLOCKED_RESPONSE: Deviation = Deviation {
    name: "blocked-response",
    requirement: "RR-LIV-02",
    expected: "a response that waits for room in the buffer of a killed client returns within a second",
    program: |sandbox| {
        let service = service(sandbox)?;
        let server =
            service.server_builder().backpressure_strategy(BackpressureStrategy::RetryUntilDelivered).create()?;
        let mut client = sandbox.victim("client")?;
        let active = server.receive()?.ok_or("no request")?;
        active.send_copy(1)?;
        client.kill();
        active.send_copy(2)?;
        Ok(Ok(()))
    },
};

pub const BLOCKED_REQUEST: Deviation = Deviation {
    name: "blocked-request",
    requirement: "RR-LIV-02",
    expected: "a request that waits for room in the buffer of a killed server returns within a second",
    program: |sandbox| {
        let service = service(sandbox)?;
        let mut server = sandbox.victim("receiving-server")?;
        let client =
            service.client_builder().backpressure_strategy(BackpressureStrategy::RetryUntilDelivered).create()?;
        let pending = client.send_copy(1)?;
        within(PATIENCE, || pending.receive().transpose()).ok_or("no response")??;
        drop(pending);
        drop(client.send_copy(2)?);
        server.kill();
        drop(client.send_copy(3)?);
        Ok(Ok(()))
    },
};

/// Cleans up after every dead node.
fn clean(config: &Config) -> Res<()> {
    let mut nodes = Vec::new();
    Node::<ipc::Service>::list(config, |node| {
        nodes.push(node);
        CallbackProgression::Continue
    })?;
    for node in nodes {
        if let NodeState::Dead(dead) = node {
            // Somebody else may be at it.
            let _ = dead.try_remove_stale_resources();
        }
    }
    Ok(())
}

pub const KILLED_CLEANER: Deviation = Deviation {
    name: "killed-cleaner",
    requirement: "RR-LIV-05",
    expected: "what a process that is killed while it cleans up leaves undone is done by the next one that cleans up",
    program: |sandbox| {
        let config = sandbox.config()?;
        let end = Instant::now() + PATIENCE / 2;
        for round in 0.. {
            if Instant::now() > end {
                break;
            }
            let mut dead = sandbox.victim("server")?;
            let mut cleaner = sandbox.victim("cleaner")?;
            dead.kill();
            // At another moment each time.
            thread::sleep(Duration::from_micros(round * 37 % 3000));
            cleaner.kill();
            if !soon(|| clean(&config).is_ok() && sandbox.files().is_ok_and(|files| files.is_empty())) {
                return Ok(Err(format!(
                    "after {} kills there are files that nobody removes: {:?}",
                    round + 1,
                    sandbox.files()?
                )));
            }
        }
        Ok(Ok(()))
    },
};
