//! Payload segments: a file of equal chunks. The sender's side hands chunks out, the receiver's side reads them.
//!
//! Everything that decides who may touch a chunk is in the sender's private memory ([`Pool`]); the file holds only a
//! geometry line and the chunks. `docs/LAYOUT.md` has the bytes.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chunk::{ChunkMut, ChunkRef};
use super::mapping::{LINE, Mapping};
use super::message::{HEADER_WORDS, SHUTTLE_BODY};
use crate::engine::share::Share;

/// First word of a segment file: `shmkseg` and the layout version.
const MAGIC: u64 = u64::from_le_bytes(*b"shmkseg\x01");
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
    fn bytes(self) -> Option<usize> {
        self.stride.checked_mul(self.chunks)?.checked_add(self.start())
    }

    fn is_valid(self) -> bool {
        (1..=CHUNKS_MAX).contains(&self.chunks)
            && self.align.is_power_of_two()
            && (HEADER_BYTES..=ALIGN_MAX).contains(&self.align)
            && self.stride >= self.align
            && self.stride.is_multiple_of(self.align)
    }
}

/// A mapped segment whose geometry was checked against the file. Both sides find chunks through it, so that the bound is
/// checked in one place.
#[derive(Debug)]
struct Chunks {
    map: Mapping,
    /// Address of the first chunk.
    first: NonNull<u8>,
    stride: usize,
    count: usize,
}

impl Chunks {
    /// `None` if the file does not have exactly the bytes of the geometry.
    fn new(map: Mapping, geometry: Geometry) -> Option<Self> {
        if !geometry.is_valid() || geometry.bytes() != Some(map.len()) {
            return None;
        }
        // SAFETY: `start` lies within the file, whose length was compared with all of the geometry's bytes.
        let first = NonNull::new(unsafe { map.base().add(geometry.start()) })?;
        Some(Self { map, first, stride: geometry.stride, count: geometry.chunks })
    }

    #[inline(always)]
    fn address(&self, index: u32) -> Option<NonNull<u8>> {
        let index = index as usize;
        if index >= self.count {
            return None;
        }
        // SAFETY: `start + count * stride` is the length of the file (`new`); stride and count are private copies that no
        // peer can change afterwards.
        Some(unsafe { self.first.add(index * self.stride) })
    }
}

/// Who may hold a chunk: the sender itself, or one of its receivers, by a number of the sender's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    word: usize,
    bit: u64,
}

impl Holder {
    /// The sender: while a chunk is loaned, and until it has been sent to everybody.
    const SENDER: Self = Self { word: 0, bit: 1 };

    /// Receiver `number`, below the pool's number of receivers.
    pub fn receiver(number: usize) -> Self {
        let number = number + 1;
        Self { word: number / 64, bit: 1 << (number % 64) }
    }
}

/// The sender's side of a segment, and the only record of who holds which chunk.
#[derive(Debug)]
pub struct Pool {
    chunks: Chunks,
    number: u16,
    /// Holders of each chunk, a bit each; none if it is free.
    holders: Box<[Cell<u64>]>,
    /// Words of holders for each chunk.
    width: usize,
    free: FreeList,
}

/// Free chunks, the warmest on top. Never holds a chunk twice, so it never overflows.
#[derive(Debug)]
struct FreeList {
    chunks: Box<[Cell<u32>]>,
    len: Cell<usize>,
}

impl FreeList {
    /// With all of `count` chunks.
    fn new(count: usize) -> Self {
        Self { chunks: (0..count as u32).rev().map(Cell::new).collect(), len: Cell::new(count) }
    }

    #[inline(always)]
    fn top(&self) -> Option<u32> {
        self.chunks.get(self.len.get().wrapping_sub(1)).map(Cell::get)
    }

    #[inline(always)]
    fn pop(&self) -> Option<u32> {
        let chunk = self.top()?;
        self.len.set(self.len.get() - 1);
        Some(chunk)
    }

    #[inline(always)]
    fn push(&self, chunk: u32) {
        let len = self.len.get();
        let Some(place) = self.chunks.get(len) else { return };
        place.set(chunk);
        self.len.set(len + 1);
    }

    /// Puts a chunk under the top, which receivers were told to expect next.
    #[inline(always)]
    fn push_under(&self, chunk: u32) {
        match self.chunks.get(self.len.get().wrapping_sub(1)) {
            Some(top) => self.push(top.replace(chunk)),
            None => self.push(chunk),
        }
    }
}

