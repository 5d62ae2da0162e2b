//! The sender's side of a payload segment: hands chunks out, and takes them back.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::mapping::Mapping;
use super::message::ChunkHeader;
use super::segment::Geometry;
use super::words::{Chunks, LINE};
use crate::ownership::FreeList;

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
    pub(super) chunks: Chunks,
    number: u16,
    /// Holders of each chunk, a bit each; none if it is free.
    holders: Box<[Cell<u64>]>,
    /// Words of holders for each chunk.
    width: usize,
    /// The one that came back last on top: it is the most likely to be in the cache.
    free: FreeList,
}

impl Pool {
    /// Makes the file, with all its pages reserved; for receivers numbered below `receivers`.
    ///
    /// # Errors
    /// As [`Mapping::create`]; `InvalidInput` for an impossible geometry.
    pub fn create(path: &Path, number: u16, geometry: Geometry, receivers: usize) -> io::Result<Rc<Self>> {
        let impossible = || io::Error::new(io::ErrorKind::InvalidInput, "impossible segment geometry");
        let bytes = geometry.bytes().filter(|_| geometry.is_valid()).ok_or_else(impossible)?;
        let map = Mapping::create(path, bytes)?;
        geometry.write(&map);
        let chunks = geometry.chunks_of(map).ok_or_else(impossible)?;
        let width = (receivers + 1).div_ceil(64);
        let holders = (0..geometry.chunks * width).map(|_| Cell::new(0)).collect();
        let free = FreeList::new(geometry.chunks);
        Ok(Rc::new(Self { chunks, number, holders, width, free }))
    }

    /// As [`Mapping::lock_in_memory`].
    ///
    /// # Errors
    /// As there.
    pub fn lock_in_memory(&self) -> io::Result<()> {
        self.chunks.mapping().lock_in_memory()
    }

    /// Number of the segment.
    #[inline]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Takes a free chunk, the one that came back last, for the sender to hold: its number and its address.
    #[inline(always)]
    pub(super) fn take(&self) -> Option<(u32, NonNull<u8>)> {
        let index = self.free.pop()?;
        let (address, holders) = (self.chunks.address(index)?, self.holders_of(index, Holder::SENDER)?);
        holders.set(Holder::SENDER.bit);
        Some((index, address))
    }

    #[inline(always)]
    fn holders_of(&self, index: u32, holder: Holder) -> Option<&Cell<u64>> {
        // One word is enough nearly always, and a multiplication is not free.
        let first = if self.width == 1 { index as usize } else { index as usize * self.width };
        self.holders.get(first + holder.word)
    }

    /// Adds a receiver to the holders of a chunk that the sender holds and has not loaned any more, before the receiver can know
    /// of it.
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
            self.free.push_below_top(index);
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
        word == 0 && (self.width == 1 || self.is_wholly_unheld(index as usize))
    }

    #[cold]
    fn is_wholly_unheld(&self, index: usize) -> bool {
        let first = index * self.width;
        self.holders[first..first + self.width].iter().all(|word| word.get() == 0)
    }

    /// Removes a receiver from the holders of every chunk.
    pub fn release_all(&self, receiver: Holder) {
        for index in 0..self.chunks.count() as u32 {
            let _ = self.release(index, receiver);
        }
    }

    /// Gives the pages of free chunks back to the system, where whole pages are free. They read as zeros from then on, so
    /// nothing may be loaned any more.
    pub fn give_back_free_pages(&self) {
        let mut index = 0;
        while index < self.chunks.count() {
            let free = (index..self.chunks.count()).take_while(|index| self.is_wholly_unheld(*index)).count();
            self.chunks.give_back_pages(index, free);
            index += free.max(1);
        }
    }

    /// Chunks that are loaned or in flight.
    pub fn in_use(&self) -> usize {
        self.chunks.count() - self.free.len()
    }

    /// All chunks.
    pub fn chunks(&self) -> usize {
        self.chunks.count()
    }

    /// The chunk that the next loan takes.
    #[inline(always)]
    pub fn next(&self) -> Option<u32> {
        self.free.top()
    }

    /// Copies words from `first` on to `to`, as far as they begin within the first `bytes` bytes. `to` is less than a line.
    #[inline(always)]
    pub(super) fn copy_words(&self, index: u32, first: usize, bytes: usize, to: &[AtomicU64]) {
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
    pub fn header(&self, index: u32) -> Option<ChunkHeader> {
        let address = self.chunks.address(index)?;
        // SAFETY: in bounds, aligned to 64, and mapped as long as `self` lives.
        Some(unsafe { ChunkHeader::read(address) })
    }
}
