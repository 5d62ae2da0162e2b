//! Processes that should not be there any more, found in `/proc`.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Name of the environment variable that tells a peer, and marks all its descendants with, its namespace.
pub(super) const ROOT_VARIABLE: &str = "SHMARK_ROOT";
/// Likewise, with a value that no other peer has.
pub(super) const PEER_VARIABLE: &str = "SHMARK_PEER";

/// State letter of a process: `R`, `S`, `T`, `Z` and so on.
pub(super) fn state(pid: u32) -> Option<char> {
    stat(pid).map(|(state, ..)| state)
}

/// Living processes of a group besides its leader, each as `process 123 (sleep)`.
pub(super) fn group_members(group: i32, leader: u32) -> Vec<String> {
    pids()
        .filter(|pid| *pid != leader)
        .filter(|pid| stat(*pid).is_some_and(|(state, _, of)| of == group && is_alive(state)))
        .map(describe)
        .collect()
}

/// Living processes besides the leader that descend from it, or that have its mark in their environment wherever they have
/// moved to.
pub(super) fn kin(leader: u32, mark: &str) -> Vec<u32> {
    let processes: Vec<(u32, u32)> =
        pids().filter_map(|pid| stat(pid).filter(|stat| is_alive(stat.0)).map(|stat| (pid, stat.1))).collect();
    let mut found = vec![leader];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(processes.iter().filter(|(pid, of)| *of == parent && *pid != leader).map(|(pid, _)| *pid));
        next += 1;
    }
    let wanted = format!("{PEER_VARIABLE}={mark}").into_bytes();
    let is_marked = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted)
    };
    found.extend(processes.iter().map(|(pid, _)| *pid).filter(|pid| is_marked(*pid)));
    found.sort_unstable();
    found.dedup();
    found.retain(|pid| *pid != leader);
    found
}

/// Kills every process that has `root`, or a folder below it, as its namespace, whatever group it has moved to; says which.
pub(super) fn kill_all_in(root: &Path) -> Vec<String> {
    let mut mark = format!("{ROOT_VARIABLE}=").into_bytes();
    mark.extend_from_slice(root.as_os_str().as_bytes());
    let is_marked = |entry: &[u8]| {
        entry.strip_prefix(mark.as_slice()).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    };
    let own = std::process::id();
    let mut killed = Vec::new();
    for pid in pids().filter(|pid| *pid != own) {
        // Other users' processes cannot be read, and are not ours.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { continue };
        let marked = environment.split(|byte| *byte == 0).any(is_marked);
        if marked && state(pid).is_some_and(is_alive) {
            killed.push(describe(pid));
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
    }
    killed
}

/// Whether a process in this state can still do something.
pub(super) fn is_alive(state: char) -> bool {
    !matches!(state, 'Z' | 'X')
}

fn describe(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    format!("process {pid} ({})", name.trim())
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// State, parent and process group of a process.
fn stat(pid: u32) -> Option<(char, u32, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may itself hold spaces and parentheses; what follows the last one does not.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some((state, parent, group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_in_its_group() {
        let own = std::process::id();
        assert!(state(own).is_some_and(is_alive));
        let group = nix::unistd::getpgrp().as_raw();
        assert!(group_members(group, 0).iter().any(|text| text.starts_with(&format!("process {own} ("))));
    }
}
