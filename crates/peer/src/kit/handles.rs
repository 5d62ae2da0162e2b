//! The table of handles: every object that the runner named and has not dropped.

use std::collections::HashMap;

use super::decisions::Decisions;
use super::implementation::Implementation;
use super::reply::Stop;
use crate::protocol::HandleKind;

/// One object of the implementation.
pub(super) enum Handle<I: Implementation> {
    Node(I::Node),
    Service(I::Service),
    Client(I::Client),
    Server(I::Server),
    Request(I::Request),
    Pending(I::Pending),
    Active(I::Active),
    ResponseLoan(I::ResponseLoan),
    Response(I::Response),
}

impl<I: Implementation> Handle<I> {
    pub(super) fn kind(&self) -> HandleKind {
        match self {
            Self::Node(_) => HandleKind::Node,
            Self::Service(_) => HandleKind::Service,
            Self::Client(_) => HandleKind::Client,
            Self::Server(_) => HandleKind::Server,
            Self::Request(_) => HandleKind::Request,
            Self::Pending(_) => HandleKind::Pending,
            Self::Active(_) => HandleKind::Active,
            Self::ResponseLoan(_) => HandleKind::ResponseLoan,
            Self::Response(_) => HandleKind::Response,
        }
    }

    /// The fault of using it where one of other kinds is needed.
    pub(super) fn misused(&self, name: &str, needed: &[HandleKind]) -> Stop {
        Stop::fault(format!("handle {name} is {}, not {}", self.kind().words(), HandleKind::any_of(needed)))
    }
}

struct Entry<I: Implementation> {
    /// Place in the order of creation.
    number: u64,
    handle: Handle<I>,
    /// Of a port with a backpressure handler.
    decisions: Option<Decisions>,
}

/// Handles by name. Dropped in reverse order of creation, whatever way the table ends.
pub(super) struct Handles<I: Implementation> {
    entries: HashMap<String, Entry<I>>,
    /// Handles ever created; the order of creation.
    created: u64,
}

impl<I: Implementation> Handles<I> {
    pub(super) fn new() -> Self {
        Self { entries: HashMap::new(), created: 0 }
    }

    /// The fault of naming a new handle like an existing one.
    pub(super) fn check_free(&self, name: &str) -> Result<(), Stop> {
        match self.entries.get(name) {
            Some(Entry { handle, .. }) => {
                Err(Stop::fault(format!("handle {name} is in use: it is {}", handle.kind().words())))
            }
            None => Ok(()),
        }
    }

    /// The fault of naming a handle that does not exist, or is of none of these kinds.
    pub(super) fn check_kind(&self, name: &str, needed: &[HandleKind]) -> Result<(), Stop> {
        let handle = self.get(name)?;
        if needed.contains(&handle.kind()) { Ok(()) } else { Err(handle.misused(name, needed)) }
    }

    /// Adds a handle whose name was checked with [`Self::check_free`].
    pub(super) fn insert(&mut self, name: &str, handle: Handle<I>) {
        self.insert_port(name, handle, None);
    }

    /// As [`Self::insert`], of a port that may have a backpressure handler.
    pub(super) fn insert_port(&mut self, name: &str, handle: Handle<I>, decisions: Option<Decisions>) {
        self.created += 1;
        self.entries.insert(name.to_owned(), Entry { number: self.created, handle, decisions });
    }

    pub(super) fn get(&self, name: &str) -> Result<&Handle<I>, Stop> {
        self.entries.get(name).map(|entry| &entry.handle).ok_or_else(|| unknown(name))
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Result<&mut Handle<I>, Stop> {
        self.entries.get_mut(name).map(|entry| &mut entry.handle).ok_or_else(|| unknown(name))
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<Handle<I>, Stop> {
        self.entries.remove(name).map(|entry| entry.handle).ok_or_else(|| unknown(name))
    }

    pub(super) fn decisions(&self, name: &str) -> Option<&Decisions> {
        self.entries.get(name)?.decisions.as_ref()
    }

    /// Drops everything, the newest first.
    pub(super) fn clear(&mut self) {
        let mut all: Vec<_> = self.entries.drain().map(|(_, entry)| entry).collect();
        all.sort_unstable_by_key(|entry| entry.number);
        while all.pop().is_some() {}
    }
}

impl<I: Implementation> Drop for Handles<I> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn unknown(name: &str) -> Stop {
    Stop::fault(format!("there is no handle {name}; it was never created, was dropped, or was consumed by a send"))
}

/// Borrows one kind of handle, or says what the name stands for instead.
macro_rules! typed {
    ($($method:ident: $variant:ident($type:ident);)*) => {
        impl<I: Implementation> Handles<I> {
            $(pub(super) fn $method(&self, name: &str) -> Result<&I::$type, Stop> {
                match self.get(name)? {
                    Handle::$variant(value) => Ok(value),
                    other => Err(other.misused(name, &[HandleKind::$variant])),
                }
            })*
        }
    };
}

typed! {
    node: Node(Node);
    service: Service(Service);
    client: Client(Client);
    server: Server(Server);
    pending: Pending(Pending);
    active: Active(Active);
}
