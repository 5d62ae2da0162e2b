//! Builders of clients and servers.

use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::entering::{PortOptions, enter};
use crate::error::PortError;
use crate::payload::{Payload, Types};
use crate::port::backpressure::{Backpressure, BackpressureAction, BackpressureInfo};
use crate::port::client::Client;
use crate::port::client::core::ClientCore;
use crate::port::server::Server;
use crate::port::server::core::ServerCore;
use crate::service::{Service, ServiceInner};
use crate::shm::Plain;
use crate::strategy::{AllocationStrategy, BackpressureStrategy};

macro_rules! port_builder {
    ($(#[$doc:meta])* $builder:ident, $defaults:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $builder<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
            service: Arc<ServiceInner>,
            options: PortOptions,
            types: Types<Req, Res, ReqHeader, ResHeader>,
        }

        impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> $builder<Req, Res, ReqHeader, ResHeader> {
            pub(crate) fn new(service: Arc<ServiceInner>) -> Self {
                let defaults = &service.node.config.$defaults;
                let options = PortOptions {
                    name: String::new(),
                    max: None,
                    allocation_strategy: defaults.allocation_strategy,
                    initial_max_slice_len: defaults.initial_max_slice_len.max(1),
                    preallocate: defaults.preallocate,
                    backpressure: Backpressure { strategy: defaults.backpressure_strategy, handler: None },
                };
                Self { service, options, types: PhantomData }
            }

            /// Names the port, for listings ([RR-PRT-03](crate#requirements)).
            #[must_use]
            pub fn name(mut self, name: &str) -> Self {
                name.clone_into(&mut self.options.name);
                self
            }

            /// Elements that a loaned slice may have, without growing; 1 unless configured, 0 is taken as 1
            /// ([RR-DYN-01](crate#requirements)).
            #[must_use]
            pub fn initial_max_slice_len(mut self, len: usize) -> Self {
                self.options.initial_max_slice_len = len.max(1);
                self
            }

            /// How the payload segment gets room for longer slices ([RR-DYN-02](crate#requirements)); not at all unless
            /// configured.
            #[must_use]
            pub fn allocation_strategy(mut self, strategy: AllocationStrategy) -> Self {
                self.options.allocation_strategy = strategy;
                self
            }

            /// Makes the payload segment with room for so many messages instead of as many as the limits allow to be in
            /// use at once, which is the most that is ever needed; 0 is taken as 1. When all are in use, a loan fails
            /// with [`LoanError::OutOfMemory`](crate::error::LoanError::OutOfMemory) until one comes back
            /// ([RR-PRT-08](crate#requirements)); with an allocation strategy that grows, the segment grows instead
            /// ([RR-DYN-07](crate#requirements)).
            #[must_use]
            pub fn preallocate(mut self, messages: usize) -> Self {
                self.options.preallocate = Some(messages.max(1));
                self
            }

            /// What to do when a buffer without overflow is full.
            #[must_use]
            pub fn backpressure_strategy(mut self, strategy: BackpressureStrategy) -> Self {
                self.options.backpressure.strategy = strategy;
                self
            }

            /// Asks `handler` whenever a buffer without overflow is full, instead of following the strategy
            /// ([RR-SND-09](crate#requirements)).
            ///
            /// It is called in the thread that sends and may use other ports, for instance to receive what makes room. A
            /// panic of it goes on in the sender, with nothing of the message left.
            #[must_use]
            pub fn backpressure_handler(
                mut self,
                handler: impl Fn(&BackpressureInfo<'_>) -> BackpressureAction + 'static,
            ) -> Self {
                self.options.backpressure.handler = Some(Rc::new(handler));
                self
            }
        }
    };
}

port_builder! {
    /// Builds a [`Client`].
    ClientBuilder, client
}
port_builder! {
    /// Builds a [`Server`].
    ServerBuilder, server
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Service<Req, Res, ReqHeader, ResHeader> {
    /// Starts building a client.
    pub fn client_builder(&self) -> ClientBuilder<Req, Res, ReqHeader, ResHeader> {
        ClientBuilder::new(Arc::clone(&self.inner))
    }

    /// Starts building a server.
    pub fn server_builder(&self) -> ServerBuilder<Req, Res, ReqHeader, ResHeader> {
        ServerBuilder::new(Arc::clone(&self.inner))
    }
}

impl<Req: Payload + ?Sized, Res: Payload + ?Sized, ReqHeader: Plain + Default, ResHeader: Plain + Default>
    ClientBuilder<Req, Res, ReqHeader, ResHeader>
{
    /// Lowers the client's own maximum of active requests; 0 is taken as 1 ([RR-PRT-04](crate#requirements)).
    #[must_use]
    pub fn max_active_requests(mut self, max: usize) -> Self {
        self.options.max = Some(max.max(1));
        self
    }

    /// Creates the client, connected to every server that is there.
    ///
    /// # Errors
    /// [`PortError`]; nothing of the client is left then.
    pub fn create(self) -> Result<Client<Req, Res, ReqHeader, ResHeader>, PortError> {
        let settings = self.service.settings();
        let active_max = self.options.max.unwrap_or(settings.max_active_requests);
        if active_max > settings.max_active_requests {
            return Err(PortError::ExceedsMaxActiveRequests { asked: active_max, has: settings.max_active_requests });
        }
        // Loaned, unread and held by each server, and the one that is being sent.
        let chunks = settings.max_loaned_requests + settings.max_servers * 2 * settings.max_active_requests + 1;
        let core = enter(self.service, self.options, Req::KIND, chunks, |member| ClientCore::new(member, active_max))?;
        Ok(Client::new(core))
    }
}

impl<Req: Payload + ?Sized, Res: Payload + ?Sized, ReqHeader: Plain + Default, ResHeader: Plain + Default>
    ServerBuilder<Req, Res, ReqHeader, ResHeader>
{
    /// Responses that each active request may have loaned at once: 2 unless configured, 0 is taken as 1
    /// ([RR-LOAN-02](crate#requirements)).
    #[must_use]
    pub fn max_loaned_responses_per_request(mut self, max: usize) -> Self {
        self.options.max = Some(max.max(1));
        self
    }

    /// Creates the server, connected to every client that is there.
    ///
    /// # Errors
    /// [`PortError`]; nothing of the server is left then.
    pub fn create(self) -> Result<Server<Req, Res, ReqHeader, ResHeader>, PortError> {
        let settings = self.service.settings();
        let loans_max = self.options.max.unwrap_or(self.service.node.config.server.max_loaned_responses.max(1));
        // For each active request of each client: loaned, unread and held; and the one that is being sent.
        let each = loans_max.saturating_add(settings.response_slots() + settings.max_borrowed_responses);
        let chunks = each.saturating_mul(settings.max_clients * settings.max_active_requests).saturating_add(1);
        let core = enter(self.service, self.options, Res::KIND, chunks, |member| ServerCore::new(member, loans_max))?;
        Ok(Server::new(core))
    }
}
