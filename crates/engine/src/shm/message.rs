//! Messages: what they are in a chunk, in a slot, or with a header of their own if they are tiny; and as a receiver finds them.
//! `docs/LAYOUT.md` has the bytes.

use std::fmt;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::segment::RemoteSegment;
use super::words::LINE;
use crate::ownership::Share;

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

/// The header of a message in a slot.
///
/// It holds, as everything beside the slot's word, only if the word, seen before, is taken afterwards.
#[inline(always)]
pub fn slot_header(line: &[AtomicU64; LINE]) -> ChunkHeader {
    // Relaxed, as for the body: ordered by the slot's word, which was loaded before and is taken afterwards.
    ChunkHeader {
        request_id: line[1].load(Ordering::Relaxed),
        lane: line[2].load(Ordering::Relaxed),
        len: line[3].load(Ordering::Relaxed),
    }
}

impl RemoteSegment {
    /// A chunk to read, if there is one with this number.
    #[inline(always)]
    pub fn chunk(self: &Rc<Self>, index: u32) -> Option<ChunkRef> {
        // The `ChunkRef` keeps the mapping. That the sender leaves the chunk alone while it is held is the sender's promise;
        // if it breaks it, the bytes change, and every type in a chunk takes any bytes.
        self.address(index).map(|address| ChunkRef { segment: Share::of(self), address })
    }
}

/// A received chunk: readable as long as this lives, even after its sender is gone.
#[derive(Debug)]
pub struct ChunkRef {
    /// Keeps the mapping.
    segment: Share<RemoteSegment>,
    /// That of a chunk of `segment`: aligned to 64, with its stride behind it.
    address: NonNull<u8>,
}

impl ChunkRef {
    /// The header as it is now; read it once and keep the copy.
    #[inline(always)]
    pub fn header(&self) -> ChunkHeader {
        // SAFETY: the chunk is aligned, at least 64 bytes, and mapped as long as `self` lives.
        unsafe { ChunkHeader::read(self.address) }
    }
}

/// A message that was found and is not taken yet.
#[derive(Debug)]
pub enum Message<'a> {
    /// A small one, behind the word of its slot: the first bytes of a chunk, header and all. All of it is the sender's word, as
    /// in a chunk.
    InSlot(&'a [AtomicU64; LINE]),
    /// A tiny one, whose header came apart from its body, which is that of a message in a slot.
    Tiny(ChunkHeader, &'a [AtomicU64; TINY_WORDS]),
    /// In the sender's segment.
    InChunk(ChunkRef),
}

impl Message<'_> {
    /// Its header, as it is now; read it once and keep the copy.
    #[inline(always)]
    pub fn header(&self) -> ChunkHeader {
        match self {
            Self::InSlot(line) => slot_header(line),
            Self::Tiny(header, _) => *header,
            Self::InChunk(chunk) => chunk.header(),
        }
    }
}

/// A received message seen as a user header and a slice of elements: readable as long as this lives, even after its sender
/// is gone.
pub struct Received<T, H> {
    body: Body<T, H>,
    len: usize,
}

enum Body<T, H> {
    /// Our own copy, with the payload where [`slot_payload`] says, behind the user header.
    Copied { words: [u64; BODY_WORDS] },
    Shared {
        /// Keeps the mapping.
        _segment: Share<RemoteSegment>,
        header: NonNull<H>,
        payload: NonNull<T>,
    },
}

/// A copy of what lies behind a message's header, in a slot or of a tiny message; nothing if it does not end there.
#[inline(always)]
fn copied<T: Plain, H: Plain>(body: &[AtomicU64], shape: Shape) -> Option<Body<T, H>> {
    let payload = slot_payload::<T, H>().filter(|payload| *payload == shape.payload)?;
    let end = payload.saturating_add(size_of::<T>().saturating_mul(shape.len));
    if end > CHUNK_HEADER_BYTES + 8 * body.len() {
        return None;
    }
    // One by one: a loop over them is not always unrolled.
    let words = [word(body, 0, end), word(body, 1, end), word(body, 2, end), word(body, 3, end)];
    Some(Body::Copied { words })
}

/// One of the words behind a message's header, 0 if the message ends before it.
#[inline(always)]
fn word(body: &[AtomicU64], index: usize, end: usize) -> u64 {
    // Relaxed: ordered by the word in front of the message, which was loaded before and is taken afterwards.
    if CHUNK_HEADER_BYTES + 8 * index < end { body[index].load(Ordering::Relaxed) } else { 0 }
}

impl<T: Plain, H: Plain> Received<T, H> {
    /// Lays the types over the message; nothing if a length that the sender wrote does not fit it.
    #[inline(always)]
    pub fn new(message: Message<'_>, shape: Shape) -> Option<Self> {
        let body = match message {
            Message::InSlot(line) => copied::<T, H>(&line[1 + HEADER_WORDS..], shape)?,
            Message::Tiny(_, body) => copied::<T, H>(body, shape)?,
            Message::InChunk(chunk) => {
                let stride = chunk.segment.chunks.stride();
                let header = typed(chunk.address, stride, shape.header, 1)?;
                let payload = typed(chunk.address, stride, shape.payload, shape.len)?;
                Body::Shared { _segment: chunk.segment, header, payload }
            }
        };
        Some(Self { body, len: shape.len })
    }

    /// The elements.
    #[inline(always)]
    pub fn payload(&self) -> &[T] {
        let payload = match (&self.body, slot_payload::<T, H>()) {
            // SAFETY: `new` checked that `len` elements lie within the image from here on; the words begin behind the header.
            (Body::Copied { words }, Some(at)) => unsafe {
                NonNull::from(words).byte_add(at - CHUNK_HEADER_BYTES).cast()
            },
            // Never: `new` copies only where there is such a place.
            (Body::Copied { .. }, None) => return &[],
            (Body::Shared { payload, .. }, _) => *payload,
        };
        // SAFETY: `new` checked bounds and alignment, for a chunk against our own copy of the geometry; the words are
        // ours and the mapping lives as long as `self`; any bytes are a `T` (`Plain`). The sender leaves a chunk alone
        // that is held; one that does not changes numbers while they are read (docs/THREATS.md), never their validity
        // as a `T`.
        unsafe { std::slice::from_raw_parts(payload.as_ptr(), self.len) }
    }

    /// The user header.
    #[inline(always)]
    pub fn header(&self) -> &H {
        let header: NonNull<H> = match &self.body {
            // It begins where the words do, and lies within them: `slot_payload` is behind it, and not behind their end.
            Body::Copied { words } => NonNull::from(words).cast(),
            Body::Shared { header, .. } => *header,
        };
        // SAFETY: as in `payload`.
        unsafe { header.as_ref() }
    }
}

impl<T, H> fmt::Debug for Received<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if matches!(self.body, Body::Copied { .. }) { "slot" } else { "chunk" };
        f.debug_struct("Received").field("from", &place).field("len", &self.len).finish_non_exhaustive()
    }
}
