//! Messages as a user has them. Requests and responses are written and read alike, and differ in who counts the loan or holds the
//! message, and in how they are sent.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::payload::Payload;
use crate::shm::{Loaned, Plain, Received};

/// A message in its sender's payload segment, ready to be changed and sent: a [`RequestMut`](crate::RequestMut) or a
/// [`ResponseMut`](crate::ResponseMut), as `Loan` says. Dropping it gives the loan back.
pub struct LoanMut<P: Payload + ?Sized, Header, Loan> {
    pub(super) loaned: Loaned<P::Element, Header>,
    /// Counts the loan as long as it is held.
    pub(super) loan: Loan,
}

impl<P: Payload + ?Sized, Header: Plain, Loan> LoanMut<P, Header, Loan> {
    /// The payload.
    pub fn payload(&self) -> &P {
        P::view(self.loaned.payload())
    }

    /// The payload, to write.
    #[inline(always)]
    pub fn payload_mut(&mut self) -> &mut P {
        P::view_mut(self.loaned.payload_mut())
    }

    /// The user header.
    pub fn user_header(&self) -> &Header {
        self.loaned.header()
    }

    /// The user header, to write.
    pub fn user_header_mut(&mut self) -> &mut Header {
        self.loaned.header_mut()
    }

    /// User header and payload, both to write.
    pub fn parts_mut(&mut self) -> (&mut Header, &mut P) {
        let (header, elements) = self.loaned.parts_mut();
        (header, P::view_mut(elements))
    }
}

impl<P: Payload + ?Sized, Header: Plain, Loan> Deref for LoanMut<P, Header, Loan> {
    type Target = P;
    fn deref(&self) -> &P {
        self.payload()
    }
}

impl<P: Payload + ?Sized, Header: Plain, Loan> DerefMut for LoanMut<P, Header, Loan> {
    fn deref_mut(&mut self) -> &mut P {
        self.payload_mut()
    }
}

impl<P: Payload + ?Sized, Header, Loan> fmt::Debug for LoanMut<P, Header, Loan> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoanMut").field(&self.loaned).finish()
    }
}

/// A loaned message whose payload is whatever the chunk held before: always a valid value, never a meaningful one.
#[derive(Debug)]
pub struct LoanMutUninit<P: Payload + ?Sized, Header, Loan>(LoanMut<P, Header, Loan>);

impl<P: Payload + ?Sized, Header: Plain, Loan> LoanMutUninit<P, Header, Loan> {
    pub(super) fn new(loan: LoanMut<P, Header, Loan>) -> Self {
        Self(loan)
    }

    /// The payload, to write in place.
    pub fn payload_mut(&mut self) -> &mut P {
        self.0.payload_mut()
    }

    /// The user header, to write.
    pub fn user_header_mut(&mut self) -> &mut Header {
        self.0.user_header_mut()
    }

    /// Takes what is there as the payload. No more than a promise to have written it: any bytes are a valid payload.
    pub fn assume_init(self) -> LoanMut<P, Header, Loan> {
        self.0
    }
}

impl<P: Payload<Element = P> + Plain, Header: Plain, Loan> LoanMutUninit<P, Header, Loan> {
    /// Writes the payload.
    #[inline(always)]
    pub fn write_payload(mut self, value: P) -> LoanMut<P, Header, Loan> {
        *self.0.payload_mut() = value;
        self.0
    }
}

impl<T: Plain, Header: Plain, Loan> LoanMutUninit<[T], Header, Loan> {
    /// Writes each element from its index.
    pub fn write_from_fn(mut self, mut value: impl FnMut(usize) -> T) -> LoanMut<[T], Header, Loan> {
        for (i, element) in self.0.payload_mut().iter_mut().enumerate() {
            *element = value(i);
        }
        self.0
    }

    /// Copies a slice of the same length; `None` for another length, and the loan is given back.
    pub fn write_from_slice(mut self, values: &[T]) -> Option<LoanMut<[T], Header, Loan>>
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

/// A received message: a [`Response`](crate::Response) or an [`ActiveRequest`](crate::ActiveRequest), as `Hold` says. It is
/// readable and unchanged until it is dropped, whatever becomes of its sender.
pub struct ReceivedMessage<P: Payload + ?Sized, Header, Hold> {
    pub(super) received: Received<P::Element, Header>,
    /// Keeps the message as long as it lives, and gives it back.
    pub(super) hold: Hold,
}

impl<P: Payload + ?Sized, Header: Plain, Hold> ReceivedMessage<P, Header, Hold> {
    /// The payload.
    #[inline(always)]
    pub fn payload(&self) -> &P {
        P::view(self.received.payload())
    }

    /// The user header.
    pub fn user_header(&self) -> &Header {
        self.received.header()
    }
}

impl<P: Payload + ?Sized, Header: Plain, Hold> Deref for ReceivedMessage<P, Header, Hold> {
    type Target = P;
    fn deref(&self) -> &P {
        self.payload()
    }
}

impl<P: Payload + ?Sized, Header, Hold> fmt::Debug for ReceivedMessage<P, Header, Hold> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceivedMessage").field(&self.received).finish()
    }
}
