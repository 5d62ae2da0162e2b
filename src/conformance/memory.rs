//! Scenarios start only where the shared memory is free that they state. Lack of memory decides no requirement.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::harness::space::{free_bytes, may_lack, mebibytes, remedy};
use crate::results::model::Verdict;

use super::failure::ScenarioFailure;
use super::stable_text::StableText;

/// Shared memory that the scenarios under way may still use.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Sum of what they state, bytes.
    reserved: Mutex<u64>,
    ended: Condvar,
}

/// What one scenario has reserved. Dropping it gives it back; its namespace has to be gone by then.
#[derive(Debug)]
pub(super) struct Place<'a> {
    room: &'a Room,
    need: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    Enter,
    /// Scenarios that are under way give memory back.
    Wait,
    Lacking,
}

/// What the others have reserved may be in use already; counting it twice only makes a scenario wait.
fn admission(need: u64, free: u64, reserved: u64) -> Admission {
    if need.saturating_add(reserved) <= free {
        Admission::Enter
    } else if reserved > 0 {
        Admission::Wait
    } else {
        Admission::Lacking
    }
}

impl Room {
    /// Waits for memory that other scenarios use, and reserves what this one needs. Where a file system does not say what
    /// is free, it is taken to be enough.
    pub(super) fn enter(&self, need_mib: u64, path: &Path) -> Result<Place<'_>, Box<ScenarioFailure>> {
        let need = need_mib << 20;
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let free = free_bytes(path).unwrap_or(u64::MAX);
            match admission(need, free, *reserved) {
                Admission::Enter => {
                    *reserved += need;
                    return Ok(Place { room: self, need });
                }
                Admission::Wait => reserved = self.ended.wait(reserved).unwrap_or_else(PoisonError::into_inner),
                Admission::Lacking => return Err(Box::new(lacking(need, free, path))),
            }
        }
    }
}

impl Place<'_> {
    /// What a failure means, given what is free before anything is cleaned up.
    pub(super) fn judged(&self, failure: ScenarioFailure, path: &Path) -> ScenarioFailure {
        let refused = failure.actual.as_ref().is_some_and(|actual| actual.starts_with("err out-of-memory"));
        match free_bytes(path) {
            Some(free) if may_lack(free, self.need, refused) => ran_out(failure, free, path),
            _ => failure,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.room.reserved.lock().unwrap_or_else(PoisonError::into_inner) -= self.need;
        self.room.ended.notify_all();
    }
}

fn lacking(need: u64, free: u64, path: &Path) -> ScenarioFailure {
    let (path_text, remedy) = (path.display(), remedy(path));
    let text = format!(
        "not judged: it needs {} of shared memory, and {path_text} has {} free; {remedy}",
        mebibytes(need),
        mebibytes(free)
    );
    let stable = format!("not judged: it needs more shared memory than {path_text} has free; {remedy}");
    ScenarioFailure::new(Verdict::Error, StableText::new(text, stable))
}

fn ran_out(failure: ScenarioFailure, free: u64, path: &Path) -> ScenarioFailure {
    let (path_text, remedy) = (path.display(), remedy(path));
    let head =
        |free: &str| format!("not judged: shared memory ran out, {path_text} had {free} free; {remedy}. What happened");
    let said = StableText::new(
        format!("{}: {}", head(&mebibytes(free)), failure.said.text),
        format!("{}: {}", head("*"), failure.said.stable),
    );
    ScenarioFailure { verdict: Verdict::Error, said, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_enters_waits_or_is_not_judged() {
        for (need, free, reserved, expected) in [
            (16, 16, 0, Admission::Enter),
            (17, 16, 0, Admission::Lacking),
            (16, 64, 48, Admission::Enter),
            (17, 64, 48, Admission::Wait),
            (65, 64, 1, Admission::Wait),
            (u64::MAX, 64, 1, Admission::Wait),
            (u64::MAX, u64::MAX, 0, Admission::Enter),
        ] {
            assert_eq!(admission(need, free, reserved), expected, "{need} {free} {reserved}");
        }
    }

    #[test]
    fn what_is_reserved_is_given_back() {
        let (room, path) = (Room::default(), Path::new("/"));
        let place = room.enter(1, path).unwrap();
        assert_eq!(*room.reserved.lock().unwrap(), 1 << 20);
        drop(place);
        assert_eq!(*room.reserved.lock().unwrap(), 0);
        let failure = room.enter(1 << 40, path).unwrap_err();
        assert_eq!(failure.verdict, Verdict::Error);
        assert!(failure.said.text.contains("--shm-size=1g"), "{}", failure.said.text);
    }
}
