//! The payload and header types of the protocol, and the calls of iceoryx2 that differ between fixed and slice payloads.

use std::fmt::Debug;

use iceoryx2::active_request::ActiveRequest;
use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::client::Client;
use iceoryx2::port::server::Server;
use iceoryx2::port::{LoanError, ReceiveError};
use iceoryx2::prelude::{AllocationStrategy, IceoryxSend, ZeroCopySend, ipc};
use iceoryx2::request_mut::RequestMut;
use iceoryx2::response::Response;
use iceoryx2::response_mut::ResponseMut;
use iceoryx2::service::port_factory::client::PortFactoryClient;
use iceoryx2::service::port_factory::server::PortFactoryServer;
use shmark_peer::kit::implementation::{Allocation, PortSpec};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// The variant of iceoryx2 under test: shared memory between processes, ports used by one thread each.
pub type S = ipc::Service;

/// The fixed payload `bytes`: one array of 4096 bytes. A type of its own because a loan needs a default value.
#[derive(Debug, Clone, Copy, ZeroCopySend, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
#[type_name("shmark::bytes4096")]
pub struct Page(pub [u8; 4096]);

impl Default for Page {
    fn default() -> Self {
        Self([0; 4096])
    }
}

/// A user header of the protocol: none, or `u64`.
pub trait Header: Debug + Default + Copy + ZeroCopySend + 'static {
    /// Its bytes, if it has any.
    fn bytes(&self) -> Option<&[u8]>;
    /// Its bytes to be written, if it has any.
    fn bytes_mut(&mut self) -> Option<&mut [u8]>;
}

impl Header for () {
    fn bytes(&self) -> Option<&[u8]> {
        None
    }
    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        None
    }
}

impl Header for u64 {
    fn bytes(&self) -> Option<&[u8]> {
        Some(IntoBytes::as_bytes(self))
    }
    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        Some(self.as_mut_bytes())
    }
}

/// A payload type in one kind, as request and as response.
///
/// `Q` and `QH` are the request's payload and header, `P` and `PH` the response's. An `uninit` loan goes through
/// iceoryx2's `loan_uninit` and is then filled with zeros: its safe API has no way to send what was never written.
#[allow(missing_docs, reason = "each method is the call of its name on the iceoryx2 type")]
pub trait Payload: Debug + IceoryxSend + 'static {
    fn loan_request<QH: Header, P: Payload + ?Sized, PH: Header>(
        client: &Client<S, Self, QH, P, PH>,
        len: usize,
        uninit: bool,
    ) -> Result<RequestMut<S, Self, QH, P, PH>, LoanError>;
    fn request_bytes<QH: Header, P: Payload + ?Sized, PH: Header>(
        request: &mut RequestMut<S, Self, QH, P, PH>,
    ) -> (&mut [u8], usize);
    #[allow(clippy::type_complexity, reason = "an alias would need the same four parameters")]
    fn receive_request<QH: Header, P: Payload + ?Sized, PH: Header>(
        server: &Server<S, Self, QH, P, PH>,
    ) -> Result<Option<ActiveRequest<S, Self, QH, P, PH>>, ReceiveError>;
    fn active_bytes<QH: Header, P: Payload + ?Sized, PH: Header>(
        active: &ActiveRequest<S, Self, QH, P, PH>,
    ) -> (&[u8], usize);
    /// Applies what only clients of slices have. A fixed payload needs neither a length nor growth.
    fn tune_client<'f, QH: Header, P: Payload + ?Sized, PH: Header>(
        builder: PortFactoryClient<'f, S, Self, QH, P, PH>,
        spec: &PortSpec,
    ) -> PortFactoryClient<'f, S, Self, QH, P, PH>;

    fn loan_response<Q: Payload + ?Sized, QH: Header, PH: Header>(
        active: &ActiveRequest<S, Q, QH, Self, PH>,
        len: usize,
        uninit: bool,
    ) -> Result<ResponseMut<S, Self, PH>, LoanError>;
    fn response_loan_bytes<PH: Header>(response: &mut ResponseMut<S, Self, PH>) -> (&mut [u8], usize);
    #[allow(clippy::type_complexity, reason = "an alias would need the same four parameters")]
    fn receive_response<Q: Payload + ?Sized, QH: Header, PH: Header>(
        pending: &PendingResponse<S, Q, QH, Self, PH>,
    ) -> Result<Option<Response<S, Self, PH>>, ReceiveError>;
    fn response_bytes<PH: Header>(response: &Response<S, Self, PH>) -> (&[u8], usize);
    /// Applies what only servers of slices have.
    fn tune_server<'f, Q: Payload + ?Sized, QH: Header, PH: Header>(
        builder: PortFactoryServer<'f, S, Q, QH, Self, PH>,
        spec: &PortSpec,
    ) -> PortFactoryServer<'f, S, Q, QH, Self, PH>;
}

fn strategy(allocation: Allocation) -> AllocationStrategy {
    match allocation {
        Allocation::Static => AllocationStrategy::Static,
        Allocation::BestFit => AllocationStrategy::BestFit,
        Allocation::PowerOfTwo => AllocationStrategy::PowerOfTwo,
    }
}

fn fixed<T: IntoBytes + Immutable>(value: &T) -> (&[u8], usize) {
    (value.as_bytes(), 1)
}

fn fixed_mut<T: FromBytes + IntoBytes>(value: &mut T) -> (&mut [u8], usize) {
    (value.as_mut_bytes(), 1)
}

