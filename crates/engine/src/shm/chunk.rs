//! Chunks as their sender has them: loaned, written and sent.

use std::fmt;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;

use super::message::{ChunkHeader, HEADER_WORDS, Plain, Shape, TINY_WORDS, typed};
use super::pool::Pool;

use super::words::LINE;
use crate::ownership::Share;

impl Pool {
    /// Takes a free chunk, the one that came back last.
    #[inline(always)]
    pub fn loan(self: &Rc<Self>) -> Option<ChunkMut> {
        let (index, address) = self.take()?;
        // The chunk was free, so no other `ChunkMut` of it exists, and its sender holds it now, so that none is made until
        // this one is gone. Receivers map the file read-only; one that reads a chunk which it does not hold sees garbage.
        Some(ChunkMut { pool: Share::of(self), index, address })
    }
}

/// A loaned chunk: nobody else's until it is sent or dropped.
#[derive(Debug)]
pub struct ChunkMut {
    pool: Share<Pool>,
    index: u32,
    /// That of chunk `index`: aligned to 64, with the pool's stride behind it.
    address: NonNull<u8>,
}

impl ChunkMut {
    /// Writes the header.
    #[inline(always)]
    pub fn set_header(&mut self, header: ChunkHeader) {
        let words = self.address.cast::<u64>();
        // SAFETY: the chunk is at least 64 bytes, aligned, writable, and exclusively ours.
        unsafe {
            words.write(header.request_id);
            words.add(1).write(header.lane);
            words.add(2).write(header.len);
        }
    }

    /// Lets receivers be made holders: nothing is written meanwhile, and the loan is to be dropped afterwards.
    #[inline(always)]
    pub fn publish(&mut self) -> Published<'_> {
        Published { pool: &self.pool, index: self.index }
    }
}

impl Drop for ChunkMut {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            end(pool, self.index);
        }
    }
}

/// Ends a loan; by value, so that dropping it does not take its address.
#[inline(never)]
fn end(pool: Rc<Pool>, index: u32) {
    pool.release_by_sender(index);
    drop(pool);
}

/// A chunk that is being sent. When its loan is dropped, the receivers are its only holders; without one it is free.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) index: u32,
}

impl Published<'_> {
    /// Copies its first `bytes` bytes into an empty slot, behind the slot's word.
    #[inline(always)]
    pub fn copy_to(self, bytes: usize, line: &[AtomicU64; LINE]) {
        self.pool.copy_words(self.index, 0, bytes, &line[1..]);
    }

    /// Copies what lies behind its header, up to its first `bytes` bytes, for a tiny message.
    #[inline(always)]
    pub fn copy_body_to(self, bytes: usize, body: &[AtomicU64; TINY_WORDS]) {
        self.pool.copy_words(self.index, HEADER_WORDS, bytes, body);
    }

    /// One more than the number of the chunk that the segment's next loan takes; 0 if there is none.
    #[inline(always)]
    pub fn next(self) -> u64 {
        self.pool.next().map_or(0, |chunk| u64::from(chunk) + 1)
    }
}

/// A loaned chunk seen as a user header and a slice of elements.
pub struct Loaned<T, H> {
    chunk: ChunkMut,
    header: NonNull<H>,
    payload: NonNull<T>,
    len: usize,
}

impl<T: Plain, H: Plain> Loaned<T, H> {
    /// Lays the types over the chunk; nothing, and the chunk goes back, if they do not fit.
    #[inline(always)]
    pub fn new(chunk: ChunkMut, shape: Shape) -> Option<Self> {
        // User header and payload must not overlap.
        if shape.header.checked_add(size_of::<H>())? > shape.payload {
            return None;
        }
        let stride = chunk.pool.chunks.stride();
        let header = typed(chunk.address, stride, shape.header, 1)?;
        let payload = typed(chunk.address, stride, shape.payload, shape.len)?;
        Some(Self { chunk, header, payload, len: shape.len })
    }

    /// Elements.
    #[inline(always)]
    pub fn elements(&self) -> usize {
        self.len
    }

    /// The elements; bytes that were not written yet are whatever the chunk held before.
    #[inline(always)]
    pub fn payload(&self) -> &[T] {
        // SAFETY: `new` checked bounds and alignment; file memory is initialised and any bytes are a `T` (`Plain`); the
        // pool gave this chunk to nobody else.
        unsafe { std::slice::from_raw_parts(self.payload.as_ptr(), self.len) }
    }

    /// The elements, to write.
    #[inline(always)]
    pub fn payload_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `payload`, and `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.payload.as_ptr(), self.len) }
    }

    /// The user header.
    #[inline(always)]
    pub fn header(&self) -> &H {
        // SAFETY: as in `payload`.
        unsafe { self.header.as_ref() }
    }

    /// The user header, to write.
    #[inline(always)]
    pub fn header_mut(&mut self) -> &mut H {
        // SAFETY: as in `payload_mut`; the shape keeps header and payload apart, and both borrow all of `self`.
        unsafe { self.header.as_mut() }
    }

    /// User header and elements, both to write.
    pub fn parts_mut(&mut self) -> (&mut H, &mut [T]) {
        // SAFETY: as in `payload_mut`; the shape puts the payload behind the header, so the two do not overlap, and
        // `&mut self` makes them the only references.
        unsafe { (self.header.as_mut(), std::slice::from_raw_parts_mut(self.payload.as_ptr(), self.len)) }
    }

    /// The chunk, to be sent.
    #[inline(always)]
    pub fn chunk_mut(&mut self) -> &mut ChunkMut {
        &mut self.chunk
    }
}

impl<T, H> fmt::Debug for Loaned<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaned").field("chunk", &self.chunk.index).field("len", &self.len).finish_non_exhaustive()
    }
}
