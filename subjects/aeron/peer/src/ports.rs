//! A publication and a subscription, as either side has them.

use std::collections::VecDeque;
use std::time::Instant;

use rusteron_media_driver::{
    Aeron, AeronCError, AeronExclusivePublication, AeronFragmentClosureAssembler, AeronHeader, AeronOfferError,
    AeronSubscription, Handlers, IntoCString as _,
};
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{BenchClient, Load};

use crate::SETUP_PATIENCE;

/// Fragments that a poll takes at most, as in Aeron's own benchmarks.
const FRAGMENTS: usize = 10;
/// Shortest and longest term: a message has to fit into an eighth of one.
const TERM_MIN: usize = 1 << 20;
const TERM_MAX: usize = 1 << 30;

/// What a side sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A client.
    Requests,
    /// A server.
    Responses,
}

impl Direction {
    fn stream(self) -> i32 {
        match self {
            Self::Requests => 1001,
            Self::Responses => 1002,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Requests => Self::Responses,
            Self::Responses => Self::Requests,
        }
    }
}

/// Messages that have come, as numbers, or what was wrong with one.
struct Inbox {
    numbers: VecDeque<Result<u64, String>>,
    bytes: usize,
}

impl Inbox {
    fn take(&mut self, message: &[u8]) {
        self.numbers.push_back(match stamp::read(message) {
            Some(number) if message.len() == self.bytes => Ok(number),
            _ => Err(format!("a payload of {} bytes came damaged", message.len())),
        });
    }
}

/// Streams of a side.
pub struct Port {
    assembler: AeronFragmentClosureAssembler,
    subscription: AeronSubscription,
    publication: AeronExclusivePublication,
    inbox: Inbox,
    /// For messages of several fragments.
    buffer: Vec<u8>,
    /// Of a message of one fragment.
    claim_max: usize,
}

impl Port {
    pub fn new(aeron: &Aeron, sends: Direction, bytes: usize, load: &Load) -> Result<Self, AeronCError> {
        let under_way = load.outstanding.saturating_mul(load.responses);
        let term = bytes.saturating_mul(8).clamp(TERM_MIN, TERM_MAX).next_power_of_two();
        let channel = format!("aeron:ipc?term-length={term}").as_str().into_c_string();
        let publication =
            aeron.async_add_exclusive_publication(&channel, sends.stream())?.poll_blocking(SETUP_PATIENCE)?;
        let subscription = aeron
            .async_add_subscription(&channel, sends.other().stream(), Handlers::NONE, Handlers::NONE)?
            .poll_blocking(SETUP_PATIENCE)?;
        Ok(Self {
            assembler: AeronFragmentClosureAssembler::new()?,
            subscription,
            claim_max: publication.max_payload_length()?,
            publication,
            inbox: Inbox { numbers: VecDeque::with_capacity(under_way.max(FRAGMENTS)), bytes },
            buffer: vec![0; bytes],
        })
    }

    /// In place where a message is one fragment. A stream without room, or without the other side, is tried again.
    pub fn send(&mut self, number: u64) -> Result<(), String> {
        let mut stuck_since = None;
        loop {
            match self.offer(number) {
                Ok(()) => return Ok(()),
                Err(error) if !error.is_retryable() => return Err(format!("a message could not be sent: {error}")),
                Err(error) => {
                    if stuck_since.get_or_insert_with(Instant::now).elapsed() > SETUP_PATIENCE {
                        return Err(format!("a message could not be sent for {SETUP_PATIENCE:?}: {error}"));
                    }
                    std::hint::spin_loop();
                }
            }
        }
    }

    fn offer(&mut self, number: u64) -> Result<(), AeronOfferError> {
        if self.inbox.bytes > self.claim_max {
            stamp::write(&mut self.buffer, number);
            return self.publication.offer(&self.buffer).map(|_| ());
        }
        let mut claim = self.publication.try_claim_owned(self.inbox.bytes)?;
        stamp::write(claim.data(), number);
        claim.commit().map(|_| ()).map_err(AeronOfferError::Error)
    }

    pub fn receive(&mut self) -> Result<Option<u64>, String> {
        if self.inbox.numbers.is_empty() {
            let take = |inbox: &mut Inbox, message: &[u8], _: AeronHeader| inbox.take(message);
            self.assembler
                .poll(&self.subscription, &mut self.inbox, take, FRAGMENTS)
                .map_err(|error| format!("a message could not be received: {error}"))?;
        }
        self.inbox.numbers.pop_front().transpose()
    }
}

impl BenchClient for Port {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        self.send(sequence)
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        self.receive()
    }
}
