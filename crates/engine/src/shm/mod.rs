//! Raw shared memory: the only unsafe code of the project. What comes out of here is safe whatever a peer writes.
//!
//! Modules: [`Mapping`] maps files and shows them as atomic words; [`Pool`] and [`RemoteSegment`] are the two sides of
//! a payload segment, over the format that `segment.rs` has; [`ChunkMut`] and [`ChunkRef`] are chunks of the one and
//! the other; [`SleepList`] and [`wake`] put threads to sleep on words and wake them. No policy lives here.
#![allow(unsafe_code)]

mod chunk;
mod futex;
mod mapping;
mod message;
mod poller;
mod pool;
mod remote_segment;
mod segment;
mod system;
mod words;

pub use chunk::{ChunkMut, Loaned, Published};
pub use futex::{SleepList, WORDS_MAX, fence_all, register_for_fences, wake};
pub use mapping::{FILE_BYTES_MAX, LockRefused, Mapping, is_damage};
pub use message::{ChunkRef, Message, Received, slot_header};
pub use poller::Poller;
pub use pool::{Holder, Pool};
pub use remote_segment::RemoteSegment;
pub use segment::{
    ALIGN_MAX, CHUNK_HEADER_BYTES, CHUNKS_MAX, ChunkHeader, Geometry, IMAGE_BYTES, Plain, Shape, TINY_BYTES,
    TINY_WORDS, slot_payload,
};
pub(crate) use system::block_signals;
pub use system::{fill, has_huge_pages, make_pipe, make_private, may_extend, open_options, user};
pub use words::{Column, LINE, Lines, LinesView, prefetch};
