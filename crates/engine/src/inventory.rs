//! What is in a namespace, seen from outside, and what processes that died have left of it (RR-SVC-13, RR-LIV-06).
//!
//! Looking makes, changes and cleans nothing. What is left is almost always gone before anybody looks, because every
//! engine that starts cleans; what stays is what nobody came for.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::error::{NodeError, ServiceError, SystemContext, found};
use super::id::Id;
use super::liveness::{self, NodeInfo, NodeState};
use super::lock;
use super::node::Node;
use super::root::Root;
use super::service::registry::Registry;
use super::service::{ServiceInfo, StaticConfig, cleanup, files, info};

/// Everything in a namespace at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Nodes, the dead ones too.
    pub nodes: Vec<NodeInfo>,
    /// Services that a node has open which is not dead, by name.
    pub services: Vec<ServiceInfo>,
    /// What should not be there, by kind and path.
    pub remains: Vec<Remains>,
}

/// Something that should not be there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remains {
    /// What it is.
    pub kind: RemainsKind,
    /// Where, relative to the namespace.
    pub path: PathBuf,
    /// Name of the node or service, or what is wrong with it; may be empty.
    pub detail: String,
}

/// What remains are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemainsKind {
    /// A node whose process has ended without leaving.
    DeadNode,
    /// A node that was being made when its process ended.
    UnfinishedNode,
    /// A service that no node has open which is not dead.
    AbandonedService,
    /// A service that was being made or removed when its process ended.
    UnfinishedService,
    /// A service whose files are not as they have to be. Nobody can open it, but somebody may still have it open.
    DamagedService,
    /// Nothing of this engine; never removed.
    Foreign,
}

/// What cleaning did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaning {
    /// What is gone.
    pub removed: Vec<Remains>,
    /// What is still there, and why.
    pub kept: Vec<(Remains, String)>,
}

impl Inventory {
    /// Looks at a namespace. What comes or goes meanwhile may be in it or not.
    ///
    /// # Errors
    /// [`NodeError::System`] if the namespace cannot be read.
    pub fn of(root: &Root) -> Result<Self, NodeError> {
        Ok(Self::look_at(root).at("looking at the namespace", root.path())?)
    }

    fn look_at(root: &Root) -> io::Result<Self> {
        let mut inventory = Self { nodes: liveness::list(root)?, services: Vec::new(), remains: Vec::new() };
        inventory.scan_root(root)?;
        inventory.scan_nodes(root)?;
        for entry in std::fs::read_dir(root.services())? {
            inventory.scan_service(root, &entry?.path())?;
        }
        inventory.services.sort_by(|a, b| a.name.cmp(&b.name));
        inventory.remains.sort();
        Ok(inventory)
    }

    /// Removes what dead processes have left in a namespace, and nothing that a living one may use.
    ///
    /// Any number of processes may do so at once, and be killed while they do.
    ///
    /// # Errors
    /// [`NodeError`] if the namespace cannot be read, or there is no room for one more node.
    pub fn clean(root: &Root) -> Result<Cleaning, NodeError> {
        let before = Self::of(root)?;
        let mut reasons = Vec::new();
        if before.remains.iter().any(|remains| remains.kind != RemainsKind::Foreign) {
            // Cleans up after dead nodes. What this one leaves if it is killed now is cleaned by the next.
            let cleaner = Node::builder().config(Config::default()).root(root.path()).name("shmark clean").create()?;
            reasons = cleanup::clean_orphans(root, cleaner.id());
        }
        let after = Self::of(root)?;
        let is_left = |remains: &Remains| after.remains.iter().any(|left| left.path == remains.path);
        let removed = before.remains.into_iter().filter(|remains| !is_left(remains)).collect();
        let with_reason = |remains: Remains| {
            let known = reasons.iter().find(|(path, _)| root.path().join(&remains.path) == *path);
            let reason = known.map_or_else(|| remains.kind.why_kept().to_owned(), |(_, reason)| reason.clone());
            (remains, reason)
        };
        Ok(Cleaning { removed, kept: after.remains.into_iter().map(with_reason).collect() })
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.services.is_empty() && self.remains.is_empty()
    }

    fn remains(&mut self, kind: RemainsKind, path: &Path, detail: impl Into<String>) {
        let folder = path.parent().and_then(Path::file_name).map(PathBuf::from).unwrap_or_default();
        let path = folder.join(path.file_name().unwrap_or_default());
        self.remains.push(Remains { kind, path, detail: detail.into() });
    }

