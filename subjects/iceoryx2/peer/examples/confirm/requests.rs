//! Deviations of requests and responses while everybody lives.

use std::time::Duration;
use std::{fs, thread};

use iceoryx2::prelude::{BackpressureStrategy, ipc_threadsafe};

use crate::sandbox::{soon, within};
use crate::{Deviation, Res};

pub const DISPLACED_REQUEST: Deviation = Deviation {
    name: "displaced-request",
    requirement: "RR-SND-06",
    expected: "a pending response whose request was displaced by overflow is no longer connected",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node
            .service_builder(&"service".try_into()?)
            .request_response::<u64, u64>()
            .enable_safe_overflow_for_requests(true)
            .max_active_requests_per_client(2)
            .create()?;
        let server = service.server_builder().create()?;
        let client = service.client_builder().create()?;
        let displaced = client.send_copy(1)?;
        drop(client.send_copy(2)?);
        let _third = client.send_copy(3)?;
        let mut received = Vec::new();
        while let Some(request) = server.receive()? {
            received.push(*request.payload());
        }
        assert_eq!(received, [2, 3], "the buffer holds two requests");
        if soon(|| !displaced.is_connected()) {
            return Ok(Ok(()));
        }
        Ok(Err("it says that it is connected, and nobody can ever answer it".to_owned()))
    },
};

pub const DROPPED_INSTEAD_OF_BLOCKED: Deviation = Deviation {
    name: "dropped-instead-of-blocked",
    requirement: "RR-SND-08",
    expected: "without overflow, and with RetryUntilDelivered, sending to a full buffer does not return before there is room",
    program: |sandbox| {
        let service = sandbox
            .node_of::<ipc_threadsafe::Service>()?
            .service_builder(&"service".try_into()?)
            .request_response::<u64, u64>()
            .enable_safe_overflow_for_requests(false)
            .max_active_requests_per_client(1)
            .create()?;
        let server = service.server_builder().create()?;
        let client =
            service.client_builder().backpressure_strategy(BackpressureStrategy::RetryUntilDelivered).create()?;
        // The buffer is full now. The server has not looked for clients yet.
        drop(client.send_copy(1)?);
        let sender = thread::spawn(move || {
            let delivered = client.send_copy(2).map(|pending| pending.number_of_server_connections());
            (delivered, client)
        });
        if !soon(|| sender.is_finished()) {
            server.receive()?;
            return Ok(Ok(()));
        }
        let (delivered, _client) = sender.join().map_err(|_| "the sender has panicked")?;
        let delivered = delivered?;
        let first = server.receive()?.map(|request| *request.payload());
        let second = server.receive()?.map(|request| *request.payload());
        Ok(Err(format!("it returned with {delivered} deliveries; the server then received {first:?} and {second:?}")))
    },
};

pub const UNREAD_RESPONSES: Deviation = Deviation {
    name: "unread-responses",
    requirement: "RR-PND-02",
    expected: "the response buffer of a request is its own: what an earlier request has not read takes no room in it",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node
            .service_builder(&"service".try_into()?)
            .request_response::<u64, u64>()
            .enable_safe_overflow_for_responses(false)
            .max_active_requests_per_client(1)
            .max_response_buffer_size(1)
            .create()?;
        let server = service.server_builder().backpressure_strategy(BackpressureStrategy::DiscardData).create()?;
        let client = service.client_builder().create()?;
        // Enough of them that channels are used again.
        for round in 0..100 {
            let pending = client.send_copy(round)?;
            let active = server.receive()?.ok_or("no request")?;
            active.send_copy(round)?;
            let Some(response) = within(Duration::from_millis(100), || pending.receive().transpose()) else {
                return Ok(Err(format!("the response to request {round} was discarded, with nothing else sent to it")));
            };
            assert_eq!(*response?.payload(), round);
            // This one stays unread.
            active.send_copy(round)?;
        }
        Ok(Ok(()))
    },
};

