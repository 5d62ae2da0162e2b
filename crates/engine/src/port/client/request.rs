//! Loaned requests.

use std::marker::PhantomData;

use crate::error::{LoanError, SendError};
use crate::payload::{Payload, ResponseTypes};
use crate::port::client::core::ClientCore;
use crate::port::client::pending::PendingResponse;
use crate::port::loan::{LoanMut, LoanMutUninit};
use crate::share::Share;
use crate::shm::{Loaned, Plain};

/// A request in the client's payload segment, ready to be changed and sent. Dropping it gives the loan back.
pub type RequestMut<Req, Res, ReqHeader = (), ResHeader = ()> = LoanMut<Req, ReqHeader, RequestLoan<Res, ResHeader>>;

/// A loaned request whose payload is whatever the chunk held before: always a valid value, never a meaningful one.
pub type RequestMutUninit<Req, Res, ReqHeader = (), ResHeader = ()> =
    LoanMutUninit<Req, ReqHeader, RequestLoan<Res, ResHeader>>;

/// Counts a loan of a client as long as it is held.
#[derive(Debug)]
pub struct RequestLoan<Res: ?Sized, ResHeader> {
    core: Share<ClientCore>,
    types: ResponseTypes<Res, ResHeader>,
}

impl<Res: ?Sized, ResHeader> RequestLoan<Res, ResHeader> {
    /// Ends the loan.
    #[inline(always)]
    fn end(&mut self) -> Option<Share<ClientCore>> {
        let core = self.core.take()?;
        core.loans.set(core.loans.get() - 1);
        Some(Share::from(core))
    }
}

impl<Res: ?Sized, ResHeader> Drop for RequestLoan<Res, ResHeader> {
    #[inline(always)]
    fn drop(&mut self) {
        self.end();
    }
}

impl<Req, Res, ReqHeader, ResHeader> LoanMut<Req, ReqHeader, RequestLoan<Res, ResHeader>>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain,
    ResHeader: Plain,
{
    #[inline(always)]
    pub(super) fn new(core: Share<ClientCore>, loaned: Loaned<Req::Element, ReqHeader>) -> Self {
        Self { loaned, loan: RequestLoan { core, types: PhantomData } }
    }

    /// Sends the request to every server that is connected now.
    ///
    /// # Errors
    /// [`SendError`]; the loan is given back then.
    #[inline(always)]
    pub fn send(self) -> Result<PendingResponse<Res, ResHeader>, SendError> {
        let Self { mut loaned, mut loan } = self;
        let len = Req::elements(loaned.elements());
        // There is one until here: nothing else ends a loan.
        let Some(core) = loan.end() else { return Err(LoanError::OutOfMemory.into()) };
        let sent =
            core.send(loaned.chunk_mut(), len, core.request_layout.bytes_in_slot::<Req::Element, ReqHeader>(len))?;
        Ok(PendingResponse::new(core, sent))
    }
}
