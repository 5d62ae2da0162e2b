//! Loaned responses.

use crate::error::SendError;
use crate::payload::Payload;
use crate::port::loan::{LoanMut, LoanMutUninit};
use crate::port::server::connection::ServerConnection;
use crate::port::server::core::ServerCore;
use crate::share::Share;
use crate::shm::{Loaned, Plain};

/// A response in the server's payload segment, ready to be changed and sent. Dropping it gives the loan back.
pub type ResponseMut<Res, ResHeader = ()> = LoanMut<Res, ResHeader, ResponseLoan>;

/// A loaned response whose payload is whatever the chunk held before: always a valid value, never a meaningful one.
pub type ResponseMutUninit<Res, ResHeader = ()> = LoanMutUninit<Res, ResHeader, ResponseLoan>;

/// Counts a loan of an active request as long as it is held.
#[derive(Debug)]
pub struct ResponseLoan {
    core: Share<ServerCore>,
    connection: Share<ServerConnection>,
    lane: u32,
    place: u32,
    request_id: u64,
}

impl Drop for ResponseLoan {
    #[inline(always)]
    fn drop(&mut self) {
        self.connection.track.places.leave(self.place);
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> LoanMut<Res, ResHeader, ResponseLoan> {
    pub(super) fn new(
        core: Share<ServerCore>,
        connection: Share<ServerConnection>,
        loaned: Loaned<Res::Element, ResHeader>,
        (lane, request_id, place): (u32, u64, u32),
    ) -> Self {
        Self { loaned, loan: ResponseLoan { core, connection, lane, place, request_id } }
    }

    /// Sends the response to the request's client. If nobody waits for it any more, that is fine.
    ///
    /// # Errors
    /// [`SendError::ConnectionCorrupted`].
    #[inline(always)]
    pub fn send(self) -> Result<(), SendError> {
        let Self { mut loaned, loan } = self;
        let len = Res::elements(loaned.elements());
        let small = loan.core.response_layout.bytes_in_slot::<Res::Element, ResHeader>(len);
        loan.core.send(&loan.connection, loaned.chunk_mut(), (loan.lane as usize, loan.request_id), (len, small))
    }
}
