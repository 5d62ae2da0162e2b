//! Loaned requests.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::error::{LoanError, SendError};
use crate::payload::{Payload, ResponseTypes};
use crate::port::client::core::ClientCore;
use crate::port::client::pending::PendingResponse;
use crate::share::Share;
use crate::shm::{Loaned, Plain};

/// Counts a loan as long as it is held.
#[derive(Debug)]
struct Loan(Share<ClientCore>);

impl Loan {
    /// Ends the loan.
    #[inline(always)]
    fn end(&mut self) -> Option<Share<ClientCore>> {
        let core = self.0.take()?;
        core.loans.set(core.loans.get() - 1);
        Some(Share::from(core))
    }
}

impl Drop for Loan {
    #[inline(always)]
    fn drop(&mut self) {
        self.end();
    }
}

/// A request in the client's payload segment, ready to be changed and sent. Dropping it gives the loan back.
pub struct RequestMut<Req: Payload + ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
    loaned: Loaned<Req::Element, ReqHeader>,
    loan: Loan,
    types: ResponseTypes<Res, ResHeader>,
}

impl<Req, Res, ReqHeader, ResHeader> RequestMut<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain,
    ResHeader: Plain,
{
    #[inline(always)]
    pub(in crate::port) fn new(core: Share<ClientCore>, loaned: Loaned<Req::Element, ReqHeader>) -> Self {
        Self { loaned, loan: Loan(core), types: PhantomData }
    }

    /// The payload.
    pub fn payload(&self) -> &Req {
        Req::view(self.loaned.payload())
    }

    /// The payload, to write.
    #[inline(always)]
    pub fn payload_mut(&mut self) -> &mut Req {
        Req::view_mut(self.loaned.payload_mut())
    }

    /// The user header.
    pub fn user_header(&self) -> &ReqHeader {
        self.loaned.header()
    }

    /// The user header, to write.
    pub fn user_header_mut(&mut self) -> &mut ReqHeader {
        self.loaned.header_mut()
    }

    /// User header and payload, both to write.
    pub fn parts_mut(&mut self) -> (&mut ReqHeader, &mut Req) {
        let (header, elements) = self.loaned.parts_mut();
        (header, Req::view_mut(elements))
    }

    /// Sends the request to every server that is connected now.
    ///
    /// # Errors
    /// [`SendError`]; the loan is given back then.
    #[inline(always)]
    pub fn send(self) -> Result<PendingResponse<Res, ResHeader>, SendError> {
        let Self { mut loaned, mut loan, .. } = self;
        let len = Req::elements(loaned.elements());
        // There is one until here: nothing else ends a loan.
        let Some(core) = loan.end() else { return Err(LoanError::OutOfMemory.into()) };
        let sent =
            core.send(loaned.chunk_mut(), len, core.request_layout.bytes_in_slot::<Req::Element, ReqHeader>(len))?;
        Ok(PendingResponse::new(core, sent))
    }
}

impl<Req, Res, ReqHeader, ResHeader> Deref for RequestMut<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain,
    ResHeader: Plain,
{
    type Target = Req;
    fn deref(&self) -> &Req {
        self.payload()
    }
}

impl<Req, Res, ReqHeader, ResHeader> DerefMut for RequestMut<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain,
    ResHeader: Plain,
{
    fn deref_mut(&mut self) -> &mut Req {
        self.payload_mut()
    }
}

/// A loaned request whose payload is whatever the chunk held before: always a valid value, never a meaningful one.
pub struct RequestMutUninit<Req: Payload + ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()>(
    RequestMut<Req, Res, ReqHeader, ResHeader>,
);

impl<Req, Res, ReqHeader, ResHeader> RequestMutUninit<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain,
    ResHeader: Plain,
{
    pub(in crate::port) fn new(request: RequestMut<Req, Res, ReqHeader, ResHeader>) -> Self {
        Self(request)
    }

    /// The payload, to write in place.
    pub fn payload_mut(&mut self) -> &mut Req {
        self.0.payload_mut()
    }

    /// The user header, to write.
    pub fn user_header_mut(&mut self) -> &mut ReqHeader {
        self.0.user_header_mut()
    }

    /// Takes what is there as the payload. No more than a promise to have written it: any bytes are a valid payload.
    pub fn assume_init(self) -> RequestMut<Req, Res, ReqHeader, ResHeader> {
        self.0
    }
}

impl<Req, Res, ReqHeader, ResHeader> RequestMutUninit<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload<Element = Req> + Plain,
    Res: Payload + ?Sized,
    ReqHeader: Plain,
    ResHeader: Plain,
{
    /// Writes the payload.
    #[inline(always)]
    pub fn write_payload(mut self, value: Req) -> RequestMut<Req, Res, ReqHeader, ResHeader> {
        *self.0.payload_mut() = value;
        self.0
    }
}

impl<T, Res, ReqHeader, ResHeader> RequestMutUninit<[T], Res, ReqHeader, ResHeader>
where
    T: Plain,
    Res: Payload + ?Sized,
    ReqHeader: Plain,
    ResHeader: Plain,
{
    /// Writes each element from its index.
    pub fn write_from_fn(mut self, value: impl FnMut(usize) -> T) -> RequestMut<[T], Res, ReqHeader, ResHeader> {
        fill(self.0.payload_mut(), value);
        self.0
    }

    /// Copies a slice of the same length; `None` for another length, and the loan is given back.
    pub fn write_from_slice(mut self, values: &[T]) -> Option<RequestMut<[T], Res, ReqHeader, ResHeader>>
    where
        T: Copy,
    {
        if values.len() != self.0.payload_mut().len() {
            return None;
        }
        self.0.payload_mut().copy_from_slice(values);
        Some(self.0)
    }
}

/// Writes each element of a slice from its index.
pub(in crate::port) fn fill<T>(slice: &mut [T], mut value: impl FnMut(usize) -> T) {
    for (i, element) in slice.iter_mut().enumerate() {
        *element = value(i);
    }
}

impl<Req, Res, ReqHeader, ResHeader> fmt::Debug for RequestMut<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestMut").field(&self.loaned).finish()
    }
}

impl<Req, Res, ReqHeader, ResHeader> fmt::Debug for RequestMutUninit<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestMutUninit").field(&self.0).finish()
    }
}
