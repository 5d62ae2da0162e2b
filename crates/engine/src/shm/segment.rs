//! Payload segments, which are files of equal chunks: their format, and the receiver's side, which reads chunks.
//!
//! Everything that decides who may touch a chunk is in the sender's private memory ([`Pool`](super::Pool)); the file holds
//! only a geometry line and the chunks. `docs/LAYOUT.md` has the bytes.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::mapping::Mapping;
use super::words::Chunks;

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

/// The receiver's side of a segment: read-only.
#[derive(Debug)]
pub struct RemoteSegment {
    pub(super) chunks: Chunks,
    /// The chunk that is likely to come next, and its address.
    ahead: Cell<(u32, NonNull<u8>)>,
}

impl RemoteSegment {
    /// Maps a segment that a peer made, and checks its geometry against the file and against what a chunk has to hold.
    ///
    /// # Errors
    /// As [`Mapping::open`]; `InvalidData` if the geometry line is not that of a segment of this length.
    pub fn open(path: &Path, align_min: usize) -> io::Result<Rc<Self>> {
        Self::over(Mapping::open(path, false)?, align_min)
    }

    /// As [`RemoteSegment::open`], of one whose sender is gone and has given back what nobody is to read.
    ///
    /// # Errors
    /// As there.
    pub fn open_handed_over(path: &Path, align_min: usize) -> io::Result<Rc<Self>> {
        Self::over(Mapping::open_with_holes(path)?, align_min)
    }

    fn over(map: Mapping, align_min: usize) -> io::Result<Rc<Self>> {
        let geometry = Geometry::read(&map)?;
        match geometry.chunks_of(map) {
            Some(chunks) if geometry.align >= align_min => {
                let ahead = Cell::new((0, chunks.first()));
                Ok(Rc::new(Self { chunks, ahead }))
            }
            _ => Err(invalid("its geometry does not fit the file")),
        }
    }

    /// As [`Mapping::lock_in_memory`].
    ///
    /// # Errors
    /// As there.
    pub fn lock_in_memory(&self) -> io::Result<()> {
        self.chunks.mapping().lock_in_memory()
    }

    /// Says which chunk is likely to be asked for next: a guess, which may be wrong.
    #[inline(always)]
    pub fn expect(&self, index: u32) {
        if let Some(address) = self.chunks.address(index) {
            self.ahead.set((index, address));
        }
    }

    /// Address of a chunk, if there is one with this number.
    #[inline(always)]
    pub(super) fn address(&self, index: u32) -> Option<NonNull<u8>> {
        let (ahead, address) = self.ahead.get();
        // The address of the expected chunk does not depend on the number, which has just been read from a line that
        // may still be in flight: the processor asks for both lines at once.
        if index == ahead { Some(address) } else { self.unexpected(index) }
    }

    /// Not inlined, so that the choice stays a branch, which is predicted, and does not become a wait for the number.
    #[cold]
    #[inline(never)]
    fn unexpected(&self, index: u32) -> Option<NonNull<u8>> {
        self.chunks.address(index)
    }
}