impl Pool {
    /// Makes the file, with all its pages reserved; for receivers numbered below `receivers`.
    ///
    /// # Errors
    /// As [`Mapping::create`]; `InvalidInput` for an impossible geometry.
    pub fn create(path: &Path, number: u16, geometry: Geometry, receivers: usize) -> io::Result<Rc<Self>> {
        let bytes = geometry.bytes().filter(|_| geometry.is_valid());
        let bytes = bytes.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "impossible segment geometry"))?;
        let map = Mapping::create(path, bytes)?;
        let words = map.words();
        for (word, value) in
            words.iter().zip([MAGIC, geometry.stride as u64, geometry.chunks as u64, geometry.align as u64])
        {
            // Relaxed: the file is found by others only after the service's lock was released.
            word.store(value, Ordering::Relaxed);
        }
        let chunks = Chunks::new(map, geometry)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "impossible segment geometry"))?;
        let width = (receivers + 1).div_ceil(64);
        let holders = (0..geometry.chunks * width).map(|_| Cell::new(0)).collect();
        let free = FreeList::new(geometry.chunks);
        Ok(Rc::new(Self { chunks, number, holders, width, free }))
    }

    /// Bytes of a chunk.
    #[inline]
    pub(super) fn stride(&self) -> usize {
        self.chunks.stride
    }

    /// As [`Mapping::lock_in_memory`].
    ///
    /// # Errors
    /// As there.
    pub fn lock_in_memory(&self) -> io::Result<()> {
        self.chunks.map.lock_in_memory()
    }

    /// Number of the segment.
    #[inline]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Takes a free chunk, the one that came back last.
    #[inline(always)]
    pub fn loan(self: &Rc<Self>) -> Option<ChunkMut> {
        let index = self.free.pop()?;
        let (address, holders) = (self.chunks.address(index)?, self.holders_of(index, Holder::SENDER)?);
        holders.set(Holder::SENDER.bit);
        // SAFETY: the chunk was free, so no other ChunkMut of it exists, and its sender holds it now, so that none is made
        // until this one is gone. Receivers map the file read-only; one that reads a chunk which it does not hold sees
        // garbage.
        Some(unsafe { ChunkMut::new(Share::of(self), index, address) })
    }

    #[inline(always)]
    fn holders_of(&self, index: u32, holder: Holder) -> Option<&Cell<u64>> {
        // One word is enough nearly always, and a multiplication is not free.
        let first = if self.width == 1 { index as usize } else { index as usize * self.width };
        self.holders.get(first + holder.word)
    }

    /// Adds a receiver to the holders of a chunk that the sender holds and has not loaned any more.
    #[inline(always)]
    pub fn hold(&self, index: u32, receiver: Holder) {
        if let Some(holders) = self.holders_of(index, receiver) {
            holders.set(holders.get() | receiver.bit);
        }
    }

    /// Removes a receiver from the holders of a chunk; without holders the chunk is free. `false` if it was none of them.
    #[inline(always)]
    #[must_use]
    pub fn release(&self, index: u32, receiver: Holder) -> bool {
        let Some(holders) = self.holders_of(index, receiver) else { return false };
        let was = holders.get();
        if was & receiver.bit == 0 {
            return false;
        }
        holders.set(was & !receiver.bit);
        if self.is_unheld(index, was & !receiver.bit) {
            self.free.push_under(index);
        }
        true
    }

    /// The sender has sent the chunk to everybody, or given up a loan.
    #[inline(always)]
    pub(super) fn release_by_sender(&self, index: u32) {
        if let Some(holders) = self.holders_of(index, Holder::SENDER) {
            holders.set(holders.get() & !Holder::SENDER.bit);
            if self.is_unheld(index, holders.get()) {
                self.free.push(index);
            }
        }
    }

    /// `word` is what is left in one of the chunk's words.
    #[inline(always)]
    fn is_unheld(&self, index: u32, word: u64) -> bool {
        word == 0 && (self.width == 1 || self.is_wholly_unheld(index))
    }

    #[cold]
    fn is_wholly_unheld(&self, index: u32) -> bool {
        let first = index as usize * self.width;
        self.holders[first..first + self.width].iter().all(|word| word.get() == 0)
    }

    /// Removes a receiver from the holders of every chunk.
    pub fn release_all(&self, receiver: Holder) {
        for index in 0..self.chunks.count as u32 {
            let _ = self.release(index, receiver);
        }
    }

    /// Chunks that are loaned or on their way.
    pub fn in_use(&self) -> usize {
        self.chunks.count - self.free.len.get()
    }

    /// All chunks.
    pub fn chunks(&self) -> usize {
        self.chunks.count
    }

    /// The chunk that the next loan takes.
    #[inline(always)]
    pub fn next(&self) -> Option<u32> {
        self.free.top()
    }

    /// Copies the first `bytes` bytes of a chunk that the sender holds into an empty slot, behind its word.
    #[inline(always)]
    pub(super) fn copy_to(&self, index: u32, bytes: usize, line: &[AtomicU64; LINE]) {
        self.copy_words(index, 0, bytes, &line[1..]);
    }

    /// Copies what lies behind the header of a chunk that the sender holds, up to its first `bytes` bytes, into a shuttle.
    #[inline(always)]
    pub(super) fn copy_body_to(&self, index: u32, bytes: usize, body: &[AtomicU64; SHUTTLE_BODY]) {
        self.copy_words(index, HEADER_WORDS, bytes, body);
    }

    /// Copies words from `first` on to `to`, as far as they begin within the first `bytes` bytes. `to` is less than a line.
    #[inline(always)]
    fn copy_words(&self, index: u32, first: usize, bytes: usize, to: &[AtomicU64]) {
        let Some(words) = self.chunks.address(index).map(NonNull::cast::<u64>) else { return };
        for (i, to) in (first..LINE).zip(to) {
            if 8 * i < bytes {
                // SAFETY: a chunk has at least a line's bytes, aligned to them, and file memory is initialised; receivers map
                // it read-only.
                let word = unsafe { words.add(i).read() };
                // Relaxed: the slot's word, which is stored afterwards, makes it known.
                to.store(word, Ordering::Relaxed);
            }
        }
    }

    /// A second look at a chunk's header, by its sender.
    pub fn header(&self, index: u32) -> Option<super::chunk::ChunkHeader> {
        let address = self.chunks.address(index)?;
        // SAFETY: in bounds, aligned to 64, and mapped as long as `self` lives.
        Some(unsafe { super::chunk::ChunkHeader::read(address) })
    }
}

