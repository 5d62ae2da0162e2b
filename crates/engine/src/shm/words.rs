//! Views of a mapping's words that were checked once: columns of words, cache lines, and equal chunks. And hints to the
//! processor which line is needed next.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;

use super::mapping::Mapping;

/// Words of a cache line.
pub const LINE: usize = 8;

impl Mapping {
    /// `count` words from word `at` on, found without a look at the mapping. Nothing where they are not all within the file,
    /// or the mapping is read-only.
    pub fn column(self: &Rc<Self>, at: usize, count: usize) -> Option<Column> {
        let words = self.words().get(at..at.checked_add(count)?)?;
        Some(Column { first: NonNull::from(words.first()?), count, map: Rc::clone(self) })
    }

    /// As [`Mapping::column`], `count` lines from line `at` on.
    pub fn lines(self: &Rc<Self>, at: usize, count: usize) -> Option<Lines> {
        let Column { first, map, .. } = self.column(at.checked_mul(LINE)?, count.checked_mul(LINE)?)?;
        Some(Lines { first: first.cast(), count, _map: map })
    }
}

/// Words of a mapping, which stay where they are as long as this lives.
#[derive(Debug, Clone)]
pub struct Column {
    first: NonNull<AtomicU64>,
    count: usize,
    /// Keeps the mapping.
    map: Rc<Mapping>,
}

#[allow(clippy::len_without_is_empty, reason = "never empty")]
impl Column {
    /// Words.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Word `index` of the column.
    ///
    /// # Panics
    /// If the caller's index is beyond the column; no peer chooses one.
    #[inline(always)]
    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.count, "a column of {} words has no word {index}", self.count);
        // SAFETY: `Mapping::column` checked that all of `count` words lie within the mapping, which `map` keeps, and
        // that it is writable. Every bit pattern is a valid AtomicU64, so garbage from a peer is only a wrong number.
        unsafe { self.first.add(index).as_ref() }
    }

    /// The whole mapping.
    pub fn mapping(&self) -> &Mapping {
        &self.map
    }
}

/// Cache lines of a mapping, which stay where they are as long as this lives.
#[derive(Debug, Clone)]
pub struct Lines {
    first: NonNull<[AtomicU64; LINE]>,
    count: usize,
    /// Keeps the mapping.
    _map: Rc<Mapping>,
}

#[allow(clippy::len_without_is_empty, reason = "never empty")]
impl Lines {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The words of the first line, of which there is one.
    #[inline(always)]
    pub fn first(&self) -> &[AtomicU64; LINE] {
        // SAFETY: `Mapping::lines` makes none without a line: it found the first word, and checked that all words of the line
        // lie within the mapping, which `_map` keeps, and that it is writable. Every bit pattern is a valid AtomicU64, so
        // garbage from a peer is only a wrong number.
        unsafe { self.first.as_ref() }
    }

    /// A view of them, to be kept in registers while their words are loaded and stored.
    #[inline(always)]
    pub fn view(&self) -> LinesView<'_> {
        LinesView { first: self.first, count: self.count, lines: PhantomData }
    }
}

/// Cache lines of a mapping.
#[derive(Debug, Clone, Copy)]
pub struct LinesView<'a> {
    first: NonNull<[AtomicU64; LINE]>,
    count: usize,
    lines: PhantomData<&'a Lines>,
}

impl<'a> LinesView<'a> {
    /// The words of line `index`.
    ///
    /// # Panics
    /// If the caller's index is beyond the lines; no peer chooses one.
    #[inline(always)]
    pub fn line(self, index: usize) -> &'a [AtomicU64; LINE] {
        assert!(index < self.count, "there are {} lines, and none with number {index}", self.count);
        // SAFETY: `Mapping::lines` checked that all words of `count` lines lie within the mapping, which the `Lines` keep, and
        // that it is writable. Every bit pattern is a valid AtomicU64, so garbage from a peer is only a wrong number.
        unsafe { self.first.add(index).as_ref() }
    }
}

/// Equal chunks of a mapping, which were checked against its length. Both sides of a segment find chunks through it, so that the
/// bound is checked in one place.
#[derive(Debug)]
pub(super) struct Chunks {
    map: Mapping,
    /// Address of the first chunk.
    first: NonNull<u8>,
    stride: usize,
    count: usize,
}

impl Chunks {
    /// `count` chunks of `stride` bytes from byte `start` on; `None` if these are not exactly the rest of the file.
    pub(super) fn new(map: Mapping, start: usize, stride: usize, count: usize) -> Option<Self> {
        if stride.checked_mul(count)?.checked_add(start)? != map.len() {
            return None;
        }
        // SAFETY: `start` lies within the file, whose length was compared with all of the bytes.
        let first = NonNull::new(unsafe { map.base().add(start) })?;
        Some(Self { map, first, stride, count })
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

/// Prefetches the line of a word, or a whole line, which is written or exchanged soon: it arrives in a state in which no other
/// core has a copy, so that the write or exchange which follows does not have to ask again.
///
/// Does nothing on processors where it is not known to help.
#[inline(always)]
pub fn prefetch<T>(word_or_line: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: PREFETCHW only hints: it cannot fault, whatever the address, and processors without it take it for a NOP.
    unsafe {
        let address = std::ptr::from_ref(word_or_line);
        std::arch::asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = word_or_line;
}
