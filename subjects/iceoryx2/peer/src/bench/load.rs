//! How each of the four payload types is loaned, written and sent.

use iceoryx2::active_request::ActiveRequest;
use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::client::Client;
use iceoryx2::prelude::{Node, ServiceName};
use iceoryx2::service::port_factory::request_response::PortFactory;
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{OpResult, ServiceSpec};
use zerocopy::FromZeros;

use crate::errors::refusal;
use crate::payload::{Page, Payload, S};
use crate::service::configure;

/// A payload that carries a sequence. `len` is its elements; a fixed payload has no use for it.
#[allow(missing_docs, clippy::missing_errors_doc, reason = "each error is what iceoryx2 says")]
pub trait Load: Payload {
    fn open(node: &Node<S>, name: &ServiceName, spec: &ServiceSpec) -> OpResult<PortFactory<S, Self, (), Self, ()>>;
    fn send(
        client: &Client<S, Self, (), Self, ()>,
        len: usize,
        sequence: u64,
    ) -> Result<PendingResponse<S, Self, (), Self, ()>, String>;
    fn answer(active: &ActiveRequest<S, Self, (), Self, ()>, len: usize, sequence: u64) -> Result<(), String>;
}

/// `$loaned` is an expression over `$port` (client or active request), `$len` and `$sequence`: a loan, written.
macro_rules! load {
    ($payload:ty, ($port:ident, $len:ident, $sequence:ident) => $loaned:expr) => {
        impl Load for $payload {
            fn open(
                node: &Node<S>,
                name: &ServiceName,
                spec: &ServiceSpec,
            ) -> OpResult<PortFactory<S, Self, (), Self, ()>> {
                configure(node.service_builder(name).request_response::<Self, Self>(), spec)?
                    .open_or_create()
                    .map_err(refusal)
            }

            fn send(
                $port: &Client<S, Self, (), Self, ()>,
                $len: usize,
                $sequence: u64,
            ) -> Result<PendingResponse<S, Self, (), Self, ()>, String> {
                $loaned.send().map_err(text)
            }

            fn answer($port: &ActiveRequest<S, Self, (), Self, ()>, $len: usize, $sequence: u64) -> Result<(), String> {
                $loaned.send().map_err(text)
            }
        }
    };
}

load!(u64, (port, _len, sequence) => port.loan_uninit().map_err(text)?.write_payload(sequence.to_le()));
load!(Page, (port, _len, sequence) => port.loan_uninit().map_err(text)?.write_payload(page(sequence)));
load!([u64], (port, len, sequence) => {
    port.loan_slice_uninit(len).map_err(text)?.write_from_fn(|_| sequence.to_le())
});
// `write_from_fn` byte by byte takes eight times as long as this, and `write_from_slice` needs a buffer to copy from:
// the default value, one memset, and the stamp in place is the fastest that needs no unsafe code.
load!([u8], (port, len, sequence) => {
    let mut loan = port.loan_slice(len).map_err(text)?;
    stamp::write(loan.payload_mut(), sequence);
    loan
});

fn page(sequence: u64) -> Page {
    let mut page = Page::new_zeroed();
    stamp::write(&mut page.0, sequence);
    page
}

/// What iceoryx2 says.
pub fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
