//! The bell of a port: a named pipe, made when its owner wants a file descriptor that shows messages. Senders write a byte
//! to it when the wake word asks for that, and never wait.
//!
//! A port has one bell and one bit that asks for it, and any number of [`Alarm`]s rely on both. So whoever takes a byte
//! makes the others show by themselves, and the bit is taken back when nobody relies on it any more.

use std::cell::{Cell, RefCell};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::shm::{self, Poller};

/// The shortest time that a timer takes: zero would stop it.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// The owner's end of a bell, with all that waits for it. They are in one thread, as the port is.
#[derive(Debug)]
pub(crate) struct Bell {
    file: File,
    /// One for each time that it was attached.
    alarms: RefCell<Vec<Weak<Alarm>>>,
}

impl Bell {
    /// Makes the bell unless it is there, and opens it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = match shm::make_pipe(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => open(path)?,
        };
        Ok(Self { file, alarms: RefCell::default() })
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// An alarm begins to rely on it.
    pub fn attach(&self, alarm: &Rc<Alarm>) {
        let mut alarms = self.alarms.borrow_mut();
        alarms.retain(|alarm| alarm.strong_count() > 0);
        alarms.push(Rc::downgrade(alarm));
    }

    /// Undoes one [`Bell::attach`].
    pub fn detach(&self, alarm: &Rc<Alarm>) {
        let mut alarms = self.alarms.borrow_mut();
        if let Some(index) = alarms.iter().position(|other| is_same(other, alarm)) {
            alarms.swap_remove(index);
        }
    }

    /// Takes what was rung. It was meant for all, so all others show.
    pub fn drain(&self, by: &Rc<Alarm>) {
        for alarm in self.others(by) {
            alarm.go_off();
        }
        let mut bytes = [0; 4096];
        // No more than once: what is left shows again.
        let _ = (&self.file).read(&mut bytes);
    }

    /// Nobody rings it any more: all that relied on that show.
    pub fn retire(&self) {
        for alarm in self.alarms.borrow().iter().filter_map(Weak::upgrade) {
            alarm.go_off();
        }
    }

    /// Whether somebody else relies on being rung for.
    pub fn is_relied_on(&self, but_by: &Rc<Alarm>) -> bool {
        self.others(but_by).iter().any(|alarm| alarm.relies.get())
    }

    fn others(&self, but: &Rc<Alarm>) -> Vec<Rc<Alarm>> {
        self.alarms.borrow().iter().filter(|alarm| !is_same(alarm, but)).filter_map(Weak::upgrade).collect()
    }
}

fn is_same(alarm: &Weak<Alarm>, other: &Rc<Alarm>) -> bool {
    std::ptr::eq(alarm.as_ptr(), Rc::as_ptr(other))
}

/// What shows that bells were rung: a descriptor with a timer.
#[derive(Debug)]
pub(crate) struct Alarm {
    pub poller: Poller,
    /// Whether it shows nothing and has to, as soon as there is something.
    relies: Cell<bool>,
}

impl Alarm {
    /// # Errors
    /// Those of the system.
    pub fn new() -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self { poller: Poller::new()?, relies: Cell::new(false) }))
    }

    /// Shows when a bell is rung, and when the time is over.
    ///
    /// # Errors
    /// Those of the system.
    pub fn rely(&self, time: Duration) -> io::Result<()> {
        self.relies.set(true);
        self.poller.set_timer(time)
    }

    /// Need not show anything: its owner knows.
    pub fn rest(&self) {
        self.relies.set(false);
    }

    /// Shows from now on, if it has to show anything.
    pub fn go_off(&self) {
        if self.relies.replace(false) {
            // Setting a timer that there is does not fail; if it did, the one that runs shows within its slice.
            let _ = self.poller.set_timer(AT_ONCE);
        }
    }
}

/// Opens the bell, never through a symbolic link. Both sides open it for both directions: so the owner never sees an end of
/// file when a sender dies, and no sender is sent a signal when the owner has.
///
/// # Errors
/// `InvalidData` for something that is not a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK)
        .open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "not a pipe"))
    }
}

/// Rings. A full pipe is as good as a byte more.
pub(crate) fn ring(mut bell: &File) {
    // Whatever fails here, the owner looks again after a slice of its own.
    let _ = bell.write(&[1]);
}
