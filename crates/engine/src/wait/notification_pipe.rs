//! The notification pipe of a port: a named pipe, made when its owner asks for a file descriptor that becomes readable
//! with messages. Senders write a byte to it when the wake word asks for that, and never block.
//!
//! A port has one notification pipe and one bit that asks for it, and any number of [`PollDescriptor`]s rely on both.
//! So whoever takes a byte makes the others show by themselves, and the bit is taken back when nobody relies on it any
//! more.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::ptr;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::shm::{self, Poller};

/// The shortest time that a timer takes: zero would stop it.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// The owner's end of a notification pipe, with all descriptors that wait for it. They are in one thread, as the port
/// is.
#[derive(Debug)]
pub(crate) struct NotificationPipe {
    pub file: File,
    /// One for each time that it was attached.
    descriptors: RefCell<Vec<Weak<PollDescriptor>>>,
}

impl NotificationPipe {
    /// Makes the pipe unless it exists, and opens it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = match shm::make_pipe(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => open(path)?,
        };
        Ok(Self { file, descriptors: RefCell::default() })
    }

    /// A descriptor begins to use it.
    pub fn attach(&self, descriptor: &Rc<PollDescriptor>) {
        let mut descriptors = self.descriptors.borrow_mut();
        descriptors.retain(|descriptor| descriptor.strong_count() > 0);
        descriptors.push(Rc::downgrade(descriptor));
    }

    /// Undoes one [`NotificationPipe::attach`].
    pub fn detach(&self, descriptor: &Rc<PollDescriptor>) {
        let mut descriptors = self.descriptors.borrow_mut();
        if let Some(index) = descriptors.iter().position(|other| ptr::eq(other.as_ptr(), Rc::as_ptr(descriptor))) {
            descriptors.swap_remove(index);
        }
    }

    /// Reads what was written. It was meant for all, so the others fire.
    pub fn drain(&self, by: &Rc<PollDescriptor>) {
        for descriptor in self.others(by) {
            descriptor.fire();
        }
        let mut bytes = [0; 4096];
        // No more than once: what is left keeps the pipe readable.
        let _ = (&self.file).read(&mut bytes);
    }

    /// Nobody writes to it any more: all that are armed fire.
    pub fn retire(&self) {
        for descriptor in self.descriptors.borrow().iter().filter_map(Weak::upgrade) {
            descriptor.fire();
        }
    }

    /// Whether another descriptor is armed.
    pub fn is_armed_by_others(&self, but_by: &Rc<PollDescriptor>) -> bool {
        self.others(but_by).iter().any(|descriptor| descriptor.armed.get())
    }

    fn others(&self, but: &Rc<PollDescriptor>) -> Vec<Rc<PollDescriptor>> {
        let all = self.descriptors.borrow();
        all.iter().filter_map(Weak::upgrade).filter(|descriptor| !Rc::ptr_eq(descriptor, but)).collect()
    }
}

/// What becomes readable when notification pipes do: a descriptor with a timer.
#[derive(Debug)]
pub(crate) struct PollDescriptor {
    pub poller: Poller,
    /// Whether it has to become readable as soon as there is something.
    armed: Cell<bool>,
}

impl PollDescriptor {
    /// # Errors
    /// Those of the system.
    pub fn new() -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self { poller: Poller::new()?, armed: Cell::new(false) }))
    }

    /// Becomes readable when a pipe does, and when the time is over.
    ///
    /// # Errors
    /// Those of the system.
    pub fn arm(&self, time: Duration) -> io::Result<()> {
        self.armed.set(true);
        self.poller.set_timer(time)
    }

    /// Need not become readable: its owner is awake.
    pub fn disarm(&self) {
        self.armed.set(false);
    }

    /// Becomes readable now, if it is armed.
    pub fn fire(&self) {
        if self.armed.replace(false) {
            // Setting a timer that exists does not fail; if it did, the one that runs fires within its slice.
            let _ = self.poller.set_timer(AT_ONCE);
        }
    }
}

/// Opens the pipe, never through a symbolic link. Both sides open it for both directions: so the owner never sees an
/// end of file when a sender dies, and no sender is sent a signal when the owner has.
///
/// # Errors
/// `InvalidData` for something that is not a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = shm::open_options(libc::O_NONBLOCK).open(path)?;
    let is_pipe = file.metadata()?.file_type().is_fifo();
    is_pipe.then_some(file).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a pipe"))
}

/// Writes a byte. A full pipe notifies as well.
pub(crate) fn notify(mut pipe: &File) {
    // Whatever fails here, the owner looks again after a slice of its own.
    let _ = pipe.write(&[1]);
}
