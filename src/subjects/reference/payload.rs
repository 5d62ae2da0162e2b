//! The payload types of the peer protocol, as the engine's types.

use zerocopy::{FromBytes, Immutable, IntoBytes};

use shmark_engine::error::LoanError;
use shmark_engine::{
    ActiveRequest, Client, Payload, Plain, RequestMut, RequestMutUninit, ResponseMut, ResponseMutUninit,
};

/// `bytes` as a fixed payload.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(transparent)]
pub struct Block([u8; 4096]);

impl Default for Block {
    fn default() -> Self {
        Self([0; 4096])
    }
}

/// A loan of either kind.
type Loan<T> = Result<T, LoanError>;

/// A payload type of the protocol: loans of its kind, and its bytes.
pub trait PeerPayload: Payload {
    /// Loans a request of `len` elements; a fixed payload has one whatever `len` says.
    fn request<Res, A, B>(
        client: &Client<Self, Res, A, B>,
        len: usize,
        uninit: bool,
    ) -> Loan<RequestMut<Self, Res, A, B>>
    where
        Res: Payload + ?Sized,
        A: Plain + Default,
        B: Plain + Default;
    /// Loans a response.
    fn response<Req, A, B>(
        active: &ActiveRequest<Req, Self, A, B>,
        len: usize,
        uninit: bool,
    ) -> Loan<ResponseMut<Self, B>>
    where
        Req: Payload + ?Sized,
        A: Plain + Default,
        B: Plain + Default;
    /// All bytes.
    fn bytes(&self) -> &[u8];
    /// All bytes, to write.
    fn bytes_mut(&mut self) -> &mut [u8];
    /// Elements.
    fn elements(&self) -> usize;
}

macro_rules! fixed {
    ($type:ty) => {
        impl PeerPayload for $type {
            fn request<Res, A, B>(
                client: &Client<Self, Res, A, B>,
                _: usize,
                uninit: bool,
            ) -> Loan<RequestMut<Self, Res, A, B>>
            where
                Res: Payload + ?Sized,
                A: Plain + Default,
                B: Plain + Default,
            {
                if uninit { client.loan_uninit().map(|loan| loan.assume_init()) } else { client.loan() }
            }
            fn response<Req, A, B>(
                active: &ActiveRequest<Req, Self, A, B>,
                _: usize,
                uninit: bool,
            ) -> Loan<ResponseMut<Self, B>>
            where
                Req: Payload + ?Sized,
                A: Plain + Default,
                B: Plain + Default,
            {
                if uninit { active.loan_uninit().map(|loan| loan.assume_init()) } else { active.loan() }
            }
            fn bytes(&self) -> &[u8] {
                self.as_bytes()
            }
            fn bytes_mut(&mut self) -> &mut [u8] {
                self.as_mut_bytes()
            }
            fn elements(&self) -> usize {
                1
            }
        }
    };
}

fixed!(u64);
fixed!(Block);

impl<T: Plain + Default> PeerPayload for [T] {
    fn request<Res, A, B>(
        client: &Client<Self, Res, A, B>,
        len: usize,
        uninit: bool,
    ) -> Loan<RequestMut<Self, Res, A, B>>
    where
        Res: Payload + ?Sized,
        A: Plain + Default,
        B: Plain + Default,
    {
        if uninit { client.loan_slice_uninit(len).map(RequestMutUninit::assume_init) } else { client.loan_slice(len) }
    }
    fn response<Req, A, B>(
        active: &ActiveRequest<Req, Self, A, B>,
        len: usize,
        uninit: bool,
    ) -> Loan<ResponseMut<Self, B>>
    where
        Req: Payload + ?Sized,
        A: Plain + Default,
        B: Plain + Default,
    {
        if uninit { active.loan_slice_uninit(len).map(ResponseMutUninit::assume_init) } else { active.loan_slice(len) }
    }
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        self.as_mut_bytes()
    }
    fn elements(&self) -> usize {
        self.len()
    }
}

/// A user header of the protocol: `u64` or none.
pub trait PeerHeader: Plain + Default {
    /// Its bytes, if there is one.
    fn view(&self) -> Option<&[u8]>;
    /// Its bytes, to write.
    fn view_mut(&mut self) -> Option<&mut [u8]>;
}

impl PeerHeader for () {
    fn view(&self) -> Option<&[u8]> {
        None
    }
    fn view_mut(&mut self) -> Option<&mut [u8]> {
        None
    }
}

impl PeerHeader for u64 {
    fn view(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
    fn view_mut(&mut self) -> Option<&mut [u8]> {
        Some(self.as_mut_bytes())
    }
}
