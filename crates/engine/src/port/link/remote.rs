//! A receiver's view of one sender's payload segments: mapped read-only when they are first seen.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use crate::channel::{Entry, Front, Garbage};
use crate::connection::{self, ConnectionFile, Handover, Side, State};
use crate::error::SystemError;
use crate::id::Id;
use crate::service::ServiceInner;
use crate::service::files::{self, FileName};
use crate::shm::{ChunkRef, LinesView, Message, RemoteSegment, is_damage};

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::port) enum Unreadable {
    /// Malformed: no correct sender sends such an entry.
    Garbage,
    /// Its sender is gone, and the segment with it: nobody's message any more (RR-DYN-06).
    Gone,
    /// Its sender is gone, and could not leave the segment behind.
    Lost,
    /// The segment cannot be mapped now; later, perhaps. [`Remote::take_problem`] says why.
    CannotMap,
}

impl From<Garbage> for Unreadable {
    fn from(Garbage: Garbage) -> Self {
        Self::Garbage
    }
}

/// The segments of one sender.
#[derive(Debug)]
pub(in crate::port) struct Remote {
    service: Arc<ServiceInner>,
    /// Node and port.
    sender: [Id; 2],
    reader: Id,
    /// The reader's.
    side: Side,
    align: usize,
    /// By number, the one that was mapped last at the end.
    mapped: RefCell<Vec<(u16, Rc<RemoteSegment>)>>,
    /// Handed-over segments that are mapped, and still have their names: another try needs them if this one fails.
    handed_over: RefCell<Vec<PathBuf>>,
    /// Whether there will be no other try.
    is_kept: Cell<bool>,
    /// Why a segment could not be mapped, until that is told.
    problem: RefCell<Option<Box<SystemError>>>,
}

impl Remote {
    /// Maps the segment from which the sender loans, as it says in `file`. If it is not there, a newer one is seen with the
    /// first message. Not under the service's lock: mapping and locking into memory take longer for larger segments.
    ///
    /// # Errors
    /// As [`RemoteSegment::open`], but for `NotFound`.
    pub fn open(
        service: &Arc<ServiceInner>,
        sender: [Id; 2],
        (reader, side): (Id, Side),
        align: usize,
        file: &ConnectionFile,
    ) -> io::Result<Self> {
        let remote = Self {
            service: Arc::clone(service),
            sender,
            reader,
            side,
            align,
            mapped: RefCell::default(),
            handed_over: RefCell::default(),
            is_kept: Cell::new(false),
            problem: RefCell::default(),
        };
        match remote.map(file.segment(side.other())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(remote),
        }
    }

    /// Whether the sender is alive and has not begun to leave: then what it has sent is where it says.
    fn is_there(&self, file: &ConnectionFile) -> bool {
        file.state(self.side.other()) == State::Attached && self.service.registry.node_ids().contains(&self.sender[0])
    }

    fn path(&self, number: u16) -> PathBuf {
        let [node, port] = self.sender;
        self.service.folder.join(files::segment(node, port, number))
    }

    fn map(&self, number: u16) -> io::Result<()> {
        let path = self.path(number);
        let (segment, is_whole) = match RemoteSegment::open(&path, self.align) {
            // One that is not whole any more has been given up by its owner, and its name with it.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    || (error.kind() == io::ErrorKind::InvalidData && !path.exists()) =>
            {
                // Only for this reader, and mapped now.
                let path = files::handover(self.sender[1], number, [self.service.node.id, self.reader]);
                let path = self.service.folder.join(path);
                let segment = RemoteSegment::open_handed_over(&path, self.align)?;
                self.handed_over.borrow_mut().push(path);
                if self.is_kept.get() {
                    self.keep();
                }
                (segment, false)
            }
            result => (result?, true),
        };
        if is_whole && self.service.locks_memory() {
            segment.lock_in_memory()?;
        }
        self.mapped.borrow_mut().push((number, segment));
        Ok(())
    }

