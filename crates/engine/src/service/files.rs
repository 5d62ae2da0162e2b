//! Names of the files and folders of a service.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::found;
use crate::id::Id;
use crate::root::Root;

/// Locked for every change of the control plane.
pub(crate) const LOCK: &str = "lock";

/// What a file of a service is, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileName {
    /// Of a client and a server.
    Connection(ConnectionName, [Id; 2]),
    /// A connection that a port of a node is still making.
    Unfinished { node: Id },
    /// A payload segment of a port of a node. The port removes it itself, at last with the last handle made from it; where
    /// its node is dead, whoever cleans up does.
    Segment { node: Id, port: Id },
    /// A payload segment of a port that is gone, left for the one reader that has messages in it, a port of `node`.
    Handover { sender: Id, node: Id, reader: Id },
    /// A port's named pipe.
    NotificationPipe { port: Id },
}

/// Which file of a connection, which is there until the second side has mapped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionName {
    /// The second side has not looked yet.
    Waiting,
    /// The second side could not map it for lack of descriptors or memory, and tries again.
    Deferred,
    /// The client, a port of `node`, has left, and the server has not looked. Numbered in the order in which clients left.
    Departed { number: u64, node: Id },
}

impl ConnectionName {
    /// The file's name.
    pub fn file(self, [client, server]: [Id; 2]) -> String {
        match self {
            Self::Waiting => format!("connection-{client}-{server}"),
            Self::Deferred => format!("deferred-{client}-{server}"),
            Self::Departed { number, node } => format!("departed-{number}-{node}-{client}-{server}"),
        }
    }
}

pub(crate) fn unfinished_connection(node: Id, [client, server]: [Id; 2]) -> String {
    format!("unfinished-{node}-{client}-{server}")
}

pub(crate) fn segment(node: Id, port: Id, number: u16) -> String {
    format!("segment-{node}-{port}-{number}")
}

pub(crate) fn handover(sender: Id, number: u16, [node, reader]: [Id; 2]) -> String {
    format!("handover-{sender}-{number}-{node}-{reader}")
}

pub(crate) fn notification_pipe(port: Id) -> String {
    format!("bell-{port}")
}

impl FileName {
    /// Reads a file's name.
    pub fn of(name: &str) -> Option<Self> {
        let id = |text: &str| text.parse::<Id>().ok();
        let is_number = |text: &str| text.parse::<u16>().is_ok();
        Some(match name.split('-').collect::<Vec<_>>()[..] {
            ["connection", client, server] => Self::Connection(ConnectionName::Waiting, [id(client)?, id(server)?]),
            ["deferred", client, server] => Self::Connection(ConnectionName::Deferred, [id(client)?, id(server)?]),
            ["departed", number, node, client, server] => {
                let kind = ConnectionName::Departed { number: number.parse().ok()?, node: id(node)? };
                Self::Connection(kind, [id(client)?, id(server)?])
            }
            ["unfinished", node, ..] => Self::Unfinished { node: id(node)? },
            ["segment", node, port, number] if is_number(number) => Self::Segment { node: id(node)?, port: id(port)? },
            ["handover", sender, number, node, reader] if is_number(number) => {
                Self::Handover { sender: id(sender)?, node: id(node)?, reader: id(reader)? }
            }
            ["bell", port] => Self::NotificationPipe { port: id(port)? },
            _ => return None,
        })
    }
}

/// The files in a service's folder whose names tell whose they are.
///
/// # Errors
/// Those of the system.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<(FileName, PathBuf)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().and_then(FileName::of) {
            files.push((name, entry.path()));
        }
    }
    Ok(files)
}

/// The last part of a path, if it is text.
pub(crate) fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
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
    found(std::fs::remove_file(path)).map(drop)
}

/// Removes a folder with all that is in it; one that is gone already is fine.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    found(std::fs::remove_dir_all(path)).map(drop)
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
            assert_eq!(FileName::of(&kind.file([a, b])), Some(FileName::Connection(kind, [a, b])));
        }
        assert_eq!(FileName::of(&unfinished_connection(a, [b, a])), Some(FileName::Unfinished { node: a }));
        assert_eq!(FileName::of(&segment(a, b, 7)), Some(FileName::Segment { node: a, port: b }));
        assert_eq!(FileName::of(&notification_pipe(a)), Some(FileName::NotificationPipe { port: a }));
        let handed_over = FileName::Handover { sender: a, node: b, reader: a };
        assert_eq!(FileName::of(&handover(a, 7, [b, a])), Some(handed_over));
        for other in
            ["lock", "registry", "static.toml", "connection-1-2", "segment-x-0-1", "handover-1-2-3", "departed-1"]
        {
            assert_eq!((FileName::of(other), temporary_owner(other)), (None, None));
        }
    }
}
