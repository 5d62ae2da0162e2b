//! The model: what is loaned and what is held, as ordinary vectors of bytes.

use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _};

use super::{Growth, LoanRefused, SegmentShape};
use crate::random::Random;

/// Number of a chunk's use, from 1 in the order of the loans.
pub(super) type Key = u32;

/// A message that receivers hold.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub bytes: Vec<u8>,
    /// Which receivers still hold it.
    pub holders: Vec<usize>,
    /// Whether they hold a copy, and no chunk.
    pub copied: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub shape: SegmentShape,
    pub loans: BTreeMap<Key, Vec<u8>>,
    pub messages: BTreeMap<Key, Message>,
    /// Bytes that fit by the rules of growth.
    pub len_max: usize,
}

impl Model {
    pub fn new(shape: SegmentShape) -> Self {
        Self { shape, loans: BTreeMap::new(), messages: BTreeMap::new(), len_max: shape.len_initial }
    }

    /// What a loan has to come to.
    pub fn loan(&self, len: usize) -> Result<(), LoanRefused> {
        let too_long = len > self.len_max && self.shape.growth == Growth::Static;
        match (self.loans.len() >= self.shape.loans_max, too_long || isize::try_from(len).is_err()) {
            (true, _) => Err(LoanRefused::TooMany),
            (false, true) => Err(LoanRefused::TooLong),
            (false, false) => Ok(()),
        }
    }

    /// Notes a loan that was granted.
    pub fn loaned(&mut self, key: Key, bytes: Vec<u8>) {
        if bytes.len() > self.len_max {
            self.len_max = self.shape.growth.len_max_after(bytes.len(), self.len_max);
        }
        self.loans.insert(key, bytes);
    }

    pub fn chunks_in_use(&self) -> usize {
        self.loans.len() + self.messages.values().filter(|message| !message.copied).count()
    }

    /// Most segments that can be there: each outgrown one has a chunk that is in use.
    pub fn segments_max(&self) -> usize {
        if self.shape.growth == Growth::Static { 1 } else { 1 + self.chunks_in_use() }
    }

    /// Whether both are refused for a reason that holds: a loan that is one too many and too long may be told either.
    pub fn agrees(&self, len: usize, expected: Result<(), LoanRefused>, got: Result<(), LoanRefused>) -> bool {
        let is_long = len > self.len_max;
        let both = expected == Err(LoanRefused::TooMany) && got == Err(LoanRefused::TooLong) && is_long;
        expected == got || both
    }
}

/// Contents that no other use of a chunk has.
pub(super) fn pattern(key: Key, version: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    Random::seed_from_u64(u64::from(key) << 8 | u64::from(version)).fill_bytes(&mut bytes);
    bytes
}
