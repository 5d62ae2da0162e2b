//! A sender's payload segments: the one that loans come from, and those that it has outgrown.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use crate::channel::{Entry, SEGMENTS_MAX};
use crate::connection::{ConnectionFile, Handover, Side, State};
use crate::error::LoanError;
use crate::id::Id;
use crate::ownership::FreeList;
use crate::payload::ChunkLayout;
use crate::service::{ServiceInner, files};
use crate::shm::{CHUNKS_MAX, ChunkHeader, Geometry, Holder, Pool};
use crate::strategy::AllocationStrategy;

/// Largest segment: what a receiver maps at most.
const SEGMENT_BYTES_MAX: usize = 1 << 40;
/// Chunks that a segment for longer slices has at least. More are had by growing again.
const CHUNKS_MIN: usize = 4;

/// How the segments of a port begin and grow.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentPlan {
    pub layout: ChunkLayout,
    pub strategy: AllocationStrategy,
    /// Elements that fit a chunk of the first segment.
    pub len: usize,
    /// Chunks that the limits allow to be in use at once.
    pub chunks: usize,
    /// Receivers that there can be at once: as many ports as the service allows, and some that are dropped and still used.
    pub receivers: usize,
}

impl SegmentPlan {
    /// Geometry of a segment for `len` elements, if such a segment can be.
    pub fn geometry(&self, len: usize, chunks: usize) -> Option<Geometry> {
        let stride = self.layout.stride(len).filter(|_| chunks <= CHUNKS_MAX)?;
        stride.checked_mul(chunks).filter(|bytes| *bytes <= SEGMENT_BYTES_MAX)?;
        Some(Geometry { stride, chunks, align: self.layout.align })
    }
}

/// All segments of a port.
#[derive(Debug)]
pub(super) struct Payloads {
    service: Arc<ServiceInner>,
    port: Id,
    plan: SegmentPlan,
    /// Elements that fit a chunk of the current segment: without growing.
    pub len_max: Cell<usize>,
    /// One more than the longest loan that can be served without a look at anything else; 0 while there are older
    /// segments, whose chunks should be returned.
    pub len_end: Cell<usize>,
    current: RefCell<Rc<Pool>>,
    /// Older ones, of which chunks are still loaned, in flight or held.
    outgrown: RefCell<Vec<Rc<Pool>>>,
    /// Numbers that no receiver has, as whom the pools know it, below `plan.receivers`.
    pub numbers: FreeList,
}

impl Payloads {
    /// With the first segment.
    ///
    /// # Errors
    /// As [`Pool::create`].
    pub fn create(service: &Arc<ServiceInner>, port: Id, plan: SegmentPlan, first: Geometry) -> io::Result<Self> {
        let pool = Pool::create(&path(service, port, 0), 0, first, plan.receivers)?;
        if service.locks_memory()
            && let Err(error) = pool.lock_in_memory()
        {
            let _ = files::remove(&path(service, port, 0));
            return Err(error);
        }
        Ok(Self {
            service: Arc::clone(service),
            port,
            plan,
            len_max: Cell::new(plan.len),
            len_end: Cell::new(plan.len.saturating_add(1)),
            current: RefCell::new(pool),
            outgrown: RefCell::default(),
            numbers: FreeList::new(plan.receivers),
        })
    }

    /// Ensures that the current segment has a free chunk for `len` elements where none is at hand: by
    /// `reclaim`, of what was returned, or else by growing, of which `announce` tells the receivers the new segment's number.
    ///
    /// # Errors
    /// [`LoanError`]; everything is as it was then.
    #[cold]
    pub fn find(&self, len: usize, reclaim: impl FnOnce(), announce: impl FnOnce(u16)) -> Result<(), LoanError> {
        let max = self.len_max.get();
        if len > max && !self.plan.strategy.grows() {
            return Err(LoanError::ExceedsMaxLoanSize { len, max });
        }
        reclaim();
        if len <= self.len_max.get() && self.current.borrow().next().is_some() {
            return Ok(());
        }
        if !self.plan.strategy.grows() {
            return Err(LoanError::OutOfMemory);
        }
        self.grow(len)?;
        announce(self.number());
        Ok(())
    }