fn slice<T: IntoBytes + Immutable>(value: &[T]) -> (&[u8], usize) {
    (value.as_bytes(), value.len())
}

fn slice_mut<T: FromBytes + IntoBytes>(value: &mut [T]) -> (&mut [u8], usize) {
    let len = value.len();
    (value.as_mut_bytes(), len)
}

/// The calls that read the same for both kinds, and mean different methods of iceoryx2.
macro_rules! same_words {
    ($bytes:ident, $bytes_mut:ident) => {
        fn request_bytes<QH: Header, P: Payload + ?Sized, PH: Header>(
            request: &mut RequestMut<S, Self, QH, P, PH>,
        ) -> (&mut [u8], usize) {
            $bytes_mut(request.payload_mut())
        }
        fn receive_request<QH: Header, P: Payload + ?Sized, PH: Header>(
            server: &Server<S, Self, QH, P, PH>,
        ) -> Result<Option<ActiveRequest<S, Self, QH, P, PH>>, ReceiveError> {
            server.receive()
        }
        fn active_bytes<QH: Header, P: Payload + ?Sized, PH: Header>(
            active: &ActiveRequest<S, Self, QH, P, PH>,
        ) -> (&[u8], usize) {
            $bytes(active.payload())
        }
        fn response_loan_bytes<PH: Header>(response: &mut ResponseMut<S, Self, PH>) -> (&mut [u8], usize) {
            $bytes_mut(response.payload_mut())
        }
        fn receive_response<Q: Payload + ?Sized, QH: Header, PH: Header>(
            pending: &PendingResponse<S, Q, QH, Self, PH>,
        ) -> Result<Option<Response<S, Self, PH>>, ReceiveError> {
            pending.receive()
        }
        fn response_bytes<PH: Header>(response: &Response<S, Self, PH>) -> (&[u8], usize) {
            $bytes(response.payload())
        }
    };
}

macro_rules! fixed_payload {
    ($type:ty) => {
        impl Payload for $type {
            same_words!(fixed, fixed_mut);

            fn loan_request<QH: Header, P: Payload + ?Sized, PH: Header>(
                client: &Client<S, Self, QH, P, PH>,
                _len: usize,
                uninit: bool,
            ) -> Result<RequestMut<S, Self, QH, P, PH>, LoanError> {
                if uninit { Ok(client.loan_uninit()?.write_payload(Self::new_zeroed())) } else { client.loan() }
            }
            fn tune_client<'f, QH: Header, P: Payload + ?Sized, PH: Header>(
                builder: PortFactoryClient<'f, S, Self, QH, P, PH>,
                _spec: &PortSpec,
            ) -> PortFactoryClient<'f, S, Self, QH, P, PH> {
                builder
            }
            fn loan_response<Q: Payload + ?Sized, QH: Header, PH: Header>(
                active: &ActiveRequest<S, Q, QH, Self, PH>,
                _len: usize,
                uninit: bool,
            ) -> Result<ResponseMut<S, Self, PH>, LoanError> {
                if uninit { Ok(active.loan_uninit()?.write_payload(Self::new_zeroed())) } else { active.loan() }
            }
            fn tune_server<'f, Q: Payload + ?Sized, QH: Header, PH: Header>(
                builder: PortFactoryServer<'f, S, Q, QH, Self, PH>,
                _spec: &PortSpec,
            ) -> PortFactoryServer<'f, S, Q, QH, Self, PH> {
                builder
            }
        }
    };
}

/// Applies the two settings that only ports of slices have.
macro_rules! tuned {
    ($builder:ident, $spec:ident) => {{
        let builder = match $spec.initial_max_slice_len {
            Some(len) => $builder.initial_max_slice_len(len),
            None => $builder,
        };
        match $spec.allocation {
            Some(allocation) => builder.allocation_strategy(strategy(allocation)),
            None => builder,
        }
    }};
}

macro_rules! slice_payload {
    ($element:ty) => {
        impl Payload for [$element] {
            same_words!(slice, slice_mut);

            fn loan_request<QH: Header, P: Payload + ?Sized, PH: Header>(
                client: &Client<S, Self, QH, P, PH>,
                len: usize,
                uninit: bool,
            ) -> Result<RequestMut<S, Self, QH, P, PH>, LoanError> {
                if uninit { Ok(client.loan_slice_uninit(len)?.write_from_fn(|_| 0)) } else { client.loan_slice(len) }
            }
            fn tune_client<'f, QH: Header, P: Payload + ?Sized, PH: Header>(
                builder: PortFactoryClient<'f, S, Self, QH, P, PH>,
                spec: &PortSpec,
            ) -> PortFactoryClient<'f, S, Self, QH, P, PH> {
                tuned!(builder, spec)
            }
            fn loan_response<Q: Payload + ?Sized, QH: Header, PH: Header>(
                active: &ActiveRequest<S, Q, QH, Self, PH>,
                len: usize,
                uninit: bool,
            ) -> Result<ResponseMut<S, Self, PH>, LoanError> {
                if uninit { Ok(active.loan_slice_uninit(len)?.write_from_fn(|_| 0)) } else { active.loan_slice(len) }
            }
            fn tune_server<'f, Q: Payload + ?Sized, QH: Header, PH: Header>(
                builder: PortFactoryServer<'f, S, Q, QH, Self, PH>,
                spec: &PortSpec,
            ) -> PortFactoryServer<'f, S, Q, QH, Self, PH> {
                tuned!(builder, spec)
            }
        }
    };
}

fixed_payload!(u64);
fixed_payload!(Page);
slice_payload!(u64);
slice_payload!(u8);
