//! Services, clients and servers of any payload type behind traits that can be boxed.

use iceoryx2::port::client::Client;
use iceoryx2::port::server::Server;
use iceoryx2::prelude::{BackpressureStrategy, CallbackProgression, PortFactory as _, PortName};
use iceoryx2::service::port_factory::request_response::PortFactory;
use shmark_peer::kit::implementation::{Arrival, Backpressure, OpResult, PortSpec, Ports};
use shmark_peer::protocol::ErrorClass;

use crate::errors::{refusal, refusal_as};
use crate::messages::{Aligns, AnyActive, AnyRequest, Loan, Received, port_id};
use crate::payload::{Header, Payload, S};

/// A service.
pub trait AnyService {
    /// Creates a client; with its port id.
    fn client(&self, spec: &PortSpec) -> OpResult<(Box<dyn AnyClient>, String)>;
    /// Creates a server; with its port id.
    fn server(&self, spec: &PortSpec) -> OpResult<(Box<dyn AnyServer>, String)>;
    /// Counts what is registered.
    fn ports(&self) -> OpResult<Ports>;
}

/// A client.
pub trait AnyClient {
    /// Loans a request.
    fn loan(&self, len: usize, uninit: bool) -> OpResult<Box<dyn AnyRequest>>;
}

/// A server.
pub trait AnyServer {
    /// See the operation of this name.
    fn has_requests(&self) -> OpResult<bool>;
    /// Takes one request, if there is one.
    fn receive(&self) -> OpResult<Option<(Box<dyn AnyActive>, Arrival)>>;
}

/// A service or port with the alignments of its service.
#[derive(Debug)]
struct Port<T> {
    port: T,
    align: Aligns,
}

/// Wraps a service that was opened.
pub fn service<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header>(
    port: PortFactory<S, Q, QH, P, PH>,
) -> Box<dyn AnyService> {
    let settings = port.static_config();
    let align = Aligns {
        request: settings.request_message_type_details().payload.alignment(),
        response: settings.response_message_type_details().payload.alignment(),
    };
    Box::new(Port { port, align })
}

fn strategy(backpressure: Backpressure) -> BackpressureStrategy {
    match backpressure {
        Backpressure::Retry => BackpressureStrategy::RetryUntilDelivered,
        Backpressure::Discard => BackpressureStrategy::DiscardData,
    }
}

fn port_name(name: &str) -> OpResult<PortName> {
    PortName::new(name).map_err(|e| refusal_as(ErrorClass::InvalidName, format!("PortName: {e:?}")))
}

impl<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header> AnyService
    for Port<PortFactory<S, Q, QH, P, PH>>
{
    fn client(&self, spec: &PortSpec) -> OpResult<(Box<dyn AnyClient>, String)> {
        let mut builder = Q::tune_client(self.port.client_builder(), spec);
        if let Some(name) = &spec.name {
            builder = builder.name(&port_name(name)?);
        }
        if let Some(max) = spec.max {
            builder = builder.max_active_requests(max);
        }
        if let Some(backpressure) = spec.backpressure {
            builder = builder.backpressure_strategy(strategy(backpressure));
        }
        if let Some(chunks) = spec.preallocate {
            builder = builder.override_request_preallocation(move |_| chunks);
        }
        let port = builder.create().map_err(refusal)?;
        let id = port_id(port.id().value());
        Ok((Box::new(Port { port, align: self.align }), id))
    }

    fn server(&self, spec: &PortSpec) -> OpResult<(Box<dyn AnyServer>, String)> {
        let mut builder = P::tune_server(self.port.server_builder(), spec);
        if let Some(name) = &spec.name {
            builder = builder.name(&port_name(name)?);
        }
        if let Some(max) = spec.max {
            builder = builder.max_loaned_responses_per_request(max);
        }
        if let Some(backpressure) = spec.backpressure {
            builder = builder.backpressure_strategy(strategy(backpressure));
        }
        if let Some(chunks) = spec.preallocate {
            builder = builder.override_response_preallocation(move |_| chunks);
        }
        let port = builder.create().map_err(refusal)?;
        let id = port_id(port.id().value());
        Ok((Box::new(Port { port, align: self.align }), id))
    }

    fn ports(&self) -> OpResult<Ports> {
        let registered = self.port.dynamic_config();
        let mut nodes = 0;
        self.port
            .nodes(|_| {
                nodes += 1;
                CallbackProgression::Continue
            })
            .map_err(refusal)?;
        Ok(Ports { clients: registered.number_of_clients(), servers: registered.number_of_servers(), nodes })
    }
}

impl<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header> AnyClient for Port<Client<S, Q, QH, P, PH>> {
    fn loan(&self, len: usize, uninit: bool) -> OpResult<Box<dyn AnyRequest>> {
        let loan = Q::loan_request(&self.port, len, uninit).map_err(refusal)?;
        Ok(Box::new(Loan::request(loan, self.align)))
    }
}

impl<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header> AnyServer for Port<Server<S, Q, QH, P, PH>> {
    fn has_requests(&self) -> OpResult<bool> {
        self.port.has_requests().map_err(refusal)
    }

    fn receive(&self) -> OpResult<Option<(Box<dyn AnyActive>, Arrival)>> {
        let Some(message) = Q::receive_request(&self.port).map_err(refusal)? else { return Ok(None) };
        let (payload, _) = Q::active_bytes(&message);
        let arrival = Arrival {
            origin: port_id(message.origin().value()),
            align_ok: payload.as_ptr().addr().is_multiple_of(self.align.request),
        };
        Ok(Some((Box::new(Received { message, align: self.align }), arrival)))
    }
}