/// The receiver's side of a segment: read-only.
#[derive(Debug)]
pub struct RemoteSegment {
    chunks: Chunks,
    /// The chunk that is likely to come next, and its address.
    ahead: Cell<(u32, NonNull<u8>)>,
}

impl RemoteSegment {
    /// Maps a segment that a peer made, and checks its geometry against the file and against what a chunk has to hold.
    ///
    /// # Errors
    /// As [`Mapping::open`]; `InvalidData` if the geometry line is not that of a segment of this length.
    pub fn open(path: &Path, align_min: usize) -> io::Result<Rc<Self>> {
        let map = Mapping::open(path, false)?;
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("payload segment: {what}"));
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
        let geometry = Geometry { stride, chunks, align };
        match Chunks::new(map, geometry) {
            Some(chunks) if align >= align_min => {
                let ahead = Cell::new((0, chunks.first));
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
        self.chunks.map.lock_in_memory()
    }

    /// Bytes of a chunk.
    #[inline]
    pub(super) fn stride(&self) -> usize {
        self.chunks.stride
    }

    /// Says which chunk is likely to be asked for next: a guess, which may be wrong.
    #[inline(always)]
    pub fn expect(&self, index: u32) {
        if let Some(address) = self.chunks.address(index) {
            self.ahead.set((index, address));
        }
    }

    /// A chunk to read, if there is one with this number.
    #[inline(always)]
    pub fn chunk(self: &Rc<Self>, index: u32) -> Option<ChunkRef> {
        let (ahead, address) = self.ahead.get();
        // The address of the expected chunk does not depend on the number, which has just been read from a line that may
        // still be on its way: the processor asks for both lines at once.
        let address = if index == ahead { address } else { self.unexpected(index)? };
        // SAFETY: in bounds and aligned; the ChunkRef keeps the mapping. That the sender leaves the chunk alone while it
        // is held is the sender's promise; if it breaks it, the bytes change, and every type in a chunk takes any bytes.
        Some(unsafe { ChunkRef::new(Share::of(self), address) })
    }

    /// Not inlined, so that the choice stays a branch, which is guessed, and does not become a wait for the number.
    #[cold]
    #[inline(never)]
    fn unexpected(&self, index: u32) -> Option<NonNull<u8>> {
        self.chunks.address(index)
    }
}
