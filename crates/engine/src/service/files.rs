//! Names of the files and folders of a service.

use std::io;
use std::path::{Path, PathBuf};

use crate::id::Id;
use crate::root::Root;

/// Locked for every change of the control plane.
pub(crate) const LOCK: &str = "lock";

/// Which file of a connection, which is there until the second side has mapped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionName {
    /// The second side has not looked yet.
    Waiting,
    /// The second side could not map it for want of descriptors or memory, and tries again.
    Deferred,
    /// The client, a port of `node`, has left, and the server has not looked. Numbered in the order in which clients left.
    Departed { number: u64, node: Id },
}

/// Connection of a client and a server.
pub(crate) fn connection(client: Id, server: Id) -> String {
    ConnectionName::Waiting.file(client, server)
}

impl ConnectionName {
    /// The file's name.
    pub fn file(self, client: Id, server: Id) -> String {
        match self {
            Self::Waiting => format!("connection-{client}-{server}"),
            Self::Deferred => format!("deferred-{client}-{server}"),
            Self::Departed { number, node } => format!("departed-{number}-{node}-{client}-{server}"),
        }
    }

    /// Reads a file's name: which one, client and server.
    pub fn of(name: &str) -> Option<(Self, Id, Id)> {
        let (kind, ids) = name.split_once('-')?;
        let (kind, ids) = match kind {
            "connection" => (Self::Waiting, ids),
            "deferred" => (Self::Deferred, ids),
            "departed" => {
                let (number, ids) = ids.split_once('-')?;
                let (node, ids) = ids.split_once('-')?;
                (Self::Departed { number: number.parse().ok()?, node: node.parse().ok()? }, ids)
            }
            _ => return None,
        };
        let (client, server) = ids.split_once('-')?;
        Some((kind, client.parse().ok()?, server.parse().ok()?))
    }
}

/// A connection that a port of a node is still making.
pub(crate) fn unfinished_connection(node: Id, client: Id, server: Id) -> String {
    format!("unfinished-{node}-{client}-{server}")
}

/// The node of an unfinished connection's file name.
pub(crate) fn unfinished_owner(name: &str) -> Option<Id> {
    name.strip_prefix("unfinished-")?.split_once('-')?.0.parse().ok()
}

/// Payload segment `number` of a port of a node. The port removes it itself, at last with the last handle made from it;
/// where its node is dead, whoever cleans up does.
pub(crate) fn segment(node: Id, port: Id, number: u16) -> String {
    format!("segment-{node}-{port}-{number}")
}

/// The node and the port of a segment's file name.
pub(crate) fn segment_owner(name: &str) -> Option<(Id, Id)> {
    let mut parts = name.strip_prefix("segment-")?.splitn(3, '-');
    let ids = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next()?.parse::<u16>().ok()?;
    Some(ids)
}

/// Payload segment `number` of a port that is gone, left for the one reader that has messages in it, a port of `node`.
pub(crate) fn handover(sender: Id, number: u16, [node, reader]: [Id; 2]) -> String {
    format!("handover-{sender}-{number}-{node}-{reader}")
}

/// A handed-over segment, as its file name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HandoverName {
    pub sender: Id,
    /// Node of the reader.
    pub node: Id,
    pub reader: Id,
}

/// Reads a handed-over segment's file name.
pub(crate) fn handover_ids(name: &str) -> Option<HandoverName> {
    let mut parts = name.strip_prefix("handover-")?.splitn(4, '-');
    let sender = parts.next()?.parse().ok()?;
    parts.next()?.parse::<u16>().ok()?;
    Some(HandoverName { sender, node: parts.next()?.parse().ok()?, reader: parts.next()?.parse().ok()? })
}

/// Bell of a port: a named pipe.
pub(crate) fn bell(port: Id) -> String {
    format!("bell-{port}")
}

/// The port of a bell's file name.
pub(crate) fn bell_owner(name: &str) -> Option<Id> {
    name.strip_prefix("bell-")?.parse().ok()
}

/// A folder that is being made or removed by a node.
pub(crate) fn temporary_folder(root: &Root, owner: Id) -> io::Result<PathBuf> {
    Ok(root.services().join(format!("temporary-{owner}-{}", Id::random()?)))
}

/// The node of a temporary folder's name.
pub(crate) fn temporary_owner(name: &str) -> Option<Id> {
    name.strip_prefix("temporary-")?.split_once('-')?.0.parse().ok()
}

/// Whether a path is a symbolic link, through which nothing is ever opened (RR-BAD-03).
pub(crate) fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

/// Whether what could not be opened as a file is none: nothing, a folder, a link, a pipe. That is damage and stays so;
/// every other reason, such as a shortage of descriptors, may be gone the next time.
pub(crate) fn is_no_file(path: &Path) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => !meta.is_file(),
        Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

/// Removes a file; one that is gone already is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    ignore_missing(std::fs::remove_file(path))
}

/// Removes a folder with all that is in it; one that is gone already is fine.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    ignore_missing(std::fs::remove_dir_all(path))
}

/// Takes a service's folder away in one step: its temporary name, to be removed.
pub(crate) fn take_folder_away(root: &Root, folder: &Path, by: Id) -> io::Result<PathBuf> {
    let aside = temporary_folder(root, by)?;
    ignore_missing(std::fs::rename(folder, &aside))?;
    Ok(aside)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_told_from_what_cannot_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, missing] = ["file", "link", "missing"].map(|name| folder.path().join(name));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(!is_no_file(&file));
        for other in [&link, &missing, &file.join("below a file"), &folder.path().to_owned()] {
            assert!(is_no_file(other), "{}", other.display());
        }
    }

    #[test]
    fn names_tell_whose_they_are() {
        let [a, b] = [Id::random().unwrap(), Id::random().unwrap()];
        for kind in
            [ConnectionName::Waiting, ConnectionName::Deferred, ConnectionName::Departed { number: 71, node: b }]
        {
            assert_eq!(ConnectionName::of(&kind.file(a, b)), Some((kind, a, b)));
        }
        assert_eq!(unfinished_owner(&unfinished_connection(a, b, a)), Some(a));
        assert_eq!(segment_owner(&segment(a, b, 7)), Some((a, b)));
        assert_eq!(bell_owner(&bell(a)), Some(a));
        assert_eq!(handover_ids(&handover(a, 7, [b, a])), Some(HandoverName { sender: a, node: b, reader: a }));
        for other in
            ["lock", "registry", "static.toml", "connection-1-2", "segment-x-0-1", "handover-1-2-3", "departed-1"]
        {
            assert_eq!((ConnectionName::of(other), segment_owner(other)), (None, None));
            assert_eq!((handover_ids(other), temporary_owner(other), unfinished_owner(other)), (None, None, None));
        }
    }
}