    /// The segment from which loans come.
    #[inline(always)]
    pub fn current(&self) -> Ref<'_, Rc<Pool>> {
        self.current.borrow()
    }

    /// Number of the current segment.
    pub fn number(&self) -> u16 {
        self.current.borrow().number()
    }

    /// Makes the current segment an older one, and a new one that has a free chunk for `len` elements.
    ///
    /// # Errors
    /// [`LoanError`]; everything is as it was then.
    fn grow(&self, len: usize) -> Result<(), LoanError> {
        let old = Rc::clone(&self.current.borrow());
        let number = usize::from(old.number()) + 1;
        if number >= SEGMENTS_MAX {
            return Err(LoanError::GrownTooOften { max: SEGMENTS_MAX });
        }
        let max = self.len_max.get();
        let too_long = LoanError::ExceedsMaxLoanSize { len, max };
        let all = self.plan.chunks.max(CHUNKS_MIN);
        let (len, chunks) = if len > max {
            let longer = self.plan.strategy.room_for(len);
            // What is in use now will be in use with longer slices, and as much again.
            let chunks = (2 * old.in_use()).next_power_of_two().clamp(CHUNKS_MIN, all);
            (longer.ok_or(too_long)?, chunks)
        } else {
            (max, (2 * old.chunks()).max(CHUNKS_MIN))
        };
        // The last segment cannot be followed by one with more chunks, so it has all that can be needed (RR-DYN-05).
        let chunks = if number + 1 == SEGMENTS_MAX { all } else { chunks };
        let geometry = self.plan.geometry(len, chunks).ok_or(too_long)?;
        let number = number as u16; // below SEGMENTS_MAX
        let pool = Pool::create(&path(&self.service, self.port, number), number, geometry, self.plan.receivers)
            .map_err(|error| {
                let bytes = geometry.stride.saturating_mul(chunks);
                LoanError::CannotGrow { bytes, errno: error.raw_os_error() }
            })?;
        self.len_max.set(len);
        self.current.replace(pool);
        self.outgrown.borrow_mut().push(old);
        self.release_segments();
        Ok(())
    }

    /// Gives segments back to the system whose last chunk has been returned (RR-DYN-04).
    #[cold]
    pub fn release_segments(&self) {
        let mut outgrown = self.outgrown.borrow_mut();
        outgrown.retain(|pool| {
            let used = pool.in_use() > 0;
            if !used {
                // One that cannot be removed goes with the port.
                let _ = files::remove(&path(&self.service, self.port, pool.number()));
            }
            used
        });
        self.len_end.set(if outgrown.is_empty() { self.len_max.get().saturating_add(1) } else { 0 });
    }

    /// Removes a receiver from the holders of a chunk. `false` if it was none of them.
    #[inline(always)]
    #[must_use]
    pub fn release(&self, entry: Entry, receiver: Holder) -> bool {
        let current = self.current.borrow();
        if current.number() == entry.segment {
            return current.release(entry.chunk, receiver);
        }
        self.pool(entry.segment).is_some_and(|pool| pool.release(entry.chunk, receiver))
    }

    #[cold]
    fn pool(&self, segment: u16) -> Option<Rc<Pool>> {
        let current = self.current.borrow();
        self.outgrown.borrow().iter().chain([&*current]).find(|pool| pool.number() == segment).map(Rc::clone)
    }

    /// Removes a receiver from the holders of everything.
    pub fn release_all(&self, receiver: Holder) {
        self.current.borrow().release_all(receiver);
        self.outgrown.borrow().iter().for_each(|pool| pool.release_all(receiver));
    }

    /// A second look at the header of a chunk that is ours again.
    pub fn header(&self, entry: Entry) -> Option<ChunkHeader> {
        self.pool(entry.segment)?.header(entry.chunk)
    }

    /// Chunks that are loaned or in flight, of all segments.
    pub fn in_use(&self) -> usize {
        self.current.borrow().in_use() + self.outgrown.borrow().iter().map(|pool| pool.in_use()).sum::<usize>()
    }

    /// Segments that there are.
    pub fn segments(&self) -> usize {
        1 + self.outgrown.borrow().len()
    }

    /// Leaves segments to a reader that has messages in them: a port of `reader`'s node. Whether it has mapped them already
    /// cannot be told, and does not matter: what is left is removed with its side of the connection. `unread` are the words in
    /// the reader's channels, `side` is the sender's.
    ///
    /// Where that is not possible the messages are lost, which the reader is told, and nothing else is (RR-DYN-06).
    pub fn hand_over(&self, unread: impl Iterator<Item = u64>, reader: [Id; 2], file: &ConnectionFile, side: Side) {
        let entries = unread.filter_map(|word| Entry::of_word(word).ok().flatten()).filter(|entry| !entry.is_in_slot());
        let segments: BTreeSet<u16> = entries.map(|entry| entry.segment).collect();
        let names = segments.iter().map(|segment| (*segment, files::handover(self.port, *segment, reader)));
        let files: Vec<_> = names.map(|(segment, name)| (segment, self.service.folder.join(name))).collect();
        if files.is_empty() {
            return;
        }
        let linked =
            |(segment, to): &(u16, PathBuf)| std::fs::hard_link(path(&self.service, self.port, *segment), to).is_ok();
        // All of them are tried, also behind one that fails.
        let whole = files.iter().filter(|file| linked(file)).count() == files.len();
        file.set_handover(side, if whole { Handover::Whole } else { Handover::InPart });
        // Pairs with that of the reader, which says that it is gone and then looks whether something was handed over: one of
        // the two sees the other.
        fence(Ordering::SeqCst);
        if file.state(side.other()) == State::Gone {
            for (_, path) in &files {
                // One that stays goes with the reader's node.
                let _ = files::remove(path);
            }
        }
    }
}

impl Drop for Payloads {
    /// Nothing of the port is left that could be sent from.
    fn drop(&mut self) {
        let current = Rc::clone(&self.current.borrow());
        for pool in self.outgrown.borrow().iter().chain([&current]) {
            // One that cannot be removed now goes with the node.
            let _ = files::remove(&path(&self.service, self.port, pool.number()));
            // Whoever still reads there needs no more than what is held. Memory that is locked stays.
            if pool.in_use() > 0 && !self.service.locks_memory() {
                pool.give_back_free_pages();
            }
        }
    }
}

fn path(service: &ServiceInner, port: Id, number: u16) -> PathBuf {
    service.folder.join(files::segment(service.node.id, port, number))
}
