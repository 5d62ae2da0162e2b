//! The table of handles: every object that the runner named and has not dropped.

use std::collections::HashMap;

use super::implementation::Implementation;
use super::reply::Stop;

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
    /// What it is, in words of the protocol.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Node(_) => "a node",
            Self::Service(_) => "a service",
            Self::Client(_) => "a client",
            Self::Server(_) => "a server",
            Self::Request(_) => "a loaned request",
            Self::Pending(_) => "a pending response",
            Self::Active(_) => "an active request",
            Self::ResponseLoan(_) => "a loaned response",
            Self::Response(_) => "a received response",
        }
    }

    /// The fault of using it where something else is needed.
    pub(super) fn misused(&self, name: &str, needed: &str) -> Stop {
        Stop::fault(format!("handle {name} is {}, not {needed}", self.kind()))
    }
}

/// Handles by name. Dropped in reverse order of creation, whatever way the table ends.
pub(super) struct Handles<I: Implementation> {
    entries: HashMap<String, (u64, Handle<I>)>,
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
            Some((_, handle)) => Err(Stop::fault(format!("handle {name} is in use: it is {}", handle.kind()))),
            None => Ok(()),
        }
    }

    /// Adds a handle whose name was checked with [`Self::check_free`].
    pub(super) fn insert(&mut self, name: &str, handle: Handle<I>) {
        self.created += 1;
        self.entries.insert(name.to_owned(), (self.created, handle));
    }

    pub(super) fn get(&self, name: &str) -> Result<&Handle<I>, Stop> {
        self.entries.get(name).map(|(_, handle)| handle).ok_or_else(|| unknown(name))
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Result<&mut Handle<I>, Stop> {
        self.entries.get_mut(name).map(|(_, handle)| handle).ok_or_else(|| unknown(name))
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<Handle<I>, Stop> {
        self.entries.remove(name).map(|(_, handle)| handle).ok_or_else(|| unknown(name))
    }

    /// Drops everything, the newest first.
    pub(super) fn clear(&mut self) {
        let mut all: Vec<_> = self.entries.drain().map(|(_, entry)| entry).collect();
        all.sort_unstable_by_key(|(created, _)| *created);
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
    ($($method:ident: $variant:ident($type:ident), $needed:literal;)*) => {
        impl<I: Implementation> Handles<I> {
            $(pub(super) fn $method(&self, name: &str) -> Result<&I::$type, Stop> {
                match self.get(name)? {
                    Handle::$variant(value) => Ok(value),
                    other => Err(other.misused(name, $needed)),
                }
            })*
        }
    };
}

typed! {
    node: Node(Node), "a node";
    service: Service(Service), "a service";
    client: Client(Client), "a client";
    server: Server(Server), "a server";
    pending: Pending(Pending), "a pending response";
    active: Active(Active), "an active request";
}
