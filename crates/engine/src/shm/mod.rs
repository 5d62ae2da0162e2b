//! Raw shared memory: the only unsafe code of the project. What comes out of here is safe whatever a peer writes.
//!
//! Rooms: [`Mapping`] maps files and shows them as atomic words; [`Pool`] and [`RemoteSegment`] are the two sides of a
//! payload segment; [`ChunkMut`] and [`ChunkRef`] are what they hand out; [`SleepList`] and [`wake`] put threads to sleep on
//! words and wake them. No policy lives here.
#![allow(unsafe_code)]

mod chunk;
mod file;
mod futex;
mod mapping;
mod message;
mod pipe;
mod poller;
mod pool;

mod remote_segment;
mod segment;
mod signals;
mod words;

pub use chunk::{CHUNK_HEADER_BYTES, ChunkHeader, ChunkMut, ChunkRef, Loaned, Plain, Published, Shape};
pub use file::{fill, has_huge_pages, make_private, may_extend, user};
pub use futex::{SleepList, WORDS_MAX, fence_everybody, take_part_in_fences, wake};
pub use mapping::{FILE_BYTES_MAX, LockRefused, Mapping, is_damage};
pub use message::{IMAGE_BYTES, Message, Received, SHUTTLE_BODY, SHUTTLE_BYTES, slot_header, slot_payload};
pub use pipe::make_pipe;
pub use poller::Poller;
pub use pool::{Holder, Pool};

pub use remote_segment::RemoteSegment;
pub use segment::{ALIGN_MAX, CHUNKS_MAX, Geometry};
pub(crate) use signals::block_signals;
pub use words::{Column, LINE, Lines, LinesView, warm};