    /// The message of an entry that a channel shows, to look at, and to have if the entry is taken.
    ///
    /// # Errors
    /// [`Unreadable`].
    #[inline(always)]
    pub fn message<'a>(
        &self,
        front: Front,
        slots: LinesView<'a>,
        file: &ConnectionFile,
    ) -> Result<Message<'a>, Unreadable> {
        let entry = front.entry();
        if entry.is_in_slot() {
            return Ok(Message::InSlot(slots.line(front.slot())));
        }
        let chunk = self.chunk(entry, file)?;
        // The next one is prefetched in time if the hint holds.
        if let Some((_, segment)) = self.mapped.borrow().last() {
            segment.expect((connection::next_chunk_hint(slots, front.slot()) as u32).wrapping_sub(1));
        }
        Ok(Message::InChunk(chunk))
    }

    /// The chunk of an entry, to look at and to hold if the entry is taken.
    ///
    /// # Errors
    /// [`Unreadable`].
    #[inline(always)]
    fn chunk(&self, entry: Entry, file: &ConnectionFile) -> Result<ChunkRef, Unreadable> {
        if let Some((number, segment)) = self.mapped.borrow().last()
            && *number == entry.segment
        {
            return segment.chunk(entry.chunk).ok_or(Unreadable::Garbage);
        }
        self.find(entry.segment, file)?.chunk(entry.chunk).ok_or(Unreadable::Garbage)
    }

    /// Maps the segment of an entry that has not been taken yet.
    ///
    /// # Errors
    /// Those for which it may be mapped later. What cannot be read is told when it is received.
    pub fn map_ahead(&self, entry: Entry) -> io::Result<()> {
        if entry.is_in_slot() || self.mapped(entry.segment).is_some() {
            return Ok(());
        }
        match self.map(entry.segment) {
            Err(error) if error.kind() != io::ErrorKind::NotFound && !is_damage(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn mapped(&self, number: u16) -> Option<Rc<RemoteSegment>> {
        self.mapped.borrow().iter().find(|(n, _)| *n == number).map(|(_, segment)| Rc::clone(segment))
    }

    #[cold]
    fn find(&self, number: u16, file: &ConnectionFile) -> Result<Rc<RemoteSegment>, Unreadable> {
        if let Some(segment) = self.mapped(number) {
            return Ok(segment);
        }
        match self.map(number) {
            Ok(()) => self.release_segments(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.not_found(file)),
            Err(error) if is_damage(&error) => return Err(Unreadable::Garbage),
            Err(error) => {
                let what = "mapping a payload segment of the sender";
                return Err(self.cannot_map(SystemError::at(what, &self.path(number), &error)));
            }
        }
        self.mapped(number).ok_or(Unreadable::Gone)
    }

    /// There is no such file.
    fn not_found(&self, file: &ConnectionFile) -> Unreadable {
        // Nothing is found where the folder cannot be reached any more.
        if let Err(error) = self.service.check_reachable() {
            return self.cannot_map(error);
        }
        // While the sender is there, it keeps what it has sent; looked at after the file was not found.
        if self.is_there(file) {
            Unreadable::Garbage
        } else if file.handover(self.side.other()) == Handover::InPart {
            Unreadable::Lost
        } else {
            Unreadable::Gone
        }
    }

    fn cannot_map(&self, error: SystemError) -> Unreadable {
        self.problem.replace(Some(Box::new(error)));
        Unreadable::CannotMap
    }

    /// The connection is the reader's own: takes the names of what was handed over and is mapped.
    pub fn keep(&self) {
        self.is_kept.set(true);
        for path in self.handed_over.take() {
            // One that stays goes with the connection.
            let _ = files::remove(&path);
        }
    }

    /// Why a segment could not be mapped last.
    #[cold]
    pub fn take_problem(&self) -> SystemError {
        let unknown = || SystemError::new("mapping a payload segment of the sender", &io::ErrorKind::Other.into());
        self.problem.take().map_or_else(unknown, |problem| *problem)
    }

    /// Unmaps segments that their sender has given back; it does that when every chunk has been returned. Only while
    /// the sender is there: what it leaves behind is still to be read.
    pub fn release_segments(&self, file: &ConnectionFile) {
        if self.mapped.borrow().len() < 2 || !self.is_there(file) {
            return;
        }
        let mut mapped = self.mapped.borrow_mut();
        let newest = mapped.last().map_or(0, |(number, _)| *number);
        mapped.retain(|(number, _)| *number == newest || self.path(*number).exists());
    }

    /// Nothing more is read: says so, and removes segments that were left for this reader.
    pub fn end(&self, file: &ConnectionFile) {
        file.set_state(self.side, State::Gone);
        // Pairs with that of a sender, which leaves segments behind and then looks whether the reader is gone.
        fence(Ordering::SeqCst);
        if file.handover(self.side.other()) != Handover::Nothing {
            self.refuse_handover();
        }
    }

    /// Removes segments that a sender which is gone has left for this reader, who will not read them.
    fn refuse_handover(&self) {
        for (name, path) in files::list(&self.service.folder).unwrap_or_default() {
            if matches!(name, FileName::Handover { sender, reader, .. } if [sender, reader] == [self.sender[1], self.reader])
            {
                // One that stays goes with the reader's node.
                let _ = files::remove(&path);
            }
        }
    }
}
