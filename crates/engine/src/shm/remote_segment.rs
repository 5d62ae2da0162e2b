//! The receiver's side of a payload segment: reads chunks.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::rc::Rc;

use super::mapping::Mapping;
use super::segment::{Geometry, invalid};
use super::words::Chunks;

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

    /// Bytes of a chunk.
    #[inline]
    pub(super) fn stride(&self) -> usize {
        self.chunks.stride()
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
