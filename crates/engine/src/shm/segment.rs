//! The format of payload segments, which are files of equal chunks, and of the messages in chunks and in slots.
//!
//! Everything that decides who may touch a chunk is in the sender's private memory ([`Pool`](super::Pool)); the file holds
//! only a geometry line and the chunks. `docs/LAYOUT.md` has the bytes.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::mapping::Mapping;
use super::words::{Chunks, LINE};

/// First word of a segment file: `shmkseg` and the layout version.
const MAGIC: u64 = u64::from_le_bytes(*b"shmkseg\x02");
/// Bytes in front of the first chunk, unless the alignment asks for more.
const HEADER_BYTES: usize = 64;
/// Most chunks in a segment: a chunk's number and one more fit 24 bits, and the last number says that a message lies in its
/// slot.
pub const CHUNKS_MAX: usize = (1 << 24) - 2;
/// Largest alignment of a chunk: a page, which is what a mapping guarantees.
pub const ALIGN_MAX: usize = 4096;

/// Shape of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes from one chunk to the next; a multiple of `align`.
    pub stride: usize,
    /// Chunks, in `1..=CHUNKS_MAX`.
    pub chunks: usize,
    /// Alignment of every chunk, a power of two in `64..=ALIGN_MAX`.
    pub align: usize,
}

impl Geometry {
    /// Offset of the first chunk.
    fn start(self) -> usize {
        HEADER_BYTES.next_multiple_of(self.align)
    }

    /// Bytes of the file, or nothing if that does not fit the address space.
    pub(super) fn bytes(self) -> Option<usize> {
        self.stride.checked_mul(self.chunks)?.checked_add(self.start())
    }

    pub(super) fn is_valid(self) -> bool {
        (1..=CHUNKS_MAX).contains(&self.chunks)
            && self.align.is_power_of_two()
            && (HEADER_BYTES..=ALIGN_MAX).contains(&self.align)
            && self.stride >= self.align
            && self.stride.is_multiple_of(self.align)
    }

    /// The chunks of a mapped segment; `None` if the file does not have exactly the bytes of a valid geometry.
    pub(super) fn chunks_of(self, map: Mapping) -> Option<Chunks> {
        if self.is_valid() { Chunks::new(map, self.start(), self.stride, self.chunks) } else { None }
    }

    /// Writes the geometry line of a new segment.
    pub(super) fn write(self, map: &Mapping) {
        let line = [MAGIC, self.stride as u64, self.chunks as u64, self.align as u64];
        for (word, value) in map.words().iter().zip(line) {
            // Relaxed: the file is found by others only after the service's lock was released.
            word.store(value, Ordering::Relaxed);
        }
    }

    /// The geometry line of a segment that a peer made, garbage or not.
    ///
    /// # Errors
    /// `InvalidData` if it is not that of a segment.
    pub(super) fn read(map: &Mapping) -> io::Result<Self> {
        if map.len() < HEADER_BYTES {
            return Err(invalid("the file is too short"));
        }
        #[allow(clippy::cast_ptr_alignment, reason = "a mapping begins at a page")]
        let word = |i: usize| {
            // SAFETY: page-aligned, and four words lie within the HEADER_BYTES checked above. Read once, garbage or not.
            unsafe { map.base().cast::<u64>().add(i).read_volatile() }
        };
        if word(0) != MAGIC {
            return Err(invalid("wrong magic number or version"));
        }
        let [stride, chunks, align] = [1, 2, 3].map(|i| usize::try_from(word(i)).unwrap_or(usize::MAX));
        Ok(Self { stride, chunks, align })
    }
}

/// A payload segment that is none.
pub(super) fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("payload segment: {what}"))
}

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

/// Bytes of a chunk that fit a slot beside its entry: what ends within them need not be read from the chunk.
pub const IMAGE_BYTES: usize = 8 * IMAGE_WORDS;
const IMAGE_WORDS: usize = LINE - 1;
/// Words of a tiny message behind its header, which travels apart from them.
pub const TINY_WORDS: usize = 2;
/// Bytes of a chunk that a tiny message is the image of: its user header and payload end within them.
pub const TINY_BYTES: usize = CHUNK_HEADER_BYTES + 8 * TINY_WORDS;
pub(super) const HEADER_WORDS: usize = CHUNK_HEADER_BYTES / 8;
/// Words behind the header.
pub(super) const BODY_WORDS: usize = IMAGE_WORDS - HEADER_WORDS;

/// Where a payload of elements `T` begins in the image of a message with a user header `H`, bytes: right behind the header,
/// which begins where a chunk's does. Nothing if that place, or a word, is not aligned for it, or lies beyond the image.
#[inline(always)]
pub const fn slot_payload<T, H>() -> Option<usize> {
    let payload = CHUNK_HEADER_BYTES + size_of::<H>();
    if align_of::<T>() > 8
        || align_of::<H>() > 8
        || !size_of::<H>().is_multiple_of(align_of::<T>())
        || payload > IMAGE_BYTES
    {
        return None;
    }
    Some(payload)
}
