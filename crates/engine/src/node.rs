//! Nodes: one for each use of the engine in a process, alive as long as it holds the lock on its file.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::config::Config;
use super::error::{NamespaceGone, NodeError, SystemContext};
use super::id::Id;
use super::liveness::{self, NAME_BYTES_MAX, NodeInfo};
use super::lock;
use super::root::Root;
use super::service::cleanup;

/// Owner of services and ports. Cloning gives another handle to the same node; it is gone when the last handle and
/// everything made from it are dropped.
///
/// ```
/// use shmark_engine::{Node, NodeState};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("namespace");
/// // A namespace of its own. Without `root`, all programs of this user meet.
/// let node = Node::builder().name("camera").root(&path).create()?;
/// let [listed] = node.list()?.try_into().expect("this namespace is new");
/// assert_eq!((listed.name.as_str(), listed.state), ("camera", NodeState::Alive));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Node {
    pub(crate) inner: Arc<NodeInner>,
}

#[derive(Debug)]
pub(crate) struct NodeInner {
    pub(crate) root: Root,
    /// Read once, when the node was made.
    pub(crate) config: Config,
    pub(crate) id: Id,
    name: String,
    /// Holds the lock that says "alive".
    alive: File,
    /// How many handles of this node use a service, by folder: a node counts once in a service (RR-SVC-11). Held while a
    /// service is opened or left, so that the two never interleave within a process.
    pub(crate) services: Mutex<HashMap<String, usize>>,
    /// Something could not be undone: the file stays and lets others do it.
    pub(crate) left_behind: AtomicBool,
}

impl NodeInner {
    /// Notices that the namespace was removed or moved beneath the node: nobody else finds it any more. Two system calls,
    /// which may be made every 100 ms.
    ///
    /// # Errors
    /// [`NamespaceGone`].
    pub(crate) fn check_linked(&self) -> Result<(), NamespaceGone> {
        match lock::is_still_at(&self.alive, &self.root.node(self.id)) {
            Ok(true) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotADirectory => Ok(()), // It cannot be told.
            _ => Err(NamespaceGone { path: self.root.path().to_owned() }),
        }
    }
}

/// Builds a [`Node`].
#[derive(Debug, Clone, Default)]
pub struct NodeBuilder {
    name: String,
    root: Option<PathBuf>,
    config: Option<Config>,
}

impl NodeBuilder {
    /// With default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the node, for listings.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Takes these defaults instead of those of the configuration file, which is then not read.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Puts the node into another namespace than that of the environment or the configuration: an absolute path.
    #[must_use]
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// Creates the node, and cleans up what dead ones left in its namespace.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn create(self) -> Result<Node, NodeError> {
        if self.name.len() > NAME_BYTES_MAX {
            return Err(NodeError::NameTooLong { bytes: self.name.len() });
        }
        let config = self.config.map_or_else(Config::load, Ok)?;
        let root = self.root.map_or_else(|| Root::from_environment(&config), |path| Root::at(&path))?;
        let id = Id::random().doing("making a node id")?;
        let alive = liveness::create(&root, id, &self.name).at("creating the node's lock", &root.nodes())?;
        let (name, services, left_behind) = (self.name, Mutex::default(), AtomicBool::new(false));
        let inner = Arc::new(NodeInner { root, config, id, name, alive, services, left_behind });
        // What cannot be cleaned now is tried again by the next one; a new node does not fail because of an old one.
        let _ = cleanup::clean_dead_nodes(&inner.root);
        Ok(Node { inner })
    }
}

impl Node {
    /// A builder with default settings.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::new()
    }

    /// Identity.
    pub fn id(&self) -> Id {
        self.inner.id
    }

    /// Name, empty unless one was given.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// All nodes of the namespace ([RR-LIV-06](crate#requirements)).
    ///
    /// # Errors
    /// [`NodeError::NamespaceGone`]; [`NodeError::System`] if the namespace cannot be read.
    pub fn list(&self) -> Result<Vec<NodeInfo>, NodeError> {
        self.inner.check_linked()?;
        let root = &self.inner.root;
        Ok(liveness::list(root).at("listing nodes", root.path())?)
    }

    /// All nodes of a namespace, for somebody who has no node in it: creating one would clean up after the dead ones.
    ///
    /// # Errors
    /// As [`Root::at`]; [`NodeError::System`] if the namespace cannot be read.
    pub fn list_in(root: impl AsRef<Path>) -> Result<Vec<NodeInfo>, NodeError> {
        let root = Root::at(root.as_ref())?;
        Ok(liveness::list(&root).at("listing nodes", root.path())?)
    }

    /// Cleans up after the dead nodes of a namespace: `(cleaned, failed)`. Creating a node does that too.
    ///
    /// # Errors
    /// As [`Root::at`]; [`NodeError::System`] if the namespace cannot be read.
    pub fn clean_up(root: impl AsRef<Path>) -> Result<(usize, usize), NodeError> {
        let root = Root::at(root.as_ref())?;
        Ok(cleanup::clean_dead_nodes(&root).at("cleaning up dead nodes", root.path())?)
    }
}

impl Drop for NodeInner {
    fn drop(&mut self) {
        if self.left_behind.load(Ordering::Relaxed) {
            return; // Relaxed: the reference count orders it after every store.
        }
        // Unlinked while the lock is held: nobody ever sees this node dead. If it fails, the file is found unlocked later.
        let _ = std::fs::remove_file(self.root.node(self.id));
        let _ = cleanup::clean_dead_nodes(&self.root);
    }
}
