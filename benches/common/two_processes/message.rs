//! Payloads that hold a number, so that both sides see a message that is lost, doubled or damaged.

use shmark_engine::{ActiveRequest, Client, Payload, PendingResponse};
use shmark_peer::kit::bench::stamp;

use super::Res;

/// A payload of both directions.
pub trait Numbered: Payload {
    /// Sends a request of so many bytes.
    fn ask(client: &Client<Self, Self>, bytes: usize, number: u64) -> Res<PendingResponse<Self>>;

    /// Sends a response that is as long as its request.
    fn answer(active: &ActiveRequest<Self, Self>, number: u64) -> Res<()>;

    /// Its number, if every byte belongs to it.
    fn number(&self) -> Res<u64>;
}

impl Numbered for u64 {
    #[inline]
    fn ask(client: &Client<u64, u64>, _: usize, number: u64) -> Res<PendingResponse<u64>> {
        Ok(client.send_copy(number)?)
    }

    #[inline]
    fn answer(active: &ActiveRequest<u64, u64>, number: u64) -> Res<()> {
        Ok(active.send_copy(number)?)
    }

    #[inline]
    fn number(&self) -> Res<u64> {
        Ok(*self)
    }
}

impl Numbered for [u8] {
    #[inline]
    fn ask(client: &Client<[u8], [u8]>, bytes: usize, number: u64) -> Res<PendingResponse<[u8]>> {
        let mut request = client.loan_slice_uninit(bytes)?;
        stamp::write(request.payload_mut(), number);
        Ok(request.assume_init().send()?)
    }

    #[inline]
    fn answer(active: &ActiveRequest<[u8], [u8]>, number: u64) -> Res<()> {
        let mut response = active.loan_slice_uninit(active.len())?;
        stamp::write(response.payload_mut(), number);
        Ok(response.assume_init().send()?)
    }

    #[inline]
    fn number(&self) -> Res<u64> {
        Ok(stamp::read(self).ok_or("a payload is damaged: its bytes belong to different messages, or to none")?)
    }
}
