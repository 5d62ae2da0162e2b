//! One chunk: a header of three words, a user header, and the payload.

use std::fmt;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::message::SHUTTLE_BODY;
use super::pool::{Holder, Pool};
use super::remote_segment::RemoteSegment;
use super::words::LINE;
use crate::share::Share;

/// What a type needs to travel: every bit pattern is valid (a peer may write any), no padding, no pointer, no interior
/// mutability.
pub trait Plain: FromBytes + IntoBytes + Immutable + 'static {}
impl<T: FromBytes + IntoBytes + Immutable + 'static> Plain for T {}

/// Bytes that the header takes at the start of every chunk.
pub const CHUNK_HEADER_BYTES: usize = 24;

/// First three words of a chunk. All of it is the sender's word and has to be checked by a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkHeader {
    /// Number of the request, counted by its client from 1.
    pub request_id: u64,
    /// Lane on which the responses travel.
    pub lane: u64,
    /// Elements of the payload.
    pub len: u64,
}

impl ChunkHeader {
    /// # Safety
    /// `chunk` is aligned to 8 bytes and readable for [`CHUNK_HEADER_BYTES`].
    #[inline(always)]
    pub(super) unsafe fn read(chunk: NonNull<u8>) -> Self {
        let words = chunk.cast::<u64>();
        // SAFETY: the caller's promise. Volatile, so that each word is read once even if a peer changes it meanwhile.
        unsafe {
            Self {
                request_id: words.read_volatile(),
                lane: words.add(1).read_volatile(),
                len: words.add(2).read_volatile(),
            }
        }
    }
}

/// Address of `len` elements at `offset`, or nothing where they do not fit the chunk or the alignment.
#[inline(always)]
pub(super) fn typed<T>(address: NonNull<u8>, stride: usize, offset: usize, len: usize) -> Option<NonNull<T>> {
    if size_of::<T>() == 0 {
        return Some(NonNull::dangling());
    }
    // Saturated, they are beyond every stride: no segment is that long.
    let end = offset.saturating_add(size_of::<T>().saturating_mul(len));
    if offset < CHUNK_HEADER_BYTES || end > stride {
        return None;
    }
    // SAFETY: `offset <= end <= stride`, and a chunk has `stride` bytes.
    let place = unsafe { address.add(offset) }.cast::<T>();
    place.is_aligned().then_some(place)
}

/// Where user header and payload lie in a chunk, and how many elements there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Offset of the user header, bytes.
    pub header: usize,
    /// Offset of the payload, bytes.
    pub payload: usize,
    /// Elements of the payload.
    pub len: usize,
}

/// A loaned chunk: nobody else's until it is sent or dropped.
#[derive(Debug)]
pub struct ChunkMut {
    pool: Share<Pool>,
    index: u32,
    address: NonNull<u8>,
}

impl ChunkMut {
    /// # Safety
    /// `address` is chunk `index` of `pool`, aligned to 64, as long as the pool's stride, the sender is its only holder, and
    /// no other `ChunkMut` of it exists.
    pub(super) unsafe fn new(pool: Share<Pool>, index: u32, address: NonNull<u8>) -> Self {
        Self { pool, index, address }
    }

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
    pool: &'a Pool,
    index: u32,
}

impl Published<'_> {
    /// Number of its segment.
    #[inline(always)]
    pub fn segment(self) -> u16 {
        self.pool.number()
    }

    /// Number of the chunk.
    #[inline(always)]
    pub fn index(self) -> u32 {
        self.index
    }

    /// Copies its first `bytes` bytes into an empty slot, behind the slot's word.
    #[inline(always)]
    pub fn copy_to(self, bytes: usize, line: &[AtomicU64; LINE]) {
        self.pool.copy_to(self.index, bytes, line);
    }

    /// Copies what lies behind its header, up to its first `bytes` bytes, into the empty shuttle.
    #[inline(always)]
    pub fn copy_body_to(self, bytes: usize, body: &[AtomicU64; SHUTTLE_BODY]) {
        self.pool.copy_body_to(self.index, bytes, body);
    }

    /// Adds a receiver to its holders, before the receiver can know of it.
    #[inline(always)]
    pub fn hold(self, receiver: Holder) {
        self.pool.hold(self.index, receiver);
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
        let stride = chunk.pool.stride();
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

/// A received chunk: readable as long as this lives, even after its sender is gone.
#[derive(Debug)]
pub struct ChunkRef {
    /// Keeps the mapping.
    pub(super) segment: Share<RemoteSegment>,
    pub(super) address: NonNull<u8>,
}

impl ChunkRef {
    /// # Safety
    /// `address` is a chunk of `segment`, aligned to 64 and as long as its stride.
    pub(super) unsafe fn new(segment: Share<RemoteSegment>, address: NonNull<u8>) -> Self {
        Self { segment, address }
    }

    /// The header as it is now; read it once and keep the copy.
    #[inline(always)]
    pub fn header(&self) -> ChunkHeader {
        // SAFETY: the chunk is aligned, at least 64 bytes, and mapped as long as `self` lives.
        unsafe { ChunkHeader::read(self.address) }
    }
}

impl<T, H> fmt::Debug for Loaned<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaned").field("chunk", &self.chunk.index).field("len", &self.len).finish_non_exhaustive()
    }
}
