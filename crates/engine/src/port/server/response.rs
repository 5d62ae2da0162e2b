//! Loaned responses.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::error::SendError;
use crate::payload::Payload;
use crate::port::client::request::fill;
use crate::port::server::connection::{Outgoing, ServerConnection};
use crate::port::server::core::ServerCore;
use crate::share::Share;
use crate::shm::{Loaned, Plain};

/// Counts a loan of an active request as long as it is held.
#[derive(Debug)]
struct Loan {
    core: Share<ServerCore>,
    connection: Share<ServerConnection>,
    lane: u32,
    place: u32,
    request_id: u64,
}

impl Drop for Loan {
    #[inline(always)]
    fn drop(&mut self) {
        self.connection.places.unloan(self.place);
    }
}

/// A response in the server's payload segment, ready to be changed and sent. Dropping it gives the loan back.
pub struct ResponseMut<Res: Payload + ?Sized, ResHeader = ()> {
    loaned: Loaned<Res::Element, ResHeader>,
    loan: Loan,
}

impl<Res: Payload + ?Sized, ResHeader: Plain> ResponseMut<Res, ResHeader> {
    pub(in crate::port) fn new(
        core: Share<ServerCore>,
        connection: Share<ServerConnection>,
        loaned: Loaned<Res::Element, ResHeader>,
        (lane, request_id, place): (u32, u64, u32),
    ) -> Self {
        Self { loaned, loan: Loan { core, connection, lane, place, request_id } }
    }

    /// The payload.
    pub fn payload(&self) -> &Res {
        Res::view(self.loaned.payload())
    }

    /// The payload, to write.
    #[inline(always)]
    pub fn payload_mut(&mut self) -> &mut Res {
        Res::view_mut(self.loaned.payload_mut())
    }

    /// The user header.
    pub fn user_header(&self) -> &ResHeader {
        self.loaned.header()
    }

    /// The user header, to write.
    pub fn user_header_mut(&mut self) -> &mut ResHeader {
        self.loaned.header_mut()
    }

    /// User header and payload, both to write.
    pub fn parts_mut(&mut self) -> (&mut ResHeader, &mut Res) {
        let (header, elements) = self.loaned.parts_mut();
        (header, Res::view_mut(elements))
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
        let Loan { lane, request_id, .. } = loan;
        let response = Outgoing { lane: lane as usize, request_id, len, small };
        loan.core.send(&loan.connection, loaned.chunk_mut(), response)
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> Deref for ResponseMut<Res, ResHeader> {
    type Target = Res;
    fn deref(&self) -> &Res {
        self.payload()
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> DerefMut for ResponseMut<Res, ResHeader> {
    fn deref_mut(&mut self) -> &mut Res {
        self.payload_mut()
    }
}

/// A loaned response whose payload is whatever the chunk held before: always a valid value, never a meaningful one.
pub struct ResponseMutUninit<Res: Payload + ?Sized, ResHeader = ()>(ResponseMut<Res, ResHeader>);

impl<Res: Payload + ?Sized, ResHeader: Plain> ResponseMutUninit<Res, ResHeader> {
    pub(in crate::port) fn new(response: ResponseMut<Res, ResHeader>) -> Self {
        Self(response)
    }

    /// The payload, to write in place.
    pub fn payload_mut(&mut self) -> &mut Res {
        self.0.payload_mut()
    }

    /// The user header, to write.
    pub fn user_header_mut(&mut self) -> &mut ResHeader {
        self.0.user_header_mut()
    }

    /// Takes what is there as the payload. No more than a promise to have written it: any bytes are a valid payload.
    pub fn assume_init(self) -> ResponseMut<Res, ResHeader> {
        self.0
    }
}

impl<Res: Payload<Element = Res> + Plain, ResHeader: Plain> ResponseMutUninit<Res, ResHeader> {
    /// Writes the payload.
    #[inline(always)]
    pub fn write_payload(mut self, value: Res) -> ResponseMut<Res, ResHeader> {
        *self.0.payload_mut() = value;
        self.0
    }
}

impl<T: Plain, ResHeader: Plain> ResponseMutUninit<[T], ResHeader> {
    /// Writes each element from its index.
    pub fn write_from_fn(mut self, value: impl FnMut(usize) -> T) -> ResponseMut<[T], ResHeader> {
        fill(self.0.payload_mut(), value);
        self.0
    }

    /// Copies a slice of the same length; `None` for another length, and the loan is given back.
    pub fn write_from_slice(mut self, values: &[T]) -> Option<ResponseMut<[T], ResHeader>>
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

impl<Res, ResHeader> fmt::Debug for ResponseMut<Res, ResHeader>
where
    Res: Payload + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResponseMut").field(&self.loaned).finish()
    }
}

impl<Res, ResHeader> fmt::Debug for ResponseMutUninit<Res, ResHeader>
where
    Res: Payload + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResponseMutUninit").field(&self.0).finish()
    }
}