    /// Whether a node may still do something: all but the dead, and those that have no file.
    fn may_live(&self, root: &Root, id: Id) -> io::Result<bool> {
        match self.nodes.iter().find(|node| node.id == id) {
            Some(node) => Ok(node.state != NodeState::Dead),
            // One that is not listed may be newer than the list.
            None => root.node(id).try_exists(),
        }
    }

    fn scan_root(&mut self, root: &Root) -> io::Result<()> {
        for entry in std::fs::read_dir(root.path())? {
            let name = PathBuf::from(entry?.file_name());
            if name != Path::new("nodes") && name != Path::new("services") {
                self.remains.push(Remains { kind: RemainsKind::Foreign, path: name, detail: String::new() });
            }
        }
        Ok(())
    }

    fn scan_nodes(&mut self, root: &Root) -> io::Result<()> {
        let dead: Vec<_> = self.nodes.iter().filter(|node| node.state == NodeState::Dead).cloned().collect();
        for node in dead {
            self.remains(RemainsKind::DeadNode, &root.node(node.id), node.name);
        }
        for entry in std::fs::read_dir(root.nodes())? {
            let path = entry?.path();
            let name = files::name_of(&path);
            if name.parse::<Id>().is_ok() {
                continue;
            }
            match lock::claim(&path) {
                // One that is being made is locked, but for a moment.
                Ok(Some(_)) => self.remains(RemainsKind::UnfinishedNode, &path, ""),
                Ok(None) => {}
                Err(_) if files::is_no_file(&path) => self.remains(RemainsKind::Foreign, &path, ""),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn scan_service(&mut self, root: &Root, folder: &Path) -> io::Result<()> {
        let name = files::name_of(folder);
        if let Some(owner) = files::temporary_owner(name) {
            if !self.may_live(root, owner)? && folder.try_exists()? {
                self.remains(RemainsKind::UnfinishedService, folder, "");
            }
            return Ok(());
        }
        let Some(meta) = found(std::fs::symlink_metadata(folder))? else { return Ok(()) };
        if !meta.is_dir() || name.parse::<Id>().is_err() {
            // Not even opened: opening a pipe would not end.
            self.remains(RemainsKind::Foreign, folder, "");
            return Ok(());
        }
        // Opened first, to tell afterwards whether it was there all the time.
        let Some(there) = found(File::open(folder))? else { return Ok(()) };
        let service = read_service_files(folder);
        if !lock::is_still_at(&there, folder)? {
            return Ok(());
        }
        match service {
            Ok(service) => {
                let lives = service.nodes.iter().map(|id| self.may_live(root, *id));
                if lives.collect::<io::Result<Vec<_>>>()?.contains(&true) {
                    self.services.push(service);
                } else {
                    self.remains(RemainsKind::AbandonedService, folder, service.name);
                }
            }
            Err(error) if error.is_damage() => self.remains(RemainsKind::DamagedService, folder, error.to_string()),
            Err(error) => return Err(error.into_io()),
        }
        Ok(())
    }
}

/// What a service's files say, under its lock, so that nobody is changing them. If somebody holds the lock and does not go
/// on, without.
fn read_service_files(folder: &Path) -> Result<ServiceInfo, ServiceError> {
    let what = "looking at a service";
    let path = folder.join(files::LOCK);
    let file = match lock::open(&path, false) {
        Err(error) if files::is_no_file(&path) => {
            return Err(ServiceError::Corrupted { file: "lock", reason: error.to_string() });
        }
        opened => opened.doing(what)?,
    };
    let _guard = match lock::acquire(&file, &path) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => None,
        locked => Some(locked.doing(what)?),
    };
    let config = StaticConfig::read(folder)?;
    let registry = Registry::open(folder, &config.settings)?;
    Ok(info(&config, &registry).doing(what)?)
}

impl RemainsKind {
    /// Why something of this kind is kept, and what to do, if nothing better is known.
    pub fn why_kept(self) -> &'static str {
        match self {
            Self::DamagedService => "a node is alive that may use it: end its process, then clean again",
            Self::Foreign => "this engine has not made it: remove it by hand if nobody needs it",
            _ => "it could not be removed, or is new: look at its permissions and clean again",
        }
    }
}
