//! Clients.

use std::marker::PhantomData;
use std::rc::Rc;

use super::client_core::ClientCore;
use super::lender::Lender;
use super::pending::PendingResponse;
use super::request::{RequestMut, RequestMutUninit};
use crate::error::{LoanError, SendError};
use crate::id::Id;
use crate::payload::{Payload, Types};
use crate::share::Share;
use crate::shm::{Loaned, Plain};

/// Sends requests; from [`Service::client_builder`](crate::Service::client_builder).
///
/// Dropping it frees its place in the service. Its loans, pending responses and responses stay valid.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// # let server = service.server_builder().create()?;
/// let client = service.client_builder().create()?;
/// // In one call:
/// let pending = client.send_copy(20)?;
/// // In place, where the servers will read it:
/// let mut request = client.loan()?;
/// *request += 21;
/// let other = request.send()?;
/// assert_eq!(other.number_of_server_connections(), 1);
/// # assert_eq!(server.receive()?.as_deref(), Some(&20));
/// # assert_eq!(server.receive()?.as_deref(), Some(&21));
/// # drop(pending);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
    pub(super) core: Rc<ClientCore>,
    types: Types<Req, Res, ReqHeader, ResHeader>,
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Drop for Client<Req, Res, ReqHeader, ResHeader> {
    fn drop(&mut self) {
        self.core.leave();
    }
}

impl<Req, Res, ReqHeader, ResHeader> Client<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain + Default,
    ResHeader: Plain + Default,
{
    pub(super) fn new(core: Rc<ClientCore>) -> Self {
        Self { core, types: PhantomData }
    }

    /// Identity, in the header of everything it sends.
    pub fn id(&self) -> Id {
        self.core.id
    }

    /// Elements that fit a loan without growing.
    pub fn max_slice_len(&self) -> usize {
        self.core.payloads.len_max()
    }

    /// Payload segments that there are: one, and those that were outgrown and still hold a chunk.
    pub fn segments(&self) -> usize {
        self.core.bring_home();
        self.core.payloads.segments()
    }

    /// Chunks of the payload segment that are loaned, on their way or held by servers, as far as is known.
    pub fn chunks_in_use(&self) -> usize {
        self.core.bring_home();
        self.core.payloads.in_use()
    }

    #[inline(always)]
    fn loan_elements(&self, len: usize) -> Result<RequestMut<Req, Res, ReqHeader, ResHeader>, LoanError> {
        let core = &self.core;
        let max = core.service.settings().max_loaned_requests;
        if core.loans.get() >= max {
            return Err(LoanError::ExceedsMaxLoans { max });
        }
        let chunk = core.loan_chunk(len)?;
        core.warm();
        let mut loaned = Loaned::<Req::Element, ReqHeader>::new(chunk, core.request_layout.shape(len))
            .ok_or(LoanError::OutOfMemory)?;
        *loaned.header_mut() = ReqHeader::default();
        core.loans.set(core.loans.get() + 1);
        Ok(RequestMut::new(Share::of(core), loaned))
    }
}

impl<Req, Res, ReqHeader, ResHeader> Client<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload<Element = Req> + Plain,
    Res: Payload + ?Sized,
    ReqHeader: Plain + Default,
    ResHeader: Plain + Default,
{
    /// Loans a request that holds the type's default.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan(&self) -> Result<RequestMut<Req, Res, ReqHeader, ResHeader>, LoanError>
    where
        Req: Default,
    {
        Ok(self.loan_uninit()?.write_payload(Req::default()))
    }

    /// Loans a request whose payload still has to be written.
    ///
    /// # Errors
    /// [`LoanError`].
    #[inline(always)]
    pub fn loan_uninit(&self) -> Result<RequestMutUninit<Req, Res, ReqHeader, ResHeader>, LoanError> {
        self.loan_elements(1).map(RequestMutUninit::new)
    }

    /// Loans, writes and sends in one call.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_copy(&self, value: Req) -> Result<PendingResponse<Res, ResHeader>, SendError> {
        self.loan_uninit()?.write_payload(value).send()
    }
}

impl<T, Res, ReqHeader, ResHeader> Client<[T], Res, ReqHeader, ResHeader>
where
    T: Plain,
    Res: Payload + ?Sized,
    ReqHeader: Plain + Default,
    ResHeader: Plain + Default,
{
    /// Loans a slice of `len` defaults.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan_slice(&self, len: usize) -> Result<RequestMut<[T], Res, ReqHeader, ResHeader>, LoanError>
    where
        T: Default,
    {
        Ok(self.loan_slice_uninit(len)?.write_from_fn(|_| T::default()))
    }

    /// Loans a slice of `len` elements that still have to be written.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan_slice_uninit(&self, len: usize) -> Result<RequestMutUninit<[T], Res, ReqHeader, ResHeader>, LoanError> {
        self.loan_elements(len).map(RequestMutUninit::new)
    }
}