pub const LOST_SLICES: Deviation = Deviation {
    name: "lost-slices",
    requirement: "RR-FNF-01",
    expected: "with fire-and-forget, the request of a client that is gone is received, whether fixed or slice",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node
            .service_builder(&"slice".try_into()?)
            .request_response::<[u64], u64>()
            .enable_fire_and_forget_requests(true)
            .create()?;
        let server = service.server_builder().create()?;
        let client = service.client_builder().initial_max_slice_len(1).create()?;
        assert!(!server.has_requests()?, "the server knows the client now");
        drop(client.loan_slice_uninit(1)?.write_from_fn(|_| 7).send()?);
        drop(client);
        let promised = server.has_requests()?;
        if server.receive()?.is_some() {
            return Ok(Ok(()));
        }
        Ok(Err(format!("has_requests is {promised}, and receive returns nothing")))
    },
};

pub const UNSEEN_CLIENTS: Deviation = Deviation {
    name: "unseen-clients",
    requirement: "RR-FNF-05",
    expected: "with fire-and-forget, requests of clients that came, sent and left while the server did not look are received",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node
            .service_builder(&"service".try_into()?)
            .request_response::<u64, u64>()
            .enable_fire_and_forget_requests(true)
            .create()?;
        let server = service.server_builder().create()?;
        let mut delivered = 0;
        for request in 0..100 {
            let client = service.client_builder().create()?;
            delivered += client.send_copy(request)?.number_of_server_connections();
        }
        let mut received = 0;
        while server.receive()?.is_some() {
            received += 1;
        }
        if received == delivered {
            return Ok(Ok(()));
        }
        Ok(Err(format!("of {delivered} requests that were delivered, one a client, {received} are received")))
    },
};

pub const HAS_REQUESTS: Deviation = Deviation {
    name: "has-requests",
    requirement: "RR-FNF-04",
    expected: "has_requests is true only if receive then returns a request",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node
            .service_builder(&"service".try_into()?)
            .request_response::<u64, u64>()
            .enable_fire_and_forget_requests(false)
            .create()?;
        let server = service.server_builder().create()?;
        let client = service.client_builder().create()?;
        drop(client.send_copy(1)?);
        let promised = server.has_requests()?;
        let received = server.receive()?.is_some();
        if promised == received {
            return Ok(Ok(()));
        }
        Ok(Err(format!("has_requests is {promised}, and receive returns nothing")))
    },
};

pub const SKIPPED_REQUESTS: Deviation = Deviation {
    name: "skipped-requests",
    requirement: "RR-FNF-03",
    expected: "a request that is skipped because its client is gone costs nothing that lasts",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node
            .service_builder(&"service".try_into()?)
            .request_response::<u64, u64>()
            .enable_fire_and_forget_requests(false)
            .create()?;
        let server = service.server_builder().create()?;
        let before = descriptors()?;
        for request in 0..100 {
            let client = service.client_builder().create()?;
            assert!(!server.has_requests()?, "the server knows the client now");
            drop(client.send_copy(request)?);
            drop(client);
            assert!(server.receive()?.is_none(), "the request is skipped");
        }
        let after = descriptors()?;
        if after <= before + 2 {
            return Ok(Ok(()));
        }
        Ok(Err(format!("after 100 of them there are {after} open descriptors, and {before} before")))
    },
};

fn descriptors() -> Res<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

pub const LEAVING_SERVER: Deviation = Deviation {
    name: "leaving-server",
    requirement: "RR-PND-05",
    expected: "a pending response whose only server was dropped before it read the request is soon not connected",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node.service_builder(&"service".try_into()?).request_response::<u64, u64>().create()?;
        let server = service.server_builder().create()?;
        let client = service.client_builder().create()?;
        let pending = client.send_copy(1)?;
        drop(server);
        if soon(|| !pending.is_connected()) {
            return Ok(Ok(()));
        }
        pending.receive()?;
        let then = pending.is_connected();
        Ok(Err(format!("it says that it is connected; after a call of receive it says {then}")))
    },
};
