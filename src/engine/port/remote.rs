//! A receiver's view of one sender's payload segments: mapped read-only when they are first seen.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use crate::engine::channel::{Entry, Front, Garbage};
use crate::engine::connection::{self, ConnectionFile, Side, State};
use crate::engine::id::Id;
use crate::engine::service::{ServiceInner, files};
use crate::engine::shm::{ChunkRef, LinesView, Message, RemoteSegment};

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// No correct sender sends such an entry.
    Garbage,
    /// Its sender is gone, and the segment with it: nobody's message any more (RR-DYN-06).
    Gone,
    /// This process has no descriptors or memory left to map the segment; later, perhaps.
    CannotMap,
}

impl From<Garbage> for Unreadable {
    fn from(Garbage: Garbage) -> Self {
        Self::Garbage
    }
}

/// The segments of one sender.
#[derive(Debug)]
pub(super) struct Remote {
    service: Arc<ServiceInner>,
    /// Node and port.
    sender: [Id; 2],
    reader: Id,
    /// The reader's.
    side: Side,
    align: usize,
    /// By number, the one that was mapped last at the end.
    mapped: RefCell<Vec<(u16, Rc<RemoteSegment>)>>,
}

impl Remote {
    /// Maps the segment from which the sender loans, as it says in `file`. If it is not there, a newer one is seen with the
    /// first message.
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
        let mapped = RefCell::default();
        let remote = Self { service: Arc::clone(service), sender, reader, side, align, mapped };
        match remote.map(file.segment(side.other()), file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(remote),
        }
    }

    /// Whether the sender is alive and has not begun to leave: then what it has sent is where it says.
    fn is_there(&self, file: &ConnectionFile) -> bool {
        let state = if self.side == Side::Client { file.server_state() } else { file.client_state() };
        state == State::Attached && self.service.registry.node_ids().contains(&self.sender[0])
    }

    fn map(&self, number: u16, file: &ConnectionFile) -> io::Result<()> {
        let [node, port] = self.sender;
        let folder = &self.service.folder;
        let segment = match RemoteSegment::open(&folder.join(files::segment(node, port, number)), self.align) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Only for this reader, and mapped now.
                let path = folder.join(files::handover(port, number, self.reader));
                let segment = RemoteSegment::open(&path, self.align)?;
                let _ = files::remove(&path);
                segment
            }
            result => result?,
        };
        if self.service.locks_memory() {
            segment.lock_in_memory()?;
        }
        let mut mapped = self.mapped.borrow_mut();
        mapped.push((number, segment));
        file.set_mapped(self.side, mapped.iter().map(|(number, _)| *number).max());
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
        // The next one is asked for in time if the sender keeps to what it says.
        if let Some((_, segment)) = self.mapped.borrow().last() {
            segment.expect((connection::next_of(slots, front.slot()) as u32).wrapping_sub(1));
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
    pub fn map_ahead(&self, entry: Entry, file: &ConnectionFile) {
        if !entry.is_in_slot() {
            // What cannot be read is told when it is received.
            let _ = self.find(entry.segment, file);
        }
    }

    #[cold]
    fn find(&self, number: u16, file: &ConnectionFile) -> Result<Rc<RemoteSegment>, Unreadable> {
        let find = || self.mapped.borrow().iter().find(|(n, _)| *n == number).map(|(_, segment)| Rc::clone(segment));
        if let Some(segment) = find() {
            return Ok(segment);
        }
        match self.map(number, file) {
            Ok(()) => self.tidy(file),
            // While the sender is there, it keeps what it has sent; looked at after the file was not found.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(if self.is_there(file) { Unreadable::Garbage } else { Unreadable::Gone });
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(Unreadable::Garbage),
            Err(_) => return Err(Unreadable::CannotMap),
        }
        find().ok_or(Unreadable::Gone)
    }

    /// Lets go of segments that their sender has given back; it does that when every chunk is home. Only while the sender
    /// is there: what it leaves behind is still to be read.
    pub fn tidy(&self, file: &ConnectionFile) {
        if self.mapped.borrow().len() < 2 || !self.is_there(file) {
            return;
        }
        let [node, port] = self.sender;
        let mut mapped = self.mapped.borrow_mut();
        let newest = mapped.last().map_or(0, |(number, _)| *number);
        mapped.retain(|(number, _)| {
            *number == newest || self.service.folder.join(files::segment(node, port, *number)).exists()
        });
    }

    /// Removes segments that a sender which is gone has left for this reader, who will not read them.
    pub fn refuse_handover(&self) {
        let Ok(entries) = std::fs::read_dir(&self.service.folder) else { return };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if files::handover_ids(name) == Some((self.sender[1], self.reader)) {
                // One that stays goes with the port.
                let _ = files::remove(&path);
            }
        }
    }
}
