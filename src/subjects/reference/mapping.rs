//! The protocol's settings and strategies in the engine's types.

use shmark_engine::{AllocationStrategy, BackpressureStrategy, RequestedSettings, Settings};
use shmark_peer::protocol::{Allocation, Backpressure, Qos};

/// Settings that the protocol has. The engine calls them the same; one that is missing here does not compile.
macro_rules! settings {
    ($($name:ident,)*) => {
        /// What is asked for, for a builder.
        pub(super) fn requested_settings(qos: &Qos) -> RequestedSettings {
            let Qos { $($name,)* } = *qos;
            RequestedSettings { $($name,)* ..RequestedSettings::default() }
        }

        /// What is in force, for an answer.
        pub(super) fn qos(settings: &Settings) -> Qos {
            Qos { $($name: Some(settings.$name),)* }
        }
    };
}

settings! {
    overflow_requests,
    overflow_responses,
    fire_and_forget,
    max_active_requests,
    max_loaned_requests,
    max_borrowed_responses,
    response_buffer,
    max_servers,
    max_clients,
    max_nodes,
}

pub(super) fn allocation(asked: Allocation) -> AllocationStrategy {
    match asked {
        Allocation::Static => AllocationStrategy::Static,
        Allocation::BestFit => AllocationStrategy::BestFit,
        Allocation::PowerOfTwo => AllocationStrategy::PowerOfTwo,
    }
}

pub(super) fn backpressure(asked: Backpressure) -> BackpressureStrategy {
    match asked {
        Backpressure::Retry => BackpressureStrategy::RetryUntilDelivered,
        Backpressure::Discard => BackpressureStrategy::DiscardData,
    }
}
