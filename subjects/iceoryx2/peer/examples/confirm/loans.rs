//! Deviations of loans that have to grow, and of who is served first.

use iceoryx2::port::LoanError;
use iceoryx2::prelude::AllocationStrategy;

use crate::Deviation;

pub const FAILED_RESPONSE_LOAN: Deviation = Deviation {
    name: "failed-response-loan",
    requirement: "RR-LOAN-03",
    expected: "a loan of a response that fails takes no place among the loans of its active request",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node.service_builder(&"service".try_into()?).request_response::<u64, [u8]>().create()?;
        let server = service
            .server_builder()
            .allocation_strategy(AllocationStrategy::BestFit)
            .max_loaned_responses_per_request(1)
            .create()?;
        let client = service.client_builder().create()?;
        let _pending = client.send_copy(1)?;
        let active = server.receive()?.ok_or("no request")?;
        let first = active.loan_slice_uninit(1 << 60).map(drop);
        match active.loan_slice_uninit(1) {
            Ok(_) => Ok(Ok(())),
            Err(LoanError::ExceedsMaxLoans) => Ok(Err(format!(
                "after a loan of 2^60 bytes has failed ({first:?}), one of 1 byte exceeds the limit of 1"
            ))),
            Err(other) => Err(format!("{other:?}").into()),
        }
    },
};

pub const FEW_CHUNKS: Deviation = Deviation {
    name: "few-chunks",
    requirement: "RR-DYN-07",
    expected: "with growth and one chunk preallocated, a second loan grows or fails with an error",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service =
            node.service_builder(&"service".try_into()?).request_response::<[u8], u64>().max_loaned_requests(2);
        let service = service.create()?;
        let client = service
            .client_builder()
            .initial_max_slice_len(8)
            .allocation_strategy(AllocationStrategy::PowerOfTwo)
            .override_request_preallocation(|_| 1)
            .create()?;
        let _first = client.loan_slice_uninit(8)?;
        // Either is well.
        drop(client.loan_slice_uninit(8));
        Ok(Ok(()))
    },
};

pub const SERVED_IN_TURN: Deviation = Deviation {
    name: "served-in-turn",
    requirement: "RR-SND-12",
    expected: "of two clients that both have requests waiting, each is served at least every second round",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node.service_builder(&"service".try_into()?).request_response::<u64, u64>();
        let service = service.max_active_requests_per_client(8).create()?;
        let server = service.server_builder().create()?;
        let clients = [service.client_builder().create()?, service.client_builder().create()?];
        let mut pending = Vec::new();
        for (number, client) in clients.iter().enumerate() {
            for _ in 0..8 {
                pending.push(client.send_copy(number as u64)?);
            }
        }
        let mut served = Vec::new();
        for _ in 0..4 {
            served.push(*server.receive()?.ok_or("no request")?.payload());
        }
        if served.contains(&0) && served.contains(&1) {
            return Ok(Ok(()));
        }
        Ok(Err(format!("with 8 requests of each waiting, the first four served are of clients {served:?}")))
    },
};

pub const REFUSED_PORT: Deviation = Deviation {
    name: "refused-port",
    requirement: "RR-SVC-04",
    expected: "a client that could not be created for want of memory leaves no shared memory behind",
    program: |sandbox| {
        let node = sandbox.node()?;
        let service = node.service_builder(&"service".try_into()?).request_response::<[u8], u64>().create()?;
        let refused = service.client_builder().initial_max_slice_len(1 << 55).create().err();
        drop((service, node));
        // What belongs to the machine and not to a node stays on purpose.
        let mut left = sandbox.shared_memory()?;
        left.retain(|name| std::path::Path::new(name).extension().is_some_and(|extension| extension == "data"));
        match refused {
            None => Err("there was memory enough".into()),
            Some(_) if left.is_empty() => Ok(Ok(())),
            Some(error) => Ok(Err(format!("after {error:?}, and with everything dropped, there are {left:?}"))),
        }
    },
};
