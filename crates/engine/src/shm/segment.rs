//! Payload segments: a file of equal chunks. The sender's side hands chunks out, the receiver's side reads them.
//!
//! Everything that decides who may touch a chunk is in the sender's private memory ([`Pool`](super::Pool)); the file holds
//! only a geometry line and the chunks. `docs/LAYOUT.md` has the bytes.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use super::mapping::Mapping;

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

/// A mapped segment whose geometry was checked against the file. Both sides find chunks through it, so that the bound is
/// checked in one place.
#[derive(Debug)]
pub(super) struct Chunks {
    map: Mapping,
    /// Address of the first chunk.
    first: NonNull<u8>,
    stride: usize,
    count: usize,
}

impl Chunks {
    /// `None` if the file does not have exactly the bytes of the geometry.
    pub(super) fn new(map: Mapping, geometry: Geometry) -> Option<Self> {
        if !geometry.is_valid() || geometry.bytes() != Some(map.len()) {
            return None;
        }
        // SAFETY: `start` lies within the file, whose length was compared with all of the geometry's bytes.
        let first = NonNull::new(unsafe { map.base().add(geometry.start()) })?;
        Some(Self { map, first, stride: geometry.stride, count: geometry.chunks })
    }

    /// The file, which lives as long as this.
    pub(super) fn mapping(&self) -> &Mapping {
        &self.map
    }

    /// Bytes of a chunk.
    #[inline(always)]
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// How many there are.
    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Gives the pages that lie within `count` chunks from `first` on back to the system.
    pub(super) fn give_back_pages(&self, first: usize, count: usize) {
        let start = self.map.len() - self.count * self.stride;
        self.map.give_back(start + first * self.stride, count * self.stride);
    }

    /// Address of chunk 0.
    pub(super) fn first(&self) -> NonNull<u8> {
        self.first
    }

    /// Address of a chunk, aligned and with a stride's bytes behind it; `None` if there is none with this number.
    #[inline(always)]
    pub(super) fn address(&self, index: u32) -> Option<NonNull<u8>> {
        let index = index as usize;
        if index >= self.count {
            return None;
        }
        // SAFETY: `start + count * stride` is the length of the file (`new`); stride and count are private copies that no
        // peer can change afterwards.
        Some(unsafe { self.first.add(index * self.stride) })
    }
}
