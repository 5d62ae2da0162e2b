//! Waiting: poll, spin for a bounded time, then sleep on the port's wake word, which senders touch only when they are
//! asked to.
//!
//! Modules: [`word`] is what sleepers and senders say to each other, and why no wake-up is lost; [`adaptive`] climbs from
//! polling to sleeping; [`notification_pipe`] wakes who waits for a file descriptor instead. What is waited for is known to
//! ports alone.

pub(crate) mod adaptive;
pub(crate) mod notification_pipe;
#[cfg(test)]
mod schedules;
pub(crate) mod word;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Waited<T> {
    /// With this.
    Received(T),
    /// The time is over.
    Timeout,
    /// Nothing more can come ([RR-WAIT-02](crate#requirements)).
    Disconnected,
}

impl<T> Waited<T> {
    /// What was received, if anything.
    pub fn received(self) -> Option<T> {
        if let Self::Received(value) = self { Some(value) } else { None }
    }

    /// Whether nothing more can come.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected)
    }
}

/// What was found without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum TryReceived<T> {
    /// This.
    Received(T),
    /// Nothing yet.
    Empty,
    /// Nothing, and nothing more can come.
    Disconnected,
}

impl<T> TryReceived<T> {
    /// What was received, if anything.
    pub fn received(self) -> Option<T> {
        if let Self::Received(value) = self { Some(value) } else { None }
    }

    /// Whether nothing more can come.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected)
    }
}
