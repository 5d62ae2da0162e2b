//! How strongly the accesses of [`Slots`](super::Slots) are ordered, in one place: mapped memory and the exploration of
//! schedules use the same constants, so that a weaker one is found by the latter.

use std::sync::atomic::Ordering;

/// Of a load. Acquire: the chunk that an entry names is read, or written anew, after the entry was seen.
pub const LOAD: Ordering = Ordering::Acquire;
/// Of a store. Release: the chunk was written, or read for the last time, before its entry moves.
pub const STORE: Ordering = Ordering::Release;
/// Of an exchange. Release for the entry that goes in, acquire for the one that comes out and whose chunk is written anew.
pub const SWAP: Ordering = Ordering::AcqRel;
/// Of a conditional exchange for 0. Acquire: the chunk is read after it is ours. Release: whoever finds the slot empty
/// comes after.
pub const TAKE: Ordering = Ordering::AcqRel;
/// Of a conditional exchange that failed, which gives nothing to read.
pub const TAKE_FAILED: Ordering = Ordering::Relaxed;
